"""Which references the components of the cube can make."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.judge_findings import TargetCandidate, TargetFindings, TargetSpectrum
from xafsflow.learning.unsupervised import components as learn
from xafsflow.sampling.candidate_spectra import normalized_candidates
from xafsflow.step_table import step

# Candidates whose spectra and images in the components are shown.
SHOWN = 10


@step(makes="findings", needs=["norm"], section="target_test", axis="energy")
def target(
    cube: xr.Dataset,
    components: xr.Dataset,
    candidates: xr.Dataset,
    /,
    *,
    keep: Annotated[int, Field(ge=1)] | None = None,
    spectra: Annotated[float, Field(gt=0)] = 10.0,
) -> TargetFindings:
    """Test every candidate against the components: can it be in the sample at all?

    A candidate, normalized as the scan was, is projected on the components (target transformation). What the projection
    misses is compared with what the noise of the data would make it miss: SPOIL, by Malinowski's definition as
    `xafsflow.learning.unsupervised.components.target` has it; below 1.5 excellent, 3 good, 4.5 fair, 6 acceptable.
    That a spectrum passes does not say that it is there: sums of those which are pass as well. A candidate measured
    with another energy calibration than the scan's fails.

    Parameters
    ----------
    keep
        Components that are used; None takes as many as judge.components kept.
    spectra
        As how many spectra the scan counts. The grades come from studies of about ten spectra; the components of
        thousands of pixels have hardly an error left, and no measured reference would pass. SPOIL of what does
        not fit goes with the root of this number.

    Raises
    ------
    InputError
        More components than there are, or another cube's.
    ComputationError
        No candidate covers the energies of the components.
    """
    used, energy = int(components.attrs["keep"]) if keep is None else keep, components.energy.values
    if used > components.sizes["component"]:
        found = f"keep={used} of {components.sizes['component']} components"
        raise InputError(found, "as many or fewer", "lower keep, or raise most of judge.components")
    if not np.isin(energy, cube.energy.values).all():
        raise InputError(
            "components at other energies than the cube's",
            "those of this cube",
            "run judge.components on it, behind every step that changes the energies",
        )
    known, left_out = normalized_candidates(cube, candidates, energy[0], energy[-1])
    scale, vectors = components.scale.values, components.component.values[:used]
    eigenvalues, error = components.eigenvalue.values[:used], components.attrs["error"]
    tested = []
    for name, norm in zip(known.spectrum.values, known.norm.sel(energy=energy).values, strict=True):
        one = learn.target(vectors, eigenvalues, error, spectra, norm / scale)
        fit = one.fit * scale
        candidate = TargetCandidate(
            name=str(name),
            spoil=one.spoil,
            grade=learn.grade(one.spoil),
            r_factor=float(((fit - norm) ** 2).sum() / (norm**2).sum()),
            reduced_chi_square=one.aet**2,
            rms=float(np.sqrt(((fit - norm) ** 2).mean())),
        )
        tested.append((candidate, TargetSpectrum(norm, fit)))
    tested.sort(key=lambda one: (one[0].spoil, one[0].reduced_chi_square))
    return TargetFindings(
        components=used,
        spectra=spectra,
        energy=energy,
        candidates=tuple(candidate for candidate, _ in tested),
        spectra_shown={candidate.name: spectrum for candidate, spectrum in tested[:SHOWN]},
        left_out=tuple(left_out),
    )
