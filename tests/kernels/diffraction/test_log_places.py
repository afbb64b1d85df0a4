"""Patterns over ln(1/d) keep their area, and the likeness is the largest cosine over shifts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.kernels.diffraction.log_places import best_cosines, log_edges, onto_places
from xafsflow.learning.union.log_spacing import template_lengths


def integral(row: np.ndarray, low: float, high: float) -> float:
    """Of a function that is constant over each point, by plain numpy."""
    ends = np.arange(len(row) + 1.0)
    widths = np.clip(np.minimum(ends[1:], high) - np.maximum(ends[:-1], low), 0, None)
    return float((row.astype(float) * widths).sum())


@given(
    st.integers(2, 30),
    st.lists(st.floats(0, 1), min_size=2, max_size=12, unique=True),
    st.integers(0, 2**32 - 1),
)
def test_places__are_means_between_edges(points: int, shares: list[float], seed: int) -> None:
    edges = np.unique(np.round(np.array(shares) * points, 6))
    if len(edges) < 2:
        return
    rows = np.random.default_rng(seed).random((3, points)).astype(np.float32)
    found = onto_places(rows, edges)
    assert found.shape == (3, len(edges) - 1)
    assert found.dtype == np.float32
    for row, means in zip(rows, found, strict=True):
        wanted = [integral(row, a, b) / (b - a) for a, b in pairwise(edges)]
        np.testing.assert_allclose(means, wanted, rtol=1e-5, atol=1e-6)


def test_edges__are_even_in_the_logarithm_of_spacings() -> None:
    two_theta = np.linspace(10, 90, 1001)
    edges = log_edges(two_theta, 50)
    assert edges.shape == (51,)
    assert edges[0] == 0.5
    assert edges[-1] == 1000.5
    angles = np.interp(edges - 0.5, np.arange(1001), two_theta)
    steps = np.diff(np.log(np.sin(np.radians(angles / 2))))
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-3)


def test_narrow_peaks__keep_their_area_and_move_by_one_distance_with_the_cell() -> None:
    two_theta = np.linspace(10, 100, 4000)
    places = 1000
    edges = log_edges(two_theta, places)
    step = np.log(np.sin(np.radians(50)) / np.sin(np.radians(5))) / places
    found = []
    for a in (4.0, 4.0 * np.exp(20 * step)):
        theta = np.arcsin(1.5418 * np.sqrt([3, 4, 8, 11]) / (2 * a))
        peaks = np.exp(-0.5 * ((two_theta - np.degrees(2 * theta)[:, None]) / 0.3) ** 2).sum(axis=0)
        found.append(onto_places(peaks[None].astype(np.float32), edges)[0])
    small, large = found
    moved = [float(small[40 + n : 960 + n] @ large[40:960]) for n in range(41)]
    assert int(np.argmax(moved)) == 20
    np.testing.assert_allclose(
        (small * np.diff(edges)).sum() * (two_theta[1] - two_theta[0]),
        4 * 0.3 * np.sqrt(2 * np.pi),
        rtol=1e-3,
    )


def brute(row: np.ndarray, template: np.ndarray) -> float:
    best = 0.0
    for shift in range(len(template) - len(row) + 1):
        part = template[shift : shift + len(row)].astype(float)
        length = np.linalg.norm(part) * np.linalg.norm(row.astype(float))
        best = max(best, float(row @ part) / length if length else 0.0)
    return best


@given(st.integers(1, 12), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_cosines__are_the_largest_of_all_shifts(places: int, shift: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = (rng.random((4, places)) * (rng.random((4, places)) < 0.4)).astype(np.float32)
    templates = (rng.random((3, places + shift)) * (rng.random((3, places + shift)) < 0.6)).astype(np.float32)
    found = best_cosines(rows, templates, template_lengths(templates, places))
    wanted = [[brute(row, one) for one in templates] for row in rows]
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_nothing__is_like_nothing() -> None:
    rows = np.array([[0, 0, 0], [1, 0, 0]], np.float32)
    templates = np.array([[0, 0, 0, 0], [0, 0, 1, 0]], np.float32)
    lengths = template_lengths(templates, 3)
    # The only peak of the second template lies under no place of the pattern's peak
    np.testing.assert_array_equal(best_cosines(rows, templates, lengths), np.zeros((2, 2)))
    assert best_cosines(rows[:0], templates, lengths).shape == (0, 2)


@pytest.mark.parametrize("size", [1, 3, 16])
def test_bits__do_not_depend_on_what_stands_beside(size: int) -> None:
    rng = np.random.default_rng(0)
    counts = rng.random((33, 203)).astype(np.float32)
    edges = log_edges(np.linspace(10, 90, 203), 100)
    rows = onto_places(counts, edges)
    templates = rng.random((5, 113)).astype(np.float32)
    lengths = template_lengths(templates, 100)
    parts = [slice(start, start + size) for start in range(0, 33, size)]
    np.testing.assert_array_equal(np.concatenate([onto_places(counts[one], edges) for one in parts]), rows)
    np.testing.assert_array_equal(
        np.concatenate([best_cosines(rows[one], templates, lengths) for one in parts]),
        best_cosines(rows, templates, lengths),
    )
