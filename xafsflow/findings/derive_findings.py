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
