"""What the maps of a run say in numbers, for `findings.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.findings.maps_findings import DistanceQuantiles, MapFindings
from xafsflow.findings.record import Doubles
from xafsflow.reporting.map_layers import Layer, layers
from xafsflow.reporting.map_statistics import gather, over_expected


def findings_of(maps: xr.Dataset) -> MapFindings:
    """Pixels answered and flagged, mean composition, how sure it is, and the distribution of the distances.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x.

    Examples
    --------
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((2, 3)))})
    >>> findings_of(maps).pixels
    6
    """
    facts = gather(maps)
    planes = {layer.name: layer for layer in layers(maps)}
    mean_fraction = dominant_pixels = None
    if facts.composition is not None:
        mean_fraction = dict(zip(facts.references, facts.composition.tolist(), strict=True))
        dominant_pixels = dict(zip(facts.references, facts.shares.tolist(), strict=True))
    metrics = maps.distance.metric.values if "distance" in maps else ()
    return MapFindings(
        pixels=facts.pixels,
        answered=facts.answered,
        flagged={str(flag.name).lower(): count for flag, count in facts.flagged.items() if count},
        without_answer_or_flag=facts.silent,
        mean_fraction=mean_fraction,
        dominant_pixels=dominant_pixels,
        unknown_share=_summary(planes.get("unknown_score"), lambda values: np.mean(values > 1)),
        median_reduced_chi_square=_summary(planes.get("reduced_chi_square"), np.median),
        mean_confidence=_summary(planes.get("confidence"), np.mean),
        mean_disagreement=_summary(planes.get("disagreement"), np.mean),
        distance_over_expected=_over_expected(planes),
        distance={str(metric): _quantiles(maps.distance.sel(metric=metric).values) for metric in metrics},
    )


def _summary(layer: Layer | None, of: Callable[[Doubles], np.floating]) -> float | None:
    """One number for a map; None where it is not there or has no value."""
    if layer is None:
        return None
    values = layer.values().astype(np.float64)
    values = values[np.isfinite(values)]
    return float(of(values)) if values.size else None


def _over_expected(planes: Mapping[str, Layer]) -> dict[str, float]:
    found = {}
    for layer in planes.values():
        expected = planes.get(f"distance_expected_{layer.label}")
        if layer.variable == "distance" and expected is not None:
            ratio = over_expected(layer.values(), expected.values())
            if np.isfinite(ratio):
                found[layer.label] = ratio
    return found


def _quantiles(values: NDArray[np.floating]) -> DistanceQuantiles:
    if not np.isfinite(values).any():
        return DistanceQuantiles(np.nan, np.nan, np.nan)
    return DistanceQuantiles(*map(float, np.nanquantile(values, [0.05, 0.5, 0.95])))
