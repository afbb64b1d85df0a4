"""Error of the shares of `classify.combination` by the way neighbors are averaged, on sharp and on smooth scans.

    python tests/benchmarks/average.py [--size 64 80] [--counts 24000 2000] [--seeds 3] [--json FILE]

Root mean square over pixels and references of the shares against the truth of the pixel itself, median over the seeds, and
the range of their ratios to that of a 3 x 3 mean. The energy shift is the true one: what is left are noise, blur, and what
the normalization of a short scan takes. Own phantom.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.phantom import Phantom, as_dataset, truth

WAYS: dict[str, dict[str, Any]] = {
    "none": {},
    "mean 3": {"window": 3},
    "mean 5": {"window": 5},
    "quadratic 5": {"window": 5, "method": "quadratic"},
    "quadratic 7": {"window": 7, "method": "quadratic"},
}
USUAL = "mean 3"
KINDS: dict[str, dict[str, Any]] = {
    "grains of 6": {"pattern": "grains", "grain": 6.0},
    "grains of 10": {"pattern": "grains", "grain": 10.0},
    "smooth": {"pattern": "smooth"},
    "ramp": {"pattern": "ramp"},
}
WINDOWS = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}


def corrected(phantom: Phantom) -> xr.Dataset:
    """The scan up to the average, in memory, with its true shift."""
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    cube = xf.correct.flux(xf.correct.background(cube, e0=7112.0))
    calibration = xf.calibrate.constant(cube, shift=0.0)
    calibration = calibration.assign(energy_shift=(("y", "x"), truth(phantom)["shift"]))
    return xf.calibrate.apply(cube, calibration)[["mu", "flags", "energy_shift"]].compute()


def errors(cube: xr.Dataset, phantom: Phantom) -> dict[str, float]:
    """Of each way, over the pixels that all of them answer."""
    library, found = xf.ingest.phantom_references(), {}
    for name, settings in WAYS.items():
        smooth = xf.correct.average(cube, **settings) if settings else cube
        fit = xf.classify.combination(xf.normalize.edge_step(smooth, **WINDOWS), library)
        found[name] = fit.lcf_fraction.values - truth(phantom)["fractions"]
    empty = truth(phantom)["background"] | (cube.flags.values > 0)
    good = np.logical_and.reduce([np.isfinite(one).all(axis=0) for one in found.values()]) & ~empty
    return {name: float(np.sqrt((one[:, good] ** 2).mean())) for name, one in found.items()}


def table(size: tuple[int, int], counts: list[float], seeds: int) -> Iterator[dict[str, Any]]:
    """A row a kind of scan and number of counts: the median error of each way, and its ratios to the usual one."""
    for kind, settings in KINDS.items():
        for level in counts:
            scans = [Phantom(size=size, counts=level, seed=seed, **settings) for seed in range(seeds)]
            found = [errors(corrected(phantom), phantom) for phantom in scans]
            row: dict[str, Any] = {"kind": kind, "counts": level}
            for way in WAYS:
                ratios = [one[way] / one[USUAL] for one in found]
                row[way] = (float(np.median([one[way] for one in found])), min(ratios), max(ratios))
            yield row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, nargs=2, default=(64, 80))
    parser.add_argument("--counts", type=float, nargs="+", default=[24000.0, 2000.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    print(f"{'':<14}{'counts':>7}" + "".join(f"{way:>24}" for way in WAYS))
    rows = []
    for row in table(tuple(chosen.size), chosen.counts, chosen.seeds):
        rows.append(row)
        cells = [f"{row[way][0]:.4f} ({row[way][1]:.2f} - {row[way][2]:.2f})" for way in WAYS]
        print(
            f"{row['kind']:<14}{row['counts']:>7.0f}" + "".join(f"{cell:>24}" for cell in cells), flush=True
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
