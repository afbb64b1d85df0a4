"""Colors for numbers: scales from low to high whose steps look alike to color-blind readers, too."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from xafsflow.kernels.array_types import Doubles, Uint8s

ScaleName: TypeAlias = Literal["viridis", "cividis", "RdBu_r"]

# Colors at even distances; between them is interpolated. viridis: S. van der Walt and N. Smith, CC0; cividis: J. R. Nunez
# et al., PLoS ONE 13, e0199239 (2018), CC0; RdBu: C. Brewer, colorbrewer2.org, Apache License 2.0.
_ANCHORS: dict[ScaleName, str] = {
    "viridis": (
        "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e "
        "297a8e 26828e 23898e 21918c 1f988b 1fa088 22a785 28ae80 32b67a 3fbc73 4ec36b 5ec962 70cf57 "
        "84d44b 98d83e addc30 c2df23 d8e219 ece51b fde725"
    ),
    "cividis": (
        "00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d 5a5f6e 61656f "
        "686a71 6f7073 767676 7d7c78 848279 8c8878 938e78 9b9476 a39a74 aba072 b4a76f bcae6c c4b468 "
        "cdbb63 d5c25e dec958 e7d150 f0d846 f9e03a fee838"
    ),
    "RdBu_r": ("053061 2065ab 4393c3 90c4dd d1e5f0 f7f6f6 fddbc7 f3a481 d6604d b1182b 67001f"),
}
# With one more color for pixels without a value, an image of numbers has one byte a pixel.
STEPS = 255


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of `#rrggbb`.

    Examples
    --------
    >>> rgb("#0072b2")
    (0, 114, 178)
    """
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def color_steps(name: ScaleName) -> Uint8s:
    """The scale in 255 steps; shape (255, 3), red, green and blue.

    Examples
    --------
    >>> color_steps("cividis")[[0, 127, 254]].tolist()
    [[0, 34, 78], [125, 124, 120], [254, 232, 56]]
    """
    return np.round(_between(name, np.linspace(0, 1, STEPS))).astype(np.uint8)


def color_at(name: ScaleName, place: float) -> str:
    """The color at a place from 0 to 1 of a scale, as `#rrggbb`.

    Examples
    --------
    >>> color_at("viridis", 0.0)
    '#440154'
    """
    red, green, blue = np.round(_between(name, np.array([place])))[0].astype(int).tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"


def _between(name: ScaleName, places: Doubles) -> Doubles:
    """Shape (place, 3): colors 0 to 255 at places from 0 to 1."""
    anchors = np.array([rgb(f"#{anchor}") for anchor in _ANCHORS[name].split()])
    at = np.linspace(0, 1, len(anchors))
    return np.stack([np.interp(places, at, channel) for channel in anchors.T], axis=-1)


def color_index(
    values: np.ndarray[tuple[int, ...], np.dtype[np.floating]], low: float, high: float
) -> Uint8s:
    """The step of a scale from `low` to `high` that each value has; 255 where it is not finite.

    Examples
    --------
    >>> color_index(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]), 0.0, 1.0).tolist()
    [0, 0, 127, 254, 254, 255]
    """
    place = (values - low) * (STEPS / (high - low))
    known = np.isfinite(place)
    return np.where(known, np.clip(np.where(known, place, 0), 0, STEPS - 1), STEPS).astype(np.uint8)
