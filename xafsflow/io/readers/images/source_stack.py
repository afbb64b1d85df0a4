"""A stack of images out of any sources that are read by rows: datasets, blocks of plain pixels, files of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError

Pixels = NDArray[np.generic]
Bands = Sequence[tuple[int, int]]


class Source(Protocol):
    """Images that lie together in one file: small, picklable, without open files."""

    @property
    def place(self) -> str:
        """File and what is meant in it, for messages."""
        ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        ...

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the pixels, in the byte order of this machine."""
        ...

    @property
    def row_quantum(self) -> int:
        """Rows that cannot be read apart."""
        ...

    def read(
        self, numbers: Sequence[int], bands: Bands, columns: tuple[int, int], targets: Sequence[Pixels]
    ) -> None:
        """Read bands of rows of the images with these numbers, into a target (numbers, rows, columns) for each band.

        Raises
        ------
        InputError
            The file is gone, changed or damaged.
        """
        ...


@dataclass(frozen=True)
class SourceStack:
    """Images of one shape and type from one source or several.

    Parameters
    ----------
    sources
        Where the images lie.
    places
        Of every image its source, and its number there, from 0.
    """

    sources: tuple[Source, ...]
    places: tuple[tuple[int, int], ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        return len(self.places), *self.sources[0].shape[1:]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the pixels, in the byte order of this machine."""
        return self.sources[0].dtype

    @property
    def row_quantum(self) -> int:
        """Rows that cannot be read apart, 1 where each row lies by itself."""
        return max(source.row_quantum for source in self.sources)

    def take(self, order: Sequence[int]) -> SourceStack:
        """The images with these numbers (from 0), in this order.

        Raises
        ------
        InputError
            There is no image with such a number, or none is asked for.
        """
        count = len(self.places)
        wrong = [int(k) for k in order if not 0 <= k < count]
        if wrong or not len(order):
            raise InputError(f"images {wrong} of a stack of {count}", f"0 to {count - 1}, one at least")
        return replace(self, places=tuple(self.places[k] for k in order))

    def read_rows(
        self,
        start: int,
        stop: int,
        out: Pixels | None = None,
        columns: slice | None = None,
        threads: int = 1,
    ) -> Pixels:
        """A band of rows of every image, (images, stop - start, columns); `threads` sources are read at once.

        Raises
        ------
        InputError
            The rows or columns are not in the images; a file is gone, changed or damaged.
        ValueError
            `out` has another shape or type.
        """
        first, last = self._between([(start, stop)], columns)
        shape = (self.shape[0], stop - start, last - first)
        if out is None:
            out = np.empty(shape, self.dtype)
        elif out.shape != shape or out.dtype != self.dtype:
            raise ValueError(f"out is {out.shape} {out.dtype}, the rows are {shape} {self.dtype}")
        self._read([(start, stop)], (first, last), [out], threads)
        return out

    def read_bands(self, bands: Bands, columns: slice | None = None) -> list[Pixels]:
        """Several bands of rows, each file opened once: as `read_rows` for each of them."""
        first, last = self._between(bands, columns)
        found = [np.empty((self.shape[0], stop - start, last - first), self.dtype) for start, stop in bands]
        self._read(bands, (first, last), found, 1)
        return found

    def _read(self, bands: Bands, columns: tuple[int, int], out: Sequence[Pixels], threads: int) -> None:
        jobs = [
            (self.sources[which], [number for _, (_, number) in group], [at for at, _ in group])
            for which, group in (
                (which, list(group))
                for which, group in groupby(enumerate(self.places), key=lambda item: item[1][0])
            )
        ]

        def run(job: tuple[Source, list[int], list[int]]) -> None:
            source, numbers, at = job
            # The images of a group follow each other in the stack, so that their part of `out` is one view.
            source.read(numbers, bands, columns, [band[at[0] : at[-1] + 1] for band in out])

        if threads == 1 or len(jobs) == 1:
            for job in jobs:
                run(job)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(run, jobs))

    def _between(self, bands: Bands, columns: slice | None) -> tuple[int, int]:
        """The first column and the one after the last; rows and columns are checked."""
        _, rows, width = self.shape
        for start, stop in bands:
            if not 0 <= start <= stop <= rows:
                raise InputError(
                    f"rows {start} to {stop} of images with {rows} rows", f"0 <= start <= stop <= {rows}"
                )
        first, last, step = (columns or slice(None)).indices(width)
        if step != 1 or last <= first:
            raise InputError(
                f"columns {columns} of images with {width} columns", "columns inside the images, step 1"
            )
        return first, last


def stack_of(sources: Sequence[Source]) -> SourceStack:
    """All the images of some sources as one stack.

    Raises
    ------
    InputError
        There is no image, or a source has another shape or type than the first (names both).
    """
    first = sources[0]
    for source in sources:
        if _form(source) != _form(first):
            raise InputError(
                f"{source.place}: {_form(source)}",
                f"{_form(first)}, as the first has ({first.place})",
                "leave the file out, or put it in the folder it belongs to",
            )
    places = tuple((which, k) for which, source in enumerate(sources) for k in range(source.shape[0]))
    if not places or not all(first.shape[1:]):
        raise InputError(f"{first.place}: {_form(first)} and {len(places)} images", "one image at least")
    return SourceStack(tuple(sources), places)


def runs(numbers: Sequence[int]) -> list[tuple[int, int, Sequence[int]]]:
    """Images that follow each other in a file: the first, the one after the last, and their places in `numbers`.

    Examples
    --------
    >>> [(first, last, list(at)) for first, last, at in runs([4, 3, 9, 10])]
    [(3, 5, [1, 0]), (9, 11, [2, 3])]
    """
    order = sorted(range(len(numbers)), key=lambda at: numbers[at])
    found: list[tuple[int, int, list[int]]] = []
    for at in order:
        number = numbers[at]
        if found and found[-1][1] == number:
            found[-1][2].append(at)
            found[-1] = (found[-1][0], number + 1, found[-1][2])
        else:
            found.append((number, number + 1, [at]))
    return list(found)


def fill_runs(numbers: Sequence[int], target: Pixels, read: Callable[[int, int], Pixels]) -> None:
    """Fill `target` (numbers, rows, columns) run by run: `read` is given the first image and the one after the last."""
    for first, last, at in runs(numbers):
        # A slice where it is one: a list copies each image once more.
        straight = list(at) == list(range(at[0], at[0] + len(at)))
        target[slice(at[0], at[0] + len(at)) if straight else list(at)] = read(first, last)


def _form(source: Source) -> str:
    _, rows, columns = source.shape
    return f"{rows} x {columns} {source.dtype.name}"
