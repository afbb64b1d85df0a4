"""Known mixtures with a share of something else, and how much of it the fit's misfit betrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import ComputationError
from xafsflow.findings.judge_findings import Detection, Foreign
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.trust.detection import SHARES, detection_curve, share_found
from xafsflow.sampling.candidate_spectra import normalized_candidates
from xafsflow.sampling.judged_fit import JudgedFit
from xafsflow.sampling.reference_steps import step_ratios
from xafsflow.sampling.replay import replayed

# Patterns that a phase is put into: the share found is known to 1.3 % where it is 95 %.
PATTERNS = 300
# Fewer tell no curve.
LEAST_PATTERNS = 50
# The peak of no particular phase: its standard deviation, eV.
PEAK = 2.0


@dataclass(frozen=True, eq=False)
class Case:
    """Something foreign, and where to put it.

    `spectrum` (energy,) as the scan normalizes it, `ratio` its edge step over its whole range over that of the scan's
    normalization, `places` the check patterns that it is put into, `library` the references that are known.
    """

    name: str
    kind: Foreign
    spectrum: Doubles
    ratio: float
    places: NDArray[np.intp]
    library: xr.Dataset


def detections(fit: JudgedFit, limits: Doubles, candidates: xr.Dataset | None) -> tuple[Detection, ...]:
    """How much is found of a peak, of each reference if the library lacked it, and of each candidate.

    The phase takes the place of a share of a check pattern, `norm + c (norm_foreign - norm_mixture)`; the noise of the
    pattern, which passed through all steps, stays. `c` is the coefficient that belongs to the share, see `reference_steps`.
    The pattern is then fitted as the scan was. What moving and averaging does to the phase itself is left out.

    Parameters
    ----------
    limits
        `(group,)`, of the reduced chi-square, see `judged_fit.group_of`.
    candidates
        As `ingest.candidates` gives them; those of a reference's name and those that do not cover the fit are left out.
    """
    return tuple(_detection(fit, limits, one) for one in _cases(fit, candidates))


def _cases(fit: JudgedFit, candidates: xr.Dataset | None) -> Iterator[Case]:
    checks, library, ratio = fit.checks, fit.library, fit.cube.step_ratio.values
    norm, energy = checks.reference_norm.values.astype(float), checks.reference_energy.values
    low, high = fit.span()
    inside = (energy >= low) & (energy <= high)
    center = energy[inside][norm[:, inside].mean(axis=0).argmax()]
    every = np.arange(min(PATTERNS, checks.sizes["check"]))
    yield Case("peak", "peak", np.exp(-0.5 * ((energy - center) / PEAK) ** 2), 1.0, every, library)
    names = [str(name) for name in checks.reference.values]
    for k, name in enumerate(names):
        without = np.flatnonzero(checks.check_composition.values[:, k] == 0)[:PATTERNS]
        others = library.sel(spectrum=[one for one in names if one != name])
        if len(without) >= LEAST_PATTERNS:
            yield Case(name, "reference left out", norm[k], ratio[k], without, others)
    if candidates is None:
        return
    try:
        table, _ = normalized_candidates(fit.cube, candidates, low, high)
    except ComputationError:
        # None covers the fit: there is nothing to try.
        return
    steps = step_ratios(
        candidates.sel(spectrum=table.spectrum), table.expand_dims("y"), replayed(fit.cube)
    ).ratio
    for name, row, one in zip(table.spectrum.values, table.norm.values, steps, strict=True):
        if str(name) not in names:
            # Level beyond the fit, which steps on spectra may look at.
            yield Case(str(name), "candidate", np.interp(energy, energy[inside], row), one, every, library)


def _detection(fit: JudgedFit, limits: Doubles, case: Case) -> Detection:
    checks, places = fit.checks, case.places
    own = checks.check_norm.values[places].astype(float)
    shares = SHARES[:, None, None]
    if case.kind == "peak":
        added = shares * case.spectrum
    else:
        parts = checks.check_composition.values[places] / fit.cube.step_ratio.values
        known = parts.sum(axis=1)[:, None]
        mixture = parts @ checks.reference_norm.values / known
        coefficient = shares / case.ratio / (shares / case.ratio + (1 - shares) * known)
        added = coefficient * (case.spectrum - mixture)
    spectra = (own + added).reshape(-1, own.shape[1])
    noise = None if fit.noise is None else np.tile(fit.noise[places], (len(SHARES), 1))
    shift = None if fit.shift is None else np.tile(fit.shift[places], len(SHARES))
    misfit, fractions = fit(spectra, noise, shift, case.library)
    over = (misfit / limits[fit.group(spectra, fractions)]).reshape(len(SHARES), -1)
    # A pattern that lacks energies of the fit has no answer, as pixels that do.
    found = detection_curve(over[:, np.isfinite(over).all(axis=0)])
    return Detection(case.name, case.kind, SHARES, found, share_found(SHARES, found))
