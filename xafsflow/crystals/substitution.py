"""Species that may stand in a structure type: their charges balance, and their sizes are those of the reference."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from xafsflow.crystals.prototypes import Prototype, prototype
from xafsflow.crystals.species_table import Element, elements, usual_elements
from xafsflow.crystals.type_rules import (
    ALONE,
    ANIONS,
    CENTERS,
    HYDROXIDES,
    MIXED_VALENCE,
    ORDERED,
    TOGETHER,
    Sample,
    bonds,
    samples_of,
)

UNKNOWN = 0.8  # Angstrom: radius of an element without one in the table
MOST_TRIED = 20_000  # combinations of metals for one type
MOST_BALANCED = 1000  # combinations of cations beside the same anions
MOST_OPTIONS, MOST_OTHERS = (
    600,
    200,
)  # that are kept of them, and of these with other anions than the reference's
# Ratios of radii may differ so much from the reference's: between metals, and where some bond by electron pairs.
METALS, BONDED = 1.15, 1.30
LIKE = 0.12  # of a radius: as much may the species of a solid solution differ


class Role(NamedTuple):
    """A species in its role: symbol, charge (None in metals), radius in Angstrom."""

    symbol: str
    charge: float | None
    radius: float


Option = tuple[Role, ...]


class Reference(NamedTuple):
    """What the compounds of a type resemble: a species for each role, whether charges must balance, and the cell."""

    roles: Option
    ionic: bool
    cell: tuple[float, ...]


@cache
def options(name: str) -> tuple[tuple[Option, Reference], ...]:
    """All compounds of one species a role, with what they resemble.

    Examples
    --------
    >>> {"Na Cl", "Mg O"} <= {" ".join(r.symbol for r in roles[::-1]) for roles, _ in options("rocksalt")}
    True
    """
    kind = prototype(name)
    tried = list[tuple[Option, Reference]]()
    for sample in samples_of(kind):
        reference = _reference(kind, sample)
        made = _ionic(kind, reference) if reference.ionic else _metallic(kind, reference)
        tried.extend((option, reference) for option in made)
    found: dict[tuple[str, ...], tuple[Option, Reference]] = {}
    shuffled = [tried[n] for n in np.random.default_rng(zlib.crc32(name.encode())).permutation(len(tried))]
    # Garnets are oxides first of all: most have the reference's anions.
    own = [one for one in shuffled if _same_anions(*one)]
    for most, some in ((MOST_OPTIONS - MOST_OTHERS, own), (MOST_OPTIONS, shuffled)):
        for option, reference in some:
            symbols = tuple(role.symbol for role in option)
            if len(found) < most and symbols not in found and _differ(name, option):
                found[symbols] = (option, reference)
    if not found:  # molecules: nothing but the reference itself
        reference = _reference(kind, Sample(kind.elements, ()))
        return ((reference.roles, reference),)
    return tuple(found.values())


def _same_anions(option: Option, reference: Reference) -> bool:
    return all(
        one.symbol == other.symbol
        for one, other in zip(option, reference.roles, strict=True)
        if other.charge is not None and other.charge < 0
    )


def _reference(kind: Prototype, sample: Sample) -> Reference:
    table, cell = elements(), sample.cell or kind.cell
    if sample.charges:
        ions = [_ion(s, q) for s, q in zip(sample.elements, sample.charges, strict=True)]
        if all(ion.radius for ion in ions):
            return Reference(tuple(ions), True, cell)
    found = tuple(Role(s, None, table[s].radius if s in table else UNKNOWN) for s in sample.elements)
    return Reference(found, False, cell)


def _ion(symbol: str, charge: float) -> Role:
    """An ion; its radius is 0 where there is no such ion."""
    if charge < 0:
        return Role(symbol, charge, (ANIONS | HYDROXIDES).get((symbol, charge), 0.0))
    one = elements().get(symbol)
    return Role(symbol, charge, one.ionic.get(int(charge), 0.0) if one and charge % 1 == 0 else 0.0)


@cache
def _ions(sign: int) -> tuple[Role, ...]:
    """Cations of any charge, or anions."""
    if sign < 0:
        return tuple(_ion(symbol, charge) for symbol, charge in ANIONS)
    nonmetals = {symbol for symbol, _ in ANIONS}
    return tuple(
        Role(element.symbol, charge, radius)
        for element in usual_elements()
        for charge, radius in element.ionic.items()
        if charge > 0
        and (element.symbol not in nonmetals | {"B"} or (element.symbol, charge) in CENTERS or element.metal)
    )


def _ionic(kind: Prototype, reference: Reference) -> Iterator[Option]:
    """Anions as they come; cations of about the reference's size beside them; charges that balance."""
    roles = reference.roles
    spread = ALONE if sum((role.charge or 0) > 0 for role in roles) == 1 else TOGETHER
    anions = [n for n, role in enumerate(roles) if role.charge is not None and role.charge < 0]
    for chosen in itertools.product(*(_anions(kind, reference, roles[n]) for n in anions)):
        scale = sum(ion.radius for ion in chosen) / sum(roles[n].radius for n in anions)
        if any(
            abs(ion.radius / roles[n].radius / scale - 1) > 0.2 for ion, n in zip(chosen, anions, strict=True)
        ):
            continue
        lists, seen = list[list[Role]](), [(ion.symbol, ion.charge or 0.0) for ion in chosen]
        for n, role in enumerate(roles):
            if n in anions:
                lists.append([chosen[anions.index(n)]])
            else:
                near = [ion for ion in _ions(1) if _fits(ion.radius, role.radius * scale, spread)]
                lists.append([ion for ion in near if bonds(ion.symbol, ion.charge or 0, seen)])
        yield from _balanced(kind, lists)


def _anions(kind: Prototype, reference: Reference, own: Role) -> tuple[Role, ...]:
    """Anions for a role: those of its charge; others where the table's reference has one charge only.

    Hydroxide stands for itself.
    """
    if (own.symbol, own.charge) in HYDROXIDES:
        return (own,)
    charges = {role.charge for role in reference.roles if (role.charge or 0) < 0}
    usual = reference.cell == kind.cell and len(charges) == 1
    return tuple(
        ion for ion in _ions(-1) if ion.charge == own.charge or (usual and ion.symbol not in ("Si", "Ge"))
    )


def _fits(radius: float, wanted: float, spread: float) -> bool:
    """Within a share of the radius, or .12 Angstrom where it is small."""
    return abs(radius - wanted) <= max(spread * wanted, 0.12)


def _balanced(kind: Prototype, lists: list[list[Role]]) -> Iterator[Option]:
    """Combinations without net charge; the last role's charge follows from the others'."""
    order = sorted(range(len(lists)), key=lambda n: len(lists[n]))
    *outer, last = order
    by_charge: dict[float, list[Role]] = {}
    for role in lists[last]:
        by_charge.setdefault(role.charge or 0, []).append(role)
    for first in _combinations([lists[n] for n in outer], MOST_BALANCED):
        total = sum(kind.counts[n] * (role.charge or 0) for n, role in zip(outer, first, strict=True))
        for role in by_charge.get(-total / kind.counts[last], ()):
            placed = dict(zip(outer, first, strict=True)) | {last: role}
            yield tuple(placed[n] for n in range(len(lists)))


def _metallic(kind: Prototype, reference: Reference) -> Iterator[Option]:
    """Metals for metals, and what bonds for what bonds; radii in about the reference's ratios."""
    lists = [_of_class(role.symbol) for role in reference.roles]
    table = elements()
    metals = all(role.symbol in table and table[role.symbol].metal for role in reference.roles)
    spread = METALS if metals else BONDED
    for option in _combinations(lists, MOST_TRIED):
        shares = [role.radius / own.radius for role, own in zip(option, reference.roles, strict=True)]
        if max(shares) <= spread * min(shares):
            yield option


def _combinations(lists: Sequence[Sequence[Role]], most: int) -> Iterator[Option]:
    """All combinations of one of each list, or so many of them where there are more."""
    sizes = [len(one) for one in lists]
    if math.prod(sizes) <= most:
        yield from itertools.product(*lists)
        return
    drawn = np.random.default_rng(math.prod(sizes)).integers(sizes, size=(most, len(sizes)))
    for row in drawn.tolist():
        yield tuple(one[n] for one, n in zip(lists, row, strict=True))


# What bonds to metals in compounds that are no salts.
BONDING = frozenset(["B", "C", "N", "Si", "P", "S", "Ge", "As", "Se", "Sn", "Sb", "Te", "Bi"])
SALTY = frozenset(["O", "F", "Cl", "Br", "I"])


@cache
def _of_class(symbol: str) -> tuple[Role, ...]:
    table = elements()
    one = table.get(symbol)
    if one is None or symbol in SALTY:
        return (Role(symbol, None, one.radius if one else UNKNOWN),)
    wanted = [e for e in usual_elements() if (e.symbol in BONDING if not one.metal else _may_be_metal(e))]
    return tuple(Role(e.symbol, None, e.radius) for e in wanted)


def _may_be_metal(element: Element) -> bool:
    return element.metal or element.symbol in {"Si", "Ge", "Sb"}


def _differ(name: str, option: Option) -> bool:
    """No element in two roles, and in types that are ordered arrangements of others, scatterers that show the order."""
    if len({role.symbol for role in option}) < len(option) and name not in MIXED_VALENCE:
        return False
    if name not in ORDERED and option[0].charge is not None:
        return True
    table = elements()
    for a, b in itertools.combinations(option, 2):
        if (a.charge or 1) * (b.charge or 1) < 0 or a.symbol not in table or b.symbol not in table:
            continue
        za, zb = table[a.symbol].z, table[b.symbol].z
        if abs(za - zb) < 0.06 * (za + zb):
            return False
    return True


def partners(option: Option, role: int, name: str) -> tuple[Role, ...]:
    """Species that may share a site with that of a role: of the same charge, of like size, and not there already."""
    present = {one.symbol for one in option}
    found = []
    for other in _like(option[role]):
        placed = (*option[:role], other, *option[role + 1 :])
        if other.symbol not in present and _differ(name, placed) and _bonded(other, option):
            found.append(other)
    return tuple(found)


def _bonded(other: Role, option: Option) -> bool:
    """Whether an ion is seen with the anions of a compound."""
    anions = [(one.symbol, one.charge) for one in option if one.charge is not None and one.charge < 0]
    return other.charge is None or other.charge < 0 or bonds(other.symbol, other.charge, anions)


@cache
def _like(own: Role) -> tuple[Role, ...]:
    """Other species of the same charge and of like size."""
    ions = own.charge is not None
    pool = _ions(1 if (own.charge or 0) > 0 else -1) if ions else _of_class(own.symbol)
    return tuple(
        other
        for other in pool
        if other.charge == own.charge
        and other.symbol != own.symbol
        and abs(other.radius - own.radius) <= LIKE * own.radius
    )
