"""The energies of a stack: from a table or the names of the files, in eV or keV, checked against the images.

Everything that leaves this file is in eV.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_energy_column

T = TypeVar("T")
Energies = NDArray[np.float64]

# Absorption edges lie between 54.7 eV (Li) and 115.6 keV (U): none below 30 in eV, none above 120 in keV.
LOWEST_EV, HIGHEST_KEV = 30.0, 120.0
# Steps as fine as this are keV (20 eV): soft edges, the only ones with numbers below 120 in eV, are scanned
# in steps of 0.05 eV and more.
FINEST_STEP_EV = 0.02
# A scan covers one edge, or a few near each other; a counter covers more.
WIDEST_RATIO = 3.0
# A whole number with as many digits is a time, a date or a serial number.
LONGEST = 6

UNITS = {"ev": "eV", "kev": "keV"}
NUMBER_WITH_UNIT = re.compile(r"(?<![0-9.])([0-9]+(?:[.p][0-9]+)?)[ _-]?(k?ev)(?![a-z])", re.IGNORECASE)
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
SAY_IT = "give a file of energies with the header energy_eV, or write the unit behind the number (7112.5_eV)"


def read_energies(path: Path) -> Energies:
    r"""Read energies from CSV, text or XDI, in eV and in the order of the file.

    The column is the one that is named so (`energy`, `energy_eV`, `Energy (keV)`, `# Column.1: energy eV`),
    or the first where none has a name. Lines that begin with # or % are comments. A unit in the header holds;
    without one see `to_ev`.

    Raises
    ------
    InputError
        There is no such file, no text in it, no column of energies, or something in it that is no finite,
        positive number (names the line or place).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "energies.csv")
    ...     _ = path.write_text("image,energy_eV\n1,7112.0\n2,7112.5\n")
    ...     print(read_energies(path))
    [7112.  7112.5]
    """
    values, unit = read_energy_column(path)
    return to_ev(values, str(path), unit)


def energies_from_names(names: Sequence[str]) -> Energies:
    """Find the energies in the names of the images, in eV and in the order of the names.

    A number with a unit counts before any other: `sample_0012_07112.50_eV.tif`, `fe_7112p5eV.tif`,
    `scan_7.1125_keV.tif`. Else it is the only number that varies and can be an energy: from 30 to 120,000 in
    eV, below 120 with a decimal point in keV, over a factor of 3 at most; no counter (whole numbers in steps
    of one), no time and no date (whole numbers of six digits and more).

    Raises
    ------
    InputError
        No number can be the energy, or more than one can.

    Examples
    --------
    >>> energies_from_names(["sample_0001_7112.0.tif", "sample_0002_7112.5.tif"])
    array([7112. , 7112.5])
    """
    if not len(names):
        raise InputError("no file names", "one name an image", SAY_IT)
    stems = [re.sub(r"(\.ome)?\.[A-Za-z]\w*$", "", Path(name).name) for name in names]
    source = f"the file names ({Path(names[0]).name} and so on)"
    with_unit = [NUMBER_WITH_UNIT.findall(stem) for stem in stems]
    if any(with_unit):
        return _with_unit(_fields(with_unit, names), source)
    fields = [
        field for field in _fields([NUMBER.findall(stem) for stem in stems], names) if _plausible(field)
    ]
    chosen = _only(fields, source)
    return to_ev(
        [float(text) for text in chosen], source, None if any("." in text for text in chosen) else "eV"
    )


def to_ev(energies: ArrayLike, source: str, unit: str | None = None) -> Energies:
    """Energies in eV; keV are converted, and said aloud with an XafsflowWarning.

    Parameters
    ----------
    energies
        Photon energies, (energies,).
    source
        Where they come from, for messages.
    unit
        `eV` or `keV` where a header or a name says so, which settles it. None: the size decides. Numbers that
        reach 120, and none below 30, are eV. All below 30 are keV, as no absorption edge lies below 30 eV.
        All below 120 are keV if the median step is 0.02 or less, finer than soft edges are scanned in eV;
        else the unit must be given.

    Raises
    ------
    InputError
        Something is not a positive, finite number, the unit cannot be seen, or the energies are not within 30
        eV and 120 keV, where all absorption edges lie.

    Examples
    --------
    >>> to_ev([7112.0, 7113.0], "energies.csv")
    array([7112., 7113.])
    """
    values = _checked(energies, source)
    low, high = float(values.min()), float(values.max())
    steps = np.diff(np.unique(values))
    span = f"{source}: energies from {low:g} to {high:g}"
    if unit is not None:
        if unit.lower() not in UNITS:
            raise InputError(f"{source}: unit {unit}", "eV or keV", "convert the energies")
        unit = UNITS[unit.lower()]
    else:
        if high < LOWEST_EV or (high < HIGHEST_KEV and len(steps) and np.median(steps) <= FINEST_STEP_EV):
            unit = "keV"
        elif high < HIGHEST_KEV or low < LOWEST_EV:
            raise InputError(f"{span}, without a unit", "eV or keV, which the numbers do not show", SAY_IT)
        else:
            unit = "eV"
    scale = 1000.0 if unit == "keV" else 1.0
    if low < LOWEST_EV / scale or high > HIGHEST_KEV * 1000 / scale:
        wanted = f"absorption edges, {LOWEST_EV:g} eV to {HIGHEST_KEV:g} keV"
        raise InputError(f"{span} {unit}", wanted, "correct the unit or the numbers; decimals after a point")
    if scale == 1.0:
        return values
    warnings.warn(f"{span} are keV and were converted to eV", XafsflowWarning, stacklevel=2)
    return np.round(values * scale, 6)  # 7.1121 keV is 7112.1 eV, not 7112.099999999999


def check_energies(energies: ArrayLike, n_images: int, source: str) -> None:
    """Raise InputError unless there is one energy an image, each a positive number and none twice.

    Examples
    --------
    >>> check_energies([7112.0, 7112.5, 7112.0], 3, "energies.csv")
    Traceback (most recent call last):
    xafsflow.errors.InputError: Found energies.csv: 7112 eV at numbers 1, 3. Expected every energy once. ...
    """
    values = _checked(energies, source)
    if len(values) != n_images:
        found = f"{source}: {len(values)} energies and {n_images} images"
        raise InputError(found, "one energy an image", "add what is missing, or take out what is too much")
    unique, times = np.unique(values, return_counts=True)
    if (times > 1).any():
        shown = [f"{value:.10g} eV at numbers {_numbers(values == value)}" for value in unique[times > 1][:3]]
        more = ", ..." if (times > 1).sum() > 3 else ""
        found = f"{source}: {', '.join(shown)}{more}"
        raise InputError(
            found, "every energy once", "correct the energies, or take out the images measured twice"
        )


def sorted_order(energies: ArrayLike) -> NDArray[np.intp]:
    """The order that makes energies ascend: `energies[order]`, and `stack.take(order)`.

    Examples
    --------
    >>> sorted_order([7113.0, 7112.0, 7114.0])
    array([1, 0, 2])
    """
    return np.argsort(np.asarray(energies), kind="stable")


def _checked(energies: ArrayLike, source: str) -> Energies:
    """Energies as an array, all of them positive and finite."""
    try:
        values = np.atleast_1d(np.array(energies, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {error}", "numbers", "correct the energies") from None
    if values.ndim != 1 or not values.size:
        raise InputError(
            f"{source}: energies of shape {values.shape}", "a list of numbers", "correct the energies"
        )
    for wrong, wanted in ((~np.isfinite(values), "finite numbers"), (values <= 0, "positive numbers")):
        if wrong.any():
            shown = ", ".join(f"{value:g}" for value in values[wrong][:3])
            raise InputError(
                f"{source}: {shown} at numbers {_numbers(wrong)}", wanted, "correct the energies"
            )
    return values


def _numbers(wrong: NDArray[np.bool_]) -> str:
    """Places, from 1, the first five."""
    places = np.flatnonzero(wrong) + 1
    return ", ".join(map(str, places[:5])) + (f" and {len(places) - 5} more" if len(places) > 5 else "")


def _fields(numbers: Sequence[Sequence[T]], names: Sequence[str]) -> list[tuple[T, ...]]:
    """The numbers of all the names, field by field."""
    odd = next((k for k, found in enumerate(numbers) if len(found) != len(numbers[0])), None)
    if odd is not None:
        (first, wrong), (n, m) = (Path(names[k]).name for k in (0, odd)), (len(numbers[k]) for k in (0, odd))
        raise InputError(f"{n} numbers in {first} and {m} in {wrong}", "names of one kind", SAY_IT)
    return list(zip(*numbers, strict=True))


def _only(fields: Sequence[Sequence[T]], source: str) -> Sequence[T]:
    if len(fields) == 1:
        return fields[0]
    shown = (
        " or ".join(f"{field[0]} to {field[-1]}" for field in fields) or "no number that varies as they do"
    )
    raise InputError(
        f"{source}: {shown}", "one number that can be the energy, no counter and no time", SAY_IT
    )


def _with_unit(fields: Sequence[Sequence[tuple[str, str]]], source: str) -> Energies:
    field = _only([field for field in fields if len(set(field)) > 1] or fields, source)
    units = sorted({UNITS[unit.lower()] for _, unit in field})
    values = [float(number.lower().replace("p", ".")) for number, _ in field]
    if len(units) > 1:
        found = f"{source}: {' and '.join(units)}"
        raise InputError(found, "one unit", SAY_IT)
    return to_ev(values, source, units[0])


def _plausible(field: Sequence[str]) -> bool:
    """Whether the numbers of a field may be energies; see `energies_from_names`."""
    values = np.array([float(text) for text in field])
    steps, whole = np.diff(np.unique(values)), not any("." in text for text in field)
    low, high = float(values.min()), float(values.max())
    if not len(steps) or low <= 0 or high > WIDEST_RATIO * low:
        return False
    if whole:
        return low >= LOWEST_EV and not (steps == 1).all() and max(map(len, field)) < LONGEST
    return high <= HIGHEST_KEV or (low >= LOWEST_EV and high <= HIGHEST_KEV * 1000)
