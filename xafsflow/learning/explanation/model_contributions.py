"""TreeSHAP of a trained model, from its features back onto the energies of the spectrum."""

from __future__ import annotations

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Singles
from xafsflow.learning.explanation.tree_shap import Contributions, tree_shap
from xafsflow.learning.models.boosted_trees import BoostedTrees, booster
from xafsflow.learning.models.model import Model


def knows_tree_shap(model: Model) -> bool:
    """Whether the model is one of boosted trees, whose library knows TreeSHAP."""
    return isinstance(model.predictor, BoostedTrees)


def contributions_of(model: Model, spectra: Floats) -> Contributions:
    """What each energy adds to the raw answers of a model of boosted trees.

    What a feature adds is shared among the energies that it reads (`FeatureMap.onto_axis`): a derivative among those of its
    window, an integral among all up to its own. The sum stays: it is the raw answer to 1e-9 and better with LightGBM, to
    about 1e-5 with XGBoost, which works in single precision.

    Parameters
    ----------
    model
        One for which `knows_tree_shap` is true.
    spectra
        `(sample, energy)` without NaN, on the axis of the model's signature.

    Returns
    -------
    Contributions
        `values` (sample, energy, output); outputs are those of the predictor, `model.predictor.classes`.

    Raises
    ------
    InputError
        A model of something else than boosted trees.
    """
    table, trees = _read(model, spectra), _trees(model)
    found = [tree_shap(booster(trees.name, text), table) for text in trees.texts]
    base = np.concatenate([one.base for one in found])
    values = np.concatenate([one.values for one in found], axis=2)
    if model.features is not None:
        values = model.features.onto_axis(values.transpose(0, 2, 1)).transpose(0, 2, 1)
    return Contributions(base, values)


def raw_answers(model: Model, spectra: Floats) -> Doubles:
    """The raw answers of a model of boosted trees, `(sample, output)`: of classes before the softmax.

    Raises
    ------
    InputError
        A model of something else than boosted trees.
    """
    table, trees = _read(model, spectra), _trees(model)
    if trees.name == "lightgbm":
        found = [
            booster(trees.name, text).predict(table, raw_score=True, num_threads=1) for text in trees.texts
        ]
    else:
        found = [
            booster(trees.name, text).inplace_predict(table, predict_type="margin") for text in trees.texts
        ]
    return np.concatenate([np.asarray(one, np.float64).reshape(len(table), -1) for one in found], axis=1)


def _read(model: Model, spectra: Floats) -> Singles:
    """What the trees read, `(sample, feature)`."""
    return np.ascontiguousarray(model.read(np.ascontiguousarray(spectra.T, np.float32)).T)


def _trees(model: Model) -> BoostedTrees:
    if not isinstance(model.predictor, BoostedTrees):
        raise InputError(
            f"a model of the learner {model.learner}",
            "boosted trees",
            "use band_importance, which takes any model",
        )
    return model.predictor
