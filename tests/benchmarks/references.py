"""Print whether the right references are found, on phantoms made from measured standards and on a measured map.

python tests/benchmarks/references.py [--data ../shared/data] [--seeds 10] [--only pair,siderite,map,outcomes]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d

import xafsflow as xf
from xafsflow.io.folders import Folders
from xafsflow.io.readers.spectrum_library import Spectrum, library_of, on_grid
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.phantom.spectra import Reference, spectrum
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


IRON = ("Fe", "FeO", "Fe2O3", "Fe3O4", "FeS2", "FeCO3", "FeOOH")
ENERGY = np.arange(6990.0, 7420.0, 0.25)
# From the iron edge to that of nickel, eV.
NICKEL = 1221.0
PAIR = ("Fe2O3", "Fe3O4")
NOT, TOLD = "does not suffice", "cannot be told"


def simulated(name: str, shares: dict[str, float], blur: float = 0.0, move: float = 0.0) -> Reference:
    """A mixture of simulated spectra, broadened by a Gaussian and moved, eV."""
    mu = sum(share * spectrum(one, ENERGY) for one, share in shares.items())
    return Reference(name, ENERGY + move, gaussian_filter1d(mu, blur / 0.25) if blur else mu)


def simulated_library(names: Sequence[str], move: float = 0.0) -> xr.Dataset:
    """Simulated spectra as references."""
    known = ("Ni" if move else "Fe", "K", ("energy", "mu"))
    return library_of(
        [Spectrum(one, ENERGY + move, spectrum(one, ENERGY), *known, Path(one), {}) for one in names]
    )


def outcome_scan(kind: str, seed: int, counts: float) -> xr.Dataset:
    """A scan of 64 x 80 pixels through absorbance, flux, average, normalize and noise; all pixels share their energies."""
    given: dict[str, Any] = {"references": PAIR, "size": (64, 80), "seed": seed, "counts": counts}
    given |= {"tilt": 0.0, "tilt_x": 0.0, "curvature": 0.0}
    if kind in ("FeCO3", "FeS2"):
        given["references"] = (*PAIR, simulated("some", {"Fe2O3": 0.8, kind: 0.2}))
    elif kind == "three":
        given |= {"references": ("Fe", "FeO", "Fe2O3"), "pattern": "smooth"}
    elif kind == "blunt":
        parts = tuple(simulated(one, {one: 1.0}, 0.2, 0.1) for one in PAIR)
        given |= {"references": parts, "foil": None}
    elif kind == "nickel":
        parts = tuple(simulated(one, {one: 1.0}, 0.0, NICKEL) for one in ("FeO", "FeOOH"))
        given |= {"references": parts, "foil": None, "e0": E0 + NICKEL, "element": "Ni"}
    phantom = Phantom(**given)
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    cube = xf.correct.background(cube, e0=phantom.e0)
    cube = xf.correct.average(cube if kind == "jitter" else xf.correct.flux(cube), window=3)
    return xf.derive.noise(xf.normalize.edge_step(cube, e0=phantom.e0, **SHORT)).compute()


SHORT: dict[str, Any] = {"pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}
# What was scanned, the candidates, what is right, at how many counts, and the set that suffices.
OUTCOMES: list[tuple[str, Sequence[str], str, tuple[int, ...], Sequence[str]]] = [
    ("pair", IRON, "suffices", (24000, 2000), PAIR),
    ("three", IRON, "suffices", (24000, 2000), ("Fe", "FeO", "Fe2O3")),
    ("FeCO3", IRON, "suffices", (24000, 2000), (*PAIR, "FeCO3")),
    ("blunt", IRON, "suffices", (24000, 2000), PAIR),
    ("jitter", IRON, "suffices", (24000, 2000), PAIR),
    ("nickel", ("Fe", "FeO", "FeCO3", "FeOOH"), "suffices", (24000, 2000), ("FeO", "FeOOH")),
    ("pair", IRON[:3], NOT, (24000, 2000), ()),
    ("jitter", IRON[:3], NOT, (24000, 2000), ()),
    ("FeCO3", IRON[:4], NOT, (24000, 2000), ()),
    ("FeS2", IRON[:4], NOT, (24000, 2000), ()),
    ("pair", IRON, TOLD, (100,), ()),
    ("FeCO3", IRON[:4], TOLD, (100,), ()),
]


def print_outcomes(seeds: int) -> None:
    """The three outcomes on scans of known references."""
    print("outcome (the right set, or regions marked, behind it), and what another phase would be seen from")
    for kind, counts in dict.fromkeys((row[0], counts) for row in OUTCOMES for counts in row[3]):
        rows = [row for row in OUTCOMES if row[0] == kind and counts in row[3]]
        known = []
        for seed in range(seeds):
            cube, move = outcome_scan(kind, seed, counts), NICKEL if kind == "nickel" else 0.0
            known.append([xf.judge.reference_sets(cube, simulated_library(row[1], move)) for row in rows])
        for place, (_, names, wanted, _, right) in enumerate(rows):
            found = [one[place] for one in known]
            good = [
                one for one in found if one.outcome == wanted and (not right or set(one.chosen) == set(right))
            ]
            marked = [sum(row.unexplained or bool(row.missing) for row in one.regions) for one in found]
            seen = np.median([one.detectable for one in found])
            print(
                f"  {kind:6} {counts:6} counts, {len(names)} candidates: {wanted} {len(good)} of {seeds}; regions marked "
                f"{min(marked)} to {max(marked)}; {100 * seen:.0f} %",
                flush=True,
            )
            for one in found:
                if one not in good:
                    print(f'    wrong: "{one.verdict}"')


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="pair,siderite,map,outcomes")
    given = parser.parse_args()
    warnings.filterwarnings("ignore", category=xf.errors.XafsflowWarning)
    if "outcomes" in given.only:
        print_outcomes(given.seeds)
    if given.only == "outcomes":
        return
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
