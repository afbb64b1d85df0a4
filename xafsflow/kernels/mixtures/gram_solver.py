"""Least squares with fractions that must not be negative, from a Gram matrix: which references take part, and how much.

All fits minimize `|d - A z|^2` (weighted or not) over the coefficients z of columns A, the first of which belong to
references, z >= 0, the others to what is free of sign. With G = A'A and c = A'd it is `d'd - 2 c'z + z'Gz`. The minimum
lies where some references are zero and the others, the support, solve the equations without bounds; with the sum of the
fractions held at one, `G z + m = c` on the references of the support, m the multiplier of that sum. There the misfit is
`d'd - c'z - m`. Of all supports that one is right whose fractions are not negative and for which no reference at zero
would lessen the misfit: whose z and whose `-(c - G z - m)/diag(G)` are not below zero (Karush, Kuhn and Tucker; Lawson
and Hanson, Solving Least Squares Problems, 1974, chapter 23). To compare misfits instead would lose half of the digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.mixtures.active_support import on_support, standard_errors

# Up to here all supports are tried where it must be, 63 for 6; beyond, references are taken in one by one.
CLOSED = 6
# Supports on the short way to the right one: two or three are usual.
PIVOTS = 8
# A residual is orthogonal to a column if the cosine between them, on the scale of the data, is below.
ORTHOGONAL = 1e-12


class Forms(NamedTuple):
    """The solution for every support as a linear map, for pixels that share a Gram matrix; `maps[i]` for the support i.

    The bits of i are the references of the support; maps of dependent ones are NaN.

    `maps` (support, column + 1, column + 1): `maps @ [c, 1]` are the coefficients and m; for references out of the
    support it is `-(c - G z - m)/diag(G)`, below zero where they should be in it. `used` (support, column). `deviations`
    (support, reference): standard errors for noise of one, NaN for what cannot be told apart.
    """

    maps: Doubles
    used: Mask
    deviations: Doubles


def closed_forms(gram: Doubles, references: int, sum_to_one: bool) -> Forms:
    """The maps of all supports.

    Examples
    --------
    >>> forms = closed_forms(np.diag([1.0, 4.0]), 2, sum_to_one=False)
    >>> forms.maps[-1] @ [3.0, 2.0, 1.0]
    array([3. , 0.5, 0. ])
    >>> forms.deviations[-1]
    array([1. , 0.5])
    """
    columns, supports = len(gram), 2**references
    maps = np.full((supports, columns + 1, columns + 1), np.nan)
    used = np.ones((supports, columns), bool)
    deviations = np.full((supports, references), np.nan)
    work, sigma = np.zeros((columns, columns + 2)), np.empty(references)
    for mask in range(supports):
        set_support(mask, references, used[mask])
        if sum_to_one and mask == 0:
            continue
        # The map is linear in c and in the sum that is wanted: one unit vector after the other shows it.
        for place, unit in enumerate(np.eye(columns + 1)):
            z, own = np.zeros(columns + 1), unit[:-1].copy()
            z[-1] = on_support(gram, own, used[mask], references, sum_to_one, float(unit[-1]), z, work)
            for r in np.flatnonzero(~used[mask]).tolist():
                z[r] = -gradient(gram, own, z, used[mask], r, z[-1])
            maps[mask, :, place] = z
        if np.isfinite(maps[mask]).all():
            standard_errors(gram, used[mask], references, sum_to_one, sigma, work)
            deviations[mask] = sigma
        else:
            maps[mask] = np.nan
    return Forms(maps, used, deviations)


@kernel
def solve(
    gram: Doubles,
    moments: Doubles,
    squares: float,
    references: int,
    sum_to_one: bool,
    z: Doubles,
    used: Mask,
    work: Doubles,
) -> float:
    """Coefficients of the best fit into `z`, its support into `used`; returns the misfit, infinite where there is none.

    `work` is (column, column + 2), `z` (column + 1,), all float64.
    """
    mask = 2**references - 1
    for _ in range(PIVOTS):
        if mask == 0 and sum_to_one:
            break
        set_support(mask, references, used)
        multiplier = on_support(gram, moments, used, references, sum_to_one, 1.0, z, work)
        if not np.isfinite(multiplier):
            break
        flipped = 0
        for k in range(references):
            if (z[k] if used[k] else -gradient(gram, moments, z, used, k, multiplier)) < 0.0:
                flipped |= 1 << k
        if flipped == 0:
            return _misfit(moments, squares, z, multiplier)
        mask ^= flipped
    if references > CLOSED:
        return _one_by_one(gram, moments, squares, references, sum_to_one, z, used, work)
    return _all_supports(gram, moments, squares, references, sum_to_one, z, used, work)


@kernel
def _all_supports(
    gram: Doubles,
    moments: Doubles,
    squares: float,
    references: int,
    sum_to_one: bool,
    z: Doubles,
    used: Mask,
    work: Doubles,
) -> float:
    """The support where least is below zero: nothing, but for rounding."""
    best, best_mask = -np.inf, -1
    for mask in range(int(sum_to_one), 2**references):
        set_support(mask, references, used)
        multiplier = on_support(gram, moments, used, references, sum_to_one, 1.0, z, work)
        low = np.inf if np.isfinite(multiplier) else -np.inf
        for k in range(references):
            low = min(low, z[k] if used[k] else -gradient(gram, moments, z, used, k, multiplier))
        if np.isfinite(multiplier) and low > best:
            best, best_mask = low, mask
    if best_mask < 0:
        return np.inf
    set_support(best_mask, references, used)
    multiplier = on_support(gram, moments, used, references, sum_to_one, 1.0, z, work)
    return _misfit(moments, squares, z, multiplier)


@kernel
def set_support(mask: int, references: int, used: Mask) -> None:
    """The support whose references are the bits of `mask`; what is free is in all."""
    used[:] = True
    for k in range(references):
        used[k] = (mask >> k) & 1 == 1


@kernel
def gradient(gram: Doubles, moments: Doubles, z: Doubles, used: Mask, k: int, multiplier: float) -> float:
    """How fast the misfit falls along a reference at zero, in fractions: what it would take if it were alone."""
    rest = moments[k] - multiplier
    for j in range(len(moments)):
        if used[j]:
            rest -= gram[k, j] * z[j]
    return rest / gram[k, k] if gram[k, k] > 0 else 0.0


@kernel
def _one_by_one(
    gram: Doubles,
    moments: Doubles,
    squares: float,
    references: int,
    sum_to_one: bool,
    z: Doubles,
    used: Mask,
    work: Doubles,
) -> float:
    """Lawson and Hanson's way: take in what lessens the misfit fastest, drop what would turn negative."""
    columns = len(moments)
    used[:] = True
    used[:references] = False
    best = _start(gram, moments, squares, references, sum_to_one, z, used, work)
    best_z, support, refused = z.copy(), used.copy(), np.zeros(references, np.bool_)
    multiplier = z[columns]
    while np.isfinite(best):
        newest = _steepest(gram, moments, squares, references, best_z, support, refused, multiplier)
        if newest < 0:
            break
        used[:] = support
        used[newest] = True
        point = best_z.copy()
        while True:
            found = on_support(gram, moments, used, references, sum_to_one, 1.0, z, work)
            if not np.isfinite(found) or _least(z, references) >= 0:
                break
            _to_the_bound(point, z, used, references)
        misfit = _misfit(moments, squares, z, found) if np.isfinite(found) else np.inf
        # Every step lessens the misfit; where rounding says otherwise, the reference stays out. So it ends.
        if misfit < best:
            best, multiplier = misfit, found
            best_z[:], support[:], refused[:] = z, used, False
        else:
            refused[newest] = True
    z[:], used[:] = best_z, support
    return best


@kernel
def _start(
    gram: Doubles,
    moments: Doubles,
    squares: float,
    references: int,
    sum_to_one: bool,
    z: Doubles,
    used: Mask,
    work: Doubles,
) -> float:
    """No reference; with a sum of one, the best of them alone. The multiplier goes behind the coefficients."""
    columns = len(moments)
    best, best_k = np.inf, -1
    for k in range(references if sum_to_one else 0):
        used[k] = True
        multiplier = on_support(gram, moments, used, references, sum_to_one, 1.0, z, work)
        misfit = _misfit(moments, squares, z, multiplier) if np.isfinite(multiplier) else np.inf
        if misfit < best:
            best, best_k = misfit, k
        used[k] = False
    if best_k >= 0:
        used[best_k] = True
    if best_k >= 0 or not sum_to_one:
        z[columns] = on_support(gram, moments, used, references, sum_to_one, 1.0, z, work)
        best = _misfit(moments, squares, z, z[columns]) if np.isfinite(z[columns]) else np.inf
    return best


@kernel
def _steepest(
    gram: Doubles,
    moments: Doubles,
    squares: float,
    references: int,
    z: Doubles,
    used: Mask,
    refused: Mask,
    multiplier: float,
) -> int:
    """The reference outside the support along which the misfit falls fastest, -1 where it falls along none."""
    newest, most = -1, ORTHOGONAL
    for k in range(references):
        if not used[k] and not refused[k]:
            steep = gradient(gram, moments, z, used, k, multiplier) * np.sqrt(gram[k, k] / squares)
            if steep > most:
                newest, most = k, steep
    return newest


@kernel
def _to_the_bound(point: Doubles, z: Doubles, used: Mask, references: int) -> None:
    """Go from an allowed point toward z until the first fraction is zero, and drop it from the support."""
    share, first = 1.0, -1
    for k in range(references):
        if used[k] and z[k] < 0:
            part = point[k] / (point[k] - z[k])
            if first < 0 or part < share:
                share, first = part, k
    for k in range(len(used)):
        point[k] += share * (z[k] - point[k])
    point[first] = 0.0
    used[first] = False


@kernel
def _least(z: Doubles, references: int) -> float:
    least = np.inf
    for k in range(references):
        least = min(least, z[k])
    return least


@kernel
def _misfit(moments: Doubles, squares: float, z: Doubles, multiplier: float) -> float:
    misfit = squares - multiplier
    for k in range(len(moments)):
        misfit -= moments[k] * z[k]
    return misfit
