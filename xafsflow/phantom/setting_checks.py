"""What the settings of a phantom may be, checked when it is made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from xafsflow.errors import InputError
from xafsflow.phantom.reference_broadening import broadened
from xafsflow.phantom.scan_energies import shift_range
from xafsflow.phantom.spectra import FE_K, spectrum

if TYPE_CHECKING:
    from xafsflow.phantom.settings import Phantom

Pattern = Literal["grains", "smooth", "ramp"]


def check(phantom: Phantom) -> None:
    """Refuse settings that are out of their range.

    Raises
    ------
    InputError
        Naming the setting, its value and what is possible.
    """
    _check_ranges(phantom)
    _check_energies(phantom)
    _check_references(phantom)
    _check_defects(phantom)


def _check_ranges(phantom: Phantom) -> None:
    pairs = (phantom.size, phantom.thickness, phantom.drift)
    if {len(pair) for pair in pairs} != {2}:
        raise InputError(f"phantom with size, thickness, drift = {pairs}", "two numbers each", "give pairs")
    low, high = phantom.thickness
    shift = (phantom.tilt, phantom.tilt_x, phantom.curvature, phantom.offset)
    if not np.isfinite((*shift, *phantom.drift, high, phantom.matrix, phantom.counts, phantom.e0)).all():
        raise InputError(
            f"phantom with numbers that are not finite: {phantom!r}", "finite numbers", "change them"
        )
    resolution = (phantom.broadening, phantom.foil_broadening, phantom.point_spread)
    if not np.isfinite(resolution).all() or min(resolution) < 0:
        raise InputError(
            f"phantom with broadening, foil_broadening, point_spread = {resolution}",
            "numbers from 0",
            "change them",
        )
    whole = all(
        isinstance(number, int | np.integer) for number in (*phantom.size, phantom.seed, phantom.repeat)
    )
    rules = (
        ("size", whole and min(phantom.size) >= 1, "two whole numbers, 1 or more"),
        ("seed", whole and phantom.seed >= 0, "a whole number, 0 or more"),
        ("repeat", whole and phantom.repeat >= 0, "a whole number, 0 or more"),
        ("counts", phantom.counts > 0, "more than 0"),
        ("flux_jitter", 0 <= phantom.flux_jitter < 0.2, "from 0 to 0.2"),
        ("thickness", 0 <= low <= high, "the least and the largest edge step, 0 or more"),
        ("matrix", phantom.matrix >= 0, "0 or more"),
        ("hole_share", 0 <= phantom.hole_share < 1, "from 0 to below 1"),
        ("pure_share", 0 <= phantom.pure_share <= 1, "from 0 to 1"),
        ("dead_share", 0 <= phantom.dead_share < 1, "from 0 to below 1"),
        ("pattern", phantom.pattern in get_args(Pattern), f"one of {', '.join(get_args(Pattern))}"),
        ("grain", 2 <= phantom.grain_size < math.inf, "2 pixels or more"),
    )
    for name, good, wanted in rules:
        if not good:
            raise InputError(f"phantom with {name}={getattr(phantom, name)!r}", wanted, f"change {name}")


def _check_energies(phantom: Phantom) -> None:
    if isinstance(phantom.energies, int):
        if phantom.energies < 4:
            raise InputError(f"phantom with {phantom.energies} energies", "4 or more", "change energies")
        return
    energy = phantom.energy
    good = (
        energy.size > 0
        and np.isfinite(energy).all()
        and energy.min() > 0
        and np.unique(energy).size == energy.size
    )
    if not good:
        raise InputError(
            f"phantom with {energy.size} energies, {np.unique(energy).size} of them different",
            "one or more, positive and all different, in eV",
            "change energies",
        )


def _check_references(phantom: Phantom) -> None:
    for what, names in (("references", phantom.names), ("library", phantom.written_names)):
        if not names or len(set(names)) < len(names):
            raise InputError(
                f"phantom with the {what} {', '.join(names) or '(none)'}",
                "one or more, all different",
                f"change {what}",
            )
    foil = () if phantom.foil is None else (phantom.foil,)
    used = (*phantom.references, *foil, *phantom.written)
    named = [r for r in used if isinstance(r, str)]
    if named and abs(phantom.e0 - FE_K) > 50:
        raise InputError(
            f"phantom of {', '.join(named)} with e0={phantom.e0:g} eV",
            f"e0 within 50 eV of {FE_K:g}, the K edge that the named spectra belong to",
            "give spectra of the other edge as Reference(name, energy, mu), also for foil",
        )
    low, high = shift_range(phantom)
    ends = np.array([phantom.energy.min() + low, phantom.energy.max() + high])
    for reference in phantom.references:
        broadened(reference, ends, phantom.broadening)
    for reference in foil:
        broadened(reference, ends, phantom.foil_broadening)
    for reference in phantom.written:
        spectrum(reference, phantom.reference_energy(reference))


def _check_defects(phantom: Phantom) -> None:
    last, count = phantom.defects.last_energy(), phantom.energy.size
    if last >= count:
        raise InputError(
            f"a defect at energy {last} of a phantom with {count}", f"0 to {count - 1}", "change defects"
        )
