"""Zeiss Xradia `.xrm` (one image) and `.txrm` (many): OLE files with a stream an image, energies and a reference image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import ImageScan
from xafsflow.io.readers.images.ole_streams import ole_file, pieces_of, value_of
from xafsflow.io.readers.images.plain_source import PlainSource
from xafsflow.io.readers.images.scan_parts import ScanPart, scan_of
from xafsflow.io.readers.images.told_values import energies_ev
from xafsflow.kernels.array_types import Doubles

FORMAT = "Zeiss Xradia .xrm and .txrm"
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Numbers of `DataType`.
DTYPES = {5: "<u2", 10: "<f4"}
# Images in one storage: `ImageData1/Image1` to `Image100`, `ImageData2/Image101`, ...
IN_A_STORAGE = 100
LARGEST_SIDE, MOST_IMAGES = 2**16, 10**6


def detect(start: bytes) -> bool:
    """Whether a file that begins so is an OLE compound file."""
    return start.startswith(MAGIC)


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of Xradia files; energies in eV, and the reference image as flat field.

    Energies of zero are none: at some beamlines they stand in the names of the files only.

    Raises
    ------
    InputError
        A file is no Xradia file, truncated or damaged, or differs from the first; or a path inside the files is given.
    """
    if inside is not None:
        raise InputError(
            f"the path {inside!r} inside {paths[0]}", "the name alone", "leave out :: and the path"
        )
    return scan_of([_part(str(path.absolute())) for path in paths])


def _part(path: str) -> ScanPart:
    with ole_file(path) as file:
        end = Path(path).stat().st_size
        count, rows, columns = (
            _integer(file, path, name) for name in ("NoOfImages", "ImageHeight", "ImageWidth")
        )
        taken = _integers(file, "ImageInfo/ImagesTaken")
        count = taken[0] if len(taken) and 0 < taken[0] <= count else count
        if not (0 < rows < LARGEST_SIDE and 0 < columns < LARGEST_SIDE and 0 < count <= MOST_IMAGES):
            raise _damaged(path, f"{count} images of {rows} x {columns} pixels")
        dtype = _dtype(path, _integers(file, "ImageInfo/DataType"))
        size = rows * columns * np.dtype(dtype).itemsize
        pieces = tuple(pieces_of(file, _stream(k), size, end) for k in range(1, count + 1))
        return ScanPart(
            images=PlainSource(path, rows, columns, dtype, pieces),
            energies=_energies(file, path, count),
            # A file that was divided by its reference has floating-point numbers.
            quantity="counts" if dtype == DTYPES[5] else None,
            flat_field=_reference(file, path, (rows, columns), end),
            pixel_size_um=_pixel_size(file),
            energy_unit="eV",
        )


def _stream(number: int) -> str:
    return f"ImageData{-(-number // IN_A_STORAGE)}/Image{number}"


def _integer(file: Any, path: str, name: str) -> int:
    values = _integers(file, f"ImageInfo/{name}")
    if not len(values):
        raise InputError(
            f"{path}, an OLE file without ImageInfo/{name}", "a file .xrm or .txrm", "check what wrote it"
        )
    return values[0]


def _integers(file: Any, name: str) -> list[int]:
    raw = value_of(file, name) or b""
    return [int(one) for one in np.frombuffer(raw[: len(raw) // 4 * 4], "<i4")]


def _singles(file: Any, name: str) -> Doubles:
    raw = value_of(file, name) or b""
    return np.frombuffer(raw[: len(raw) // 4 * 4], "<f4").astype(np.float64)


def _dtype(path: str, told: Sequence[int]) -> str:
    if not told or told[0] not in DTYPES:
        raise InputError(
            f"{path} with pixels of the type number {told[0] if told else 'none'}",
            "5 (uint16) or 10 (float32)",
            "export the images as one of these",
        )
    return DTYPES[told[0]]


def _energies(file: Any, path: str, count: int) -> Doubles | None:
    values = _singles(file, "ImageInfo/Energy")[:count]
    if len(values) < count or not values.any():
        return None
    return energies_ev(values, "eV", f"{path}, ImageInfo/Energy")


def _pixel_size(file: Any) -> float | None:
    """Micrometers, as the microscope computes it from the magnification."""
    values = _singles(file, "ImageInfo/PixelSize")
    return float(values[0]) if len(values) and np.isfinite(values[0]) and values[0] > 0 else None


def _reference(file: Any, path: str, shape: tuple[int, int], end: int) -> PlainSource | None:
    """The image without sample, where there is one of the size of the images."""
    if not file.exists("ReferenceData/Image"):
        return None
    dtype = _dtype(f"{path}, ReferenceData", _integers(file, "ReferenceData/DataType"))
    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
    if file.get_size("ReferenceData/Image") != size:
        return None
    return PlainSource(path, *shape, dtype, (pieces_of(file, "ReferenceData/Image", size, end),))


def _damaged(path: str, what: str) -> InputError:
    return InputError(f"{path}: {what}", "a readable file", "copy it again, or leave it and its energy out")
