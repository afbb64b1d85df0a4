"""Energy shifts of many spectra against known curves, all in one fit that also finds what the images share.

A spectrum `t` of the field is

    mu_t(E_k) = (1 + b_t x_k) sum_i a_ti S_i(E_k + s_t) + sum_j c_tj x_k^j + f_k + noise

with the curves `S_i`, amplitudes, a slope of the whole edge and a smooth background of its own (`x` is the energy
from -1 to 1), and its shift `s_t = fixed_t + sum_m B_tm p_m`. The flux of one shot against another moves a whole image
alike: `f_k`, one number an image, normal with a standard deviation that is estimated too. It is most of the noise of a
tile's mean, and without it all shifts are wrong together by as much as 0.02 eV. It can be told from a shift where the
shift differs over the field: the edge then meets every image at another place.

Where the images' resolution is not that of the curves, each spectrum has a share `d_t sum_i a_ti S_i''` as well: what a
Gaussian narrower or wider by that variance does to first order. Without it the edge's changed shape would look like a
shift, another one at each place between two energies.

Gauss-Newton over the shifts; amplitudes and backgrounds are eliminated exactly in each step (variable projection; G. H.
Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)). Noise and flux by expectation maximization.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from xafsflow.errors import ComputationError
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.noise_fit import NO_FLUX, Scatter

# Called with energies of any shape and the order of the derivative, 0 to 2; gives `(curve, *shape)`.
Curves = Callable[[Doubles, int], Doubles]

# Background: a polynomial of this degree.
DEGREE = 2
# eV: the longest step, the step at which the flux comes in, and the one that ends the search.
LONGEST, FLUX_STEP, SMALL = 1.5, 0.05, 1e-5
# Steps in all, and those after which noise and flux need not be settled to the last percent.
STEPS, PATIENCE = 60, 30


@dataclass(frozen=True, eq=False)
class ShiftFit:
    """What the fit found.

    `parameters` (m,) with `covariance`; `shift` (t,); `own_error` (t,) of a spectrum's shift by its own noise alone;
    `amplitude` (t, curve); `flux` (energy,) and its standard deviation `jitter`; `noise` (t,) factors of the given
    variances; `misfit` (t,), the root mean square of residual and flux together; `correlation` (t,) between the shift
    and the amplitudes: 1 where a change of amplitudes does what a shift does; `duller` (t,), half the variance, eV^2, of a
    Gaussian by which the edge is wider than the curves, where that was fitted; `root` (t, energy) and `prior` (energy,),
    the weights of values and flux at the end.
    """

    parameters: Doubles
    covariance: Doubles
    shift: Doubles
    own_error: Doubles
    amplitude: Doubles
    flux: Doubles
    jitter: float
    noise: Doubles
    misfit: Doubles
    correlation: Doubles
    duller: Doubles
    root: Doubles
    prior: Doubles


@dataclass(frozen=True, eq=False)
class Spectra:
    """The measurement: `energy` (energy,), nominal, eV; `mu` (t, energy); the `curves` that it consists of.

    `variance` (t, energy) up to a factor for each spectrum, which is estimated; `spread` (t,), the variance of the
    shift within the pixels of a spectrum, eV^2; `weight` (t,), below 1 for a spectrum that is trusted less. With
    `resolution` spectra may be sharper or duller than the curves, which then have a second derivative, too.
    """

    energy: Doubles
    mu: Doubles
    variance: Doubles
    curves: Curves
    spread: Doubles | float = 0.0
    weight: Doubles | float = 1.0
    resolution: bool = False


class _Linear(NamedTuple):
    """The model at given shifts: what it leaves of the spectra, `d mu/d shift`, and what amplitudes can take up."""

    amplitude: Doubles
    duller: Doubles
    residual: Doubles
    slope: Doubles
    columns: Doubles
    root: Doubles
    q: Doubles


def fit_shifts(spectra: Spectra, basis: Doubles, start: Doubles, fixed: Doubles | float = 0.0) -> ShiftFit:
    """Fit the shifts of spectra.

    Parameters
    ----------
    spectra
        The measurement.
    basis
        `(t, m)`: how the shifts depend on the parameters. The unit matrix frees every shift.
    start
        `(m,)`, where the search starts, eV.
    fixed
        `(t,)`, shifts on top of which those of the parameters come, eV.

    Raises
    ------
    ComputationError
        The search does not end, or leaves the range of the curves.

    Examples
    --------
    >>> curves = lambda e, order: np.tanh(e)[None] if order == 0 else 1 / np.cosh(e)[None] ** 2
    >>> energy, shifts = np.linspace(-9, 9, 60), np.array([-0.5, 0.25, 0.0, 1.0])
    >>> noise = 1e-4 * np.random.default_rng(0).standard_normal((4, 60))
    >>> mu = 3 * np.tanh(energy + shifts[:, None]) + 0.2 * energy + noise
    >>> found = fit_shifts(Spectra(energy, mu, np.ones((4, 60)), curves), np.eye(4), np.zeros(4))
    >>> found.shift.round(3)
    array([-0.5 ,  0.25,  0.  ,  1.  ])
    """
    parameters, flux = np.array(start, float), np.zeros(len(spectra.energy))
    kinds = spectra.curves(spectra.energy[:1], 0).shape[0]
    mix = np.full((len(spectra.mu), kinds), 1 / kinds)
    # Amplitudes, slope and background of each spectrum, and its share of the parameters.
    fitted = kinds + DEGREE + 2 + spectra.resolution + basis.shape[1] / len(spectra.mu)
    scatter = Scatter(spectra.variance, spectra.weight, fitted)
    for turn in range(STEPS):
        shift = fixed + basis @ parameters
        linear = _linearize(spectra, shift, flux, scatter.root, mix)
        mix = _shares(linear.amplitude)
        flux, step, unsure, covariance = _solve(linear, basis, scatter.prior)
        moves = basis @ step
        longest = np.abs(moves).max()
        if not np.isfinite(longest):
            raise ComputationError(
                f"shifts from {shift.min():.1f} to {shift.max():.1f} eV, where the standard is not known",
                "a standard that covers the scan and its shift",
                "check the energies of the standard, or choose a narrower span",
            )
        parameters += step * min(1.0, LONGEST / max(longest, SMALL))
        left = _project(linear, linear.residual - flux - linear.slope * _column(moves))
        settled = scatter.learn(left, flux, unsure, fit_flux=longest < FLUX_STEP)
        if longest < SMALL and (settled or turn >= PATIENCE):
            return _finish(linear, parameters, covariance, shift + moves, flux, scatter)
    raise ComputationError(
        f"a fit of the energy shift that does not settle in {STEPS} steps",
        "spectra that hold the standard's edge",
        "check the standard, the span, and that the images show it",
    )


def with_other_curves(spectra: Spectra, basis: Doubles, found: ShiftFit) -> Doubles:
    """How far the parameters `(m,)` move, to first order, when the spectra are fitted by other curves.

    Parameters
    ----------
    spectra
        As they were fitted, but with the other curves.
    found
        The fit with the first ones.

    Examples
    --------
    >>> curves = lambda e, order: np.tanh(e)[None] if order == 0 else 1 / np.cosh(e)[None] ** 2
    >>> moved = lambda e, order: curves(e - 0.01, order)
    >>> energy, one = np.linspace(-9, 9, 60), np.ones((1, 1))
    >>> mu = np.tanh(energy)[None] + 1e-5 * np.sin(50 * energy)
    >>> found = fit_shifts(Spectra(energy, mu, np.ones((1, 60)), curves), one, np.zeros(1))
    >>> with_other_curves(Spectra(energy, mu, np.ones((1, 60)), moved), one, found).round(3)
    array([0.01])
    """
    linear = _linearize(spectra, found.shift, found.flux, found.root, _shares(found.amplitude))
    return _solve(linear, basis, found.prior)[1]


def _column(values: Doubles | float) -> Doubles:
    """A number for each spectrum, to be multiplied with spectra."""
    return np.reshape(values, (-1, 1))


def _linearize(spectra: Spectra, shift: Doubles, flux: Doubles, root: Doubles, mix: Doubles) -> _Linear:
    energy = spectra.energy
    x = 2 * (energy - energy[0]) / (energy[-1] - energy[0]) - 1
    curve, rise = (_spread_out(spectra, energy + shift[:, None], order) for order in (0, 1))
    powers = np.broadcast_to(x ** np.arange(DEGREE + 1)[:, None, None], (DEGREE + 1, *spectra.mu.shape))
    mixture, mixed_rise = (np.einsum("ti,itk->tk", mix, values) for values in (curve, rise))
    parts = [curve, (x * mixture)[None], powers]
    if spectra.resolution:
        bend = _spread_out(spectra, energy + shift[:, None], 2)
        parts.append(np.einsum("ti,itk->tk", mix, bend)[None])
    columns = np.concatenate(parts).transpose(1, 2, 0)
    if not np.isfinite(columns).all():
        empty = np.full(spectra.mu.shape, np.nan)
        return _Linear(
            np.zeros((len(shift), len(curve))),
            empty[:, 0],
            empty,
            empty,
            columns,
            root,
            np.zeros(columns.shape),
        )
    q, r = np.linalg.qr(columns * root[:, :, None])
    found = np.linalg.solve(r, (q.transpose(0, 2, 1) @ (root * (spectra.mu - flux))[:, :, None]))
    residual = spectra.mu - (columns @ found)[:, :, 0]
    amplitude = found[:, : len(curve), 0]
    slope = np.einsum("ti,itk->tk", amplitude, rise) + found[:, len(curve)] * x * mixed_rise
    duller = found[:, -1, 0] / amplitude.sum(axis=1) if spectra.resolution else np.zeros(len(shift))
    return _Linear(amplitude, duller, residual, slope, columns, root, q)


def _shares(amplitude: Doubles) -> Doubles:
    """The curves' shares in a spectrum, to which its slope belongs; even ones where there is no sum."""
    total = amplitude.sum(axis=1, keepdims=True)
    some = np.abs(total) > 1e-3 * np.abs(amplitude).sum(axis=1, keepdims=True)
    return np.where(some, amplitude / np.where(some, total, 1.0), 1 / amplitude.shape[1])


def _spread_out(spectra: Spectra, energy: Doubles, order: int) -> Doubles:
    """Curves averaged over the shifts within a spectrum's pixels: three places with their variance."""
    if not np.any(spectra.spread):
        return spectra.curves(energy, order)
    reach = _column(np.sqrt(1.5 * np.asarray(spectra.spread)))
    return np.asarray(sum(spectra.curves(energy + sign * reach, order) for sign in (-1, 0, 1)) / 3)


def _project(linear: _Linear, values: Doubles, q: Doubles | None = None) -> Doubles:
    """Weighted values without what amplitudes and background take up, `(t, energy)`."""
    basis = linear.q if q is None else q
    weighted = linear.root * values
    return np.asarray(weighted - (basis @ (basis.transpose(0, 2, 1) @ weighted[:, :, None]))[:, :, 0])


def _solve(linear: _Linear, basis: Doubles, prior: Doubles) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Flux and the step of the parameters by the normal equations, the flux's variance and the parameters' covariance."""
    points, count = len(prior), basis.shape[1]
    if not np.isfinite(linear.residual).all():
        return np.zeros(points), np.full(count, np.nan), np.zeros(points), np.zeros((count, count))
    slope = linear.root * _project(linear, linear.slope)
    residual = linear.root * _project(linear, linear.residual)
    own = (basis.T * (linear.slope * slope).sum(axis=1)) @ basis
    right = basis.T @ (linear.slope * residual).sum(axis=1)
    if prior.min() >= NO_FLUX:
        covariance = np.linalg.inv(own)
        return np.zeros(points), covariance @ right, 1 / prior, covariance
    taken = (linear.root[:, :, None] * linear.q).transpose(1, 0, 2).reshape(points, -1)
    normal = np.empty((points + count,) * 2)
    normal[:points, :points] = np.diag((linear.root**2).sum(axis=0) + prior) - taken @ taken.T
    normal[points:, :points] = basis.T @ slope
    normal[:points, points:] = normal[points:, :points].T
    normal[points:, points:] = own
    covariance = np.linalg.inv(normal)
    found = covariance @ np.concatenate([residual.sum(axis=0), right])
    return found[:points], found[points:], np.diag(covariance)[:points], covariance[points:, points:]


def _finish(
    linear: _Linear,
    parameters: Doubles,
    covariance: Doubles,
    shift: Doubles,
    flux: Doubles,
    scatter: Scatter,
) -> ShiftFit:
    own = (_project(linear, linear.slope) ** 2).sum(axis=1)
    n_curves = linear.amplitude.shape[1]
    others, _ = np.linalg.qr((linear.columns * linear.root[:, :, None])[:, :, n_curves:])
    without = (_project(linear, linear.slope, others) ** 2).sum(axis=1)
    return ShiftFit(
        parameters=parameters,
        covariance=covariance,
        shift=shift,
        own_error=1 / np.sqrt(own),
        amplitude=linear.amplitude,
        flux=flux,
        jitter=scatter.jitter,
        noise=scatter.noise,
        misfit=np.sqrt((linear.residual**2).mean(axis=1)),
        correlation=np.sqrt(np.maximum(0, 1 - own / without)),
        duller=linear.duller,
        root=linear.root,
        prior=scatter.prior,
    )
