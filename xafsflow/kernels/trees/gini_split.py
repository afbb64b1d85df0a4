"""The split of a node with the least Gini impurity, over features that are binned to at most 255 levels.

The sums of squares that Gini's impurity needs are whole numbers, kept up to date while samples pass from one side to
the other in the order of their levels: a few additions a sample, whatever the number of classes. The merit of a split
is one division of two whole numbers: it does not depend on the order of the samples, and equal splits are equal to the
last bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Int32s, Uint8s, Uint32s, Uint64s
from xafsflow.kernels.jit import kernel

LEVELS = 255
# What the fields of a key hold, and whole numbers of 64 bits in the merit (a quarter of the cube of the samples).
MOST_CLASSES, MOST_WEIGHT, MOST_SAMPLES = 1 << 16, 255, 3_000_000
# Samples up to which insertion sorts faster than counting over all levels.
INSERTION_MOST = 24
# Samples up to which a node reads rows of the table, which stay in the cache for its whole branch; above, columns.
ROWS = 4096
GOLDEN, MIX_1, MIX_2 = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
# A key, from the highest bit: level (8), weight (8), class (16), weight times the class's weight in the node (32).
LEVEL_SHIFT, WEIGHT_SHIFT, CLASS_SHIFT = np.uint64(56), np.uint64(48), np.uint64(32)
LOW_8, LOW_16, LOW_32 = np.uint64(0xFF), np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)


class Samples(NamedTuple):
    """What all trees share.

    `rows` (sample, feature) and `columns` (feature, sample) uint8 are the levels, `labels` (sample,) int32. `ends`
    (feature, LEVELS + 1) int32 says on an even scale where each level ends; the first begins at zero.
    """

    rows: Uint8s
    columns: Uint8s
    labels: Int32s
    ends: Int32s


class Workspace(NamedTuple):
    """Memory that the nodes of a tree use in turn."""

    held: Uint64s  # keys without level, in the order of the node's samples
    keys: Uint64s  # the same with the level of one feature, sorted
    codes: Uint8s  # levels of one feature
    totals: Indices  # weight of each class in the node
    running: Indices  # weight of each class on one side of the split; zero between nodes
    order: Indices  # features; counts from zero between nodes
    place: Uint32s  # where the next key of each level goes
    cuts: Indices  # (5, LEVELS + 1): count, squares on this and on the other side, and both levels where the level rises
    merits: Doubles  # of these cuts


@kernel
def random_below(seed: np.uint64 | int, number: int, limit: int) -> np.int64:
    """The random integer of this number in the sequence of a seed, from 0 to below `limit`, at most 2**32.

    SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), of which
    the upper 32 bits are multiplied by the limit and shifted back.
    """
    bits = np.uint64(seed) + (np.uint64(number) + np.uint64(1)) * GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * MIX_2
    bits ^= bits >> np.uint64(31)
    return np.int64(((bits >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


@kernel
def new_workspace(n: int, n_classes: int, n_features: int) -> Workspace:
    """Memory for a tree of `n` samples."""
    return Workspace(
        np.empty(n, np.uint64),
        np.empty(n, np.uint64),
        np.empty(n, np.uint8),
        np.zeros(n_classes, np.int64),
        np.zeros(n_classes, np.int64),
        np.arange(n_features),
        np.empty(LEVELS + 1, np.uint32),
        np.empty((5, LEVELS + 1), np.int64),
        np.empty(LEVELS + 1, np.float64),
    )


@kernel
def best_split(
    samples: Samples,
    here: Int32s,
    work: Workspace,
    total: np.int64,
    squares: np.int64,
    candidates: int,
    seed: np.uint64 | int,
    node: int,
) -> tuple[int, int, float]:
    """Feature, level and merit of the best split of a node; feature -1 if there is none.

    The merit is the sum over both sides of squares / weight. It is at most `total`, when both sides are pure.
    """
    # Taken out once: numba counts references each time.
    rows, columns, order, codes, running = samples.rows, samples.columns, work.order, work.codes, work.running
    held, keys, place, cuts, merits = work.held, work.keys, work.place, work.cuts, work.merits
    best_feature, low, high, best = -1, 0, 0, -1.0
    visited, sign = 0, 1
    while visited < order.size and (visited < candidates or best_feature < 0) and best < total:
        at = visited + random_below(seed, node * order.size + visited, order.size - visited)
        f = order[at]
        order[at] = order[visited]
        order[visited] = at  # remembered, to put the order back
        visited += 1
        if _levels(rows, columns, here, f, codes):
            continue
        if here.size <= INSERTION_MOST:
            _insertion_sort(codes, held, here.size, keys)
        else:
            _counting_sort(codes, held, here.size, keys, place)
        n_cuts = _sweep(keys, here.size, sign, total, squares, running, cuts)
        sign = -sign  # `running` is left full, so the next feature empties it
        merit, cut = _best_cut(cuts, n_cuts, total, merits)
        if merit > best:
            best, best_feature, low, high = merit, f, cuts[3, cut], cuts[4, cut]
    for k in range(visited - 1, -1, -1):
        at = order[k]
        order[k], order[at] = k, at
    if sign < 0:
        for i in range(here.size):
            running[(held[i] >> CLASS_SHIFT) & LOW_16] = 0
    return best_feature, _between(samples.ends, best_feature, low, high), best


@kernel
def _between(ends: Int32s, f: int, low: int, high: int) -> int:
    """The level from `low` to below `high` that ends next to the middle between both levels' middles."""
    best, level, start = np.int64(-1), low, np.int64(0)
    if low > 0:
        start = np.int64(ends[f, low - 1])
    middle = start + ends[f, low] + ends[f, high - 1] + ends[f, high]
    for t in range(low, high):
        away = abs(4 * np.int64(ends[f, t]) - middle)
        if best < 0 or away < best:
            best, level = away, t
    return level


@kernel
def _levels(rows: Uint8s, columns: Uint8s, here: Int32s, f: int, codes: Uint8s) -> bool:
    """Write the node's levels of a feature; True if all are alike."""
    first, other = columns[f, here[0]], np.uint8(0)
    if here.size <= ROWS:
        for i in range(here.size):
            code = rows[here[i], f]
            codes[i] = code
            other |= code ^ first
    else:
        for i in range(here.size):
            code = columns[f, here[i]]
            codes[i] = code
            other |= code ^ first
    return other == 0


@kernel
def _insertion_sort(codes: Uint8s, held: Uint64s, size: int, keys: Uint64s) -> None:
    for i in range(size):
        key = held[i] | (np.uint64(codes[i]) << LEVEL_SHIFT)
        k = i
        while k > 0 and keys[k - 1] > key:
            keys[k] = keys[k - 1]
            k -= 1
        keys[k] = key


@kernel
def _counting_sort(codes: Uint8s, held: Uint64s, size: int, keys: Uint64s, place: Uint32s) -> None:
    """Counting sort; `place` (LEVELS + 1,) is written over."""
    place[:] = 0
    for i in range(size):
        place[codes[i]] += 1
    start = np.uint32(0)
    for b in range(place.size):
        here = place[b]
        place[b] = start
        start += here
    for i in range(size):
        b = codes[i]
        keys[place[b]] = held[i] | (np.uint64(b) << LEVEL_SHIFT)
        place[b] += np.uint32(1)


@kernel
def _sweep(
    keys: Uint64s, size: int, sign: int, total: np.int64, squares: np.int64, running: Indices, cuts: Indices
) -> np.int64:
    """Sums at each rise of the level among sorted keys, and how many rises there are.

    Up the levels, samples go into `running` (sign 1) or out of it (sign -1). The sum of squares of the other side
    follows from sum((t - r)^2) = sum(t^2) - 2 sum(t r) + sum(r^2), over the classes' totals t and running r.
    """
    start = np.int64(sign < 0)
    count, mine, both = start * total, start * squares, start * squares
    n_cuts, previous = np.uint64(0), keys[0] >> LEVEL_SHIFT
    for i in range(size):
        key = keys[i]
        level = key >> LEVEL_SHIFT
        # Written always and kept where the level rises: there is no branch to guess.
        cuts[0, n_cuts], cuts[1, n_cuts], cuts[2, n_cuts] = count, mine, squares - 2 * both + mine
        cuts[3, n_cuts], cuts[4, n_cuts] = np.int64(previous), np.int64(level)
        n_cuts += np.uint64(level != previous)
        previous = level
        change = sign * np.int64((key >> WEIGHT_SHIFT) & LOW_8)
        c = (key >> CLASS_SHIFT) & LOW_16
        mine += change * (2 * running[c] + change)
        running[c] += change
        both += sign * np.int64(key & LOW_32)
        count += change
    return np.int64(n_cuts)


@kernel
def _best_cut(cuts: Indices, n_cuts: np.int64, total: np.int64, merits: Doubles) -> tuple[float, int]:
    """The highest merit and the first cut that has it."""
    # A loop of its own, so that the divisions run side by side.
    for k in range(n_cuts):
        count, rest = cuts[0, k], total - cuts[0, k]
        merits[k] = np.float64(cuts[1, k] * rest + cuts[2, k] * count) / np.float64(count * rest)
    best, cut = merits[0], 0
    for k in range(1, n_cuts):
        if merits[k] > best:
            best, cut = merits[k], k
    return best, cut
