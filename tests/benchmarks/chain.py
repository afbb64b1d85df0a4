"""The chain of steps over blocks, as `xafsflow run` computes it, beside the same chain of numpy and scipy calls.

    python tests/benchmarks/chain.py [--rows 96] [--columns 1200] [--json FILE]

One core, one process; both sides of a line run in turn and the ratio of their medians counts. The plain side is given
what suits it: even energies, linear interpolation, no NaN, blocks of the same size, results that stay in memory.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import dask
import numpy as np
import xarray as xr
from scipy import ndimage, signal
from threadpoolctl import threadpool_limits

import xafsflow as xf
from xafsflow.blocks.field import values_over_field
from xafsflow.blocks.outputs import Output, block_shape
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.kernels.images import neighbors as near
from xafsflow.kernels.images.local_quadratic import local_quadratic
from xafsflow.kernels.images.neighborhood import Neighborhood
from xafsflow.kernels.spectra import absorbance as absorb
from xafsflow.kernels.spectra import derivative
from xafsflow.kernels.spectra import energy_shift as shift
from xafsflow.kernels.spectra import normalization as normalize
from xafsflow.kernels.spectra.normalization_windows import Windows
from xafsflow.phantom import Phantom, as_dataset
from xafsflow.vocabulary import MAP

Work = Callable[[], object]
E0, REPEATS = 7112.0, 5
WINDOWS = Windows(-60.0, -12.0, 40.0, None, 2)


def medians(ours: Work, theirs: Work) -> tuple[float, float]:
    """Median processor seconds of both, in turn, after one round that is not counted."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(REPEATS + 1):
        for times, work in zip(spent, (ours, theirs), strict=True):
            start = time.process_time()
            work()
            if turn:
                times.append(time.process_time() - start)
    return float(np.median(spent[0])), float(np.median(spent[1]))


def scan(rows: int, columns: int) -> tuple[xr.Dataset, xr.DataArray]:
    """Counts in memory on an even grid of energies, and a shift that varies over the field."""
    cube = as_dataset(Phantom(size=(rows, columns), seed=1, hole_share=0, dead_share=0)).compute()
    cube = cube.assign_coords(energy=np.linspace(7000.0, 7209.0, cube.sizes["energy"]))
    y, x = np.mgrid[:rows, :columns]
    moved = 0.5 * (y / rows - 0.5) + 0.3 * np.sin(x / 200)
    return cube, xr.DataArray(moved.astype(np.float32), dims=MAP)


def steps(cube: xr.Dataset, moved: xr.DataArray) -> Work:
    """The steps of a recipe, lazily over blocks, and the maps that come out."""
    height, width = block_shape(cube.sizes["energy"], cube.sizes["y"], cube.sizes["x"])
    lazy = cube.chunk(energy=-1, y=height, x=width)
    found = xf.correct.absorbance(lazy)
    calibration = xf.calibrate.constant(found, shift=0.5)
    calibration["energy_shift"] = moved
    found = xf.calibrate.apply(found, calibration)
    found = xf.correct.average(found, window=3)
    found = xf.normalize.edge_step(found, e0=E0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=2)
    found = xf.derive.derivative(found, window=5.0)
    steepest = over_blocks(_steepest, [found.dmude], [Output("steepest", MAP, np.int64)])["steepest"]
    return lambda: values_over_field(
        {"steepest": steepest, "edge_step": found.edge_step, "flags": found.flags}
    )


def _steepest(slope: np.ndarray) -> np.ndarray:
    # Stands for whatever reads the last cube; as little as possible.
    place: np.ndarray = slope[100:110].argmax(axis=0)
    return place


def log(sample: np.ndarray, flat: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """Absorbance."""
    found: np.ndarray = -np.log((sample - dark) / (flat - dark))
    return found


def interpolate(energy: np.ndarray, mu: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Every pixel moved by `np.interp`."""
    pixels, by = np.ascontiguousarray(mu.reshape(len(energy), -1).T), moved.ravel()
    found = np.empty_like(pixels)
    for k in range(len(pixels)):
        found[k] = np.interp(energy - by[k], energy, pixels[k])
    return np.ascontiguousarray(found.T).reshape(mu.shape)


def fit(energy: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """Pre-edge line and post-edge parabola for all pixels by least squares."""
    pixels = mu.reshape(len(energy), -1)
    pre, post = (energy >= E0 - 60) & (energy < E0 - 12), energy >= E0 + 40
    line = np.linalg.lstsq(np.vander(energy[pre] - E0, 2), pixels[pre], rcond=None)[0]
    flat = pixels - (np.vander(energy - E0, 2) @ line).astype(np.float32)
    curve = np.linalg.lstsq(np.vander(energy[post] - E0, 3), flat[post], rcond=None)[0]
    found: np.ndarray = (flat / curve[-1].astype(np.float32)).reshape(mu.shape)
    return found


def slope(norm: np.ndarray, spacing: float) -> np.ndarray:
    """Savitzky-Golay."""
    found: np.ndarray = signal.savgol_filter(norm, 5, 2, deriv=1, delta=spacing, axis=0)
    return found


def plain(cube: xr.Dataset, moved: xr.DataArray, height: int) -> list[np.ndarray]:
    """The chain of plain calls, block by block of whole rows."""
    energy, dark = cube.energy.values, cube.dark.values.astype(np.float32)
    spacing, results = float(energy[1] - energy[0]), []
    for start in range(0, cube.sizes["y"], height):
        rows = slice(start, start + height)
        flat = cube.flat_field.values[:, rows].astype(np.float32)
        mu = log(cube.sample.values[:, rows].astype(np.float32), flat, dark[rows])
        mu = ndimage.uniform_filter(interpolate(energy, mu, moved.values[rows]), (0, 3, 3))
        results.append(slope(fit(energy, mu), spacing))
    return results


def lines(cube: xr.Dataset, moved: xr.DataArray) -> dict[str, tuple[Work, Work, int]]:
    """What is measured: ours, theirs, and the pixels of it; kernels on one block, the chain on all."""
    height, width = block_shape(cube.sizes["energy"], cube.sizes["y"], cube.sizes["x"])
    part, by = cube.isel(y=slice(height), x=slice(width)), moved[:height, :width].values.copy()
    energy = cube.energy.values
    spacing = float(energy[1] - energy[0])
    sample, flat, dark = (part[n].values.copy() for n in ("sample", "flat_field", "dark"))
    single = [array.astype(np.float32) for array in (sample, flat, dark)]
    mu = absorb.absorbance(sample, flat, dark, 1.0, 8)[0]
    keep = np.ones(by.shape, np.bool_)
    norm = fit(energy, mu)
    one = by.size
    quadratic = Neighborhood(5, "quadratic").weights.astype(np.float32)[None]
    return {
        "absorbance": (lambda: absorb.absorbance(sample, flat, dark, 1.0, 8), lambda: log(*single), one),
        "shift": (lambda: shift.move(energy, mu, by), lambda: interpolate(energy, mu, by), one),
        "3 x 3 mean": (
            lambda: near.box_mean(mu, keep, keep, 1),
            lambda: ndimage.uniform_filter(mu, (0, 3, 3)),
            one,
        ),
        "5 x 5 mean": (
            lambda: near.box_mean(mu, keep, keep, 2),
            lambda: ndimage.uniform_filter(mu, (0, 5, 5)),
            one,
        ),
        "5 x 5 quadratic": (
            lambda: local_quadratic(mu, keep, keep, 2, False),
            lambda: ndimage.convolve(mu, quadratic),
            one,
        ),
        "edge step": (
            lambda: normalize.edge_step(energy, mu, E0, WINDOWS),
            lambda: fit(energy, mu),
            one,
        ),
        "derivative": (
            lambda: derivative.derivative(energy, norm, 5.0),
            lambda: slope(norm, spacing),
            one,
        ),
        "chain": (steps(cube, moved), lambda: plain(cube, moved, height), moved.size),
    }


def main() -> None:
    """Print a line a step, and one for the chain."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--columns", type=int, default=1200)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    table = {}
    print(f"{'one core':<16}{'Mpx/s':>8}{'numpy, scipy':>14}{'ratio':>8}")
    # Processor time of all threads counts: BLAS must not spin on the other cores.
    with threadpool_limits(1), dask.config.set(scheduler="synchronous"):
        for name, (ours, theirs, pixels) in lines(*scan(chosen.rows, chosen.columns)).items():
            mine, other = medians(ours, theirs)
            table[name] = {
                "mpx_s": pixels / mine / 1e6,
                "plain_mpx_s": pixels / other / 1e6,
                "ratio": other / mine,
            }
            print(
                f"{name:<16}{pixels / mine / 1e6:8.2f}{pixels / other / 1e6:14.3f}{other / mine:8.1f}",
                flush=True,
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
