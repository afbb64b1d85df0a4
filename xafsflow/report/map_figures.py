"""The maps of a run as pictures, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.report.chemical_maps import chemical_pictures, flag_picture
from xafsflow.report.downsample import block_mean
from xafsflow.report.figure_style import color_map, styled
from xafsflow.report.map_frame import Frame, frame_of
from xafsflow.report.map_layers import Layer, file_names, layers
from xafsflow.report.map_statistics import Facts
from xafsflow.report.model_view import ModelView
from xafsflow.report.picture import Picture
from xafsflow.report.sections.cluster_section import cluster_picture
from xafsflow.report.wording import number, of_blocks, percent, started

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class MapStyle:
    """How a variable's maps are shown: section, colors, limits if they are those of every run, what a number means."""

    group: str
    colors: str = "viridis"
    limits: tuple[float, float] | None = None
    hint: str = ""


SHARE = (0.0, 1.0)
MAP_STYLES: dict[str, MapStyle] = {
    "fraction": MapStyle("composition", limits=SHARE),
    "lcf_fraction": MapStyle("combination", limits=SHARE),
    "lcf_error": MapStyle("combination", "cividis"),
    "r_factor": MapStyle("combination", "cividis"),
    "reduced_chi_square": MapStyle(
        "combination", "cividis", hint="Near 1 where noise explains what is left."
    ),
    "lcf_shift": MapStyle("combination"),
    "confidence": MapStyle("trust", "cividis", SHARE),
    # The limit is in the middle of the scale: blue is explained, red is not.
    "unknown_score": MapStyle("trust", "RdBu_r", (0.0, 2.0), "Above 1: flagged unknown."),
    "disagreement": MapStyle(
        "trust",
        "cividis",
        hint="0 where classifier and fit agree, 1 where they have nothing in common.",
    ),
    "class_vote": MapStyle("trust", "cividis", SHARE),
    "distance": MapStyle("trust", "cividis"),
    "distance_expected": MapStyle("trust", "cividis"),
    "component_residual": MapStyle(
        "references-components", "cividis", hint="Near 1 where noise alone is left."
    ),
    "edge_step": MapStyle("edge"),
    "e0": MapStyle("edge"),
    "white_line": MapStyle("edge"),
    "white_line_energy": MapStyle("edge"),
    "noise": MapStyle("edge", "cividis"),
    "energy_shift": MapStyle("shift"),
    "energy_shift_error": MapStyle("shift", "cividis"),
}
OTHER = MapStyle("other")
# Shown by pictures of their own.
SPECIAL = ("class_index", "cluster_index", "flags")
TITLES: Mapping[str, str] = {
    "fraction": "Fraction",
    "lcf_fraction": "Fraction by fit",
    "lcf_error": "Standard error of the fit",
    "r_factor": "R factor of the fit",
    "reduced_chi_square": "Reduced chi-square of the fit",
    "lcf_shift": "Energy shift of the fit",
    "class_vote": "Share of votes",
    "confidence": "Confidence",
    "disagreement": "Disagreement of classifier and fit",
    "unknown_score": "Unknown score",
    "distance": "Distance",
    "distance_expected": "Distance expected from noise",
    "component_residual": "Residual of the components: map",
    "edge_step": "Edge step",
    "e0": "Edge energy E0",
    "white_line": "White line height",
    "white_line_energy": "White line energy",
    "noise": "Noise",
    "energy_shift": "Energy shift",
    "energy_shift_error": "Energy shift error",
}
# Many maps stand side by side; the few that come first are larger.
SMALL, SMALL_WIDTH = 640, 4.0


def map_pictures(maps: xr.Dataset, facts: Facts, view: ModelView | None = None) -> Iterator[Picture]:
    """Draw the maps one after the other.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x.
    facts
        Of the same maps.
    view
        The model, for the names and compositions of its classes.

    Yields
    ------
    Pictures in the order in which a report shows them; one is drawn when it is asked for.
    """
    frame = frame_of(maps, facts.shape)
    yield from chemical_pictures(maps, facts, frame, view)
    # What a distance is beside the expected one is said below its map.
    told = (*SPECIAL, "distance_expected") if "distance" in maps else SPECIAL
    every = layers(maps)
    named = {layer.name: layer for layer in every}
    place = {variable: i for i, variable in enumerate(MAP_STYLES)}
    plain = [layer for layer in every if layer.variable not in told]
    plain.sort(key=lambda layer: place.get(layer.variable, len(place)))
    small = replace(frame, longest=SMALL, width=SMALL_WIDTH)
    for layer, key in zip(plain, file_names(layer.name for layer in plain), strict=True):
        yield _layer_picture(layer, key, small, named.get(f"distance_expected_{layer.label}"))
    if "cluster_index" in maps:
        yield cluster_picture(maps, small)
    if {"e0", "edge_step"} <= set(named):
        yield _edge_picture(named["e0"], named["edge_step"], small)
    if "flags" in maps:
        yield flag_picture(maps["flags"], facts, frame)


@dataclass(frozen=True)
class Spread:
    """How the finite values of a map are spread: their number, and the quantiles 0, 1, 50, 99 and 100 %."""

    count: int
    quantiles: tuple[float, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of a color bar: 1st and 99th percentile, or all values where they are few."""
        low, high = self.quantiles[1::2] if self.count >= 500 else self.quantiles[::4]
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def extend(self, low: float, high: float) -> str:
        """Which ends of a color bar are arrows, since values lie beyond."""
        beyond = (self.quantiles[0] < low, self.quantiles[-1] > high)
        return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")

    def words(self, unit: str) -> str:
        """The spread as a sentence."""
        unit = "" if unit in ("", "1") else f" {unit}"
        least, low, middle, high, most = (number(value, 3) for value in self.quantiles)
        if least == most:
            return f"{middle}{unit} everywhere."
        return f"Median {middle}{unit}; 98 % of the pixels lie between {low} and {high}{unit}."


def spread_of(values: NDArray[np.float32]) -> Spread | None:
    """Quantiles of the finite values, or None where there are none.

    Examples
    --------
    >>> spread_of(np.array([1, 2, np.nan, 4], np.float32)).quantiles
    (1.0, 1.02..., 2.0, 3.96..., 4.0)
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    found = np.percentile(finite, [0, 1, 50, 99, 100], overwrite_input=True).tolist()
    return Spread(finite.size, tuple(found))


@styled
def _layer_picture(layer: Layer, key: str, frame: Frame, expected: Layer | None = None) -> Picture:
    style = MAP_STYLES.get(layer.variable, OTHER)
    values = layer.values()
    spread = spread_of(values)
    figure = _color_figure(values, frame, style, spread, layer.unit)
    label = layer.label.replace("_", " ") if layer.variable.startswith("distance") else layer.label
    title = TITLES.get(layer.variable, layer.variable) + (f": {label}" if label else "")
    words = spread.words(layer.unit) if spread else "No pixel has a value."
    masked = "" if np.isfinite(values).all() else " Hatched: no value."
    parts = [f"{started(layer.meaning)}.", style.hint, words]
    if layer.variable == "unknown_score" and spread:
        above = int(np.count_nonzero(values > 1))
        parts.append(f"Above 1 are {percent(above, spread.count)} of the pixels with a score.")
    if layer.variable == "distance" and expected is not None:
        parts.append(_beside_expected(values, expected.values()))
    text = " ".join(part for part in parts if part) + masked + of_blocks(frame)
    return Picture(key, style.group, title, text, f"Map of {title}. {words}", figure)


def over_expected(values: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The median of distance over expected distance, NaN where no pixel has both.

    Examples
    --------
    >>> over_expected(np.array([[2, 3, np.nan]], np.float32), np.array([[1, 1, 1]], np.float32))
    2.5
    """
    known = np.isfinite(values) & np.isfinite(expected) & (expected > 0)
    return float(np.median(values[known] / expected[known])) if known.any() else float("nan")


def _beside_expected(values: NDArray[np.float32], expected: NDArray[np.float32]) -> str:
    ratio, spread = over_expected(values, expected), spread_of(expected)
    if spread is None or not np.isfinite(ratio):
        return ""
    middle = number(spread.quantiles[2], 3)
    return f"Noise alone would give {middle} in the median; the median ratio is {number(ratio, 3)}."


def _color_figure(
    values: NDArray[np.float32], frame: Frame, style: MapStyle, spread: Spread | None, unit: str
) -> Figure:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator

    figure, axes = frame.open(room=0.8)
    low, high = style.limits or (spread.limits if spread else SHARE)
    scale = ScalarMappable(Normalize(low, high), color_map(style.colors))
    shown = np.ma.masked_invalid(block_mean(values, frame.block))
    frame.paint(axes, scale.to_rgba(shown, bytes=True))
    # Inside the axes of the map: as high as the map, whatever its shape.
    place = axes.inset_axes((1.03, 0, 0.045, 1))
    extend = spread.extend(low, high) if spread else "neither"
    bar = figure.colorbar(scale, cax=place, extend=extend, ticks=MaxNLocator(6))
    bar.outline.set_visible(False)
    if unit not in ("", "1"):
        place.set_title(unit, fontsize=9, loc="left", pad=4)
    return figure


@styled
def _edge_picture(energy: Layer, height: Layer, frame: Frame) -> Picture:
    """E0 as color, the edge step as opacity: the energy counts where there is something to measure it on."""
    e0, step = energy.values(), height.values()
    spread, thickness = spread_of(e0), spread_of(step)
    thick = max(thickness.limits[1], 0.0) if thickness else 0.0
    figure = _color_figure(e0, frame, MAP_STYLES["e0"], spread, "eV")
    axes = figure.axes[0]
    axes.patch.set(hatch="", facecolor="white")
    image = axes.images[0]
    colors = np.array(image.get_array())
    opacity = np.clip(np.nan_to_num(block_mean(step, frame.block)) / thick, 0, 1) if thick > 0 else 0.0
    colors[..., 3] = np.round(colors[..., 3] * opacity)
    image.set_data(colors)
    text = f"Color is E0, opacity the edge step: full at {number(thick, 3)}, white where there is none."
    title, alt = "E0 where the sample is", "Map of E0, faded where the edge step is small."
    return Picture("e0_by_edge_step", "edge", title, text + of_blocks(frame), alt, figure)
