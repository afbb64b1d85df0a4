"""The folder of a run: who works in it, what may lie in it, and whether what lies there is of the same run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xafsflow import __version__
from xafsflow.errors import InputError
from xafsflow.processes import Process, is_alive, this_process
from xafsflow.readers.folders import Folders
from xafsflow.recipe import Recipe

LOCK = "run.lock"
# Everything that a run may write into its folder; `--fresh` removes these and nothing else.
PARTS = (
    "recipe.yaml", "run.json", "findings.json", "report.html", "model.skops", LOCK,
    "cube.zarr", "cube.zarr.partial", "cube.zarr.partial.bands",
    "maps.zarr", "maps.zarr.partial", "maps.zarr.partial.bands",
)  # fmt: skip
# Larger files are told by size and time: to read a measurement twice would double the time of a run.
HASHED_BYTES = 2**20
ANOTHER = "choose another --out, or replace it with --fresh"


@dataclass(frozen=True)
class ReadFolders(Folders):
    """Folders that remember which files were asked for."""

    files: set[Path] = field(default_factory=set, compare=False)

    def resolve(self, name: str) -> Path:
        """See `Folders.resolve`."""
        path = super().resolve(name)
        self.files.add(path)
        return path

    def glob(self, pattern: str) -> tuple[Path, ...]:
        """See `Folders.glob`."""
        paths = super().glob(pattern)
        self.files.update(paths)
        return paths


@contextmanager
def owned(out: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Be the only process that works in a folder, which is made; a lock of a process that has died is taken over.

    Raises
    ------
    InputError
        Another process works there.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", "a folder for the run", "choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    path, own = out / LOCK, json.dumps(asdict(this_process()))
    while True:
        try:
            # Made whole beside its place: a lock that can be read is complete.
            temporary = path.with_name(f".{LOCK}.{os.getpid()}")
            temporary.write_text(own, encoding="utf-8")
            os.link(temporary, path)
        except FileExistsError:
            _take_over(path, tell)
        else:
            break
        finally:
            temporary.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _take_over(path: Path, tell: Callable[[str], None]) -> None:
    try:
        owner = Process(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return  # just given back
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: {error}", "a lock of xafsflow", "remove it if no run is at work"
        ) from error
    alive = is_alive(owner)
    if alive is not False:
        where = f"process {owner.pid} on {owner.host}"
        seen = "works" if alive else "may work: that cannot be seen from here;"
        raise InputError(
            f"{where} {seen} in {path.parent}",
            "a folder in which no other run is at work",
            f"wait for it, choose another --out, or remove {path} if that process is gone",
        )
    tell(f"takes up the run of process {owner.pid}, which has died")
    path.unlink(missing_ok=True)


def claim(
    recipe: Recipe, folders: Folders, out: Path, fresh: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Accept a folder that is empty or holds an unfinished run of the same recipe and data; the record of that run.

    Parameters
    ----------
    fresh
        Remove what an earlier run left, whatever it was; what is removed is told first.
    tell
        Called with a line.

    Raises
    ------
    InputError
        The folder holds something else.
    """
    held = sorted(entry.name for entry in out.iterdir() if entry.name != LOCK)
    # A file that was being written when its process was killed has a point before its name and a number behind.
    strange = [
        name
        for name in held
        if name not in PARTS and not name.startswith(tuple(f".{part}." for part in PARTS))
    ]
    if strange:
        raise InputError(
            f"{out} holds {', '.join(strange[:3])}{' ...' if len(strange) > 3 else ''}",
            "a new or empty folder, or one of an earlier run",
            "choose another --out",
        )
    if held and fresh:
        tell(f"removes from {out}: {', '.join(held)}")
        for name in held:
            path = out / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return _earlier(recipe, folders, out) if held and not fresh else {}


def _earlier(recipe: Recipe, folders: Folders, out: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    if any(record.get(key) != value for key, value in identity(recipe, folders).items()):
        raise InputError(
            f"{out} holds a run of another recipe or of other data", "a run of the same", ANOTHER
        )
    if record.get("state") == "finished":
        raise InputError(f"{out} holds this run, finished", "a new folder", ANOTHER)
    return record


def identity(recipe: Recipe, folders: Folders) -> dict[str, str]:
    """What makes two runs the same: recipe, folders, and the version that runs them."""
    references = "" if folders.references is None else str(folders.references.resolve())
    return {
        "recipe_digest": recipe.digest,
        "data": str(folders.data.resolve()),
        "references": references,
        "version": __version__,
    }


def check_sources(earlier: Mapping[str, Any], inputs: list[dict[str, Any]]) -> None:
    """Refuse to go on with a run whose sources have changed since.

    Raises
    ------
    InputError
        Names the first that did.
    """
    known = {entry["path"]: entry for entry in earlier.get("inputs", [])}
    for entry in inputs:
        if entry["path"] in known and entry != known[entry["path"]]:
            raise InputError(
                f"{entry['path']} has changed since this run was interrupted",
                "the sources it began with",
                ANOTHER,
            )


def inputs_of(folders: ReadFolders) -> list[dict[str, Any]]:
    """Small files with their SHA-256; images by folder, with a digest over names, sizes and times."""
    import hashlib

    groups: dict[Path, Any] = {}
    found: list[dict[str, Any]] = []
    for path in sorted(folders.files):
        status = path.stat()
        if path.suffix.lower() in (".tif", ".tiff") or status.st_size > HASHED_BYTES:
            digest, count, size = groups.get(path.parent, (hashlib.sha256(), 0, 0))
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
            groups[path.parent] = (digest, count + 1, size + status.st_size)
        else:
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            found.append({"path": str(path), "bytes": status.st_size, "sha256": sha})
    for folder, (digest, count, size) in groups.items():
        found.append({"path": str(folder), "files": count, "bytes": size, "digest": digest.hexdigest()})
    return found
