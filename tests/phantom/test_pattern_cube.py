"""A phantom of diffraction patterns: what is in it, and that it does not depend on how it is cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dask
import numpy as np
import pytest

from xafsflow.crystals import PatternSettings, known_types
from xafsflow.errors import InputError
from xafsflow.phantom import PatternPhantom, as_pattern_cube, pattern_truth
from xafsflow.phantom.pattern_cube import OF_EACH, compounds_of
from xafsflow.provenance import HISTORY, history
from xafsflow.vocabulary import attributes

PHANTOM = PatternPhantom(size=(13, 17), types=("rocksalt", "CsCl"), pattern=PatternSettings(step=0.2), seed=2)


def cube_of(phantom: PatternPhantom, band: int | None = None) -> Any:
    with dask.config.set(scheduler="synchronous"):
        return as_pattern_cube(phantom, band=band).compute()


def test_cube__speaks_the_vocabulary_and_does_not_tell_the_truth() -> None:
    cube = as_pattern_cube(PHANTOM)
    assert set(cube.variables) == {"mu", "flags", "wavelength", "two_theta", "y", "x"}
    assert cube.mu.dims == ("two_theta", "y", "x")
    assert cube.mu.dtype == np.float32
    assert history(cube) == []
    for name in cube.variables:
        assert {k: v for k, v in cube[name].attrs.items() if k != HISTORY} == attributes(str(name))
    assert float(cube.wavelength) == pytest.approx(1.5418, abs=1e-4)
    assert not {"types", "compounds"} & set(cube.attrs)


@pytest.mark.parametrize("band", [1, 4, 13, 100])
def test_counts__do_not_depend_on_the_band(band: int) -> None:
    np.testing.assert_array_equal(cube_of(PHANTOM, band).mu, cube_of(PHANTOM).mu)


def test_counts__of_a_row_need_no_other_rows() -> None:
    rows = as_pattern_cube(PHANTOM, band=2).mu.isel(y=slice(4, 6)).compute(scheduler="synchronous")
    np.testing.assert_array_equal(rows, cube_of(PHANTOM).mu[:, 4:6])


def test_counts__have_the_noise_of_counting() -> None:
    """Where only the background is, and it and the light are the same everywhere, the variance is the mean."""
    flat = replace(PHANTOM, size=(40, 40), counts=500.0, background=(0.2, 0.2), illumination=0.0)
    values = cube_of(flat).mu.values.reshape(PHANTOM.pattern.points, -1)
    assert (values == np.round(values)).all()
    mean, variance = values.mean(axis=1), values.var(axis=1)
    empty = variance < 2 * mean
    assert empty.mean() > 0.3
    assert np.median(variance[empty] / mean[empty]) == pytest.approx(1, abs=0.05)
    # At the low end of the angles the background is as high as asked for.
    assert mean[0] == pytest.approx(0.2 * 500, rel=0.1)


def test_illumination__changes_counts_over_the_field() -> None:
    dark, light = (
        cube_of(replace(PHANTOM, size=(24, 24), background=(2.0, 2.0), illumination=one)).mu[0].values
        for one in (0.0, 0.4)
    )
    assert light.std() / light.mean() > 3 * dark.std() / dark.mean()


def test_truth__is_of_the_same_grains_and_adds_up() -> None:
    answer = pattern_truth(PHANTOM)
    assert answer["types"].tolist() == ["rocksalt", "CsCl"]
    assert len(answer["compounds"]) == len(answer["kind"]) == 2 * OF_EACH
    np.testing.assert_allclose(answer["shares"].sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(answer["first"], answer["shares"].argmax(axis=0))
    assert (answer["shares"].max(axis=0) > 0.95).mean() > 0.6


def test_pixels__of_one_compound_have_its_pattern() -> None:
    """Means over the pixels of a type peak where another seed's noise has them peak, and types differ."""
    flat = replace(PHANTOM, size=(30, 30), counts=20000.0, background=(0.0, 0.0))
    answer, values = pattern_truth(flat), cube_of(flat).mu.values
    assert compounds_of(flat) == compounds_of(PHANTOM)
    pure = answer["shares"].max(axis=0) > 0.999
    places = [set(np.unique(values[:, pure & (answer["first"] == one)].argmax(axis=0))) for one in (0, 1)]
    assert all(0 < len(one) <= 3 * OF_EACH for one in places)
    assert places[0] != places[1]


def test_mixed_grains__hold_two_types() -> None:
    answer = pattern_truth(replace(PHANTOM, size=(40, 40), mixed=1.0))
    largest = np.median(answer["shares"].max(axis=0))
    assert 0.5 <= largest <= 0.7
    alone = pattern_truth(replace(PHANTOM, size=(40, 40)))
    assert np.median(alone["shares"].max(axis=0)) > 0.99


def test_seeds__are_other_compounds_grains_and_noise() -> None:
    other = replace(PHANTOM, seed=3)
    assert compounds_of(other) != compounds_of(PHANTOM)
    assert (pattern_truth(other)["first"] != pattern_truth(PHANTOM)["first"]).any()
    assert {one.kind for one in compounds_of(PHANTOM)} <= set(known_types())


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (0, 4)},
        {"types": ()},
        {"types": ("rocksalt", "rocksalt")},
        {"types": ("no such type",)},
        {"counts": 0.0},
        {"background": (0.3, 0.1)},
        {"illumination": 2.0},
        {"mixed": 1.5},
        {"types": ("rocksalt",), "mixed": 0.5},
        {"grain": 1.0},
        {"seed": -1},
    ],
)
def test_settings_out_of_range__are_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no such type|twice|" + "|".join(changes)):
        replace(PHANTOM, **changes)


def test_cube__refuses_a_band_without_rows() -> None:
    with pytest.raises(InputError, match="1 row"):
        as_pattern_cube(PHANTOM, band=0)
