"""What the steps of `derive` find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xafsflow.findings.record import Doubles, Finding, Integers


@dataclass(frozen=True, eq=False)
class ClusterFindings(Finding):
    """What `derive.clusters` finds, on a sample of the pixels.

    Parameters
    ----------
    number
        Of clusters.
    method
        How they were found.
    pixels
        Number of pixels that they were found on.
    sizes, shares
        `(cluster,)`: how many of these pixels, and which share of them; the largest first.
    axis, energy
        Name of the spectral axis, and the places on it of the mean spectra: `(energy,)`, eV for energies.
    mean_norm
        `(cluster, energy)`: mean normalized spectrum, in edge steps; of the clusters that have pixels.
    linkage
        `(cluster - 1, 4)`: which mean spectra are alike, by Ward's linkage as `scipy.cluster.hierarchy` gives it, in units
        of the noise; empty for one cluster.
    leaves
        `(cluster,)`: the clusters from left to right in the tree of the linkage.
    quality, quality_by_number
        How the number was chosen, and the value for each number tried: silhouette (the larger the better) or BIC (the
        smaller the better); empty where the number was given.
    explained
        `(component,)`: share of the variance in each principal component used.
    """

    number: int
    method: Literal["kmeans", "gaussian_mixture"]
    pixels: int
    sizes: Integers
    shares: Doubles
    axis: str
    energy: Doubles
    mean_norm: Doubles
    linkage: Doubles
    leaves: Integers
    quality: Literal["silhouette", "bic"]
    quality_by_number: Mapping[int, float]
    explained: Doubles


@dataclass(frozen=True, eq=False)
class LabelFindings(Finding):
    """One label that `derive.structure` makes.

    Parameters
    ----------
    counts
        Samples by class.
    stable
        Share of samples whose class stays when the factor changes.
    stable_by_class
        The same by class.
    """

    counts: Mapping[str, int]
    stable: float
    stable_by_class: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class PropertyFindings(Finding):
    """How one property is distributed over the samples that have a value.

    Parameters
    ----------
    unit
        Of the property.
    mean, spread
        Mean and standard deviation.
    edges, counts
        `(bin + 1,)` in the unit, and `(bin,)`: a histogram of all values.
    """

    unit: str
    mean: float
    spread: float
    edges: Doubles
    counts: Integers


@dataclass(frozen=True, eq=False)
class StructureFindings(Finding):
    """What `derive.structure` finds in the clusters of a library.

    Parameters
    ----------
    samples, groups, grouped
        Number of clusters, and of materials; `grouped` is False where no material is known, and each cluster is its own.
    factor, factors
        Times the shortest distance, where the shell ends; and those at which stable labels stay.
    labels
        By name.
    properties
        By name; those that no sample has are left out.
    missing
        By name of a property: samples without a value.
    without_neighbors
        Samples whose cluster holds the absorber alone.
    """

    samples: int
    groups: int
    grouped: bool
    factor: float
    factors: Doubles
    labels: Mapping[str, LabelFindings]
    properties: Mapping[str, PropertyFindings]
    missing: Mapping[str, int]
    without_neighbors: int
