"""What a user would write with dask, scipy and scikit-learn alone: stack, rechunk, normalize, savgol, predict.

    python plain_dask.py SCAN MODEL OUT

Kept short and fair: blocks hold all energies, each block is worked on by vectorized numpy and scipy, threads do the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import dask
import dask.array as da
import joblib
import numpy as np
import tifffile
from scipy.signal import savgol_filter

E0 = 7112.0


def main(scan: Path, model: Path, out: Path) -> None:
    """Class map and fractions as npy files."""
    energy = np.genfromtxt(scan / "energies.csv", delimiter=",", skip_header=1, ndmin=2)[:, -1]
    files = sorted((scan / "sample").glob("*.tif"))
    first = tifffile.imread(files[0])
    read = dask.delayed(tifffile.imread)
    images = da.stack([da.from_delayed(read(file), first.shape, first.dtype) for file in files])
    flat = tifffile.imread(next((scan / "flat").glob("*.tif")))
    dark = np.mean(
        [tifffile.imread(file) for file in (scan / "dark").glob("*.tif")], axis=0, dtype=np.float32
    )
    mu = -da.log((images - dark) / (flat - dark)).astype(np.float32)
    mu = mu.rechunk((-1, 128, 128))
    known = joblib.load(model)
    forest, compositions, grid = known["forest"], known["compositions"], known["energy"]
    forest.n_jobs = 1
    pre, post = (energy >= E0 - 60) & (energy < E0 - 12), energy >= E0 + 40
    step = float(np.median(np.diff(energy)))
    used = np.searchsorted(energy, grid)

    def classify(block: np.ndarray) -> np.ndarray:
        pixels = np.nan_to_num(block.reshape(len(energy), -1), posinf=0, neginf=0)
        line = np.linalg.lstsq(np.vander(energy[pre] - E0, 2), pixels[pre], rcond=None)[0]
        flattened = pixels - np.vander(energy - E0, 2) @ line
        curve = np.linalg.lstsq(np.vander(energy[post] - E0, 2), flattened[post], rcond=None)[0]
        with np.errstate(
            invalid="ignore", divide="ignore"
        ):  # dead pixels; savgol_filter refuses what is not finite
            norm = np.nan_to_num(flattened / curve[-1], posinf=0, neginf=0)
        slope = savgol_filter(norm, 5, 2, deriv=1, delta=step, axis=0)
        features = slope[used].T.astype(np.float32)
        votes = forest.predict_proba(features)
        found = np.column_stack([votes.argmax(axis=1), votes @ compositions])
        return found.T.reshape(-1, *block.shape[1:]).astype(np.float32)

    maps = mu.map_blocks(classify, chunks=((1 + compositions.shape[1],), *mu.chunks[1:]), dtype=np.float32)
    np.save(out, maps.compute())


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
