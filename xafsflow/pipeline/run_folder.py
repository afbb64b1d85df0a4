"""The folder of a run: who works in it, what may lie in it, and whether what lies there is of the same run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from xafsflow import __version__
from xafsflow.errors import InputError
from xafsflow.files import sha256_of
from xafsflow.io.folders import Folders, is_small_table, told_as
from xafsflow.locks import LOCK
from xafsflow.pipeline.recipe import Recipe

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

MODELS, INVERSE = "models", "inverse"
# Everything that a run may write into its folder; `--fresh` removes these and nothing else.
PARTS = (
    "recipe.yaml", "run.json", "findings.json", "report.html", MODELS, INVERSE, LOCK,
    "cube.zarr", "cube.zarr.partial", "cube.zarr.partial.bands",
    "maps.zarr", "maps.zarr.partial", "maps.zarr.partial.bands",
)  # fmt: skip
ANOTHER = "choose another --out, or replace it with --fresh"


class Source(TypedDict):
    """A small file, with its `sha256`, or the images of a folder or a whole Zarr group: so many `files`, with a `digest` of
    sizes and times.
    """

    path: str
    bytes: int
    files: NotRequired[int]
    sha256: NotRequired[str]
    digest: NotRequired[str]


class RunRecord(TypedDict, total=False):
    """What `run.json` holds that the next call of a run reads; it holds more."""

    state: str
    recipe_digest: str
    data: str
    references: str
    version: str
    inputs: list[Source]


@dataclass(frozen=True)
class ReadFolders(Folders):
    """Folders that remember which files were asked for."""

    files: set[Path] = field(default_factory=set, compare=False)

    def resolve(self, name: str) -> Path:
        """See `Folders.resolve`."""
        path = super().resolve(name)
        self._remember(path)
        return path

    def glob(self, pattern: str) -> tuple[Path, ...]:
        """See `Folders.glob`."""
        paths = super().glob(pattern)
        for path in paths:
            self._remember(path)
        return paths

    def _remember(self, path: Path) -> None:
        """A file; of a Zarr folder all files, for another one may have the same metadata."""
        self.files.update((one for one in path.rglob("*") if one.is_file()) if path.is_dir() else (path,))


def model_file(out: Path, entry: str) -> Path:
    """Where the model of an entry lies in the folder of a run."""
    return out / MODELS / f"{entry}.npz"


def inverse_file(out: Path, entry: str) -> Path:
    """Where the inverse model of an entry lies in the folder of a run."""
    return out / INVERSE / f"{entry}.npz"


def claim(recipe: Recipe, folders: Folders, out: Path, fresh: bool, tell: Callable[[str], None]) -> RunRecord:
    """Accept a folder that is empty or holds an unfinished run of the same recipe and data; the record of that run.

    Parameters
    ----------
    fresh
        Remove what an earlier run left, whatever it was; what is removed is reported first.
    tell
        Called with a line.

    Raises
    ------
    InputError
        The folder holds something else.
    """
    held = sorted(entry.name for entry in out.iterdir() if entry.name != LOCK)
    check_parts(held, recipe, out)
    if held and fresh:
        tell(f"removes from {out}: {', '.join(held)}")
        for name in held:
            path = out / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not held or fresh:
        return {}
    earlier = _earlier(recipe, folders, out)
    for name in written_by(recipe):
        # Its step is taken again, and refuses a file that is there.
        (out / name).unlink(missing_ok=True)
    return earlier


def check_parts(held: Iterable[str], recipe: Recipe, out: Path | str) -> None:
    """Refuse a folder with anything in it that no run of this recipe writes.

    Raises
    ------
    InputError
        Names some of what is there.
    """
    parts = (*PARTS, *written_by(recipe))
    # A file that was being written when its process was killed has a point before its name and a number behind.
    temporary = tuple(f".{part}." for part in parts)
    strange = [name for name in held if name not in parts and not name.startswith(temporary)]
    if strange:
        raise InputError(
            f"{out}, which holds {', '.join(strange[:3])}{' ...' if len(strange) > 3 else ''}",
            "a new or empty folder, or one of an earlier run",
            "choose another --out",
        )


def written_by(recipe: Recipe) -> list[str]:
    """Files of the run folder that have their names from settings of steps; the steps check them."""
    settings = [planned.settings for planned in recipe.plan if "run" in planned.step.takes]
    return [one[key] for one in settings for key in ("file", "name") if isinstance(one.get(key), str)]


def _earlier(recipe: Recipe, folders: Folders, out: Path) -> RunRecord:
    try:
        record: RunRecord = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    check_same(record, recipe, folders, out)
    return record


def check_same(record: Mapping[str, object], recipe: Recipe, folders: Folders, out: Path | str) -> None:
    """Refuse a record that is not of this run, unfinished.

    Raises
    ------
    InputError
        It is of another one, or finished.
    """
    if any(record.get(key) != value for key, value in identity(recipe, folders).items()):
        raise InputError(
            f"{out}, which holds a run of another recipe or of other data", "a run of the same", ANOTHER
        )
    if record.get("state") == "finished":
        raise InputError(f"{out}, which holds this run, finished", "a new folder", ANOTHER)


def identity(recipe: Recipe, folders: Folders) -> dict[str, str]:
    """What makes two runs the same: recipe, folders, and the version that runs them."""
    return {
        "recipe_digest": recipe.digest,
        "data": told_as(folders.data),
        "references": "" if folders.references is None else told_as(folders.references),
        "version": __version__,
    }


def check_sources(earlier: RunRecord, inputs: list[Source]) -> None:
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
                f"{entry['path']}, which has changed since this run was interrupted",
                "the sources it began with",
                ANOTHER,
            )


def inputs_of(folders: ReadFolders) -> list[Source]:
    """Small files with their SHA-256; images by folder, and Zarr groups, with a digest over names, sizes and times."""
    import hashlib

    groups: dict[Path, tuple[Hash, int, int]] = {}
    found: list[Source] = []
    # However the folders were called: another call of the same run may name them otherwise.
    roots = [(root, root.resolve()) for root in (folders.references, folders.data) if root is not None]
    origins = [(whole, told_as(whole)) for _, whole in roots]
    placed = {_placed(path, roots): path for path in folders.files}
    for path in sorted(placed):
        status = path.stat()
        group = _zarr_group(path, roots)
        if group is not None or not is_small_table(path.name, status.st_size):
            folder = group or path.parent
            digest, count, size = groups.get(folder, (hashlib.sha256(), 0, 0))
            inner = path.relative_to(folder).as_posix()
            digest.update(f"{inner} {status.st_size} {status.st_mtime_ns}\n".encode())
            groups[folder] = (digest, count + 1, size + status.st_size)
        else:
            name = _recorded(path, origins)
            found.append({"path": name, "bytes": status.st_size, "sha256": sha256_of(path)})
    for folder, (digest, count, size) in groups.items():
        name = _recorded(folder, origins)
        found.append({"path": name, "files": count, "bytes": size, "digest": digest.hexdigest()})
    return found


def _placed(path: Path, roots: list[tuple[Path, Path]]) -> Path:
    return next((whole / path.relative_to(root) for root, whole in roots if path.is_relative_to(root)), path)


def _zarr_group(path: Path, roots: list[tuple[Path, Path]]) -> Path | None:
    """The Zarr group below the folders of the run that a file is a part of."""
    for _, whole in roots:
        if path.is_relative_to(whole):
            inner = path.parent.relative_to(whole).parts
            ends = [number for number, name in enumerate(inner, 1) if name.endswith(".zarr")]
            return whole.joinpath(*inner[: ends[0]]) if ends else None
    return None


def _recorded(path: Path, origins: list[tuple[Path, str]]) -> str:
    """A path as it is recorded: below its URL, where its folder is a copy of one."""
    for whole, name in origins:
        if name != str(whole) and path.is_relative_to(whole):
            inner = path.relative_to(whole).as_posix()
            return name if inner == "." else f"{name}/{inner}"
    return str(path)


def within(inputs: list[Source], data: Path, references: Path) -> list[Source]:
    """Inputs with their paths relative to the folders, wherever these lie.

    Examples
    --------
    >>> within([{"path": "/scan/sample", "files": 3}], Path("/scan"), Path("/spectra"))
    [{'path': 'data:sample', 'files': 3}]
    """
    found: list[Source] = []
    # As Path writes a URL, which is the same in both.
    roots = [
        (word, [root, root.resolve(), Path(told_as(root))])
        for word, root in (("references", references), ("data", data))
    ]
    for entry in inputs:
        path = Path(entry["path"])
        for word, names in roots:
            root = next((root for root in names if path.is_relative_to(root)), None)
            if root is not None:
                path = Path(f"{word}:{path.relative_to(root)}")
        found.append({**entry, "path": str(path)})
    return found
