"""A figure with its words, and its two ways out: SVG inside a page, PNG as a file."""

from __future__ import annotations

import base64
import html
import io
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.reporting.figure_style import INK, styled

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

# A browser shows single pixels of small images as squares, and averages those of images larger than the page.
PIXELATED_BELOW = 500


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
        A matplotlib figure.
    """

    key: str
    title: str
    text: str
    alt: str
    figure: Figure


@styled
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
    picture.figure.suptitle(picture.title, fontsize=11)
    picture.figure.savefig(
        path, dpi=dpi, facecolor="white", metadata={"Title": picture.title, "Description": picture.text}
    )


@styled
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
    >>> from matplotlib.figure import Figure
    >>> to_svg(Picture("a", "Title", "Text", "An empty figure.", Figure(figsize=(2, 1))), "p1")[0][:88]
    '<svg xmlns="http://www.w3.org/2000/svg" id="p1" viewBox="0 0 144 72" role="img" aria-lab'
    """
    stream = io.StringIO()
    # All metadata is left out: it would hold addresses and the date.
    nothing: dict[str, None] = dict.fromkeys(("Type", "Format", "Creator", "Date"))
    with warnings.catch_warnings():
        # The text stays text, in the reader's font: that matplotlib's font lacks a letter does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        picture.figure.savefig(stream, format="svg", transparent=False, facecolor="none", metadata=nothing)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", stream.getvalue(), count=1, flags=re.DOTALL)
    width, height = (72 * picture.figure.get_size_inches()).tolist()
    start = text.index(">", text.index("<svg")) + 1
    # Only tags are changed: a name in a text may hold anything.
    body = re.sub(r"<[^>]+>", lambda tag: _fit_for_page(tag[0], key), text[start:])
    alt = html.escape(picture.alt)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" id="{key}" viewBox="0 0 {width:g} {height:g}"'
    return f'{head} role="img" aria-label="{alt}">{body}', (width, height)


def _fit_for_page(tag: str, key: str) -> str:
    """One tag of matplotlib's SVG with the page's colors and fonts, and names that occur once in the page."""
    # Only what is drawn again or clips is referred to by its name.
    tag = re.sub(r' id="[^"]*"', "", tag) if tag.startswith("<g") else tag.replace(' id="', f' id="{key}-')
    tag = tag.replace('xlink:href="#', f'href="#{key}-').replace("xlink:href=", "href=")
    tag = tag.replace("url(#", f"url(#{key}-").replace(INK, "currentColor")
    tag = re.sub(r"font-family: [^;\"]*;", "", tag)
    if tag.startswith("<image"):
        tag = re.sub(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)", _with_palette, tag)
        shown = re.search(r' width="([\d.]+)"', tag)
        if shown is not None and float(shown[1]) > PIXELATED_BELOW:
            tag = re.sub(r' style="[^"]*"', "", tag)
    return tag


def _with_palette(match: re.Match[str]) -> str:
    """The same image with one byte a pixel, where 256 colors are enough: a third of the size."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(match[1]))).convert("RGBA"))
    colors, index = np.unique(np.ascontiguousarray(pixels).view(np.uint32), return_inverse=True)
    image = Image.fromarray(pixels)
    stream = io.BytesIO()
    if len(colors) <= 256:
        palette = colors.view(np.uint8).reshape(-1, 4)
        image = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(palette[:, :3].tobytes())
        image.save(stream, "png", transparency=palette[:, 3].tobytes())
    else:
        image.save(stream, "png")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
