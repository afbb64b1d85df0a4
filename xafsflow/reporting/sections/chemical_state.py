"""The report's section on the chemical state: the dominant reference of each pixel, mixtures as mixed colors, classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Uint8s
from xafsflow.reporting.category_maps import category_figure
from xafsflow.reporting.color_scales import rgb
from xafsflow.reporting.downsample import block_mean
from xafsflow.reporting.figure_style import DOUBT, category_colors, short
from xafsflow.reporting.map_figure import MapFigure, MixingKey
from xafsflow.reporting.map_frame import Frame, of_blocks
from xafsflow.reporting.map_statistics import Facts, flag_bits
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.raster import Raster
from xafsflow.reporting.scalar_maps import MapStyle, small
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, listed, percent
from xafsflow.vocabulary import Flag

HATCHED = " Hatched: no answer."


@section(
    "chemical_state",
    title="Chemical state",
    intro="Which reference or class each pixel resembles most, and how they mix.",
    order=10,
    maps={"class_index": MapStyle("Classes", drawn=False)},
    reads=("fraction",),
    in_columns=True,
)
def chemical_state(part: Part) -> Iterator[Block]:
    """The chemical-state map, the RGB map of the first fractions, and the map of the classes."""
    maps, facts, model = part.maps.maps, part.maps.facts, part.model
    beside = small(part.maps.frame)
    if facts.references:
        yield _state_picture(maps, facts, part.maps.frame)
        yield _composition_panel(facts)
    elif facts.classes.size:
        yield _class_picture(maps, facts, part.maps.frame, model)
    if len(facts.references) >= 2:
        yield _mixed_picture(part.maps, beside)
    if model is not None and facts.classes.size and np.any(model.compositions.max(axis=1) < 0.999):
        yield _blend_picture(maps, beside, model)
    if model is not None and facts.classes.size:
        yield _class_panel(facts, model)


def _composition_panel(facts: Facts) -> Panel:
    """Mean fractions over pixels and over the element, and where each reference dominates."""
    if facts.composition is None:
        return Panel("Mean composition", texts=["No pixel has fractions."])
    rows = []
    for i, (name, color) in enumerate(
        zip(facts.references, category_colors(len(facts.references)), strict=True)
    ):
        mean = float(facts.composition[i])
        weighted = percent(float(facts.amount[i])) if facts.amount is not None else "none"
        share = f"{int(facts.shares[i]):,} ({percent(int(facts.shares[i]), facts.answered)})"
        bar = Cell(share=mean, color=color)
        rows.append((Cell(name, color=color), percent(mean), bar, weighted, share))
    head = ["reference", "mean", "", "weighted", "dominates in"]
    note = (
        "The mean counts every pixel alike; weighted by the edge step, it is the composition of the whole sample. The last "
        "column counts pixels."
    )
    return Panel("Mean composition", content=Table(head, rows, numeric=[1, 3, 4]), notes=[note])


def _class_panel(facts: Facts, model: ModelView) -> Panel:
    """The classes that occur most."""
    order = [int(i) for i in np.argsort(-facts.classes, kind="stable")[:6] if facts.classes[i]]
    rows = [
        (model.class_names[i], f"{facts.classes[i]:,}", percent(int(facts.classes[i]), facts.answered))
        for i in order
    ]
    note = f"{np.count_nonzero(facts.classes):,} of {counted(len(model.class_names), 'class')} occur."
    content = Table(["class", "pixels", "share"], rows, [1, 2])
    return Panel("Most frequent classes", content=content, notes=[note], small=True)


def _state_picture(maps: xr.Dataset, facts: Facts, frame: Frame) -> Picture:
    names, colors = list(facts.references), category_colors(len(facts.references))
    codes, counts = facts.dominant, facts.shares.tolist()
    text = "Each pixel has the color of its largest fraction; shares are of the pixels with an answer."
    if facts.flagged[Flag.UNKNOWN]:
        doubt = (flag_bits(maps["flags"]) & int(Flag.UNKNOWN) != 0) & (codes >= 0)
        codes = np.where(doubt, np.int16(len(names)), codes)
        names, colors, counts = (
            [*names, "in doubt"],
            [*colors, DOUBT],
            np.bincount(codes[codes >= 0]).tolist(),
        )
        text += " In doubt: the classes do not explain the spectrum."
    entries = list(zip(names, colors, counts, strict=False))
    figure = category_figure(codes, frame, entries, facts.answered)
    found = listed([f"{name} {percent(n, facts.answered)}" for name, _, n in entries])
    alt = f"Map of the dominant reference: {found}."
    return Picture(
        "chemical_state",
        "Chemical-state map",
        text + HATCHED + of_blocks(frame, "the most frequent category"),
        alt,
        figure,
    )


def _class_picture(maps: xr.Dataset, facts: Facts, frame: Frame, model: ModelView | None) -> Picture:
    values = maps["class_index"].transpose("y", "x").values
    codes = np.where(np.isfinite(values), values, -1).astype(np.int16)
    names = list(model.class_names) if model else []
    names += [f"class {i}" for i in range(len(names), facts.classes.size)]
    names, colors = names[: facts.classes.size], category_colors(facts.classes.size)
    counts = facts.classes.tolist()
    text = "Each pixel has the color of its class; shares are of the pixels with an answer."
    if "mixed" in maps and "outside" in maps:
        unlike = (maps["outside"].transpose("y", "x").values > 0) & (codes >= 0)
        codes = np.where(unlike, np.int16(len(names)), codes)
        names, colors = [*names, "none of these"], [*colors, DOUBT]
        counts = np.bincount(codes[codes >= 0], minlength=len(names)).tolist()
        text += " None of these: the pattern is unlike those of all types that the model knows."
    entries = list(zip(names, colors, counts, strict=True))
    figure = category_figure(codes, frame, entries, facts.answered)
    return Picture(
        "chemical_state",
        "Class map",
        text + HATCHED + of_blocks(frame, "the most frequent category"),
        "Map of the classes.",
        figure,
    )


def _mixed_picture(maps: MapView, frame: Frame) -> Picture:
    """Fractions as the intensities of red, green and blue; of two references as magenta and green."""
    planes = [layer for layer in maps.layers if layer.variable == "fraction"][:3]
    names = [layer.label for layer in planes]
    primaries = np.eye(3) if len(names) == 3 else np.array([[1.0, 0, 1], [0, 1, 0]])
    shown = [block_mean(maps.values(layer), frame.block) for layer in planes]
    figure = MapFigure(frame, Raster(_mix(shown, primaries)), key=_mixing_key(primaries, names))
    more = len(maps.facts.references) - len(names)
    colors = "red, green and blue" if len(names) == 3 else "magenta and green"
    text = f"{listed(names)} as {colors}, each as bright as its fraction."
    if more:
        text += f" {counted(more, 'more reference')} cannot be in it: where they are, it is dark."
    title, alt = "RGB map of the fractions", f"Map of mixed colors: {listed(names)} as {colors}."
    return Picture("rgb", title, text + HATCHED + of_blocks(frame), alt, figure)


def _mix(shares: Sequence[NDArray[np.floating]], primaries: Doubles) -> Uint8s:
    """RGBA of shares times primary colors; transparent where a share is NaN."""
    stack: Doubles = np.stack([np.asarray(share, np.float64) for share in shares], axis=-1)
    known = np.asarray(np.isfinite(stack).all(axis=-1))
    # Fits without bounds may leave 0 to 1; a screen cannot.
    color = np.clip(np.where(known[..., None], stack, 0) @ primaries, 0, 1)
    return np.round(255 * np.dstack([color, known.astype(np.float64)])).astype(np.uint8)


def _mixing_key(primaries: Doubles, names: Sequence[str]) -> MixingKey:
    """A triangle of all mixtures of three, or a bar of those of two."""
    grid: tuple[Doubles, ...] = np.meshgrid(np.linspace(0, 1, 120), np.linspace(1, 0, 120))
    x, top = grid[0], grid[1] if len(names) == 3 else np.zeros_like(grid[1])
    # Corners: of three, the first at the top, the second left, the third right; of two, the first left.
    right = x - top / 2
    left = 1 - top - right
    outside = np.asarray((left < 0) | (right < 0))
    corners = [top, left, right][-len(names) :]
    shares = [np.where(outside, np.nan, share) for share in corners]
    pure = ["#" + bytes(color).hex() for color in (255 * primaries).astype(np.uint8)]
    entries = [(short(name, 14), color) for name, color in zip(names, pure, strict=True)]
    return MixingKey(Raster(_mix(shares, primaries)), 0.87 if len(names) == 3 else 0.2, entries)


def _blend_picture(maps: xr.Dataset, frame: Frame, model: ModelView) -> Picture:
    """The class of each pixel in the mixed color of its composition."""
    values = maps["class_index"].transpose("y", "x").values
    index = np.where(np.isfinite(values), values, -1).astype(np.int64)
    table = np.vstack([model.compositions, np.full(len(model.references), np.nan)]).astype(np.float32)
    colors = category_colors(len(model.references))
    shown = [block_mean(table[:, i][index], frame.block) for i in range(len(model.references))]
    raster = Raster(_mix(shown, np.array([rgb(color) for color in colors]) / 255))
    names = [(short(name), color) for name, color in zip(model.references, colors, strict=True)]
    figure = MapFigure(frame, raster, legend=[*names, ("no answer", None)])
    text = (
        f"The class, of {len(model.class_names)}, that got most votes, in the mixed color of its composition."
    )
    alt = "Map of the classes in mixed colors."
    return Picture("classes", "Classes", text + HATCHED + of_blocks(frame), alt, figure)
