"""How true the answers are on scans unlike the demonstration's: one table, a line for each kind of `scan_kinds.py`.

    python tests/benchmarks/truth.py [--kinds NAME ...] [--seeds 1] [--repeats 0] [--scan-fe] [--json FILE]

Each scan is written by the phantom, 64 x 80 pixels, with the kind's resolution, thickness, energies, counts and faults, and
goes the whole way of its recipe, calibration by its own foil included: nothing is told to the program that a user would not
tell it. Only this benchmark reads the truth.

forest, fit   mean error of the shares against the pixel itself, over pixels with sample and an answer
seen          that of the fit against the truth as optics and `correct.average` show it: without what they blur
bias          the largest mean error, with its sign, of the fit's share of one reference
dominant      pixels whose leading reference is right by the forest, among those where one truly leads by .1
chi2          median reduced chi-square of the fit
unknown       pixels called unknown
pull          robust width of (share - truth as seen)/`lcf_error` over pixels and references; 1 where errors are honest
shift, pull   rms error of the energy shift in meV, and the rms of (shift - truth)/`energy_shift_error`
sigma         the broadening of the foil against its standard that was found, beside the true one, eV

Truth that no pixel of a reference has, such as a phase outside the library, leaves the columns of shares empty. `--repeats`
adds scans that differ from the first in noise alone, and lays the scatter of the shares beside `lcf_error`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scan_kinds import KINDS, phantom_of, write_kind
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.ndimage import shift as shift_image

from xafsflow.errors import XafsflowError
from xafsflow.io.folders import Folders
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import load_recipe, parse_recipe
from xafsflow.vocabulary import Flag

ROOT = Path(__file__).resolve().parents[2]
SCAN_FE = ROOT.parent / "shared" / "data" / "scan_fe"
STANDARDS = SCAN_FE.parent / "standards" / "Fe"
# By how much a reference must truly lead.
LEAD = 0.1
HEAD = (
    f"{'kind':<26}{'forest':>8}{'fit':>8}{'seen':>8}{'bias':>8}{'dominant':>9}{'chi2':>7}{'unknown':>8}{'pull':>6}"
    f"{'shift':>7}{'pull':>6}{'sigma':>13}{'s':>5}  verdict"
)
Row = dict[str, Any]


def robust_width(values: np.ndarray) -> float:
    """Half the distance between the quantiles of one standard deviation."""
    low, high = np.nanquantile(values, [0.1587, 0.8413])
    return float(high - low) / 2


def as_seen(truth: dict[str, np.ndarray], window: int) -> np.ndarray:
    """True shares after the point spread of the optics and a mean over a window, both weighted by thickness."""
    amount = np.where(truth["background"].astype(bool), 0.0, truth["fractions"] * truth["thickness"])
    spread = float(truth.get("point_spread", 0.0))
    if spread:
        amount = np.stack([gaussian_filter(one, spread, mode="nearest") for one in amount])
    amount = np.where(truth["dead"].astype(bool), 0.0, amount)
    if window > 1:
        amount = np.stack([uniform_filter(one, window, mode="constant") for one in amount])
    with np.errstate(invalid="ignore"):
        return np.asarray(amount / amount.sum(axis=0))


def joined(maps: xr.Dataset, alike: Mapping[str, str]) -> xr.Dataset:
    """Maps in which references that tell of one phase have one share."""
    for one, phase in alike.items():
        for name in ("fraction", "lcf_fraction"):
            maps[name].loc[{"reference": phase}] += maps[name].sel(reference=one)
        # Of their sum no error is stated.
        maps["lcf_error"].loc[{"reference": phase}] = np.nan
    return maps.drop_sel(reference=list(alike))


def where_it_was(truth: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The truth at the median place of the sample, to which `correct.drift` moves all images."""
    place = np.median(truth["drift"], axis=0)
    if not place.any():
        return truth
    there = (~truth["background"].astype(bool)).astype(float)
    found = dict(truth)
    amount = [moved_image(one, place) for one in truth["fractions"] * truth["thickness"]]
    found["thickness"] = np.sum(amount, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found["fractions"] = np.stack(amount) / found["thickness"]
    # A pixel that is sample in part only has no true shares.
    found["background"] = moved_image(there, place) < 0.999
    return found


def moved_image(image: np.ndarray, by: np.ndarray) -> np.ndarray:
    """An image moved by pixels along y and x, by straight lines between pixels; beyond it there is nothing."""
    return np.asarray(shift_image(image, by, order=1, mode="constant", cval=0.0))


def against_truth(maps: xr.Dataset, truth: dict[str, np.ndarray], window: int) -> Row:
    """The figures of one run."""
    sample = ~truth["background"].astype(bool) & ~truth["dead"].astype(bool)
    found, row = maps.fraction.values, Row()
    known = sample & np.isfinite(found).all(axis=0)
    names, there = [str(n) for n in maps.reference.values], [str(n) for n in truth["references"]]
    row["answered"] = float(known.sum() / sample.sum())
    row["chi2"] = float(np.nanmedian(maps.reduced_chi_square.values[known]))
    row["unknown"] = float((maps.flags.values[known] & int(Flag.UNKNOWN) > 0).mean())
    if set(there) <= set(names):
        true, seen = np.zeros_like(found), np.zeros_like(found)
        for name, one, blurred in zip(there, truth["fractions"], as_seen(truth, window), strict=True):
            true[names.index(name)], seen[names.index(name)] = one, blurred
        row |= shares(maps, true[:, known], seen[:, known], known, [names.index(n) for n in there])
    if "energy_shift" in maps:
        off = (maps.energy_shift.values - truth["shift"])[known]
        row["shift"] = 1e3 * float(np.sqrt(np.mean(off**2)))
        row["shift_pull"] = float(np.sqrt(np.mean((off / maps.energy_shift_error.values[known]) ** 2)))
    return row


def shares(maps: xr.Dataset, truth: np.ndarray, seen: np.ndarray, known: np.ndarray, there: list[int]) -> Row:
    """Errors of forest and fit, and of the errors that the fit states."""
    forest, fit = (maps[name].values[:, known] for name in ("fraction", "lcf_fraction"))
    lead = np.sort(truth, axis=0)
    clear = lead[-1] - lead[-2] > LEAD if len(truth) > 1 else np.ones(truth.shape[1], bool)
    right = (forest.argmax(axis=0) == truth.argmax(axis=0))[clear]
    bias = np.nanmean(fit - truth, axis=1)
    # A share at its bound of zero is not free to err.
    inner = (seen > 0.05) & (seen < 0.95)
    pull = ((fit - seen) / maps.lcf_error.values[:, known])[inner]
    return {
        "forest": float(np.abs(forest - truth)[there].mean()),
        "fit": float(np.nanmean(np.abs(fit - truth)[there])),
        "seen": float(np.nanmean(np.abs(fit - seen)[there])),
        "bias": float(bias[np.argmax(np.abs(bias))]),
        "dominant": float(right.mean()),
        "pull": robust_width(pull),
    }


def told(products: Any) -> Row:
    """What the findings say that no map does."""
    found: Row = {}
    for entry, one in products.findings.to_json().items():
        if entry.startswith("calibrate.foil") and isinstance(one, dict) and one.get("broadening"):
            found["sigma"] = one["broadening"]["sigma"]
    verdict = products.findings.to_json().get("verdict")
    if isinstance(verdict, dict):
        found["verdict"] = verdict["light"]
    return found


def taken(name: str, seed: int, folder: Path, **more: Any) -> tuple[Row, xr.Dataset | None]:
    """A scan of a kind, the whole way."""
    begun = time.perf_counter()
    scan = folder / f"{name}-{seed}-{more.get('repeat', 0)}"
    recipe = parse_recipe(write_kind(name, seed, scan, **more), f"the recipe of {name}")
    row: Row = {"kind": name, "seed": seed, "true_sigma": phantom_of(name, seed).foil_broadening}
    try:
        products = run(recipe, Folders(scan), scan.with_name(f"{scan.name}-run"))
    except XafsflowError as error:
        return row | {"refused": str(error), "seconds": time.perf_counter() - begun}, None
    maps = joined(products.maps.load(), KINDS[name].alike)
    with np.load(scan / "truth.npz") as truth:
        average = KINDS[name].average or {"window": 1}
        row |= against_truth(maps, where_it_was(dict(truth)), average["window"]) | told(products)
    return row | {"seconds": time.perf_counter() - begun}, maps


def scan_fe(folder: Path) -> Row:
    """The shared scan by `workflows/iron_oxides.yaml`."""
    begun = time.perf_counter()
    recipe = load_recipe(ROOT / "workflows" / "iron_oxides.yaml")
    products = run(recipe, Folders(SCAN_FE, STANDARDS), folder / "scan_fe")
    with np.load(SCAN_FE / "truth.npz") as file:
        truth = dict(file)
    # Its references are named by their files, in the order of the recipe.
    truth["references"] = products.maps.reference.values
    row = {"kind": "scan_fe", "seed": 0} | against_truth(products.maps, truth, 3) | told(products)
    return row | {"seconds": time.perf_counter() - begun}


def repeated(name: str, times: int, folder: Path) -> Row:
    """Scatter of the shares over repeats of one sample, over what the fit states, and the forest's scatter."""
    maps = [taken(name, 0, folder, repeat=k)[1] for k in range(1, times + 1)]
    good = [one for one in maps if one is not None]
    if len(good) < 2:
        return {}
    row: Row = {}
    for what, error in (("fraction", "fraction_error"), ("lcf_fraction", "lcf_error")):
        all_of = np.stack([one[what].values for one in good])
        inner = (all_of.mean(axis=0) > 0.05) & (all_of.mean(axis=0) < 0.95)
        scatter = np.sqrt(np.mean(all_of.std(axis=0, ddof=1)[inner] ** 2))
        row[what] = {"scatter": float(scatter)}
        if error in good[0]:
            stated = np.stack([one[error].values for one in good])
            row[what]["stated"] = float(np.sqrt(np.mean(stated[:, inner] ** 2)))
    return row


def line(row: Row) -> str:
    """A line of the table."""
    if "refused" in row:
        return f"{row['kind']:<26}{row['refused'][:130]}"

    def number(name: str, form: str, scale: float = 1.0) -> str:
        value = row.get(name)
        width = form.split(".")[0].lstrip("+")
        return (
            f"{'-':>{width}}"
            if value is None
            else f"{scale * value:{'+' if '+' in form else ''}{form.lstrip('+')}}"
        )

    sigma = "-" if row.get("sigma") is None else f"{row['sigma']:.2f}"
    of = "" if row.get("true_sigma") is None else f" ({row['true_sigma']:.2f})"
    return (
        f"{row['kind']:<26}{number('forest', '8.4f')}{number('fit', '8.4f')}{number('seen', '8.4f')}"
        f"{number('bias', '+8.4f')}{number('dominant', '9.3f')}{number('chi2', '7.2f')}{number('unknown', '7.1f', 100)}%"
        f"{number('pull', '6.2f')}{number('shift', '7.1f')}{number('shift_pull', '6.2f')}"
        f"{sigma + of:>13}{number('seconds', '5.0f')}  {row.get('verdict', '')}"
    )


def summary(rows: list[Row]) -> list[str]:
    """Median and worst over the kinds."""
    found = []
    for name, worst in (
        ("forest", max),
        ("fit", max),
        ("seen", max),
        ("dominant", min),
        ("unknown", max),
        ("shift", max),
    ):
        values = [row[name] for row in rows if row.get(name) is not None]
        if values:
            found.append(f"{name}: median {np.median(values):.4f}, worst {worst(values):.4f}")
    bias = [abs(row["bias"]) for row in rows if "bias" in row]
    return [*found, f"bias: median {np.median(bias):.4f}, worst {max(bias):.4f}"] if bias else found


def main() -> None:
    """Print the table and its summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=0, help="noise repeats of each kind")
    parser.add_argument("--scan-fe", action="store_true", help="also the scan in ../shared/data")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    print(HEAD)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = Path(name)
        if options.scan_fe and SCAN_FE.is_dir():
            print(line(scan_fe(place)), flush=True)
        for kind in options.kinds:
            for seed in range(options.seeds):
                rows.append(taken(kind, seed, place)[0])
                print(line(rows[-1]), flush=True)
            if options.repeats:
                rows[-1]["repeats"] = repeated(kind, options.repeats, place)
                print(f"{'':<26}{rows[-1]['repeats']}", flush=True)
    print("\n".join(summary(rows)))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
