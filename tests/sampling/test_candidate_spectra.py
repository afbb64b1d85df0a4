"""Which candidates cover a scan, and their values at its ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import ComputationError
from xafsflow.io.folders import Folders
from xafsflow.io.readers.spectrum_library import Spectrum, library_of
from xafsflow.phantom import spectrum
from xafsflow.sampling.candidate_spectra import normalized_candidates

SCAN = np.concatenate([np.arange(7060.0, 7100, 4), np.arange(7100.0, 7140, 0.8), np.arange(7140.0, 7174, 3)])


def scan(energy: Any = SCAN) -> xr.Dataset:
    """A normalized cube of a pixel that no candidate is compared with."""
    mu = np.broadcast_to(spectrum("FeO", energy)[:, None, None], (len(energy), 2, 2)).astype(np.float32)
    cube = xr.Dataset({"mu": (("energy", "y", "x"), mu)}, {"energy": energy})
    cube = xf.ingest.as_measured(cube.assign(flags=(("y", "x"), np.zeros((2, 2), np.uint8))))
    return xf.normalize.edge_step(cube, e0=7112.0, pre2=-8.0, norm1=30.0, nnorm=1)


def candidates(**energies: Any) -> xr.Dataset:
    """The same phase, each measured at its own energies."""
    columns = ("energy", "mu")
    return library_of(
        [
            Spectrum(name, energy, spectrum("Fe2O3", energy), "Fe", "K", columns, Path(f"{name}.dat"), {})
            for name, energy in energies.items()
        ]
    )


def measured_to(end: float, spacing: float, start: float = 7060.0) -> Any:
    """Densely over the edge, and with this spacing at both ends."""
    below, above = np.arange(start, 7100, spacing), np.arange(end, 7140, -spacing)[::-1]
    return np.concatenate([below, np.arange(7100.0, 7140, 0.4), above])


@pytest.mark.parametrize("spacing", [1.0, 3.7, 6.0])
def test_candidates__that_go_beyond_the_scan_cover_it_however_coarse_they_are(spacing: float) -> None:
    beyond = measured_to(7199.7, spacing, 7041.3)
    assert (np.abs(beyond - SCAN[-1]) > 0.2).all()
    found, left_out = normalized_candidates(
        scan(), candidates(dense=np.arange(7000, 7300, 0.5), coarse=beyond), SCAN[0], SCAN[-1]
    )
    assert left_out == []
    # Where the points lie moves the curves of the normalization, and so the scale; between points that lie 6 eV apart a
    # curve misses fine structure by half a percent.
    coarse, dense = (found.norm.sel(spectrum=name) for name in ("coarse", "dense"))
    np.testing.assert_allclose(coarse / coarse.mean(), dense / dense.mean(), atol=0.012)


def test_candidates__may_end_less_than_one_spacing_before_the_scan() -> None:
    end = SCAN[-1]
    held, short = measured_to(end - 2.9, 3.0), measured_to(end - 3.1, 3.0)
    fine, late = measured_to(end - 0.7, 0.5), measured_to(end + 9, 3.0, SCAN[0] + 3.1)
    found, left_out = normalized_candidates(
        scan(), candidates(held=held, short=short, fine=fine, late=late), SCAN[0], end
    )
    assert left_out == ["short", "fine", "late"]
    values = found.norm.sel(spectrum="held")
    at_its_end, _ = normalized_candidates(scan(), candidates(held=held), SCAN[0], held[-1] - 1e-9)
    inside = values.energy <= at_its_end.energy[-1]
    np.testing.assert_allclose(values[inside], at_its_end.norm[0], atol=1e-6)
    to_its_last = scan(np.union1d(SCAN, held[-1:]))
    known, _ = normalized_candidates(to_its_last, candidates(held=held), SCAN[0], end)
    assert values.values[-1] == pytest.approx(float(known.norm[0].sel(energy=held[-1])), abs=1e-6)


def test_candidates__need_only_what_is_asked_for() -> None:
    found, left_out = normalized_candidates(scan(), candidates(short=measured_to(7160, 1.0)), 7092.0, 7155.0)
    assert left_out == []
    assert np.isfinite(found.norm).all()
    with pytest.raises(ComputationError, match=r"short from 7060\.0 to 7160\.0 eV"):
        normalized_candidates(scan(), candidates(short=measured_to(7160, 1.0)), 7092.0, 7170.0)


def test_candidates__of_a_measured_library_cover_the_scan_that_it_was_made_for(shared: Path) -> None:
    energy = np.loadtxt(shared / "fe_library" / "energy_list_corr.txt")
    energy = energy[energy <= 7173]
    library = xf.ingest.candidates(Folders(shared / "fe_library"), files=["*.nor"])
    found, left_out = normalized_candidates(scan(energy), library, 7092.0, energy[-1])
    assert left_out == []
    assert found.sizes == {"spectrum": library.sizes["spectrum"], "energy": (energy >= 7092).sum()}
    assert np.isfinite(found.norm).all()
