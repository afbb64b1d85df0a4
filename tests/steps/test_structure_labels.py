"""derive.structure: labels, their stability, properties and findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.phantom import simulated_library, write_library


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return simulated_library(300, seed=5)


def octahedron(*lengths: float) -> xr.Dataset:
    """One absorber with six ligands at these distances."""
    corners = np.concatenate([np.eye(3), -np.eye(3)]) * np.array(lengths)[:, None]
    position = np.concatenate([np.zeros((1, 3)), corners])[None]
    return xr.Dataset(
        {
            "mu": (("sample", "energy"), np.zeros((1, 5), "f4")),
            "z": (("sample", "atom"), [[26, 8, 8, 8, 8, 8, 16]]),
            "position": (("sample", "atom", "xyz"), position),
            "natoms": ("sample", [7]),
        },
        {"group": ("sample", ["a"])},
        {"grouped": True},
    )


def test_structure__of_an_octahedron() -> None:
    found, findings = xf.derive.structure(octahedron(2.0, 2.0, 2.0, 2.0, 2.0, 2.0))
    one = found.isel(sample=0)
    assert (one.coordination, one.motif, one.coordination_stable, one.motif_stable) == (
        6,
        "octahedron",
        True,
        True,
    )
    wanted = {
        "shortest_distance": 2.0,
        "mean_distance": 2.0,
        "distance_spread": 0.0,
        "mean_distance_weighted": 2.0,
        "distance_spread_weighted": 0.0,
        "mean_angle": (12 * 90 + 3 * 180) / 15,
        "voronoi_volume": 8.0,
        "effective_coordination": 6.0,
        "electronegativity": (5 * 3.44 + 2.58) / 6,
    }
    for name, value in wanted.items():
        assert one[name] == pytest.approx(value)
        assert found[name].attrs["role"] == "property"
        assert found[name].attrs["units"]
    assert found.coordination.attrs["role"] == found.motif.attrs["role"] == "label"
    assert found.coordination_stable.attrs["of"] == "coordination"
    assert findings.labels["motif"].counts == {"octahedron": 1}
    assert findings.labels["motif"].stable == 1.0


@pytest.mark.parametrize(
    ("longest", "number", "stable"), [(2.2, 6, True), (2.35, 6, False), (2.5, 5, False), (2.7, 5, True)]
)
def test_coordination__is_stable_where_the_factor_does_not_matter(
    longest: float, number: int, stable: bool
) -> None:
    found, _ = xf.derive.structure(octahedron(2.0, 2.0, 2.0, 2.0, 2.0, longest))
    assert found.coordination == number
    assert found.coordination_stable == stable
    assert found.motif_stable == stable
    always, _ = xf.derive.structure(octahedron(2.0, 2.0, 2.0, 2.0, 2.0, longest), stable_at=[])
    assert always.coordination_stable


def test_factor__sets_the_end_of_the_shell() -> None:
    short = octahedron(2.0, 2.0, 2.0, 2.0, 2.0, 2.5)
    assert xf.derive.structure(short, factor=1.3)[0].coordination == 6
    bent = short.copy(deep=True)
    bent["position"][0, 6] = [1.0, 1.0, -1.5]
    assert xf.derive.structure(bent, factor=1.3, limit=1.0)[0].motif == "other"


def test_structure__leaves_the_spectra_as_they_were(library: xr.Dataset) -> None:
    before = library.copy(deep=True)
    found, _ = xf.derive.structure(library)
    xr.testing.assert_identical(library, before)
    assert found.mu.data is library.mu.data


def test_structure__finds_the_polyhedra_that_clusters_were_made_of(library: xr.Dataset) -> None:
    found, findings = xf.derive.structure(library)
    good = found.motif_stable.values & (found.motif.values != "other")
    assert good.mean() > 0.6
    assert (found.motif.values == found.polyhedron.values)[good].mean() > 0.9
    assert sum(findings.labels["coordination"].counts.values()) == findings.samples == 300
    assert findings.groups == len(set(library.group.values))
    assert findings.without_neighbors == 0


def test_absorber_alone__has_no_structure_and_is_counted() -> None:
    alone = octahedron(2.0, 2.0, 2.0, 2.0, 2.0, 2.0).assign(natoms=("sample", [1]))
    found, findings = xf.derive.structure(alone)
    assert findings.without_neighbors == 1
    assert not found.coordination_stable.any()
    assert found.motif == "other"
    assert set(findings.missing.values()) == {1}
    assert findings.properties == {}


def test_structure__does_not_depend_on_blocks_and_leaves_spectra_on_the_disk(
    library: xr.Dataset, tmp_path: Path, monkeypatch: Any
) -> None:
    write_library(library, tmp_path / "library.zarr", block=64)
    whole, findings = xf.derive.structure(library)
    import sys

    monkeypatch.setattr(sys.modules["xafsflow.steps.derive.site_structure"], "BLOCK", 70)
    parts, again = xf.derive.structure(xf.ingest.spectra(tmp_path, files=["library.zarr"]))
    assert again == findings
    assert parts.mu.chunks is not None
    xr.testing.assert_equal(parts.compute(), whole)


def test_structure__refuses_a_library_without_structures(library: xr.Dataset) -> None:
    with pytest.raises(InputError, match="position and natoms"):
        xf.derive.structure(library.drop_vars(["position", "natoms"]))


def test_structure__of_the_published_zinc_sites(shared: Path) -> None:
    zinc = xf.ingest.spectra(
        shared / "zn_xanes", files=["Zn_element_train.npz"], energy={"first": 9640.0, "step": 1.0}
    )
    found, findings = xf.derive.structure(zinc)
    np.testing.assert_array_equal(found.coordination, zinc.cn_1p2xdmin)
    some = np.isin(found.coordination, [4, 5, 6])
    # 31 % of these sites change their number between factors of 1.15 and 1.3, 60 % of the fivefold ones
    assert 1 - found.coordination_stable.values[some].mean() == pytest.approx(0.31, abs=0.005)
    assert 1 - findings.labels["coordination"].stable_by_class["5"] == pytest.approx(0.60, abs=0.01)
    assert findings.missing["voronoi_volume"] == 0
