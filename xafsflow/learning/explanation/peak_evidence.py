"""Which peaks of a diffraction pattern spoke for a structure type: each is taken out, and the type's vote falls or rises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xafsflow.findings.union_findings import PeakEvidence
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask, Numbers, Singles
from xafsflow.kernels.diffraction.log_places import log_edges, log_middles, log_sines, onto_places
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means, prepared
from xafsflow.learning.explanation.peak_words import evidence_sentence
from xafsflow.learning.union.log_spacing import PLACES, template_lengths
from xafsflow.learning.union.union_model import FACTOR, Parts, UnionOfNetworks, logarithms

# Points without anything that a peak may have within it: noise was clipped there.
BRIDGED = 2
# Two tops are two peaks where they are so many degrees apart, and the pattern falls below such a part of both between them.
APART, VALLEY = 0.4, 0.5
# The strongest peaks that are taken out.
MOST = 25
# Part of several patterns that have to have a peak at a point for it to be a peak of all.
SHARED = 0.25


@dataclass(frozen=True, eq=False)
class _OwnPeaks:
    """Peaks `(peak, 2)` of one pattern, first point and that after the last, and the fall of each one's effect `(peak,)`."""

    ends: Indices
    falls: Doubles


def peak_evidence(
    union: UnionOfNetworks, name: str, patterns: Numbers, output: int | None = None
) -> PeakEvidence:
    """Which peaks spoke for a type, of one pattern or on the mean of several.

    A peak is set to zero in the prepared pattern, whose maximum is made one again; its effect is the fall of the logarithm
    of the type's vote, above zero where the peak spoke for the type. Several patterns keep their own peaks, as their cells
    may differ; the effects are averaged over the patterns in stretches of two theta where a quarter of them have a peak.

    Parameters
    ----------
    union
        The model.
    name
        Of the pattern or region.
    patterns
        `(sample, point)` on the two theta of the union; NaN where nothing was measured.
    output
        The type that is explained; None: the one with the largest mean vote.

    Examples
    --------
    >>> from xafsflow.learning.network.folded_network import FoldedNetwork, shapes
    >>> from xafsflow.learning.network.network_file import network_to_bytes
    >>> count = sum(int(np.prod(shape)) for shape in shapes(3, 3, [2], 3))
    >>> of_places = np.zeros(PLACES), np.ones(PLACES)
    >>> network = FoldedNetwork(*of_places, 3, 2, 3, np.array([2]), np.zeros(count, "f4"), True, np.arange(3))
    >>> file = np.frombuffer(network_to_bytes(network, {"types": ["one", "two"]}), np.uint8)
    >>> angle = np.linspace(10, 90, 4001)
    >>> rows = 50 + 900 * np.exp(-(((angle - np.array([[30.0], [50.0]])) / 0.2) ** 2))
    >>> means = onto_places(prepared(angle, rows), log_edges(angles_of_means(angle), PLACES))
    >>> weights, size = np.array([1.0, 1.0, 0.0, 0.0]), np.array([len(file)])
    >>> union = UnionOfNetworks(angle, ["one", "two"], ["A", "A"], [[], []], file, size, means, weights, np.arange(2))
    >>> peak_evidence(union, "file.xy", rows.sum(axis=0)[None] * 0.5 + rows[:1]).sentence
    'one (0.70): the peak at 30.0 degrees spoke for it; the one at 50.0 against it'
    """
    angles = angles_of_means(union.two_theta, FACTOR)
    rows = prepared(union.two_theta, patterns, FACTOR)
    sequences = onto_places(rows, log_edges(angles, PLACES))
    parts = union.parts(sequences)
    told = log_votes(parts, union.score)
    votes = np.exp(told).mean(axis=0)
    output = int(votes.argmax()) if output is None else output
    own = [_own_peaks(union, row, told[i, output], output) for i, row in enumerate(rows)]
    ends, effects = _together(rows, own, angles)
    places = np.array([peak_place(angles, rows.mean(axis=0), *one) for one in ends.tolist()])
    along, order = np.zeros(len(angles)), np.argsort(-effects, kind="stable")
    for (begin, end), effect in zip(ends.tolist(), effects.tolist(), strict=True):
        along[begin:end] = effect
    return PeakEvidence(
        name=name,
        output=union.types[output],
        sentence=evidence_sentence(union.types[output], float(votes[output]), places, effects),
        samples=len(rows),
        two_theta=angles,
        pattern=np.where(_measured(patterns), rows.mean(axis=0, dtype=np.float64), np.nan),
        mean_pattern=type_pattern(union, sequences.mean(axis=0), output),
        effect=along,
        peaks=places[order],
        peak_effects=effects[order],
        confidence=float(parts.confidence[:, output].mean()),
        likeness=float(parts.likeness[:, output].mean()),
    )


def _measured(patterns: Numbers) -> Mask:
    """Where, in points of prepared patterns, one pattern at least was measured."""
    there: Mask = np.asarray(np.isfinite(patterns).any(axis=0))
    return np.asarray(there[: len(there) // FACTOR * FACTOR].reshape(-1, FACTOR).any(axis=1))


def log_votes(parts: Parts, score: Floats) -> Doubles:
    """Logarithms `(sample, class)` of `votes_of`, finite where a vote is too small for a number.

    Examples
    --------
    >>> parts = Parts(np.array([[0.9, 0.0]]), np.array([[0.1, 0.1]]), np.array([[0.8, 0.0]]), np.ones((1, 2)))
    >>> log_votes(parts, np.array([1.0, 100.0, 1.0, 1.0])).round(1).tolist()
    [[0.0, -1372.9]]
    """
    told = np.asarray(sum(weight * one for weight, one in zip(score, logarithms(parts), strict=True)))
    told -= told.max(axis=1, keepdims=True)
    return np.asarray(told - np.log(np.exp(told).sum(axis=1, keepdims=True)))


def peak_stretches(angles: Floats, pattern: Floats, most: int = MOST) -> Indices:
    """The strongest peaks of a prepared pattern, from left to right.

    A peak is a stretch above zero; two peaks that touch are parted at the lowest point between them.

    Parameters
    ----------
    angles, pattern
        `(point,)` degrees two theta, and values from 0 to 1, 0 where there is no peak.
    most
        Peaks kept, those with the largest sum of squares (counts).

    Returns
    -------
    ndarray
        `(peak, 2)`: the first point, and that after the last.

    Examples
    --------
    >>> pattern = np.array([0, 0.2, 1, 0.2, 0.6, 0, 0, 0, 0.1, 0.1])
    >>> peak_stretches(np.arange(10.0), pattern).tolist()
    [[1, 3], [3, 5], [8, 10]]
    >>> peak_stretches(np.arange(10.0), pattern, 1).tolist()
    [[1, 3]]
    """
    places = np.flatnonzero(np.asarray(pattern) > 0)
    if not len(places):
        return np.empty((0, 2), np.int64)
    gaps = np.flatnonzero(np.diff(places) > BRIDGED + 1)
    begins, last = places[np.append(0, gaps + 1)], places[np.append(gaps, len(places) - 1)]
    apart = APART / abs(float(angles[1] - angles[0]))
    found = [
        one
        for begin, end in zip(begins.tolist(), (last + 1).tolist(), strict=True)
        for one in _parted(pattern, begin, end, apart)
    ]
    ends = np.array(found, np.int64)
    strength = np.array([float((np.asarray(pattern[b:e], np.float64) ** 2).sum()) for b, e in found])
    return ends[np.sort(np.argsort(-strength, kind="stable")[:most])]


def _parted(pattern: Floats, begin: int, end: int, apart: float) -> list[tuple[int, int]]:
    """The peaks of one stretch."""
    found, start, top, low = [], begin, begin, begin
    for i in range(begin, end):
        if i - top >= apart and pattern[low] < VALLEY * min(pattern[top], pattern[i]):
            found.append((start, low))
            start, top, low = low, i, i
        elif pattern[i] > pattern[top]:
            top, low = i, i
        elif pattern[i] < pattern[low]:
            low = i
    return [*found, (start, end)]


def peak_place(angles: Floats, pattern: Floats, begin: int, end: int) -> float:
    """Degrees of a peak of a prepared pattern: the mean of the points above half its height in counts.

    Examples
    --------
    >>> peak_place(np.arange(30.0, 34.0), np.array([0.1, 0.8, 0.8, 0.1]), 0, 4)
    31.5
    """
    counts = np.asarray(pattern[begin:end], np.float64) ** 2
    counts[counts < 0.5 * counts.max()] = 0
    return float((counts * angles[begin:end]).sum() / counts.sum())


def type_pattern(union: UnionOfNetworks, sequence: Floats, output: int) -> Doubles:
    """The mean pattern of a type `(point,)` over two theta, maximum one, at the size of the cell that fits a pattern best.

    Parameters
    ----------
    union
        The model.
    sequence
        `(place,)`: the pattern over ln(1/d).
    output
        The type.
    """
    template = union.templates[output]
    windows = np.lib.stride_tricks.sliding_window_view(template, PLACES)
    lengths = template_lengths(template[None], PLACES)[0]
    cosines = np.divide(windows @ sequence, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    places = log_middles(angles_of_means(union.two_theta, FACTOR), PLACES)
    best = windows[int(cosines.argmax())].astype(np.float64)
    values = angles_of_means(np.interp(log_sines(union.two_theta), places, best), FACTOR)
    return np.asarray(values / (values.max() or 1.0))


def _own_peaks(union: UnionOfNetworks, row: Singles, told: float, output: int) -> _OwnPeaks:
    """The peaks of one prepared pattern `(point,)`, and how far ln(vote), which is `told`, falls without each of them."""
    angles = angles_of_means(union.two_theta, FACTOR)
    ends = peak_stretches(angles, row)
    if not len(ends):
        return _OwnPeaks(ends, np.zeros(0))
    without = np.repeat(row[None], len(ends), axis=0)
    for one, (begin, end) in zip(without, ends.tolist(), strict=True):
        one[begin:end] = 0
        # As a pattern without the peak would have been prepared
        one /= one.max() or 1.0
    parts = union.parts(onto_places(without, log_edges(angles, PLACES)))
    return _OwnPeaks(ends, told - log_votes(parts, union.score)[:, output])


def _together(rows: Singles, own: Sequence[_OwnPeaks], angles: Doubles) -> tuple[Indices, Doubles]:
    """Peaks `(peak, 2)` that patterns have in common, and the mean of the effects `(peak,)` there."""
    if len(own) == 1:
        return own[0].ends, own[0].falls
    share = np.zeros(len(angles))
    for one in own:
        for begin, end in one.ends.tolist():
            share[begin:end] += 1 / len(own)
    ends = peak_stretches(angles, np.where(share >= SHARED, rows.mean(axis=0), 0))
    effects = np.zeros(len(ends))
    for row, one in zip(rows, own, strict=True):
        for (begin, end), fall in zip(one.ends.tolist(), one.falls.tolist(), strict=True):
            top = begin + int(row[begin:end].argmax())
            effects[(ends[:, 0] <= top) & (top < ends[:, 1])] += fall / len(own)
    return ends, effects
