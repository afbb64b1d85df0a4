"""Several images of one energy, as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xafsflow.io.readers import ImageStack


@dataclass(frozen=True)
class MeanImages(ImageStack):
    """A stack of which each image is the mean of some that follow each other in another stack; read by rows as that one.

    Whole numbers stay such, rounded: the rounding adds 0.3 counts of noise. A pixel that is at the limit of its type in one
    exposure is at it in the mean, so that saturation is still seen.

    Parameters
    ----------
    images
        All exposures, those of one image after each other.
    counts
        How many make each image.
    """

    images: ImageStack
    counts: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        return (len(self.counts), *self.images.shape[1:])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """That of the exposures."""
        return self.images.dtype

    @property
    def row_quantum(self) -> int:
        """That of the exposures."""
        return self.images.row_quantum

    def take(self, order: Sequence[int]) -> ImageStack:
        """The images with these numbers (from 0), in this order."""
        first = np.concatenate([[0], np.cumsum(self.counts)])
        chosen = [k for one in order for k in range(first[one], first[one + 1])]
        return MeanImages(self.images.take(chosen), tuple(self.counts[one] for one in order))

    def read_rows(
        self,
        start: int,
        stop: int,
        out: NDArray[np.generic] | None = None,
        columns: slice | None = None,
        threads: int = 1,
    ) -> NDArray[np.generic]:
        """A band of rows of every image, (images, stop - start, columns)."""
        found = self._means(self.images.read_rows(start, stop, None, columns, threads))
        if out is None:
            return found
        out[...] = found
        return out

    def read_bands(
        self, bands: Sequence[tuple[int, int]], columns: slice | None = None
    ) -> list[NDArray[np.generic]]:
        """Several bands of rows."""
        return [self._means(band) for band in self.images.read_bands(bands, columns)]

    def _means(self, exposures: NDArray[np.generic]) -> NDArray[np.generic]:
        found = np.empty((len(self.counts), *exposures.shape[1:]), self.dtype)
        first = 0
        for image, count in zip(found, self.counts, strict=True):
            some = exposures[first : first + count]
            mean = some.mean(axis=0, dtype=np.float64)
            if self.dtype.kind in "ui":
                limit = np.iinfo(str(self.dtype)).max
                image[...] = np.where((some == limit).any(axis=0), limit, np.rint(mean))
            else:
                image[...] = mean
            first += count
        return found


def averaged(images: ImageStack, groups: Sequence[Sequence[int]]) -> ImageStack:
    """The mean of each group of images; the images themselves where each group has one.

    Examples
    --------
    >>> import tempfile, tifffile
    >>> from pathlib import Path
    >>> from xafsflow.io.readers import open_scan
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = [Path(folder, f"{k}.tif") for k in range(4)]
    ...     for k, path in enumerate(paths):
    ...         tifffile.imwrite(path, np.full((2, 3), k, np.uint16))
    ...     averaged(open_scan(paths).images, [[0, 2], [3]]).read_rows(0, 1)[:, 0, 0]
    array([1, 3], dtype=uint16)
    """
    taken = images.take([k for group in groups for k in group])
    counts = tuple(len(group) for group in groups)
    return taken if max(counts) == 1 else MeanImages(taken, counts)
