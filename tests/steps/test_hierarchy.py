"""derive.hierarchy: clusters of a library, with the random subset of a large one, and their explanation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.learning.explanation.cluster_rules import cluster_of
from xafsflow.phantom import simulated_library, write_library


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return xf.derive.structure(simulated_library(200, seed=6))[0]


def test_hierarchy__gives_means_of_what_it_labels(library: xr.Dataset) -> None:
    found, findings = xf.derive.hierarchy(library, clusters=4)
    labels = found.cluster.values
    assert found.cluster.attrs["role"] == "label"
    assert np.bincount(labels).tolist() == findings.sizes.tolist()
    assert sorted(findings.sizes, reverse=True) == findings.sizes.tolist()
    for k in range(4):
        own = library.mu.values[labels == k].astype(np.float64)
        np.testing.assert_allclose(findings.mean[k], own.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(findings.spread[k], own.std(axis=0), atol=1e-6)
    assert set(findings.by_label) == {"polyhedron", "coordination", "motif"}
    total = sum(findings.by_label["motif"].values())
    np.testing.assert_array_equal(total, findings.sizes)
    assert "cluster" not in library


def test_structure__leads_back_to_its_cluster_and_mean_spectrum(library: xr.Dataset) -> None:
    found, findings = xf.derive.hierarchy(library, explain_by=["mean_distance", "motif"])
    assert findings.explanation is not None
    assert findings.explanation.accuracy > findings.explanation.largest + 0.1
    back = np.array(
        [
            cluster_of(findings.explanation.tree, {"mean_distance": float(d), "motif": str(m)})
            for d, m in zip(library.mean_distance.values, library.motif.values, strict=True)
        ]
    )
    right = back == found.cluster.values
    assert right.sum() == sum(rule.right for rule in findings.explanation.rules)
    # The mean spectrum that the way leads to is nearer than the mean of all
    told, mu = findings.mean[back], library.mu.values
    assert ((told - mu) ** 2).sum() < 0.6 * ((mu - mu.mean(axis=0)) ** 2).sum()


def test_large_library__is_clustered_on_a_random_part_and_says_so(library: xr.Dataset) -> None:
    whole, _ = xf.derive.hierarchy(library, clusters=3)
    with pytest.warns(XafsflowWarning, match=r"120 of 200 spectra, drawn at random"):
        part, findings = xf.derive.hierarchy(library, clusters=3, most=120)
    assert (findings.linked, findings.samples) == (120, 200)
    assert findings.sizes.sum() == 200
    assert findings.dendrogram.sizes.sum() == 120
    # Clusters as wholes, whatever their numbers are
    pairs = whole.cluster.values * 3 + part.cluster.values
    assert np.bincount(pairs, minlength=9).reshape(3, 3).max(axis=1).sum() > 0.85 * 200


def test_hierarchy__does_not_depend_on_blocks_and_leaves_spectra_on_the_disk(
    library: xr.Dataset, tmp_path: Path, monkeypatch: Any
) -> None:
    import sys

    write_library(library, tmp_path / "library.zarr", block=64)
    stored = xf.ingest.spectra(tmp_path, files=["library.zarr"])
    whole, findings = xf.derive.hierarchy(library, explain_by=["mean_distance"])
    monkeypatch.setattr(sys.modules["xafsflow.steps.derive.spectral_hierarchy"], "BLOCK", 70)
    parts, again = xf.derive.hierarchy(stored, explain_by=["mean_distance"])
    np.testing.assert_array_equal(parts.cluster, whole.cluster)
    np.testing.assert_allclose(again.mean, findings.mean, atol=1e-12)
    assert parts.mu.chunks is not None


def test_hierarchy__of_spectra_alone_has_no_rules(library: xr.Dataset) -> None:
    alone = library[["mu"]]
    assert xf.derive.hierarchy(alone, clusters=2)[1].explanation is None
    with pytest.raises(InputError, match="explain_by: valence"):
        xf.derive.hierarchy(library, explain_by=["valence"])
