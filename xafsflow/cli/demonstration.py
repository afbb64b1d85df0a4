"""A simulated measurement taken the whole way, and what was found laid beside what is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.pipeline.execution import finished_maps, run
from xafsflow.pipeline.recipe import load_recipe
from xafsflow.progress import ProgressCallback


def demonstrate(out: Path, seed: int, report_progress: ProgressCallback) -> list[str]:
    """Simulate, write, run `workflows/demo.yaml`, and compare; lines of text that end with the report's path.

    Raises
    ------
    InputError
        The folder is not empty.
    """
    from xafsflow.phantom import Phantom, write_phantom

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"{out}, which is not empty", "a new folder", "choose another with --out, or remove it"
        )
    scan = out / "scan"
    report_progress("simulate", None)
    write_phantom(
        Phantom(seed=seed), scan, progress=lambda done, total: report_progress("simulate", done / total)
    )
    products = run(load_recipe(_recipe()), Folders(scan), out / "run", report_progress=report_progress)
    with np.load(scan / "truth.npz") as truth:
        lines = compare(finished_maps(out / "run"), dict(truth))
    verdict = products.findings.verdict
    told = [f"verdict: {verdict.text}"] if verdict else []
    return [*lines, *told, f"report: {(out / 'run' / 'report.html').resolve()}"]


def _recipe() -> Path:
    """The recipes are installed inside the package; in a checkout they lie beside it."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "workflows" / "demo.yaml"
    return installed if installed.is_file() else package.parent / "workflows" / "demo.yaml"


def compare(maps: xr.Dataset, truth: dict[str, np.ndarray]) -> list[str]:
    """A table of what was found and what is true, over the pixels with sample.

    Parameters
    ----------
    maps
        With `fraction` (reference, y, x), and `energy_shift` (y, x) if it was calibrated.
    truth
        `fractions` (reference, y, x), `background` and `dead` (y, x), `shift` (y, x) in eV.
    """
    found = maps.fraction.values
    sample = ~truth["background"].astype(bool) & ~truth["dead"].astype(bool)
    known = sample & np.isfinite(found).all(axis=0)
    lines = [f"{'':24} {'found':>8} {'true':>8} {'mean error':>11}"]
    for name, one, true in zip(maps.reference.values, found, truth["fractions"], strict=True):
        error = np.abs(one - true)[known].mean()
        lines.append(
            f"mean share of {name!s:<10} {one[known].mean():8.3f} {true[known].mean():8.3f} {error:11.3f}"
        )
    if "energy_shift" in maps:
        shift, true = maps.energy_shift.values[known], truth["shift"][known]
        error = np.sqrt(np.mean((shift - true) ** 2))
        lines.append(
            f"energy shift, eV, spread  {np.ptp(shift):7.3f} {np.ptp(true):8.3f} {error:11.3f} (rms)"
        )
    right = (found.argmax(axis=0) == truth["fractions"].argmax(axis=0))[known].mean()
    lines.append(f"dominant reference right in {right:.1%} of {known.sum()} pixels with sample")
    lines.append(f"pixels with sample that got an answer: {known.sum() / sample.sum():.1%}")
    if "lcf_fraction" in maps:
        lines += _fit_lines(maps, truth["fractions"], known)
    return lines


def _fit_lines(maps: xr.Dataset, fractions: np.ndarray, known: np.ndarray) -> list[str]:
    error = np.abs(maps.lcf_fraction.values - fractions)[:, known].mean()
    chi_square = np.nanmedian(maps.reduced_chi_square.values[known])
    lines = [
        f"shares by linear combination fit: mean error {error:.4f}",
        f"reduced chi-square of that fit, median: {chi_square:.3f}",
    ]
    if "unknown_score" in maps:
        unknown = (maps.unknown_score.values[known] > 1).mean()
        lines.append(f"pixels that the references do not explain: {unknown:.1%}")
    return lines
