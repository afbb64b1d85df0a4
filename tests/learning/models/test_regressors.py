"""The table of regressors and the score of what they give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score, root_mean_squared_error

from xafsflow.errors import InputError
from xafsflow.learning.models.classifiers import Drawn
from xafsflow.learning.models.predictors import row_of
from xafsflow.learning.models.regressors import REGRESSORS, fit_properties, property_scores


def samples(seed: int, properties: int = 2) -> tuple[np.ndarray, np.ndarray]:
    table = np.random.default_rng(seed).random((400, 6)).astype(np.float32)
    return table, (table @ np.random.default_rng(9).random((6, properties))).astype(float)


@pytest.mark.parametrize("properties", [1, 2])
@pytest.mark.parametrize("name", REGRESSORS)
def test_every_regressor__learns(name: str, properties: int) -> None:
    predictor, importances = fit_properties(name, *samples(0, properties), Drawn(30, 0))
    table, truth = samples(1, properties)
    r_squared, _ = property_scores(predictor.predict(table.T), truth)
    assert r_squared.shape == (properties,)
    assert r_squared.min() > 0.8
    assert row_of(predictor) == REGRESSORS[name].predictor
    assert (importances is not None) == (name not in ("ridge", "kernel_ridge", "mlp", "residual_network"))


def test_the_forest__is_scikit_learns() -> None:
    table, truth = samples(0)
    wanted = RandomForestRegressor(7, random_state=5).fit(table, truth)
    found, importances = fit_properties("regression_forest", table, truth, Drawn(7, 5))
    np.testing.assert_allclose(found.predict(table.T), wanted.predict(table), rtol=1e-12)
    np.testing.assert_allclose(importances, wanted.feature_importances_)


def test_scores__are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((50, 3))
    found = truth + 0.1 * rng.standard_normal((50, 3))
    r_squared, rmse = property_scores(found, truth)
    np.testing.assert_allclose(r_squared, r2_score(truth, found, multioutput="raw_values"))
    np.testing.assert_allclose(rmse, root_mean_squared_error(truth, found, multioutput="raw_values"))


def test_a_property_without_spread__has_no_r_squared() -> None:
    r_squared, rmse = property_scores(np.full((4, 1), 2.5), np.full((4, 1), 2.0))
    assert np.isnan(r_squared).all()
    assert rmse.tolist() == [0.5]


def test_an_unknown_regressor__is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'ridge'"):
        fit_properties("rigde", *samples(0), Drawn(5, 0))
