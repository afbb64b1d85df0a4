"""What is known of a compound beside its pattern: its ratio of elements, and which ones; types that do not fit are out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from math import gcd

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles

# A type fits so much where one element has to sit on two kinds of its sites: that is rarer than two elements.
SHARED = 0.1
PART = re.compile(r"([A-Z][a-z]?)([0-9]{0,6})")


class RatioError(InputError):
    """No type of a model has the ratio that is known of a compound."""


def counts_of(ratio: str) -> tuple[int, ...]:
    """The numbers of a ratio such as `AB2`, or of a formula such as `TiO2`, the smallest first, without common factors.

    Raises
    ------
    InputError
        It is no such text.

    Examples
    --------
    >>> counts_of("AB2"), counts_of("TiO2"), counts_of("Al2O3"), counts_of("Na4Cl4")
    ((1, 2), (1, 2), (2, 3), (1, 1))
    """
    parts = PART.findall(ratio)
    if not parts or "".join(name + count for name, count in parts) != ratio.strip():
        raise InputError(
            f"ratio {ratio!r}",
            "letters or elements with whole numbers, such as AB2 or TiO2",
            "write it so, with the counts of a formula unit; leave the ratio out for a solid solution",
        )
    totals: dict[str, int] = {}
    for name, count in parts:
        totals[name] = totals.get(name, 0) + int(count or 1)
    if not all(totals.values()):
        raise InputError(f"ratio {ratio!r}", "counts from 1 on", "write the ratio again")
    common = reduce(gcd, totals.values())
    return tuple(sorted(count // common for count in totals.values()))


def type_weights(ratios: Sequence[str], ratio: str | None, elements: Sequence[str] | None) -> Doubles:
    """How well types fit what is known of a compound: 1, `SHARED` where one element has to sit on two kinds of sites, or 0.

    Parameters
    ----------
    ratios
        `(class,)`: of each type, such as `AB2`.
    ratio
        Of the compound; None where it is not known. Magnetite, Fe3O4, has the type of spinel, AB2C4, with one element on A
        and B.
    elements
        Of the compound; None where they are not known. A type may have fewer kinds of sites: a solid solution.

    Raises
    ------
    RatioError
        All weights would be 0.
    InputError
        The ratio is no ratio, or the types have none.

    Examples
    --------
    >>> type_weights(["AB", "AB2", "A", "ABC"], "TiO2", None).tolist()
    [0.0, 1.0, 0.0, 0.1]
    >>> type_weights(["AB", "AB2", "ABC3"], None, ["Ca", "F"]).tolist()
    [1.0, 1.0, 0.1]
    """
    if not all(ratios):
        raise InputError(
            "a ratio or elements for a model that knows no ratios of its types",
            "types with a label `ratio` in the library that it was trained on",
            "leave them out",
        )
    found = np.ones(len(ratios))
    if ratio is not None:
        wanted = counts_of(ratio)
        own = [counts_of(one) for one in ratios]
        found = np.array([1.0 if one == wanted else SHARED * (wanted in merged(one)) for one in own])
    if elements is not None:
        kinds = np.array([len(counts_of(one)) for one in ratios])
        found[kinds > len(set(elements))] *= SHARED if ratio is None else 1.0
    if not found.any():
        told = f"ratio {ratio}, which no type of the model has"
        raise RatioError(told, f"one of {', '.join(sorted(set(ratios)))}", "mend it or leave it out")
    return found


def merged(counts: tuple[int, ...]) -> set[tuple[int, ...]]:
    """Ratios of a type some of whose kinds of sites hold the same element.

    Examples
    --------
    >>> sorted(merged((1, 2, 4)))
    [(1,), (1, 6), (2, 5), (3, 4)]
    """
    found: set[tuple[int, ...]] = set()
    for first in range(len(counts)):
        for second in range(first + 1, len(counts)):
            rest = [one for place, one in enumerate(counts) if place not in (first, second)]
            totals = [*rest, counts[first] + counts[second]]
            common = reduce(gcd, totals)
            one = tuple(sorted(total // common for total in totals))
            found |= {one} | merged(one)
    return found


def with_prior(votes: Doubles, weights: Doubles) -> Doubles:
    """Votes `(sample, class)` times the weights of the types, `(class,)` or for each sample, adding up to one again.

    Examples
    --------
    >>> with_prior(np.array([[0.6, 0.1, 0.3]]), np.array([0.0, 1.0, 1.0]))
    array([[0.  , 0.25, 0.75]])
    """
    # Types that fit keep their order, however small their votes are.
    left = np.maximum(votes, 1e-300) * weights
    return np.asarray(left / left.sum(axis=1, keepdims=True))
