"""Which references the components of the cube can make."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.learning.unsupervised import components as learn
from xafsflow.sampling import replay
from xafsflow.step_table import step

# Candidates whose spectra and images in the components are told.
SHOWN = 10


@step(makes="findings", needs=["norm"])
def target(
    cube: xr.Dataset,
    components: xr.Dataset,
    candidates: xr.Dataset,
    /,
    *,
    keep: Annotated[int, Field(ge=1)] | None = None,
    spectra: Annotated[float, Field(gt=0)] = 10.0,
) -> dict[str, Any]:
    """Test every candidate against the components: can it be in the sample at all?

    A candidate, normalized as the scan was, is projected on the components (target transformation). What the projection
    misses is compared with what the noise of the data would make it miss: SPOIL, by Malinowski's definition as
    `xafsflow.learning.unsupervised.components.target` has it; below 1.5 excellent, 3 good, 4.5 fair, 6 acceptable.
    That a spectrum passes
    does not say that it is there: sums of those which are pass as well. A candidate measured with another energy
    calibration than the scan's fails.

    Parameters
    ----------
    keep
        Components that are used; None takes as many as judge.components kept.
    spectra
        As how many spectra the scan counts. The grades come from studies of about ten spectra; the components of
        thousands of pixels have hardly an error left, and no measured reference would pass. SPOIL of what does
        not fit goes with the root of this number.

    Returns
    -------
    dict
        `candidates`, best first: name, `spoil`, `grade`, `r_factor` = sum((fit-norm)^2)/sum(norm^2), `reduced_chi_square` of
        the image in units of a typical pixel's noise, `rms` in norm; the spectra of the first ten; who was left out.

    Raises
    ------
    InputError
        More components than there are, or another cube's.
    ComputationError
        No candidate covers the energies of the components.
    """
    used, energy = int(components.attrs["keep"]) if keep is None else keep, components.energy.values
    if used > components.sizes["component"]:
        told = f"keep={used} of {components.sizes['component']} components"
        raise InputError(told, "as many or fewer", "lower keep, or raise most of judge.components")
    if not np.isin(energy, cube.energy.values).all():
        raise InputError(
            "components at other energies than the cube's",
            "those of this cube",
            "run judge.components on it, behind every step that changes the energies",
        )
    known, left_out = replay.normalized_candidates(cube, candidates, energy[0], energy[-1])
    scale, vectors = components.scale.values, components.component.values[:used]
    eigenvalues, error = components.eigenvalue.values[:used], components.attrs["error"]
    rows = []
    for name, norm in zip(known.spectrum.values, known.norm.sel(energy=energy).values, strict=True):
        found = learn.target(vectors, eigenvalues, error, spectra, norm / scale)
        fit = found.fit * scale
        row = {
            "name": str(name),
            "spoil": found.spoil,
            "grade": learn.grade(found.spoil),
            "r_factor": float(((fit - norm) ** 2).sum() / (norm**2).sum()),
            "reduced_chi_square": found.aet**2,
            "rms": float(np.sqrt(((fit - norm) ** 2).mean())),
        }
        rows.append((found.spoil, found.aet, row, norm, fit))
    rows.sort(key=lambda row: row[:2])
    return {
        "components": used,
        "spectra": spectra,
        "energy": energy,
        "candidates": [row[2] for row in rows],
        "spectra_shown": {row[2]["name"]: {"norm": row[3], "fit": row[4]} for row in rows[:SHOWN]},
        "left_out": left_out,
    }
