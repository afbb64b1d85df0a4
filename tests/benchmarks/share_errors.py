"""Whether the stated errors of the shares are those that repeats of one measurement show: a line for each kind of scan.

    python tests/benchmarks/share_errors.py [--counts 400 2000 24000] [--repeats 8] [--patterns grains smooth]
        [--normalization edge_step flat] [--calibration foil] [--jitter 0.003]

Each scan is 64 x 80 pixels and goes through correct.flux, the calibration by its foil, a mean over neighbors and a
normalization. Repeats differ in photons, readout and flux.

answer    fit: in pixels whose mean shares are all above three stated errors, free to scatter; fit, all: in all pixels, those
          with shares at zero too; forest: in all pixels, by a model that was trained on the first of the repeats
stated    root mean square of `lcf_error` or `fraction_error`
scatter   root mean square of the standard deviation of the shares over the repeats
ratio     stated over scatter, and by reference; 1 where errors are honest
within    how many shares lie within two stated errors of their mean over the repeats, in standard deviations of such a
          difference: .954 where errors are honest and normal
common    the part of the scatter that all pixels share, from offsets of the flux and the calibration
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.phantom import Phantom, as_dataset, truth

WINDOWS = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}
HEAD = (
    f"{'counts':>7} {'pattern':<8}{'norm':<10}{'answer':<10}{'stated':>9}{'scatter':>9}{'ratio':>7}{'within':>8}"
    f"{'common':>8}{'pixels':>8}  ratio by reference"
)
# What is told, its variable, that of its error, and whether only pixels are taken whose shares are free to scatter.
ANSWERS = (
    ("fit", "lcf_fraction", "lcf_error", True),
    ("fit, all", "lcf_fraction", "lcf_error", False),
    ("forest", "fraction", "fraction_error", False),
)


def answered(
    phantom: Phantom, normalization: str, calibration: str, window: int, model: list[Any]
) -> xr.Dataset:
    """Shares and their errors of one measurement; the forest is trained on the first of them and kept in `model`."""
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom).compute()))
    cube = xf.correct.flux(xf.correct.background(cube, e0=phantom.e0))
    library = xf.ingest.phantom_references()
    if calibration == "foil":
        calibration_map, _ = xf.calibrate.foil(cube, library, standard="Fe")
        cube = xf.calibrate.apply(cube, calibration_map)
    elif calibration == "true":
        known = xr.Dataset({"energy_shift": (("y", "x"), truth(phantom)["shift"])})
        known["energy_shift_error"] = xr.zeros_like(known.energy_shift)
        cube = xf.calibrate.apply(cube, known)
    if window > 1:
        cube = xf.correct.average(cube, window=window)
    cube = xf.derive.noise(getattr(xf.normalize, normalization)(cube, **WINDOWS))
    cube = xf.classify.combination(cube, library)
    if not model:
        model.append(
            xf.train.fit(xf.train.mixtures(cube, library, noise_patterns=300, span=(-40.0, 100.0)))[0]
        )
    cube = xf.classify.model(cube, model[0])
    return cube[["lcf_fraction", "lcf_error", "fraction", "fraction_error"]].compute()


def line(row: dict[str, Any]) -> str:
    """The figures of one answer."""
    ratios = " ".join(f"{one:.2f}" for one in row["by_reference"])
    return (
        f"{row['stated']:9.5f}{row['scatter']:9.5f}{row['stated'] / row['scatter']:7.2f}{row['within']:8.3f}"
        f"{row['common']:8.5f}{row['pixels']:8}  {ratios}"
    )


def against_scatter(found: list[xr.Dataset], what: str, error: str, free: bool) -> dict[str, Any]:
    """What is stated beside what the repeats show."""
    shares = np.stack([one[what].values for one in found])
    errors = np.stack([one[error].values for one in found])
    used = np.isfinite(shares).all(axis=(0, 1)) & np.isfinite(errors).all(axis=(0, 1))
    if free:
        used &= (shares.mean(axis=0) > 3 * errors.mean(axis=0)).all(axis=0)
    shares, errors = shares[:, :, used], errors[:, :, used]
    scatter = np.sqrt((shares.std(axis=0, ddof=1) ** 2).mean(axis=-1))
    stated = np.sqrt((errors**2).mean(axis=(0, 2)))
    off = (shares - shares.mean(axis=0)) * np.sqrt(len(found) / (len(found) - 1))
    return {
        "stated": float(np.sqrt(np.mean(stated**2))),
        "scatter": float(np.sqrt(np.mean(scatter**2))),
        "by_reference": stated / scatter,
        "within": float((np.abs(off) <= 2 * errors).mean()),
        "common": float(np.sqrt(np.mean(off.mean(axis=-1) ** 2))),
        "pixels": int(used.sum()),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--counts", nargs="+", type=float, default=[400.0, 2000.0, 24000.0])
    parser.add_argument("--patterns", nargs="+", default=["grains"])
    parser.add_argument("--normalization", nargs="+", default=["flat"])
    parser.add_argument("--calibration", choices=["foil", "true", "none"], default="foil")
    parser.add_argument("--jitter", type=float, default=0.003)
    parser.add_argument("--window", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=8)
    given = parser.parse_args()
    print(HEAD)
    warnings.simplefilter("ignore")
    for counts in given.counts:
        for pattern in given.patterns:
            settings: dict[str, Any] = {"size": (64, 80), "counts": counts, "pattern": pattern}
            phantoms = [
                Phantom(**settings, flux_jitter=given.jitter, repeat=k + 1) for k in range(given.repeats)
            ]
            for name in given.normalization:
                model: list[Any] = []
                found = [answered(one, name, given.calibration, given.window, model) for one in phantoms]
                for answer, *how in ANSWERS:
                    print(
                        f"{counts:7.0f} {pattern:<8}{name:<10}{answer:<10}{line(against_scatter(found, *how))}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
