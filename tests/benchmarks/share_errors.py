"""Whether the stated errors of the shares are those that repeats of one measurement show: a line for each kind of scan.

    python tests/benchmarks/share_errors.py [--counts 400 2000 24000] [--repeats 12] [--patterns grains smooth]
        [--normalization edge_step flat] [--calibration foil] [--jitter 0.003]

Each scan is 64 x 80 pixels and goes through correct.flux, the calibration by its foil, a mean over neighbors and a
normalization. Repeats differ in photons, readout and flux.

stated    root mean square of `lcf_error`
scatter   root mean square of the standard deviation of `lcf_fraction` over the repeats
ratio     stated over scatter, and by reference; 1 where errors are honest
within    how many shares lie within two stated errors of their mean over the repeats, in standard deviations of such a
          difference: .954 where errors are honest and normal
common    the part of the scatter that all pixels share, from offsets of the flux and the calibration

Pixels are those whose mean shares are all above three stated errors: a share at its bound is not free to scatter.
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
    f"{'counts':>7} {'pattern':<8}{'norm':<10}{'stated':>9}{'scatter':>9}{'ratio':>7}{'within':>8}{'common':>8}"
    "  ratio by reference"
)


def fitted(phantom: Phantom, normalization: str, calibration: str, window: int) -> xr.Dataset:
    """Shares and their errors of one measurement."""
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
    return cube[["lcf_fraction", "lcf_error", "noise_ratio", "reduced_chi_square"]].compute()


def against_scatter(found: list[xr.Dataset]) -> dict[str, Any]:
    """What is stated beside what the repeats show."""
    shares = np.stack([one.lcf_fraction.values for one in found])
    errors = np.stack([one.lcf_error.values for one in found])
    inner = (shares.mean(axis=0) > 3 * errors.mean(axis=0)).all(axis=0)
    shares, errors = shares[:, :, inner], errors[:, :, inner]
    scatter = np.sqrt((shares.std(axis=0, ddof=1) ** 2).mean(axis=-1))
    stated = np.sqrt((errors**2).mean(axis=(0, 2)))
    off = (shares - shares.mean(axis=0)) * np.sqrt(len(found) / (len(found) - 1))
    return {
        "stated": float(np.sqrt(np.mean(stated**2))),
        "scatter": float(np.sqrt(np.mean(scatter**2))),
        "by_reference": stated / scatter,
        "within": float((np.abs(off) < 2 * errors).mean()),
        "common": float(np.sqrt(np.mean(off.mean(axis=-1) ** 2))),
        "pixels": int(inner.sum()),
        "noise_ratio": float(np.mean([one.noise_ratio for one in found])),
        "chi2": float(np.nanmedian([np.nanmedian(one.reduced_chi_square) for one in found])),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--counts", nargs="+", type=float, default=[400.0, 2000.0, 24000.0])
    parser.add_argument("--patterns", nargs="+", default=["grains", "smooth"])
    parser.add_argument("--normalization", nargs="+", default=["edge_step", "flat"])
    parser.add_argument("--calibration", choices=["foil", "true", "none"], default="foil")
    parser.add_argument("--jitter", type=float, default=0.003)
    parser.add_argument("--window", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=12)
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
                row = against_scatter(
                    [fitted(one, name, given.calibration, given.window) for one in phantoms]
                )
                ratios = " ".join(f"{one:.2f}" for one in row["by_reference"])
                print(
                    f"{counts:7.0f} {pattern:<8}{name:<10}{row['stated']:9.5f}{row['scatter']:9.5f}"
                    f"{row['stated'] / row['scatter']:7.2f}{row['within']:8.3f}{row['common']:8.5f}  {ratios}"
                    f"  ({row['pixels']} pixels, noise_ratio {row['noise_ratio']:.2f}, chi2 {row['chi2']:.2f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
