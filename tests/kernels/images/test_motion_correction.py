"""Images moved back, against a dense matrix of weights and against what was known before they moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.kernels.images.motion_correction import LEAST, cubic_taps, realigned, swept_flags

SHIFTS = st.floats(-3, 3)


def keys(x: Any) -> Any:
    """The cubic convolution as R. Keys wrote it, a = -1/2."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def matrix(size: int, by: float) -> Any:
    place = np.arange(size)
    return keys(place - (place[:, None] + by))


def test_realigned__is_the_dense_interpolation() -> None:
    random = np.random.default_rng(0)
    images = random.standard_normal((6, 17, 23)).astype(np.float32)
    path = np.array([[0.3, -1.6], [2.5, 0.5], [-3.25, 1.1], [0, 0.7], [1, -2], [-0.4, 0]])
    found = realigned(images, path)
    for image, (dy, dx), out in zip(images, path, found, strict=True):
        whole = matrix(17, dy) @ image.astype(float) @ matrix(23, dx).T
        inside = np.isfinite(out)
        assert inside[5:-5, 5:-5].all()
        np.testing.assert_allclose(out[inside], whole[inside], atol=1e-5)


@given(SHIFTS, SHIFTS)
def test_realigned__is_exact_for_parabolas_and_nan_where_nothing_was_seen(dy: float, dx: float) -> None:
    y, x = np.mgrid[0:12, 0:14].astype(float)

    def value(y: Any, x: Any) -> Any:
        return 1 + 0.5 * y - 0.2 * x + 0.03 * y * y - 0.05 * x * x + 0.04 * x * y

    out = realigned(value(y, x).astype(np.float32)[None], np.array([[dy, dx]]))[0]
    seen = np.isfinite(out)
    # Less than LEAST is left as it is.
    np.testing.assert_allclose(out[seen], value(y + dy, x + dx)[seen], atol=LEAST * 2 + 1e-4)
    reach = [np.arange(n) + by for n, by in ((12, dy), (14, dx))]
    inner = [(place >= 1) & (place <= len(place) - 3) for place in reach]
    assert seen[np.ix_(*inner)].all()
    outer = [(place < -LEAST) | (place > len(place) - 1 + LEAST) for place in reach]
    assert not seen[outer[0]].any()
    assert not seen[:, outer[1]].any()


def test_realigned__leaves_unmoved_images_as_they_are() -> None:
    images = np.random.default_rng(0).standard_normal((3, 5, 6)).astype(np.float32)
    images[1, 2, 3] = np.nan
    np.testing.assert_array_equal(realigned(images, np.array([[0, 0], [0.01, -0.01], [0, 0.0]])), images)


def test_realigned__moves_whole_pixels_without_a_change() -> None:
    images = np.random.default_rng(0).standard_normal((1, 8, 9)).astype(np.float32)
    found = realigned(images, np.array([[2.0, -3.0]]))
    np.testing.assert_array_equal(found[0, :6, 3:], images[0, 2:, :6])
    assert np.isnan(found[0, 6:]).all()
    assert np.isnan(found[0, :, :3]).all()


def test_realigned__keeps_a_nan_to_the_pixels_that_need_it() -> None:
    images = np.ones((1, 12, 12), np.float32)
    images[0, 6, 6] = np.nan
    gone = np.isnan(realigned(images, np.array([[0.5, 0.0]]))[0])
    assert np.argwhere(gone[2:-2]).tolist() == [[2, 6], [3, 6], [4, 6], [5, 6]]


@pytest.mark.parametrize("by", [-2.7, -0.5, 0.0, 0.019, 0.3, 5.99])
def test_cubic_taps__sum_to_one(by: float) -> None:
    taps, first = cubic_taps(by)
    assert taps.sum() == pytest.approx(1)
    assert first + 1 in (np.floor(by), np.floor(by + 0.5))


def test_swept_flags__are_all_that_came_by() -> None:
    flags = np.zeros((6, 7))
    flags[3, 4] = 2
    found = swept_flags(flags, np.array([[0.2, 0.1], [1.4, -0.6], [-1.0, 0]]), 8)
    wanted = np.zeros((6, 7), int)
    for dy, dx in ((0, 0), (1, -1), (-1, 0)):
        for y in range(6):
            for x in range(7):
                inside = 0 <= y + dy < 6 and 0 <= x + dx < 7
                wanted[y, x] |= int(flags[y + dy, x + dx]) if inside else 8
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.uint8


def test_swept_flags__take_nan_for_beyond_the_image() -> None:
    flags = np.array([[np.nan, 0, 4, 0, 0]])
    assert swept_flags(flags, np.zeros((1, 2)), 8).tolist() == [[8, 0, 4, 0, 0]]
