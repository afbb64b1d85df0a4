"""A figure with its words, and its two ways out: SVG inside a page, PNG as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xafsflow.reporting.scene import Drawable
from xafsflow.reporting.scene_svg import svg_of

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class Picture:
    """One figure of a report.

    Parameters
    ----------
    key
        Name of a file, and anchor in a page.
    title, text
        Heading, and what one has to know to read it.
    alt
        What is to be seen, for those who do not see it.
    figure
        A map, curves, or a matrix.
    """

    key: str
    title: str
    text: str
    alt: str
    figure: Drawable


def save_png(picture: Picture, path: Path, *, dpi: int = 200) -> None:
    """Write a picture as PNG on white.

    Parameters
    ----------
    picture
        The picture, its title is written above it.
    path
        Ends in `.png`.
    dpi
        Dots an inch.
    """
    # Only who asks for files needs matplotlib, which takes longer to import than a page to write.
    from xafsflow.reporting.scene_png import write_png

    write_png(picture.figure.scene(), picture.title, picture.text, path, dpi)


def to_svg(picture: Picture, key: str) -> tuple[str, tuple[float, float]]:
    """Write a picture as SVG to stand inside a page.

    Lines and text take the page's color, images are stored with a palette, nothing refers to an address.

    Parameters
    ----------
    picture
        The picture, without its title.
    key
        Identifier of the element and prefix of all others, different for each picture of a page.

    Returns
    -------
    The `svg` element, and its width and height in points.

    Examples
    --------
    >>> from xafsflow.reporting.curve_figure import CurveFigure
    >>> to_svg(Picture("a", "Title", "Text", "An empty figure.", CurveFigure(2, 1, [])), "p1")[0][:88]
    '<svg xmlns="http://www.w3.org/2000/svg" id="p1" viewBox="0 0 144 72" role="img" aria-lab'
    """
    scene = picture.figure.scene()
    return svg_of(scene, key, picture.alt), (scene.width, scene.height)
