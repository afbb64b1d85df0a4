"""HDF5 files opened for reading: damage becomes one error, and links and virtual datasets stay in the folder of the file."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import INSIDE, Inside

if TYPE_CHECKING:
    import h5py

# Links that are followed one after the other, and objects that are listed.
MOST_LINKS, MOST_OBJECTS = 40, 20_000
COPY_AGAIN = "copy the file again from where it was written, or leave it out"


@contextmanager
def hdf5_file(path: str | Path) -> Iterator[h5py.File]:
    """A file opened for reading.

    Raises
    ------
    InputError
        It is missing, no HDF5, truncated or damaged, also where that shows only while it is read.
    """
    import h5py

    _more_filters()
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            yield file
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"no file {path}", "an HDF5 file", "check the path and its spelling") from None
    except Exception as error:  # of many kinds, where something is damaged
        why = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: truncated, damaged or no HDF5 ({why})", "a whole HDF5 file", COPY_AGAIN
        ) from None


@cache
def _more_filters() -> None:
    """Detectors compress by filters that HDF5 has where this package is installed."""
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401


@contextmanager
def hdf5_array(path: str, inside: str) -> Iterator[Any]:
    """A dataset opened for reading, by the path that `located` has found."""
    with hdf5_file(path) as file:
        yield file[inside]


def located(path: str, inside: str, folder: Path | None = None, depth: int = 0) -> tuple[str, str]:
    """The file and the path in it that something has when its links are followed, which must stay in the folder of the file.

    Raises
    ------
    InputError
        Nothing is there; links run in a ring, or lead out of the folder or to a file that is missing.
    """
    import h5py

    home = Path(path).resolve().parent if folder is None else folder
    done, left = "/", [part for part in inside.split("/") if part not in ("", ".")]
    with hdf5_file(path) as file:
        while left:
            if depth > MOST_LINKS:
                raise InputError(
                    f"{path}{INSIDE}{inside}: links that run in a ring", "a path that ends", "name another"
                )
            part, left = left[0], left[1:]
            here = file[done]
            link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
            if link is None:
                raise _missing(file, path, f"{done.rstrip('/')}/{part}")
            if isinstance(link, h5py.ExternalLink):
                target = beside(path, str(link.filename), home)
                return located(target, "/".join([link.path, *left]), home, depth + 1)
            if isinstance(link, h5py.SoftLink):
                depth += 1
                where = link.path if link.path.startswith("/") else f"{done}/{link.path}"
                done, left = "/", [one for one in where.split("/") if one not in ("", ".")] + left
            else:
                done = f"{done.rstrip('/')}/{part}"
    return path, done


def beside(path: str, name: str, home: Path) -> str:
    """The file that another names, which must lie in a folder.

    Raises
    ------
    InputError
        It lies elsewhere, or is missing.
    """
    target = Path(os.path.abspath(Path(path).parent / name))
    if not target.resolve().is_relative_to(home):
        raise InputError(
            f"{path}, whose images lie in {name}",
            f"files in {home}",
            "name that file itself, or copy both into one folder",
        )
    if not target.is_file():
        raise InputError(
            f"{path}, whose images lie in {name}, which is missing",
            "all files of the scan",
            "copy the missing file into the same folder",
        )
    return str(target)


def check_stored(dataset: Any, path: str, depth: int = 0) -> None:
    """Refuse a dataset with parts that were never written or lie elsewhere: they would be read as a value.

    Raises
    ------
    InputError
        Chunks are missing, a filter is, or a virtual dataset's files are missing or outside the folder.
    """
    place, home = f"{path}{INSIDE}{dataset.name}", Path(path).resolve().parent
    for name, *_ in dataset.external or ():
        beside(path, name, home)
    if dataset.is_virtual:
        _check_virtual(dataset, path, place, depth)
        return
    _check_filters(dataset, place)
    if dataset.chunks is not None:
        wanted = math.prod(
            -(-side // chunk) for side, chunk in zip(dataset.shape, dataset.chunks, strict=True)
        )
        found = dataset.id.get_num_chunks()
        if found < wanted:
            raise InputError(
                f"{place} of shape {dataset.shape}, of which {found} of {wanted} chunks were written",
                "a whole dataset",
                "cut it to the images that were written, if the scan was stopped; else copy the file again",
            )
    elif dataset.size and not dataset.external and dataset.id.get_storage_size() == 0:
        raise InputError(f"{place}, which was never written", "a dataset with values", COPY_AGAIN)


def _check_virtual(dataset: Any, path: str, place: str, depth: int) -> None:
    home = Path(path).resolve().parent
    if depth > MOST_LINKS:
        raise InputError(
            f"{place}: virtual datasets of each other", "a dataset with values", "name another path"
        )
    covered = 0
    for source in dataset.virtual_sources():
        covered += source.vspace.get_select_npoints()
        target = path if source.file_name == "." else beside(path, source.file_name, home)
        file, inside = located(target, source.dset_name, home)
        with hdf5_file(file) as opened:
            check_stored(opened[inside], file, depth + 1)
    if covered < dataset.size:
        raise InputError(
            f"{place} of {dataset.size} values, of which its sources give {covered}",
            "a whole dataset",
            "name the files that hold the images themselves",
        )


def _check_filters(dataset: Any, place: str) -> None:
    import h5py

    plist = dataset.id.get_create_plist()
    for number in range(plist.get_nfilters()):
        code, _, _, name = plist.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            known = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
            raise InputError(
                f"{place}, compressed by filter {code} ({known or 'without a name'})",
                "a filter that HDF5 has here",
                "install hdf5plugin, which has the filters of detectors, or write the file with gzip",
            )


def own_items(group: Any) -> Iterator[tuple[str, Any]]:
    """The names and items of a group, and those that links within the file lead to; links that lead nowhere are left out."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            continue
        if isinstance(link, h5py.SoftLink):
            path = group.file.filename
            try:
                place, inside = located(path, f"{group.name}/{name}")
            except InputError:
                continue
            if place == path:
                yield name, group.file[inside]
        else:
            yield name, group[name]


def arrays(file: h5py.File) -> list[Inside]:
    """The datasets of numbers with two axes or more, each once; external links are not followed."""
    import h5py

    found: list[Inside] = []
    seen = 0

    def note(name: str, item: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and item.ndim >= 2:
            found.append(Inside(f"/{name}", tuple(item.shape), item.dtype.name))
        return True if seen > MOST_OBJECTS else None

    file.visititems(note)
    return found


def _missing(file: h5py.File, path: str, inside: str) -> InputError:
    return InputError(
        f"no {inside} in {path}",
        "a path in the file",
        f"choose one of {listed(arrays(file))}",
    )


def listed(found: list[Inside], most: int = 8) -> str:
    """Paths with their shapes, for a message."""
    shown = [f"::{one.path} {one.shape}" for one in found[:most]]
    return (
        ", ".join(shown) + (f" and {len(found) - most} more" if len(found) > most else "")
        if shown
        else "no images"
    )
