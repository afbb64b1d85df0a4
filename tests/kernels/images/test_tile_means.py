"""Sums over tiles, whichever block the pixels stand in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.kernels.images.tile_means import step_weights, tile_edges, tile_sums

ENERGY = np.arange(12.0)
WEIGHTS = step_weights(ENERGY, 3.5, 8.5)


def field(shape: tuple[int, int] = (13, 17)) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.01, (12, *shape)).astype(np.float32)
    values[6:] += 1
    values[:, 2, 3] = 0  # a hole
    values[4, 5, 5] = np.nan
    bad = np.zeros(shape, np.float32)
    bad[8, 8] = 1
    return values, bad


def sums(values: Any, bad: Any, rows: slice, columns: slice, shape: tuple[int, int] = (13, 17)) -> Any:
    edges = [tile_edges(n, 4) for n in shape]
    row, column = np.arange(shape[0])[rows], np.arange(shape[1])[columns]
    return tile_sums(values[:, rows, columns], bad[rows, columns], row, column, *edges, WEIGHTS, 0.5, 1.5)


def test_tile_sums__leave_out_what_is_not_good() -> None:
    values, bad = field()
    totals, moments, fates = sums(values, bad, slice(None), slice(None))
    assert fates[0, 0].tolist() == [13 * 17 - 3, 1, 1, 1]
    assert moments[0, 0, :, 0].sum() == 13 * 17 - 3
    rows, columns = tile_edges(13, 4), tile_edges(17, 4)
    part = values[:, rows[2] : rows[3], columns[1] : columns[2]]
    tile = 2 * (len(columns) - 1) + 1
    np.testing.assert_allclose(totals[0, 0, tile], part.sum(axis=(1, 2), dtype=float), rtol=1e-6)
    assert moments[0, 0, tile, 1] / moments[0, 0, tile, 0] == (rows[2] + rows[3] - 1) / 2


def test_tile_sums__of_blocks_add_up_to_those_of_the_field() -> None:
    values, bad = field()
    whole = sums(values, bad, slice(None), slice(None))
    cuts = [(slice(a, b), slice(c, d)) for a, b in ((0, 5), (5, 6), (6, 13)) for c, d in ((0, 9), (9, 17))]
    parts = [sums(values, bad, *cut) for cut in cuts]
    for place, wanted in enumerate(whole):
        np.testing.assert_allclose(sum(part[place] for part in parts), wanted, atol=1e-9)


def test_tile_edges__leave_no_pixel_out() -> None:
    for size in (1, 3, 100, 4000):
        edges = tile_edges(size, 7.3)
        assert edges[0] == 0
        assert edges[-1] == size
        assert (np.diff(edges) > 0).all()


def test_step_weights__need_both_sides() -> None:
    with pytest.raises(InputError, match="1 energies below"):
        step_weights(ENERGY, 0.5, 8.0)
