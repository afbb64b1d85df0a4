"""The folder that an export fills: a new one or an empty one, so that nothing is written over."""

from __future__ import annotations

from pathlib import Path

from xafsflow.errors import InputError


def new_folder(folder: Path) -> Path:
    """Make a folder, or take an empty one.

    Parameters
    ----------
    folder
        Its path; folders above it are made too.

    Raises
    ------
    InputError
        If something is there that is no empty folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as above:
    ...     new_folder(Path(above) / "maps").name
    'maps'
    """
    wanted, do = "a new or an empty folder", "choose another folder, or move what is there"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}, which is a file", wanted, do)
    if folder.is_dir():
        there = next(folder.iterdir(), None)
        if there is not None:
            raise InputError(f"{folder}, which holds {there.name}", wanted, do)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
