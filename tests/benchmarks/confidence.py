"""What confidence, flags of unknowns and controls are worth, on phantoms made from measured standards.

python tests/benchmarks/confidence.py [--data ../shared/data] [--seeds 3] [--phases Fe3O4,siderite]
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import xafsflow as xf
from xafsflow.errors import XafsflowWarning
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.spectrum_library import Spectrum, library_of
from xafsflow.learning.trust.confidence import leader_right, reliability
from xafsflow.phantom import Phantom, Reference, as_dataset, truth
from xafsflow.vocabulary import Flag

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FILES = {
    "Fe": "Fe_metal_rt_01.xdi",
    "FeO": "FeO_rt_01.xdi",
    "Fe2O3": "Fe2O3_rt_01.xdi",
    "Fe3O4": "Fe3O4_rt_01.xdi",
    "FeS2": "FeS2_rt_01.xdi",
    "Fe3C": "Fe3C_rt_01.xdi",
    "FeN": "FeN_rt_01.xdi",
    "siderite": "Hansel2001_siderite_xanes_001.xdi",
    "goethite": "Hansel2001_goethite_xanes_003.xdi",
    "vivianite": "Hansel2001_vivianite_xanes_001.xdi",
    "ferrihydrite": "Hansel2001_2lineFerrihydrite_xanes_001.xdi",
}
MAPS = ("fraction", "lcf_fraction")
KNOWN = ("Fe", "FeO", "Fe2O3")
E0, SIZE = 7112.0, (96, 120)
# The Hansel standards are short: where one is in the sample, so is the scan.
SHORT = (-47.0, 132.0)


def standard(data: Path, name: str) -> Reference:
    """A measured standard as phantoms take it: the pre-edge line off, divided by the curve after the edge."""
    found = read_spectrum(data / "standards" / "Fe" / FILES[name])
    at = found.energy - E0
    pre, post = (at > -150) & (at < -20), (at > 40) & (at < 300)
    raised = found.mu - np.polyval(np.polyfit(at[pre], found.mu[pre], 1), at)
    curve = np.polyfit(at[post], raised[post], 2 if at[-1] > 250 else 1)
    kept = (at > -100) & (at < 320)
    flat = raised / np.polyval(curve, np.clip(at, 0, None))
    return Reference(name, found.energy[kept], flat[kept])


def library(data: Path, names: tuple[str, ...]) -> xr.Dataset:
    """The standards as a beamline would measure them, with a matrix and the decline of all absorption."""
    made = []
    for one in (standard(data, name) for name in names):
        energy = np.array(one.energy)
        mu = (energy / E0) ** -3.0 * (0.4 + 1.3 * np.array(one.mu))
        made.append(Spectrum(one.name, energy, mu, "Fe", "K", ("energy", "mu"), Path(f"{one.name}.xdi"), {}))
    return library_of(made)


def scan(data: Path, names: tuple[str, ...], seed: int, **settings: Any) -> tuple[xr.Dataset, dict[str, Any]]:
    """A phantom of these standards after the chain of a K-edge scan, with flux and noise, and the truth."""
    short = any(FILES[name].startswith("Hansel") for name in names)
    grid = Phantom().energy
    energies = grid[(grid > E0 + SHORT[0]) & (grid < E0 + SHORT[1])] if short else 210
    references = tuple(standard(data, name) for name in names)
    phantom = Phantom(
        **{"size": SIZE, "seed": seed, "energies": energies, "references": references} | settings,
        foil=standard(data, "Fe"),
    )
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    cube = xf.correct.flux(xf.correct.background(cube, e0=E0))
    calibration, _ = xf.calibrate.foil(cube, library(data, ("Fe",)), standard="Fe")
    cube = xf.correct.average(xf.calibrate.apply(cube, calibration))
    pre1 = SHORT[0] + 1 if short else -60.0
    cube = xf.normalize.flat(cube, e0=E0, pre1=pre1, pre2=-12.0, norm1=40.0, nnorm=1)
    return xf.derive.noise(cube).compute(), truth(phantom)


def averaged(answer: dict[str, Any]) -> Any:
    """The composition of what a pixel averages: 3 x 3 pixels, by their edge steps."""
    from scipy.ndimage import uniform_filter

    amount = answer["fractions"] * (answer["thickness"] * ~answer["background"])
    sums = np.stack([uniform_filter(one, 3) for one in amount])
    with np.errstate(invalid="ignore"):
        return sums / sums.sum(axis=0)


def print_known(data: Path, seeds: int) -> None:
    """Confidence, false alarms and controls where the references are the right ones."""
    print(
        "known mixtures of Fe, FeO, Fe2O3; calibration error of the confidence on check patterns, on the scan against"
    )
    print(
        "what a pixel averages, and against its own point; share of pixels flagged unknown; error of the fractions on"
    )
    print("check patterns by the forest and its controls, and on the scan by forest and combination fit")
    heads = ["noise", "check", "averaged", "point", "residual", "mahalan.", "isolation"]
    heads += ["forest", "lda", "nearest", "scan", "scan_fit"]
    print(f"{'seed':>5}{'counts':>8}" + "".join(f"{head:>10}" for head in heads))
    references = library(data, KNOWN)
    for seed in range(seeds):
        for counts in (19000.0, 2000.0):
            cube, answer = scan(data, KNOWN, seed, counts=counts)
            samples = xf.train.mixtures(cube, references, noise_patterns=60, span=(-20.0, 100.0))
            model, told = xf.train.fit(samples, trees=60)
            cube = xf.classify.combination(xf.classify.model(cube, model), references)
            good = np.isfinite(cube.confidence.values)
            stated, fraction = cube.confidence.values[good], cube.fraction.values[:, good].T
            errors = [
                reliability(stated, leader_right(fraction, true[:, good].T))[1]
                for true in (averaged(answer), answer["fractions"])
            ]
            rates = [
                flagged(xf.judge.unknown(cube, references, samples, method=method)[0])[good].mean()
                for method in ("residual", "mahalanobis", "isolation")
            ]
            off = [score.fraction_error for score in told.controls.values()]
            on_scan = [np.nanmean(np.abs(cube[name].values - averaged(answer))[:, good]) for name in MAPS]
            numbers = (float(cube.noise.median()), told.calibration_error, *errors, *rates, *off, *on_scan)
            print(f"{seed:5}{counts:8.0f}" + "".join(f"{number:10.4f}" for number in numbers), flush=True)
            if told.better:
                print(f"      {told.better}")


def flagged(cube: xr.Dataset) -> Any:
    """True where the bit unknown is set."""
    return (cube.flags.values & int(Flag.UNKNOWN)) != 0


def print_unknown(data: Path, seeds: int, phases: list[str]) -> None:
    """How much of a phase that is not among the references is found."""
    print(
        "a phase that is not among Fe, FeO, Fe2O3: share of pixels flagged (residual), by how much they hold of it"
    )
    print(
        f"{'phase':>14}{'seed':>5}{'15-30 %':>10}{'30-40 %':>10}{'30 % on':>10}{'pixels':>8}"
        f"{'mahalan. 30 % on':>18}{'95 % from':>13}"
    )
    references = library(data, KNOWN)
    for phase in phases:
        for seed in range(seeds):
            cube, answer = scan(data, (*KNOWN, phase), seed)
            samples = xf.train.mixtures(
                cube, references, step=0.2, noise_patterns=60, check_patterns=4000, span=(-20.0, 100.0)
            )
            cube = xf.classify.combination(cube.assign(confidence=cube.edge_step), references)
            good, share = np.isfinite(cube.reduced_chi_square.values), answer["fractions"][-1]
            cube_found, told = xf.judge.unknown(cube, references, samples, library(data, (phase,)))
            found = flagged(cube_found)
            stated = told.detection[-1].detected_share
            other = flagged(xf.judge.unknown(cube, references, samples, method="mahalanobis")[0])
            parts = [
                good & (share >= low) & (share < high) for low, high in ((0.15, 0.3), (0.3, 0.4), (0.3, 1.1))
            ]
            rates = "".join(f"{found[part].mean():10.4f}" for part in parts)
            many = parts[-1]
            numbers = f"{many.sum():8}{other[many].mean():18.4f}{stated:13.3f}"
            print(f"{phase:>14}{seed:5}{rates}{numbers}", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--phases", default=",".join(name for name in FILES if name not in KNOWN))
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XafsflowWarning)
        print_known(given.data, given.seeds)
        print_unknown(given.data, given.seeds, given.phases.split(",") if given.phases else [])


if __name__ == "__main__":
    main()
