"""Compounds of a structure type: which species, in a cell of which size, with atoms where the symmetry lets them be."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from xafsflow.crystals.prototypes import Prototype, prototype
from xafsflow.crystals.substitution import Option, Reference, Role, options, partners
from xafsflow.kernels.array_types import Doubles

CELL_SCATTER = 0.025  # of lengths beside sums of radii
STRAIN = 0.02  # of c/a and b/a
ANGLE = 0.8  # degrees, of angles that are free
JITTER = 0.06  # Angstrom, of a free coordinate
LEAST = 0.1  # share of a species in a solid solution

Shares = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Compound:
    """A compound of a structure type.

    Attributes
    ----------
    kind
        Name of the type.
    species
        Of each role, elements and their shares; more than one in a solid solution.
    cell
        a, b, c, Angstrom, alpha, beta, gamma, degrees.
    shift
        (orbit, 3) displacement of each orbit's first atom, fractional, before its site's symmetry.
    damping
        (role) Debye-Waller B, Angstrom^2.
    """

    kind: str
    species: tuple[Shares, ...]
    cell: tuple[float, ...]
    shift: tuple[tuple[float, float, float], ...]
    damping: tuple[float, ...]

    @property
    def group(self) -> str:
        """Element symbols, sorted, with blanks between: what splits are made by."""
        return " ".join(sorted({symbol for shares in self.species for symbol, _ in shares}))

    @property
    def formula(self) -> str:
        """Elements role by role with their amounts, such as `Mg Al2 O4`, `Na0.7 K0.3 Cl`."""
        counts = prototype(self.kind).counts
        unit = math.gcd(*counts)
        parts = []
        for shares, count in zip(self.species, counts, strict=True):
            for symbol, share in shares:
                amount = share * count / unit
                parts.append(symbol + ("" if amount == 1 else f"{amount:.3f}".rstrip("0").rstrip(".")))
        return " ".join(parts)

    @property
    def places(self) -> Doubles:
        """(atom, 3) fractional coordinates."""
        kind = prototype(self.kind)
        shift = np.array(self.shift)[kind.orbit]
        return kind.places + (kind.reach @ shift[:, :, None])[:, :, 0]


def reference_compound(name: str, damping: float = 0.5) -> Compound:
    """The reference of a type as it stands in the table.

    Examples
    --------
    >>> reference_compound("spinel").formula
    'Mg Al2 O4'
    """
    kind = prototype(name)
    species = tuple(((symbol, 1.0),) for symbol in kind.elements)
    still = ((0.0, 0.0, 0.0),) * len(kind.free)
    return Compound(name, species, kind.cell, still, (damping,) * len(species))


def compound(name: str, number: int, seed: int = 0, damping: tuple[float, float] = (0.2, 1.2)) -> Compound:
    """Compound `number` of a type: depends on nothing else but the seed.

    Those with even numbers have one species a role, as long as there are such; the others are solid solutions on one site.

    Parameters
    ----------
    name
        Of the type.
    number
        From 0.
    seed
        Another seed, other compounds.
    damping
        Range of Debye-Waller B, Angstrom^2.

    Raises
    ------
    InputError
        No such type.

    Examples
    --------
    >>> one = compound("rocksalt", 0)
    >>> one == compound("rocksalt", 0), len(one.group.split())
    (True, 2)
    """
    rng = np.random.default_rng((seed, zlib.crc32(name.encode()), number))
    kind = prototype(name)
    option, reference, species = _species(name, number, seed)
    scale = _scale(name, option, reference) * (1 + CELL_SCATTER * rng.standard_normal())
    return Compound(
        name,
        species,
        _cell(kind, reference.cell, scale, rng),
        _shift(kind, rng),
        tuple(rng.uniform(*damping, len(species))),
    )


def distinct_compounds(name: str) -> int:
    """How many compounds of a type differ in their elements; beyond it, solid solutions differ in their amounts.

    Examples
    --------
    >>> distinct_compounds("bcc") > 300
    True
    """
    return len({frozenset(one.symbol for one in option) for option, _ in options(name)} | _mixtures(name))


def _mixtures(name: str) -> set[frozenset[str]]:
    return {
        frozenset((*(one.symbol for one in option), other.symbol))
        for option, _ in options(name)
        for role in range(len(option))
        for other in partners(option, role, name)
    }


@cache
def _orders(name: str, seed: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Compounds of one species a role in the order of a seed; sites that may be shared, as number of compound and role."""
    rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
    found = options(name)
    sites = [(n, role) for n, (option, _) in enumerate(found) for role in range(len(option))]
    return rng.permutation(len(found)).tolist(), [sites[n] for n in rng.permutation(len(sites))]


def _species(name: str, number: int, seed: int) -> tuple[Option, Reference, tuple[Shares, ...]]:
    """Of compound `number`: even numbers have one species a role while there are such, the others share a site."""
    pure, _ = _orders(name, seed)
    half = number // 2
    later = half if number < 2 * len(pure) else number - len(pure)
    shared = None if number % 2 == 0 and half < len(pure) else _shared_site(name, later, seed)
    if shared is None:
        which = half if number % 2 == 0 else number
        option, reference = options(name)[pure[which % len(pure)]]
        return option, reference, tuple(((role.symbol, 1.0),) for role in option)
    which, role, other, share = shared
    option, reference = options(name)[which]
    species: list[Shares] = [((one.symbol, 1.0),) for one in option]
    species[role] = ((option[role].symbol, round(1 - share, 3)), (other.symbol, share))
    radius = (1 - share) * option[role].radius + share * other.radius
    blended = (*option[:role], option[role]._replace(radius=radius), *option[role + 1 :])
    return blended, reference, tuple(species)


def _shared_site(name: str, number: int, seed: int) -> tuple[int, int, Role, float] | None:
    """Solid solution `number`: which compound, which role, the second species and its share; None where there are none."""
    _, sites = _orders(name, seed)
    turn, place = divmod(number, len(sites))
    for step in range(len(sites)):
        which, role = sites[(place + step) % len(sites)]
        others = partners(options(name)[which][0], role, name)
        if others:
            first = zlib.crc32(f"{name} {seed} {place}".encode())
            # Turn by turn the next partner, and a share far from those before: multiples of the golden ratio.
            spot = (first / 2**32 + turn * 0.6180339887) % 1.0
            return which, role, others[(first + turn) % len(others)], round(LEAST + (1 - 2 * LEAST) * spot, 3)
    return None


@cache
def _bonds(name: str) -> tuple[tuple[int, int, int], ...]:
    """Neighboring roles of a type, and how often they are neighbors."""
    kind = prototype(name)
    vectors = kind.vectors
    ends = [max(1, math.ceil(4.0 / length)) for length in kind.cell[:3]]
    steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in ends), indexing="ij"), -1).reshape(-1, 3)
    images = kind.places[:, None] + kind.centering[None]
    everywhere = (images[:, :, None] + steps).reshape(len(kind.places), -1, 3) @ vectors
    found = Counter[tuple[int, int]]()
    for atom, place in enumerate(kind.places @ vectors):
        distances = np.linalg.norm(everywhere - place, axis=-1)
        distances[distances < 0.1] = np.inf
        for other in np.nonzero(distances < 1.2 * distances.min())[0]:
            pair = sorted((int(kind.role[atom]), int(kind.role[other])))
            found[pair[0], pair[1]] += 1
    return tuple((i, j, often) for (i, j), often in sorted(found.items()))


def _scale(name: str, option: Option, reference: Reference) -> float:
    """Length of the compound's cell beside that of what it resembles: sums of radii of neighbors."""
    total = beside = 0.0
    for i, j, often in _bonds(name):
        one, other = reference.roles[i], reference.roles[j]
        if (one.charge or 0) * (other.charge or 0) > 0:
            continue  # ions of one sign do not touch
        total += often * (option[i].radius + option[j].radius)
        beside += often * (one.radius + other.radius)
    return total / beside


def _cell(
    kind: Prototype, cell: tuple[float, ...], scale: float, rng: np.random.Generator
) -> tuple[float, ...]:
    """The cell, strained as its crystal system allows."""
    a, b, c, *angles = cell
    along = np.exp(STRAIN * rng.standard_normal(2))
    turned = ANGLE * rng.standard_normal(3)
    if kind.system != "cubic":
        c *= along[0]
    if kind.system in ("orthorhombic", "monoclinic", "triclinic"):
        b *= along[1]
    if kind.system == "monoclinic":
        angles[1] += turned[1]
    if kind.system == "triclinic":
        angles = [angle + turn for angle, turn in zip(angles, turned, strict=True)]
    return (*(float(scale * length) for length in (a, b, c)), *(float(angle) for angle in angles))


def _shift(kind: Prototype, rng: np.random.Generator) -> tuple[tuple[float, float, float], ...]:
    drawn = JITTER * rng.standard_normal((len(kind.free), 3))
    return tuple((x, y, z) for x, y, z in (drawn @ kind.inverse_vectors).tolist())
