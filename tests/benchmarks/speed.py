"""Speed of each kernel beside an independent numpy or scipy program, and of ingest beside copying the files.

    python tests/benchmarks/speed.py [--rows 384] [--columns 704]

Both sides of a line run in turn in one process on one thread; the figure that counts is the ratio of their medians.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import dask
import numpy as np
from scipy import ndimage, signal, spatial

from xafsflow import ingest
from xafsflow.kernels import absorb, derivative, distance, edge, normalize
from xafsflow.kernels import spatial as near
from xafsflow.kernels.ranges import Windows
from xafsflow.phantom import Phantom, as_dataset, write_phantom
from xafsflow.store import write_cube

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


def kernel_table(rows: int, columns: int) -> None:
    """Print a line a kernel."""
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
    print(f"{'kernel, one thread':<28}{'Mpx/s':>8}{'numpy, scipy':>14}{'ratio':>8}")
    for name, (ours, theirs) in lines.items():
        mine, other = medians(ours, theirs)
        pixels = rows * columns / 1e6
        print(f"{name:<28}{pixels / mine:8.2f}{pixels / other:14.2f}{other / mine:8.1f}")


def ingest_line(rows: int, columns: int) -> None:
    """Print how long the cube takes from TIFF files to Zarr, and copying the files."""
    with tempfile.TemporaryDirectory() as folder:
        scan = write_phantom(Phantom(size=(rows, columns), seed=1, foil=None), Path(folder) / "scan")
        size = sum(path.stat().st_size for path in (scan / "sample").iterdir())

        def store() -> None:
            shutil.rmtree(Path(folder) / "cube.zarr", ignore_errors=True)
            cube = ingest.tiff_stack(scan, energies="energies.csv")
            write_cube(cube, Path(folder) / "cube.zarr", tile=64)

        def copy() -> None:
            shutil.rmtree(Path(folder) / "copy", ignore_errors=True)
            shutil.copytree(scan / "sample", Path(folder) / "copy")

        mine, other = medians(store, copy, 3)
        told = f"{mine:.2f} s; copying the files {other:.2f} s; ratio {mine / other:.1f}"
        print(f"\ningest of {size / 1e6:.0f} MB to Zarr: {told}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=384)
    parser.add_argument("--columns", type=int, default=704)
    chosen = parser.parse_args()
    with dask.config.set(num_workers=2):
        kernel_table(16, chosen.columns)
        ingest_line(chosen.rows, chosen.columns)


if __name__ == "__main__":
    main()
