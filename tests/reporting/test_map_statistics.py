from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.reporting.map_statistics import gather
from xafsflow.reporting.summary import dominant_accuracy, summary
from xafsflow.vocabulary import Flag


def test_gather__means_and_shares_agree_with_numpy(make) -> None:
    maps, _ = make((20, 30))
    facts = gather(maps)
    fraction, step = maps.fraction.values.astype(float), maps.edge_step.values.astype(float)
    assert facts.shape == (20, 30)
    assert facts.answered == 599
    np.testing.assert_allclose(facts.composition, np.nanmean(fraction, axis=(1, 2)), rtol=1e-6)
    weighted = np.nansum(fraction * step, axis=(1, 2)) / np.nansum(step)
    np.testing.assert_allclose(facts.amount, weighted, rtol=1e-6)
    dominant = np.where(np.isnan(fraction[0]), -1, fraction.argmax(axis=0))
    np.testing.assert_array_equal(facts.dominant, dominant)
    np.testing.assert_array_equal(facts.shares, [(dominant == i).sum() for i in range(3)])
    for i in range(3):
        np.testing.assert_allclose(facts.mixture[i], fraction[:, dominant == i].mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(facts.classes, np.bincount(maps.class_index.values[dominant >= 0]))


def test_gather__counts_every_bit_of_a_pixel_with_several_flags(make) -> None:
    maps, _ = make()
    maps["flags"][1, 1] = int(Flag.DEAD)
    facts = gather(maps)
    assert facts.flagged[Flag.BACKGROUND] == facts.flagged[Flag.LOW_STEP] == facts.flagged[Flag.DEAD] == 1
    assert facts.lost[Flag.BACKGROUND] == 1
    assert facts.lost[Flag.DEAD] == 0
    assert facts.silent == 0


def test_gather__does_not_depend_on_chunks_or_order_of_dims(make) -> None:
    maps, _ = make((13, 17))
    other = maps.transpose("x", "y", ...).chunk({"y": 5, "x": 4})
    assert isinstance(other.fraction.data, dask.array.Array)
    one, two = gather(maps), gather(other)
    np.testing.assert_array_equal(one.composition, two.composition)
    np.testing.assert_array_equal(one.dominant, two.dominant)
    assert one.flagged == two.flagged


@pytest.mark.parametrize(
    ("variables", "answered"),
    [
        ({"class_index": [[0.0, -1.0, np.nan]], "edge_step": [[1.0, 1.0, 1.0]]}, 1),
        ({"edge_step": [[1.0, np.nan, 1.0]], "e0": [[np.nan, np.nan, 1.0]]}, 2),
        ({"e0": [[np.nan, np.nan, 7112.0]]}, 1),
    ],
)
def test_gather__finds_the_answered_pixels_by_what_there_is(variables: dict, answered: int) -> None:
    maps = xr.Dataset({name: (("y", "x"), np.array(values)) for name, values in variables.items()})
    assert gather(maps).answered == answered


@pytest.mark.parametrize(
    "maps",
    [
        xr.Dataset(),
        xr.Dataset({"mu": (("energy", "y", "x"), np.ones((2, 2, 2)))}),
        xr.Dataset({"e0": (("y", "x"), np.ones((0, 3)))}),
    ],
)
def test_gather__refuses_a_dataset_without_maps(maps: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"Found .* Expected .* "):
        gather(maps)


def test_summary__states_size_energies_reasons_composition_and_accuracy(make) -> None:
    maps, view = make((10, 20))
    text = " ".join(summary(gather(maps), view))
    assert "10 x 20 pixels" in text
    assert "41 energies from 7000 to 7200 eV" in text
    assert "99.5 % of the pixels have an answer; 0.5 % have none: no sample here (0.5 %)" in text
    assert "15 classes of 3 references" in text
    assert "the right class for 80.0 % of held-out spectra" in text


def test_summary__says_that_no_pixel_has_an_answer() -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.full((2, 2), np.nan))})
    assert "No pixel has an answer: no flag says why (100 %)." in summary(gather(maps), None)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_dominant_accuracy__is_not_below_the_class_accuracy_of_clear_classes(
    make, n_ref: int, n: int, seed: int
) -> None:
    _, view = make((1, 2), tuple(f"r{i}" for i in range(n_ref)), 1 / n)
    view.confusion[:] = np.random.default_rng(seed).integers(0, 9, view.confusion.shape)
    clear = view.dominant >= 0
    total = view.confusion[clear].sum()
    if total:
        assert dominant_accuracy(view) >= np.diag(view.confusion)[clear].sum() / total - 1e-12
