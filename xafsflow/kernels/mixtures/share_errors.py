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
    sum_to_one: bool,
    moved: bool,
) -> Doubles:
    """The standard error of every share, by the covariance of the whole spectrum.

    Parameters
    ----------
    fraction
        `(reference, ...)`, as fitted.
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
    sum_to_one
        The sum of the fractions was held at one.
    moved
        A shift of the references was fitted as well; then `shift_error` adds nothing.

    Returns
    -------
    ndarray
        As `fraction`. A reference at zero has the error that it would have beside the others; one that makes the whole sum,
        the largest of the others'. NaN where a fraction or the noise is not known.

    Examples
    --------
    >>> columns = np.array([[0.0, 1.0, 2.0, 1.0], [1.0, 1.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4])
    >>> alone = NoiseSources(np.ones(4), np.eye(4), np.zeros(4), np.zeros(4, int))
    >>> error = share_errors(
    ...     np.array([[0.7], [0.3]]), np.full((4, 1), 0.1), None, columns, np.arange(4), alone, True, False
    ... )
    >>> error.ravel().round(4), round(0.1 / np.sqrt(6), 4)
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
    _errors(shares, *levels, lost, *sums, sum_to_one, moved, out)
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
    used = np.ones(used_size, np.bool_)
    for x in range(shares.shape[1]):
        finite = True
        for r in range(references):
            finite &= np.isfinite(shares[r, x])
            used[r] = shares[r, x] > 0.0
        if not finite:
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
        _write(fitted, used, references, sum_to_one, moments, z, work, out[:, x])


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
def _write(
    fitted: tuple[Doubles, Doubles, Doubles],
    used: Mask,
    references: int,
    sum_to_one: bool,
    moments: Doubles,
    z: Doubles,
    work: Doubles,
    out: Doubles,
) -> None:
    """The errors of a pixel from its Gram matrix, the middle of the sandwich, and what the error of its shift moves."""
    gram, meat, moved = fitted
    count, most = 0, 0.0
    for r in range(references):
        count += 1 if used[r] else 0
    for r in range(references):
        there = used[r]
        used[r] = True
        moments[:] = 0.0
        moments[r] = 1.0
        # A row of the inverse: what the share takes of a change of each product with the data.
        solved = on_support(gram, moments, used, references, sum_to_one, 0.0, z, work)
        used[r] = there
        variance, by_shift = 0.0, 0.0
        for i in range(len(moments)):
            by_shift += z[i] * moved[i]
            for j in range(len(moments)):
                variance += z[i] * meat[i, j] * z[j]
        out[r] = np.sqrt(max(0.0, variance) + by_shift * by_shift) if np.isfinite(solved) else np.nan
        most = max(most, out[r]) if np.isfinite(out[r]) else most
    for r in range(references):
        if sum_to_one and count == 1 and used[r]:
            out[r] = most
