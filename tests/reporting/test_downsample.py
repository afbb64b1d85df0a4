from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.reporting.downsample import block_lowest, block_mean, block_mode, block_size

shapes = st.tuples(st.integers(1, 17), st.integers(1, 17))
blocks = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


def tiles(values: np.ndarray, block: int) -> list[list[np.ndarray]]:
    rows, columns = (range(0, n, block) for n in values.shape)
    return [[values[i : i + block, j : j + block] for j in columns] for i in rows]


@settings(max_examples=60, deadline=None)
@given(shapes, blocks, seeds)
def test_block_mean__is_the_mean_of_the_finite_pixels_of_blocks_that_are_half_finite(
    shape, block, seed
) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=shape).astype(np.float32)
    values[random.random(shape) < 0.4] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing, on purpose
        wanted = [
            [np.nanmean(t, dtype=float) if np.isfinite(t).mean() >= 0.5 else np.nan for t in row]
            for row in tiles(values, block)
        ]
    np.testing.assert_allclose(block_mean(values, block), wanted, rtol=1e-5, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(shapes, blocks, seeds)
def test_block_mode__is_the_commonest_code_and_the_smallest_of_several(shape, block, seed) -> None:
    codes = np.random.default_rng(seed).integers(-1, 4, shape).astype(np.int16)
    wanted = [
        [min(Counter(t.ravel().tolist()).items(), key=lambda item: (-item[1], item[0]))[0] for t in row]
        for row in tiles(codes, block)
    ]
    np.testing.assert_array_equal(block_mode(codes, block), wanted)


@settings(max_examples=60, deadline=None)
@given(shapes, blocks, seeds)
def test_block_lowest__keeps_every_single_flagged_pixel_visible(shape, block, seed) -> None:
    random = np.random.default_rng(seed)
    codes = np.where(random.random(shape) < 0.1, random.integers(0, 7, shape), -1).astype(np.int16)
    wanted = [[min((c for c in t.ravel() if c >= 0), default=-1) for t in row] for row in tiles(codes, block)]
    np.testing.assert_array_equal(block_lowest(codes, block, -1), wanted)


@given(shapes, st.integers(1, 2000))
def test_block_size__is_the_smallest_that_fits(shape, longest) -> None:
    block = block_size(shape, longest)
    assert -(-max(shape) // block) <= longest
    assert block == 1 or -(-max(shape) // (block - 1)) > longest
