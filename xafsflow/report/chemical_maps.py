"""The maps that show kinds rather than numbers: chemical state, mixtures as mixed colors, classes, flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.report.category_maps import add_legend, kinds_figure, paint_codes
from xafsflow.report.downsample import block_lowest, block_mean
from xafsflow.report.figure_style import (
    DOUBT,
    FLAG_COLORS,
    INK,
    UNFLAGGED,
    category_colors,
    short,
    styled,
)
from xafsflow.report.map_frame import Frame
from xafsflow.report.map_layers import layers
from xafsflow.report.map_statistics import Facts
from xafsflow.report.model_view import ModelView
from xafsflow.report.picture import Picture
from xafsflow.report.wording import STRETCHED, counted, listed, of_blocks, percent
from xafsflow.vocabulary import FLAG_MEANINGS, Flag

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
# After a shift of the energies every pixel lacks some at the ends: that hides no other flag.
FLAG_ORDER = sorted(Flag, key=lambda flag: flag is Flag.ENERGY_RANGE)
HATCHED = " Hatched: no answer."


def chemical_pictures(
    maps: xr.Dataset, facts: Facts, frame: Frame, view: ModelView | None
) -> Iterator[Picture]:
    """The chemical-state map, the RGB map of the first fractions, and the map of the classes.

    Parameters
    ----------
    maps, facts, frame
        Of one run.
    view
        The model, for the compositions and names of its classes.
    """
    beside = replace(frame, width=4.0)
    if facts.references:
        yield _state_picture(maps, facts, frame)
    elif facts.classes.size:
        yield _class_picture(maps, facts, frame, view)
    if len(facts.references) >= 2:
        yield _mixed_picture(maps, facts, beside)
    if view is not None and "class_index" in maps and np.any(view.compositions.max(axis=1) < 0.999):
        yield _blend_picture(maps, beside, view)


@styled
def _state_picture(maps: xr.Dataset, facts: Facts, frame: Frame) -> Picture:
    names, colors = list(facts.references), category_colors(len(facts.references))
    codes, counts = facts.dominant, facts.shares.tolist()
    text = "Each pixel has the color of its largest fraction; shares are of the pixels with an answer."
    if facts.flagged[Flag.UNKNOWN]:
        doubt = (maps["flags"].transpose("y", "x").values.astype(np.int64) & Flag.UNKNOWN != 0) & (codes >= 0)
        codes = np.where(doubt, np.int16(len(names)), codes)
        names, colors, counts = (
            [*names, "in doubt"],
            [*colors, DOUBT],
            np.bincount(codes[codes >= 0]).tolist(),
        )
        text += " In doubt: the classes do not explain the spectrum."
    entries = list(zip(names, colors, counts, strict=False))
    figure = kinds_figure(codes, frame, entries, facts.answered)
    found = listed([f"{name} {percent(n, facts.answered)}" for name, _, n in entries])
    alt = f"Map of the dominant reference: {found}."
    return Picture(
        "chemical_state",
        "state",
        "Chemical-state map",
        text + HATCHED + of_blocks(frame, "the commonest kind"),
        alt,
        figure,
    )


@styled
def _class_picture(maps: xr.Dataset, facts: Facts, frame: Frame, view: ModelView | None) -> Picture:
    values = maps["class_index"].transpose("y", "x").values
    codes = np.where(np.isfinite(values), values, -1).astype(np.int16)
    names = list(view.class_names) if view else []
    names += [f"class {i}" for i in range(len(names), facts.classes.size)]
    colors = category_colors(facts.classes.size)
    entries = list(zip(names, colors, facts.classes.tolist(), strict=False))
    figure = kinds_figure(codes, frame, entries, facts.answered)
    text = "Each pixel has the color of its class; shares are of the pixels with an answer."
    return Picture(
        "chemical_state",
        "state",
        "Class map",
        text + HATCHED + of_blocks(frame, "the commonest kind"),
        "Map of the classes.",
        figure,
    )


@styled
def _mixed_picture(maps: xr.Dataset, facts: Facts, frame: Frame) -> Picture:
    """Fractions as the intensities of red, green and blue; of two references as magenta and green."""
    planes = [layer for layer in layers(maps) if layer.variable == "fraction"][:3]
    names = [layer.label for layer in planes]
    primaries = np.eye(3) if len(names) == 3 else np.array([[1.0, 0, 1], [0, 1, 0]])
    shown = [block_mean(layer.values(), frame.block) for layer in planes]
    figure, axes = frame.open(room=1.15, side=True)
    frame.paint(axes, _mix(shown, primaries))
    _mixing_key(figure.axes[1], primaries, names)
    more = len(facts.references) - len(names)
    colors = "red, green and blue" if len(names) == 3 else "magenta and green"
    text = f"{listed(names)} as {colors}, each as bright as its fraction."
    if more:
        text += f" {counted(more, 'more reference')} cannot be in it: where they are, it is dark."
    title, alt = "RGB map of the fractions", f"Map of mixed colors: {listed(names)} as {colors}."
    return Picture("rgb", "state", title, text + HATCHED + of_blocks(frame), alt, figure)


def _mix(shares: Sequence[NDArray[np.floating]], primaries: Array) -> NDArray[np.uint8]:
    """RGBA of shares times primary colors; transparent where a share is NaN."""
    stack: Array = np.stack([np.asarray(share, np.float64) for share in shares], axis=-1)
    known = np.asarray(np.isfinite(stack).all(axis=-1))
    # Fits without bounds may leave 0 to 1; a screen cannot.
    color = np.clip(np.where(known[..., None], stack, 0) @ primaries, 0, 1)
    return np.round(255 * np.dstack([color, known.astype(np.float64)])).astype(np.uint8)


def _mixing_key(axes: Axes, primaries: Array, names: Sequence[str]) -> None:
    """A triangle of all mixtures of three, or a bar of those of two."""
    from matplotlib.patches import Patch

    grid: tuple[Array, ...] = np.meshgrid(np.linspace(0, 1, 120), np.linspace(1, 0, 120))
    x, top = grid[0], grid[1] if len(names) == 3 else np.zeros_like(grid[1])
    # Corners: of three, the first at the top, the second left, the third right; of two, the first left.
    right = x - top / 2
    left = 1 - top - right
    outside = np.asarray((left < 0) | (right < 0))
    corners = [top, left, right][-len(names) :]
    shares = [np.where(outside, np.nan, share) for share in corners]
    axes.imshow(_mix(shares, primaries), interpolation="none")
    axes.set_aspect(0.87 if len(names) == 3 else 0.2)
    axes.set_anchor("N")
    axes.axis("off")
    handles = [Patch(facecolor=tuple(c), label=short(n, 14)) for c, n in zip(primaries, names, strict=True)]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.04), borderpad=0, labelcolor=INK)


@styled
def _blend_picture(maps: xr.Dataset, frame: Frame, view: ModelView) -> Picture:
    """The class of each pixel in the mixed color of its composition."""
    from matplotlib.colors import to_rgba_array

    values = maps["class_index"].transpose("y", "x").values
    index = np.where(np.isfinite(values), values, -1).astype(np.int64)
    table = np.vstack([view.compositions, np.full(len(view.references), np.nan)]).astype(np.float32)
    colors = category_colors(len(view.references))
    shown = [block_mean(table[:, i][index], frame.block) for i in range(len(view.references))]
    figure, axes = frame.open(room=0.3)
    frame.paint(axes, _mix(shown, to_rgba_array(colors)[:, :3]))
    names = [(short(name), color) for name, color in zip(view.references, colors, strict=True)]
    add_legend(figure, [*names, ("no answer", None)])
    text = f"The class of {len(view.class_names)} that got most votes, in the mixed color of its composition."
    alt = "Map of the classes in mixed colors."
    return Picture("classes", "state", "Classes", text + HATCHED + of_blocks(frame), alt, figure)


@styled
def flag_picture(flags: xr.DataArray, facts: Facts, frame: Frame) -> Picture:
    """Draw which pixels are out or in doubt, and why.

    Parameters
    ----------
    flags
        Dims y, x: bits of `xafsflow.vocabulary.Flag`.
    facts, frame
        Of the same run.
    """
    bits = flags.transpose("y", "x").values.astype(np.int64)
    codes = np.full(bits.shape, -1, np.int16)
    for i, flag in reversed(list(enumerate(FLAG_ORDER))):
        codes[bits & flag != 0] = i
    figure, axes = frame.open(room=0.3)
    axes.patch.set(hatch="", facecolor=UNFLAGGED)
    shown = block_lowest(codes, frame.block, -1)
    frame.paint(axes, paint_codes(shown, [FLAG_COLORS[flag] for flag in FLAG_ORDER]))
    labels: list[tuple[str, str | None]] = [
        (f"{word_of(flag)}  {percent(n, facts.pixels)}", FLAG_COLORS[flag])
        for flag in FLAG_ORDER
        if (n := facts.flagged[flag])
    ]
    add_legend(figure, [*labels, ("no flag", UNFLAGGED)])
    text = "Where a pixel has several flags, the first of the legend is shown."
    if frame.block > 1:
        text += f" Shown reduced: a dot has a flag if any of its {frame.block} x {frame.block} pixels has it."
    if frame.stretched:
        text += STRETCHED
    found = listed([FLAG_MEANINGS[flag] for flag, n in facts.flagged.items() if n] or ["none"])
    return Picture("flags", "flags", "Flags", text, f"Map of flags: {found}.", figure)


def word_of(flag: Flag) -> str:
    """A flag's name for reading.

    Examples
    --------
    >>> word_of(Flag.NOT_FINITE)
    'not finite'
    """
    return str(flag.name).lower().replace("_", " ")
