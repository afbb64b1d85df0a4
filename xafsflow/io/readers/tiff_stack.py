"""Stacks of images in TIFF files: described from the headers, then read by rows.

A stack knows where every row of every image lies, so a band of rows costs the bytes of that band and no more:
the turn from images to spectra happens while reading, one band in memory.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.io.readers.image_scan import ImageScan
from xafsflow.io.readers.images.tiff_description import described
from xafsflow.io.readers.tiff_layout import Image, read_images
from xafsflow.io.readers.tiff_pixels import Pixels, read_bands

FORMAT = "TIFF, BigTIFF, ImageJ's TIFF or OME-TIFF"


def detect(start: bytes) -> bool:
    """Whether a file that begins so is a TIFF file, in either byte order, small or big."""
    return start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class TiffStack:
    """Images of one shape and type, and where their bytes lie; small, picklable, and without open files.

    Pages are counted from 1 in every message, as image viewers count them.
    """

    images: tuple[Image, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        layout = self.images[0].layout
        return len(self.images), layout.rows, layout.columns

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the pixels, in the byte order of this machine."""
        return np.dtype(self.images[0].layout.dtype).newbyteorder("=")

    @property
    def row_quantum(self) -> int:
        """Rows that cannot be read apart: 1 for images without compression, the rows of a strip or tile for others.

        Bands that start and end at multiples of it read nothing twice.
        """
        return max(1 if image.at is not None else image.layout.segment_rows for image in self.images)

    def take(self, order: Sequence[int]) -> TiffStack:
        """The images with these numbers (from 0), in this order.

        Raises
        ------
        InputError
            There is no image with such a number, or none is asked for.
        """
        wrong = [int(k) for k in order if not 0 <= k < len(self.images)]
        if wrong or not len(order):
            raise InputError(
                f"images {wrong} of a stack of {len(self.images)}",
                f"0 to {len(self.images) - 1}, one at least",
            )
        return TiffStack(tuple(self.images[k] for k in order))

    def read_rows(
        self,
        start: int,
        stop: int,
        out: Pixels | None = None,
        columns: slice | None = None,
        threads: int = 1,
    ) -> Pixels:
        """Read a band of rows of every image.

        Parameters
        ----------
        start, stop
            The first row and the row after the last, `0 <= start <= stop <= rows`.
        out
            An array (images, stop - start, columns) of the stack's `dtype` to fill; a new one by default.
        columns
            The columns to keep, step 1; all by default.
        threads
            Images that are read at once. Inflating and network disks gain from it, a local disk does not.

        Returns
        -------
        The pixels, (images, stop - start, columns), in the byte order of this machine.

        Raises
        ------
        InputError
            The rows or columns are not in the images; a file is gone, changed or does not decode (names file
            and page).
        ValueError
            `out` has another shape or type.
        """
        self._check(start, stop)
        first, last = self._between(columns)
        shape = (self.shape[0], stop - start, last - first)
        if out is None:
            out = np.empty(shape, self.dtype)
        elif out.shape != shape or out.dtype != self.dtype:
            raise ValueError(f"out is {out.shape} {out.dtype}, the rows are {shape} {self.dtype}")
        jobs = [
            (image, [start], (first, last), [target]) for image, target in zip(self.images, out, strict=True)
        ]
        if threads == 1:
            for job in jobs:
                read_bands(*job)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda job: read_bands(*job), jobs))
        return out

    def read_bands(self, bands: Sequence[tuple[int, int]], columns: slice | None = None) -> list[Pixels]:
        """Read several bands of rows, each file opened once: as `read_rows` for each of them.

        Parameters
        ----------
        bands
            First row and the row after the last of each.
        columns
            As of `read_rows`.
        """
        for start, stop in bands:
            self._check(start, stop)
        first, last = self._between(columns)
        found = [np.empty((self.shape[0], b - a, last - first), self.dtype) for a, b in bands]
        starts = [start for start, _ in bands]
        for number, image in enumerate(self.images):
            read_bands(image, starts, (first, last), [band[number] for band in found])
        return found

    def _check(self, start: int, stop: int) -> None:
        rows = self.shape[1]
        if not 0 <= start <= stop <= rows:
            raise InputError(
                f"rows {start} to {stop} of images with {rows} rows", f"0 <= start <= stop <= {rows}"
            )

    def _between(self, columns: slice | None) -> tuple[int, int]:
        """The first column and the one after the last."""
        width = self.shape[2]
        first, last, step = (columns or slice(None)).indices(width)
        if step != 1 or last <= first:
            raise InputError(
                f"columns {columns} of images with {width} columns", "columns inside the images, step 1"
            )
        return first, last


def open_stack(paths: Sequence[Path]) -> TiffStack:
    """Describe the images of TIFF files as one stack, in the order of the files and of the pages in them.

    One image a file, many pages, BigTIFF, several files of many pages, ImageJ hyperstacks beyond 4 GB (one
    page and a block of images behind it); strips, tiles, compressed without loss; either byte order; uint8,
    uint16, uint32, int16, int32, float32 and float64. Only headers are read.

    Raises
    ------
    InputError
        A file is missing, empty, no TIFF, truncated or damaged, in color, or its images have another shape or
        type than the first; names file and page.

    Examples
    --------
    >>> import tempfile, tifffile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for k in range(3):
    ...         tifffile.imwrite(f"{folder}/image_{k}.tif", np.full((4, 5), k, np.uint16), byteorder=">")
    ...     stack = open_stack(find_files(Path(folder), "*.tif"))
    ...     print(stack.shape, stack.dtype, stack.read_rows(0, 2)[:, 0, 0])
    (3, 4, 5) uint16 [0 1 2]
    """
    images: list[Image] = []
    for path in paths:
        images += read_images(path)
    if not images:
        raise InputError(
            "no files for a stack", "one TIFF file at least", "check the pattern or the list of files"
        )
    first = _form(images[0])
    for image in images:
        if _form(image) != first:
            raise InputError(
                f"{image.path}, page {image.page}: {_form(image)}",
                f"{first}, as the first image has ({images[0].path})",
                "leave the file out, or put it in the folder it belongs to",
            )
    return TiffStack(tuple(images))


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of TIFF files as a scan, as `open_stack` describes them, with what OME's channels or ImageJ's labels tell.

    Raises
    ------
    InputError
        As `open_stack`; or a path inside the files is given.
    """
    if inside is not None:
        raise InputError(
            f"the path {inside!r} inside {paths[0]}",
            "the name of a TIFF file alone",
            "leave out :: and the path",
        )
    stack = open_stack(paths)
    if len(paths) == stack.shape[0] > 1:
        return ImageScan(stack)  # one image a file, as cameras write them: their energies stand in the names
    counts = Counter(image.path for image in stack.images)
    told = [described(path, counts[os.path.abspath(path)]) for path in paths]
    known = [one.energies for one in told if one.energies is not None]
    return ImageScan(
        stack,
        energies=np.concatenate(known) if len(known) == len(told) else None,
        pixel_size_um=told[0].pixel_size_um,
        layout=told[0].layout,
        energy_unit=told[0].energy_unit,
    )


def find_files(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder that match a pattern, in natural order: img_2 before img_10.

    Raises
    ------
    InputError
        There is no such folder, nothing in it matches (says what is there), or the pattern leaves it.
    """
    return list(Folders.of(folder).glob(pattern))


def _form(image: Image) -> str:
    layout = image.layout
    return f"{layout.rows} x {layout.columns} {np.dtype(layout.dtype).name}"
