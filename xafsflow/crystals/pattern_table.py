"""Tables of simulated powder patterns with their structure types."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import xarray as xr

from xafsflow.crystals.compounds import Compound, compound
from xafsflow.crystals.powder_patterns import Disturbances, PatternSettings, pattern_of
from xafsflow.crystals.prototypes import chosen_types, known_types, prototype, tables_digest
from xafsflow.errors import InputError
from xafsflow.files import sha256_of
from xafsflow.kernels.array_types import Singles
from xafsflow.vocabulary import attributes
from xafsflow.wavelengths import angstrom

VERSION = 1  # of what a seed makes
IMPURITIES = 20  # compounds of each type that are impurities of others
AS_USUAL, DISTURBED = PatternSettings(), Disturbances()


class Wanted(NamedTuple):
    """Which sample: its type, its number among those of the type, whether it is background."""

    kind: str
    number: int
    background: bool


def simulated_patterns(
    types: Sequence[str] | int,
    per_type: int,
    *,
    background: Sequence[str] = (),
    per_background: int = 0,
    pattern: PatternSettings = AS_USUAL,
    disturbances: Disturbances = DISTURBED,
    seed: int = 0,
) -> xr.Dataset:
    """Powder patterns of compounds of known structure types, with what disturbs them.

    A sample depends on its type, its number and the seed only, not on what else is asked for.

    Parameters
    ----------
    types
        Names, or a number for the first so many of those known by default.
    per_type
        Compounds of each.
    background
        Types that are none of these; they are marked so.
    per_background
        Compounds of each of those.
    pattern
        Wavelength and grid.
    disturbances
        Ranges of what disturbs.
    seed
        Another seed, other compounds and other noise.

    Returns
    -------
    Dataset
        `mu` (sample, two_theta) counts; `structure_type`, `group` (elements), `formula`, `ratio`, `background` (sample);
        `wavelength`, Angstrom.

    Raises
    ------
    InputError
        An unknown type; a type that is asked for and background as well.

    Examples
    --------
    >>> made = simulated_patterns(["rocksalt", "CsCl"], 2)
    >>> dict(made.sizes)
    {'sample': 4, 'two_theta': 4001}
    >>> made.structure_type.values.tolist()
    ['rocksalt', 'rocksalt', 'CsCl', 'CsCl']
    """
    wanted = list(wanted_samples(types, per_type, background, per_background))
    compounds = [sample_compound(one, disturbances, seed) for one in wanted]
    mu = np.empty((len(wanted), len(pattern.two_theta)), np.float32)
    for row, one, own in zip(mu, wanted, compounds, strict=True):
        row[:] = sample_pattern(one, own, pattern, disturbances, seed)
    return as_dataset(mu, wanted, compounds, pattern, digest_of(wanted, pattern, disturbances, seed))


def wanted_samples(
    types: Sequence[str] | int, per_type: int, background: Sequence[str], per_background: int
) -> Iterator[Wanted]:
    """Every sample in order: type by type, the background last."""
    known, other = chosen_types(types), chosen_types(background)
    both = sorted(set(known) & set(other))
    if both:
        raise InputError(
            f"{', '.join(both)} among the types and in the background",
            "types that are not known as background",
            "remove them from one of the two",
        )
    for names, count, aside in ((known, per_type, False), (other, per_background, True)):
        for name in names:
            for number in range(count):
                yield Wanted(name, number, aside)


def sample_compound(wanted: Wanted, disturbances: Disturbances, seed: int) -> Compound:
    """The compound of a sample."""
    return compound(wanted.kind, wanted.number, seed, disturbances.damping)


def sample_pattern(
    wanted: Wanted, own: Compound, pattern: PatternSettings, disturbances: Disturbances, seed: int
) -> Singles:
    """The counts of a sample (two_theta)."""
    rng = np.random.default_rng((seed, zlib.crc32(wanted.kind.encode()), wanted.number, 1))
    return pattern_of(own, pattern, disturbances, rng, _impurity(wanted.kind, disturbances, seed, rng))


def _impurity(name: str, disturbances: Disturbances, seed: int, rng: np.random.Generator) -> Compound | None:
    """A compound of another type that is known by default, in a share of the patterns."""
    drawn, which, number = rng.uniform(), rng.integers(len(known_types())), rng.integers(IMPURITIES)
    other = known_types()[which]
    if drawn >= disturbances.impure or disturbances.impurity[1] <= 0 or other == name:
        return None
    return _impure(other, int(number), seed, disturbances.damping)


_impure = lru_cache(maxsize=2048)(compound)


def digest_of(
    wanted: Sequence[Wanted], pattern: PatternSettings, disturbances: Disturbances, seed: int
) -> str:
    """What makes a table of patterns, as a SHA-256: the tables of types and species, the version, and what is asked for."""
    made = [
        VERSION,
        tables_digest(),
        [list(one) for one in wanted],
        asdict(pattern),
        asdict(disturbances),
        seed,
    ]
    return sha256_of(json.dumps(made))


def as_dataset(
    mu: object, wanted: Sequence[Wanted], compounds: Sequence[Compound], pattern: PatternSettings, digest: str
) -> xr.Dataset:
    """Patterns and what is known of them as one table."""
    texts = {
        "structure_type": [one.kind for one in wanted],
        "group": [one.group for one in compounds],
        "formula": [one.formula for one in compounds],
        "ratio": [prototype(one.kind).ratio for one in wanted],
    }
    seen = set(zip(texts["structure_type"], texts["formula"], strict=True))
    made = xr.Dataset(
        {
            "mu": (("sample", "two_theta"), mu, {"units": "counts"}),
            **{name: ("sample", np.array(values, dtype=str)) for name, values in texts.items()},
            "background": ("sample", np.array([one.background for one in wanted], bool)),
            "wavelength": ((), angstrom(pattern.wavelength), attributes("wavelength")),
        },
        coords={"two_theta": ("two_theta", pattern.two_theta, {"units": "degree"})},
        attrs={"grouped": True, "digest": digest, "repeated_compounds": len(wanted) - len(seen)},
    )
    made["structure_type"].attrs["role"] = "label"
    return made
