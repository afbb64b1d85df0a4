"""Rules on structures: their words, their counts, their score, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.explanation.cluster_rules import cluster_of, conditions_of, explain_clusters

RANDOM = np.random.default_rng(4)
DISTANCE = RANDOM.uniform(1.8, 2.4, 400)
MOTIF = RANDOM.choice(["octahedron", "tetrahedron"], 400)
# Three clusters by a rule with two conditions
TRUTH = np.where(DISTANCE > 2.2, 2, np.where(MOTIF == "octahedron", 0, 1))
CONDITIONS = conditions_of({"distance": DISTANCE, "motif": MOTIF}, {"distance": "Angstrom"})
GROUPS = np.arange(400) // 4


def explained(truth=TRUTH, conditions=CONDITIONS, groups=GROUPS, ends=6):
    return explain_clusters(conditions, truth, groups, ends, 5, 0)


def test_rules__find_what_made_the_clusters() -> None:
    found = explained()
    assert found.accuracy > 0.98
    assert found.macro_f1 > 0.98
    assert found.samples == sum(rule.samples for rule in found.rules) == 400
    assert all(rule.right == rule.samples for rule in found.rules)
    words = [rule.words for rule in found.rules]
    assert any("motif is octahedron" in one or "motif is not tetrahedron" in one for one in words)
    (long,) = (rule for rule in found.rules if rule.cluster == 2)
    assert long.words.startswith("distance above 2.2")
    assert long.words.endswith(" Angstrom")
    assert long.samples == (TRUTH == 2).sum()


def test_way_back__is_the_way_of_the_tree() -> None:
    tree = explained().tree
    found = [cluster_of(tree, {"distance": d, "motif": m}) for d, m in zip(DISTANCE, MOTIF, strict=True)]
    assert found == TRUTH.tolist()
    assert cluster_of(tree, {"distance": 2.3, "motif": "octahedron"}) == 2
    with pytest.raises(InputError, match="no value of distance"):
        cluster_of(tree, {"motif": "octahedron"})
    with pytest.raises(InputError, match="no value of distance"):
        cluster_of(tree, {"motif": "octahedron", "distance": float("nan")})


def test_score__is_of_groups_that_the_rules_have_not_seen() -> None:
    # Each material has a cluster by chance and a number of its own: within a material it can be learnt by heart
    groups = np.repeat(np.arange(40), 10)
    truth = RANDOM.integers(0, 2, 40)[groups]
    conditions = conditions_of({"number": groups + RANDOM.uniform(0, 0.5, 400)}, {})
    by_material = explained(truth, conditions, groups, 64)
    by_sample = explained(truth, conditions, np.arange(400), 64)
    assert by_sample.accuracy > 0.95
    assert by_material.accuracy < 0.8
    assert by_material.groups == 40


def test_samples_without_a_value__are_left_out_and_counted() -> None:
    some = DISTANCE.copy()
    some[::10] = np.nan
    found = explained(conditions=conditions_of({"distance": some, "motif": MOTIF}, {}))
    assert (found.samples, found.without_value) == (360, 40)
    with pytest.raises(InputError, match="explain_by"):
        explained(conditions=conditions_of({"distance": np.full(400, np.nan)}, {}))


def test_properties_by_chance__are_no_better_than_the_largest_cluster() -> None:
    found = explained(conditions=conditions_of({"noise": RANDOM.normal(size=400)}, {}))
    assert found.accuracy < found.largest + 0.1


def test_range__is_told_once() -> None:
    inside = ((DISTANCE > 2.0) & (DISTANCE < 2.1)).astype(np.int64)
    found = explained(inside, conditions_of({"distance": DISTANCE}, {"distance": "Angstrom"}))
    (rule,) = (one for one in found.rules if one.cluster == 1)
    assert rule.words.startswith("distance from 2")
    assert rule.words.count("distance") == 1
