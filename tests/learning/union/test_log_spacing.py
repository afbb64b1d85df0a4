"""Mean patterns over ln(1/d) are found whatever the sizes of the cells are."""

from __future__ import annotations

import numpy as np

from xafsflow.learning.union.log_spacing import (
    MOST,
    REACH,
    aligned_means,
    largest_shift,
    template_lengths,
)

PLACES, SHIFT = 200, 20


def moved(places: tuple[int, ...], by: int) -> np.ndarray:
    row = np.zeros(PLACES, np.float32)
    row[np.array(places) + by] = 1
    return row


def test_the_largest_shift__is_that_of_the_largest_cell() -> None:
    two_theta = np.linspace(20, 80, 50)
    shift = largest_shift(two_theta)
    low, high = np.log(np.sin(np.radians([10, 40])))
    assert shift * (high - low) / 1000 <= np.log(1 + REACH) < (shift + 1) * (high - low) / 1000


def test_a_mean__is_that_of_patterns_at_one_size() -> None:
    rng = np.random.default_rng(0)
    kinds = ((60, 90, 130), (60, 100))
    labels = np.arange(40) % 2
    rows = np.stack([moved(kinds[n], by) for n, by in zip(labels, rng.integers(-9, 10, 40), strict=True)])
    means = aligned_means(rows, labels, 3, SHIFT)
    assert means.shape == (3, PLACES + 2 * SHIFT)
    assert means.dtype == np.float32
    for mean, places in zip(means, kinds, strict=False):
        peaks = np.flatnonzero(mean)
        np.testing.assert_array_equal(np.diff(peaks), np.diff(places))
        np.testing.assert_allclose(mean[peaks], 1 / np.sqrt(len(places)), rtol=1e-6)
    assert not means[2].any()


def test_heights_of_a_mean__are_means_of_heights() -> None:
    rng = np.random.default_rng(0)
    heights = rng.uniform(0.2, 1, (30, 3)).astype(np.float32)
    rows = np.stack([moved((60, 90, 130), by) for by in rng.integers(-9, 10, 30)])
    rows[rows > 0] = heights.ravel()
    (mean,) = aligned_means(rows, np.zeros(30, int), 1, SHIFT)
    wanted = (heights / np.linalg.norm(heights, axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(mean[mean > 0], wanted, rtol=1e-5)


def test_a_mean__reaches_beyond_the_measured_range() -> None:
    # The second peak is seen only where the cell is large enough
    rows = np.stack([moved((150, 195), 0), moved((150, 195), -10)] + [moved((150,), 8)] * 2)
    (mean,) = aligned_means(rows, np.zeros(4, int), 1, SHIFT)
    first, second = np.flatnonzero(mean)
    assert second - first == 45


def test_patterns_without_peaks__make_no_mean() -> None:
    means = aligned_means(np.zeros((3, PLACES), np.float32), np.zeros(3, int), 1, SHIFT)
    assert not means.any()


def test_of_many_patterns__some_are_taken() -> None:
    row = moved((60, 90), 0)
    many = np.tile(row, (MOST + 1, 1))
    np.testing.assert_allclose(
        aligned_means(many, np.zeros(MOST + 1, int), 1, SHIFT),
        aligned_means(row[None], np.zeros(1, int), 1, SHIFT),
    )


def test_lengths__are_those_of_parts() -> None:
    templates = np.random.default_rng(0).random((3, 30)).astype(np.float32)
    wanted = [[np.linalg.norm(one[k : k + 20]) for k in range(11)] for one in templates]
    np.testing.assert_allclose(template_lengths(templates, 20), wanted, rtol=1e-6)
