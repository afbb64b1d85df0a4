"""Species that may stand in a structure type: their charges balance, and their sizes are those of the reference."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from xafsflow.crystals.prototypes import Prototype, prototype
from xafsflow.crystals.species_table import Element, elements
from xafsflow.crystals.type_rules import ANIONS, HYDROXIDES, MIXED_VALENCE, MOST_RATIO, ORDERED, references_of

MOST_TRIED = 200_000  # combinations of species for one type
MOST_OPTIONS = 600  # that are kept of them, and mixed further
LIKE_RATIOS = 1.15  # ratios of radii in metals may differ so much from the reference's
LIKE = 0.12  # of a radius: as much may the species of a solid solution differ


class Role(NamedTuple):
    """A species in its role: symbol, charge (None in metals), radius in Angstrom."""

    symbol: str
    charge: int | None
    radius: float


Option = tuple[Role, ...]


class Reference(NamedTuple):
    """What the compounds of a type resemble: a species for each role, and whether charges must balance."""

    roles: Option
    ionic: bool


@cache
def options(name: str) -> tuple[tuple[Option, Reference], ...]:
    """All compounds of one species a role, with what they resemble.

    Examples
    --------
    >>> {"Na Cl", "Mg O"} <= {" ".join(r.symbol for r in roles[::-1]) for roles, _ in options("rocksalt")}
    True
    """
    kind = prototype(name)
    found, seen = list[tuple[Option, Reference]](), set[tuple[str, ...]]()
    for symbols, charges in references_of(kind):
        reference = _reference(kind, symbols, charges)
        for option in _ionic(kind, reference) if reference.ionic else _metallic(kind, reference):
            own = tuple(role.symbol for role in option)
            if own not in seen:
                seen.add(own)
                found.append((option, reference))
    if not found:  # molecules: nothing but the reference itself
        reference = _reference(kind, kind.elements, ())
        found.append((reference.roles, reference))
    order = np.random.default_rng(zlib.crc32(name.encode())).permutation(len(found))[:MOST_OPTIONS]
    return tuple(found[n] for n in sorted(order))


def _reference(kind: Prototype, symbols: tuple[str, ...], charges: tuple[float, ...]) -> Reference:
    table = elements()
    whole = bool(charges) and all(float(q).is_integer() and q for q in charges)
    if whole and all(_ionic_radius(s, int(q), kind.name) for s, q in zip(symbols, charges, strict=True)):
        pairs = zip(symbols, charges, strict=True)
        return Reference(tuple(Role(s, int(q), _ionic_radius(s, int(q), kind.name)) for s, q in pairs), True)
    return Reference(tuple(Role(s, None, table[s].radius if s in table else 0.8) for s in symbols), False)


def _ionic_radius(symbol: str, charge: int, name: str) -> float:
    if symbol == "O" and charge == -1:
        return HYDROXIDES.get(name, 0.0)
    return elements()[symbol].ionic.get(charge, 0.0) if symbol in elements() else 0.0


@cache
def _ions(sign: int, name: str) -> tuple[Role, ...]:
    """Cations of any charge, or anions."""
    if sign < 0:
        ions = [Role(s, q, _ionic_radius(s, q, name)) for s, q in ANIONS]
        return tuple(ion for ion in ions if ion.radius)
    nonmetals = {"F", "Cl", "Br", "I", "O", "Se", "Te", "N", "S", "C", "P", "As", "B", "Si"}
    small = {
        ("N", 5),
        ("S", 6),
        ("Se", 6),
        ("C", 4),
        ("P", 5),
        ("As", 5),
        ("B", 3),
        ("Si", 4),
        ("Te", 6),
        ("Te", 4),
        ("Cl", 7),
    }
    return tuple(
        Role(e.symbol, q, r)
        for e in elements().values()
        for q, r in e.ionic.items()
        if q > 0 and (e.symbol not in nonmetals or (e.symbol, q) in small)
    )


def _ionic(kind: Prototype, reference: Reference) -> Iterator[Option]:
    """Anions as they come; cations of about the reference's size beside them; charges that balance."""
    roles = reference.roles
    anions = [n for n, role in enumerate(roles) if role.charge is not None and role.charge < 0]
    for chosen in itertools.product(*(_ions(-1, kind.name) for _ in anions)):
        scale = sum(ion.radius for ion in chosen) / sum(roles[n].radius for n in anions)
        if any(
            abs(ion.radius / roles[n].radius / scale - 1) > 0.2 for ion, n in zip(chosen, anions, strict=True)
        ):
            continue
        lists: list[list[Role]] = []
        for n, role in enumerate(roles):
            if n in anions:
                lists.append([chosen[anions.index(n)]])
            else:
                lists.append([ion for ion in _ions(1, kind.name) if _fits(ion.radius, role.radius, scale)])
        yield from _balanced(kind, lists)


def _fits(radius: float, wanted: float, scale: float) -> bool:
    """Within a quarter of the radius, or .12 Angstrom where it is small."""
    return abs(radius - wanted * scale) <= max(MOST_RATIO * wanted * scale, 0.12)


def _balanced(kind: Prototype, lists: list[list[Role]]) -> Iterator[Option]:
    """Combinations without net charge; the last role's charge follows from the others'."""
    order = sorted(range(len(lists)), key=lambda n: len(lists[n]))
    *outer, last = order
    by_charge: dict[int, list[Role]] = {}
    for role in lists[last]:
        by_charge.setdefault(role.charge or 0, []).append(role)
    for first in itertools.islice(itertools.product(*(lists[n] for n in outer)), MOST_TRIED):
        total = sum(kind.counts[n] * (role.charge or 0) for n, role in zip(outer, first, strict=True))
        charge, rest = divmod(-total, kind.counts[last])
        if rest:
            continue
        for role in by_charge.get(charge, ()):
            placed = dict(zip(outer, first, strict=True)) | {last: role}
            option = tuple(placed[n] for n in range(len(lists)))
            if _differ(kind.name, option):
                yield option


def _metallic(kind: Prototype, reference: Reference) -> Iterator[Option]:
    """Metals for metals, and what bonds for what bonds; radii in about the reference's ratios."""
    lists = [_of_class(role.symbol) for role in reference.roles]
    sizes = [len(one) for one in lists]
    if math.prod(sizes) <= MOST_TRIED:
        picked = np.stack([axis.ravel() for axis in np.indices(sizes)])
    else:
        rng = np.random.default_rng(zlib.crc32(kind.name.encode()))
        picked = np.stack([rng.integers(size, size=MOST_TRIED) for size in sizes])
    shares = np.stack(
        [
            np.array([role.radius for role in one])[row] / own.radius
            for one, row, own in zip(lists, picked, reference.roles, strict=True)
        ]
    )
    near = shares.max(0) <= LIKE_RATIOS * shares.min(0)
    for row in picked[:, near].T.tolist():
        option = tuple(one[n] for one, n in zip(lists, row, strict=True))
        if _differ(kind.name, option):
            yield option


# What bonds to metals in compounds that are no salts.
BONDING = frozenset(["B", "C", "N", "Si", "P", "S", "Ge", "As", "Se", "Sn", "Sb", "Te", "Bi"])
SALTY = frozenset(["O", "F", "Cl", "Br", "I"])


@cache
def _of_class(symbol: str) -> tuple[Role, ...]:
    table = elements()
    one = table.get(symbol)
    if one is None or symbol in SALTY:
        return (Role(symbol, None, one.radius if one else 0.8),)
    wanted = [e for e in table.values() if (e.symbol in BONDING if not one.metal else _may_be_metal(e))]
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
    for other in _like(option[role], name if option[role].charge == -1 else ""):
        placed = (*option[:role], other, *option[role + 1 :])
        if other.symbol not in present and _differ(name, placed):
            found.append(other)
    return tuple(found)


@cache
def _like(own: Role, name: str) -> tuple[Role, ...]:
    """Other species of the same charge and of like size."""
    ions = own.charge is not None
    pool = _ions(1 if (own.charge or 0) > 0 else -1, name) if ions else _of_class(own.symbol)
    return tuple(
        other
        for other in pool
        if other.charge == own.charge
        and other.symbol != own.symbol
        and abs(other.radius - own.radius) <= LIKE * own.radius
    )
