"""Images whose pixels lie plain in a file, one after the other, whole or in a few pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.images.source_stack import Bands, Pixels

# First byte and number of bytes of a piece of an image.
Piece = tuple[int, int]


@dataclass(frozen=True)
class PlainSource:
    """Images of a file with plain pixels.

    Parameters
    ----------
    path
        The file.
    rows, columns
        Of an image.
    file_dtype
        Of a pixel, in the byte order of the file.
    pieces
        For each image, where its bytes lie.
    """

    path: str
    rows: int
    columns: int
    file_dtype: str
    pieces: tuple[tuple[Piece, ...], ...]

    @property
    def place(self) -> str:
        """The file."""
        return self.path

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        return len(self.pieces), self.rows, self.columns

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the pixels, in the byte order of this machine."""
        return np.dtype(self.file_dtype).newbyteorder("=")

    @property
    def row_quantum(self) -> int:
        """Every row lies by itself."""
        return 1

    def read(
        self, numbers: Sequence[int], bands: Bands, columns: tuple[int, int], targets: Sequence[Pixels]
    ) -> None:
        """See `Source`."""
        line = self.columns * np.dtype(self.file_dtype).itemsize
        try:
            with open(self.path, "rb", buffering=0) as stream:
                for at, number in enumerate(numbers):
                    for (start, stop), target in zip(bands, targets, strict=True):
                        data = _between(stream, self.pieces[number], start * line, stop * line)
                        block = np.frombuffer(data, self.file_dtype)
                        if block.size != (stop - start) * self.columns:
                            raise self._lost(number, f"{len(data)} bytes of {(stop - start) * line} left")
                        target[at] = block.reshape(-1, self.columns)[:, slice(*columns)]
        except OSError as error:
            raise self._lost(numbers[0], error.strerror or str(error)) from None

    def _lost(self, number: int, what: str) -> InputError:
        return InputError(
            f"{self.path}, image {number + 1}: {what}",
            "the file as it was when its header was read",
            "wait until nothing writes to it any more, copy it again, or leave it out",
        )


def _between(stream: BinaryIO, pieces: Sequence[Piece], start: int, stop: int) -> bytes:
    """The bytes of an image from one to before another."""
    found, done = [], 0
    for at, size in pieces:
        first, last = max(start, done), min(stop, done + size)
        if first < last:
            stream.seek(at + first - done)
            found.append(_whole(stream, last - first))
        done += size
    return b"".join(found)


def _whole(stream: BinaryIO, size: int) -> bytes:
    """As many bytes as there are, up to a number; one call may give less."""
    found = bytearray()
    while len(found) < size:
        more = stream.read(size - len(found))
        if not more:
            break
        found += more
    return bytes(found)
