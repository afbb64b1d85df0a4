"""Structure types whose patterns are nearly the same, at the best size of the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from xafsflow.crystals.compounds import Compound, compound, reference_compound
from xafsflow.crystals.powder_patterns import strengths
from xafsflow.crystals.prototype_names import KNOWN_ORDER
from xafsflow.crystals.prototypes import all_types, chosen_types, prototype
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Complexes, Doubles

LIMIT = 0.95  # of the correlation, above which types are near copies
TRIED = 4  # compounds of each type, beside one of equal scatterers
POINTS, STEP = 1024, 0.0025  # of log(1/d), from START on; 1/d in units of one over the mean size of an atom
START, END = np.log(0.3), np.log(3.0)
BLUR = 2.0  # steps
FARTHEST = 120  # steps: cells may differ by a third


def near_copies(
    known: Sequence[str] | int, others: Sequence[str], *, limit: float = LIMIT
) -> dict[str, list[str]]:
    """Of each known type, the others whose ideal pattern may nearly be one of its own.

    Roots of intensities over log(1/d) are correlated at the best shift, which is the best size of the cell: for reference
    cells with equal scatterers everywhere, and with the species of a few compounds.

    Parameters
    ----------
    known
        Types, or how many of those known by default.
    others
        Types that are compared with them. A known one among them is compared with the rest.
    limit
        Correlation above which they are named.

    Returns
    -------
    dict
        By known type, those named, the likest first; known types without any are left out.

    Raises
    ------
    InputError
        No such type.

    Examples
    --------
    >>> near_copies(["Heusler", "rutile"], ["CsCl", "quartz"])
    {'Heusler': ['CsCl']}
    """
    first, second = chosen_types(known), chosen_types(others)
    made = {name: _transforms(name) for name in dict.fromkeys((*first, *second))}
    found = {}
    for name in first:
        alike = {other: _likeness(made[name], made[other]) for other in second if other != name}
        named = sorted((other for other in alike if alike[other] >= limit), key=lambda other: -alike[other])
        if named:
            found[name] = named
    return found


def background_types(known: Sequence[str] | int, count: int) -> tuple[str, ...]:
    """Types for the class of none of these: not in the default order, and no near copies of the known ones.

    They are taken evenly over the rest of the table.

    Raises
    ------
    InputError
        There are not so many.

    Examples
    --------
    >>> found = background_types(["rocksalt", "fcc"], 5)
    >>> len(found), "Ca7Ge" in found
    (5, False)
    """
    rest = all_types()[len(KNOWN_ORDER) :]
    out = {name for names in near_copies(known, rest).values() for name in names} | set(chosen_types(known))
    left = [name for name in rest if name not in out]
    if count > len(left):
        raise InputError(
            f"{count} background types", f"{len(left)} at most beside these known ones", "ask for fewer"
        )
    return tuple(left[number * len(left) // count] for number in range(count))


def _likeness(one: Complexes, other: Complexes) -> float:
    """The best correlation of images of two types, over all pairs and shifts."""
    shifted = np.fft.irfft(one[:, None] * other[None].conj(), axis=-1)
    return float(max(shifted[..., : FARTHEST + 1].max(), shifted[..., -FARTHEST:].max()))


@lru_cache(maxsize=512)
def _transforms(name: str) -> Complexes:
    """Fourier transforms of the images of a type, twice as long, so that shifts do not go around."""
    return np.fft.rfft(_images(name), 2 * POINTS)


def _images(name: str) -> Doubles:
    """Patterns over log(1/d), each with a norm of one: equal scatterers first, then some compounds."""
    reference = reference_compound(name)
    equal = replace(reference, species=((("Cu", 1.0),),) * len(reference.species))
    drawn = [replace(reference, species=compound(name, 2 * n).species) for n in range(TRIED)]
    return np.stack([_image(one) for one in (equal, *drawn)])


def _image(one: Compound) -> Doubles:
    kind = prototype(one.kind)
    volume = abs(np.linalg.det(kind.vectors)) / (len(kind.places) * len(kind.centering))
    unit = volume ** (1 / 3)
    _, inverse_d, strength, _ = strengths(one, float(np.exp(END)) / unit)
    # Lorentz and polarization at small angles: so the image does not depend on a wavelength.
    place = (np.log(inverse_d * unit) - START) / STEP
    area = strength / inverse_d**2
    inside = (place > 0) & (place < POINTS - 1)
    image = np.bincount(place[inside].round().astype(int), area[inside], POINTS)
    width = int(4 * BLUR)
    bell = np.exp(-0.5 * (np.arange(-width, width + 1) / BLUR) ** 2)
    root = np.sqrt(np.convolve(image, bell, "same"))
    return root / np.linalg.norm(root)
