"""A decision tree that says in words what the structures of each cluster of spectra have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.findings.hierarchy_findings import ClusterRule, ExplanationFindings, RuleTree
from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.learning.models.score_intervals import macro_f1

# A condition on a class of a label is asked as `label = class`.
IS = " = "


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a tree may ask for: a table `(sample, condition)` float64 with the names and units of its columns."""

    table: Doubles
    names: tuple[str, ...]
    units: tuple[str, ...]


def conditions_of(values: Mapping[str, NDArray[Any]], units: Mapping[str, str]) -> Conditions:
    """Numbers as they are, and a column of 0 and 1 for each class of a label of texts.

    Parameters
    ----------
    values
        By name, `(sample,)`: numbers or texts.
    units
        By name.

    Examples
    --------
    >>> found = conditions_of({"motif": np.array(["a", "b"]), "distance": np.array([2.0, 2.1])}, {"distance": "Angstrom"})
    >>> found.names, found.table.tolist()
    (('motif = a', 'motif = b', 'distance'), [[1.0, 0.0, 2.0], [0.0, 1.0, 2.1]])
    """
    columns, names, known = list[Any](), list[str](), list[str]()
    for name, one in values.items():
        if one.dtype.kind in "biuf":
            columns, names, known = (
                [*columns, one.astype(np.float64)],
                [*names, name],
                [*known, units.get(name, "1")],
            )
            continue
        for kind in np.unique(one.astype(str)):
            columns.append((one.astype(str) == kind).astype(np.float64))
            names.append(f"{name}{IS}{kind}")
            known.append("1")
    return Conditions(np.column_stack(columns), tuple(names), tuple(known))


def explain_clusters(
    conditions: Conditions, clusters: Indices, groups: NDArray[Any], ends: int, folds: int, seed: int
) -> ExplanationFindings:
    """Learn the tree on all samples, and score such trees on groups that they have not seen.

    Parameters
    ----------
    conditions
        Of the samples; those with NaN are left out.
    clusters, groups
        `(sample,)`: the cluster and the material of each.
    ends
        Of the tree, at most; an end holds 1 % of the samples or more.
    folds
        Of the cross-validation; as many as there are groups where these are fewer.
    seed
        Of the folds, and of ties in the tree.

    Raises
    ------
    InputError
        Fewer than 2 groups or 10 samples with all values.

    Examples
    --------
    >>> distance = np.repeat([1.9, 2.2], 20)
    >>> found = explain_clusters(
    ...     Conditions(distance[:, None], ("distance",), ("Angstrom",)), np.repeat([1, 0], 20), np.arange(40), 4, 5, 0)
    >>> [(rule.words, rule.cluster, rule.right) for rule in found.rules], found.accuracy
    ([('distance at most 2.05 Angstrom', 1, 20), ('distance above 2.05 Angstrom', 0, 20)], 1.0)
    """
    known = np.isfinite(conditions.table).all(axis=1)
    table, truth, names = conditions.table[known], clusters[known], groups[known]
    count = len(np.unique(names))
    if len(table) < 10 or count < 2:
        raise InputError(
            f"{len(table)} samples with all values, of {count} materials",
            "10 samples and 2 materials or more",
            "name fewer values (`explain_by`), or take a larger library",
        )
    folds = min(folds, count)
    answers = _held_out(table, truth, names, ends, folds, seed)
    tree = _tree_of(_grown(table, truth, ends, seed), conditions)
    ends_of = _ends(tree, table)
    return ExplanationFindings(
        tree=tree,
        rules=tuple(_rules(tree, ends_of, truth)),
        samples=len(table),
        without_value=int((~known).sum()),
        groups=count,
        folds=folds,
        accuracy=float((answers == truth).mean()),
        macro_f1=macro_f1(answers, truth),
        largest=float(np.bincount(truth).max() / len(truth)),
    )


def cluster_of(tree: RuleTree, values: Mapping[str, float | str]) -> int:
    """The way back: the cluster of a structure.

    Parameters
    ----------
    tree
        As of `explain_clusters`.
    values
        By name of a property or label; those that the way through the tree does not ask for may be missing.

    Raises
    ------
    InputError
        A value that is asked for is missing or NaN.

    Examples
    --------
    >>> tree = RuleTree(("motif = a",), ("1",), np.array([0, -1, -1]), np.array([0.5, 0, 0]), np.array([1, -1, -1]),
    ...                 np.array([2, -1, -1]), np.array([0, 0, 1]))
    >>> cluster_of(tree, {"motif": "a"}), cluster_of(tree, {"motif": "b"})
    (1, 0)
    """
    node = 0
    while tree.condition[node] >= 0:
        name, _, kind = tree.names[tree.condition[node]].partition(IS)
        if name not in values or values[name] != values[name]:
            raise InputError(f"no value of {name}", f"one: the rules ask for it ({kind or name})", "give it")
        value = float(str(values[name]) == kind) if kind else float(values[name])
        node = int((tree.left if value <= tree.threshold[node] else tree.right)[node])
    return int(tree.cluster[node])


def _grown(table: Doubles, truth: Indices, ends: int, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    least = max(1, len(table) // 100)
    tree = DecisionTreeClassifier(max_leaf_nodes=ends, min_samples_leaf=least, random_state=seed)
    return tree.fit(table, truth)


def _held_out(
    table: Doubles, truth: Indices, names: NDArray[Any], ends: int, folds: int, seed: int
) -> Indices:
    from sklearn.model_selection import GroupKFold

    answers = np.empty(len(truth), np.int64)
    split = GroupKFold(folds, shuffle=True, random_state=seed).split(table, truth, names)
    for known, held in split:
        answers[held] = _grown(table[known], truth[known], ends, seed).predict(table[held])
    return answers


def _tree_of(grown: Any, conditions: Conditions) -> RuleTree:
    tree = grown.tree_
    inner = tree.children_left >= 0
    return RuleTree(
        names=conditions.names,
        units=conditions.units,
        condition=np.where(inner, tree.feature, -1).astype(np.int64),
        threshold=np.where(inner, tree.threshold, 0.0),
        left=np.where(inner, tree.children_left, -1).astype(np.int64),
        right=np.where(inner, tree.children_right, -1).astype(np.int64),
        cluster=np.asarray(grown.classes_[tree.value[:, 0].argmax(axis=1)], np.int64),
    )


def _ends(tree: RuleTree, table: Doubles) -> Indices:
    """The node `(sample,)` at which each sample ends."""
    node = np.zeros(len(table), np.int64)
    while (tree.condition[node] >= 0).any():
        inner = tree.condition[node] >= 0
        low = table[np.arange(len(table)), tree.condition[node]] <= tree.threshold[node]
        node = np.where(inner, np.where(low, tree.left[node], tree.right[node]), node)
    return node


def _rules(tree: RuleTree, ends: Indices, truth: Indices) -> Iterator[ClusterRule]:
    for node, asked in _paths(tree, 0, []):
        there = ends == node
        cluster = int(tree.cluster[node])
        words = " and ".join(_words(tree, asked)) or "all samples"
        yield ClusterRule(words, cluster, int(there.sum()), int((truth[there] == cluster).sum()))


def _paths(
    tree: RuleTree, node: int, asked: list[tuple[int, float, bool]]
) -> Iterator[tuple[int, list[tuple[int, float, bool]]]]:
    """The ends below a node with what is asked on the way: condition, threshold, whether the value is above it."""
    if tree.condition[node] < 0:
        yield node, asked
        return
    one = (int(tree.condition[node]), float(tree.threshold[node]))
    yield from _paths(tree, int(tree.left[node]), [*asked, (*one, False)])
    yield from _paths(tree, int(tree.right[node]), [*asked, (*one, True)])


def _words(tree: RuleTree, asked: list[tuple[int, float, bool]]) -> Iterator[str]:
    """One text for each condition; several on one property become its tightest range."""
    for condition in dict.fromkeys(one[0] for one in asked):
        low = [at for which, at, above in asked if which == condition and above]
        high = [at for which, at, above in asked if which == condition and not above]
        name, _, kind = tree.names[condition].partition(IS)
        unit = "" if tree.units[condition] == "1" else f" {tree.units[condition]}"
        if kind:
            yield f"{name} {'is' if low else 'is not'} {kind}"
        elif low and high:
            yield f"{name} from {max(low):.4g} to {min(high):.4g}{unit}"
        else:
            yield f"{name} above {max(low):.4g}{unit}" if low else f"{name} at most {min(high):.4g}{unit}"
