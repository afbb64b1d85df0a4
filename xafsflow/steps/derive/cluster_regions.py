"""Regions of alike spectra, found without references."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.findings.derive_findings import ClusterFindings
from xafsflow.learning.unsupervised.clusters import Clusters, Method, find, hierarchy
from xafsflow.learning.unsupervised.components import principal
from xafsflow.sampling.pixel_sample import sampled_table, scale_of, scaled
from xafsflow.step_table import Span, step
from xafsflow.vocabulary import MAP, spectral_axis


@step(
    makes=("cube", "findings"),
    needs=["norm", "norm_noise", "noise", "flags"],
    gives=["cluster_index"],
    example={"clusters": 3},
    section="regions",
)
def clusters(
    cube: xr.Dataset,
    /,
    *,
    clusters: Annotated[int, Field(ge=1, le=100)] | None = None,
    method: Method = "kmeans",
    components: Annotated[int, Field(ge=1)] = 4,
    most: Annotated[int, Field(ge=2, le=100)] = 8,
    span: Span | None = None,
    pixels: Annotated[int, Field(ge=100)] = 20_000,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[xr.Dataset, ClusterFindings]:
    """Sort the pixels into regions of alike spectra, by the scores of their principal components.

    Components and clusters are found on pixels from rows spread over the scan; all others are then assigned block by block.
    `norm` is divided by how the noise goes with energy, not by the pixel's own noise: else regions of equal thickness
    would be found.

    Parameters
    ----------
    clusters
        How many; None tries up to `most` and takes the best silhouette (k-means) or BIC (mixture).
    method
        `kmeans`: round regions of equal width in the scores; `gaussian_mixture`: of any elliptic shape.
    components
        Scores that are used, mean taken off.
    most
        Clusters that are tried.
    span
        eV relative to the median e0, or limits on another axis, in its unit; None is open. Without it: from -20 to 100 eV,
        or the whole of another axis.
    pixels
        About so many are used to find components and clusters.
    seed
        Of the starts.

    Returns
    -------
    cube, findings
        The cube with `cluster_index` (y, x), 0 for the largest region, -1 where a pixel is not good; what the sampled pixels
        say.

    Raises
    ------
    InputError
        Too few good pixels or energies.
    """
    scale = scale_of(cube, span)
    table = sampled_table(cube, scale, pixels)["scaled"]
    values, vectors = principal(table, center=True)
    basis, mean = vectors[:components], table.mean(axis=0, dtype=np.float64)
    scores = (table - mean) @ basis.T
    found = find(scores, clusters, most, method, seed)
    arrays = list(scaled(cube, scale, by_pixel=False))
    output = Output("cluster_index", MAP, np.int16)
    result = over_blocks(_assigned, arrays, [output], basis=basis, mean=mean, found=found)
    labels = found.labels(scores)
    sizes = np.bincount(labels, minlength=found.number)
    seen = np.flatnonzero(sizes)
    means = np.array([table[labels == k].mean(axis=0, dtype=np.float64) for k in seen])
    linkage, leaves = hierarchy(means)
    findings = ClusterFindings(
        number=found.number,
        method=method,
        pixels=len(table),
        sizes=sizes,
        shares=sizes / len(table),
        axis=spectral_axis(cube),
        energy=cube[spectral_axis(cube)].values[scale.places],
        mean_norm=means * scale.noise * scale.pixel,
        linkage=linkage,
        leaves=np.array(leaves),
        quality="silhouette" if method == "kmeans" else "bic",
        quality_by_number=found.scores_by_number,
        explained=values[:components] / values.sum(),
    )
    return cube.assign(result), findings


def _assigned(values: Any, good: Any, basis: Any, mean: Any, found: Clusters) -> Any:
    index = np.full(good.shape, -1, np.int16)
    if good.any():
        index[good] = found.labels((values[:, good].T - mean) @ basis.T)
    return index
