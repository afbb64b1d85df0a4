"""Known mixtures with a share of something else, and how much of it the fit's misfit betrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import ComputationError
from xafsflow.findings.judge_findings import Detection, Foreign
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.trust.detection import SHARES, detection_curve, share_found
from xafsflow.sampling.candidate_spectra import normalized_candidates
from xafsflow.sampling.judged_fit import JudgedFit, taking_part

# Patterns that a phase is put into: the share found is known to 1.3 % where it is 95 %.
PATTERNS = 300
# The peak of no particular phase: its standard deviation, eV.
PEAK = 2.0


def detections(fit: JudgedFit, limits: Doubles, candidates: xr.Dataset | None) -> tuple[Detection, ...]:
    """How much is found of a peak, of each reference if the library lacked it, and of each candidate.

    The phase takes the place of a share of a check pattern: `norm + x (norm_foreign - norm_mixture)`, with the noise of the
    pattern, which passed through all steps. Normalization is linear where edge steps are alike, and the phase's own error of
    interpolation is left out. The pattern is then fitted as the scan was.

    Parameters
    ----------
    limits
        `(references + 1,)`, of the reduced chi-square by the number of references that take part.
    candidates
        As `ingest.candidates` gives them; those of a reference's name and those that do not cover the fit are left out.
    """
    return tuple(
        _detection(fit, limits, name, kind, foreign, places, library)
        for name, kind, foreign, places, library in _foreign(fit, candidates)
    )


Case = tuple[str, Foreign, Doubles, NDArray[np.intp], xr.Dataset]


def _foreign(fit: JudgedFit, candidates: xr.Dataset | None) -> Iterator[Case]:
    """Name, kind, spectrum `(energy,)` or peak, the patterns to put it into, and the references that are known."""
    checks, library = fit.checks, fit.library
    norm, energy = checks.reference_norm.values.astype(float), checks.reference_energy.values
    low, high = fit.span()
    inside = (energy >= low) & (energy <= high)
    center = energy[inside][norm[:, inside].mean(axis=0).argmax()]
    every = np.arange(min(PATTERNS, checks.sizes["check"]))
    yield "peak", "peak", np.exp(-0.5 * ((energy - center) / PEAK) ** 2), every, library
    names = [str(name) for name in checks.reference.values]
    for k, name in enumerate(names if len(names) > 1 else []):
        without = np.flatnonzero(checks.check_composition.values[:, k] == 0)[:PATTERNS]
        others = library.isel(spectrum=[i for i, one in enumerate(library.spectrum.values) if one != name])
        yield name, "reference left out", norm[k], without, others
    if candidates is None:
        return
    try:
        table, _ = normalized_candidates(fit.cube, candidates, low, high)
    except ComputationError:
        return
    for name in (str(one) for one in table.spectrum.values if str(one) not in names):
        # Level beyond the fit, which steps on spectra may look at.
        spectrum = np.interp(energy, energy[inside], table.norm.sel(spectrum=name).values)
        yield name, "candidate", spectrum, every, library


def _detection(
    fit: JudgedFit,
    limits: Doubles,
    name: str,
    kind: Foreign,
    foreign: Doubles,
    places: NDArray[np.intp],
    library: xr.Dataset,
) -> Detection:
    checks = fit.checks
    own = checks.check_norm.values[places].astype(float)
    mixture = checks.check_composition.values[places] @ checks.reference_norm.values
    added = foreign[None] if kind == "peak" else foreign[None] - mixture
    spectra = (own[None] + SHARES[:, None, None] * added[None]).reshape(-1, own.shape[1])
    noise = None if fit.noise is None else np.tile(fit.noise[places], (len(SHARES), 1))
    misfit, fractions = fit(spectra, noise, library)
    above = misfit.reshape(len(SHARES), -1), limits[taking_part(fractions)].reshape(len(SHARES), -1)
    found = detection_curve(*above)
    return Detection(name, kind, SHARES, found, share_found(SHARES, found))
