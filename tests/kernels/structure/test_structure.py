"""Descriptors of clusters against closed forms, an independent implementation, and the labels of published data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Voronoi

from xafsflow.kernels.structure.bond_angles import mean_angle, sorted_angles
from xafsflow.kernels.structure.bond_lengths import mean_and_spread
from xafsflow.kernels.structure.coordination_motif import IDEAL, MOTIFS, motif
from xafsflow.kernels.structure.effective_coordination import (
    average_distance,
    effective_coordination,
    weights,
)
from xafsflow.kernels.structure.ligand_electronegativity import electronegativity, mean_electronegativity
from xafsflow.kernels.structure.neighbor_shell import coordination_number, distances, shell, shortest
from xafsflow.kernels.structure.voronoi_volume import OPEN, voronoi_volume

SQUARE = [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]
TRIANGLE = [[1, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]]
POLES = [[0, 0, 1], [0, 0, -1]]
CORNERS: dict[str, Any] = {
    "tetrahedron": np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5,
    "square_plane": SQUARE,
    "square_pyramid": [*SQUARE, [0, 0, 1]],
    "trigonal_bipyramid": [*TRIANGLE, *POLES],
    "octahedron": [*SQUARE, *POLES],
}


def rotation(seed: int) -> Any:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]


def cluster(corners: Any, length: float = 2.0, seed: int = 1, at: Any = (3.0, -2.0, 5.0)) -> Any:
    """One cluster `(1, atom, 3)` somewhere in space, turned, the absorber first."""
    turned = length * np.asarray(corners, float) @ rotation(seed)
    return np.concatenate([np.zeros((1, 3)), turned])[None] + np.asarray(at)


def lattice(points: Any, radius: float) -> Any:
    """All sums of three vectors within a radius of the origin, which comes first."""
    steps = np.stack(np.meshgrid(*3 * [np.arange(-6, 7)], indexing="ij"), -1).reshape(-1, 3)
    place = steps @ np.asarray(points, float)
    far = np.linalg.norm(place, axis=1)
    return place[np.argsort(far, kind="stable")][: int((far <= radius).sum())]


def described(position: Any) -> Any:
    apart = distances(position, [position.shape[1]])
    return apart, shell(apart)


@pytest.mark.parametrize("name", CORNERS)
def test_ideal_polyhedron__is_what_it_is(name: str) -> None:
    position = cluster(CORNERS[name])
    apart, near = described(position)
    corners = len(CORNERS[name])
    assert coordination_number(apart) == [corners]
    np.testing.assert_allclose(effective_coordination(apart), corners, rtol=1e-12)
    np.testing.assert_allclose(mean_and_spread(apart, near), [[2.0], [0.0]], atol=1e-12)
    np.testing.assert_allclose(mean_and_spread(apart, weights(apart)), [[2.0], [0.0]], atol=1e-12)
    ideal = np.repeat([a for _, a in IDEAL[name]], [n for n, _ in IDEAL[name]])
    np.testing.assert_allclose(sorted_angles(position[0], near[0]), ideal, atol=1e-6)
    np.testing.assert_allclose(mean_angle(position, near), ideal.mean(), atol=1e-6)
    index, misfit = motif(position, near)
    assert MOTIFS[index[0]] == name
    assert misfit[0] < 1e-6


def test_motif__is_none_beyond_the_limit_and_without_a_polyhedron_of_as_many_corners() -> None:
    prism = np.array([[*corner[:2], z] for z in (-0.66, 0.66) for corner in TRIANGLE])
    position = cluster(prism / np.linalg.norm(prism, axis=1)[:, None])
    _, near = described(position)
    index, misfit = motif(position, near)
    assert index == [-1]
    assert 15 < misfit[0] < 40
    assert motif(position, near, limit=misfit[0] + 1)[0] == [MOTIFS.index("octahedron")]
    index, misfit = motif(*[cluster(TRIANGLE), described(cluster(TRIANGLE))[1]])
    assert index == [-1]
    assert np.isnan(misfit[0])


def test_motif__follows_the_path_from_tetrahedron_to_square_plane() -> None:
    # Flattening a tetrahedron along its twofold axis changes the nearer polyhedron once
    found = []
    for height in np.linspace(0.577, 0, 21):
        corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
        corners[:, 2] *= height / 0.577
        corners /= np.linalg.norm(corners, axis=1)[:, None]
        found.append(int(motif(cluster(corners), described(cluster(corners))[1], limit=90.0)[0][0]))
    assert found[0] == MOTIFS.index("tetrahedron")
    assert found[-1] == MOTIFS.index("square_plane")
    assert np.count_nonzero(np.diff(found)) == 1


def test_effective_coordination__follows_its_formula_between_shells() -> None:
    # Two distances, by hand
    near, far = 2.0, 2.3
    w = np.exp(1 - (far / near) ** 6)
    average = (2 * near + 2 * w * far) / (2 + 2 * w)
    wanted = 2 * np.exp(1 - (near / average) ** 6) + 2 * np.exp(1 - (far / average) ** 6)
    apart = np.array([[np.inf, near, near, far, far]])
    np.testing.assert_allclose(average_distance(apart), average, rtol=1e-14)
    np.testing.assert_allclose(effective_coordination(apart), wanted, rtol=1e-14)
    mean, spread = mean_and_spread(apart, shell(apart))
    np.testing.assert_allclose([mean[0], spread[0]], [2.15, 0.15], rtol=1e-12)


@pytest.mark.parametrize(
    ("vectors", "volume"),
    [
        (np.eye(3), 1.0),
        (np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2, 0.25),  # face-centered: a^3 / 4
        (np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2, 0.5),  # body-centered: a^3 / 2
    ],
    ids=["cubic", "face-centered", "body-centered"],
)
def test_voronoi_volume__of_a_lattice_is_its_primitive_cell(vectors: Any, volume: float) -> None:
    edge = 4.2
    position = (lattice(edge * vectors, 2.5 * edge) @ rotation(5))[None]
    np.testing.assert_allclose(voronoi_volume(position, [position.shape[1]]), volume * edge**3, rtol=1e-9)


def test_voronoi_volume__of_rock_salt_is_an_eighth_of_the_cell() -> None:
    edge = 4.21  # MgO
    position = lattice(edge / 2 * np.eye(3), 5.0)[None]
    np.testing.assert_allclose(voronoi_volume(position, [position.shape[1]]), edge**3 / 8, rtol=1e-9)


def test_voronoi_volume__is_none_where_the_cell_is_open() -> None:
    for corners in (SQUARE, [*TRIANGLE, [0, 0, 1]], np.abs(CORNERS["octahedron"]), TRIANGLE[:1], []):
        position = cluster(np.reshape(corners, (-1, 3)))
        assert np.isnan(voronoi_volume(position, [position.shape[1]])).all()


def test_voronoi_volume__counts_an_atom_that_stands_twice_once() -> None:
    once = cluster(CORNERS["octahedron"])
    twice = np.concatenate([once, once[:, -2:]], axis=1)
    np.testing.assert_allclose(voronoi_volume(twice, [9]), voronoi_volume(once, [7]), rtol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(6, 40))
def test_voronoi_volume__is_that_of_scipy(seed: int, atoms: int) -> None:
    position = np.random.default_rng(seed).uniform(-5, 5, (atoms, 3))
    position[0] *= 0.2
    cells = Voronoi(position)
    region = cells.regions[cells.point_region[0]]
    far = -1 in region or np.abs(cells.vertices[region]).max() > OPEN / 2
    wanted = np.nan if -1 in region else ConvexHull(cells.vertices[region]).volume
    if -1 in region or not far:  # a cell that is nearly open has corners anywhere
        np.testing.assert_allclose(voronoi_volume(position[None], [atoms]), wanted, rtol=1e-6)


def test_electronegativity__has_every_element_with_a_known_one() -> None:
    values = electronegativity(np.arange(1, 104))
    assert [int(z) for z in np.flatnonzero(np.isnan(values)) + 1] == [2, 10, 18]
    assert np.nanargmax(values) + 1 == 9
    known = {1: 2.20, 6: 2.55, 8: 3.44, 16: 2.58, 17: 3.16, 26: 1.83, 30: 1.65, 55: 0.79, 79: 2.54, 103: 1.3}
    np.testing.assert_array_equal(electronegativity(list(known)), list(known.values()))
    np.testing.assert_array_equal(electronegativity([0, -1, 104]), 3 * [np.nan])


def test_cluster__without_neighbors_has_none_of_all_this() -> None:
    position = np.zeros((1, 3, 3))
    apart = distances(position, [1])
    near = shell(apart)
    assert coordination_number(apart) == [0]
    for value in (
        shortest(apart),
        effective_coordination(apart),
        average_distance(apart),
        *mean_and_spread(apart, near),
        mean_angle(position, near),
        voronoi_volume(position, [1]),
        mean_electronegativity([[26, 8, 8]], near),
        motif(position, near)[1],
    ):
        assert np.isnan(value).all()


@given(st.integers(0, 2**32 - 1))
def test_descriptors__do_not_depend_on_the_order_of_the_atoms_nor_on_the_orientation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    position = rng.uniform(-4, 4, (1, 12, 3))
    order = np.r_[0, 1 + rng.permutation(11)]
    other = position[:, order] @ rotation(seed % 1000) + 1.0
    for one in (position, other):
        one.flags.writeable = False
    found = []
    for place in (position, other):
        apart, near = described(place)
        found.append(
            [
                coordination_number(apart)[0],
                effective_coordination(apart)[0],
                *np.ravel(mean_and_spread(apart, near)),
                mean_angle(place, near)[0],
                voronoi_volume(place, [12])[0],
            ]
        )
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize("name", ["Zn_element_train", "Zn_element_valid", "Fe_element_valid"])
def test_shell__is_that_of_the_published_labels(name: str, shared: Path) -> None:
    with np.load(shared / "zn_xanes" / f"{name}.npz") as data:
        apart = distances(data["pos"], data["natoms"])
        np.testing.assert_array_equal(coordination_number(apart, 1.2), data["cn_1p2xdmin"])
        np.testing.assert_allclose(shortest(apart), data["dmin"], rtol=1e-6)
        nearest = np.take_along_axis(data["z"], apart.argmin(axis=1)[:, None], axis=1)[:, 0]
        # Where two elements stand at one distance, single precision decides
        same = nearest == data["nearest_Z"]
        assert same.mean() > 0.99
        second = np.sort(apart, axis=1)[:, 1]
        assert (second[~same] - shortest(apart)[~same] < 1e-4).all()
