"""What is damaged on disk of a stored cube or of stored maps: found, and named by file, variable, rows and columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xafsflow.errors import ComputationError, InputError
from xafsflow.progress import ProgressCallback, no_progress
from xafsflow.store.chunk_files import Region, check, checking_codecs, files, missing

STORES = ("cube.zarr", "maps.zarr")
METADATA = "zarr.json"


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was written.

    `variable` is empty where the metadata of all of them are; `place` is empty where it is metadata.
    """

    store: Path
    file: Path
    variable: str
    dims: tuple[str, ...]
    place: Region
    why: str

    def __str__(self) -> str:
        """The file, the variable, rows and columns from 0, and what is wrong.

        Examples
        --------
        >>> place = (slice(0, 5), slice(16, 32), slice(0, 16))
        >>> file = Path("run/cube.zarr/sample/c/0/1/0")
        >>> print(Damage(Path("run/cube.zarr"), file, "sample", ("energy", "y", "x"), place, "missing"))
        cube.zarr/sample/c/0/1/0: sample, rows 16 to 31, columns 0 to 15: missing
        """
        words = {"y": "rows", "x": "columns"}
        parts = [
            f"{words[dim]} {part.start} to {part.stop - 1}"
            for dim, part in zip(self.dims, self.place, strict=False)
            if dim in words
        ]
        if not self.place:
            parts = ["its metadata"]
        told = ", ".join([self.variable, *parts] if self.variable else ["the metadata of all variables"])
        return f"{self.file.relative_to(self.store.parent)}: {told}: {self.why}"


def look(run: Path) -> None:
    """Refuse a folder in which nothing is stored.

    Raises
    ------
    InputError
        It has neither cube nor maps that are complete.
    """
    if not any((run / name).is_dir() for name in STORES):
        raise InputError(
            f"{run} without {' or '.join(STORES)}", "the folder of a run", "check the path, or end the run"
        )


def damages(run: Path, report_progress: ProgressCallback = no_progress) -> Iterator[Damage]:
    """Read every chunk of a run's cube and maps, and tell which are not as they were written.

    Parameters
    ----------
    run
        The folder of a run; what it is still writing is not looked at.
    report_progress
        Told how far it is.
    """
    for name in STORES:
        if (run / name).is_dir():
            yield from _of_store(run / name, report_progress)


def refuse_missing(store: Path) -> None:
    """Refuse a store that lacks the file of a chunk, which Zarr would read as fill values; the files are not read.

    Parameters
    ----------
    store
        Of a cube or of maps, complete.

    Raises
    ------
    ComputationError
        Names the first missing file.
    """
    lost = [
        Damage(store, file, name, _dims(array), place, "missing")
        for name, array in _arrays(store).items()
        for file, place in missing(array)
    ]
    if lost:
        more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
        raise damaged(f"{lost[0]}{more}", store.parent)


def damaged(found: str, run: Path) -> ComputationError:
    """What is raised where stored chunks are not as they were written."""
    do = f"`xafsflow verify {run} --repair` computes it again from the sources"
    return ComputationError(found, "chunks as they were written", do)


def _arrays(store: Path) -> dict[str, Any]:
    """The arrays of a store by name; raises as `metadata` does."""
    import zarr

    with checking_codecs():
        group = zarr.open_group(str(store), mode="r", use_consolidated=True)
        return {name: group[name] for name in metadata(store)}


def _dims(array: Any) -> tuple[str, ...]:
    return tuple(str(dim) for dim in array.metadata.dimension_names or ())


def _of_store(store: Path, report_progress: ProgressCallback) -> Iterator[Damage]:
    try:
        kept, arrays = metadata(store), _arrays(store)
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Damage(store, store / METADATA, "", (), (), _why(error))
        return
    total = sum(array.nchunks for array in arrays.values())
    done = 0
    for name, array in arrays.items():
        dims = _dims(array)
        own = store / name / METADATA
        try:
            same = json.loads(own.read_bytes()) == kept[name]
            why = "" if same else "not as all metadata together have it"
        except (OSError, ValueError) as error:
            why = _why(error)
        if why:
            yield Damage(store, own, name, dims, (), why)
        for file, place in files(array):
            try:
                check(array, file, place)
            except Exception as error:  # every codec fails in its own way on damaged bytes
                yield Damage(store, file, name, dims, place, _why(error))
        done += array.nchunks
        report_progress(f"reads {store.name}", done / total)


def metadata(store: Path) -> dict[str, Any]:
    """The metadata of every array of a store, by name, as all are kept together.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        They cannot be read.
    """
    told = json.loads((store / METADATA).read_bytes())
    return dict(told["consolidated_metadata"]["metadata"])


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "missing"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or error})"
    if "checksum" in str(error).lower():
        return "its checksum does not fit"
    return f"does not decode ({type(error).__name__})"


@contextmanager
def named(run: Path) -> Iterator[None]:
    """Where something fails because a stored chunk is damaged, say which.

    Raises
    ------
    ComputationError
        Names the first damaged file.
    """
    try:
        yield
    except (InputError, ComputationError):
        raise
    except Exception as error:
        found = next(damages(run), None)
        if found is None:
            raise
        raise damaged(str(found), run) from error
