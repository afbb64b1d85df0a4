"""The energies in the names of images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.stack_energies import (
    HIGHEST_KEV,
    LOWEST_EV,
    UNITS,
    Energies,
    to_ev,
)

# A scan covers one edge, or a few near each other; a counter covers more.
WIDEST_RATIO = 3.0
# A whole number with as many digits is a time, a date or a serial number.
LONGEST = 6
# Digits behind an underscore that may be decimals.
DECIMALS = 3

# What stands for the energy in a pattern of names.
ENERGY = "{energy}"
DECIMAL_POINTS = ".,p_"
IN_PATTERN = rf"([0-9]+(?:[{DECIMAL_POINTS}][0-9]+)?)"
NUMBER_WITH_UNIT = re.compile(
    rf"(?<![0-9.,])([0-9]+)(?:([{DECIMAL_POINTS}])([0-9]+))?[ _-]?(k?ev)(?![a-z])", re.IGNORECASE
)
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
SUFFIX = re.compile(r"(\.ome)?\.[A-Za-z]\w*$")
SAY_IT = 'set energies to a pattern of the names, such as "fe_{energy}eV_*", or to a file with the header energy_eV'


@dataclass(frozen=True)
class NamedEnergies:
    """Energies that names tell, eV, in the order of the names; the pattern that was read; whether a unit stood there."""

    values: Energies
    pattern: str
    with_unit: bool


@dataclass(frozen=True)
class _Number:
    """A number of a name: the digits before and behind what may be a decimal point, the unit, and where it stands."""

    whole: str
    point: str
    behind: str
    unit: str
    place: tuple[int, int]

    def value(self, reading: Literal["joint", "behind"]) -> float:
        """With its decimals, or what stands behind the point as a number of its own."""
        if not self.point:
            return float(self.whole)
        return float(self.behind) if reading == "behind" else float(f"{self.whole}.{self.behind}")


def is_pattern(text: str) -> bool:
    """Whether a setting is a pattern of names, and no file.

    Examples
    --------
    >>> is_pattern("fe_{energy}eV_*"), is_pattern("energies.csv")
    (True, False)
    """
    return ENERGY in text


def energies_by_pattern(names: Sequence[str], pattern: str) -> NamedEnergies:
    """The energies that stand at `{energy}` in a pattern of the names.

    `*` is any text, `?` any character. Decimals stand behind `.`, `,`, `p` or `_`. A unit behind `{energy}` holds; without
    one see `stack_energies.to_ev`. The suffix of the files may be left out.

    Raises
    ------
    InputError
        A name is not of the pattern.

    Examples
    --------
    >>> energies_by_pattern(["fe_7112_100eV.tif", "fe_7112_800eV.tif"], "fe_{energy}eV").values
    array([7112.1, 7112.8])
    """
    before, _, after = pattern.partition(ENERGY)
    text = re.compile(_as_expression(before) + IN_PATTERN + _as_expression(after))
    found = []
    for name in (Path(one).name for one in names):
        match = text.fullmatch(name) or text.fullmatch(_stem(name))
        if match is None:
            raise InputError(
                f"the name {name}, which is not of the pattern {pattern}",
                "names with {energy} where the energy stands and * for any text",
                "mend the pattern in energies",
            )
        found.append(float(re.sub(r"[,pP_]", ".", match[1])))
    unit = re.match(r"[ _-]?(k?ev)(?![a-z])", after, re.IGNORECASE)
    values = to_ev(found, f"the file names by {pattern}", UNITS[unit[1].lower()] if unit else None)
    return NamedEnergies(values, pattern, unit is not None)


def _as_expression(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def energies_from_names(names: Sequence[str]) -> NamedEnergies:
    """Find the energies in the names of the images, in eV and in the order of the names.

    A number with a unit counts before any other: `sample_0012_07112.50_eV.tif`, `fe_7112p5eV.tif`, `7112,5eV`,
    `fe_7112_500eV`, `scan_7.1125_keV.tif`; an underscore is a decimal point where both sides cannot be energies of their
    own. Else it is the only number that varies and can be an energy: from 30 to 120,000 in eV, below 120 with a decimal
    point in keV, over a factor of 3 at most; no counter (whole numbers in steps of one), no time and no date (whole numbers
    of six digits and more). Several images may have one energy.

    Raises
    ------
    InputError
        No number can be the energy, or more than one can.

    Examples
    --------
    >>> energies_from_names(["sample_0001_7112.0.tif", "sample_0002_7112.5.tif"]).values
    array([7112. , 7112.5])
    >>> energies_from_names(["fe_7112_100eV.tif", "fe_7112_800eV.tif"]).pattern
    'fe_{energy}eV.tif'
    """
    if not len(names):
        raise InputError("no file names", "one name an image", SAY_IT)
    stems = [_stem(Path(name).name) for name in names]
    source = f"the file names ({Path(names[0]).name} and so on)"
    with_unit = [[_number(match) for match in NUMBER_WITH_UNIT.finditer(stem)] for stem in stems]
    if any(with_unit):
        fields = _fields(with_unit, names)
        varying = [one for one in fields if len({(n.whole, n.behind) for n in one}) > 1]
        chosen = _only(varying or fields, source, names)
        return NamedEnergies(_with_unit(chosen, source), _pattern(names[0], chosen[0].place), True)
    numbers = [[_Number(m[0], "", "", "", m.span()) for m in NUMBER.finditer(stem)] for stem in stems]
    fields = _fields(numbers, names)
    chosen = _only([one for one in fields if _plausible([n.whole for n in one])], source, names)
    texts = [number.whole for number in chosen]
    whole = not any("." in text for text in texts)
    if whole:
        _refuse_hidden_decimals(texts, [one for one in fields if one is not chosen], source)
    values = to_ev([float(text) for text in texts], source, "eV" if whole else None)
    return NamedEnergies(values, _pattern(names[0], chosen[0].place), False)


def _stem(name: str) -> str:
    return SUFFIX.sub("", name)


def _number(match: re.Match[str]) -> _Number:
    whole, point, behind, unit = match.groups()
    return _Number(whole, point or "", behind or "", unit, (match.start(1), match.end(3 if point else 1)))


def _pattern(name: str, place: tuple[int, int]) -> str:
    """A name with the energy and all other numbers replaced.

    Examples
    --------
    >>> _pattern("sample_0012_07112.50_eV.tif", (12, 20))
    'sample_*_{energy}_eV.tif'
    """
    name = Path(name).name
    stem = _stem(name)
    before, after = stem[: place[0]], stem[place[1] :]
    return NUMBER.sub("*", before) + ENERGY + NUMBER.sub("*", after) + name[len(stem) :]


def _fields(numbers: Sequence[Sequence[_Number]], names: Sequence[str]) -> list[tuple[_Number, ...]]:
    """The numbers of all the names, field by field."""
    odd = next((k for k, found in enumerate(numbers) if len(found) != len(numbers[0])), None)
    if odd is not None:
        (first, wrong), (n, m) = (Path(names[k]).name for k in (0, odd)), (len(numbers[k]) for k in (0, odd))
        raise InputError(f"{n} numbers in {first} and {m} in {wrong}", "names of one kind", SAY_IT)
    return list(zip(*numbers, strict=True))


def _only(fields: Sequence[tuple[_Number, ...]], source: str, names: Sequence[str]) -> tuple[_Number, ...]:
    if len(fields) == 1:
        return fields[0]
    shown = " or ".join(
        f"{field[0].whole} to {field[-1].whole} ({_pattern(names[0], field[0].place)})" for field in fields
    )
    raise InputError(
        f"{source}: {shown or 'no number that varies as energies do'}",
        "one number that can be the energy, no counter and no time",
        SAY_IT,
    )


def _with_unit(field: Sequence[_Number], source: str) -> Energies:
    units = sorted({UNITS[number.unit.lower()] for number in field})
    if len(units) > 1:
        raise InputError(f"{source}: {' and '.join(units)}", "one unit", SAY_IT)
    joint = [number.value("joint") for number in field]
    if not any(number.point in ("_", ",") for number in field):
        return to_ev(joint, source, units[0])
    behind = [number.value("behind") for number in field]
    short = all(len(number.behind) <= DECIMALS for number in field if number.point == "_")
    possible = [one for one, fits in ((joint, short), (behind, True)) if fits and _in_range(one, units[0])]
    if len(possible) != 1:
        found = " or ".join(f"{one[0]:g} to {one[-1]:g} {units[0]}" for one in (joint, behind))
        raise InputError(f"{source}: {found}", "one way to read the decimals", SAY_IT)
    return to_ev(possible[0], source, units[0])


def _in_range(values: Sequence[float], unit: str) -> bool:
    low, high, scale = min(values), max(values), 1.0 if unit == "eV" else 1e-3
    return low >= LOWEST_EV * scale and high <= HIGHEST_KEV * 1e3 * scale and high <= WIDEST_RATIO * low


def _refuse_hidden_decimals(texts: Sequence[str], others: Sequence[tuple[_Number, ...]], source: str) -> None:
    """Refuse `7112_25`, `7112_50`: two images of one energy, or decimals; numbers in a row count exposures."""
    for field in others:
        if any("." in n.whole or len(n.whole) >= LONGEST for n in field):
            continue
        groups: dict[str, set[int]] = {}
        for text, number in zip(texts, field, strict=True):
            groups.setdefault(text, set()).add(int(number.whole))
        odd = next((k for k, v in groups.items() if max(v) - min(v) >= len(v)), None)
        if odd is not None:
            shown = ", ".join(str(one) for one in sorted(groups[odd])[:4])
            raise InputError(
                f"{source}: {odd} with {shown} beside it",
                "whole energies with images that are counted in a row, or decimals behind a point",
                SAY_IT,
            )


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
