"""The energy calibration against known answers: a scan made from measured spectra, and phantoms of many shapes.

    python tests/benchmarks/calibration.py [--seeds 3] [--data ../shared/data] [--large | --blur]

One line a case: what the shift was measured from, the order of the surface, bias and root mean square of its error,
the error it states, and the share of pixels whose true error is within twice the stated one. All in eV.

With --large only the foil, on fields of 1024 x 704 pixels of two phantoms that are files: processor seconds of
`calibrate.foil` and `calibrate.check`, and megabytes read of the stacks.

With --blur only the foil, on scans measured with a resolution apart from the standard's: the standard deviation of a
Gaussian between the two (below zero: the standard is the blunter one), the one that was found with its error, both in eV,
and how long a fit takes. scipy blurs the spectra, densely, and not the program itself.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import tifffile
import xarray as xr
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from xafsflow import calibrate, correct, ingest
from xafsflow.errors import XafsflowError
from xafsflow.io.readers import read_spectrum
from xafsflow.io.readers.spectrum_library import library_of
from xafsflow.io.readers.tiff_stack import TiffStack
from xafsflow.phantom import Phantom, Reference, as_dataset, spectrum, truth
from xafsflow.phantom.camera import dark, image, view
from xafsflow.phantom.settings import DARK_FRAMES, nominal_energies

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "calibration"))
from test_thin_bands import copper, copper_library, copper_spectrum, rms  # noqa: E402

STANDARDS = {"Fe": "Fe_metal_rt_01", "FeO": "FeO_rt_01", "Fe2O3": "Fe2O3_rt_01"}
# Tilt along y, along x, and curvature, eV.
SHAPES = {
    "tilt +2.2": (2.2, 0.15, 0.06),
    "tilt -2.2": (-2.2, 0.15, 0.06),
    "tilt +4, curved -0.5": (4.0, 0.15, -0.5),
    "tilt -4, curved +0.5": (-4.0, -0.3, 0.5),
    "tilt +1, curved +0.3": (1.0, 1.0, 0.3),
    "tilt +0.5": (0.5, 0.0, 0.0),
    "flat": (0.0, 0.0, 0.0),
}
EDGES = {"Fe": 7112.0, "Cu": 8979.0}
MEASURED = {
    "Fe foil": "Fe_Foil_rt_2016Foils.xdi",
    "Fe metal": "Fe_metal_rt_01.xdi",
    "Cu foil": "Cu_Foil_rt_2016Foils.xdi",
}
EVEN = {"tilt": 0.0, "tilt_x": 0.0, "curvature": 0.0}
# Standard deviation, eV, of the Gaussian between the resolutions of scan and standard.
BLURS = (0.0, 0.2, 0.5, 0.7, -0.3)
LIMITS = {"foil": {"rms": 0.012, "bias": 0.01}, "sample": {"rms": 0.1, "bias": 0.1}}


@dataclass(frozen=True)
class Line:
    """One case."""

    case: str
    way: str
    order: int
    bias: float
    rms: float
    stated: float
    inside: float
    seconds: float

    def __str__(self) -> str:
        """The row of the table."""
        limit = LIMITS[self.way]
        good = self.rms <= limit["rms"] and abs(self.bias) <= limit["bias"]
        return (
            f"{self.case:24} {self.way:7} {self.order:5d} {self.bias:9.4f} {self.rms:8.4f} {self.stated:8.4f} "
            f"{self.inside:8.1%} {self.seconds:7.1f}  {'' if good else 'over the limit'}"
        )


def measured(case: str, way: str, cube: xr.Dataset, library: xr.Dataset, shift: np.ndarray) -> Line:
    """Calibrate one cube and compare with the truth."""
    start = time.perf_counter()
    if way == "foil":
        calibration, findings = calibrate.foil(cube, library, standard="Fe")
    else:
        calibration, findings = calibrate.sample(cube, library)
    seconds = time.perf_counter() - start
    wrong = calibration.energy_shift.values - shift
    stated = calibration.energy_shift_error.values
    return Line(
        case=case,
        way=way,
        order=findings.order,
        bias=float(wrong.mean()),
        rms=float(np.sqrt((wrong**2).mean())),
        stated=float(np.sqrt((stated**2).mean())),
        inside=float((np.abs(wrong) <= 2 * stated).mean()),
        seconds=seconds,
    )


def scan(data: Path) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    """The scan with a known answer: cube, references, and the true shift."""
    folder = data / "scan_fe"
    patterns = {"flat_field": "flat/*.tif", "foil": "foil/*.tif", "dark": "dark/*.tif"}
    cube = correct.absorbance(ingest.tiff_stack(folder, energies="energies.csv", **patterns))
    spectra = [
        replace(read_spectrum(data / "standards" / "Fe" / f"{file}.xdi"), name=name)
        for name, file in STANDARDS.items()
    ]
    return cube, library_of(spectra), np.load(folder / "truth.npz")["shift"]


def stacks_of(phantom: Phantom, folder: Path) -> xr.Dataset:
    """The phantom's cube from files; the foil's flat field passes for a sample, which nobody looks at."""
    names = {"flat": "flat_field", "foil": "foil"}
    for kind in names:
        (folder / kind).mkdir()
        seen = view(phantom, kind, None)
        for k in range(phantom.energy.size):
            tifffile.imwrite(folder / kind / f"{k:04d}.tif", image(seen, k), photometric="minisblack")
    (folder / "dark").mkdir()
    for k in range(DARK_FRAMES):
        tifffile.imwrite(folder / "dark" / f"{k}.tif", dark(phantom, k), photometric="minisblack")
    np.savetxt(folder / "energies.csv", phantom.energy, header="energy_eV", comments="")
    patterns = {
        "sample": "flat/*.tif",
        "flat_field": "flat/*.tif",
        "foil": "foil/*.tif",
        "dark": "dark/*.tif",
    }
    return correct.absorbance(ingest.tiff_stack(folder, energies="energies.csv", **patterns))


def large(case: str, phantom: Phantom, library: xr.Dataset, standard: str) -> str:
    """How right the foil is, and what it and the check cost."""
    read, costs = TiffStack.read_rows, []
    counted = [0]

    def counting(self: TiffStack, *args: Any, **kwargs: Any) -> Any:
        found = read(self, *args, **kwargs)
        counted[0] += found.nbytes
        return found

    with tempfile.TemporaryDirectory() as folder, patch.object(TiffStack, "read_rows", counting):
        cube = stacks_of(phantom, Path(folder))
        start = time.process_time()
        calibration, _ = calibrate.foil(cube, library, standard=standard)
        costs += [time.process_time() - start, counted[0] / 1e6]
        start, counted[0] = time.process_time(), 0
        calibrate.check(calibrate.apply(cube, calibration), library, standard=standard)
        costs += [time.process_time() - start, counted[0] / 1e6]
    wrong = calibration.energy_shift.values - truth(phantom)["shift"]
    inside = (np.abs(wrong) <= 2 * calibration.energy_shift_error.values).mean()
    foil_s, foil_mb, check_s, check_mb = costs
    return (
        f"{case:12} rms {1e3 * np.sqrt((wrong**2).mean()):6.3f} meV  within 2 {inside:6.1%}  "
        f"foil {foil_s:5.2f} s {foil_mb:5.0f} MB  check {check_s:5.2f} s {check_mb:5.0f} MB"
    )


def print_large(seeds: int) -> None:
    """The foil on large fields; small ones first, so that nothing is compiled later."""
    for size in ((60, 80), (1024, 704)):
        for seed in range(seeds if size[0] > 60 else 1):
            iron = Phantom(size=size, seed=seed)
            print(large(f"iron {seed}", iron, ingest.phantom_references(), "Fe"), flush=True)
            print(large(f"copper {seed}", copper(size=size, seed=seed), copper_library(), "Cu"), flush=True)


def blurred(known: Reference, blur: float) -> Reference:
    """A densely sampled spectrum, seen through a Gaussian of this standard deviation, eV."""
    energy = np.asarray(known.energy)
    if blur <= 0:
        return known
    return Reference(
        known.name, energy, gaussian_filter1d(known.mu, blur / np.ptp(energy[:2]), mode="nearest")
    )


def foil_of(kind: str, data: Path) -> Reference:
    """A foil's spectrum at every twentieth of an eV: simulated, or measured with its noise and taken for true."""
    if kind == "Fe":
        dense = np.arange(6930.0, 7420.0, 0.05)
        return Reference("Fe", dense, spectrum("Fe", dense))
    if kind == "Cu":
        return copper_spectrum(1.5, 0.05)
    element, e0 = kind[:2], EDGES[kind[:2]]
    known = read_spectrum(data / "standards" / element / MEASURED[kind])
    before = known.energy < e0 - 20
    mu = known.mu - np.polyval(np.polyfit(known.energy[before], known.mu[before], 1), known.energy)
    mu /= mu[np.abs(known.energy - e0 - 100) < 50].mean()
    dense = np.arange(max(e0 - 180, known.energy[0]), min(e0 + 300, known.energy[-1]), 0.05)
    return Reference(element, dense, CubicSpline(known.energy, mu)(dense))


def resolved(
    kind: str, known: Reference, blur: float, energies: int, seed: int
) -> tuple[Phantom, xr.Dataset]:
    """A scan, and a standard of another resolution, at a quarter of an eV."""
    scan, standard = blurred(known, blur), blurred(known, -blur)
    rows = [np.asarray(values)[None, ::5] for values in (standard.energy, standard.mu)]
    library = xr.Dataset(
        {name: (("spectrum", "point"), row) for name, row in zip(("energy", "mu"), rows, strict=True)},
        {"spectrum": [known.name]},
    )
    e0 = EDGES[known.name]
    of = {"references": (scan,), "foil": scan, "energies": nominal_energies(energies, e0), "size": (64, 80)}
    return (Phantom if known.name == "Fe" else copper)(**of, seed=seed), library


def print_resolutions(seeds: int, data: Path) -> None:
    """The foil at other resolutions than the standard's; a thin foil, few and many energies, an even field."""
    cases: list[tuple[str, float, int, dict[str, float]]]
    cases = [("Fe", 1.1, 60, {}), ("Fe", 1.1, 400, {}), ("Fe", 0.4, 100, {}), ("Fe", 1.1, 100, EVEN)]
    cases += [("Cu", 1.1, 60, {}), ("Cu", 1.1, 400, {}), ("Cu", 2.0, 100, {}), ("Cu", 1.1, 100, EVEN)]
    for kind in MEASURED if (data / "standards").is_dir() else ():
        cases += [(kind, 1.1, 60, {}), (kind, 1.1, 210, {}), (kind, 1.1, 100, EVEN)]
    print(
        f"{'case':36} {'blur':>5} {'rms':>7} {'bias':>8} {'stated':>7} {'within 2':>8} {'found':>15} {'s':>5}"
    )
    for kind, foil_step, energies, other in cases:
        known = foil_of(kind, data)
        for blur in BLURS:
            print(_resolution(kind, known, foil_step, energies, blur, seeds, other), flush=True)


def _resolution(
    kind: str,
    known: Reference,
    foil_step: float,
    energies: int,
    blur: float,
    seeds: int,
    other: dict[str, float],
) -> str:
    wrong, stated, found, seconds = [], [], [], []
    case = f"{kind}, step {foil_step}, {energies} energies{', even' if other else ''}"
    for seed in range(seeds):
        phantom, library = resolved(kind, known, blur, energies, seed)
        phantom = replace(phantom, **other)
        with patch("xafsflow.phantom.camera.FOIL_STEP", foil_step):
            cube = correct.absorbance(as_dataset(phantom)).load()
        start = time.process_time()
        try:
            calibration, told = calibrate.foil(cube, library, standard=known.name)
        except XafsflowError as error:
            return f"{case:36} {blur:5.1f} refused: {error}"[:150]
        seconds.append(time.process_time() - start)
        wrong.append(calibration.energy_shift.values - truth(phantom)["shift"])
        stated.append(calibration.energy_shift_error.values)
        found.append((told.broadening.sigma, told.broadening.error))
    value, error = np.mean(found, axis=0)
    return (
        f"{case:36} {blur:5.1f} {rms(wrong):7.4f} {np.mean(wrong):8.4f} {rms(stated):7.4f} "
        f"{(np.abs(wrong) <= 2 * np.array(stated)).mean():8.1%} {value:7.3f} +- {error:5.3f} {np.mean(seconds):5.2f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="phantoms of each shape")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--large", action="store_true", help="the foil's cost on large fields")
    parser.add_argument(
        "--blur", action="store_true", help="the foil at other resolutions than the standard's"
    )
    options = parser.parse_args()
    if options.blur:
        print_resolutions(options.seeds, options.data)
        return
    if options.large:
        print_large(options.seeds)
        return
    print(
        f"{'case':24} {'from':7} {'order':>5} {'bias':>9} {'rms':>8} {'stated':>8} {'within 2':>8} {'seconds':>7}"
    )
    if (options.data / "scan_fe").is_dir():
        for way in ("foil", "sample"):
            print(measured("scan_fe", way, *scan(options.data)), flush=True)
    lines = []
    for case, (tilt, tilt_x, curvature) in SHAPES.items():
        for seed in range(options.seeds):
            phantom = Phantom(tilt=tilt, tilt_x=tilt_x, curvature=curvature, seed=seed)
            cube, shift = correct.absorbance(as_dataset(phantom)), truth(phantom)["shift"]
            for way in ("foil", "sample"):
                lines.append(measured(f"{case}, seed {seed}", way, cube, ingest.phantom_references(), shift))
                print(lines[-1], flush=True)
    for way in ("foil", "sample"):
        own = [line for line in lines if line.way == way]
        worst = max(own, key=lambda line: line.rms)
        inside = np.mean([line.inside for line in own])
        print(
            f"{way}: {len(own)} phantoms, worst rms {worst.rms:.4f} ({worst.case}), within 2 errors {inside:.1%}"
        )


if __name__ == "__main__":
    main()
