"""Which column of a table holds the energies."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.spectra.beamline_names import role_of
from xafsflow.io.readers.stack_energies import to_ev
from xafsflow.io.readers.text_columns import Columns
from xafsflow.kernels.array_types import Doubles

HC = 12398.419843320026  # eV Angstrom, exact in the SI of 2019
NARROWEST = 1e-4  # of the energy; energies that change less are a monochromator at rest
LOWEST_UNNAMED = 100.0  # eV; below, a column without a name may hold angles, wavenumbers or points
HIGHEST = 120e3  # eV, above all edges
RISING = 0.7  # of the steps go in one direction; encoders of quick scans jitter
EXACT = re.compile(r"energ(?:y|ies)\Z", re.IGNORECASE)
MOST_OF_RANGE, FEWEST_OF_A_SCAN = 0.6, 10  # a step over so much of all energies begins another scan
SAY = "say which with energy: NAME or energy: NUMBER OF THE COLUMN"


def energies_of(table: Columns, wanted: str | None = None) -> tuple[int, Doubles]:
    """The index of the column of energies, and the energies in eV, of shape (rows).

    It is the column that is told, or the first that is called as beamlines call energies, or one of Bragg angles with the
    crystal's spacing in the header, or the first column where names say nothing. Energies rise or fall, nearly always.

    Raises
    ------
    InputError
        If there is no such column, or something in it is no energy.
    """
    if wanted is not None:
        at = table.index(wanted)
        return at, _checked(table, at)
    named = [at for at, name in enumerate(table.names) if _says_energy(table, at, name)]
    named.sort(key=lambda at: (EXACT.match(table.names[at]) is None, at))
    problems = []
    for at in named:
        try:
            return at, _checked(table, at)
        except InputError as error:
            problems.append(error)
    angles = [at for at, name in enumerate(table.names) if role_of(name) == "angle"]
    if angles and not problems:
        return angles[0], from_angle(table, angles[0])
    if problems:
        raise problems[0]
    return 0, _first(table)


def _says_energy(table: Columns, at: int, name: str) -> bool:
    role = role_of(name)
    return role == "energy" or (role == "" and table.units[at].lower() in ("ev", "kev"))


def _first(table: Columns) -> Doubles:
    """The first column as energies, where no name says what is what: columns without names, or only two."""
    count = len(table.names)
    told = any(key.startswith("column.") for key in table.header)
    silent = not any(table.names) or (count == 2 and not told)
    if role_of(table.names[0]) or not silent:
        found = f"{table.place} with the columns {table.listing}"
        raise InputError(found, "a column energy or angle", SAY + _rising(table))
    values = table.numbers(0)
    if count > 1 and np.min(values) < LOWEST_UNNAMED and np.min(values) > 0:
        found = f"{table.place}, whose first column, {np.min(values):g} to {np.max(values):g}, has no name"
        raise InputError(found, f"energies in eV, above {LOWEST_UNNAMED:g}, or a name", SAY)
    return _checked(table, 0)


def _rising(table: Columns) -> str:
    """The columns that may be energies by their numbers, for a message."""
    shown = []
    for at, name in enumerate(table.names):
        values = table.values[:, at]
        rises = len(values) > 1 and bool((np.diff(values) > 0).all())
        if rises and role_of(name) == "" and values[0] > LOWEST_UNNAMED and values[-1] < HIGHEST:
            shown.append(f"energy: {table.shown(at)} ({values[0]:.1f} to {values[-1]:.1f})")
    return f", such as {' or '.join(shown[:3])}" if shown else ""


def _checked(table: Columns, at: int) -> Doubles:
    """A column as energies in eV."""
    name, values = table.names[at], table.numbers(at)
    role = role_of(name)
    if role == "angle":
        return from_angle(table, at)
    if role not in ("energy", ""):
        found = f"{table.place} and its column {name}, which is no energy"
        raise InputError(found, "a column of energies", f"{SAY}; there are {table.listing}")
    unit = table.units[at] or (name if name.lower() in ("ev", "kev") else None)
    if name.lower() == "mono" and np.max(values) < LOWEST_UNNAMED and unit is None:
        found = f"{table.place} and its column {name}, {np.min(values):g} to {np.max(values):g}"
        raise InputError(found, "energies in eV, or angles with the crystal's spacing", _spacing_help())
    energy = to_ev(values, table.place, unit)
    steps = np.diff(energy)
    steps = steps[steps != 0]
    share = max(np.mean(steps > 0), np.mean(steps < 0)) if len(steps) else 0.0
    span = float(np.ptp(energy))
    if len(energy) > 1 and (share < RISING or span < NARROWEST * np.max(energy)):
        what = "goes up and down" if len(steps) and share < RISING else f"changes by {span:g} eV"
        raise InputError(
            f"{table.place} and its column {table.shown(at)}, which {what}", "rising energies", SAY
        )
    return energy


def scans_of(table: Columns, wanted: str | None = None) -> list[Columns]:
    """The scans of a table in which several stand behind each other, each an entry by its number; else the table.

    A scan ends where the energies go back over most of their range at once. Scans over the same energies stay together, as
    repeated measurements, which are averaged aloud.
    """
    try:
        at = table.index(wanted) if wanted is not None else _first_named(table)
    except InputError:
        return [table]
    energy = table.values[:, at]
    if table.entry or len(energy) < 2 * FEWEST_OF_A_SCAN or not np.isfinite(energy).all():
        return [table]
    ends = [0, *_restarts(energy), len(energy)]
    parts = [slice(a, b) for a, b in pairwise(ends)]
    first = np.sort(energy[parts[0]])
    same = all(np.array_equal(np.sort(energy[part]), first) for part in parts)
    if len(parts) == 1 or same or min(b - a for a, b in pairwise(ends)) < FEWEST_OF_A_SCAN:
        return [table]
    return [
        replace(table, values=table.values[part], lines=table.lines[part], entry=str(number))
        for number, part in enumerate(parts, 1)
    ]


def _first_named(table: Columns) -> int:
    named = [at for at, name in enumerate(table.names) if _says_energy(table, at, name)]
    return min(named, key=lambda at: (EXACT.match(table.names[at]) is None, at), default=0)


def _restarts(energy: Doubles) -> list[int]:
    """Where scans begin that are not the first: behind a step over most of the range."""
    most = MOST_OF_RANGE * float(np.ptp(energy))
    return [int(k) + 1 for k in np.flatnonzero(np.abs(np.diff(energy)) > most)] if most else []


def _spacing_help() -> str:
    return "name the column energy, or angle with `# Mono.d_spacing: 3.1355` in the header"


def from_angle(table: Columns, at: int) -> Doubles:
    """Bragg's law, with the spacing of the crystal's planes in Angstrom from the header, of shape (rows).

    Raises
    ------
    InputError
        There is no spacing, or an angle is none.
    """
    text = table.header.get("mono.d_spacing", "")
    found = re.match(r"\s*([-+.\deE]+)", text)
    try:
        spacing = float(found[1]) if found else np.nan
    except ValueError:
        spacing = np.nan
    if not 0 < spacing < np.inf:
        found_ = f"{table.place} with angles and Mono.d_spacing {text!r}"
        raise InputError(found_, "the spacing in Angstrom", "add `# Mono.d_spacing: 3.1355` to the header")
    angle = table.numbers(at)
    theta = angle if table.units[at].lower().startswith("rad") else np.radians(angle)
    table.refuse((theta <= 0) | (theta > np.pi / 2), angle, "an angle between 0 and 90 degrees")
    with np.errstate(over="ignore"):
        return to_ev(HC / (2 * spacing * np.sin(theta)), table.place, "eV")
