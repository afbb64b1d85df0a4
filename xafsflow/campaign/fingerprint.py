"""A digest of all that a measurement's result depends on: recipe, inputs and version.

A batch that has nothing to do must see so within seconds, over thousands of measurements: so nothing heavy is imported, the
recipe counts as it is written, and whole folders are compared. The identity of a run (`pipeline.run_folder`) is stricter:
it has the defaults filled in, and names the files that were read.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from xafsflow import __version__
from xafsflow.campaign.catalog import Measurement
from xafsflow.errors import InputError
from xafsflow.files import sha256_of
from xafsflow.io.folders import REFERENCES, Folders, is_small_table
from xafsflow.io.remote.urls import is_url
from xafsflow.pipeline.entries import AS, entry_names
from xafsflow.pipeline.strict_yaml import read_yaml

# A step of a recipe: its name, and its settings as a mapping (or what stands in their place).
RecipeItem = list[object]


def folder_digest(folder: str | Path) -> str:
    """SHA-256 over the files in and below a folder: small ones by content, others by name, size and time.

    Files whose names begin with a point do not count: systems leave them, and no pattern matches them. Of what lies at a
    URL the server tells names, sizes, times and ETags; where it does not answer, that is an error and no other digest.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     before = folder_digest(folder)
    ...     _ = Path(folder, "energies.csv").write_text("7112")
    ...     before == folder_digest(folder), folder_digest(folder) == folder_digest(folder)
    (False, True)
    """
    digest = hashlib.sha256()
    for line in _listed(folder) if is_url(folder) else _lines(os.fspath(folder), "", ()):
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _listed(url: str | Path, pattern: str = "*") -> Iterator[str]:
    """A line for each object at a URL whose name matches; a star matches slashes as well."""
    from xafsflow.io.remote.object_store import opened

    for name, one in sorted(opened(str(url)).objects().items()):
        hidden = any(part.startswith(".") for part in name.split("/"))
        if name == pattern or (not hidden and fnmatch.fnmatchcase(name, pattern)):
            yield f"{name}\0{one.size} {one.modified} {one.tag}\n"


def _lines(folder: str, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield f"{prefix}\0{error.strerror}\n"
        return
    for entry in ordered:
        name = prefix + entry.name
        if entry.name.startswith("."):
            continue
        try:
            status = entry.stat()
        except OSError:
            yield f"{name}\0missing\n"  # a link to nowhere, or removed just now
            continue
        if not stat.S_ISDIR(status.st_mode):
            yield _line(name, entry.path, status)
        elif (here := (status.st_dev, status.st_ino)) not in above:
            yield from _lines(entry.path, f"{name}/", (*above, here))


def _line(name: str, path: str | Path, status: os.stat_result) -> str:
    known = f"{status.st_size} {status.st_mtime_ns}"
    if stat.S_ISREG(status.st_mode) and is_small_table(name, status.st_size):
        try:
            known = sha256_of(Path(path))
        except OSError:
            known += " unreadable"
    return f"{name}\0{known}\n"


class Digests:
    """Digests of measurements under one recipe; what they share is read once.

    Parameters
    ----------
    steps
        The recipe's steps as they stand in its YAML: comments, name and description do not count. Defaults are not
        filled in, for that takes every step's import; with another version of the package every digest is another.
    """

    def __init__(self, steps: object) -> None:
        self._steps: list[RecipeItem] = (
            [_item(item) for item in steps] if isinstance(steps, list) else [["", {"": steps}]]
        )
        self._shared: dict[tuple[Path | str | None, tuple[str, ...]], str] = {}

    def of(self, one: Measurement) -> str:
        """SHA-256 over the steps with the overrides in place, the version, the folder and what is in it.

        Of the references those count that the steps name, so that a new file beside them changes nothing.
        """
        steps = overridden(self._steps, one.overrides)
        parts = [__version__, steps, str(one.data), folder_digest(one.data)]
        named = tuple(sorted(set(_references(steps))))
        if named:
            parts += [str(one.references), self._of_references(one, named)]
        return sha256_of(json.dumps(parts, separators=(",", ":")))

    def _of_references(self, one: Measurement, named: tuple[str, ...]) -> str:
        key = (one.references, named)
        if key not in self._shared:
            digest = hashlib.sha256()
            for name in named:
                digest.update(f"{name}\n".encode("utf-8", "surrogateescape"))
                digest.update("".join(_named(one.references, name)).encode("utf-8", "surrogateescape"))
            self._shared[key] = digest.hexdigest()
        return self._shared[key]


def _named(references: Path | str | None, name: str) -> list[str]:
    """A line for each file of the references that a recipe's name means."""
    if references is None:
        return ["no references"]
    if is_url(references):
        return list(_listed(references, name.removeprefix(REFERENCES)))
    try:
        paths = Folders(Path(references), Path(references)).glob(name)
        return [_line(str(path), path, path.stat()) for path in paths]
    except (InputError, OSError) as error:
        return [str(error)]  # the run will say so; once it is mended, the digest is another


def _item(item: object) -> RecipeItem:
    """A step as its name and its settings."""
    if isinstance(item, dict) and len(item) == 1:
        ((name, settings),) = item.items()
        return [name, {} if settings is None else settings]
    return [item, {}]


def overridden(steps: Sequence[RecipeItem], overrides: Sequence[tuple[str, str]]) -> list[RecipeItem]:
    """Steps with some settings replaced; settings in the order of their names.

    An override that fits no step stands at the end: the recipe's own check will refuse it.

    Examples
    --------
    >>> overridden([["a.b", {"d": 1, "c": 2}], ["a.b", {}]], [("a.b_2.c", "[3, x]"), ("e.f.g", "4")])
    [['a.b', {'c': 2, 'd': 1}], ['a.b', {'c': [3, 'x']}], ['e.f.g', '4']]
    """
    changed = [[name, dict(sorted(s.items())) if isinstance(s, dict) else s] for name, s in steps]
    labels = [s.get(AS) if isinstance(s, dict) else None for _, s in changed]
    names = entry_names((str(name), label) for (name, _), label in zip(changed, labels, strict=True))
    entries = dict(zip(names, changed, strict=True))
    for target, text in overrides:
        entry, _, setting = target.rpartition(".")
        node = read_yaml(text, target, [])
        settings = entries[entry][1] if entry in entries else None
        if node is not None and isinstance(settings, dict):
            entries[entry][1] = dict(sorted({**settings, setting: node.plain()}.items()))
        else:
            changed.append([target, text])
    return changed


def _references(value: object) -> Iterator[str]:
    """Every text in the steps that names files of the references."""
    if isinstance(value, str) and value.startswith(REFERENCES):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
