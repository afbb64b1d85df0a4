"""What a user would write with dask, numpy, scipy and scikit-learn alone: stack, rechunk, a function over the blocks.

    python plain_dask.py SCAN MODEL OUT [--steps demo|stripped] [--rows N] [--tilt 0.15]

Kept short and fair: blocks hold all energies, each is worked on by vectorized numpy and scipy, threads do the rest. `demo`
does the steps of that recipe with three things spared: it is told the true tilt of the energies and reads no foil, finds
the flux from a few rows, and makes no report. `--rows` does the first rows alone, and reads no more of the files; what the
work took is in `work.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import joblib
import numpy as np
import tifffile
from scipy import ndimage, optimize, signal, spatial, stats

E0, TILE, HALO = 7112.0, 128, 3


def read(path: Path, rows: int) -> np.ndarray:
    """The first rows of an uncompressed image."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        shape, dtype, offset = page.shape, page.dtype, page.dataoffsets[0]
    return np.fromfile(path, dtype, rows * shape[1], offset=offset).reshape(rows, shape[1])


def stack(folder: Path, rows: int) -> da.Array:
    """Images as a lazy cube of tiles with all energies."""
    files = sorted(folder.glob("*.tif"))
    columns, later = read(files[0], 1).shape[1], dask.delayed(read)
    images = [da.from_delayed(later(file, rows), (rows, columns), np.float32) for file in files]
    return da.stack(images).rechunk((-1, TILE, TILE))


def absorbance(sample: np.ndarray, flat: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """Of counts; 0 where they are none."""
    return np.nan_to_num(-np.log((sample - dark) / (flat - dark)), posinf=0, neginf=0)


def normalized(pixels: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra `(energy, pixel)` without their first line and over the step at e0, and that step."""
    pre, post = (energy >= E0 - 60) & (energy < E0 - 12), energy >= E0 + 40
    line = np.linalg.lstsq(np.vander(energy[pre] - E0, 2), pixels[pre], rcond=None)[0]
    flattened = pixels - np.vander(energy - E0, 2) @ line
    step = np.linalg.lstsq(np.vander(energy[post] - E0, 2), flattened[post], rcond=None)[0][-1]
    return np.nan_to_num(flattened / step, posinf=0, neginf=0).astype(np.float32), step


def significance(mu: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """The step of the edge in standard errors, from two lines and the scatter below the edge."""
    weights = np.zeros(len(energy))
    for sign, inside in ((-1, energy <= E0 - 10), (1, energy >= E0 + 30)):
        weights[inside] += sign * np.linalg.pinv(np.vander(energy[inside] - E0, 2))[-1]
    bends = np.diff(mu[energy <= E0 - 10], 2, axis=0) / 2
    error = np.sqrt((bends**2).mean(axis=0) / 1.5 * (weights**2).sum())
    return np.tensordot(weights, mu, 1) / error


def distances(features: np.ndarray, centers: np.ndarray) -> list[np.ndarray]:
    """Four distances of spectra `(pixel, energy)`."""
    off, positive = features - centers, (np.clip(features, 0, None), np.clip(centers, 0, None))
    return [
        np.sqrt((off**2).sum(axis=1)),
        np.abs(off).sum(axis=1),
        spatial.distance.jensenshannon(*positive, axis=1),
        1
        - (features * centers).sum(axis=1)
        / np.linalg.norm(features, axis=1)
        / np.linalg.norm(centers, axis=1),
    ]


def combined(norm: np.ndarray, noise: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fractions that sum to one, and reduced chi-square, by non-negative least squares pixel by pixel."""
    fractions, square = np.empty((norm.shape[1], len(references))), np.empty(norm.shape[1])
    for pixel, (values, sigma) in enumerate(zip(norm.T, noise.T, strict=True)):
        # A heavy last row holds the sum at one.
        matrix = np.vstack([references.T / sigma[:, None], np.full(len(references), 1e5)])
        fractions[pixel], rest = optimize.nnls(matrix, np.append(values / sigma, 1e5))
        square[pixel] = rest**2 / (len(values) - len(references) + 1)
    return fractions, square


class Demo:
    """The steps of demo.yaml over a block with its halo."""

    def __init__(self, energy: np.ndarray, known: dict[str, Any], flux: np.ndarray) -> None:
        self.energy, self.known, self.flux = energy, known, flux.astype(np.float32)
        self.used = np.searchsorted(energy, known["energy"])
        free = len(self.used) - len(known["references"]) + 1
        self.limit = stats.chi2.ppf(0.99, free) / free
        self.sums: list[np.ndarray] = []

    def corrected(
        self, sample: np.ndarray, flat: np.ndarray, dark: np.ndarray, shift: np.ndarray
    ) -> np.ndarray:
        """Absorbance, mended, on common energies, NaN where there is no sample."""
        mu, light = absorbance(sample, flat, dark), flat.mean(axis=0) - dark
        usual, usual_dark = (ndimage.median_filter(image, 5) for image in (light, dark))
        dead = (np.abs(light - usual) > 0.3 * usual) | (np.abs(dark - usual_dark) > 0.3 * usual)
        for y, x in np.argwhere(dead):
            around = slice(max(0, y - 2), y + 3), slice(max(0, x - 2), x + 3)
            mu[:, y, x] = mu[:, *around][:, ~dead[around]].mean(axis=1)
        empty = ~(significance(mu, self.energy) >= 5)
        mu -= self.flux[:, None, None]
        for y, x in np.argwhere(~empty):
            mu[:, y, x] = np.interp(self.energy - shift[y, x], self.energy, mu[:, y, x])
        kept = ndimage.uniform_filter((~empty).astype(np.float32), 3)
        mean = ndimage.uniform_filter(np.where(empty, 0, mu), (1, 3, 3)) / np.maximum(kept, 0.1)
        return np.where(empty, np.nan, mean)

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """Maps of the inner part of a block."""
        inner = slice(HALO, -HALO)
        mu = self.corrected(*arrays)[:, inner, inner]
        maps = np.full((14, *mu.shape[1:]), np.nan, np.float32)
        good = np.isfinite(mu).all(axis=0)
        if good.any():
            sample, flat = (array[:, inner, inner][:, good] for array in arrays[:2])
            # A mean of nine has a third of the noise.
            maps[:, good] = self.judged(mu[:, good], np.sqrt(1 / sample + 1 / flat) / 3)
        return maps

    def judged(self, mu: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """All maps of pixels `(energy, pixel)`."""
        norm, step = normalized(mu, self.energy)
        after = (norm >= 0.5).argmax(axis=0)
        low, high = (norm[at, np.arange(len(at))] for at in (np.maximum(after - 1, 0), after))
        e0 = self.energy[after] - (high - 0.5) / (high - low) * np.diff(self.energy, prepend=0)[after]
        features, sigma = norm[self.used], (noise / step)[self.used]
        votes = self.known["forest"].predict_proba(features.T)
        fraction, label = votes @ self.known["compositions"], votes.argmax(axis=1)
        fitted, square = combined(features, sigma, self.known["references"])
        apart = np.abs(fraction - fitted).sum(axis=1) / 2
        leads = fraction.argmax(axis=1)
        self.sums.append(np.stack([norm[:, leads == one].sum(axis=1) for one in range(fraction.shape[1])]))
        far = distances(features.T, self.known["centers"][label])
        unknown = square > self.limit
        return np.stack(
            [label, votes.max(axis=1), *fraction.T, *fitted.T, square, unknown, apart, e0, far[0], far[1]]
        )


class Stripped:
    """Absorbance, normalization, derivative and forest, as whole_run.yaml."""

    def __init__(self, energy: np.ndarray, known: dict[str, Any]) -> None:
        self.energy, self.known, self.used = energy, known, np.searchsorted(energy, known["energy"])
        self.step = float(np.median(np.diff(energy)))

    def __call__(self, sample: np.ndarray, flat: np.ndarray, dark: np.ndarray) -> np.ndarray:
        """Maps of a block."""
        norm, _ = normalized(absorbance(sample, flat, dark).reshape(len(self.energy), -1), self.energy)
        slope = signal.savgol_filter(norm, 5, 2, deriv=1, delta=self.step, axis=0)
        votes = self.known["forest"].predict_proba(slope[self.used].T.astype(np.float32))
        found = np.column_stack([votes.argmax(axis=1), votes @ self.known["compositions"]])
        return found.T.reshape(-1, *sample.shape[1:]).astype(np.float32)


def flux_of(scan: Path, energy: np.ndarray, dark: np.ndarray) -> np.ndarray:
    """What the pixels without sample in the first rows absorb, at every energy."""
    rows = min(16, len(dark))
    sample, flat = (
        np.stack([read(path, rows) for path in sorted((scan / kind).glob("*.tif"))])
        for kind in ("sample", "flat")
    )
    mu = absorbance(sample, flat, dark[:rows])
    return np.median(mu[:, ~(significance(mu, energy) >= 5)], axis=1)


def planned(scan: Path, known: dict[str, Any], rows: int, demo: bool, tilt: float) -> da.Array:
    """The lazy maps."""
    energy = np.genfromtxt(scan / "energies.csv", delimiter=",", skip_header=1, ndmin=2)[:, -1]
    sample = stack(scan / "sample", rows)
    dark = np.mean([read(path, rows) for path in (scan / "dark").glob("*.tif")], axis=0, dtype=np.float32)
    tiles = da.from_array(dark, chunks=(TILE, TILE))
    if not demo:
        flat = da.from_array(read(sorted((scan / "flat").glob("*.tif"))[0], rows), chunks=(TILE, TILE))
        work: Callable[..., np.ndarray] = Stripped(energy, known)
        chunks = ((1 + known["compositions"].shape[1],), *tiles.chunks)
        return da.map_blocks(work, sample, flat, tiles, chunks=chunks, dtype=np.float32)
    columns = dark.shape[1]
    shift = np.broadcast_to(tilt * (np.arange(columns) / (columns - 1) - 0.5), dark.shape)
    arrays = [sample, stack(scan / "flat", rows), tiles, da.from_array(shift, chunks=(TILE, TILE))]
    # Blocks narrower than the halo cannot be overlapped.
    depths = [dict.fromkeys(range(array.ndim - 2, array.ndim), HALO) for array in arrays]
    halos = [da.overlap.overlap(a, depth, "nearest") for a, depth in zip(arrays, depths, strict=True)]
    work = Demo(energy, known, flux_of(scan, energy, dark))
    return da.map_blocks(
        work, *halos, chunks=((14,), *tiles.chunks), dtype=np.float32, meta=np.empty((0, 0, 0))
    )


def main() -> None:
    """Maps as a npy file, and what the work took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("scan", "model", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--steps", choices=("demo", "stripped"), default="demo")
    parser.add_argument("--rows", type=int, help="the first rows of the field alone")
    parser.add_argument(
        "--tilt", type=float, default=0.15, help="true minus nominal energy, right minus left, eV"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)
    known = joblib.load(options.model)
    known["forest"].n_jobs = 1
    whole = len(tifffile.imread(next((options.scan / "sample").glob("*.tif"))))
    rows = min(options.rows or whole, whole)
    options.out.mkdir(parents=True)
    maps = planned(options.scan, known, rows, options.steps == "demo", options.tilt)
    before, start = os.times(), time.perf_counter()
    np.save(options.out / "maps.npy", maps.compute())
    after, wall = os.times(), time.perf_counter() - start
    took = {"wall": wall, "user": after.user - before.user, "system": after.system - before.system}
    (options.out / "work.json").write_text(json.dumps({"rows": rows, "of": whole, **took}))


if __name__ == "__main__":
    main()
