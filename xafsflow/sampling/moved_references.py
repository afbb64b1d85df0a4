"""References as spectra show them that were measured at other energies and moved to the scan's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.kernels.array_types import Doubles
from xafsflow.provenance import interpolation
from xafsflow.sampling import replay
from xafsflow.step_table import steps_done

# Parts of the edge step: below, what an interpolation does to a reference is lost in any noise.
UNSEEN = 5e-4


@dataclass(frozen=True, eq=False)
class MovedReferences:
    """References `table` (shift, reference, energy) after they were measured at `shifts` (shift,), eV, and moved back."""

    shifts: Doubles
    table: Doubles


def moved_references(
    cube: xr.Dataset, library: xr.Dataset, reference: xr.Dataset, features: str
) -> MovedReferences | None:
    """What `calibrate.apply` makes of the references in each pixel; None where that is nothing to speak of.

    Between energies that lie further apart than an edge is wide, an interpolation misses some of it: by 1 % of the edge step
    with 1.4 eV, 0.3 % with 0.8 eV, nothing with 0.4 eV. It is another part for each shift, so that references that are put
    on the scan's energies directly fit no pixel.

    Parameters
    ----------
    reference
        The same references, as `replay.normalized_references` gives them.
    features
        `norm` or `dmude`.
    """
    done = interpolation(steps_done(cube), "spectral")
    if done is None or done.interpolates is None or done.interpolates.by not in cube:
        return None
    rows = spread_rows(cube.sizes["y"], replay.SAMPLED_ROWS, cube.sizes["x"])
    # A field is smooth: its corners hold its extremes, and its rows what lies between.
    rows = np.unique([0, *rows, cube.sizes["y"] - 1])
    shift = np.asarray(values_at({"shift": cube[done.interpolates.by]}, rows)["shift"], float)
    shift = shift[np.isfinite(shift)]
    if not shift.size or not shift.any():
        return None
    margin = 0.02 * max(float(np.ptp(shift)), 0.1)
    shifts = np.linspace(shift.min() - margin, shift.max() + margin, replay.SHIFTS)
    mixer = replay.Mixer(cube, library, reference, shifts)
    each, count = np.eye(library.sizes["spectrum"]), library.sizes["spectrum"]
    by = np.repeat(shifts, count)
    spectra = mixer(np.tile(each, (len(shifts), 1)), by)
    pixels = replay.Pixels(np.ones(len(by)), np.zeros_like(spectra), by, np.zeros(len(by)))
    found = replay.through(cube, replay.replayed(cube), spectra, pixels, None)[features].values[:, 0]
    table = found.T.reshape(len(shifts), count, -1).astype(float)
    plain = reference[features].values[:, 0].T
    off = np.abs(table - plain)
    if not (np.nanmax(off) if np.isfinite(off).any() else 0.0) > UNSEEN * np.nanmax(np.abs(plain)):
        return None
    # Ends of the scan that a shift leaves without energies: a pixel has nothing there either.
    return MovedReferences(shifts, np.where(np.isfinite(table), table, plain))
