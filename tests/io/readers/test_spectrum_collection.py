from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.readers.spectrum_library import Spectrum, library_of, on_grid

ENERGY = 7100.0 + np.arange(8) ** 1.5
MU = 0.1 + 1 / (1 + np.exp(-(ENERGY - 7110.0)))


def spectrum_of(name: str, energy: np.ndarray, mu: np.ndarray) -> Spectrum:
    return Spectrum(name, energy, mu, "Fe", "K", ("energy", "mu"), Path(f"{name}.xdi"), {})


def test_library_of__puts_spectra_side_by_side() -> None:
    library = library_of([spectrum_of("a", ENERGY, MU), spectrum_of("b", ENERGY[:5] + 1, MU[:5])])
    assert dict(library.sizes) == {"spectrum": 2, "point": 8}
    np.testing.assert_array_equal(library.energy[1], np.r_[ENERGY[:5] + 1, [np.nan] * 3])
    np.testing.assert_array_equal(library.mu.sel(spectrum="a"), MU)
    assert library.spectrum.values.tolist() == ["a", "b"]
    assert library.source.values.tolist() == ["a.xdi", "b.xdi"]
    assert all(library[name].dtype.kind == "U" for name in ("spectrum", "element", "edge", "source"))
    assert library.energy.attrs["units"] == "eV"
    for spectra, message in (
        ([], "no spectrum"),
        ([spectrum_of("a", ENERGY, MU)] * 2, "two spectra named a"),
    ):
        with pytest.raises(InputError, match=message):
            library_of(spectra)


@pytest.mark.long
@given(
    st.lists(st.floats(0.1, 5.0), min_size=4, max_size=30),
    st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    st.lists(st.floats(-0.3, 1.3), min_size=1, max_size=30),
)
@settings(deadline=None)
def test_on_grid__is_exact_for_cubics_and_never_extrapolates(
    gaps: list[float], coefficients: list[float], places: list[float]
) -> None:
    energy = 7000 + np.cumsum([0.0, *gaps])
    span = energy[-1] - energy[0]
    cubic = np.polynomial.Polynomial(coefficients, domain=[energy[0], energy[-1]])
    grid = energy[0] + span * np.array(places)
    library = library_of(
        [
            spectrum_of("long", np.arange(6000.0, 9000.0), np.zeros(3000)),
            spectrum_of("a", energy, cubic(energy)),
        ]
    )
    found = on_grid(library, grid).mu.sel(spectrum="a").values
    inside = (grid >= energy[0]) & (grid <= energy[-1])
    np.testing.assert_allclose(found[inside], cubic(grid[inside]), atol=1e-6)
    assert np.isnan(found[(grid < energy[0] - 1e-6) | (grid > energy[-1] + 1e-6)]).all()
    lines = on_grid(library, grid, "linear").mu.sel(spectrum="a").values
    np.testing.assert_allclose(lines[inside], np.interp(grid[inside], energy, cubic(energy)), atol=1e-9)
    np.testing.assert_array_equal(np.isnan(lines), np.isnan(found))


def test_on_grid__gives_a_library_on_one_energy_axis() -> None:
    library = library_of([spectrum_of("a", ENERGY, MU), spectrum_of("b", ENERGY[:5], MU[:5])])
    before = library.copy(deep=True)
    gridded = on_grid(library, [*ENERGY[2:4], ENERGY[-1] + 5e-7])
    assert gridded.mu.dims == ("spectrum", "energy")
    np.testing.assert_allclose(gridded.mu.sel(spectrum="a"), MU[[2, 3, 7]])
    assert np.isnan(gridded.mu.sel(spectrum="b")[2])
    assert gridded.element.values.tolist() == ["Fe", "Fe"]
    xr.testing.assert_identical(library, before)
    for wrong in ([], [[1.0]], [np.nan], 3.0):
        with pytest.raises(InputError):
            on_grid(library, wrong)
