"""A smooth surface over the field: polynomials of the place, their order by cross-validation, and their error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles, Singles

LARGEST_ORDER = 4
# Residuals beyond this many standard deviations pull less, learned in this many rounds.
HUBER, ROUNDS = 3.0, 40
# Standard errors by which a higher order must be better.
CLEAR = 2.0
# A tile's squared cross-validation error counts at most as this many times the median.
CAP = 16.0


class Choice(NamedTuple):
    """The order chosen, the mean squared prediction error of each order in standard errors, weights of the tiles."""

    order: int
    scores: tuple[float, ...]
    weight: Doubles


def terms(order: int) -> list[tuple[int, int]]:
    """Degrees along y and x of the surface's terms: all whose sum is at most `order`.

    Examples
    --------
    >>> terms(1)
    [(0, 0), (0, 1), (1, 0)]
    """
    return [(total - j, j) for total in range(order + 1) for j in range(total, -1, -1)]


def normalized(pixels: ArrayLike, size: int) -> Doubles:
    """Rows or columns on the scale from -1 (the field's one border) to 1 (the other).

    Examples
    --------
    >>> normalized([0, 1, 2, 3], 4)
    array([-0.75, -0.25,  0.25,  0.75])
    """
    return np.asarray((2 * np.asarray(pixels, float) + 1 - size) / size)


def basis(v: ArrayLike, u: ArrayLike, order: int) -> Doubles:
    """Products of Legendre polynomials at places `v` (along y) and `u` (along x), `(place, term)`.

    Examples
    --------
    >>> basis([0.5], [-0.5], 1)
    array([[ 1. , -0.5,  0.5]])
    """
    down = np.polynomial.legendre.legvander(np.asarray(v, float), order)
    across = np.polynomial.legendre.legvander(np.asarray(u, float), order)
    return np.stack([down[:, i] * across[:, j] for i, j in terms(order)], axis=1)


def tile_basis(v: ArrayLike, u: ArrayLike, order: int, half: tuple[float, float]) -> Doubles:
    """`basis` averaged over tiles around the places, `half` their half widths along y and x.

    What a tile measures is the mean of a bent surface, not its height in the middle. Three places of Gauss and Legendre
    along each side are exact up to degree 5.

    Examples
    --------
    >>> tile_basis([0.0], [0.0], 2, (1.0, 0.0)).round(9) + 0.0
    array([[ 1. ,  0. ,  0. , -0.5,  0. ,  0. ]])
    """
    nodes, weights = np.polynomial.legendre.leggauss(3)
    down, across = np.asarray(v, float), np.asarray(u, float)
    parts = [
        w1 * w2 / 4 * basis(down + half[0] * n1, across + half[1] * n2, order)
        for n1, w1 in zip(nodes, weights, strict=True)
        for n2, w2 in zip(nodes, weights, strict=True)
    ]
    return np.asarray(sum(parts))


def order_of(count: int) -> int:
    """The order of a surface with so many coefficients.

    Examples
    --------
    >>> order_of(6)
    2
    """
    return round((np.sqrt(8 * count + 1) - 3) / 2)


def fit(columns: Doubles, values: Doubles, error: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Coefficients by least squares with Huber's weights; the tiles' weights, and their leverages.

    Examples
    --------
    >>> values = np.array([0.0, 1.0, 2.0, 30.0, 4.0, 5.0])
    >>> fit(np.vander(np.arange(6.0), 2), values, np.full(6, 0.1))[0].round(1)
    array([1., 0.])
    """
    weight = np.ones(len(values))
    for turn in range(ROUNDS):
        root = np.sqrt(weight) / error
        q, r = np.linalg.qr(columns * root[:, None])
        found = np.linalg.solve(r, q.T @ (values * root))
        size = np.maximum(np.abs(values - columns @ found) / error, 1e-12)
        # The errors may be too small alike: their scale is read off the residuals. At first nearly least absolute
        # residuals are sought: an outlier must not set the scale that it is judged by.
        scale = max(1.0, 1.4826 * float(np.median(size)))
        limit = HUBER * scale if turn >= ROUNDS // 2 else 0.1 * float(np.median(size)) + 1e-12
        new = np.minimum(1.0, limit / size)
        if turn > ROUNDS // 2 and np.abs(new - weight).max() < 1e-6:
            break
        weight = new
    return found, weight, (q**2).sum(axis=1)


def choose_order(
    v: ArrayLike,
    u: ArrayLike,
    values: Doubles,
    error: Doubles,
    half: tuple[float, float] = (0.0, 0.0),
    largest: int = LARGEST_ORDER,
) -> Choice:
    """The order of the surface through values with errors, by leaving one value out at a time.

    Of all orders up to `largest` with at most a third as many terms as values, the smallest whose prediction error
    is not above the least one by more than twice the standard error of the difference.

    Parameters
    ----------
    v, u
        Places from -1 to 1, `(place,)`.
    values, error
        `(place,)`.
    half
        Half widths of the tiles over which the values are means.

    Examples
    --------
    >>> v, u = np.random.default_rng(0).uniform(-1, 1, (2, 80))
    >>> noise = 0.01 * np.random.default_rng(1).standard_normal(80)
    >>> choose_order(v, u, 1 + v - 0.5 * u**2 + noise, np.full(80, 0.01)).order
    2
    """
    squares, weights = [], []
    for order in range(largest + 1):
        if order and 3 * len(terms(order)) > len(values):
            break
        columns = tile_basis(v, u, order, half)
        found, weight, leverage = fit(columns, values, error)
        left_out = (values - columns @ found) / (error * np.maximum(1e-6, 1 - leverage))
        squares.append(left_out**2)
        weights.append(weight)
    scores = [np.minimum(s, CAP * np.median(s)) if len(s) > 2 else s for s in squares]
    best = int(np.argmin([s.mean() for s in scores]))
    more = [score - scores[best] for score in scores]
    chosen = next(i for i, d in enumerate(more) if d.mean() <= CLEAR * d.std() / np.sqrt(len(d)))
    return Choice(chosen, tuple(float(s.mean()) for s in scores), weights[chosen])


def evaluate(
    coefficients: ArrayLike, covariance: ArrayLike, shape: tuple[int, int]
) -> tuple[Singles, Singles]:
    """The surface and its standard error at every pixel, float32 `(y, x)`.

    Parameters
    ----------
    coefficients, covariance
        `(term,)` and `(term, term)`, in the order of `terms`.

    Examples
    --------
    >>> surface, error = evaluate([1.0, 0.0, 2.0], np.diag([0.01, 0.0, 0.0]), (4, 2))
    >>> surface[:, 0], error[0, 0]
    (array([-0.5,  0.5,  1.5,  2.5], dtype=float32), np.float32(0.1))
    """
    weights, spread = np.asarray(coefficients, float), np.asarray(covariance, float)
    order = order_of(len(weights))
    # Along each row the terms are those of x alone, with factors that the row gives.
    down, across = (np.polynomial.legendre.legvander(normalized(np.arange(n), n), order) for n in shape)
    i, j = np.array(terms(order)).T
    heights, squares = np.zeros((shape[0], order + 1)), np.zeros((shape[0], (order + 1) ** 2))
    np.add.at(heights.T, j, (down[:, i] * weights).T)
    pairs = down[:, i, None] * spread * down[:, None, i]
    np.add.at(squares.T, (j[:, None] * (order + 1) + j).ravel(), pairs.reshape(shape[0], -1).T)
    both = (across[:, :, None] * across[:, None, :]).reshape(shape[1], -1)
    variance = np.maximum(0.0, squares @ both.T)
    return (heights @ across.T).astype(np.float32), np.sqrt(variance).astype(np.float32)


def slopes(v: ArrayLike, u: ArrayLike, values: Doubles, error: Doubles) -> dict[str, float]:
    """What is left of a tilt in values over the field: the plane through them, and their scatter.

    Returns
    -------
    dict
        `mean`; `slope_y`, `slope_x`: from border to border, NaN for fewer than four values; `mean_error`, `slope_y_error`,
        `slope_x_error`: scaled by the scatter about the plane where that is larger than the errors; `rms`: the root mean
        square of the values.

    Examples
    --------
    >>> v, u = np.meshgrid([-0.5, 0.0, 0.5], [-0.5, 0.5])
    >>> round(slopes(v.ravel(), u.ravel(), 1 + 0.1 * v.ravel(), np.full(6, 0.01))["slope_y"], 9)
    0.2
    """
    columns = basis(v, u, 1)
    if len(columns) < 4:
        columns = columns[:, :1]
    found, weight, _ = fit(columns, values, error)
    root = np.sqrt(weight) / error
    inverse = np.linalg.inv((columns * root[:, None]).T @ (columns * root[:, None]))
    left = (values - columns @ found) * root
    scale = max(1.0, (left @ left) / max(1, len(values) - len(found)))
    sigma = np.sqrt(np.diag(inverse) * scale)
    slope, slope_error = (
        (2 * found[1:], 2 * sigma[1:]) if len(found) > 1 else (np.full(2, np.nan), np.full(2, np.nan))
    )
    return {
        "mean": float(found[0]),
        "mean_error": float(sigma[0]),
        "rms": float(np.sqrt(np.mean(np.square(values)))),
        "slope_x": float(slope[0]),
        "slope_x_error": float(slope_error[0]),
        "slope_y": float(slope[1]),
        "slope_y_error": float(slope_error[1]),
    }
