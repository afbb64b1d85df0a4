"""What the maps of a run say in numbers, for `findings.json`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.report.facts import gather


def findings_of(maps: xr.Dataset) -> dict[str, Any]:
    """Pixels answered and flagged, mean composition, and the distribution of the distances.

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
    for metric in maps.distance.metric.values if "distance" in maps else ():
        values = maps.distance.sel(metric=metric).values
        quantiles = np.nanquantile(values, [0.05, 0.5, 0.95]) if np.isfinite(values).any() else [np.nan] * 3
        found.setdefault("distance", {})[str(metric)] = dict(
            zip(("5 %", "median", "95 %"), map(float, quantiles), strict=True)
        )
    return found
