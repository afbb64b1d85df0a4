"""What the maps of a run say in numbers, for `findings.json`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.report.map_figures import over_expected
from xafsflow.report.map_layers import layers
from xafsflow.report.map_statistics import gather


def findings_of(maps: xr.Dataset) -> dict[str, Any]:
    """Pixels answered and flagged, mean composition, how sure it is, and the distribution of the distances.

    `unknown_share` is that of the pixels with an `unknown_score`; `distance_over_expected` the median ratio to what noise
    alone gives, by metric.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x.

    Examples
    --------
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((2, 3)))})
    >>> findings_of(maps)["pixels"]
    6
    """
    facts = gather(maps)
    found: dict[str, Any] = {
        "pixels": facts.pixels,
        "answered": facts.answered,
        "flagged": {str(flag.name).lower(): count for flag, count in facts.flagged.items() if count},
        "without_answer_or_flag": facts.silent,
    }
    if facts.composition is not None:
        found["mean_fraction"] = dict(zip(facts.references, facts.composition.tolist(), strict=True))
        found["dominant_pixels"] = dict(zip(facts.references, facts.shares.tolist(), strict=True))
    found |= _of_trust(maps)
    for metric in maps.distance.metric.values if "distance" in maps else ():
        values = maps.distance.sel(metric=metric).values
        quantiles = np.nanquantile(values, [0.05, 0.5, 0.95]) if np.isfinite(values).any() else [np.nan] * 3
        found.setdefault("distance", {})[str(metric)] = dict(
            zip(("5 %", "median", "95 %"), map(float, quantiles), strict=True)
        )
    return found


def _of_trust(maps: xr.Dataset) -> dict[str, Any]:
    """How sure it is, in one number for each map that is there and has a value."""
    planes = {layer.name: layer for layer in layers(maps)}
    found: dict[str, Any] = {}
    for name, key, summary in (
        ("unknown_score", "unknown_share", lambda values: np.mean(values > 1)),
        ("reduced_chi_square", "median_reduced_chi_square", np.median),
        ("confidence", "mean_confidence", np.mean),
        ("disagreement", "mean_disagreement", np.mean),
    ):
        if name in planes:
            values = planes[name].values().astype(np.float64)
            values = values[np.isfinite(values)]
            if values.size:
                found[key] = float(summary(values))
    for layer in planes.values():
        expected = planes.get(f"distance_expected_{layer.label}")
        if layer.variable == "distance" and expected is not None:
            ratio = over_expected(layer.values(), expected.values())
            if np.isfinite(ratio):
                found.setdefault("distance_over_expected", {})[layer.label] = ratio
    return found
