"""The report's section on properties that a model of library spectra tells: maps, and pixels beside the library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from xafsflow.findings.train_findings import RegressionFindings
from xafsflow.kernels.array_types import Doubles, Integers, Singles
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Curve, CurveMark
from xafsflow.reporting.figure_style import INK, OKABE_ITO
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import PROPERTY, Block, Part, section
from xafsflow.reporting.wording import capitalized, counted, percent, readable, with_unit

WIDTH, HEIGHT = 4.2, 2.8
# Bins without a library to take them from, and at most so many on either side of those of the library.
BINS, BEYOND = 30, 30


@section(
    "property_maps",
    title="Properties",
    intro="What a model of library spectra tells of each pixel, and how that lies beside the library that it learnt from.",
    order=24,
    # The section on the model shows the rest of them.
    drawn=[one.name for one in fields(RegressionFindings)],
    of="property",
)
def property_maps(part: Part) -> Iterator[Block]:
    """Each property's map with the histogram of its values behind it, then the ends of its interval."""
    layers = {layer.variable: layer for layer in part.maps.layers}
    known = part.finding if isinstance(part.finding, RegressionFindings) else None
    for variable, picture in zip(part.variables, part.map_pictures(), strict=True):
        yield picture
        name = variable.removeprefix(PROPERTY)
        if not name.endswith(("_low", "_high")) or (known is not None and name in known.properties):
            values = part.maps.values(layers[variable])
            if np.isfinite(values).any():
                yield _histogram(name, layers[variable].unit, values, known)


def _histogram(name: str, unit: str, values: Singles, known: RegressionFindings | None) -> Picture:
    pixels = values[np.isfinite(values)].astype(np.float64)
    low, high = np.quantile(pixels, (0.005, 0.995))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    library: list[CurveMark] = []
    told = ""
    of_library = _of_library(known, name)
    if of_library is not None:
        counts, own = of_library
        edges = _reaching(own, low, high)
        share = np.histogram((own[:-1] + own[1:]) / 2, edges, weights=counts)[0] / counts.sum()
        line = np.repeat(edges, 2)[1:-1], np.repeat(100 * share, 2)
        library = [Curve(*line, INK, 1.3, name="library")]
        outside = int(((pixels < own[0]) | (pixels > own[-1])).sum())
        told = f" The line is that of the library ({counted(int(counts.sum()), 'sample')})"
        told += f"; {percent(outside, pixels.size)} of the pixels lie beyond all of these."
    share = np.histogram(pixels, edges)[0] / pixels.size
    middle = (edges[:-1] + edges[1:]) / 2
    marks: list[CurveMark] = [
        Band(middle, 100 * share, None, OKABE_ITO[0], 0.8, steps=True, name="pixels"), *library
    ]  # fmt: skip
    title = capitalized(readable(name))
    axis = with_unit(readable(name), unit)
    plot = Plot(marks, "share (%)", (0, None), legend="upper right")
    text = f"How many of {counted(pixels.size, 'pixel')} have each value.{told}"
    figure = CurveFigure(WIDTH, HEIGHT, [plot], axis)
    return Picture(
        f"histogram_{name}", f"{title}: values", text, f"Histogram of {readable(name)}. {text}", figure
    )


def _of_library(known: RegressionFindings | None, name: str) -> tuple[Integers, Doubles] | None:
    """How many library spectra lie between the edges of each bin, and these edges; None where it is not known."""
    if known is None or name not in known.properties:
        return None
    if known.truth_counts is None or known.truth_edges is None:
        return None
    place = known.properties.index(name)
    return known.truth_counts[place], known.truth_edges[place]


def _reaching(edges: Doubles, low: float, high: float) -> Doubles:
    """Edges of bins that go on as wide until they hold low and high."""
    width = edges[1] - edges[0]
    below, above = (
        int(np.clip(np.ceil(far / width), 0, BEYOND)) for far in (edges[0] - low, high - edges[-1])
    )
    return np.concatenate(
        [edges[0] - width * np.arange(below, 0, -1), edges, edges[-1] + width * np.arange(1, above + 1)]
    )
