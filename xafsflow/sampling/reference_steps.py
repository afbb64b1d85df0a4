"""Edge steps of references over their own long range, in whose units shares are told."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr

from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.normalization import edge_step
from xafsflow.kernels.spectra.normalization_windows import Windows
from xafsflow.provenance import Done

# Begins of the post-edge, eV above the edge, and its degrees: what people choose, each giving another step.
BEGINS, DEGREES = (50.0, 75.0, 100.0, 150.0), (1, 2)
# A curve of a degree is fitted to so many eV after the edge at least; a shorter one bends with the fine structure.
LEAST = {1: 50.0, 2: 150.0}


@dataclass(frozen=True)
class StepRatios:
    """By how much the edge step of each reference exceeds the one that a scan's normalization gives it.

    `ratio` (reference,), one where the reference is too short to tell; `error` (reference,), its standard deviation over
    the windows, NaN there.
    """

    ratio: Doubles
    error: Doubles


def step_ratios(library: xr.Dataset, reference: xr.Dataset, plan: list[Done]) -> StepRatios:
    """Edge steps over the references' whole ranges, over those of the scan's normalization.

    A scan often ends 100 to 200 eV above its edge, where a line through the fine structure finds a step that is wrong by up
    to 15 %, for each compound another. A reference that was measured further tells its own step better. That depends on the
    window as well: the median over post-edges from 50, 75, 100 and 150 eV to the end, of degree 1 and 2, is taken, and
    their scatter is its uncertainty (half the distance between the quantiles of one standard deviation).

    Parameters
    ----------
    library
        `energy` and `mu` (spectrum, point), as measured.
    reference
        As `replay.normalized_references` gives them: `edge_step` and `e0` (1, spectrum).
    plan
        The steps of the scan. After `normalize.none` nothing was divided by a step, and all ratios are one.

    Examples
    --------
    >>> import xafsflow as xf
    >>> library = xf.ingest.phantom_references(names=["Fe2O3"])
    >>> half = xr.Dataset({"edge_step": (("y", "x"), [[0.5]]), "e0": (("y", "x"), [[7112.0]])})
    >>> found = step_ratios(library, half, [])
    >>> own, _ = whole_steps(library, 7112.0)
    >>> bool(np.allclose(found.ratio, own / 0.5))
    True
    """
    count = library.sizes["spectrum"]
    ratio, error = np.ones(count), np.full(count, np.nan)
    if any(one.step == "normalize.none" for one in plan):
        return StepRatios(ratio, error)
    own, spread = whole_steps(library, float(np.nanmean(reference.e0.values)))
    known = np.isfinite(own)
    ratio[known] = own[known] / reference.edge_step.values[0].astype(float)[known]
    error[known] = spread[known] / own[known] * ratio[known]
    return StepRatios(ratio, error)


def whole_steps(library: xr.Dataset, e0: float) -> tuple[Doubles, Doubles]:
    """Edge steps `(spectrum,)` over the whole range of each spectrum, and their scatter over windows; NaN if too short."""
    found = [
        _steps(energy[np.isfinite(energy)], mu[np.isfinite(energy)], e0)
        for energy, mu in zip(library.energy.values, library.mu.values.astype(float), strict=True)
    ]
    middle = [float(np.median(one)) if len(one) > 1 else np.nan for one in found]
    spread = [
        float(np.subtract(*np.quantile(one, [0.8413, 0.1587]))) / 2 if len(one) > 1 else np.nan
        for one in found
    ]
    return np.array(middle), np.array(spread)


def _steps(energy: Doubles, mu: Doubles, e0: float) -> Doubles:
    """Steps by all windows that the range has room for."""
    after = energy[-1] - e0
    windows = [
        Windows(norm1=begin, nnorm=degree)
        for begin, degree in product(BEGINS, DEGREES)
        if after - begin >= LEAST[degree]
    ]
    steps = [float(edge_step(energy, mu, e0, one)[1]) for one in windows]
    return np.array([one for one in steps if one > 0])


def shares_of(coefficients: Doubles, ratio: Doubles, sum_to_one: bool = True) -> Doubles:
    """Shares in units of the true step from coefficients `(reference, ...)` of spectra that the scan normalized.

    A pixel with the shares f of references with the true steps L has the spectrum `sum f_k mu_k/L_k`. In terms of the
    references as normalized, `mu_k/S_k`, and divided by its own step, it is `sum c_k mu_k/S_k` with
    `c_k ~ f_k S_k/L_k` and a sum of one, so that `f_k ~ c_k L_k/S_k`.

    Examples
    --------
    >>> coefficients_of(np.array([0.5, 0.5]), np.array([1.0, 1.25])).round(4)
    array([0.5556, 0.4444])
    >>> shares_of(np.array([5, 4]) / 9, np.array([1.0, 1.25])).round(4)
    array([0.5, 0.5])
    """
    scaled = coefficients * ratio.reshape(-1, *[1] * (coefficients.ndim - 1))
    return np.asarray(scaled / scaled.sum(axis=0) if sum_to_one else scaled)


def coefficients_of(shares: Doubles, ratio: Doubles) -> Doubles:
    """The inverse of `shares_of`: coefficients of spectra as the scan normalizes them, with a sum of one."""
    return shares_of(shares, 1 / ratio)
