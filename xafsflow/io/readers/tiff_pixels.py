"""The pixels of one image in a TIFF file: a band of rows, read and decoded."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.tiff_layout import FLOATING_POINT, HORIZONTAL, Image, Layout, Table

Pixels = NDArray[Any]


def read_band(image: Image, start: int, columns: tuple[int, int], target: Pixels) -> None:
    """Read rows from `start` on, columns from the first to before the last, into `target` (rows, columns).

    Raises
    ------
    InputError
        The file is gone, shorter than its header says, or does not decode; names file and page.
    """
    if not target.size:
        return
    try:
        # Opened for each image and closed at once: a stack may have more files than a process may hold open.
        with open(image.path, "rb", buffering=0) as stream:
            if image.at is None:
                _read_segments(image, stream, start, columns, target)
            else:
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
    image: Image, stream: io.FileIO, start: int, columns: tuple[int, int], target: Pixels
) -> None:
    """Decode the strips or tiles that the wanted pixels touch, and copy those pixels."""
    layout = image.layout
    height, width, across = layout.segment_rows, layout.segment_columns, layout.across
    stop, (left, right) = start + target.shape[0], columns
    top, bottom = start // height, -(-stop // height)
    offsets = _table(image, stream, image.offsets, top * across, bottom * across)
    counts = _table(image, stream, image.counts, top * across, bottom * across) if image.counts else None
    for k in range(len(offsets)):
        row, column = height * (top + k // across), width * (k % across)
        y0, y1, x0, x1 = (
            max(start, row),
            min(stop, row + height),
            max(left, column),
            min(right, column + width),
        )
        if x0 >= x1:
            continue
        size = min(height, layout.rows - row) * width * layout.itemsize
        data = np.empty(size if counts is None else int(counts[k]), np.uint8)
        _fill(image, stream, int(offsets[k]), data)
        segment = _decode(image, data, size)
        target[y0 - start : y1 - start, x0 - left : x1 - left] = segment[
            y0 - row : y1 - row, x0 - column : x1 - column
        ]


def _table(image: Image, stream: io.FileIO, table: Table, first: int, last: int) -> NDArray[Any]:
    items = np.empty(last - first, table.dtype)
    _fill(image, stream, table.at + first * items.itemsize, items)
    return items


def _fill(image: Image, stream: io.FileIO, at: int, block: NDArray[Any]) -> None:
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


def _decode(image: Image, data: NDArray[np.uint8], size: int) -> Pixels:
    """Undo compression and predictor of a segment with `size` bytes in the image: (rows, segment columns)."""
    layout = image.layout
    raw: Any = data
    if layout.codec:
        import imagecodecs

        decode = getattr(imagecodecs, f"{layout.codec}_decode")
        try:
            raw = decode(data, out=layout.segment_bytes)  # full size: some programs fill up the last strip
        except Exception as error:  # every codec has a kind of its own
            raise _broken(image, f"{layout.codec} data do not decode ({error})") from None
    if len(raw) < size:
        raise _broken(image, f"a strip or tile of {len(raw)} bytes, {size} needed")
    return _unpredict(layout, np.frombuffer(raw, np.uint8, size))


def _broken(image: Image, what: str) -> InputError:
    return InputError(
        f"{image.path}, page {image.page}: {what}",
        "whole strips and tiles",
        "copy the file again from where it was written, or leave it and its energy out",
    )


def _unpredict(layout: Layout, data: NDArray[np.uint8]) -> Pixels:
    """Undo the differences along rows (TIFF 6.0, section 14; Adobe's technical note 3 for floating point)."""
    stored, width = np.dtype(layout.dtype), layout.segment_columns
    if layout.predictor == FLOATING_POINT:
        # The bytes of a row lie by significance, highest first in files of either byte order.
        sums = np.add.accumulate(data.reshape(-1, width * stored.itemsize), axis=1, dtype=np.uint8)
        planes = sums.reshape(-1, stored.itemsize, width).transpose(0, 2, 1)
        return np.ascontiguousarray(planes).view(stored.newbyteorder(">"))[..., 0]
    pixels = data.view(stored).reshape(-1, width)
    if layout.predictor == HORIZONTAL:
        # Floating point numbers are differenced as integers of their size; the sums wrap around by design.
        integer = np.dtype(f"u{stored.itemsize}")
        bits = pixels.view(integer.newbyteorder(stored.byteorder))
        return np.add.accumulate(bits, axis=1, dtype=integer).view(stored.newbyteorder("="))
    return pixels
