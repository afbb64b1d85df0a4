"""Folders in which files are written and removed: links out of them lead to what is somebody else's."""

from __future__ import annotations

import os
from pathlib import Path

from xafsflow.errors import InputError


def real(folder: Path) -> Path:
    """The folder that a user means by a path: a link is followed once, and what it leads to is worked in."""
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
    ...         print(str(error).replace(folder, "run"))
    Found run/maps.zarr, a link to elsewhere. Expected a folder without links, ...
    """
    if os.path.islink(folder):
        _refuse(folder)
    todo = [(os.fspath(folder), 0)]
    while todo:
        parent, level = todo.pop()
        if depth is not None and level >= depth:
            continue
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        _refuse(Path(entry.path))
                    if entry.is_dir(follow_symlinks=False):
                        todo.append((entry.path, level + 1))
        except (FileNotFoundError, NotADirectoryError):  # a file, or not there; another process may remove it
            continue


def _refuse(path: Path) -> None:
    raise InputError(
        f"{path}, a link to {os.readlink(path)}",
        "a folder without links, or what lies behind them would be changed",
        "put there what it leads to, or remove it",
    )
