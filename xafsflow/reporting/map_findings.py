"""What the maps of a run say in numbers, for `findings.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import xarray as xr

from xafsflow.findings.maps_findings import DistanceQuantiles, MapFindings, StepRatio
from xafsflow.findings.record import Doubles
from xafsflow.kernels.array_types import Singles
from xafsflow.provenance import known_history
from xafsflow.reporting.map_layers import Layer, layers, names_along, stacked
from xafsflow.reporting.map_statistics import BAND_PIXELS, gather, middle, ratio
from xafsflow.reporting.quantiles import median, quantiles
from xafsflow.reporting.share_error_findings import share_errors
from xafsflow.vocabulary import variable_of

# Reduced chi-square that noise alone does not reach from 20 energies on: its standard deviation is sqrt(2/20) there.
MISFIT = 3.0


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
    planes = _planes(maps)
    mean_fraction = dominant_pixels = None
    if facts.composition is not None:
        mean_fraction = dict(zip(facts.references, facts.composition.tolist(), strict=True))
        dominant_pixels = dict(zip(facts.references, facts.shares.tolist(), strict=True))
    distance, over = _distances(maps) if "distance" in maps else ({}, {})
    ratio_of_noise = float(maps.noise_ratio) if "noise_ratio" in maps else np.nan
    misfit, unknown = (_settings_of(maps, name) for name in ("reduced_chi_square", "unknown_score"))
    return MapFindings(
        pixels=facts.pixels,
        answered=facts.answered,
        flagged={str(flag.name).lower(): count for flag, count in facts.flagged.items() if count},
        without_answer_or_flag=facts.silent,
        mean_fraction=mean_fraction,
        dominant_pixels=dominant_pixels,
        unknown_share=_summary(planes.get("unknown_score"), lambda values: float(np.mean(values > 1))),
        median_reduced_chi_square=_summary(planes.get("reduced_chi_square"), median),
        mean_confidence=_summary(planes.get("confidence"), lambda values: float(np.mean(values))),
        mean_disagreement=_summary(planes.get("disagreement"), lambda values: float(np.mean(values))),
        distance_over_expected=over,
        distance=distance,
        misfit_share=_summary(
            planes.get("reduced_chi_square"), lambda values: float(np.mean(values > MISFIT))
        ),
        fit_knows_noise=None if misfit is None else misfit.get("weights", "noise") is not None,
        unknown_expected=None if unknown is None else cast(float | None, unknown.get("false_alarm")),
        confident_share=_confident(planes),
        unlike_types_share=_summary(
            planes.get("outside") if "mixed" in planes else None, lambda values: float(np.mean(values))
        ),
        mixed_types_share=_summary(planes.get("mixed"), lambda values: float(np.mean(values))),
        noise_ratio=ratio_of_noise if np.isfinite(ratio_of_noise) else None,
        step_ratios=step_ratios(maps),
        share_errors=share_errors(maps),
    )


def step_ratios(maps: xr.Dataset) -> dict[str, StepRatio]:
    """What the fit's coefficients were multiplied by, by the name of the reference; nothing without a fit."""
    if "step_ratio" not in maps:
        return {}
    columns = (maps.reference.values, maps.step_ratio.values, maps.step_ratio_error.values)
    return {
        str(name): StepRatio(float(ratio), float(error)) for name, ratio, error in zip(*columns, strict=True)
    }


def _planes(maps: xr.Dataset) -> dict[str, Layer]:
    """The images by name; a variable that has only labelled ones stands for the first of them under its own name too."""
    found = {layer.name: layer for layer in layers(maps)}
    for layer in list(found.values()):
        found.setdefault(variable_of(layer.variable) or layer.variable, layer)
    return found


def _settings_of(maps: xr.Dataset, variable: str) -> dict[str, object] | None:
    """The settings of the step that gave a variable, empty where they are not known; None without it."""
    name = next((str(name) for name in maps if variable_of(str(name)) == variable), None)
    if name is None:
        return None
    line = known_history(maps[name])
    return line[-1]["settings"] if line else {}


def _confident(planes: Mapping[str, Layer]) -> float | None:
    if "confidence" not in planes or "class_index" not in planes:
        return None
    classed = planes["class_index"].values() >= 0
    return float(np.isfinite(planes["confidence"].values()[classed]).mean()) if classed.any() else None


def _summary(layer: Layer | None, of: Callable[[Doubles], float]) -> float | None:
    """One number for a map; None where it is not there or has no value."""
    if layer is None:
        return None
    values = layer.values()
    values = values[np.isfinite(values)]
    return of(values.astype(np.float64)) if values.size else None


def _distances(maps: xr.Dataset) -> tuple[dict[str, DistanceQuantiles], dict[str, float]]:
    """By metric: how the distances are distributed, and their median over what is expected, where that is known."""
    names = names_along(maps["distance"], "metric")
    # Of maps in memory a copy, since it is written to; lazy ones are read anew.
    planes = stacked(maps["distance"].copy(deep=True))
    spread = {name: _quantiles(plane) for name, plane in zip(names, planes, strict=True)}
    if "distance_expected" not in maps:
        return spread, {}
    expected = maps["distance_expected"].transpose("metric", "y", "x")
    known = names_along(expected, "metric")
    both = [name for name in names if name in known]
    first, second = [names.index(name) for name in both], [known.index(name) for name in both]
    # Some rows at a time, in the place of the distances: memory holds one of the variables.
    height = max(1, BAND_PIXELS // planes.shape[-1])
    for row in range(0, planes.shape[1], height):
        rows = slice(row, row + height)
        band = stacked(expected[:, rows])
        for i, j in zip(first, second, strict=True):
            planes[i, rows] = ratio(planes[i, rows], band[j])
    ratios = {name: middle(planes[i]) for name, i in zip(both, first, strict=True)}
    return spread, {name: value for name, value in ratios.items() if np.isfinite(value)}


def _quantiles(values: Singles) -> DistanceQuantiles:
    known = values[~np.isnan(values)]
    if not np.isfinite(known).any():
        return DistanceQuantiles(np.nan, np.nan, np.nan)
    return DistanceQuantiles(*quantiles(known, [0.05, 0.5, 0.95]))
