"""Widths of powder peaks, and patterns that are sums of peaks."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.kernels.jit import kernel

RADIAN = np.pi / 180
FARTHEST = 25.0  # full widths at half maximum from its middle that a peak reaches at most
NEAREST = 2.0  # full widths that a peak reaches at least; the Gaussian part ends here


@kernel
def lorentz_polarization(two_theta: Doubles) -> Doubles:
    """(1 + cos^2 2theta) / (sin^2 theta cos theta) at angles in degrees: unpolarized radiation, no monochromator."""
    found = np.empty(two_theta.shape)
    for n in range(two_theta.size):
        theta = 0.5 * RADIAN * two_theta[n]
        both = np.cos(2 * theta)
        found[n] = (1 + both * both) / (np.sin(theta) ** 2 * np.cos(theta))
    return found


@kernel
def peak_width(
    theta: float, wavelength: float, size: float, strain: float, instrument: float
) -> tuple[float, float]:
    """Full width at half maximum, degrees two theta, and Lorentzian share of a peak.

    Size gives a Lorentzian of width `0.9 lambda / (L cos theta)`, the instrument a Gaussian of width
    `w^2 (1 - .4 tan theta + .6 tan^2 theta)` (squared; Caglioti), strain a Gaussian of width `4 e tan theta`. Both together
    as Thompson, Cox and Hastings do it (J. Appl. Cryst. 20, 79, 1987).

    Parameters
    ----------
    theta
        Radian.
    wavelength
        Angstrom.
    size
        Mean size of crystallites, Angstrom.
    strain
        As a share, not in percent.
    instrument
        Width at small angles, degrees.
    """
    tangent = np.tan(theta)
    lorentzian = 0.9 * wavelength / (size * np.cos(theta)) / RADIAN
    strained = 4 * strain * tangent / RADIAN
    gaussian = np.sqrt(instrument**2 * (1 - 0.4 * tangent + 0.6 * tangent**2) + strained**2)
    g, k = gaussian, lorentzian
    width = (
        g**5 + 2.69269 * g**4 * k + 2.42843 * g**3 * k**2 + 4.47163 * g**2 * k**3 + 0.07842 * g * k**4 + k**5
    ) ** 0.2
    ratio = k / width
    return width, 1.36603 * ratio - 0.47719 * ratio**2 + 0.11116 * ratio**3


@kernel
def add_peak(
    y: Singles,
    start: float,
    step: float,
    middle: float,
    area: float,
    width: float,
    share: float,
    floor: float,
) -> None:
    """Add a pseudo-Voigt to a pattern, as far as its tail is above `floor`.

    Parameters
    ----------
    y
        (two_theta) changed in place.
    start, step
        Of the grid, degrees.
    middle, width
        Degrees.
    area
        Times degrees, in the unit of `y`.
    share
        Of the Lorentzian, 0 to 1.
    floor
        In the unit of `y`.
    """
    if not width > 0:
        return
    high = area * 2 / (np.pi * width) * share
    bell = area * 2 * np.sqrt(np.log(2) / np.pi) / width * (1 - share)
    reach = 0.5 * width * np.sqrt(high / floor) if floor > 0 else FARTHEST * width
    reach = min(max(reach, NEAREST * width), FARTHEST * width)
    first = max(int(np.ceil((middle - reach - start) / step)), 0)
    last = min(int(np.floor((middle + reach - start) / step)), y.size - 1)
    offset, scale, top = (
        np.float32((start - middle) * 2 / width),
        np.float32(step * 2 / width),
        np.float32(high),
    )
    one, foot = np.float32(1), np.float32(high / (1 + (2 * reach / width) ** 2))  # it ends without a step
    for n in range(first, last + 1):
        x = offset + scale * np.float32(n)
        y[n] += top / (one + x * x) - foot
    first = max(int(np.ceil((middle - NEAREST * width - start) / step)), 0)
    last = min(int(np.floor((middle + NEAREST * width - start) / step)), y.size - 1)
    top, fall = np.float32(bell), np.float32(-np.log(2))
    for n in range(first, last + 1):
        x = offset + scale * np.float32(n)
        y[n] += top * np.exp(fall * x * x)


@kernel
def add_pattern(
    y: Singles,
    start: float,
    step: float,
    inverse_d: Doubles,
    strength: Doubles,
    lines: Doubles,
    shape: Doubles,
    shift: Doubles,
    floor: float,
) -> None:
    """Add the peaks of one phase, at every line of the anode.

    Parameters
    ----------
    y
        (two_theta) changed in place.
    start, step
        Of the grid, degrees.
    inverse_d
        (reflection) 1/Angstrom.
    strength
        (reflection) multiplicity times |F|^2, texture included; Lorentz and polarization come here.
    lines
        (line, 2) wavelengths, Angstrom, and shares, which sum to one.
    shape
        Size in Angstrom, strain as a share, width of the instrument in degrees.
    shift
        Zero shift and displacement of the sample, degrees; the second goes with cos(theta).
    floor
        Share of the highest peak below which tails are left out.
    """
    areas, strongest = np.zeros((lines.shape[0], strength.size)), 0.0
    for line in range(lines.shape[0]):
        for n in range(strength.size):
            sine = 0.5 * lines[line, 0] * inverse_d[n]
            if sine >= 1 or strength[n] <= 0:
                continue
            cosine = np.sqrt(1 - sine * sine)
            both = 1 - 2 * sine * sine
            areas[line, n] = lines[line, 1] * strength[n] * (1 + both * both) / (sine * sine * cosine)
            strongest = max(strongest, areas[line, n])
    for line in range(lines.shape[0]):
        for n in range(strength.size):
            if areas[line, n] <= 1e-5 * strongest:
                continue  # less than the noise of any pattern
            theta = np.arcsin(0.5 * lines[line, 0] * inverse_d[n])
            width, share = peak_width(theta, lines[line, 0], shape[0], shape[1], shape[2])
            middle = 2 * theta / RADIAN + shift[0] + shift[1] * np.cos(theta)
            add_peak(y, start, step, middle, areas[line, n], width, share, floor * strongest / width)


@kernel
def add_background(y: Singles, level: float, degrees: float, shape: Doubles) -> None:
    """Add a falling curve with the hump of something amorphous, `level` high at the low end.

    Parameters
    ----------
    y
        (two_theta) changed in place.
    level
        In the unit of `y`.
    degrees
        Range of the pattern.
    shape
        Degrees of the fall, share that does not fall, height of the hump beside it, its middle and its width as shares of
        the range.
    """
    fall, rest, hump, middle, width = shape
    start = 1 + hump * np.exp(-0.5 * (middle / width) ** 2)
    decay = np.float32(-degrees / fall / (y.size - 1))
    high, low, bell = (
        np.float32(level / start * (1 - rest)),
        np.float32(level / start * rest),
        np.float32(level / start * hump),
    )
    center, scale, half = np.float32(middle / width), np.float32(1 / width / (y.size - 1)), np.float32(-0.5)
    for n in range(y.size):
        x = scale * np.float32(n) - center
        y[n] += low + high * np.exp(decay * np.float32(n)) + bell * np.exp(half * x * x)
