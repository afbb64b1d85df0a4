"""A scene as SVG that stands inside a page: in its font and its color, with nothing that has to be fetched."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence

from xafsflow.reporting.figure_style import HATCH, INK, MASKED
from xafsflow.reporting.scene import HATCHED, Area, Box, Image, Label, Line, Mark, Place, Scene

# A browser shows single pixels of small images as squares, and averages those of images larger than the page.
PIXELATED_BELOW = 500


def svg_of(scene: Scene, key: str, alt: str) -> str:
    """The `svg` element.

    Parameters
    ----------
    scene
        What to draw.
    key
        Identifier of the element and prefix of all others, different for each picture of a page.
    alt
        What is to be seen, for those who do not see it.
    """
    clips = {
        mark.clip: f"{key}-{i}"
        for i, mark in enumerate(scene.marks)
        if not isinstance(mark, Label) and mark.clip
    }
    body = [_mark(mark, key, clips) for mark in scene.marks]
    definitions = [_clip(name, box) for box, name in clips.items()]
    if any(isinstance(mark, Area) and mark.fill == HATCHED for mark in scene.marks):
        definitions.append(_hatching(key))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" id="{key}" viewBox="0 0 {_short(scene.width)} {_short(scene.height)}"'
    defs = f"<defs>{''.join(definitions)}</defs>\n" if definitions else ""
    return f'{head} role="img" aria-label="{html.escape(alt)}">\n{defs}' + "\n".join(body) + "\n</svg>\n"


def _mark(mark: Mark, key: str, clips: dict[Box, str]) -> str:
    match mark:
        case Label():
            return _text(mark)
        case Line():
            dash = f' stroke-dasharray="{" ".join(map(_short, mark.dash))}"' if mark.dash else ""
            look = f'fill="none" stroke="{_color(mark.color)}" stroke-width="{_short(mark.width)}"{dash}'
            return f'<path d="{_path(mark.places)}" {look}{_within(mark.clip, clips)}/>'
        case Area():
            fill = f"url(#{key}-hatched)" if mark.fill == HATCHED else _color(mark.fill)
            opacity = f' fill-opacity="{_short(mark.opacity)}"' if mark.opacity < 1 else ""
            return f'<path d="{_path(mark.places)}Z" fill="{fill}"{opacity}{_within(mark.clip, clips)}/>'
        case Image():
            return _image(mark, clips)


def _image(image: Image, clips: dict[Box, str]) -> str:
    rows, columns = image.raster.pixels.shape[:2]
    box, data = image.box, base64.b64encode(image.raster.png()).decode("ascii")
    look = (
        ' style="image-rendering:crisp-edges;image-rendering:pixelated"' if columns <= PIXELATED_BELOW else ""
    )
    place = (
        f"matrix({box.width / columns:.6g} 0 0 {box.height / rows:.6g} {_short(box.left)} {_short(box.top)})"
    )
    # The clip is in the coordinates of the page, so it belongs to a group around the image.
    return (
        f'<g{_within(image.clip, clips)}><image href="data:image/png;base64,{data}" width="{columns}" height="{rows}"'
        f' transform="{place}" preserveAspectRatio="none"{look}/></g>'
    )


def _text(label: Label) -> str:
    x, y = _short(label.x), _short(label.y)
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    turn = f' transform="rotate({_short(label.angle)} {x} {y})"' if label.angle else ""
    look = f'font-size="{_short(label.size)}" fill="{_color(label.color)}"'
    # A control character, which a name may hold, is no XML.
    text = "".join(letter if letter.isprintable() else " " for letter in label.text)
    return f'<text x="{x}" y="{y}" {look}{anchor}{turn}>{html.escape(text, quote=False)}</text>'


def _path(places: Sequence[Place]) -> str:
    parts, command = [], "M"
    for x, y in places:
        if not (math.isfinite(x) and math.isfinite(y)):
            command = "M"
            continue
        parts.append(f"{command}{_short(x)} {_short(y)}")
        command = "L"
    return "".join(parts)


def _clip(name: str, box: Box) -> str:
    place = f'x="{_short(box.left)}" y="{_short(box.top)}" width="{_short(box.width)}" height="{_short(box.height)}"'
    return f'<clipPath id="{name}"><rect {place}/></clipPath>'


def _hatching(key: str) -> str:
    """Slanting lines, 5 points apart."""
    lines = f'<path d="M-1 1L1 -1M0 5L5 0M4 6L6 4" stroke="{HATCH}" stroke-width="0.7"/>'
    size = 'patternUnits="userSpaceOnUse" width="5" height="5"'
    return f'<pattern id="{key}-hatched" {size}><rect width="5" height="5" fill="{MASKED}"/>{lines}</pattern>'


def _within(clip: Box | None, clips: dict[Box, str]) -> str:
    return f' clip-path="url(#{clips[clip]})"' if clip is not None else ""


def _color(color: str) -> str:
    """What is drawn in ink has the page's color, be it light or dark."""
    return "currentColor" if color == INK else color


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
