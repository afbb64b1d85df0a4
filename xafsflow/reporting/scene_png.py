"""A scene as a PNG file, drawn by matplotlib, whose fonts are the same on every machine."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.reporting.figure_style import HATCH, MASKED
from xafsflow.reporting.scene import HATCHED, Area, Box, Image, Label, Line, Mark, Scene

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Room for the title above the scene, and at its other sides; points.
HEAD, SIDE = 22.0, 6.0
STYLE: dict[str, object] = {
    "hatch.color": HATCH,
    "hatch.linewidth": 0.7,
    # A reference may be called "a$b$"; names are no formulas.
    "text.parse_math": False,
}


def write_png(scene: Scene, title: str, description: str, path: Path, dpi: int) -> None:
    """Write the scene on white below its title, `dpi` dots an inch; the description stands in the file."""
    import matplotlib
    from matplotlib.figure import Figure

    # Type stubs want literals as keys.
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():  # type: ignore[arg-type]
        # A name may have a letter that the font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=((scene.width + 2 * SIDE) / 72, (scene.height + HEAD + SIDE) / 72))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        # Points, from the upper left corner of the scene.
        axes.set(xlim=(-SIDE, scene.width + SIDE), ylim=(scene.height + SIDE, -HEAD))
        for order, mark in enumerate(scene.marks):
            _add(axes, mark, order)
        axes.text(scene.width / 2, -7, title, fontsize=11, ha="center", va="baseline")
        about = {"Title": title, "Description": description}
        figure.savefig(path, dpi=dpi, facecolor="white", metadata=about)


def _add(axes: Axes, mark: Mark, order: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Polygon

    match mark:
        case Label():
            anchor = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
            axes.text(
                *(mark.x, mark.y, mark.text),
                fontsize=mark.size,
                color=mark.color,
                ha=anchor,
                va="baseline",
                rotation=-mark.angle,
                rotation_mode="anchor",
                zorder=order,
            )
        case Line():
            x, y = np.array(mark.places, dtype=np.float64).T
            # A dash is given in points, matplotlib wants it in widths of the line.
            dash = (0, tuple(length / mark.width for length in mark.dash)) if mark.dash else "-"
            line = Line2D(x, y, color=mark.color, lw=mark.width, ls=dash, zorder=order, solid_capstyle="butt")
            axes.add_line(line)
            _cut(line, mark.clip, axes)
        case Area():
            hatched = mark.fill == HATCHED
            fill = MASKED if hatched else mark.fill
            area = Polygon(
                mark.places, facecolor=fill, edgecolor=HATCH, lw=0, alpha=mark.opacity, zorder=order
            )
            area.set_hatch("////" if hatched else "")
            axes.add_patch(area)
            _cut(area, mark.clip, axes)
        case Image():
            box = mark.box
            extent = (box.left, box.right, box.bottom, box.top)
            image = axes.imshow(
                mark.raster.colors(), extent=extent, interpolation="none", aspect="auto", zorder=order
            )
            _cut(image, mark.clip, axes)


def _cut(artist: Artist, clip: Box | None, axes: Axes) -> None:
    """Cut off what is beyond a box."""
    from matplotlib.patches import Rectangle

    if clip is not None:
        box = Rectangle((clip.left, clip.top), clip.width, clip.height, transform=axes.transData)
        artist.set_clip_path(box)
