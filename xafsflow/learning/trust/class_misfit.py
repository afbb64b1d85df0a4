"""Whether a spectrum is a mixture of a model's classes at all: the limit beyond which a model knows nothing of a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.samples.row_blocks import row_blocks

# Share of the known mixtures that are beyond the limit all the same.
FALSE_ALARM = 0.01
# Singular values below this share of the largest are rounding: the classes of mixtures span no more than the references.
RANK = 1e-5


def basis_of(class_features: NDArray[Any], references: int) -> Doubles:
    """An orthonormal basis `(vector, feature)` of all sums of the classes, of at most as many vectors as references.

    Examples
    --------
    >>> basis_of(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]), 2).shape
    (2, 3)
    """
    _, size, vectors = np.linalg.svd(np.asarray(class_features, float), full_matrices=False)
    rank = int((size > RANK * size[0]).sum())
    return np.asarray(vectors[: min(rank, references)])


def class_misfit(features: NDArray[Any], basis: NDArray[Any]) -> NDArray[Any]:
    """What no sum of the classes explains of spectra `(feature, pixel)`: root mean square over the features, `(pixel,)`.

    Of least squares with all features alike and no bounds, so that it does not depend on what a model answers.

    Examples
    --------
    >>> basis = basis_of(np.array([[1.0, 1.0, 0.0, 0.0]]), 1)
    >>> class_misfit(np.array([[2.0, 1.0], [2.0, 1.0], [0.0, 0.0], [0.0, 2.0]]), basis).round(6)
    array([0., 1.])
    """
    found = np.empty(features.shape[1], np.result_type(features, basis))
    for part in row_blocks(features.shape[1], len(features)):
        left = features[:, part] - basis.T @ (basis @ features[:, part])
        found[part] = np.sqrt(np.einsum("fp,fp->p", left, left) / len(features))
    return found


def misfit_limits(misfit: NDArray[Any], noise: NDArray[Any]) -> Doubles:
    """Limits that all but a share `FALSE_ALARM` of known mixtures keep: of the misfit, and of the misfit over the noise.

    Parameters
    ----------
    misfit, noise
        `(pattern,)`, of check patterns; the noise of their pixels is NaN where it is not known.

    Returns
    -------
    ndarray
        `(2,)`; the second is NaN without noise.

    Examples
    --------
    >>> misfit_limits(np.linspace(0, 1, 101), np.full(101, 0.5)).round(3).tolist()
    [0.99, 1.98]
    """
    over = misfit[noise > 0] / noise[noise > 0]
    second = np.quantile(over, 1 - FALSE_ALARM) if over.size else np.nan
    return np.array([np.quantile(misfit, 1 - FALSE_ALARM), second])


def within_limits(
    misfit: NDArray[Any], limits: Doubles, noise: NDArray[Any] | None = None
) -> NDArray[np.bool_]:
    """Which misfits `(pixel,)` known mixtures have, judged by the noise `(pixel,)` of the pixels where both know it.

    Examples
    --------
    >>> limits = np.array([0.02, 2.0])
    >>> within_limits(np.array([0.015, 0.025]), limits).tolist()
    [True, False]
    >>> within_limits(np.array([0.015, 0.025]), limits, np.array([0.005, 0.02])).tolist()
    [False, True]
    """
    alone, over_noise = limits
    by_noise = noise is not None and np.isfinite(over_noise)
    return np.asarray(misfit <= (over_noise * noise if by_noise else alone))
