"""Standard errors of the shares of a fit whose energies share noise: the sandwich `M A'W C W A M` of every pixel.

A pixel's shares answer to its spectrum by `M A'W`, with the weights W of the fit and `M` the inverse of `A'WA` on its
support, the sum held where it is. C, the covariance of its spectrum, is that of the scan's typical pixel (`noise_response`),
but for the levels of the noise in a few groups of energies, which are the pixel's own: then all sums over the energies are
made once for the scan, and what is left of a pixel is as small as its fit's equations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.mixtures.active_support import on_support
from xafsflow.kernels.mixtures.bounded_shares import bound

# Energies of a group whose noise is looked at, evenly spread.
LOOKED_AT = 32


class NoiseSources(NamedTuple):
    """The noise of a typical pixel, as `noise_response.typical_response` gives it, and groups of energies.

    `group` (energy,) are whole numbers from zero: within a group the noise of all pixels has the same shape.
    """

    sigma: Doubles
    response: Doubles
    step: Doubles
    group: Indices


class Sums(NamedTuple):
    """Sums over the energies, for columns that are references, background and the references' slopes.

    `gram` (group, column, column); `response` (group, group, source group, column, column), the products of what the sources
    do to the columns; `mixed` (group, source group, column) of that with what they do to the step; `step` (source group,).
    """

    gram: Doubles
    response: Doubles
    mixed: Doubles
    step: Doubles


def sums_over_energies(columns: Doubles, places: Indices, sources: NoiseSources) -> Sums:
    """Sums for `columns` (column, place) at the energies `places` that are fitted."""
    weight = 1 / sources.sigma[places] ** 2
    groups = range(int(sources.group.max()) + 1)
    weighted = [columns * (weight * (sources.group[places] == one)) for one in groups]
    moved = [part @ sources.response[:, places].T for part in weighted]
    of = [sources.group == one for one in groups]
    return Sums(
        np.array([part @ columns.T for part in weighted]),
        np.array([[[a[:, c] @ b[:, c].T for c in of] for b in moved] for a in moved]),
        np.array([[a[:, c] @ sources.step[c] for c in of] for a in moved]),
        np.array([sources.step[c] @ sources.step[c] for c in of]),
    )


def share_errors(
    fraction: Doubles,
    sigma: Floats,
    shift_error: Floats | None,
    columns: Doubles,
    places: Indices,
    sources: NoiseSources,
    ratio: Doubles,
    sum_to_one: bool,
    moved: bool,
) -> Doubles:
    """The standard error of every share, by the covariance of the whole spectrum.

    Parameters
    ----------
    fraction
        `(reference, ...)`, coefficients as fitted.
    sigma
        `(energy, ...)`: the standard deviations that the fit was weighted by, at all energies of the scan.
    shift_error
        `(...)`, eV, of the energies of each pixel; None where they are known.
    columns
        `(column, place)` at the energies of the fit: references, background, and how the references change with energy,
        1/eV.
    places
        Indices of these energies.
    sources
        The noise of a typical pixel.
    ratio
        `(reference,)`: coefficients times this are shares (`reference_steps.shares_of`), whose errors are told.
    sum_to_one
        The sum of the fractions was held at one.
    moved
        A shift of the references was fitted as well; then `shift_error` adds nothing.

    Returns
    -------
    ndarray
        As `fraction`. Near zero a share has the standard deviation of `max(0, x)` with x normal about it: at zero .58 of the
        one it would have were it free. NaN where a fraction or the noise is not known.

    Examples
    --------
    >>> columns = np.array([[0.0, 1.0, 2.0, 1.0], [1.0, 1.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4])
    >>> alone = NoiseSources(np.ones(4), np.eye(4), np.zeros(4), np.zeros(4, int))
    >>> error = share_errors(
    ...     np.array([[0.6], [0.4]]), np.full((4, 1), 0.1), None, columns, np.arange(4), alone, np.ones(2), True, False
    ... )
    >>> error.ravel().round(4), round(0.1 / 6**0.5, 4)
    (array([0.0408, 0.0408]), 0.0408)
    """
    shares = np.ascontiguousarray(fraction).reshape(len(fraction), -1)
    noise = np.ascontiguousarray(sigma).reshape(len(sigma), -1)
    # An error that is not known counts as none, as in training.
    known = np.zeros(shares.shape[1]) if shift_error is None or moved else np.ravel(shift_error)
    lost = np.nan_to_num(known.astype(np.float64))
    levels = group_levels(noise, places, sources)
    sums = sums_over_energies(columns, places, sources)
    out = np.full(shares.shape, np.nan)
    _errors(shares, *levels, lost, *sums, ratio.astype(np.float64), sum_to_one, moved, out)
    return out.reshape(fraction.shape)


def group_levels(noise: Floats, places: Indices, sources: NoiseSources) -> tuple[Doubles, Doubles]:
    """Weights (group, pixel) at the fitted energies, and variances (group, pixel) at all, over those of a typical pixel."""
    groups = int(sources.group.max()) + 1
    weights, variances = np.zeros((groups, noise.shape[1])), np.zeros((groups, noise.shape[1]))
    for one in range(groups):
        fitted = places[sources.group[places] == one]
        _mean_ratio(noise, _some(fitted), sources.sigma, -2, weights[one])
        _mean_ratio(noise, _some(np.flatnonzero(sources.group == one)), sources.sigma, 2, variances[one])
    return weights, variances


def _some(places: Indices) -> Indices:
    return places[:: max(1, len(places) // LOOKED_AT)]


@kernel
def _mean_ratio(noise: Floats, places: Indices, sigma: Doubles, power: int, out: Doubles) -> None:
    """Mean of `(noise/sigma)^power` over the places, those that are finite; zero where there is none."""
    count = np.zeros(len(out))
    for place in places:
        row, typical = noise[place], 1.0 / (sigma[place] * sigma[place])
        for x in range(len(out)):
            ratio = np.float64(row[x]) * np.float64(row[x]) * typical
            ratio = ratio if power > 0 else 1.0 / ratio
            there = abs(ratio) < np.inf
            out[x] += ratio if there else 0.0
            count[x] += 1.0 if there else 0.0
    for x in range(len(out)):
        out[x] = out[x] / count[x] if count[x] > 0 else 0.0


@kernel
def _errors(
    shares: Doubles,
    weights: Doubles,
    variances: Doubles,
    shift_error: Doubles,
    grams: Doubles,
    responses: Doubles,
    mixed: Doubles,
    steps: Doubles,
    ratio: Doubles,
    sum_to_one: bool,
    moved: bool,
    out: Doubles,
) -> None:
    references = len(shares)
    # Columns of a pixel's fit: references, background, and the slope of its own mixture.
    size = grams.shape[1] - references + 1
    used_size = size if moved else size - 1
    gram, meat, norm = np.empty((size, size)), np.empty((size, size)), np.empty(size)
    # Without a shift in the fit the noise of the slopes is of no use.
    reach = grams.shape[1] if moved else used_size
    whole, inner = np.empty(grams.shape[1:]), np.empty((reach, reach))
    both, moments = np.empty(reach), np.zeros(used_size)
    z, work = np.zeros(used_size + 1), np.zeros((used_size, used_size + 2))
    used, rows = np.ones(used_size, np.bool_), np.empty((references, used_size))
    covariance = np.empty((references, references))
    for x in range(shares.shape[1]):
        if not np.isfinite(shares[:, x].sum()):
            continue
        f = shares[:, x].copy()
        _of_pixel(f, weights[:, x], variances[:, x], grams, responses, mixed, steps, whole, inner, both)
        _onto_slope(whole, f, gram)
        if moved:
            _onto_slope(inner, f, meat)
        else:
            meat[:reach, :reach] = inner
        for i in range(size):
            norm[i] = gram[i, size - 1] * shift_error[x]
        fitted = (gram[:used_size, :used_size], meat[:used_size, :used_size], norm[:used_size])
        if not _answers(fitted[0], used, sum_to_one, moments, z, work, rows):
            continue
        _as_shares(rows, f, ratio, sum_to_one)
        _sandwich(rows, fitted[1], fitted[2], covariance)
        bound(covariance, f)
        for r in range(references):
            out[r, x] = np.sqrt(max(0.0, covariance[r, r]))


@kernel
def _of_pixel(
    f: Doubles,
    weight: Doubles,
    variance: Doubles,
    grams: Doubles,
    responses: Doubles,
    mixed: Doubles,
    steps: Doubles,
    gram: Doubles,
    meat: Doubles,
    both: Doubles,
) -> None:
    """`A'WA` and `A'W C W A` of a pixel from sums over the energies, and `A'W norm` on the way."""
    groups, columns, reach = grams.shape[0], grams.shape[1], len(meat)
    gram[:], meat[:], both[:] = 0.0, 0.0, 0.0
    for b in range(groups):
        for i in range(columns):
            for j in range(columns):
                gram[i, j] += weight[b] * grams[b, i, j]
    for i in range(reach):
        for r in range(len(f)):
            both[i] += gram[i, r] * f[r]
    for c in range(groups):
        for a in range(groups):
            for b in range(groups):
                factor = variance[c] * weight[a] * weight[b]
                for i in range(reach):
                    for j in range(reach):
                        meat[i, j] += factor * responses[a, b, c, i, j]
        for i in range(reach):
            for j in range(reach):
                cross = steps[c] * both[i] * both[j]
                for a in range(groups):
                    cross += weight[a] * (mixed[a, c, i] * both[j] + mixed[a, c, j] * both[i])
                meat[i, j] += variance[c] * cross


@kernel
def _onto_slope(whole: Doubles, f: Doubles, out: Doubles) -> None:
    """A matrix of all columns as one of those of the fit: the references' slopes become that of their mixture."""
    references, last = len(f), len(out) - 1
    for i in range(last):
        out[i, last] = 0.0
        for j in range(last):
            out[i, j] = whole[i, j]
        for r in range(references):
            out[i, last] += whole[i, last + r] * f[r]
        out[last, i] = out[i, last]
    out[last, last] = 0.0
    for r in range(references):
        for s in range(references):
            out[last, last] += f[r] * whole[last + r, last + s] * f[s]


@kernel
def _answers(
    gram: Doubles, used: Mask, sum_to_one: bool, moments: Doubles, z: Doubles, work: Doubles, rows: Doubles
) -> bool:
    """What each coefficient takes of a change of each product with the data, `rows`; False where that is not unique."""
    for r in range(len(rows)):
        moments[:] = 0.0
        moments[r] = 1.0
        if not np.isfinite(on_support(gram, moments, used, len(rows), sum_to_one, 0.0, z, work)):
            return False
        rows[r] = z[: rows.shape[1]]
    return True


@kernel
def _as_shares(rows: Doubles, f: Doubles, ratio: Doubles, sum_to_one: bool) -> None:
    """Turn `rows` and `f` of coefficients into those of shares of the true step, in place."""
    total = 0.0
    for r in range(len(f)):
        total += f[r] * ratio[r]
    for r in range(len(f)):
        scale = ratio[r] / total if sum_to_one else ratio[r]
        f[r] *= scale
        for i in range(rows.shape[1]):
            rows[r, i] *= scale
    if not sum_to_one:
        return
    for i in range(rows.shape[1]):
        change = 0.0
        for r in range(len(f)):
            change += rows[r, i]
        for r in range(len(f)):
            rows[r, i] -= f[r] * change


@kernel
def _sandwich(rows: Doubles, meat: Doubles, moved: Doubles, out: Doubles) -> None:
    """Covariance of the shares from the middle of the sandwich, and from what the error of the shift moves."""
    references, size = rows.shape
    for r in range(references):
        for s in range(r + 1):
            value, one, other = 0.0, 0.0, 0.0
            for i in range(size):
                one += rows[r, i] * moved[i]
                other += rows[s, i] * moved[i]
                for j in range(size):
                    value += rows[r, i] * meat[i, j] * rows[s, j]
            out[r, s] = out[s, r] = value + one * other
