"""The table of regressors, which learn properties, and their held-out score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.models.classifiers import Learner, fit_row, row, sklearn
from xafsflow.learning.models.predictors import Predictor

# A further regressor is one line here.
REGRESSORS: dict[str, Learner] = {
    "ridge": Learner(sklearn("linear_model.RidgeCV", alphas=tuple(10.0**k for k in range(-6, 4))), "linear"),
    "regression_forest": Learner(sklearn("ensemble.RandomForestRegressor", n_jobs=-1), "exact_forest"),
}


def fit_properties(
    name: str, features: NDArray[np.float32], properties: Doubles, trees: int, seed: int
) -> tuple[Predictor, Doubles | None]:
    """What a trained regressor answers with, and its feature importances where it has some.

    Parameters
    ----------
    name
        A row of `REGRESSORS`.
    features
        `(pattern, feature)` float32, finite.
    properties
        `(pattern, property)`, finite.
    trees
        Number of trees of a forest.
    seed
        Of all that is drawn.

    Raises
    ------
    InputError
        There is no such regressor, or there are too few patterns for it.

    Examples
    --------
    >>> table = np.random.default_rng(0).random((60, 3)).astype("f4")
    >>> found, _ = fit_properties("ridge", table, 2.0 * table[:, :1] + 1, 1, 0)
    >>> bool(np.allclose(found.predict(table.T), 2 * table[:, :1] + 1, atol=1e-3))
    True
    """
    # One column in two dimensions would be doubtful to scikit-learn.
    targets = properties[:, 0] if properties.shape[1] == 1 else properties
    return fit_row(row(REGRESSORS, name), name, features, targets, trees, seed)


def property_scores(found: Doubles, truth: Doubles) -> tuple[Doubles, Doubles]:
    """How well properties are known of patterns that were not trained on.

    Parameters
    ----------
    found, truth
        `(pattern, property)`.

    Returns
    -------
    r_squared, rmse
        `(property,)`: R2 = 1 - sum (found - truth)^2 / sum (truth - mean truth)^2, NaN where all are alike, and the root
        of the mean square error in the property's unit.

    Examples
    --------
    >>> r_squared, rmse = property_scores(np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [2.0], [3.0]]))
    >>> r_squared.tolist(), rmse.round(3).tolist()
    ([0.5], [0.577])
    """
    squares = ((found - truth) ** 2).sum(axis=0)
    apart = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    r_squared = np.full(len(apart), np.nan)
    np.divide(-squares, apart, out=r_squared, where=apart > 0)
    return r_squared + 1, np.sqrt(squares / len(truth))
