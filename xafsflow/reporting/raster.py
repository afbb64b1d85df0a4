"""Images of maps: one byte a pixel with a palette where there are few colors, and as PNG."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Uint8s

# Maps are noisy: more effort than this takes several times as long and saves a few percent.
EFFORT = 3


@dataclass(frozen=True, eq=False)
class Raster:
    """An image.

    Parameters
    ----------
    pixels
        Shape (y, x): row of the palette; without a palette shape (y, x, 4): red, green, blue and opacity.
    palette
        Shape (color, 4), at most 256 colors; None for none.
    """

    pixels: Uint8s
    palette: Uint8s | None = None

    def colors(self) -> Uint8s:
        """Red, green, blue and opacity of each pixel, 0 to 255; shape (y, x, 4)."""
        return self.pixels if self.palette is None else self.palette[self.pixels]

    def png(self) -> bytes:
        r"""The image as a PNG file.

        Examples
        --------
        >>> Raster(np.zeros((1, 1), np.uint8), np.zeros((1, 4), np.uint8)).png()[:8]
        b'\x89PNG\r\n\x1a\n'
        """
        rows, columns = self.pixels.shape[:2]
        kind = 6 if self.palette is None else 3  # of the PNG specification: RGBA, palette
        parts = [(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0))]
        if self.palette is not None:
            parts += [(b"PLTE", self.palette[:, :3].tobytes()), (b"tRNS", self.palette[:, 3].tobytes())]
        # Each row starts with the number of its filter: none.
        lines = np.zeros((rows, 1 + self.pixels[0].size), np.uint8)
        lines[:, 1:] = self.pixels.reshape(rows, -1)
        parts += [(b"IDAT", zlib.compress(lines.tobytes(), EFFORT)), (b"IEND", b"")]
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
