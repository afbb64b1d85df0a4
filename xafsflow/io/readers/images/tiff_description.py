"""What the descriptions in TIFF files tell: OME's channels, ImageJ's slice labels, the size of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xafsflow.errors import InputError
from xafsflow.io.readers.images.told_values import energy_in, micrometers, pixel_size
from xafsflow.io.readers.patterns.safe_files import parsed_xml
from xafsflow.io.readers.tiff_header import tiff_file
from xafsflow.kernels.array_types import Doubles

if TYPE_CHECKING:
    from tifffile import TiffPage

OME, IMAGEJ = "OME-TIFF", "ImageJ hyperstack"


@dataclass
class Description:
    """What one file tells: `energies` (image,) in eV, their unit, `pixel_size_um`, `layout`; None where it does not."""

    energies: Doubles | None = None
    energy_unit: str | None = None
    pixel_size_um: float | None = None
    layout: str | None = None


def described(path: Path, count: int) -> Description:
    """What the description of a TIFF file with `count` images tells.

    Energies are taken where the name of every channel or the label of every slice is one with its unit (`7112.50 eV`).
    """
    found = Description()
    with tiff_file(str(path)) as file:
        page = file.pages.first
        text = str(page.description)
        if text.lstrip().startswith("<?xml") and "<OME" in text[:1000]:
            _ome(found, text, path, count)
        elif text.startswith("ImageJ="):
            _imagej(found, file.imagej_metadata or {}, page, path, count)
    return found


def _ome(found: Description, text: str, path: Path, count: int) -> None:
    try:
        root = parsed_xml(text.encode(), str(path))
    except InputError:
        return  # the images are read as any TIFF's; a broken description tells nothing
    pixels = root.findall("Image/Pixels")
    found.layout = OME
    if len(pixels) != 1:
        return
    sides = [
        micrometers(
            _number(pixels[0].get(f"PhysicalSize{axis}")), pixels[0].get(f"PhysicalSize{axis}Unit", "um")
        )
        for axis in "XY"
    ]
    found.pixel_size_um = pixel_size(sides)
    channels = [one.get("Name", "") for one in pixels[0].findall("Channel")]
    order = _channel_of_page(pixels[0], count)
    if len(channels) == count and order is not None:
        _take(found, [channels[k] for k in order], path)


def _channel_of_page(pixels: Element, count: int) -> list[int] | None:
    """The channel of each page; None where images differ in depth or time, too, or lie in other files."""
    if (
        pixels.get("SizeZ", "1") != "1"
        or pixels.get("SizeT", "1") != "1"
        or pixels.find("TiffData/UUID[@FileName]")
    ):
        return None
    found: dict[int, int] = {}
    for data in pixels.findall("TiffData"):
        first, channel = (int(_number(data.get(name, "0"))) for name in ("IFD", "FirstC"))
        planes = int(_number(data.get("PlaneCount", str(count) if data.get("IFD") is None else "1")))
        found |= {first + k: channel + k for k in range(min(planes, count))}
    order = [found.get(page, page) for page in range(count)]
    return order if sorted(order) == list(range(count)) else None


def _imagej(found: Description, told: dict[str, object], page: TiffPage, path: Path, count: int) -> None:
    found.layout = IMAGEJ if told.get("hyperstack") else None
    sides = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        over, under = tag.value if tag is not None else (0, 0)
        sides.append(micrometers(under / over, str(told.get("unit", ""))) if over else None)
    found.pixel_size_um = pixel_size(sides)
    labels = told.get("Labels")
    if isinstance(labels, Sequence) and len(labels) == count:
        _take(found, [str(one) for one in labels], path)


def _take(found: Description, names: Sequence[str], path: Path) -> None:
    told = energy_in(names, str(path))
    if told is not None:
        found.energies, found.energy_unit = told


def _number(text: str | None) -> float:
    """A number, 0 where the text is none."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
