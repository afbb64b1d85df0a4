"""Errors of shares that every measurement of a sample has alike: of the references' edge steps and resolution."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats


def answer_to(columns: Doubles, changed: Doubles, sigma: Doubles, sum_to_one: bool) -> Doubles:
    """How coefficients answer to a change of the references: `dc = -G c` with `G = M A'W dA`.

    Parameters
    ----------
    columns
        `(column, energy)`: references, then what else may vary in the fit.
    changed
        `(reference, energy)`: how the references would change, dA.
    sigma
        `(energy,)`: the weights W of the fit are one over its squares, up to a factor.
    sum_to_one
        The sum of the coefficients was held at one.

    Returns
    -------
    ndarray
        `(reference, reference)`: G, with no share at its bound.

    Examples
    --------
    >>> columns = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    >>> answer_to(columns, 0.1 * columns, np.ones(3), False).round(3)
    array([[0.1, 0. ],
           [0. , 0.1]])
    """
    weighted = columns / sigma**2
    inverse = np.linalg.inv(weighted @ columns.T)
    if sum_to_one:
        ones = (np.arange(len(columns)) < len(changed)).astype(float)
        inverse = inverse - np.outer(inverse @ ones, ones @ inverse) / (ones @ inverse @ ones)
    return np.asarray((inverse @ weighted @ changed.T)[: len(changed)])


def systematic_errors(
    share: Floats, ratio: Doubles, step_error: Doubles, answer: Doubles | None, sum_to_one: bool
) -> Doubles:
    """The systematic standard errors of shares, of two parts that are added in squares.

    The step: shares are `f_k = c_k r_k / sum_j c_j r_j` with the ratios r of steps, known to e_j (relative), each by its own
    windows: `f_k^2 ((1 - f_k)^2 e_k^2 + sum_(j != k) f_j^2 e_j^2)`, without `sum_to_one` `f_k^2 e_k^2`. The resolution: all
    references become blunter or sharper together and the coefficients change by `-G c`, which moves shares by
    `f_k (d_k - sum_j f_j d_j)` with `d = (G c)/c`.

    Parameters
    ----------
    share
        `(reference, ...)`, of the true step.
    ratio, step_error
        `(reference,)`: the ratios and their errors (`reference_steps.step_ratios`); an error that is not known leaves
        that of the shares it enters unknown.
    answer
        G for a change by the standard error of the resolution; None where that was not fitted.
    sum_to_one
        The sum was held at one.

    Returns
    -------
    ndarray
        As `share`; NaN where that is.

    Examples
    --------
    >>> share = np.array([[0.5, 1.0], [0.5, 0.0]])
    >>> systematic_errors(share, np.ones(2), np.array([0.04, 0.0]), None, True)
    array([[0.01, 0.  ],
           [0.01, 0.  ]])
    """
    flat = share.reshape(len(share), -1).astype(np.float64)
    relative = step_error / ratio
    # What is not there does not matter, were its step not known at all.
    own = np.where(flat == 0, 0.0, (flat * relative[:, None]) ** 2)
    variance = own * (1 - flat) ** 2 + flat**2 * (own.sum(axis=0) - own) if sum_to_one else own
    if answer is not None:
        coefficients = flat / ratio[:, None]
        if sum_to_one:
            coefficients = coefficients / coefficients.sum(axis=0)
        moved = answer @ coefficients * ratio[:, None]
        if sum_to_one:
            moved = (moved - flat * moved.sum(axis=0)) / (coefficients * ratio[:, None]).sum(axis=0)
        variance = variance + moved**2
    return np.asarray(np.sqrt(variance)).reshape(share.shape)
