"""Groups of similar spectra in a library, and what tells their structures apart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.findings.hierarchy_findings import ExplanationFindings, HierarchyFindings
from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.learning.explanation.cluster_rules import conditions_of, explain_clusters
from xafsflow.learning.samples.group_split import groups_of
from xafsflow.learning.unsupervised.linkage_tree import (
    Distance,
    Linkage,
    hierarchy_of,
    nearest_cluster,
    upper_part,
)
from xafsflow.step_table import step

BLOCK = 20_000  # samples at a time


@step(makes=("spectra", "findings"), section="library_clusters")
def hierarchy(
    spectra: xr.Dataset,
    /,
    *,
    linkage: Linkage = "ward",
    distance: Distance = "euclidean",
    clusters: Annotated[int, Field(ge=2, le=50)] = 5,
    height: Annotated[float, Field(gt=0)] | None = None,
    most: Annotated[int, Field(ge=10, le=20_000)] = 3000,
    explain_by: list[str] | None = None,
    rules: Annotated[int, Field(ge=2, le=64)] = 8,
    folds: Annotated[int, Field(ge=2)] = 5,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[xr.Dataset, HierarchyFindings]:
    """Clusters of similar spectra as a tree (dendrogram), their mean spectra, and rules that tell their structures apart.

    Hierarchical clustering, and a decision tree on what is known of the structures, as T. Mizoguchi and S. Kiyohara,
    Microscopy 69, 92 (2020) do it. How good the rules are is measured on materials that the tree has not seen.

    Parameters
    ----------
    linkage
        How the distance of two clusters follows from those of their spectra: `ward` (least growth of the variance,
        with `euclidean` alone), `average`, `complete` or `single`.
    distance
        Of two spectra: `euclidean`, `correlation`, `cosine` or `cityblock`.
    clusters
        Their number, where no `height` is given.
    height
        Where the tree is cut, in the unit of the distance.
    most
        Spectra that the tree is made of. Of a larger library these are drawn at random, with a warning, and the
        others go to the cluster with the nearest mean spectrum.
    explain_by
        Labels and properties that the rules may ask for; by default all of the library but `cluster`.
    rules
        Their number, at most.
    folds
        Of the cross-validation by groups.
    seed
        Of the spectra that are drawn, and of the folds.

    Returns
    -------
    spectra, findings
        The library with the label `cluster` (sample), 0 for the largest; and the dendrogram, mean spectra and rules.
        `xafsflow.learning.explanation.cluster_rules.cluster_of` takes the values of a structure through the rules.

    Raises
    ------
    InputError
        Too few spectra; Ward's linkage of another distance; a name in `explain_by` that the library does not have.
    """
    names = _known_of(spectra, explain_by)
    count = spectra.sizes["sample"]
    drawn = np.arange(count)
    if count > most:
        drawn = np.sort(np.random.default_rng(seed).permutation(count)[:most])
        warnings.warn(
            XafsflowWarning(
                f"the dendrogram is of {most:,} of {count:,} spectra, drawn at random; the others go to the nearest mean"
            ),
            stacklevel=2,
        )
    table = spectra.mu.isel(sample=drawn).values
    found = hierarchy_of(table, linkage, distance, clusters, height)
    centers = np.array([table[found.labels == k].mean(axis=0, dtype=np.float64) for k in range(found.number)])
    labels = np.empty(count, np.int64)
    labels[drawn] = found.labels
    labels, sizes, mean, spread = _all_samples(spectra, labels, drawn, centers, distance)
    told = {"role": "label", "units": "1", "long_name": "cluster of similar spectra, the largest first"}
    findings = HierarchyFindings(
        samples=count,
        linked=len(drawn),
        linkage=linkage,
        distance=distance,
        number=found.number,
        height=found.height,
        sizes=sizes,
        energy=spectra.energy.values.astype(np.float64),
        mean=mean,
        spread=spread,
        dendrogram=upper_part(replace(found, labels=labels[drawn])),
        by_label={
            name: _by_class(spectra[name].values, labels, found.number)
            for name in names
            if spectra[name].attrs.get("role") == "label"
        },
        explanation=_explained(spectra, names, labels, rules, folds, seed) if names else None,
    )
    return spectra.assign(cluster=("sample", labels, told)), findings


def _known_of(spectra: xr.Dataset, wanted: list[str] | None) -> list[str]:
    """Labels and properties that the rules may ask for."""
    there = [
        str(name)
        for name, one in spectra.data_vars.items()
        if one.attrs.get("role") in ("label", "property") and name != "cluster"
    ]
    unknown = [name for name in wanted or () if name not in there]
    if unknown:
        raise InputError(
            f"explain_by: {', '.join(unknown)}",
            f"labels and properties of the library: {', '.join(there) or 'it has none'}",
            "run derive.structure before, or mend the name",
        )
    return there if wanted is None else wanted


def _blocks(spectra: xr.Dataset) -> Iterator[tuple[slice, Any]]:
    """Spectra of some samples at a time, in memory."""
    for start in range(0, spectra.sizes["sample"], BLOCK):
        part = slice(start, start + BLOCK)
        yield part, np.asarray(spectra.mu.isel(sample=part).values, np.float64)


def _all_samples(
    spectra: xr.Dataset, labels: Indices, drawn: Indices, centers: Doubles, distance: Distance
) -> tuple[Indices, Indices, Doubles, Doubles]:
    """Labels of all samples, sizes, mean spectra and standard deviations of the clusters, in one pass over the blocks."""
    number = len(centers)
    there = np.zeros(len(labels), bool)
    there[drawn] = True
    sums, squares = np.zeros_like(centers), np.zeros_like(centers)
    for part, mu in _blocks(spectra):
        new = ~there[part]
        if new.any():
            labels[part][new] = nearest_cluster(mu[new], centers, distance)
        for k in range(number):
            # About the centers, so that squares of nearly equal numbers are not subtracted
            apart = mu[labels[part] == k] - centers[k]
            sums[k] += apart.sum(axis=0)
            squares[k] += (apart**2).sum(axis=0)
    sizes = np.bincount(labels, minlength=number)
    mean = sums / sizes[:, None]
    spread = np.sqrt(np.maximum(squares / sizes[:, None] - mean**2, 0))
    order = np.argsort(-sizes, kind="stable")
    return np.argsort(order)[labels], sizes[order], (centers + mean)[order], spread[order]


def _by_class(classes: Any, labels: Indices, number: int) -> dict[str, Indices]:
    kinds, of = np.unique(classes, return_inverse=True)
    return {str(k): np.bincount(labels[of == i], minlength=number) for i, k in enumerate(kinds)}


def _explained(
    spectra: xr.Dataset, names: list[str], labels: Indices, rules: int, folds: int, seed: int
) -> ExplanationFindings:
    units = {name: str(spectra[name].attrs.get("units", "1")) for name in names}
    conditions = conditions_of({name: spectra[name].values for name in names}, units)
    return explain_clusters(conditions, labels, groups_of(spectra), rules, folds, seed)
