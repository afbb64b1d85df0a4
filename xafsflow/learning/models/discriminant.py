"""Linear discriminant analysis of tables that are read in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Integers
from xafsflow.learning.samples.row_blocks import Rows, row_blocks

# Directions with less scatter than this, of features scaled to unit scatter, are rounding; as in scikit-learn.
TOLERANCE = 1e-4


class Discriminant:
    """Linear discriminant analysis, as scikit-learn's `LinearDiscriminantAnalysis` by default.

    Features are scaled to unit scatter within the classes and turned so that their scatter there is a unit matrix; in that
    space a class has its mean, and its vote is `exp(-d^2/2)` times its share of the patterns (R. A. Fisher, Ann. Eugenics 7,
    179, 1936; T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical Learning, 4.3). scikit-learn decomposes
    the table itself, of which it holds several copies in float32; here sums over blocks are decomposed, in float64.

    Attributes
    ----------
    coef_, intercept_
        `(class, feature)` and `(class,)`: a vote is the softmax of `coef_ @ features + intercept_`.
    classes_
        `(class,)`: the labels.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal([[0.0, 0.0]] * 50 + [[3.0, 0.0]] * 50).astype("f4")
    >>> found = Discriminant().fit(table, np.repeat([0, 1], 50))
    >>> (found.coef_ @ [[0.0, 3.0], [0.0, 0.0]] + found.intercept_[:, None]).argmax(axis=0).tolist()
    [0, 1]
    """

    takes_rows = True
    coef_: Doubles
    intercept_: Doubles
    classes_: NDArray[np.int64]

    def fit(self, features: Rows, labels: Integers) -> Discriminant:
        """Learn from features `(pattern, feature)` and labels `(pattern,)`.

        Raises
        ------
        InputError
            No more patterns than classes.
        """
        classes, of = np.unique(labels, return_inverse=True)
        count = np.bincount(of)
        if len(of) <= len(classes):
            raise InputError(
                f"{len(of)} patterns of {len(classes)} classes", "more patterns than classes", "give more"
            )
        sums = sum(np.eye(len(classes))[of[part]].T @ block for part, block in _blocks(features))
        means = np.asarray(sums / count[:, None])
        within = np.zeros((means.shape[1], means.shape[1]))
        for part, block in _blocks(features):
            apart = block - means[of[part]]
            within += apart.T @ apart
        share = count / len(of)
        middle = share @ means
        turned = _directions(within, len(of))
        between = np.sqrt(count / max(1, len(classes) - 1))[:, None] * (means - middle) @ turned
        _, size, vectors = np.linalg.svd(between, full_matrices=False)
        turned = turned @ vectors[size > TOLERANCE * size[0]].T if size.size else turned
        placed = (means - middle) @ turned
        self.classes_, self.coef_ = classes.astype(np.int64), placed @ turned.T
        self.intercept_ = np.log(share) - (placed**2).sum(axis=1) / 2 - self.coef_ @ middle
        return self


def _blocks(features: Rows) -> Iterator[tuple[slice, Doubles]]:
    for part in row_blocks(*features.shape):
        yield part, np.asarray(features[part], np.float64)


def _directions(within: Doubles, patterns: int) -> Doubles:
    """`(feature, direction)`: along each, patterns scatter by one within their classes."""
    scatter = np.sqrt(np.diag(within) / patterns)
    scatter[scatter == 0] = 1
    values, vectors = np.linalg.eigh(within / np.outer(scatter, scatter) / patterns)
    size = np.sqrt(np.maximum(values, 0))
    held = size > TOLERANCE
    return np.asarray(vectors[:, held] / scatter[:, None] / size[held])
