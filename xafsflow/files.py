"""Small files written whole or not at all, their digests, and links that are refused."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from xafsflow.errors import InputError


@contextmanager
def atomic_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is written there becomes the file at the end, or nothing does.

    The content is on the disk before the file has its name: a computer that loses its power has the old file or the new.

    Parameters
    ----------
    path
        Of the file. Its folder is made if it is missing.
    replace
        Replace a file that is there.

    Raises
    ------
    FileExistsError
        There is such a file already, and it is not to be replaced.
    OSError
        The folder cannot be written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_file(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last, for writers of images choose the format by it. The mode is that of any new file, which
    # the functions of `tempfile` would not give.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk when its folder is."""
    if os.name == "nt":
        return  # Windows opens no folders, and writes their entries with the file
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems know no fsync of folders
            os.fsync(opened)
    finally:
        os.close(opened)


def write_atomically(path: Path, content: bytes | str, *, replace: bool = True) -> None:
    """Write a file by `atomic_file`; text as UTF-8, and a byte that is no text (in the name of a file) by its number."""
    with atomic_file(path, replace=replace) as temporary:
        temporary.write_bytes(
            content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        )


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file by `atomic_file`; numbers and arrays of numpy as numbers and lists, other objects as text."""
    write_atomically(path, json.dumps(content, indent=1, default=as_json))


def as_json(value: object) -> object:
    """What `json` cannot write by itself: numbers and arrays of numpy as numbers and lists, other objects as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def sha256_of(content: bytes | str | Path) -> str:
    """SHA-256 of bytes, of a text, or of the file at a path.

    Examples
    --------
    >>> sha256_of("a") == sha256_of(b"a")
    True
    """
    if isinstance(content, Path):
        with content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def cache_folder() -> Path | None:
    """Where results are kept for later runs: `XAFSFLOW_CACHE`, else in the user's cache folder; None if it is empty."""
    given = os.environ.get("XAFSFLOW_CACHE")
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "xafsflow"


def behind_link(folder: Path) -> Path:
    """The folder that a user means by a path: a link is followed once, and the folder it leads to is worked in."""
    return Path(os.path.realpath(folder)) if os.path.islink(folder) else folder


def refuse_links(folder: Path, depth: int | None = None) -> None:
    """Refuse a folder that is a link or has one in it, before anything is written or removed there.

    Parameters
    ----------
    folder
        It need not be there.
    depth
        How far below it to look: 0 for itself only, 1 for its entries; None for everything.

    Raises
    ------
    InputError
        Names the first link.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, "maps.zarr").symlink_to("elsewhere")
    ...     refuse_links(Path(folder), 0)
    ...     try:
    ...         refuse_links(Path(folder))
    ...     except InputError as error:
    ...         print(error.found.replace(folder, "run"))
    run/maps.zarr, a link to elsewhere
    """
    if os.path.islink(folder):
        raise _is_link(folder)
    left = [(os.fspath(folder), 0)]
    while left:
        parent, level = left.pop()
        if depth is not None and level >= depth:
            continue
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        raise _is_link(Path(entry.path))
                    if entry.is_dir(follow_symlinks=False):
                        left.append((entry.path, level + 1))
        except (FileNotFoundError, NotADirectoryError):  # a file, or not there; another process may remove it
            continue


def _is_link(path: Path) -> InputError:
    return InputError(
        f"{path}, a link to {os.readlink(path)}",
        "a folder without links, or what lies behind them would be changed",
        "put there what it leads to, or remove it",
    )
