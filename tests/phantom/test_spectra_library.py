"""The simulated library: its structures, its formula, and that it can be learnt, but not trivially."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold, cross_val_score

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.phantom import simulated_library, write_library
from xafsflow.phantom.spectra_library import _spectra


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return simulated_library(600, seed=1)


def one_spectrum(corners: Any, length: float, element: int = 8) -> Any:
    energy = 7092.0 + np.arange(120)
    position = np.concatenate([np.zeros((1, 3)), length * np.asarray(corners, float)])[None]
    z = np.array([[26] + len(corners) * [element]])
    return energy, _spectra(energy, z, position, np.array([len(corners) + 1]))[0]


OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5


def test_library__is_a_library_as_ingest_gives_it(library: xr.Dataset, tmp_path: Path) -> None:
    write_library(library, tmp_path / "library.npz")
    again = xf.ingest.spectra(tmp_path, files=["library.npz"])
    xr.testing.assert_equal(again, library)
    assert again.attrs == library.attrs
    assert library.mu.dtype == np.float32
    with pytest.raises(InputError, match="which exists"):
        write_library(library, tmp_path / "library.npz")
    with pytest.raises(InputError, match=r"\.txt"):
        write_library(library, tmp_path / "library.txt")


def test_library__is_the_same_for_a_seed_and_begins_with_the_shorter_one(library: xr.Dataset) -> None:
    short = simulated_library(50, seed=1)
    atoms = short.sizes["atom"]
    xr.testing.assert_equal(library.isel(sample=slice(50), atom=slice(atoms)), short)
    assert not np.array_equal(simulated_library(50, seed=2).mu, short.mu)


def test_clusters__hold_several_atoms_beyond_the_shell_and_materials_several_sites(
    library: xr.Dataset,
) -> None:
    assert (library.natoms - 1).min() >= 12
    sizes = np.unique(library.group, return_counts=True)[1]
    assert sizes.max() == 4
    assert sizes.mean() > 2
    assert set(library.polyhedron.values) == {
        "tetrahedron",
        "square_plane",
        "square_pyramid",
        "trigonal_bipyramid",
        "octahedron",
    }
    apart = np.linalg.norm(library.position.values, axis=2)
    assert apart.max() <= 5.0
    assert (apart[:, 1] > 1.6).all()


def test_mu__goes_from_nothing_to_one_edge_step(library: xr.Dataset) -> None:
    assert (library.mu[:, :5] < 0.1).all()
    assert (np.abs(library.mu[:, -40:].mean("energy") - 1) < 0.1).all()


def test_pre_edge_peak__is_none_with_a_center_of_inversion() -> None:
    heights = {}
    for name, corners in (("octahedron", OCTAHEDRON), ("tetrahedron", TETRAHEDRON)):
        energy, mu = one_spectrum(corners, 2.0)
        near = (energy > 7096) & (energy < 7112)
        # Above the foot of the edge, which is smooth
        heights[name] = np.diff(mu[near], 2).min()
    assert heights["octahedron"] > -1e-3
    assert heights["tetrahedron"] < -0.01


def test_edge__moves_up_with_shorter_bonds_to_a_more_electronegative_ligand() -> None:
    def edge(length: float, element: int) -> float:
        energy, mu = one_spectrum(OCTAHEDRON, length, element)
        return float(np.interp(0.5, mu[:30], energy[:30]))

    assert edge(1.9, 8) > edge(2.1, 8) + 1
    assert edge(2.1, 9) > edge(2.1, 16) + 1


def test_oscillation__has_the_frequency_of_the_distance() -> None:
    # The last extrema of shorter bonds are farther apart: sin(2 k d)
    turns = {}
    for length in (1.9, 2.6):
        energy, mu = one_spectrum(OCTAHEDRON, length, 26)
        turns[length] = np.count_nonzero(np.diff(np.sign(np.diff(mu[energy > 7130]))))
    assert turns[2.6] > turns[1.9]


def test_coordination__can_be_learnt_but_not_trivially(library: xr.Dataset) -> None:
    found, _ = xf.derive.structure(library)
    some = np.isin(found.coordination, [4, 5, 6])
    forest = ExtraTreesClassifier(100, random_state=0)
    score = cross_val_score(
        forest,
        found.mu.values[some],
        found.coordination.values[some],
        groups=found.group.values[some],
        cv=GroupKFold(3),
    ).mean()
    assert 0.75 < score < 0.97
    assert score > np.bincount(found.coordination.values[some]).max() / some.sum() + 0.25


def test_simulated_library__refuses_what_cannot_be() -> None:
    for samples, energies in ((0, 120), (5, 3)):
        with pytest.raises(InputError, match="1 and 5 or more"):
            simulated_library(samples, energies=energies)
