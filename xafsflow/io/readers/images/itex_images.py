"""ITEX `.img` of Hamamatsu cameras: 64 bytes, a comment, pixels; the energies stand in a 9809 scan file beside."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import ImageScan
from xafsflow.io.readers.images.plain_source import PlainSource
from xafsflow.io.readers.images.scan_9809 import energies_9809, is_9809
from xafsflow.io.readers.images.source_stack import stack_of
from xafsflow.io.readers.images.text_headers import check_size, damaged, no_inside, read_start
from xafsflow.kernels.array_types import Doubles

FORMAT = "ITEX .img (Hamamatsu)"
HEADER = 64
# "IM", bytes of the comment, width, height, offsets, number of the type.
FIELDS = struct.Struct("<2sHHHHHH")
DTYPES = {0: "<u1", 2: "<u2", 3: "<u4"}
# Files in the folder that are looked at for the energies; larger ones are no scan files.
LARGEST_TABLE = 2**24


def detect(start: bytes) -> bool:
    """Whether a file that begins so is ITEX: the mark, a known type, and zeros up to the end of the header."""
    if len(start) < HEADER or not start.startswith(b"IM"):
        return False
    width, height, kind = (FIELDS.unpack_from(start)[place] for place in (2, 3, 6))
    return bool(width and height) and (kind in DTYPES or kind == 1)


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of ITEX files, one each; energies from the only 9809 scan file of the folder with as many points.

    Raises
    ------
    InputError
        A file is no ITEX file, compressed, truncated or damaged, or differs from the first; several scan files tell
        different energies.
    """
    no_inside(paths[0], inside)
    images = stack_of([_source(str(path.absolute())) for path in paths])
    return ImageScan(images, energies=_energies(paths), quantity="counts", energy_unit=None)


def _source(path: str) -> PlainSource:
    start = read_start(path, HEADER)
    if len(start) < HEADER:
        raise damaged(path, f"{len(start)} bytes")
    mark, comment, width, height, _, _, kind = FIELDS.unpack_from(start)
    if mark != b"IM":
        raise damaged(path, f"an ITEX file that begins with {mark!r}")
    if kind not in DTYPES:
        raise InputError(
            f"{path} with pixels of the type number {kind}",
            "0, 2 or 3 (8, 16 or 32 bits)",
            "save it without compression",
        )
    at, size = HEADER + comment, width * height * np.dtype(DTYPES[kind]).itemsize
    check_size(path, path, height, width, at + size)
    return PlainSource(path, height, width, DTYPES[kind], (((at, size),),))


def _energies(paths: Sequence[Path]) -> Doubles | None:
    """Of the scan files in the folder of the images, those with one point an image."""
    if len(paths) < 2:
        return None
    tables = [
        path
        for path in sorted(paths[0].absolute().parent.iterdir())
        if path.is_file() and path.stat().st_size <= LARGEST_TABLE and is_9809(read_start(str(path), 64))
    ]
    found = [(path, energies_9809(path)) for path in tables]
    fitting = [one for one in found if len(one[1]) == len(paths)]
    for path, energies in fitting[1:]:
        if not np.allclose(energies, fitting[0][1], atol=1e-3):
            raise InputError(
                f"{fitting[0][0]} and {path}, two scans of {len(paths)} points with different energies",
                "one scan file beside the images",
                "put each scan into a folder of its own, or give a file of energies",
            )
    return fitting[0][1] if fitting else None
