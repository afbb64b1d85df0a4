"""The noise of spectra from their own scatter along the energies, where no counts tell it.

A third difference of four neighboring energies is zero for any quadratic. What is left of it in a sample are edges and
white lines, whose shapes a few principal components hold for all pixels; without them it is noise. No photon statistics
enter: what is measured is what scatters from energy to energy, whatever its cause.
"""

from __future__ import annotations

from typing import NamedTuple

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
# A difference beyond so many times what 95 of 100 pixels have at that place.
SPIKE = 3.0
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


class Course(NamedTuple):
    """How the scatter of a scan goes over the energies.

    Parameters
    ----------
    components
        `(component, place)`: shapes that differences are cleared of.
    spread
        `(place,)`: the relative noise of a difference, zero where nothing is told.
    rest
        `(place,)`: what the components leave of its variance.
    limit
        `(place,)`: a difference beyond is a spike.
    noise
        `(energy,)`: the relative noise of `mu`; NaN where there are too few energies or pixels.
    """

    components: Singles
    spread: Singles
    rest: Singles
    limit: Singles
    noise: Singles


def scatter_course(mu: Floats, energies: Doubles, exposures: Doubles) -> Course:
    """How the scatter of a scan goes over the energies, from a sample of its pixels.

    Parameters
    ----------
    mu
        `(energy, y, x)`.
    energies, exposures
        `(energy,)`: eV, and the number of images that were averaged.
    """
    count, places = len(energies), max(0, len(energies) - POINTS + 1)
    held, zeros = component_count(count), np.zeros(places, np.float32)
    unknown = Course(
        np.zeros((held, places), np.float32), zeros, zeros, zeros, np.full(count, np.nan, np.float32)
    )
    if count < LEAST_ENERGIES:
        return unknown
    weights = third_differences(energies)
    parts = [weights[:, j, None] * mu[j : places + j].reshape(places, -1) for j in range(POINTS)]
    found: Doubles = np.sum(parts, axis=0)
    found = found[:, np.isfinite(found).all(axis=0)]
    scale = np.median(np.abs(found), axis=0)
    found, scale = found[:, scale > 0], scale[scale > 0]
    if len(scale) < LEAST_PIXELS:
        return unknown
    limit = SPIKE * np.quantile(np.abs(found), 0.95, axis=1)
    # Pixels count alike, whether they are noisy or not; one that was hit by a spike would make a component of it.
    found = (found / scale)[:, (np.abs(found) <= limit[:, None]).all(axis=0)]
    if found.shape[1] < LEAST_PIXELS:
        return unknown
    basis = np.linalg.eigh(found @ found.T)[1][:, places - held :]
    left = np.eye(places) - basis @ basis.T
    known, rest = _difference_noise(left, found, weights, exposures)
    noise = _noise_of_points(known, weights, exposures)
    return Course(*(np.asarray(one, np.float32) for one in (basis.T, np.sqrt(known), rest, limit, noise)))


def _difference_noise(
    left: Doubles, found: Doubles, weights: Doubles, exposures: Doubles
) -> tuple[Doubles, Doubles]:
    """The variance of differences `(place,)`, zero where nothing is told, and what components leave of one `(place,)`."""
    places, count = len(weights), len(exposures)
    widened = np.zeros((places, count))
    for place, row in enumerate(weights):
        widened[place, place : place + POINTS] = row
    widened /= np.sqrt(exposures)
    # Neighboring differences share energies, so components that happen to hold noise hold more than their share of it.
    rest = np.square(left @ widened).sum(axis=1)
    good = rest > LEAST_REST * np.square(widened).sum(axis=1)
    size = 1.4826 * np.median(np.abs(left @ found), axis=1)
    return np.where(good, size**2 / np.where(good, rest, 1), 0), rest


def _noise_of_points(variance: Doubles, weights: Doubles, exposures: Doubles) -> Doubles:
    """The noise of each energy, from that of the differences it is part of."""
    total, share = np.zeros(len(exposures)), np.zeros(len(exposures))
    for place in np.flatnonzero(variance > 0):
        part = slice(place, place + POINTS)
        total[part] += variance[place] * weights[place] ** 2
        share[part] += weights[place] ** 2
    usual = np.median(variance[variance > 0]) if (variance > 0).any() else np.nan
    each = np.where(share > 0, total / np.where(share > 0, share, 1), usual)
    return np.asarray(np.sqrt(each / exposures))


def component_count(energies: int) -> int:
    """How many components `scatter_course` clears the differences of so many energies of.

    Examples
    --------
    >>> component_count(60), component_count(20), component_count(3)
    (8, 2, 0)
    """
    return min(COMPONENTS, max(0, energies - POINTS + 1) // LEFT)


def scatter_noise(mu: Floats, energies: Doubles, course: Course) -> Singles:
    """The noise of every value, float32 `(energy, y, x)`: the pixel's own scatter along the course of the scan's.

    `sigma(E, pixel) = noise(E) s(pixel)`, where `s^2` is the mean of the squared differences over those of the course,
    magnitudes beyond 2.5 s cut. NaN where `mu` is, and where a pixel has too few values.

    Parameters
    ----------
    mu
        `(energy, y, x)`.
    energies
        `(energy,)`, eV.
    course
        Of `scatter_course`.
    """
    if len(mu) < LEAST_ENERGIES:
        return np.full(mu.shape, np.nan, np.float32)
    flat = np.ascontiguousarray(mu, np.float32).reshape(len(mu), -1)
    weights = third_differences(energies).astype(np.float32)
    scale = _scale(flat, weights, course.components, course.spread, course.rest, course.limit)
    return _noise(flat, scale, course.noise).reshape(mu.shape)


@kernel
def _scale(
    mu: Singles, weights: Singles, components: Singles, spread: Singles, rest: Singles, limit: Singles
) -> Singles:
    """The scatter of each pixel over that of the course."""
    places, pixels, nothing = weights.shape[0], mu.shape[1], np.float32(np.nan)
    found = np.empty((places, pixels), np.float32)
    held = np.zeros((components.shape[0], pixels), np.float32)
    for k in range(places):
        out, a, b, c, d = found[k], mu[k], mu[k + 1], mu[k + 2], mu[k + 3]
        p, q, r, s = weights[k]
        for x in range(pixels):
            one = p * a[x] + q * b[x] + r * c[x] + s * d[x]
            # NaN is not within the limit.
            out[x] = one if abs(one) <= limit[k] else nothing
        for one_component in range(components.shape[0]):
            part, share = held[one_component], components[one_component, k]
            for x in range(pixels):
                # What is not known holds no shape.
                part[x] += share * out[x] if np.isfinite(out[x]) else np.float32(0)
    for k in range(places):
        out = found[k]
        for one_component in range(components.shape[0]):
            part, share = held[one_component], components[one_component, k]
            for x in range(pixels):
                out[x] -= share * part[x]
        over = np.float32(1) / spread[k] if spread[k] > 0 else nothing
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
