"""The table of regressors, which learn properties, and their held-out score."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.models import learner_settings as known
from xafsflow.learning.models.boosted_trees import Boosting
from xafsflow.learning.models.classifiers import SEVERAL, Drawn, Learner, fit_row, sklearn
from xafsflow.learning.models.kernel_machine import KernelRidge
from xafsflow.learning.models.perceptron import Network
from xafsflow.learning.models.predictors import Predictor
from xafsflow.learning.network.residual_network import ResidualNetwork

# Those that ridge regression chooses from by itself, sample by sample, where none is given.
RIDGES = tuple(10.0**k for k in range(-6, 4))
# A further regressor is one line here.
REGRESSORS: dict[str, Learner] = {
    "ridge": Learner(
        sklearn("linear_model.RidgeCV", {"ridge": "alphas"}, alphas=RIDGES), "linear", known.RIDGE
    ),
    "regression_forest": Learner(
        sklearn("ensemble.RandomForestRegressor", n_jobs=-1), "exact_forest", known.FOREST, counts_trees=True
    ),
    "extra_trees": Learner(
        sklearn("ensemble.ExtraTreesRegressor", n_jobs=-1), "exact_forest", known.FOREST, counts_trees=True
    ),
    "lightgbm": Learner(
        partial(Boosting, "lightgbm", regression=True), "boosted_trees", known.LIGHTGBM, counts_trees=True
    ),
    "xgboost": Learner(
        partial(Boosting, "xgboost", regression=True), "boosted_trees", known.XGBOOST, counts_trees=True
    ),
    "kernel_ridge": Learner(partial(KernelRidge, regression=True, ridge=0.02), "kernel_machine", known.RIDGE),
    "mlp": Learner(partial(Network, regression=True), "layers", known.LAYERS),
    "residual_network": Learner(partial(ResidualNetwork, regression=True), "folded_network", known.RESIDUAL),
    SEVERAL: Learner(lambda trees, seed: None, "mean"),
}
MEMBERS = ("kernel_ridge", "mlp", "lightgbm")


def fit_properties(
    name: str, features: NDArray[np.float32], properties: Doubles, drawn: Drawn
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
    drawn
        Number of trees, seed, and what else the learner needs.

    Raises
    ------
    InputError
        There is no such regressor, or there are too few patterns for it.

    Examples
    --------
    >>> table = np.random.default_rng(0).random((60, 3)).astype("f4")
    >>> found, _ = fit_properties("ridge", table, 2.0 * table[:, :1] + 1, Drawn())
    >>> bool(np.allclose(found.predict(table.T), 2 * table[:, :1] + 1, atol=1e-3))
    True
    """
    # One column in two dimensions would be doubtful to scikit-learn.
    targets = properties[:, 0] if properties.shape[1] == 1 else properties
    return fit_row(REGRESSORS, name, features, targets, drawn, MEMBERS)


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
