"""The pixels of one image in a TIFF file: a band of rows, read and decoded."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.tiff_header import tiff_file
from xafsflow.io.readers.tiff_layout import Image, Layout, Table

Pixels = NDArray[np.generic]
# Bytes and number of a segment to its pixels (depth, rows, columns, samples), its place and its shape.
Decoder = Callable[[bytes, int], tuple[Pixels, tuple[int, ...], tuple[int, ...]]]


def read_bands(
    image: Image, starts: Sequence[int], columns: tuple[int, int], targets: Sequence[Pixels]
) -> None:
    """Read rows from each of `starts` on, columns from the first to before the last, into a target (rows, columns) each.

    Raises
    ------
    InputError
        The file is gone, shorter than its header says, or does not decode; names file and page.
    """
    try:
        # Opened for each image and closed at once: a stack may have more files than a process may hold open. To open one
        # costs more than to read some rows.
        with open(image.path, "rb", buffering=0) as stream:
            wanted = [(start, target) for start, target in zip(starts, targets, strict=True) if target.size]
            if image.at is None:
                _read_segments(image, stream, columns, wanted)
                return
            for start, target in wanted:
                _read_plain(image, image.at, stream, start, columns, target)
    except OSError as error:
        raise _lost(image, error.strerror or str(error)) from None


def _read_plain(
    image: Image, at: int, stream: io.FileIO, start: int, columns: tuple[int, int], target: Pixels
) -> None:
    layout = image.layout
    direct = target.shape[1] == layout.columns and target.flags.c_contiguous
    block = target if direct else np.empty((target.shape[0], layout.columns), target.dtype)
    _fill(image, stream, at + start * layout.row_bytes, block)
    if not np.dtype(layout.dtype).isnative:
        block.byteswap(inplace=True)
    if not direct:
        target[...] = block[:, slice(*columns)]


def _read_segments(
    image: Image, stream: io.FileIO, columns: tuple[int, int], wanted: Sequence[tuple[int, Pixels]]
) -> None:
    """Decode the strips or tiles that the wanted pixels touch, each once, and copy those pixels."""
    layout, (left, right) = image.layout, columns
    height, width, across = layout.segment_rows, layout.segment_columns, layout.across
    rows = {
        row for start, target in wanted for row in range(start // height, -(-(start + len(target)) // height))
    }
    for top in sorted(rows):
        offsets = _table(image, stream, image.offsets, top * across, (top + 1) * across)
        counts = (
            _table(image, stream, image.counts, top * across, (top + 1) * across) if image.counts else None
        )
        size_rows = min(height, layout.rows - height * top)
        for k in range(across):
            x0, x1 = max(left, width * k), min(right, width * (k + 1))
            if x0 >= x1:
                continue
            size = size_rows * width * layout.itemsize
            data = np.empty(size if counts is None else int(counts[k]), np.uint8)
            _fill(image, stream, int(offsets[k]), data)
            segment = _decode(image, data, top * across + k, size)
            _spread(segment, (height * top, width * k), (left, x0, x1), wanted)


def _spread(
    segment: Pixels,
    corner: tuple[int, int],
    columns: tuple[int, int, int],
    wanted: Sequence[tuple[int, Pixels]],
) -> None:
    """Copy the pixels of a segment to all targets; of `columns`, those of the targets begin at the first."""
    (row, column), (left, x0, x1) = corner, columns
    for start, target in wanted:
        y0, y1 = max(start, row), min(start + len(target), row + len(segment))
        if y0 < y1:
            target[y0 - start : y1 - start, x0 - left : x1 - left] = segment[
                y0 - row : y1 - row, x0 - column : x1 - column
            ]


def _table(
    image: Image, stream: io.FileIO, table: Table, first: int, last: int
) -> NDArray[np.unsignedinteger]:
    items = np.empty(last - first, table.dtype)
    _fill(image, stream, table.at + first * items.itemsize, items)
    return items


def _fill(image: Image, stream: io.FileIO, at: int, block: Pixels) -> None:
    """Read bytes into an array until it is full."""
    view, done = block.data.cast("B"), 0
    stream.seek(at)
    while done < len(view):  # one call reads 2 GB at most
        got = stream.readinto(view[done:])
        if not got:
            raise _lost(image, f"its data reach to byte {at + len(view)}, the file to byte {at + done}")
        done += got


def _lost(image: Image, what: str) -> InputError:
    return InputError(
        f"{image.path}, page {image.page}: {what}",
        "the file as it was when its header was read",
        "wait until nothing writes to it any more, copy it again, or leave it and its energy out",
    )


def _decode(image: Image, data: NDArray[np.uint8], number: int, size: int) -> Pixels:
    """Undo compression and predictor of the segment with a number, of `size` bytes in the image: (rows, segment columns)."""
    layout = image.layout
    if not layout.codec:
        return np.frombuffer(data, layout.dtype).reshape(-1, layout.segment_columns)
    try:
        decoded, _, _ = _decoder(image)(data.tobytes(), number)
    except InputError:
        raise
    except Exception as error:  # every codec has a kind of its own
        raise _broken(image, f"{layout.codec} data do not decode ({error})") from None
    if decoded.nbytes < size:
        raise _broken(image, f"a strip or tile of {decoded.nbytes} bytes, {size} needed")
    pixels: Pixels = decoded[0, :, :, 0]
    return pixels


def _broken(image: Image, what: str) -> InputError:
    return InputError(
        f"{image.path}, page {image.page}: {what}",
        "whole strips and tiles",
        "copy the file again from where it was written, or leave it and its energy out",
    )


# tifffile's decoders by the form of the image, on which alone they depend: to open a page for each image of a band
# would take longer than to decode the band.
_DECODERS: dict[Layout, Decoder] = {}


def _decoder(image: Image) -> Decoder:
    import tifffile

    if image.layout not in _DECODERS:
        with tiff_file(image.path) as file:
            file.filehandle.seek(image.header)
            _DECODERS[image.layout] = tifffile.TiffPage(file, image.page - 1).decode
    return _DECODERS[image.layout]
