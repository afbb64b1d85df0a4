"""Where a cube was normalized, on the energies of its scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import xarray as xr

from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.findings.normalization_findings import NormalizationFindings
from xafsflow.kernels.spectra.edge_energy import find_e0
from xafsflow.kernels.spectra.normalization_windows import Windows, larch_ranges
from xafsflow.provenance import known_history
from xafsflow.vocabulary import LEFT_OUT

# Rows that the mean spectrum is made of.
ROWS = 4
# What the methods fit in their windows: the pre-edge and post-edge have the degrees of the settings, a fixed one, or none.
PRE: Mapping[str, int | None] = {"mean": 0, "mback": None}
POST: Mapping[str, int | None] = {"mean": 0, "area": None, "mback": None}
WITHOUT_WINDOWS = ("minmax", "none")


def normalization_of_run(cube: xr.Dataset) -> NormalizationFindings | None:
    """What the normalization of a cube looked at; None where there is none, or none with windows.

    Reads `norm` and `e0` of a few rows.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 16), energies=60))
    >>> found = normalization_of_run(xf.normalize.edge_step(cube, e0=7112.0, pre2=-15.0, norm1=40.0, nnorm=1))
    >>> found.step, found.pre_points, found.post_degree, round(found.post_span)
    ('normalize.edge_step', 4, 1, 142)
    """
    line = known_history(cube.norm) if "norm" in cube else None
    done = next((one for one in reversed(line or []) if one["step"].startswith("normalize.")), None)
    method = "none" if done is None else done["step"].partition(".")[2]
    if done is None or method in WITHOUT_WINDOWS or "energy" not in cube.norm.dims:
        return None
    given = {name: done["settings"][name] for name in Windows._fields if name in done["settings"]}
    energy = cube.energy.values.astype(float)
    e0, edge = _edges(cube, energy)
    if not np.isfinite(e0):
        return None
    ranges = larch_ranges(energy, e0, Windows(**cast(dict[str, int], given)))
    post = energy[ranges.post_start : ranges.post_stop]
    return NormalizationFindings(
        step=done["step"],
        e0=e0,
        edge=edge,
        pre_points=ranges.pre_stop - ranges.pre_start,
        pre_degree=PRE.get(method, Windows(**cast(dict[str, int], given)).npre),
        post_points=post.size,
        post_span=float(np.ptp(post)),
        # As asked for: a degree that Larch lowers for want of points is one that the window does not bear.
        post_degree=POST.get(
            method, cast(int, given["nnorm"] if given.get("nnorm") is not None else ranges.nnorm)
        ),
    )


def _edges(cube: xr.Dataset, energy: np.ndarray) -> tuple[float, float]:
    """The median e0 of the pixels of some rows, and where their mean spectrum rises most steeply, eV."""
    rows = spread_rows(cube.sizes["y"], ROWS, cube.sizes["x"])
    found = values_at({name: cube[name] for name in ("norm", "e0", "flags")}, rows)
    good = (found["flags"] & np.uint8(LEFT_OUT) == 0) & np.isfinite(found["e0"])
    if not good.any():
        return np.nan, np.nan
    spectra = found["norm"][:, good]
    count = np.isfinite(spectra).sum(axis=1)
    # Pixels whose shift leaves the ends of the scan uncovered are no reason to look at fewer energies elsewhere.
    known = count >= count.max() / 2
    mean = np.nansum(spectra[known], axis=1, dtype=float) / count[known]
    return float(np.median(found["e0"][good])), float(find_e0(energy[known], mean))
