"""The combination fit: speed beside scipy's nnls, and what it finds in the scan with a known answer.

    python tests/benchmarks/combination.py [--pixels 10240] [--energies 210] [--data ../shared/data]

Both sides of a line run in turn in one process on one thread; nnls gets a part of the pixels, as it is slow. One block
of the size that the steps work on is fitted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.optimize import nnls

from xafsflow import calibrate, classify, correct, derive, ingest, normalize
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.spectrum_library import library_of
from xafsflow.kernels.mixtures.combination import fit_combination
from xafsflow.kernels.mixtures.shifted_combination import fit_moved_combination

ROOT = Path(__file__).resolve().parents[2]
STANDARDS = {"Fe": "Fe_metal_rt_01", "FeO": "FeO_rt_01", "Fe2O3": "Fe2O3_rt_01"}
REPEATS = 5
SPECTRA = 2000
NOISE = 0.01


def edges(energy: np.ndarray, count: int, by: float = 0.0) -> np.ndarray:
    """References 1.5 eV apart, `(reference, energy)`."""
    k = np.arange(count)[:, None]
    x = energy - 1.5 * k - by
    return 0.5 + np.arctan(x / 1.5) / np.pi + (0.1 + 0.3 * (k % 3)) * np.exp(-(((x - 6) / 3) ** 2))


def seconds(work: Callable[[], object]) -> float:
    """Of this thread: other programs on the machine count for neither side."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def line(count: int, pixels: int, energies: int, weighted: bool, sum_to_one: bool) -> str:
    """Speed of both for some references, and the largest difference of a fraction."""
    energy, rng = np.linspace(-60, 150, energies), np.random.default_rng(count)
    references, none = edges(energy, count), np.empty((0, energies))
    fractions = rng.dirichlet(np.full(count, 0.7), pixels)
    values = (
        (fractions @ references + NOISE * rng.standard_normal((pixels, energies))).T.astype(np.float32).copy()
    )
    sigma = np.full_like(values, NOISE) if weighted else None
    spectra, matrix = values[:, :SPECTRA].T.astype(np.float64).copy(), references.T.copy()
    mine, other = [], []
    for turn in range(REPEATS + 1):
        spent = seconds(lambda: fit_combination(values, sigma, references, none, sum_to_one)) / pixels
        theirs = seconds(lambda: [nnls(matrix, data) for data in spectra]) / SPECTRA
        if turn:
            mine.append(spent)
            other.append(theirs)
    told = f"{'noise' if weighted else 'none':>8}{'yes' if sum_to_one else 'no':>5}"
    apart = ""
    if not sum_to_one:
        found = fit_combination(values[:, :SPECTRA].copy(), None, references, none, False).fraction
        expected = np.array([nnls(matrix, data)[0] for data in spectra]).T
        apart = f"{np.abs(found - expected).max():.1e}"
    ours, scipy = float(np.median(mine)), float(np.median(other))
    return f"{count:>10}{told}{1e-6 / ours:8.2f}{1e-6 / scipy:8.3f}{scipy / ours:8.1f}{apart:>10}"


def moved(pixels: int, energies: int) -> str:
    """Speed with an energy shift."""
    energy, rng = np.linspace(-20, 100, energies), np.random.default_rng(0)
    shifts = np.linspace(-1, 1, 9)
    table = np.stack([edges(energy, 3, by) for by in shifts])
    noise = NOISE * rng.standard_normal((pixels, energies))
    values = (rng.dirichlet(np.ones(3), pixels) @ edges(energy, 3, 0.3) + noise).T.astype(np.float32).copy()
    none = np.empty((0, energies))
    fit_moved_combination(values[:, :8].copy(), None, table, shifts, none, True)
    spent = seconds(lambda: fit_moved_combination(values, None, table, shifts, none, True))
    return f"3 references and a shift of at most 1 eV: {pixels / spent / 1e6:.3f} Mpx/s"


def scan(data: Path) -> xr.Dataset:
    """The scan up to its energies, and its references."""
    folder = data / "scan_fe"
    images = {
        "sample": "sample/*.tif",
        "flat_field": "flat/*.tif",
        "foil": "foil/*.tif",
        "dark": "dark/*.tif",
    }
    cube = correct.dead_pixels(
        correct.absorbance(ingest.tiff_stack(folder, energies="energies.csv", **images))
    )
    return correct.background(cube, e0=7112.0).compute()


def measured(data: Path) -> None:
    """Print what the fit finds in the scan with a known answer, by corrections and settings."""
    spectra = [
        replace(read_spectrum(data / "standards" / "Fe" / f"{file}.xdi"), name=name)
        for name, file in STANDARDS.items()
    ]
    library, made = library_of(spectra), np.load(data / "scan_fe" / "truth.npz")
    plain, there = scan(data), ~made["background"]
    print(f"\n{'scan_fe':<52}{'mean error':>11}{'chi-square':>11}")
    windows = {"pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}
    for flux in (False, True):
        cube = correct.flux(plain) if flux else plain
        calibration, _ = calibrate.foil(cube.chunk(y=32), library, standard="Fe")
        cube = correct.average(calibrate.apply(cube, calibration), window=3)
        cases = {"edge_step, line": normalize.edge_step(cube, e0=7112.0, **windows)}
        cases |= {
            "flat, line": normalize.flat(cube, e0=7112.0, **windows),
            "flat": normalize.flat(cube, e0=7112.0),
        }
        for name, one in cases.items():
            known = derive.noise(one).compute()
            for settings in ({}, {"sum_to_one": False}, {"background": True}, {"weights": None}):
                found = classify.combination(known, library, **settings)
                good = there & np.isfinite(found.r_factor.values)
                error = np.abs(found.lcf_fraction.values - made["fractions"])[:, good].mean()
                chi = (
                    np.median(found.reduced_chi_square.values[good]) if "weights" not in settings else np.nan
                )
                told = f"{'flux, ' if flux else ''}{name}; " + (
                    ", ".join(f"{k} {v}" for k, v in settings.items()) or "defaults"
                )
                print(f"{told:<52}{error:11.5f}{chi:11.3f}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pixels", type=int, default=10240)
    parser.add_argument("--energies", type=int, default=210)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    chosen = parser.parse_args()
    print(f"{'references':>10}{'weights':>8}{'one':>5}{'Mpx/s':>8}{'nnls':>8}{'ratio':>8}{'apart':>10}")
    fits = (
        (3, False, False),
        (3, False, True),
        (3, True, True),
        (5, False, True),
        (6, False, True),
        (6, True, True),
    )
    for count, weighted, one in (*fits, (8, False, True)):
        print(line(count, chosen.pixels, chosen.energies, weighted, one), flush=True)
    print(moved(chosen.pixels, chosen.energies))
    if (chosen.data / "scan_fe").is_dir():
        measured(chosen.data)


if __name__ == "__main__":
    main()
