"""Least squares over a part of the columns of a Gram matrix, the support, and its standard errors."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.kernels.jit import kernel

# A column of whose squares the other columns leave less than this share is linearly dependent.
DEPENDENT = 1e-10


@kernel
def on_support(
    gram: Doubles,
    moments: Doubles,
    used: Mask,
    references: int,
    sum_to_one: bool,
    total: float,
    z: Doubles,
    work: Doubles,
) -> float:
    """Least squares over the used columns, the sum of the references held at `total` where `sum_to_one`.

    Returns
    -------
    float
        The multiplier m, zero without that condition; NaN where the used columns are not independent.
    """
    columns = len(moments)
    if not _cholesky(gram, used, work):
        return np.nan
    solution, ones = work[:, columns], work[:, columns + 1]
    for k in range(columns):
        solution[k] = moments[k] if used[k] else 0.0
        ones[k] = 1.0 if used[k] and k < references else 0.0
    _solve_factored(work, used, solution)
    multiplier = 0.0
    if sum_to_one:
        _solve_factored(work, used, ones)
        have, each = 0.0, 0.0
        for k in range(references):
            have += solution[k]
            each += ones[k]
        multiplier = (have - total) / each
    for k in range(columns):
        z[k] = solution[k] - multiplier * ones[k] if sum_to_one else solution[k]
    return multiplier


@kernel
def _cholesky(gram: Doubles, used: Mask, work: Doubles) -> bool:
    """Cholesky factor of the used rows and columns, in their places; False where they are not independent."""
    columns = len(used)
    for i in range(columns):
        if not used[i]:
            continue
        for j in range(i + 1):
            if not used[j]:
                continue
            value = gram[i, j]
            for k in range(j):
                if used[k]:
                    value -= work[i, k] * work[j, k]
            if i > j:
                work[i, j] = value / work[j, j]
            elif value > DEPENDENT * gram[i, i]:
                work[i, i] = np.sqrt(value)
            else:
                return False
    return True


@kernel
def _solve_factored(work: Doubles, used: Mask, vector: Doubles) -> None:
    """Solve with the factor, in place; places that are not used stay zero."""
    columns = len(used)
    for i in range(columns):
        if used[i]:
            value = vector[i]
            for k in range(i):
                if used[k]:
                    value -= work[i, k] * vector[k]
            vector[i] = value / work[i, i]
    for back in range(columns):
        i = columns - 1 - back
        if used[i]:
            value = vector[i]
            for k in range(i + 1, columns):
                if used[k]:
                    value -= work[k, i] * vector[k]
            vector[i] = value / work[i, i]


@kernel
def standard_errors(
    gram: Doubles, used: Mask, references: int, sum_to_one: bool, sigma: Doubles, work: Doubles
) -> None:
    """Standard errors for noise of one: from the covariance of the support, and for a reference at zero from that of
    the support with it.

    A lone reference that makes the whole sum has no freedom in its support: it gets the largest of the others' errors.
    NaN for a reference that the support cannot be told apart from.
    """
    columns = len(used)
    sigma[:] = np.nan
    if not _cholesky(gram, used, work):
        return
    row, ones = work[:, columns], work[:, columns + 1]
    each, count, lone = 0.0, 0, -1
    for k in range(columns):
        ones[k] = 1.0 if sum_to_one and used[k] and k < references else 0.0
    _solve_factored(work, used, ones)
    for r in range(references):
        each += ones[r]
        if used[r]:
            count, lone = count + 1, r
    for r in range(references):
        for k in range(columns):
            row[k] = (1.0 if k == r else 0.0) if used[r] else (gram[r, k] if used[k] else 0.0)
        _solve_factored(work, used, row)
        if used[r]:
            variance = row[r] - (ones[r] * ones[r] / each if sum_to_one else 0.0)
            # Rounding may leave less than nothing of a difference that is zero.
            sigma[r] = np.sqrt(max(0.0, variance))
            continue
        # What is left of the column beside the others, which must give what it takes where the sum is held.
        left, given = gram[r, r], 1.0
        for k in range(columns):
            if used[k]:
                left -= gram[r, k] * row[k]
                given -= row[k] if k < references else 0.0
        left += given * given / each if sum_to_one else 0.0
        if left > DEPENDENT * gram[r, r]:
            sigma[r] = 1.0 / np.sqrt(left)
    if sum_to_one and count == 1:
        for r in range(references):
            if sigma[r] > sigma[lone]:
                sigma[lone] = sigma[r]


def dependent_columns(columns: Doubles) -> list[int]:
    """The columns `(column, energy)` that are sums of those before them, as far as the fits can tell.

    Examples
    --------
    >>> dependent_columns(np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 1.0, 0.0]]))
    [1]
    """
    gram = np.ascontiguousarray(columns @ columns.T)
    used, work, bad = np.zeros(len(columns), bool), np.zeros((len(columns), len(columns) + 2)), []
    for k in range(len(columns)):
        used[k] = True
        if not _cholesky(gram, used, work):
            used[k] = False
            bad.append(k)
    return bad
