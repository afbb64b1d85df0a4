"""Candidates for a missing phase, normalized as the scan was, on its energies."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xafsflow.errors import ComputationError
from xafsflow.io.readers.spectrum_library import on_grid
from xafsflow.kernels.array_types import Doubles
from xafsflow.sampling.replay import check_normalized, on_spectra, replayed, through
from xafsflow.sampling.scan_resolution import as_blunt

# Own points that a candidate needs within the scan.
LEAST_POINTS = 5


def normalized_candidates(
    cube: xr.Dataset, candidates: xr.Dataset, low: float, high: float
) -> tuple[xr.Dataset, list[str]]:
    """Candidates after the scan's normalization, each on its own energies within the scan's range.

    They may cover less than the scan: the windows of the normalization end where a candidate ends. A candidate may end
    before the range that is asked for, at either side, by less than the distance of its outermost two points; its first or
    last value is held there, and nothing else is extrapolated.

    Parameters
    ----------
    cube
        Normalized.
    candidates
        As `ingest.candidates` gives them.
    low, high
        eV; candidates that do not cover them are left out.

    Returns
    -------
    Dataset, list
        `norm` (spectrum, energy) at the cube's energies from low to high, with `edge_step` and `e0` (spectrum,), and the
        names that were left out.

    Raises
    ------
    ComputationError
        None is left.
    """
    plan, energy = on_spectra(replayed(cube)), cube.energy.values
    check_normalized(plan)
    inside = energy[(energy >= low) & (energy <= high)]
    rows, steps, names, left_out = [], [], [], []
    for name in candidates.spectrum.values:
        one = as_blunt(candidates.sel(spectrum=[name]), cube)
        own = one.energy.values[0]
        grid = _points(own[np.isfinite(own)], energy, inside)
        if grid is None:
            left_out.append(str(name))
            continue
        alone = cube.drop_vars("energy").drop_dims("energy").assign_coords(energy=grid)
        found = through(alone, plan, on_grid(one, grid).mu.values.T, None, None)
        row = np.interp(inside, grid, found.norm.values[:, 0, 0])
        if not np.isfinite(row).all():
            left_out.append(str(name))
            continue
        rows.append(row)
        steps.append((found.edge_step.item(), found.e0.item()))
        names.append(str(name))
    if not rows:
        raise ComputationError(
            f"no candidate from {low:.1f} to {high:.1f} eV that can be normalized as the scan was; {_ranges(candidates)}",
            "one or more",
            "give spectra of the scan's edge, or narrow span",
        )
    height, e0 = np.array(steps, float).T
    arrays = {
        "norm": (("spectrum", "energy"), np.array(rows)),
        "edge_step": ("spectrum", height),
        "e0": ("spectrum", e0),
    }
    return xr.Dataset(arrays, {"spectrum": names, "energy": inside}), left_out


def _points(own: Doubles, energy: Doubles, inside: Doubles) -> Doubles | None:
    """Energies at which a candidate, measured at `own`, is normalized; None where it does not cover those `inside`."""
    # What lies beyond the scan would move the windows of the normalization, which count from the ends.
    within = own[(own >= energy[0]) & (own <= energy[-1])]
    if within.size < LEAST_POINTS or inside.size == 0:
        return None
    if own[0] - inside[0] >= own[1] - own[0] or inside[-1] - own[-1] >= own[-1] - own[-2]:
        return None
    # A candidate that goes on beyond the scan has values up to the scan's ends, however far its points lie apart there.
    wanted = np.concatenate([energy[:1], inside, energy[-1:]])
    return np.union1d(within, wanted[(wanted >= own[0]) & (wanted <= own[-1])])


def _ranges(candidates: xr.Dataset) -> str:
    """The ranges of the candidates, up to three of them."""
    energy = candidates.energy.values
    ranges = [
        f"{name} from {low:.1f} to {high:.1f} eV"
        for name, low, high in zip(
            candidates.spectrum.values, np.nanmin(energy, 1), np.nanmax(energy, 1), strict=True
        )
    ]
    return ", ".join(ranges[:3]) + (", ..." if len(ranges) > 3 else "")
