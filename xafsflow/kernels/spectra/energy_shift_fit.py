"""Energy shifts of many spectra against known curves, all in one fit that also finds what the images share.

A spectrum `t` of the field is

    mu_t(E_k) = (1 + b_t x_k) sum_i a_ti S_i(E_k + s_t) + sum_j c_tj x_k^j + f_k + noise

with the curves `S_i`, amplitudes, a slope of the whole edge and a smooth background of its own (`x` is the energy
from -1 to 1), and its shift `s_t = fixed_t + sum_m B_tm p_m`. The flux of one shot against another moves a whole image
alike: `f_k`, one number an image, normal with a standard deviation that is estimated too. It is most of the noise of a
tile's mean, and without it all shifts are wrong together by as much as 0.02 eV. It can be told from a shift where the
shift differs over the field: the edge then meets every image at another place.

Where the images' resolution may not be that of the curves, they are seen through a Gaussian of one variance for all
spectra, below zero for sharper ones (`kernels.spectra.broadening`), which is fitted with the shifts. Without it the edge's
changed shape would look like a shift, another one at each place between two energies, or like a flux.

Gauss-Newton over the shifts and that variance; amplitudes and backgrounds are eliminated exactly in each step (variable
projection; G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)). Noise and flux by expectation maximization.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xafsflow.errors import ComputationError
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.noise_fit import MOST_JITTER, Scatter
from xafsflow.kernels.spectra.shift_model import (
    DEGREE,
    Linear,
    Spectra,
    column,
    linearize,
    project,
    shares,
    solve,
)

# eV: the longest step, the step at which the flux comes in, and the one that ends the search.
LONGEST, FLUX_STEP, SMALL = 1.5, 0.05, 1e-5
# eV: the step of the shifts at which the resolution comes in. eV^2: the longest step of its variance, the one that ends the
# search (or that many of its errors), and the variances beyond which it is no resolution.
SEEN_STEP, LONGEST_SEEN, SMALL_SEEN, EXACT = 0.3, 0.3, 2e-4, 0.02
SHARPEST, BLUNTEST = -0.36, 9.0
# Steps in all, and those after which noise and flux need not be settled to the last percent.
STEPS, PATIENCE = 60, 30


@dataclass(frozen=True, eq=False)
class ShiftFit:
    """What the fit found.

    `parameters` (m,) with `covariance`; `shift` (t,); `own_error` (t,) of a spectrum's shift by its own noise alone;
    `amplitude` (t, curve); `flux` (energy,) and its standard deviation `jitter`; `noise` (t,) factors of the given
    variances; `misfit` (t,), the root mean square of residual and flux together; `correlation` (t,) between the shift
    and the amplitudes: 1 where a change of amplitudes does what a shift does; `blur`, the variance, eV^2, of the Gaussian
    by which the images are blunter than the curves, and `blur_error`, where that was fitted; `root` (t, energy) and `prior`
    (energy,), the weights of values and flux at the end.
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
    blur: float
    blur_error: float
    root: Doubles
    prior: Doubles

    @property
    def flux_at_limit(self) -> bool:
        """Whether the flux has taken up all that it may: the model leaves what no flux explains."""
        return self.jitter >= MOST_JITTER

    @property
    def resolution_at_limit(self) -> bool:
        """Whether the search for the resolution ended where none is any more."""
        return not SHARPEST < self.blur < BLUNTEST


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
    >>> from xafsflow.kernels.spectra.shift_model import Spectra
    >>> energy, shifts = np.linspace(-9, 9, 60), np.array([-0.5, 0.25, 0.0, 1.0])
    >>> noise = 1e-4 * np.random.default_rng(0).standard_normal((4, 60))
    >>> mu = 3 * np.tanh(energy + shifts[:, None]) + 0.2 * energy + noise
    >>> found = fit_shifts(Spectra(energy, mu, np.ones((4, 60)), curves), np.eye(4), np.zeros(4))
    >>> found.shift.round(3)
    array([-0.5 ,  0.25,  0.  ,  1.  ])
    """
    parameters, blur, flux = np.array(start, float), spectra.blur, np.zeros(len(spectra.energy))
    kinds = spectra.curves(spectra.energy[:1], 0).shape[0]
    mix = np.full((len(spectra.mu), kinds), 1 / kinds)
    # Amplitudes, slope and background of each spectrum, and its share of the parameters.
    fitted = kinds + DEGREE + 2 + (basis.shape[1] + (spectra.seen is not None)) / len(spectra.mu)
    scatter = Scatter(spectra.variance, spectra.weight, fitted)
    seen, wider, reach = False, 0.0, LONGEST_SEEN
    for turn in range(STEPS):
        shift = fixed + basis @ parameters
        linear = linearize(replace(spectra, blur=blur), shift, flux, scatter.root, mix, seen)
        mix = shares(linear.amplitude)
        flux, step, unsure, covariance = solve(linear, basis, scatter.prior, blur)
        step, wanted = step[: basis.shape[1]], float(step[basis.shape[1] :].sum())
        # Steps that go to and fro enclose the answer.
        reach, wider = reach / (2 if wanted * wider < 0 else 1), _within(blur, wanted, reach)
        moves = basis @ step
        longest = np.abs(moves).max()
        if not np.isfinite(longest):
            raise _outside(shift)
        parameters += step * min(1.0, LONGEST / max(longest, SMALL))
        left = linear.residual - flux - linear.slope * column(moves)
        if linear.bend is not None:
            left -= linear.bend * wider
        close = seen or spectra.seen is None
        settled = scatter.learn(project(linear, left), flux, unsure, fit_flux=close and longest < FLUX_STEP)
        blur += wider
        exact = max(SMALL_SEEN, EXACT * float(np.sqrt(covariance[basis.shape[1] :, basis.shape[1] :].sum())))
        small = close and longest < SMALL and abs(wider) < exact
        if small and (settled or turn >= PATIENCE):
            return _finish(linear, parameters, covariance, shift + moves, blur, flux, scatter)
        seen = seen or (spectra.seen is not None and longest < SEEN_STEP)
    raise ComputationError(
        f"a fit of the energy shift that does not settle in {STEPS} steps",
        "spectra that hold the standard's edge",
        "check the standard, the span, and that the images show it",
    )


def _within(blur: float, step: float, reach: float) -> float:
    """How far the variance goes: not too far at once, and not beyond its limits."""
    return min(max(blur + min(max(step, -reach), reach), SHARPEST), BLUNTEST) - blur


def _outside(shift: Doubles) -> ComputationError:
    return ComputationError(
        f"shifts from {shift.min():.1f} to {shift.max():.1f} eV, where the standard is not known",
        "a standard that covers the scan and its shift",
        "check the energies of the standard, or choose a narrower span",
    )


def with_other_curves(spectra: Spectra, basis: Doubles, found: ShiftFit) -> Doubles:
    """How far the parameters `(m,)`, and the variance where that is fitted, move when other curves are fitted; first order.

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
    seen, mix = spectra.seen is not None, shares(found.amplitude)
    linear = linearize(replace(spectra, blur=found.blur), found.shift, found.flux, found.root, mix, seen)
    return solve(linear, basis, found.prior, found.blur)[1]


def _finish(
    linear: Linear,
    parameters: Doubles,
    covariance: Doubles,
    shift: Doubles,
    blur: float,
    flux: Doubles,
    scatter: Scatter,
) -> ShiftFit:
    count = len(parameters)
    own = (project(linear, linear.slope) ** 2).sum(axis=1)
    n_curves = linear.amplitude.shape[1]
    others, _ = np.linalg.qr((linear.columns * linear.root[:, :, None])[:, :, n_curves:])
    without = (project(linear, linear.slope, others) ** 2).sum(axis=1)
    return ShiftFit(
        parameters=parameters,
        covariance=covariance[:count, :count],
        shift=shift,
        own_error=1 / np.sqrt(own),
        amplitude=linear.amplitude,
        flux=flux,
        jitter=scatter.jitter,
        noise=scatter.noise,
        misfit=np.sqrt((linear.residual**2).mean(axis=1)),
        correlation=np.sqrt(np.maximum(0, 1 - own / without)),
        blur=blur,
        blur_error=float(np.sqrt(covariance[count:, count:].sum())),
        root=linear.root,
        prior=scatter.prior,
    )
