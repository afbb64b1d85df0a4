"""Coordination mapped over cubes of simulated library spectra: how many pixels are right, and how often sets hold.

    python tests/benchmarks/library_map.py [--learner kernel_ridge ...] [--seed 0]

Every pixel is a spectrum of another library than the training's, with noise .05 of the edge; the cube goes the whole way
through the package. Part `map` of `spectra.py` is the same.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.learning.samples.augmentation import with_noise
from xafsflow.phantom import simulated_library

CLASSES = [4, 5, 6]


def mapped(seed: int, chosen: list[str]) -> dict[str, Any]:
    """Cubes of 40 x 50 simulated spectra of another library, each a pixel, with noise .05, through the whole package."""
    print(
        "maps of 2000 pixels, noise .05, three simulated libraries of 3000 sites (asked .90, sets .88 to .92)"
    )
    found: dict[str, list[Any]] = {name: [] for name in ["random_forest", *chosen]}
    for one in range(3):
        for name, told_of in _mapped(seed + 10 * one, list(found)).items():
            found[name].append(told_of)
    for name, cubes in found.items():
        right, by_class, size, far = (np.array(values) for values in zip(*cubes, strict=True))
        print(
            f"  {name:44s} right {right.mean():.3f} {right.round(3).tolist()}, "
            f"sets {by_class.mean(axis=0).round(3).tolist()} "
            f"({by_class.min():.3f} to {by_class.max():.3f}), mean size {size.mean():.2f}, outside {far.mean():.3f}"
        )
    return found


def _mapped(seed: int, chosen: list[str]) -> dict[str, Any]:
    library, _ = xf.derive.structure(simulated_library(3000, seed, energies=160))
    other, _ = xf.derive.structure(simulated_library(4000, seed + 1, energies=160))
    other = other.isel(sample=np.flatnonzero(np.isin(other.coordination, CLASSES))[:2000])
    mu = with_noise(other.mu.values, 0.05, np.random.default_rng([seed, 4])).T.reshape(-1, 40, 50)
    cube = xr.Dataset(
        {
            "mu": (("energy", "y", "x"), mu),
            "mu_noise": (("energy", "y", "x"), np.full_like(mu, 0.05)),
            "flags": (("y", "x"), np.zeros(mu.shape[1:], np.uint8)),
        },
        {"energy": other.energy.values},
    )
    cube = xf.ingest.as_measured(cube)
    cube = xf.normalize.flat(cube, e0=7118.0, pre1=-22, pre2=-10, npre=0, norm1=40, nnorm=1)
    cube = xf.derive.noise(cube).compute()
    samples = xf.train.spectra(
        library, cube, label="coordination", keep=CLASSES, features=["spectrum", "derivative"], copies=2
    )
    truth = np.searchsorted(CLASSES, other.coordination.values).reshape(40, 50)
    found = {}
    for name in chosen:
        model, _ = xf.train.fit(samples, classifier=name, trees=200, seed=seed)
        maps = xf.classify.model(cube, model)
        covered = np.take_along_axis(maps.in_set.values, truth[None], 0)[0]
        found[name] = [
            float((maps.class_index.values == truth).mean()),
            [float(np.nanmean(covered[truth == one])) for one in range(len(CLASSES))],
            float(np.nanmean(maps.set_size)),
            float(np.nanmean(maps.outside)),
        ]
    return found


def main() -> None:
    """Map with the learners that are asked for, beside the default forest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--learner", nargs="+", default=["kernel_ridge"], help="classifiers")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    mapped(given.seed, given.learner)


if __name__ == "__main__":
    main()
