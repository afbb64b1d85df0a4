"""The folders that a recipe reads from: names in, existing files out, and no way to leave the folders."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from xafsflow.errors import InputError

REFERENCES = "references:"
# The files by which a folder is known as Zarr, version 3 or 2.
ZARR = ("zarr.json", ".zgroup", ".zarray")
MAGIC = re.compile(r"[*?\[]")
# A copy of what lies at a URL has this name, and beside it a file that tells the URL.
FETCHED, ORIGIN = "fetched", "origin.json"
# To read a measurement twice would double the time of a run.
HASHED_BYTES = 2**20


def natural_key(path: Path | str) -> list[tuple[int, int, str]]:
    """A sort key that orders the numbers in a name by value.

    Examples
    --------
    >>> sorted(["img_10.tif", "img_9.tif", "img_1.tif"], key=natural_key)
    ['img_1.tif', 'img_9.tif', 'img_10.tif']
    """
    parts = re.split(r"([0-9]+)", str(path))
    # The text of a number stays in the key: 07 and 7 are one value, but two names
    return [(1, int(part), part) if part[:1].isdecimal() else (0, 0, part) for part in parts]


def is_small_table(name: str, size: int) -> bool:
    """Whether a file counts by its content where sources are compared; images and large files count by size and time.

    Examples
    --------
    >>> is_small_table("energies.csv", 3000), is_small_table("sample_0001.tif", 3000)
    (True, False)
    """
    return size <= HASHED_BYTES and not name.lower().endswith((".tif", ".tiff"))


def is_file_or_zarr(path: Path) -> bool:
    """Whether a path is something to read: a file, or the folder of an array or group of Zarr.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     _ = Path(name, "zarr.json").write_text("{}")
    ...     is_file_or_zarr(Path(name)), is_file_or_zarr(Path(name, "zarr.json")), is_file_or_zarr(Path(name, "sample"))
    (True, True, False)
    """
    return path.is_file() or any((path / marker).is_file() for marker in ZARR)


def told_as(folder: Path) -> str:
    """How a folder is recorded: as the URL that it is a copy of, else by its whole path.

    Examples
    --------
    >>> told_as(Path("/data/scan"))
    '/data/scan'
    """
    whole = folder.resolve()
    if whole.name == FETCHED:
        try:
            return str(json.loads((whole.parent / ORIGIN).read_text(encoding="utf-8"))["url"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # somebody's folder that happens to have that name
    return str(whole)


@dataclass(frozen=True)
class Folders:
    """The folder of a measurement and the folder of the references.

    Names are relative to the data folder, or to the references folder with the prefix `references:`.

    Raises
    ------
    InputError
        If one of the folders does not exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     _ = Path(name, "energies.csv").write_text("7112")
    ...     Folders.of(name).resolve("energies.csv").name
    'energies.csv'
    """

    data: Path
    references: Path | None = None

    def __post_init__(self) -> None:
        for folder, option in ((self.data, "--data"), (self.references, "--references")):
            if folder is not None and not folder.is_dir():
                raise InputError(
                    f"no folder {folder}", "an existing folder", f"check {option}{_near(folder)}"
                )

    @classmethod
    def of(cls, where: str | Path | Folders) -> Folders:
        """The folders themselves, or the folder of a measurement without references."""
        return where if isinstance(where, Folders) else cls(Path(where))

    def resolve(self, name: str) -> Path:
        """The existing file, or Zarr folder, with a name.

        Raises
        ------
        InputError
            If the name leaves its folder (by `..`, an absolute path or a link), or no such file exists.
        """
        base, inner = self._inside(name)
        path = base / inner
        if is_file_or_zarr(path):
            return path
        what = f"a folder without {ZARR[0]}" if path.suffix == ".zarr" else "a folder"
        what = what if path.is_dir() else "no file"
        do = (
            f"name its files, such as {name.rstrip('/')}/*"
            if path.is_dir()
            else f"check the name{_near(path)}"
        )
        raise InputError(f"{what} {name!r} in {base}", "a file", do)

    def glob(self, pattern: str) -> tuple[Path, ...]:
        """The existing files, or Zarr folders, that match a pattern, one at least, in natural order.

        Parameters
        ----------
        pattern
            `*`, `?`, `[a-z]` within a name, `**` for any folders. A name without them, or a file whose very
            name has them, means that file. Names that begin with a point match only a pattern that does.

        Raises
        ------
        InputError
            If the pattern or a match leaves its folder, or nothing matches.
        """
        base, inner = self._inside(pattern)
        if not MAGIC.search(inner) or (base / inner).is_file():
            return (self.resolve(pattern),)
        try:
            matches = [path for path in base.glob(inner) if is_file_or_zarr(path)]
        except (ValueError, OSError) as error:
            raise InputError(f"the pattern {pattern!r}: {error}", "a pattern such as sample/*.tif") from error
        # Some systems leave a hidden ._name beside every file they copy
        hidden = Path(inner).name.startswith(".")
        files = [path for path in matches if hidden or not path.name.startswith(".")]
        if not files:
            near = _near(base / inner)
            raise InputError(f"no file {pattern!r} in {base}", "one file or more", f"check the pattern{near}")
        for path in files:
            _check_inside(base, path, str(path.relative_to(base)))
        return tuple(sorted(files, key=lambda path: natural_key(path.relative_to(base))))

    def _inside(self, name: str) -> tuple[Path, str]:
        """The folder that a name means, and the name within it."""
        base, inner = self.data, name
        if name.startswith(REFERENCES):
            if self.references is None:
                raise InputError(
                    f"{name!r} without a folder of references", "that folder", "add --references DIR"
                )
            base, inner = self.references, name.removeprefix(REFERENCES)
        if not inner.strip():
            raise InputError(
                f"the empty name {name!r}", "the name of a file", "write a path below the folder"
            )
        _check_inside(base, base / inner, inner)
        return base, inner


def _check_inside(base: Path, path: Path, name: str) -> None:
    try:
        # An absolute path is refused even where it leads inside: on another machine it will not
        inside = not Path(name).is_absolute() and path.resolve().is_relative_to(base.resolve())
        path.exists()  # asks the system, which has its own reasons to refuse a name
    except (
        ValueError,
        OSError,
        RuntimeError,
    ) as error:  # a NUL, a name too long, no permission, a ring of links
        raise InputError(f"the name {name!r}: {error}", "a path below the folder", "mend the name") from error
    if not inside:
        links = [part for part in (path, *path.parents) if part.is_symlink() and part.is_relative_to(base)]
        if links:
            raise InputError(
                f"{name!r}, which leaves {base}: {links[-1]} is a link to {links[-1].resolve()}",
                "files below that folder: a recipe reads nothing else",
                f"give the folder that holds {links[-1].resolve()} as the data, or copy the files",
            )
        raise InputError(
            f"{name!r}, which leaves {base}",
            "a path below that folder",
            "copy the file there, or give another folder",
        )


def _near(path: Path) -> str:
    """The names nearest to a missing one, from the deepest folder of its path that exists."""
    folder, missing = path.parent, path.name
    while not folder.is_dir():
        folder, missing = folder.parent, folder.name
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return ""  # a folder that may not be listed has no names to offer
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(missing.lower(), lower, n=3, cutoff=0.5)
    if close:
        return f" (did you mean {' or '.join(repr(lower[name]) for name in close)}?)"
    shown = ", ".join(sorted(names, key=natural_key)[:5]) + (", ..." if len(names) > 5 else "")
    return f"; {folder} holds {shown or 'nothing'}"
