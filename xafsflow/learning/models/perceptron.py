"""A feed-forward network of fully connected layers: scikit-learn trains it, arrays answer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Singles
from xafsflow.learning.models.kernel_machine import Scaled, softmax, standardized

HIDDEN = 200
DECAY = 1.0
EPOCHS = 100


class Network:
    """scikit-learn's MLP on scaled features; properties are scaled, too.

    Parameters
    ----------
    seed
        Of the first weights and of the order of the samples.
    regression
        Properties, not classes.
    hidden
        Neurons of the first layer; the second has half as many.
    decay
        On large weights.
    epochs
        Times that all samples are seen.
    """

    def __init__(
        self,
        trees: int,
        seed: int,
        regression: bool = False,
        *,
        hidden: int = HIDDEN,
        decay: float = DECAY,
        epochs: int = EPOCHS,
    ) -> None:
        self.seed, self.regression = seed, regression
        self.hidden, self.decay, self.epochs = hidden, decay, epochs

    def fit(self, features: Floats, targets: NDArray[Any]) -> None:
        """Learn from features `(sample, feature)` and labels `(sample,)` or properties `(sample[, property])`."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        self.scaled = Scaled(features)
        table = self.scaled(features)
        settings = {"alpha": self.decay, "max_iter": self.epochs, "random_state": self.seed}
        kind = MLPRegressor if self.regression else MLPClassifier
        self.made = kind(hidden_layer_sizes=(self.hidden, self.hidden // 2), **settings)
        if self.regression:
            targets, self.mean, self.spread = standardized(targets, len(table))
            targets = targets[:, 0] if targets.shape[1] == 1 else targets
        with warnings.catch_warnings():
            # The number of epochs is what ends the training, as much a bound to its weights as the penalty.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.made.fit(table, targets)


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers one behind the other: `max(0, x W + b)`, the last one without the bound.

    `mean`, `scale` (feature,) scale the features; `sizes` (layer + 1,) are the widths, `weights` all W, row by row, and
    `offsets` all b one behind the other; a softmax makes probabilities of classes.
    """

    mean: Doubles
    scale: Doubles
    sizes: Indices
    weights: Doubles
    offsets: Doubles
    probabilities: bool
    classes: Indices

    @classmethod
    def from_fitted(cls, estimator: Network) -> Layers:
        """Of a fitted `Network`."""
        made = estimator.made
        weights, offsets = [np.array(one) for one in made.coefs_], [np.array(one) for one in made.intercepts_]
        if estimator.regression:
            weights[-1] = weights[-1] * estimator.spread
            offsets[-1] = offsets[-1] * estimator.spread + estimator.mean
        elif weights[-1].shape[1] == 1:  # of two classes: the second against the first
            weights[-1] = np.hstack([0 * weights[-1], weights[-1]])
            offsets[-1] = np.append(0.0, offsets[-1])
        sizes = np.array([len(weights[0]), *(one.shape[1] for one in weights)], np.int64)
        outputs = np.arange(sizes[-1]) if estimator.regression else np.asarray(made.classes_, np.int64)
        flat = np.concatenate([one.ravel() for one in weights]), np.concatenate(offsets)
        return cls(
            estimator.scaled.mean, estimator.scaled.scale, sizes, *flat, not estimator.regression, outputs
        )

    @property
    def n_features(self) -> int:
        """How many features it reads."""
        return len(self.mean)

    def predict(self, features: Singles) -> Doubles:
        """Probabilities `(pixel, class)` or answers `(pixel, property)` to features `(feature, pixel)`."""
        found = (features.T - self.mean) / self.scale
        weight = offset = 0
        for number, (before, after) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            table = self.weights[weight : weight + before * after].reshape(before, after)
            found = found @ table + self.offsets[offset : offset + after]
            weight, offset = weight + before * after, offset + after
            if number < len(self.sizes) - 2:
                found = np.maximum(found, 0)
        return softmax(found) if self.probabilities else np.asarray(found)

    def check(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        InputError
            Another dtype or length.
        """
        arrays = (self.mean, self.scale, self.weights, self.offsets)
        kinds = all(isinstance(a, np.ndarray) and a.dtype == np.float64 and a.ndim == 1 for a in arrays)
        fits = kinds and self.sizes.dtype == np.int64 and self.sizes.ndim == 1 and len(self.sizes) > 1
        fits = fits and bool((self.sizes > 0).all()) and isinstance(self.probabilities, bool)
        fits = fits and len(self.mean) == len(self.scale) == self.sizes[0] and bool((self.scale > 0).all())
        fits = fits and len(self.weights) == (self.sizes[:-1] * self.sizes[1:]).sum()
        if not fits or len(self.offsets) != self.sizes[1:].sum() or len(self.classes) != self.sizes[-1]:
            raise InputError("a damaged network", "the arrays of one training", "train the model again")
