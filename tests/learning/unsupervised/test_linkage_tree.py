"""Hierarchical clustering of spectra: scipy's tree, its cut, and its upper part."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from xafsflow.errors import InputError
from xafsflow.learning.unsupervised.linkage_tree import by_size, hierarchy_of, nearest_cluster, upper_part


def blobs(sizes=(30, 12, 7), seed=0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centers = 8 * np.eye(len(sizes), 6)
    return np.concatenate([c + random.normal(size=(n, 6)) for c, n in zip(centers, sizes, strict=True)])


@pytest.mark.parametrize("method", ["ward", "average", "complete", "single"])
def test_hierarchy__finds_groups_that_are_there(method) -> None:
    found = hierarchy_of(blobs(), method, "euclidean", 3, None)
    assert found.labels.tolist() == [0] * 30 + [1] * 12 + [2] * 7
    np.testing.assert_array_equal(found.linkage, linkage(blobs(), method))
    # Cut at the height that is told, the tree falls into the same clusters
    again = hierarchy_of(blobs(), method, "euclidean", 9, found.height)
    np.testing.assert_array_equal(again.labels, found.labels)


def test_height__cuts_as_scipy_does() -> None:
    found = hierarchy_of(blobs(), "average", "cityblock", 2, 5.0)
    wanted = fcluster(linkage(blobs(), "average", "cityblock"), 5.0, "distance")
    assert found.number == wanted.max() > 3
    pairs = set(zip(found.labels.tolist(), wanted.tolist(), strict=True))
    assert len(pairs) == found.number


def test_hierarchy__refuses_what_has_no_answer() -> None:
    with pytest.raises(InputError, match="ward with the distance 'cosine'"):
        hierarchy_of(blobs(), "ward", "cosine", 3, None)
    with pytest.raises(InputError, match="3 spectra for 4 clusters"):
        hierarchy_of(blobs()[:3], "ward", "euclidean", 4, None)
    with pytest.raises(InputError, match="a constant spectrum"):
        hierarchy_of(np.ones((5, 4)), "average", "correlation", 2, None)
    with pytest.raises(InputError, match="clusters at the height"):
        hierarchy_of(blobs((40, 40, 40)), "single", "euclidean", 2, 1e-6)


def test_labels__are_numbered_by_size() -> None:
    assert by_size(np.array([5, 1, 1, 9, 9, 9, 5])).tolist() == [1, 2, 2, 0, 0, 0, 1]


def test_spectra_outside_the_tree__go_to_the_nearest_mean() -> None:
    table = blobs()
    means = np.array([table[:30].mean(0), table[30:42].mean(0), table[42:].mean(0)])
    assert nearest_cluster(blobs(seed=1), means, "euclidean").tolist() == [0] * 30 + [1] * 12 + [2] * 7


@pytest.mark.parametrize("most", [2, 10, 500])
def test_upper_part__is_a_tree_of_its_own_that_holds_all_spectra(most) -> None:
    found = hierarchy_of(blobs(), "ward", "euclidean", 3, None)
    part = upper_part(found, most)
    assert part.sizes.sum() == 49
    assert len(part.linkage) == len(part.sizes) - 1 == min(max(most, 3), 49) - 1
    assert sorted(part.leaves.tolist()) == list(range(len(part.sizes)))
    np.testing.assert_array_equal(part.linkage[:, 2], found.linkage[-len(part.linkage) :, 2])
    for k in range(3):
        assert part.sizes[part.clusters == k].sum() == (found.labels == k).sum()
    assert part.linkage[-1, 3] == len(part.sizes)
