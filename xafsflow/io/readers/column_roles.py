"""Which column of a table is what: energies, absorbance, counts."""

from __future__ import annotations

import re

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.stack_energies import to_ev
from xafsflow.io.readers.text_columns import Columns
from xafsflow.kernels.array_types import Doubles

HC = 12398.419843320026  # eV Angstrom, exact in the SI of 2019
ENERGY = re.compile(r"(?:(?:photon|nominal|mono|x-?ray)?[ _.-]*energ(?:y|ies).*|en?|k?ev)\Z", re.IGNORECASE)
ANGLE = re.compile(r"(?:angle|theta|bragg).*\Z", re.IGNORECASE)

# Intensities become absorbance over another column, by -ln or as they are; names of XDI's dictionary
RATIOS = {"itrans": ("i0", True), "ifluor": ("i0", False), "irefer": ("itrans", True)}
# The likeliest first: those of XDI, then what Larch, Athena and others call absorbance
PREFERRED = (
    "itrans",
    "mutrans",
    "mufluor",
    "ifluor",
    "xmu",
    "mu",
    "normtrans",
    "normfluor",
    "norm",
    "absorbance",
    "od",
)


def energies_of(table: Columns) -> tuple[int, Doubles]:
    """The index of the column of energies, and the energies in eV, of shape (rows).

    It is the column named so, or one of Bragg angles with the crystal's spacing in the header, or the first
    where no header field names one.

    Raises
    ------
    InputError
        If there is no such column, or something in it is no energy.
    """
    named = [index for index, name in enumerate(table.names) if ENERGY.match(name)]
    if named:
        at = min(named, key=lambda index: len(table.names[index]))  # energy rather than energy_readback
        name = table.names[at]
        unit = table.units[at] or (name if name.lower() in ("ev", "kev") else None)
        return at, to_ev(table.numbers(at), str(table.path), unit)
    angles = [index for index, name in enumerate(table.names) if ANGLE.match(name)]
    if angles:
        return angles[0], _from_angle(table, angles[0])
    if any(key.startswith("column.") for key in table.header):
        found = f"{table.path} with the columns {table.listing}"
        raise InputError(found, "a column energy or angle", "name it in the header")
    return 0, to_ev(table.numbers(0), str(table.path))


def _from_angle(table: Columns, at: int) -> Doubles:
    """Bragg's law, with the spacing of the crystal's planes in Angstrom from the header."""
    text = table.header.get("mono.d_spacing", "")
    try:
        spacing = float(text)
    except ValueError:
        spacing = np.nan
    if not 0 < spacing < np.inf:
        found = f"{table.path} with angles and Mono.d_spacing {text!r}"
        raise InputError(found, "the spacing in Angstrom", "add `# Mono.d_spacing: 3.1355` to the header")
    angle = table.numbers(at)
    theta = angle if table.units[at].lower().startswith("rad") else np.radians(angle)
    table.refuse((theta <= 0) | (theta > np.pi / 2), angle, "an angle between 0 and 90 degrees")
    with np.errstate(over="ignore"):
        return to_ev(HC / (2 * spacing * np.sin(theta)), str(table.path), "eV")


def likeliest(table: Columns, at: int) -> int:
    """The index of the column that is taken for absorbance when none is named; `at` is that of the energies.

    Raises
    ------
    InputError
        If no column can be chosen; the message lists the columns.
    """
    for name in PREFERRED:
        index = table.find(name)
        if index is not None and (name not in RATIOS or table.find(RATIOS[name][0]) is not None):
            return index
    return only_other(table, at, "the absorbance", "say which with column")


def only_other(table: Columns, at: int, what: str, do: str) -> int:
    """The index of the one column beside the energies.

    Raises
    ------
    InputError
        If there are more, or none; the message lists the columns.
    """
    others = [index for index in range(len(table.names)) if index != at]
    if len(others) != 1:
        found = f"{table.path} with {len(table.names)} columns: {table.listing}"
        raise InputError(found, f"energy and one more, {what}", do)
    return others[0]


def absorbance_of(table: Columns, index: int) -> tuple[Doubles, tuple[str, ...]]:
    """A column as absorbance, of shape (rows), and the names of the columns it was made from.

    `itrans` gives -ln(itrans/i0), `ifluor` ifluor/i0, `irefer` -ln(irefer/itrans); any other stands as it is.

    Raises
    ------
    InputError
        If a number is not finite, or an intensity not above zero; the message names the line.
    """
    name = table.names[index].lower()
    if name not in RATIOS:
        return table.numbers(index), (table.shown(index),)
    over, logarithm = RATIOS[name]
    above, below = table.numbers(index), table.numbers(table.index(over))
    table.refuse(below <= 0, below, f"{over} above zero")
    if logarithm:
        table.refuse(above <= 0, above, f"{name} above zero")
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        mu = -np.log(above / below) if logarithm else above / below
    table.refuse(~np.isfinite(mu), above, f"{name} of the size of {over}")
    return mu, (over, name)
