"""The flux of every shot: from a region without sample, or from a counter.

With a flux that differs by a factor `r` between the image of the sample and its flat field, all pixels of that image get
`mu - ln r`: an offset that is no property of the sample.
"""

from __future__ import annotations

import numpy as np

from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask

# Share of the pixels that a trimmed mean leaves out at either end.
TRIMMED = 0.1
# Fewer empty pixels than this leave more noise in the offset than they take away.
LEAST_PIXELS = 50
# Share of the sample's edge that pixels without sample may show, and the standard errors from which on it is no chance: the
# jitter of a flux looks like some of an edge, and like more of a thin sample's.
MOST_EDGE, SURE = 0.01, 4.0
# A share that is known no better than this says nothing.
UNTOLD = 0.3
# A change of all pixels by so many standard deviations of the usual one, and by so much at least, that others share but for
# this part of it, is one of the exposure.
CHANGE, LEAST_CHANGE, SAME = 10.0, 0.02, 0.1
# Pixels this many standard deviations of their kind off its middle belong to another kind.
APART = 4.0


def trimmed_mean(spectra: Floats) -> tuple[Doubles, Doubles]:
    """Mean `(energy,)` of spectra `(energy, pixel)` without the outermost tenth at either end, and its standard error.

    The error is that of J. W. Tukey and D. H. McLaughlin, Sankhya A 25, 331 (1963): the winsorized standard deviation
    over (1 - 2 * 0.1) sqrt(n).

    Examples
    --------
    >>> mean, error = trimmed_mean(np.array([[1.0, 2, 3, 4, 5, 6, 7, 8, 9, 1000]]))
    >>> mean, error.round(2)
    (array([5.5]), array([1.07]))
    """
    ranked = np.sort(spectra.astype(np.float64), axis=1)
    n = ranked.shape[1]
    cut = int(TRIMMED * n)
    middle = ranked[:, cut : n - cut]
    winsorized = np.clip(ranked, middle[:, :1], middle[:, -1:])
    error = (
        winsorized.std(axis=1, ddof=1) / ((1 - 2 * TRIMMED) * np.sqrt(n))
        if n > 1
        else np.full(len(ranked), np.nan)
    )
    return middle.mean(axis=1), error


def empty_offset(mu: Floats, usable: Mask) -> tuple[Doubles, Doubles]:
    """The offset of every image from pixels that are known to be empty.

    Parameters
    ----------
    mu
        Absorbance `(energy, y, x)`.
    usable
        `(y, x)`, False for what is dead or saturated.

    Returns
    -------
    offset, error
        `(energy,)`: the mean absorbance of the pixels, and its standard error.

    Raises
    ------
    InputError
        Too few pixels are usable and finite.
    """
    good = usable & np.isfinite(mu).all(axis=0)
    if good.sum() < LEAST_PIXELS:
        raise InputError(
            f"{good.sum()} usable pixels in the empty region", f"{LEAST_PIXELS} or more", "widen y and x"
        )
    return trimmed_mean(mu[:, good])


def found_offset(mu: Floats, usable: Mask, background: Mask) -> tuple[Doubles, Doubles]:
    """The offset of every image from pixels that look empty: flagged so, or, where none is, those that absorb least.

    Of these, the group of one absorbance is taken, and it must not show the edge that the others show: no more of it than
    `MOST_EDGE`, or than the flux itself may look like (`SURE` standard errors of `edge_share`).

    Parameters
    ----------
    mu, usable
        As for `empty_offset`.
    background
        `(y, x)`, True where there is no sample as far as is known.

    Raises
    ------
    ComputationError
        No pixels look empty, they show the sample's edge, or the sample has too little of an edge to tell.
    """
    good = usable & np.isfinite(mu).all(axis=0)
    spectra, empty = mu[:, good], background[good]
    level = np.median(spectra, axis=0) if good.any() else np.zeros(0)
    others = ~empty
    if empty.sum() >= LEAST_PIXELS:
        empty = empty & _of_one_kind(level, spectra, empty)
    elif level.size >= 2 * LEAST_PIXELS:
        empty = _of_one_kind(level, spectra, level <= np.sort(level)[LEAST_PIXELS - 1])
        others = ~empty
    if empty.sum() < LEAST_PIXELS or others.sum() < LEAST_PIXELS:
        raise _nothing_empty(f"{empty.sum()} pixels that look empty, {others.sum()} others")
    offset, error = trimmed_mean(spectra[:, empty])
    share, known = edge_share(offset, trimmed_mean(spectra[:, others])[0])
    found = f"{share:.1%} +- {known:.1%} of the sample's edge in the {empty.sum()} pixels that absorb least"
    if not SURE * known < UNTOLD:
        raise _nothing_empty(f"{found}, which tells nothing")
    if abs(share) > max(MOST_EDGE, SURE * known):
        raise _nothing_empty(found)
    return offset, error


def _nothing_empty(found: str) -> ComputationError:
    return ComputationError(
        found,
        f"{LEAST_PIXELS} pixels or more without sample, with none of its edge beyond {MOST_EDGE:.0%} or {SURE:g} standard "
        "errors",
        "give y and x of an empty region, run correct.background before it, use a counter, or leave correct.flux out",
    )


def _of_one_kind(level: Floats, spectra: Floats, seed: Mask) -> Mask:
    """The pixels whose level, a median over energy, differs from that of the seed pixels by noise only."""
    bend = spectra[1:-1, seed] - 0.5 * (spectra[:-2, seed] + spectra[2:, seed])
    # Flux bends all spectra alike. A bend has 1.5 times the variance of a point, a median of n points 1.57/n of it.
    bend = bend - np.median(bend, axis=1, keepdims=True)
    noise = 1.4826 * float(np.median(np.abs(bend))) * np.sqrt(1.57 / 1.5 / len(spectra))
    middle, inside = float(np.median(level[seed])), seed
    for _ in range(20):
        inside = np.abs(level - middle) <= APART * noise
        if not inside.any():
            break
        middle = float(np.median(level[inside]))
        # The flat field's own noise, where it was taken once, spreads the levels too.
        noise = max(noise, 1.4826 * float(np.median(np.abs(level[inside] - middle))))
    return inside


def edge_share(empty: Doubles, others: Doubles) -> tuple[float, float]:
    """How much of the spectrum of others there is in the offsets of empty pixels, and its standard error.

    With the edge m(E) of the sample, a share s of it in the empty pixels and the offsets f(E) of the flux, which all pixels
    have, `empty = s m + f` and `others = m + f`. The difference `(1 - s) m` is free of the flux; a line, a step for each
    change of the exposure time, and the difference are fitted to `empty`, and s/(1 - s) is what the fit takes of it. The
    error is that of least squares, times `sqrt((1 + r)/(1 - r))` where residuals of neighboring energies have the
    correlation r > 0.

    Parameters
    ----------
    empty, others
        `(energy,)`, mean absorbance.

    Returns
    -------
    share, error
        The error is infinite where there is no edge, or hardly an energy.

    Examples
    --------
    >>> edge = np.tanh(np.linspace(-5, 5, 50))
    >>> round(edge_share(0.2 + 0.03 * edge, edge)[0], 6)
    0.03
    """
    n, edge = len(others), others - empty
    steps = np.arange(n)[:, None] >= exposure_changes(empty, edge)
    columns = np.column_stack([np.vander(np.linspace(-1, 1, n), 2), edge, steps])
    part, _, rank, _ = np.linalg.lstsq(columns, empty, rcond=None)
    fitted = columns.shape[1]
    if rank < fitted or n < fitted + 2:
        return 0.0, np.inf
    rest = empty - columns @ part
    variance = rest @ rest / (n - fitted) * np.linalg.inv(columns.T @ columns)[2, 2]
    shared = float(np.clip(rest[1:] @ rest[:-1] / max(rest @ rest, 1e-300), 0, 0.9))
    taken = float(part[2])
    return taken / (1 + taken), float(np.sqrt(variance * (1 + shared) / (1 - shared))) / (1 + taken) ** 2


def exposure_changes(empty: Doubles, edge: Doubles) -> Indices:
    """Numbers of the energies from which on all pixels are brighter or darker by far, as by another exposure time.

    A step of the offsets is one where it is far above their jitter, and the difference of other pixels has none there.

    Parameters
    ----------
    empty
        `(energy,)`: offsets of the flux.
    edge
        `(energy,)`: what other pixels have beyond them.

    Examples
    --------
    >>> exposure_changes(np.array([0.0, 0.01, -0.01, 0.5, 0.49, 0.5]), np.arange(6.0) / 100)
    array([3])
    """
    change, others = np.diff(empty), np.diff(edge)
    jitter = 1.4826 * float(np.median(np.abs(change - np.median(change))))
    far = np.abs(change) > max(CHANGE * jitter, LEAST_CHANGE)
    return np.flatnonzero(far & (np.abs(others) < SAME * np.abs(change))) + 1


def counter_offset(counter: Floats, flat_counter: Floats | None) -> Doubles:
    """The offset of every image from counters that see the beam before the sample: `-ln(counter/flat_counter)`.

    Parameters
    ----------
    counter, flat_counter
        `(energy,)`, readings while the sample and while its flat fields were taken; None for one flat field for all
        energies: then the readings are divided by their mean.

    Raises
    ------
    InputError
        A reading is not above zero.

    Examples
    --------
    >>> counter_offset(np.array([100.0, 101.0]), np.array([100.0, 100.0])).round(5) + 0.0
    array([ 0.     , -0.00995])
    """
    readings = [np.asarray(counter, np.float64)]
    readings.append(
        np.full(len(counter), readings[0].mean())
        if flat_counter is None
        else np.asarray(flat_counter, np.float64)
    )
    for values in readings:
        if not (values > 0).all():
            raise InputError(
                f"a counter of {values.min():g}",
                "readings above zero and finite",
                "check the file of the counter",
            )
    return -np.log(readings[0] / readings[1])
