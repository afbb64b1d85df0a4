"""Energies and sizes of pixels as files tell them, in eV and micrometers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.io.readers.stack_energies import to_ev
from xafsflow.kernels.array_types import Doubles

# eV, of units as files write them; in lower case.
PER_EV = {"ev": 1.0, "electronvolt": 1.0, "electronvolts": 1.0, "electron volt": 1.0}
PER_EV |= {"kev": 1e3, "kiloelectronvolt": 1e3, "kiloelectronvolts": 1e3}
PER_EV |= {"j": 1 / 1.602176634e-19, "joule": 1 / 1.602176634e-19}
UM = {"um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometers": 1.0}
UM |= {"micrometre": 1.0, "\\u00b5m": 1.0, "nm": 1e-3, "nanometer": 1e-3, "nanometre": 1e-3, "mm": 1e3}
UM |= {"millimeter": 1e3, "millimetre": 1e3, "m": 1e6, "meter": 1e6, "metre": 1e6, "cm": 1e4, "pm": 1e-6}
UM |= {"a": 1e-4, "angstrom": 1e-4}
# A name of energies: `energy`, `X_eng`, `mono_energy`, `Energies`, `en`.
ENERGY_NAME = re.compile(r"energ|(?:^|_)eng?(?:$|_)|^e_?k?ev$", re.IGNORECASE)
# What is told of energies, or the energies of a detector's channels.
OF_ENERGY = re.compile(r"loss|step|offset|resol|width|calib|error|std|mca|channel|index", re.IGNORECASE)
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
WITH_UNIT = re.compile(r"(?<![0-9.])([0-9]+(?:\.[0-9]+)?)[ _-]?(k?ev)(?![a-z])", re.IGNORECASE)
# Pixels of sides that differ by more are not square.
SQUARE = 0.01


def energies_ev(values: ArrayLike, unit: str | None, place: str) -> Doubles:
    """Energies in eV, of a unit that the file tells; without one, of the unit that their size shows (`to_ev`).

    Raises
    ------
    InputError
        The unit is none of energy, or the numbers are no energies of edges.

    Examples
    --------
    >>> energies_ev([7.1121, 7.113], "keV", "scan.h5"), energies_ev([1.1394768e-15], "J", "scan.h5").round(1)
    (array([7112.1, 7113. ]), array([7112.1]))
    """
    if unit is None or not unit.strip():
        return to_ev(values, place, None)
    scale = energy_scale(unit)
    if scale is None:
        raise InputError(
            f"{place}: energies in {unit!r}",
            "eV, keV or J",
            "give a file of energies with the header energy_eV",
        )
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{place}: {error}", "numbers as energies", "correct the energies") from None
    # 7.1121 keV is 7112.1 eV, not 7112.099999999999.
    return to_ev(numbers if scale == 1.0 else np.round(numbers * scale, 6), place, "eV")


def energy_in(names: Sequence[str], place: str) -> tuple[Doubles, str] | None:
    """Energies in names, eV, and their unit; None unless each name has one with its unit, the same in all, and they vary.

    Examples
    --------
    >>> energy_in(["7112.00 eV", "7112.50 eV"], "stack.tif"), energy_in(["Fe", "7112 eV"], "stack.tif")
    ((array([7112. , 7112.5]), 'eV'), None)
    """
    found = [WITH_UNIT.findall(name) for name in names]
    if any(len(one) != 1 for one in found) or len({one[0][1].lower() for one in found}) != 1:
        return None
    values, unit = [float(one[0][0]) for one in found], "keV" if found[0][0][1].lower() == "kev" else "eV"
    if len(values) > 1 and len(set(values)) == 1:
        return None
    return energies_ev(values, unit, f"names in {place}"), unit


def energy_scale(unit: str | None) -> float | None:
    """How many eV a unit is; None where it is no unit of energy.

    Examples
    --------
    >>> energy_scale("keV"), energy_scale("mm")
    (1000.0, None)
    """
    return None if unit is None else PER_EV.get(unit.strip().lower())


def micrometers(value: float, unit: str | None) -> float | None:
    """A length in micrometers; None where the unit is not known, or the value is no length.

    Examples
    --------
    >>> micrometers(65.0, "nm"), micrometers(2.0, "deg")
    (0.065, None)
    """
    scale = None if unit is None else UM.get(unit.strip().lower())
    if scale is None or not np.isfinite(value) or value <= 0:
        return None
    return float(f"{value * scale:.10g}")


def length_in(text: str) -> float | None:
    """The length in a text of number and unit, micrometers.

    Examples
    --------
    >>> length_in("20.3125nm"), length_in("unknown")
    (0.0203125, None)
    """
    found = NUMBER.match(text.strip())
    return None if found is None else micrometers(float(found[0]), text.strip()[found.end() :])


def spacing(positions: ArrayLike) -> float | None:
    """The usual step of positions `(pixels,)`; None where there is none.

    Examples
    --------
    >>> spacing([0.0, 0.15, 0.3]), spacing([1.0])
    (0.15, None)
    """
    values = np.asarray(positions, np.float64).ravel()
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    step = abs(float(np.median(np.diff(values))))
    return float(f"{step:.6g}") if step > 0 else None


def pixel_size(sides: Sequence[float | None]) -> float | None:
    """The size of a square pixel of these sides, micrometers; None where a side is not known, or they differ.

    Examples
    --------
    >>> pixel_size([0.08, 0.08]), pixel_size([0.08, 0.16])
    (0.08, None)
    """
    known = [side for side in sides if side is not None]
    if not known or len(known) < len(sides) or max(known) > (1 + SQUARE) * min(known):
        return None
    return known[0]


def is_energy_name(name: str) -> bool:
    """Whether something that is called so holds energies.

    Examples
    --------
    >>> is_energy_name("mono_energy"), is_energy_name("X_eng"), is_energy_name("length"), is_energy_name("energy_step")
    (True, True, False, False)
    """
    return ENERGY_NAME.search(name) is not None and OF_ENERGY.search(name) is None
