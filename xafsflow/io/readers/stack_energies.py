"""The energies of a stack: from a table, in eV or keV, checked against the images.

Everything that leaves this file is in eV.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_energy_column

Energies = NDArray[np.float64]

# Absorption edges lie between 54.7 eV (Li) and 115.6 keV (U): none below 30 in eV, none above 120 in keV.
LOWEST_EV, HIGHEST_KEV = 30.0, 120.0
# Steps as fine as this are keV (20 eV): soft edges, the only ones with numbers below 120 in eV, are scanned
# in steps of 0.05 eV and more.
FINEST_STEP_EV = 0.02
UNITS = {"ev": "eV", "kev": "keV"}
SAY_IT = "write the unit into the header (energy_eV), or behind the number in the names (7112.5_eV)"


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
    """Raise InputError unless there is one energy an image, each a positive number; several images may have one energy.

    Examples
    --------
    >>> check_energies([7112.0, 7112.5], 3, "energies.csv")
    Traceback (most recent call last):
    xafsflow.errors.InputError: Found energies.csv: 2 energies and 3 images. Expected one energy an image. ...
    """
    values = _checked(energies, source)
    if len(values) != n_images:
        found = f"{source}: {len(values)} energies and {n_images} images"
        raise InputError(found, "one energy an image", "add what is missing, or take out what is too much")


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
