"""Measured diffraction patterns, with their wavelength."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.step_table import step as register
from xafsflow.vocabulary import attributes
from xafsflow.wavelengths import alike, angstrom

if TYPE_CHECKING:
    from xafsflow.io.folders import Folders
    from xafsflow.io.readers.patterns.measured_pattern import Pattern


@register(makes="spectra", example={"files": ["*.xrdml"]})
def patterns(
    data: Any,
    /,
    *,
    files: list[str],
    table: str | None = None,
    wavelength: float | str | None = None,
    at: float | str = "CuKa",
    span: tuple[float, float] = (10.0, 90.0),
    step: Annotated[float, Field(gt=0)] = 0.02,
    scan: Annotated[int, Field(ge=1)] | None = None,
) -> xr.Dataset:
    """Diffraction patterns of many files on one grid of angles at one wavelength, with what is known of each.

    The wavelength of a file is the one it tells (of a doublet the mean, weighted by its ratio), else that of its line in the
    table, else the setting; a file without any is an error. Where a file and a line or the setting tell wavelengths that
    differ by more than .1 %, that is an error too. A file that cannot be read is left out, with a warning that names it.

    Parameters
    ----------
    files
        Files or patterns, relative to the data folder (or with the prefix `references:`): `.xrdml`, `.ras`, `.rasx`,
        `.brml`, `.chi`, or columns of text (`.xy`, `.xye`, `.dat`, `.txt`, `.csv`).
    table
        A CSV with a column `file` and others that say what each file is, such as `structure_type`, `elements` or `ratio`;
        a column `wavelength` tells that of each file, as the setting does.
    wavelength
        Of the files that do not tell theirs: Angstrom, or a line by name: `CuKa` (the mean of both lines, weighted 2 to 1),
        `CuKa1`; likewise of Co, Mo, Cr, Fe, Ag.
    at
        The wavelength that the angles of the grid belong to.
    span
        First and last angle 2 theta of the grid, degrees.
    step
        Of the grid, degrees. A pattern that is measured in finer steps gives the means over them.
    scan
        Number of the scan, from 1, in files with several; by default scans over the same angles are summed.

    Returns
    -------
    Dataset
        `mu` (sample, two_theta), NaN where a file did not measure; `file` and the columns of the table as texts (sample),
        with the attribute `role`; `group` (sample), each file its own; `wavelength`, of the grid, and
        `measured_wavelength` (sample), Angstrom.

    Raises
    ------
    InputError
        A file without a wavelength, or with two; files without a line in the table; nothing that can be read.
    """
    from xafsflow.io.folders import Folders
    from xafsflow.io.readers.patterns.pattern_labels import WAVELENGTH, read_labels
    from xafsflow.io.readers.patterns.patterns_on_grid import grid_of

    folders = Folders.of(data)
    grid, wanted = grid_of(*span, step), angstrom(at)
    given = None if wavelength is None else angstrom(wavelength)
    paths = list(dict.fromkeys(path for name in files for path in folders.glob(name)))
    if not paths:
        raise InputError("no name in `files`", "one file or more", "name the files of patterns")
    names = [_relative(path, folders) for path in paths]
    labels = {} if table is None else read_labels(folders.resolve(table), names)
    own = labels.pop(WAVELENGTH, [""] * len(paths))
    found, kept = _readable(paths, scan)
    used = _wavelengths(found, [own[n] for n in kept], given)
    columns = {"file": [names[n] for n in kept]}
    columns |= {name: [column[n] for n in kept] for name, column in labels.items()}
    return _library(found, used, columns, grid, wanted)


def _relative(path: Path, folders: Folders) -> str:
    bases = [
        one for one in (folders.data, folders.references) if one is not None and path.is_relative_to(one)
    ]
    return path.relative_to(bases[0]).as_posix()


def _readable(paths: Sequence[Path], scan: int | None) -> tuple[list[Pattern], list[int]]:
    """The patterns that can be read, and their places among the files."""
    from xafsflow.io.readers.patterns import read_pattern

    found, kept, reasons = [], [], []
    for number, path in enumerate(paths):
        try:
            found.append(read_pattern(path, scan))
            kept.append(number)
        except InputError as error:
            reasons.append(str(error))
    if not found:
        more = f" (and {len(reasons) - 1} files more)" if len(reasons) > 1 else ""
        raise InputError(f"no file that can be read as a pattern{more}. {reasons[0]}")
    for reason in reasons:
        warnings.warn(f"a file is left out. {reason}", XafsflowWarning, stacklevel=4)
    return found, kept


def _wavelengths(found: Sequence[Pattern], own: Sequence[str], given: float | None) -> list[float]:
    """The wavelength of each pattern, Angstrom."""
    used, silent = [], []
    for pattern, text in zip(found, own, strict=True):
        listed = angstrom(text) if text else given
        told = pattern.wavelength
        if told is not None and listed is not None and not alike(told, listed):
            source = "its line in the table" if text else "the setting"
            raise InputError(
                f"{pattern.source}, which tells {told:.6g} Angstrom, and {listed:.6g} in {source}",
                "one wavelength, to .1 %",
                "mend the wrong one; files of several wavelengths have theirs in a column `wavelength` of the table",
            )
        value = told if told is not None else listed
        if value is None:
            silent.append(pattern.source.name)
        used.append(value or np.nan)
    if silent:
        raise InputError(
            f"no wavelength in {len(silent)} of {len(found)} files: {', '.join(silent[:5])}"
            + (", ..." if len(silent) > 5 else ""),
            "the wavelength of every pattern",
            "give it with `wavelength` (Angstrom, or a line such as CuKa), or in a column `wavelength` of the table",
        )
    return used


def _library(
    found: Sequence[Pattern],
    used: Sequence[float],
    columns: dict[str, list[str]],
    grid: Any,
    wanted: float,
) -> xr.Dataset:
    from xafsflow.io.readers.patterns.patterns_on_grid import on_grid

    rows = [on_grid(p.two_theta, p.counts, own, grid, wanted) for p, own in zip(found, used, strict=True)]
    covered = [n for n, row in enumerate(rows) if np.isfinite(row).any()]
    if len(covered) < len(rows):
        kept = set(covered)
        outside = [name for n, name in enumerate(columns["file"]) if n not in kept]
        text = f"without an angle between {grid[0]:g} and {grid[-1]:g} degrees at {wanted:.6g} Angstrom"
        if not covered:
            raise InputError(f"patterns {text}, such as {outside[0]}", "one or more there", "change `span`")
        warnings.warn(f"left out, {text}: {', '.join(outside)}", XafsflowWarning, stacklevel=4)
    told = {"units": "Angstrom", "role": "measurement", "long_name": "wavelength that was measured with"}
    label = {"role": "label", "units": ""}
    texts = {name: np.array(column, np.str_)[covered] for name, column in columns.items()}
    library = xr.Dataset(
        {
            "mu": (("sample", "two_theta"), np.array(rows, np.float32)[covered], attributes("mu")),
            **{name: ("sample", values, label) for name, values in texts.items()},
            "wavelength": ((), wanted, attributes("wavelength")),
            "measured_wavelength": ("sample", np.array(used)[covered], told),
        },
        {
            "two_theta": ("two_theta", grid, attributes("two_theta")),
            "group": ("sample", texts["file"], {"source": "file"}),
        },
    )
    library.attrs = {"align": "none", "grouped": True}
    return library
