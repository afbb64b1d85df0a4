"""The common axis of a library: edges, alignment, and an axis that does not tell the class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

import xafsflow as xf
from xafsflow.errors import XafsflowWarning
from xafsflow.io.readers.libraries.spectra_on_grid import edges, rows_on_grid

RNG = np.random.default_rng(4)
EDGE = 7112 + 2 * RNG.standard_normal(60)
SITE = np.repeat(["a", "b"], 30)


def curve(energy: Any, edge: Any) -> Any:
    # What the classes differ in is seen in the spectrum: the width of the edge
    return np.tanh((energy - edge) / 4)


def own_axes(folder: Path, alike: bool = False) -> None:
    """Spectra whose axes tell the class: another first and last energy, another number of points."""
    energy = np.full((60, 90), np.nan)
    for row, site in enumerate(SITE):
        first, points = (7080.3, 90) if site == "a" or alike else (7075.0 + RNG.random(), 70)
        energy[row, :points] = first + np.linspace(0, 80, points)
    np.savez(folder / "own.npz", mu=curve(energy, EDGE[:, None]), energy=energy, site=SITE, group=SITE)


def seen_of_the_axis(library: xr.Dataset) -> Any:
    """All that a classifier can see without a value of a spectrum: its energies, and which are missing."""
    energy = np.broadcast_to(library.energy.values, library.mu.shape)
    return np.concatenate([np.isfinite(library.mu.values), energy], axis=1)


@pytest.mark.parametrize("settings", [{}, {"align": "edge"}, {"align": "edge", "e0": 7112.0}])
def test_axis__does_not_tell_the_class(tmp_path: Path, settings: Any) -> None:
    own_axes(tmp_path)
    with np.load(tmp_path / "own.npz") as file:
        raw = np.nan_to_num(np.concatenate([np.isfinite(file["mu"]), file["energy"]], axis=1))
    tree = DecisionTreeClassifier(random_state=0)
    assert cross_val_score(tree, raw, SITE, cv=5).mean() == 1
    library = xf.ingest.spectra(tmp_path, files=["own.npz"], **settings)
    assert cross_val_score(tree, seen_of_the_axis(library), library.site.values, cv=5).mean() == 0.5


@pytest.mark.parametrize("settings", [{}, {"align": "edge"}])
def test_axis__does_not_tell_the_file(tmp_path: Path, settings: Any) -> None:
    for name, start in (("a", 7075.0), ("b", 7085.5)):
        energy = start + np.arange(70.0)
        mu = curve(energy, EDGE[:30, None])
        mu[: 10 if name == "a" else 0, :5] = np.nan
        np.savez(tmp_path / f"{name}.npz", mu=mu, energy=energy, site=np.full(30, name), group=np.arange(30))
    library = xf.ingest.spectra(tmp_path, files=["a.npz", "b.npz"], **settings)
    tree = DecisionTreeClassifier(random_state=0)
    assert cross_val_score(tree, seen_of_the_axis(library), library.site.values, cv=5).mean() == 0.5
    assert np.isfinite(library.mu.values).all()


def test_common_range__is_what_all_cover_on_the_finest_axis(tmp_path: Path) -> None:
    own_axes(tmp_path)
    library = xf.ingest.spectra(tmp_path, files=["own.npz"])
    with np.load(tmp_path / "own.npz") as file:
        low, high = np.nanmin(file["energy"], axis=1).max(), np.nanmax(file["energy"], axis=1).min()
        axis = file["energy"][0]
    np.testing.assert_array_equal(library.energy, axis[(axis >= low) & (axis <= high)])
    np.testing.assert_allclose(library.mu, curve(library.energy.values, EDGE[:, None]), atol=2e-4)


def test_align__puts_every_edge_where_it_is_asked_for(tmp_path: Path) -> None:
    own_axes(tmp_path)
    library = xf.ingest.spectra(tmp_path, files=["own.npz"], align="edge", e0=7112.0)
    np.testing.assert_allclose(library.edge_found, EDGE, atol=0.05)
    wanted = np.broadcast_to(curve(library.energy.values, 7112.0), library.mu.shape)
    np.testing.assert_allclose(library.mu, wanted, atol=0.02)
    assert library.edge_found.attrs["role"] == "alignment"
    assert library.attrs["align"] == "edge"


def test_align__takes_edges_that_are_given(tmp_path: Path) -> None:
    energy = np.arange(7080.0, 7150.0)
    mu = curve(energy, EDGE[:, None])
    np.savez(tmp_path / "l.npz", mu=mu, energy=energy, mine=EDGE + 3.0, group=SITE)
    library = xf.ingest.spectra(tmp_path, files=["l.npz"], align="edge", e0="mine")
    middle = np.median(EDGE + 3.0) - 3
    np.testing.assert_allclose(
        library.mu, np.broadcast_to(curve(library.energy.values, middle), library.mu.shape), atol=1e-3
    )


def test_align__is_not_misled_by_one_spectrum_that_is_steepest_at_a_later_peak(tmp_path: Path) -> None:
    energy = np.arange(7080.0, 7180.0)
    mu = curve(energy, EDGE[:, None])
    mu[7] += 4 * np.tanh((energy - 7160) / 4)
    np.savez(tmp_path / "l.npz", mu=mu, energy=energy, group=SITE)
    with pytest.warns(XafsflowWarning, match="1 of 60 spectra are steepest more than 10 eV"):
        library = xf.ingest.spectra(tmp_path, files=["l.npz"], align="edge")
    np.testing.assert_allclose(library.edge_found, EDGE, atol=0.1)
    assert library.sizes["energy"] > 85


def test_align__does_not_depend_on_the_points_of_a_file(tmp_path: Path) -> None:
    axes = {"a": 7080.0 + np.arange(70), "b": 7076.4 + 1.7 * np.arange(45)}
    for name, energy in axes.items():
        np.savez(tmp_path / f"{name}.npz", mu=curve(energy, EDGE[:, None]), energy=energy, group=SITE)
    library = xf.ingest.spectra(tmp_path, files=["a.npz", "b.npz"], align="edge")
    np.testing.assert_allclose(library.edge_found[:60], library.edge_found[60:], atol=0.005)
    alone = [edges(energy, curve(energy, EDGE[:, None])) for energy in axes.values()]
    assert np.abs(alone[0] - alone[1]).max() > 0.03


@pytest.mark.parametrize("shift", [0.3, 0.5, 2.0, -3.7])
def test_edges__move_with_the_spectrum(shift: float) -> None:
    energy = np.arange(7080.0, 7180.0)
    moved = edges(energy, curve(energy - shift, EDGE[:, None])) - edges(energy, curve(energy, EDGE[:, None]))
    np.testing.assert_allclose(moved, shift, atol=0.03)


def test_edges__are_those_of_find_e0_to_a_point() -> None:
    from xafsflow.kernels.spectra.edge_energy import find_e0

    energy = np.arange(7080.0, 7180.0, 0.5)
    mu = curve(energy, EDGE[:, None])
    assert (np.abs(edges(energy, mu) - find_e0(energy, mu.T.copy())) <= 0.5).all()


def test_rows_on_grid__is_exact_for_cubics_with_or_without_own_axes() -> None:
    energy = np.sort(RNG.uniform(0, 10, 20))
    energy[[0, -1]] = 0, 10
    grid, shift = np.linspace(2, 8, 9), RNG.uniform(-2, 2, 3)
    factors = RNG.standard_normal((3, 4))
    mu = np.stack([np.polyval(one, energy) for one in factors])
    wanted = [np.polyval(one, grid - s) for one, s in zip(factors, shift, strict=True)]
    own = np.tile(energy, (3, 1))
    np.testing.assert_allclose(rows_on_grid(mu, energy, shift, grid), wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(rows_on_grid(mu, own, shift, grid), wanted, rtol=1e-4, atol=1e-4)


def test_spectra__that_are_on_the_axis_stay_as_they_are(tmp_path: Path) -> None:
    energy = np.arange(7080.0, 7150.0)
    mu = RNG.standard_normal((4, 70)).astype(np.float32)
    np.savez(tmp_path / "l.npz", mu=mu, energy=energy, group=np.arange(4))
    np.testing.assert_array_equal(xf.ingest.spectra(tmp_path, files=["l.npz"]).mu, mu)


def test_grid__is_that_of_the_spectrum_with_most_points_in_the_common_range(tmp_path: Path) -> None:
    # The long one has more points in all, the short one more in the range of both
    energy = np.full((2, 300), np.nan)
    energy[0] = 7000 + np.arange(300.0)
    energy[1, :160] = 7080 + 0.5 * np.arange(160)
    np.savez(tmp_path / "l.npz", mu=curve(energy, 7112.0), energy=energy, group=["a", "b"])
    found = xf.ingest.spectra(tmp_path, files=["l.npz"])
    np.testing.assert_array_equal(found.energy, energy[1, :160])
