"""What `derive.hierarchy` finds: groups of similar spectra, and what their structures have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xafsflow.findings.record import Doubles, Finding, Integers


@dataclass(frozen=True, eq=False)
class DendrogramFindings(Finding):
    """The upper part of a dendrogram: what lies below its leaves is left out.

    Parameters
    ----------
    linkage
        `(leaf - 1, 4)`, as scipy gives it: two that are joined, their distance, number of leaves.
    leaves
        `(leaf,)`: the leaves from one side to the other.
    sizes, clusters
        `(leaf,)`: how many spectra lie below each leaf, and the cluster that they belong to.
    """

    linkage: Doubles
    leaves: Integers
    sizes: Integers
    clusters: Integers


@dataclass(frozen=True, eq=False)
class ClusterRule(Finding):
    """One end of the decision tree: which structures go there, and which clusters they have.

    Parameters
    ----------
    words
        The conditions, all of which hold.
    cluster
        The most frequent one there.
    samples, right
        How many samples go there, and how many of these are of that cluster.
    """

    words: str
    cluster: int
    samples: int
    right: int


@dataclass(frozen=True, eq=False)
class RuleTree(Finding):
    """A decision tree as arrays.

    Parameters
    ----------
    names, units
        `(condition,)`: what is asked for; `motif = octahedron` is 1 where that is so, else 0.
    condition, threshold
        `(node,)`: left where the value is at most the threshold; condition -1 at an end.
    left, right
        `(node,)`: the nodes below; -1 at an end.
    cluster
        `(node,)`: the most frequent cluster.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    condition: Integers
    threshold: Doubles
    left: Integers
    right: Integers
    cluster: Integers


@dataclass(frozen=True, eq=False)
class ExplanationFindings(Finding):
    """How well structures explain the clusters.

    Parameters
    ----------
    tree, rules
        The decision tree, and its ends in words.
    samples, without_value, groups
        Samples that it was made of; those that were left out since one of the values is missing; number of materials.
    folds
        Of the cross-validation, whole materials at a time.
    accuracy, macro_f1
        On the materials left out: share of samples in the right cluster, and the mean over the clusters of F1.
    largest
        Accuracy of who always says the largest cluster.
    """

    tree: RuleTree
    rules: tuple[ClusterRule, ...]
    samples: int
    without_value: int
    groups: int
    folds: int
    accuracy: float
    macro_f1: float
    largest: float


@dataclass(frozen=True, eq=False)
class HierarchyFindings(Finding):
    """What `derive.hierarchy` finds.

    Parameters
    ----------
    samples, linked
        Spectra of the library, and those of them that the hierarchy was made of.
    linkage, distance
        How clusters are joined, and what the distance of two spectra is.
    number, height
        Of clusters; and the height at which the tree was cut into them.
    sizes
        `(cluster,)`: spectra, the largest first.
    energy
        `(energy,)`, eV.
    mean, spread
        `(cluster, energy)`: mean spectrum and standard deviation of each cluster.
    dendrogram
        The upper part of the tree.
    by_label
        By name of a label and its class: how many spectra of each cluster, `(cluster,)`.
    explanation
        What tells the clusters apart; None where nothing is known of the structures.
    """

    samples: int
    linked: int
    linkage: str
    distance: str
    number: int
    height: float
    sizes: Integers
    energy: Doubles
    mean: Doubles
    spread: Doubles
    dendrogram: DendrogramFindings
    by_label: Mapping[str, Mapping[str, Integers]]
    explanation: ExplanationFindings | None
