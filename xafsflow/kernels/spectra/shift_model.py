"""The model of a fit of energy shifts, linear about given shifts and resolution, and one step of its normal equations.

What is fitted stands in `energy_shift_fit`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.noise_fit import NO_FLUX

# Called with energies of any shape and the order of the derivative, 0 to 2; gives `(curve, *shape)`.
Curves = Callable[[Doubles, int], Doubles]
# Called with a signed variance, eV^2; gives the curves at that resolution.
Seen = Callable[[float], Curves]

# Background: a polynomial of this degree.
DEGREE = 2
# eV^2: half of the distance over which a slope by the variance is taken; a second derivative would show a standard's noise.
APART = 0.04
# eV^2: the variance is within so much of none, so likely as a standard deviation: in an even field it can be told from the
# flux by that only.
LIKELY = 1.0


@dataclass(frozen=True, eq=False)
class Spectra:
    """The measurement: `energy` (energy,), nominal, eV; `mu` (t, energy); the `curves` that it consists of.

    `variance` (t, energy) up to a factor for each spectrum, which is estimated; `spread` (t,), the variance of the
    shift within the pixels of a spectrum, eV^2; `weight` (t,), below 1 for a spectrum that is trusted less. With `seen`,
    which gives the curves at other resolutions, that of the images is fitted from `blur`, eV^2, on.
    """

    energy: Doubles
    mu: Doubles
    variance: Doubles
    curves: Curves
    spread: Doubles | float = 0.0
    weight: Doubles | float = 1.0
    seen: Seen | None = None
    blur: float = 0.0


class Linear(NamedTuple):
    """The model: what it leaves of the spectra, its slopes by shift and variance, and what amplitudes can take up."""

    amplitude: Doubles
    residual: Doubles
    slope: Doubles
    bend: Doubles | None
    columns: Doubles
    root: Doubles
    q: Doubles


def column(values: Doubles | float) -> Doubles:
    """A number for each spectrum, to be multiplied with spectra."""
    return np.reshape(values, (-1, 1))


def linearize(
    spectra: Spectra, shift: Doubles, flux: Doubles, root: Doubles, mix: Doubles, seen: bool
) -> Linear:
    """The model at shifts `(t,)`, flux `(energy,)` and shares `mix` (t, curve) of the curves; with `seen` its `bend`, too.

    A shift beyond the curves leaves NaN.
    """
    energy = spectra.energy
    x = 2 * (energy - energy[0]) / (energy[-1] - energy[0]) - 1
    places = energy + shift[:, None]
    curves = spectra.curves if spectra.seen is None else spectra.seen(spectra.blur)
    curve, rise = (_spread_out(spectra, curves, places, order) for order in (0, 1))
    powers = np.broadcast_to(x ** np.arange(DEGREE + 1)[:, None, None], (DEGREE + 1, *spectra.mu.shape))
    mixture = np.einsum("ti,itk->tk", mix, curve)
    columns = np.concatenate([curve, (x * mixture)[None], powers]).transpose(1, 2, 0)
    if not np.isfinite(columns).all():
        empty = np.full(spectra.mu.shape, np.nan)
        amplitude = np.zeros((len(shift), len(curve)))
        return Linear(amplitude, empty, empty, None, columns, root, np.zeros(columns.shape))
    q, r = np.linalg.qr(columns * root[:, :, None])
    found = np.linalg.solve(r, (q.transpose(0, 2, 1) @ (root * (spectra.mu - flux))[:, :, None]))
    residual = spectra.mu - (columns @ found)[:, :, 0]
    amplitude = found[:, : len(curve), 0]

    def of_edge(values: Doubles) -> Doubles:
        mixed = np.einsum("ti,itk->tk", mix, values)
        return np.asarray(np.einsum("ti,itk->tk", amplitude, values) + found[:, len(curve)] * x * mixed)

    bend = None
    if seen and spectra.seen is not None:
        sharp, blunt = (spectra.seen(spectra.blur + by)(places, 0) for by in (-APART, APART))
        bend = of_edge((blunt - sharp) / (2 * APART))
    return Linear(amplitude, residual, of_edge(rise), bend, columns, root, q)


def shares(amplitude: Doubles) -> Doubles:
    """The curves' shares in a spectrum, to which its slope belongs; even ones where there is no sum."""
    total = amplitude.sum(axis=1, keepdims=True)
    some = np.abs(total) > 1e-3 * np.abs(amplitude).sum(axis=1, keepdims=True)
    return np.where(some, amplitude / np.where(some, total, 1.0), 1 / amplitude.shape[1])


def _spread_out(spectra: Spectra, curves: Curves, energy: Doubles, order: int) -> Doubles:
    """Curves averaged over the shifts within a spectrum's pixels: three places with their variance."""
    if not np.any(spectra.spread):
        return curves(energy, order)
    reach = column(np.sqrt(1.5 * np.asarray(spectra.spread)))
    return np.asarray(sum(curves(energy + sign * reach, order) for sign in (-1, 0, 1)) / 3)


def project(linear: Linear, values: Doubles, q: Doubles | None = None) -> Doubles:
    """Weighted values without what amplitudes and background take up, `(t, energy)`."""
    basis = linear.q if q is None else q
    weighted = linear.root * values
    return np.asarray(weighted - (basis @ (basis.transpose(0, 2, 1) @ weighted[:, :, None]))[:, :, 0])


def solve(
    linear: Linear, basis: Doubles, prior: Doubles, blur: float
) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Flux, the step of the parameters and of a fitted variance behind them, the flux's variance, their covariance."""
    points, count = len(prior), basis.shape[1] + (linear.bend is not None)
    if not np.isfinite(linear.residual).all():
        return np.zeros(points), np.full(count, np.nan), np.zeros(points), np.zeros((count, count))
    slope = linear.root * project(linear, linear.slope)
    residual = linear.root * project(linear, linear.residual)
    own = (basis.T * (linear.slope * slope).sum(axis=1)) @ basis
    right = basis.T @ (linear.slope * residual).sum(axis=1)
    shared = basis.T @ slope
    if linear.bend is not None:
        bend = linear.root * project(linear, linear.bend)
        both = (basis.T @ (linear.bend * slope).sum(axis=1))[:, None]
        own = np.block([[own, both], [both.T, (linear.bend * bend).sum() + LIKELY**-2]])
        right = np.append(right, (linear.bend * residual).sum() - LIKELY**-2 * blur)
        shared = np.vstack([shared, bend.sum(axis=0)])
    if prior.min() >= NO_FLUX:
        covariance = np.linalg.inv(own)
        return np.zeros(points), covariance @ right, 1 / prior, covariance
    taken = (linear.root[:, :, None] * linear.q).transpose(1, 0, 2).reshape(points, -1)
    normal = np.empty((points + count,) * 2)
    normal[:points, :points] = np.diag((linear.root**2).sum(axis=0) + prior) - taken @ taken.T
    normal[points:, :points], normal[:points, points:] = shared, shared.T
    normal[points:, points:] = own
    covariance = np.linalg.inv(normal)
    found = covariance @ np.concatenate([residual.sum(axis=0), right])
    return found[:points], found[points:], np.diag(covariance)[:points], covariance[points:, points:]
