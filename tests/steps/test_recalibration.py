"""train.recalibrate: sets and limits that are right for a user's own patterns."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.learning.models.model import Model, save_model
from xafsflow.learning.union.assembly import thresholds_by_class
from xafsflow.learning.union.union_model import UnionOfNetworks


@pytest.fixture(scope="module")
def measured(known_patterns: xr.Dataset) -> xr.Dataset:
    """Patterns with more noise than those that were learnt from, and some of unknown types."""
    rng = np.random.default_rng(0)
    rows = np.arange(0, known_patterns.sizes["sample"], 2)
    some = known_patterns.isel(sample=rows).copy(deep=True)
    mu = some.mu.values
    some["mu"].values[:] = rng.poisson(0.2 * mu) / 0.2
    return some


def test_sets_and_limits__are_those_of_the_patterns_given(union_model: Model, measured: xr.Dataset) -> None:
    found = xf.train.recalibrate(union_model, measured, coverage=0.8, refuse=0.2)
    union = found.predictor
    assert isinstance(union, UnionOfNetworks)
    known = np.isin(measured.structure_type.values, union.types)
    assert 0 < known.sum() < len(known)
    votes = found.predict(measured.mu.values[known].T)
    labels = [union.types.index(name) for name in measured.structure_type.values[known]]
    wrong = 1 - votes[np.arange(len(labels)), labels]
    assert found.trust.set_thresholds is not None
    assert found.trust.set_thresholds.shape == (1, 4)
    wanted = np.quantile(wrong, 0.8, method="weibull")
    np.testing.assert_allclose(found.trust.set_thresholds, wanted)
    answers = xf.judge.patterns(measured.isel(sample=np.flatnonzero(known)), found).answers
    inside = np.mean([one.truth in one.possible for one in answers])
    assert inside >= 0.8 - 1 / len(answers)
    for flag in ("unlike", "mixed"):
        assert np.mean([getattr(one, flag) for one in answers]) == pytest.approx(0.2, abs=1.5 / len(answers))


def test_networks_and_weights__stay(union_model: Model, measured: xr.Dataset, tmp_path) -> None:
    stored = save_model(union_model, tmp_path / "union.npz")
    found = xf.train.recalibrate(stored, measured, coverage=0.8, refuse=0.2)
    assert isinstance(found.predictor, UnionOfNetworks)
    assert isinstance(union_model.predictor, UnionOfNetworks)
    for one in fields(UnionOfNetworks):
        np.testing.assert_array_equal(
            np.asarray(getattr(found.predictor, one.name), dtype=None if one.name != "twins" else object),
            np.asarray(
                getattr(union_model.predictor, one.name), dtype=None if one.name != "twins" else object
            ),
        )
    np.testing.assert_array_equal(found.trust.doubt, union_model.trust.doubt)
    found.check()
    assert save_model(found, tmp_path / "again.npz").load() == found
    assert stored.load() == union_model


@pytest.mark.parametrize(
    ("coverage", "refuse", "least"), [(0.95, 0.5, 19), (0.8, 0.05, 19), (0.9, 0.02, 49), (0.5, 0.5, 1)]
)
def test_too_few_patterns__are_refused_and_enough_are_not(
    coverage: float, refuse: float, least: int, union_model: Model, known_patterns: xr.Dataset
) -> None:
    enough = known_patterns.isel(sample=slice(least))
    found = xf.train.recalibrate(union_model, enough, coverage=coverage, refuse=refuse)
    assert found.trust.set_thresholds is not None
    assert found.trust.set_thresholds.max() < 1
    with pytest.raises(InputError, match=f"^Found {least - 1} patterns .* Expected {least} or more"):
        xf.train.recalibrate(
            union_model, enough.isel(sample=slice(least - 1)), coverage=coverage, refuse=refuse
        )


@given(st.integers(2, 2000))
def test_a_coverage_of_a_round_share__needs_no_pattern_more(count: int) -> None:
    # (n + 1) coverage must not come out above n by rounding
    votes = np.linspace(0.1, 0.9, count - 1)[:, None]
    assert thresholds_by_class(votes, np.zeros(count - 1, int), 1 - 1 / count)[0] < 1


def test_what_does_not_fit__is_refused(union_model: Model, measured: xr.Dataset) -> None:
    with pytest.raises(InputError, match="angles at 1\\.789 Angstrom"):
        xf.train.recalibrate(union_model, measured.assign(wavelength=1.789))
    with pytest.raises(InputError, match="without the label kind"):
        xf.train.recalibrate(union_model, measured, label="kind")
    with pytest.raises(InputError, match="angles from 10 to 89"):
        xf.train.recalibrate(union_model, measured.sel(two_theta=slice(0, 89)))
    strange = measured.assign(structure_type=("sample", ["garnet"] * measured.sizes["sample"]))
    with pytest.raises(InputError, match="Found 0 patterns whose type the model knows"):
        xf.train.recalibrate(union_model, strange)
