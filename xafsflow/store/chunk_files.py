"""The files of an array: which rows and columns each holds, that none is missing, and that each is as it was written."""

from __future__ import annotations

import itertools
import os
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

Region = tuple[slice, ...]


# Zarr's settings are those of the process: what a thread has set must not be undone by another.
_SETTING = threading.RLock()


@contextmanager
def _set(settings: dict[str, Any]) -> Iterator[None]:
    import zarr

    with _SETTING, zarr.config.set(settings):
        yield


def fast_codecs(settings: dict[str, Any]) -> AbstractContextManager[None]:
    """Arrays opened inside are packed by zarrs, two to three times as fast, where it is installed.

    They are not for reading: of a chunk that is read in part, and so of every chunk at the border of an image, zarrs
    does not check the sum, and gives wrong numbers for damaged bytes. Reading by zarr-python was measured to be as fast.
    """
    from importlib.util import find_spec

    fast = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"} if find_spec("zarrs") else {}
    return _set(fast | settings)


def checking_codecs() -> AbstractContextManager[None]:
    """Arrays opened inside check the sum of every chunk of which anything is read, and write every chunk."""
    pipeline = {"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}
    return _set(pipeline | {"array.write_empty_chunks": True})


class Target:
    """An array to write to: fast, and with a file for every chunk.

    Zarr leaves out chunks of nothing but fill values, and takes a file that is lost for such a chunk.
    """

    def __init__(self, folder: Path, name: str) -> None:
        import zarr

        self.folder = folder
        with checking_codecs():
            self.checked = zarr.open_array(str(folder), path=name, mode="r+")
        # Several threads put the chunks of a shard in the order in which they end: other bytes every time.
        threads = {"threading.max_workers": 1} if self.checked.shards else {}
        with fast_codecs(threads):
            self.fast = zarr.open_array(str(folder), path=name, mode="r+")

    def __setitem__(self, region: Region, values: Any) -> None:
        try:
            self.fast[region] = values
        except RuntimeError as error:
            # zarrs tells what the system told it, such as a full disk, in words only.
            number = re.search(r"\(os error (\d+)\)", str(error))
            if number is None:
                raise
            code = int(number[1])
            raise OSError(code, os.strerror(code), str(self.folder)) from error
        for file, place in files(self.checked, region):
            if not file.exists():
                own = tuple(
                    slice(max(p.start, r.start or 0), min(p.stop, n if r.stop is None else r.stop))
                    for p, r, n in zip(place, region, self.checked.shape, strict=True)
                )
                inside = (
                    slice(o.start - (r.start or 0), o.stop - (r.start or 0))
                    for o, r in zip(own, region, strict=True)
                )
                self.checked[own] = values[tuple(inside)]

    def sweep(self) -> list[Region]:
        """Remove the files that cannot be read, and tell what parts of the array they and missing ones hold."""
        lost = []
        for file, place in files(self.checked):
            try:
                check(self.checked, file, place)
            except Exception:  # every codec fails in its own way on damaged bytes
                # A part of a damaged chunk cannot be written over: it would be read first.
                file.unlink(missing_ok=True)
                lost.append(place)
        return lost


def check(array: Any, file: Path, place: Region) -> None:
    """Read a file of an array.

    Raises
    ------
    Exception
        It is missing or damaged; every codec fails in its own way.
    """
    # Zarr takes what is missing for fill values.
    file.stat()
    array[place]


def missing(array: Any) -> Iterator[tuple[Path, Region]]:
    """The files of an array that are not there, from a listing of its folders, and what part of the array each holds."""
    held: set[str] = set()
    todo = [os.path.join(array.store.root, array.path)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir():
                        todo.append(entry.path)
                    elif entry.is_file():
                        held.add(entry.path)
        except FileNotFoundError:
            continue
    yield from (one for one in files(array) if str(one[0]) not in held)


def files(array: Any, region: Region | None = None) -> Iterator[tuple[Path, Region]]:
    """The files that hold a region of an array, by default all, and what part of the array each holds."""
    shape = array.shards or array.chunks
    wanted = region or (slice(None),) * array.ndim
    along = []
    for size, step, part in zip(array.shape, shape, wanted, strict=True):
        start, stop, _ = part.indices(size)
        along.append(range(start // step, -(-stop // step)) if stop > start else range(0))
    for place in itertools.product(*along):
        file = Path(array.store.root, array.path, array.metadata.encode_chunk_key(place))
        yield (
            file,
            tuple(
                slice(k * step, min((k + 1) * step, size))
                for k, step, size in zip(place, shape, array.shape, strict=True)
            ),
        )
