"""The noise of spectra from their own scatter along the energies, where no counts tell it.

A third difference of four neighboring energies is zero for any quadratic. What is left of it in a sample are edges and
white lines, whose shapes a few principal components hold for all pixels; without them it is noise. No photon statistics
enter: what is measured is what scatters from energy to energy, whatever its cause.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats, Singles
from xafsflow.kernels.jit import kernel

# Energies of a difference, principal components that hold the shapes of a scan, and the least share of the differences
# that these must leave.
POINTS, COMPONENTS, LEFT = 4, 8, 6
# Least energies, and pixels, from which anything is told.
LEAST_ENERGIES, LEAST_PIXELS = 8, 20
# A magnitude beyond so many standard deviations counts as that many: a spike is no noise. The mean of a squared normal
# number that is cut there.
CUT, CUT_SQUARE = np.float32(2.5), np.float32(0.9775)
# A place of which the components leave less tells nothing.
LEAST_REST = 0.2


def third_differences(energies: Doubles) -> Doubles:
    """Weights `(energy - 3, 4)` of the third differences: each row annihilates quadratics and has norm one.

    `c_j = prod_(i != j) 1/(E_j - E_i)`, the divided difference, for energies that need not be even.

    Examples
    --------
    >>> third_differences(np.arange(4.0)).round(3)
    array([[-0.224,  0.671, -0.671,  0.224]])
    """
    around = np.lib.stride_tricks.sliding_window_view(np.asarray(energies, float), POINTS)
    apart = around[:, :, None] - around[:, None, :] + np.eye(POINTS)
    weights = 1 / apart.prod(axis=2)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True))


def scatter_course(
    mu: Floats, energies: Doubles, exposures: Doubles
) -> tuple[Singles, Singles, Singles, Singles]:
    """How the scatter of a scan goes over the energies, from a sample of its pixels.

    Parameters
    ----------
    mu
        `(energy, y, x)`.
    energies, exposures
        `(energy,)`: eV, and the number of images that were averaged.

    Returns
    -------
    components, spread, rest, course
        Shapes `(component, place)` that differences are cleared of; the relative noise of a difference `(place,)`, zero
        where nothing is told; what the components leave of its variance `(place,)`; relative noise of `mu` `(energy,)`,
        NaN where there are too few energies or pixels.
    """
    count = len(energies)
    places = max(0, count - POINTS + 1)
    held = min(COMPONENTS, places // LEFT)
    components, zeros = np.zeros((component_count(count), places), np.float32), np.zeros(places, np.float32)
    if count < LEAST_ENERGIES:
        return components, zeros, zeros, np.full(count, np.nan, np.float32)
    weights = third_differences(energies)
    parts = [weights[:, j, None] * mu[j : places + j].reshape(places, -1) for j in range(POINTS)]
    found: Doubles = np.sum(parts, axis=0)
    found = found[:, np.isfinite(found).all(axis=0)]
    scale = np.median(np.abs(found), axis=0)
    found, scale = found[:, scale > 0], scale[scale > 0]
    if len(scale) < LEAST_PIXELS:
        return components, zeros, zeros, np.full(count, np.nan, np.float32)
    # Pixels count alike, whether they are noisy or not.
    found = found / scale
    _, vectors = np.linalg.eigh(found @ found.T)
    basis = vectors[:, places - held :]
    components[:] = basis.T
    left = np.eye(places) - basis @ basis.T
    widened = np.zeros((places, count))
    for place, row in enumerate(weights):
        widened[place, place : place + POINTS] = row
    # Neighboring differences share energies, so components that happen to hold noise hold more than their share of it.
    rest = np.square(left @ widened / np.sqrt(exposures)).sum(axis=1)
    alone = np.square(widened / np.sqrt(exposures)).sum(axis=1)
    good = rest > LEAST_REST * alone
    size = 1.4826 * np.median(np.abs(left @ found), axis=1)
    variance = np.where(good, size**2 / np.where(good, rest, 1), 0)
    shares = np.square(widened[good])
    covered = shares.sum(axis=0)
    own = np.where(covered > 0, variance[good] @ shares / np.where(covered > 0, covered, 1), np.nan)
    own = np.where(covered > 0, own, np.nanmedian(own) if good.any() else np.nan)
    spread = np.sqrt(variance)
    course = np.sqrt(own / exposures)
    return components, spread.astype(np.float32), rest.astype(np.float32), course.astype(np.float32)


def component_count(energies: int) -> int:
    """How many components `scatter_course` clears the differences of so many energies of.

    Examples
    --------
    >>> component_count(60), component_count(20), component_count(3)
    (8, 2, 0)
    """
    return min(COMPONENTS, max(0, energies - POINTS + 1) // LEFT)


def scatter_noise(
    mu: Floats, weights: Floats, components: Singles, spread: Singles, rest: Singles, course: Singles
) -> Singles:
    """The noise of every value, float32 `(energy, y, x)`: the pixel's own scatter along the course of the scan's.

    `sigma(E, pixel) = course(E) s(pixel)`, where `s^2` is the mean of the squared differences over those of the course,
    magnitudes beyond 2.5 s cut. NaN where `mu` is, and where a pixel has too few values.

    Parameters
    ----------
    mu
        `(energy, y, x)`.
    weights
        Of `third_differences`.
    components, spread, rest, course
        Of `scatter_course`.
    """
    flat = np.ascontiguousarray(mu, np.float32).reshape(len(mu), -1)
    scale = _scale(flat, weights.astype(np.float32), components, spread, rest)
    return _noise(flat, scale, course).reshape(mu.shape)


@kernel
def _scale(mu: Singles, weights: Singles, components: Singles, spread: Singles, rest: Singles) -> Singles:
    """The scatter of each pixel over that of the course."""
    places, pixels = weights.shape[0], mu.shape[1]
    found = np.empty((places, pixels), np.float32)
    held = np.zeros((components.shape[0], pixels), np.float32)
    for k in range(places):
        out, a, b, c, d = found[k], mu[k], mu[k + 1], mu[k + 2], mu[k + 3]
        p, q, r, s = weights[k]
        for x in range(pixels):
            out[x] = p * a[x] + q * b[x] + r * c[x] + s * d[x]
        for one in range(components.shape[0]):
            part, share = held[one], components[one, k]
            for x in range(pixels):
                # What is not known holds no shape.
                part[x] += share * out[x] if np.isfinite(out[x]) else np.float32(0)
    for k in range(places):
        out = found[k]
        for one in range(components.shape[0]):
            part, share = held[one], components[one, k]
            for x in range(pixels):
                out[x] -= share * part[x]
        over = np.float32(1) / spread[k] if spread[k] > 0 else np.float32(np.nan)
        for x in range(pixels):
            out[x] = abs(out[x]) * over
    return _cut_rms(found, rest)


@kernel
def _cut_rms(found: Singles, rest: Singles) -> Singles:
    """The root mean square of magnitudes `(place, pixel)` whose squares are expected to be `rest`, spikes cut."""
    places, pixels = found.shape
    scale = np.empty(pixels, np.float32)
    total, known = np.zeros(pixels, np.float32), np.zeros(pixels, np.float32)
    for k in range(places):
        root = np.sqrt(rest[k])
        for x in range(pixels):
            good = np.isfinite(found[k, x])
            total[x] += found[k, x] if good else np.float32(0)
            known[x] += root if good else np.float32(0)
    for x in range(pixels):
        scale[x] = np.float32(1.2533) * total[x] / known[x] if known[x] > 0 else np.float32(np.nan)
    for _ in range(4):
        total[:], known[:] = 0, 0
        for k in range(places):
            root = CUT * np.sqrt(rest[k])
            for x in range(pixels):
                good = np.isfinite(found[k, x])
                one = min(found[k, x], root * scale[x]) if good else np.float32(0)
                total[x] += one * one
                known[x] += rest[k] if good else np.float32(0)
        for x in range(pixels):
            enough = known[x] > 0
            scale[x] = np.sqrt(total[x] / (CUT_SQUARE * known[x])) if enough else np.float32(np.nan)
    return scale


@kernel
def _noise(mu: Singles, scale: Singles, course: Singles) -> Singles:
    noise = np.empty(mu.shape, np.float32)
    for e in range(mu.shape[0]):
        for x in range(mu.shape[1]):
            noise[e, x] = course[e] * scale[x] if np.isfinite(mu[e, x]) else np.float32(np.nan)
    return noise
