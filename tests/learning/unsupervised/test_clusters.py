"""Clusters of scores: known groups, order, seeds, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.unsupervised import clusters as learn

CENTERS = np.array([[0.0, 0.0, 0.0], [12.0, 0.0, 0.0], [0.0, 12.0, 3.0]])
SIZES = (150, 400, 250)


def groups(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    truth = np.repeat([2, 0, 1], SIZES)  # labels by falling size
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(truth))
    table = np.repeat(CENTERS, SIZES, axis=0) + rng.standard_normal((len(truth), 3))
    return table[places], truth[places]


@pytest.mark.parametrize("method", ["kmeans", "gaussian_mixture"])
@pytest.mark.parametrize("number", [3, None])
@pytest.mark.parametrize("seed", [0, 1])
def test_find__finds_groups_and_their_number_largest_first(
    method: learn.Method, number: int | None, seed: int
) -> None:
    table, truth = groups()
    found = learn.find(table, number, 5, method, seed)
    assert found.number == 3
    assert (found.labels(table) == truth).mean() > 0.999
    assert list(found.scores_by_number) == (
        [] if number else [1, 2, 3, 4, 5] if "mix" in method else [2, 3, 4, 5]
    )


def test_find__is_scikit_learns_up_to_the_order() -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    table = groups()[0]
    theirs = KMeans(4, n_init=learn.STARTS, random_state=7).fit_predict(table)
    assert adjusted_rand_score(theirs, learn.find(table, 4, 8, "kmeans", 7).labels(table)) == 1


def test_find__tells_one_group_by_bic() -> None:
    assert learn.find(groups()[0][groups()[1] == 0], None, 4, "gaussian_mixture", 0).number == 1


def test_labels__of_a_part_are_those_of_the_whole() -> None:
    table = groups()[0]
    found = learn.find(table, 3, 8, "kmeans", 0)
    parts = np.concatenate([found.labels(table[i : i + 7]) for i in range(0, len(table), 7)])
    np.testing.assert_array_equal(parts, found.labels(table))


def test_find__refuses_too_few_pixels() -> None:
    with pytest.raises(InputError, match="29 good pixels for 3 clusters"):
        learn.find(groups()[0][:29], 3, 8, "kmeans", 0)


def test_hierarchy__joins_the_alike_first() -> None:
    means = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 1.0], [10.0, 2.0]])
    linkage, leaves = learn.hierarchy(means)
    assert [set(row[:2].astype(int)) for row in linkage] == [{0, 2}, {1, 3}, {4, 5}]
    assert {frozenset(leaves[:2]), frozenset(leaves[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
    assert learn.hierarchy(means[:1])[1] == [0]
