"""Speed of each kernel beside an independent numpy or scipy program, and beside the memory's bandwidth.

    python tests/benchmarks/speed.py [--rows 16] [--columns 704] [--json FILE]

Both sides of a line run in turn in one process on one thread; the figure that counts is the ratio of their medians.
The last column is what a kernel must read and write at least, beside what copying a block of this size reads and writes
in the same time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage, signal, spatial

from xafsflow.kernels.images import neighbors as near
from xafsflow.kernels.spectra import absorbance as absorb
from xafsflow.kernels.spectra import derivative
from xafsflow.kernels.spectra import edge_energy as edge
from xafsflow.kernels.spectra import normalization as normalize
from xafsflow.kernels.spectra import spectral_distance as distance
from xafsflow.kernels.spectra.normalization_windows import Windows
from xafsflow.phantom import Phantom, as_dataset

Work = Callable[[], object]
WINDOWS = Windows(-60.0, -12.0, 40.0, None, 2)
REPEATS = 5


def medians(ours: Work, theirs: Work, repeats: int = REPEATS) -> tuple[float, float]:
    """Median seconds of both, in turn, after one round that is not counted."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for times, work in zip(spent, (ours, theirs), strict=True):
            start = time.perf_counter()
            work()
            if turn:
                times.append(time.perf_counter() - start)
    return float(np.median(spent[0])), float(np.median(spent[1]))


def numpy_normalize(energy: np.ndarray, mu: np.ndarray, e0: float) -> np.ndarray:
    """Pre-edge line and post-edge parabola for all pixels by least squares."""
    pixels = mu.reshape(len(energy), -1)
    pre, post = (energy >= e0 - 60) & (energy < e0 - 12), energy >= e0 + 40
    line = np.linalg.lstsq(np.vander(energy[pre] - e0, 2), pixels[pre], rcond=None)[0]
    flat = pixels - np.vander(energy - e0, 2) @ line
    curve = np.linalg.lstsq(np.vander(energy[post] - e0, 3), flat[post], rcond=None)[0]
    return flat / curve[-1]


def scipy_distances(features: np.ndarray, index: np.ndarray, spectra: np.ndarray) -> list[np.ndarray]:
    """The four distances by scipy, all pixels of a class at once."""
    pixels, own = features.reshape(len(features), -1).T, spectra[index.ravel()]
    lowest = np.minimum(pixels.min(1), own.min(1))[:, None]
    shannon = spatial.distance.jensenshannon(pixels - lowest, own - lowest, axis=1)
    cosine = 1 - (pixels * own).sum(1) / np.sqrt((pixels**2).sum(1) * (own**2).sum(1))
    return [np.sqrt(((pixels - own) ** 2).sum(1)), np.abs(pixels - own).sum(1), shannon, cosine]


def kernel_table(rows: int, columns: int) -> dict[str, dict[str, float]]:
    """Print a line a kernel; the figures."""
    cube = as_dataset(Phantom(size=(rows, columns), seed=1, hole_share=0, dead_share=0)).compute()
    energy = cube.energy.values
    even = np.linspace(energy[0], energy[-1], energy.size)
    sample, flat, dark = cube.sample.values, cube.flat_field.values, cube.dark.values
    mu = absorb.absorbance(sample, flat, dark, 1.0, 8)[0]
    norm = normalize.edge_step(energy, mu, 7112.0, WINDOWS)[0].astype(np.float32)
    keep = np.ones((rows, columns), bool)
    spectra = norm.reshape(energy.size, -1)[:, ::997].T.copy()
    index = np.random.default_rng(0).integers(len(spectra), size=(rows, columns))

    def log() -> np.ndarray:
        found: np.ndarray = -np.log((sample - dark) / (flat - dark))
        return found

    lines: dict[str, tuple[Work, Work]] = {
        "absorbance": (lambda: absorb.absorbance(sample, flat, dark, 1.0, 8), log),
        "3 x 3 mean": (
            lambda: near.box_mean(mu, keep, keep, 1),
            lambda: ndimage.uniform_filter(mu, (0, 3, 3)),
        ),
        "edge step": (
            lambda: normalize.edge_step(energy, mu, 7112.0, WINDOWS),
            lambda: numpy_normalize(energy, mu, 7112.0),
        ),
        "derivative": (
            lambda: derivative.derivative(even, norm, 5 * (even[1] - even[0])),
            lambda: signal.savgol_filter(norm, 5, 2, deriv=1, delta=even[1] - even[0], axis=0),
        ),
        "e0, largest derivative": (
            lambda: edge.e0_largest_derivative(energy, norm),
            lambda: energy[np.gradient(norm, energy, axis=0).argmax(axis=0)],
        ),
        "distances": (
            lambda: distance.distances(norm, index, spectra),
            lambda: scipy_distances(norm, index, spectra),
        ),
    }
    copied = np.empty_like(mu)
    copy, _ = medians(lambda: np.copyto(copied, mu), lambda: None)
    bandwidth = 2 * mu.nbytes / copy
    print(f"copying a block of {mu.nbytes / 1e6:.0f} MB: {bandwidth / 1e9:.1f} GB/s read and written")
    print(f"{'kernel, one thread':<28}{'Mpx/s':>8}{'numpy, scipy':>14}{'ratio':>8}{'of the bandwidth':>18}")
    found = {}
    for name, (ours, theirs) in lines.items():
        mine, other = medians(ours, theirs)
        pixels = rows * columns / 1e6
        # A spectrum in; a spectrum out where the kernel does not sum it up.
        moved = mu.nbytes * (1 if name in ("e0, largest derivative", "distances") else 2)
        share = moved / mine / bandwidth
        print(f"{name:<28}{pixels / mine:8.2f}{pixels / other:14.2f}{other / mine:8.1f}{share:17.0%}")
        found[name] = {"mpx_s": pixels / mine, "other_mpx_s": pixels / other, "of_bandwidth": share}
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--columns", type=int, default=704)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = kernel_table(chosen.rows, chosen.columns)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
