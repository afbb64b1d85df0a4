"""Print whether the right references are found, on phantoms made from measured standards and on a measured map.

python tests/benchmarks/references.py [--data ../shared/data] [--seeds 10] [--only pair,siderite,map]
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.io.folders import Folders
from xafsflow.io.readers.spectrum_library import on_grid
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.phantom.spectra import Reference
from xafsflow.vocabulary import MAP, Flag, cube_dims

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
E0 = 7112.0
HEMATITE, MAGNETITE, WUSTITE, METAL = "Fe2O3_rt_01", "Fe3O4_rt_01", "FeO_rt_01", "Fe_metal_rt_01"
SIDERITE = "Hansel2001_siderite_xanes_001"
RIGHT, ALL_FOUR = [HEMATITE, MAGNETITE], [METAL, WUSTITE, HEMATITE, MAGNETITE]
PHASES = ["LiFe(II)PO4", "Pyrite", "StainlessSteelNP", "Hematite_NP"]


def standards(data: Path) -> xr.Dataset:
    """All measured standards at the iron K edge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xf.ingest.candidates(Folders(data / "standards" / "Fe"), files=["*.xdi", "*.xd"])


def pure(candidates: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Energies and absorbance of a standard less its pre-edge line, over its post-edge curve."""
    one = candidates.sel(spectrum=name)
    known = np.isfinite(one.energy.values)
    energy, mu = one.energy.values[known], one.mu.values[known]
    before, after = energy < E0 - 30, energy > E0 + 60
    mu = mu - np.polyval(np.polyfit(energy[before] - E0, mu[before], 1), energy - E0)
    curve = np.polyfit(energy[after] - E0, mu[after], 2 if energy[-1] > E0 + 300 else 1)
    return energy, mu / np.polyval(curve, np.maximum(energy - E0, 0))


def mixed(candidates: xr.Dataset, shares: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """A mixture of standards, on the energies of the first that all of them cover."""
    parts = [pure(candidates, name) for name in shares]
    low, high = max(e[0] for e, _ in parts), min(e[-1] for e, _ in parts)
    energy = parts[0][0]
    energy = energy[(energy >= low) & (energy <= high)]
    total = sum(share * np.interp(energy, *part) for share, part in zip(shares.values(), parts, strict=True))
    return energy, np.asarray(total)


def analyzed(phantom: Phantom) -> xr.Dataset:
    """The chain of workflows/iron_oxides.yaml up to the noise, with the energy shift that is true."""
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    cube = xf.correct.background(cube, e0=E0)
    calibration = xf.calibrate.constant(cube, shift=0.0)
    calibration = calibration.assign(energy_shift=(MAP, truth(phantom)["shift"]))
    cube = xf.correct.average(xf.calibrate.apply(cube, calibration), window=3)
    cube = xf.normalize.edge_step(cube, e0=E0, pre1=-60.0, pre2=-12.0, norm1=40.0, nnorm=1)
    return xf.derive.noise(cube).compute()


def two_oxides(candidates: xr.Dataset, seed: int) -> xr.Dataset:
    """A scan of hematite and magnetite."""
    references = tuple(Reference(name, *pure(candidates, name)) for name in RIGHT)
    return analyzed(Phantom(references=references, seed=seed))


def with_siderite(candidates: xr.Dataset, seed: int, grains: int) -> tuple[xr.Dataset, np.ndarray]:
    """A scan of hematite and magnetite where one grain in so many holds 15 % of siderite; and its share of pixels."""
    energy, mu = mixed(candidates, {HEMATITE: 0.85, SIDERITE: 0.15})
    parts = {"iron1": pure(candidates, HEMATITE), "iron2": pure(candidates, MAGNETITE)}
    names = [f"iron{1 + i % 2}" for i in range(grains - 1)]
    references = [Reference(f"{name}.{i}", *parts[name]) for i, name in enumerate(names)]
    scan = Phantom(seed=seed).energy
    scan = scan[(scan > energy[0] + 2) & (scan < energy[-1] - 2)]
    phantom = Phantom(references=(*references, Reference("mixed", energy, mu)), seed=seed, energies=scan)
    return analyzed(phantom), truth(phantom)["fractions"][-1]


def print_pair(candidates: xr.Dataset, seeds: int) -> None:
    """Hematite and magnetite, by sets given, by all subsets of four, and by all subsets of all."""
    print("a scan of Fe2O3 and Fe3O4 (prediction error: the right pair, {Fe, FeO, Fe2O3}, all four)")
    four = candidates.sel(spectrum=ALL_FOUR)
    given = [[METAL, WUSTITE, HEMATITE], RIGHT, ALL_FOUR]
    score = np.zeros(3, int)
    for seed in range(seeds):
        cube, start = two_oxides(candidates, seed), time.perf_counter()
        found = [
            xf.judge.reference_sets(cube, four, sets=given, used=given[0]),
            xf.judge.reference_sets(cube, four, most=4),
            xf.judge.reference_sets(cube, candidates),
        ]
        right = [set(one.chosen) == set(RIGHT) for one in found]
        score += right
        rows = {frozenset(row.references): row for row in found[0].sets}
        told = [rows[frozenset(names)] for names in (RIGHT, given[0], ALL_FOUR)]
        errors = "  ".join(
            f"{r.prediction_error:.3f} [{r.interval[0]:.3f} {r.interval[1]:.3f}]" for r in told
        )
        costs = [f"{row.bic - told[0].bic:.0f}" for row in told[1:]]
        print(
            f"  seed {seed}: given {right[0]}, of four {right[1]}, of all {right[2]}; {errors}; "
            f"BIC {costs[0]}, {costs[1]} above; {time.perf_counter() - start:.1f} s; "
            f"as good: {found[2].alternatives or 'none'}",
            flush=True,
        )
    print(f"  right of {seeds}: given {score[0]}, of four {score[1]}, of all {score[2]}")
    print(f'  "{found[0].verdict}"')


def print_siderite(candidates: xr.Dataset, seeds: int, grains: int) -> None:
    """15 % of siderite in some grains."""
    print(
        f"15 % of siderite in one grain of {grains}: the first two candidates, what siderite would take, BIC"
    )
    library, score = candidates.sel(spectrum=RIGHT), np.zeros(3, int)
    for seed in range(seeds):
        cube, share = with_siderite(candidates, seed, grains)
        unknown = np.where(share > 0.5, int(Flag.UNKNOWN), 0)
        flagged = cube.assign(flags=(MAP, (cube.flags.values | unknown).astype(np.uint8)))
        found = [xf.judge.missing(one, library, candidates) for one in (flagged, cube)]
        first = ["siderite" in one.ranking[0].reference for one in found]
        whole = xf.judge.reference_sets(cube, candidates, used=RIGHT)
        names = " ".join(whole.needed)
        score += [*first, "siderite" in names and len(whole.needed) == 3]
        best, second = (
            found[0].ranking[0],
            next(row for row in found[0].ranking if "siderite" not in row.reference),
        )
        print(
            f"  seed {seed}: in {(share > 0.5).mean():.0%} of the field; first {first[0]}, by the worst bins {first[1]}; "
            f"{best.share:.3f}, BIC {best.bic_change:.0f}, next kind {second.reference} "
            f"{second.bic_change:.0f}; needed: {names}",
            flush=True,
        )
    print(
        f"  right of {seeds}: flagged {score[0]}, by the worst bins {score[1]}, needed by reference_sets {score[2]}"
    )
    print(f'  "{found[0].verdict}"')
    print(f'  "{whole.verdict}"')


def abundance_cube(data: Path, library: xr.Dataset, sigma: float, seed: int) -> tuple[xr.Dataset, np.ndarray]:
    """Absorbance of the measured abundances with noise, through the chain; and the abundances."""
    import tifffile

    energy = np.loadtxt(data / "fe_library" / "energy_list_corr.txt")
    abundance = tifffile.imread(data / "fe_library" / "chemical_map.tiff").astype(float)
    spectra = np.nan_to_num(on_grid(library.sel(spectrum=PHASES), energy).mu.values)
    mu = np.einsum("re,ryx->eyx", spectra, abundance)
    mu += np.random.default_rng(seed).normal(0, sigma, mu.shape)
    arrays: dict[str, Any] = {
        "mu": (cube_dims(), mu.astype(np.float32)),
        "mu_noise": (cube_dims(), np.full(mu.shape, sigma, np.float32)),
        "flags": (MAP, np.zeros(mu.shape[1:], np.uint8)),
    }
    cube = xf.correct.background(xf.ingest.as_measured(xr.Dataset(arrays, {"energy": energy})), e0=E0)
    cube = xf.correct.average(cube, window=3)
    cube = xf.normalize.edge_step(cube, e0=E0, pre1=-22.0, pre2=-8.0, norm1=40.0, nnorm=1)
    return xf.derive.noise(cube).compute(), abundance


def print_map(data: Path, seeds: int) -> None:
    """The measured abundances of four phases, with 11 references."""
    print("abundances of four phases, 11 references, 73 energies")
    library = xf.ingest.candidates(Folders(data / "fe_library"), files=["*.nor"])
    inside = (7090.0, 7199.7)
    for sigma in (0.01, 0.0035):
        for seed in range(seeds):
            cube, abundance = abundance_cube(data, library, sigma, seed)
            found = xf.judge.reference_sets(cube, library, most=4)
            covered = xf.correct.crop(cube, energy=inside)
            fitted = xf.classify.combination(
                covered,
                library.sel(spectrum=list(found.chosen)),
                span=(-20.0, 80.0),
                sum_to_one=False,
                background=True,
            )
            maps = (fitted.lcf_fraction * cube.edge_step).values
            names, sample = list(fitted.reference.values), np.isfinite(maps).all(axis=0)
            r = {}
            for name, true in zip(PHASES, abundance, strict=True):
                one = np.where(sample, maps[names.index(name)], 0) if name in names else np.zeros(true.shape)
                r[name] = (
                    np.corrcoef(one.ravel(), true.ravel())[0, 1],
                    np.corrcoef(one[sample], true[sample])[0, 1],
                )
            told = ", ".join(f"{name} {a:.3f} ({b:.3f})" for name, (a, b) in r.items())
            print(
                f"  noise {sigma} seed {seed}: the four {set(found.chosen) == set(PHASES)} {found.needed}; {told}; "
                f"{sample.mean():.0%} of the field",
                flush=True,
            )
            print(f'    "{found.verdict}"')


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="pair,siderite,map")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", category=xf.errors.XafsflowWarning)
    candidates = standards(given.data)
    if "pair" in given.only:
        print_pair(candidates, given.seeds)
    if "siderite" in given.only:
        for grains in (3, 8):
            print_siderite(candidates, given.seeds, grains)
    if "map" in given.only:
        print_map(given.data, min(2, given.seeds))


if __name__ == "__main__":
    main()
