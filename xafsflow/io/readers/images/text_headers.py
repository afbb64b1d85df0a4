"""Headers of text in front of pixels."""

from __future__ import annotations

from pathlib import Path

from xafsflow.errors import InputError

LARGEST_SIDE = 2**20


def read_start(path: str, size: int, at: int = 0) -> bytes:
    """Some bytes of a file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            file.seek(at)
            return file.read(size)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {why}", "a readable file", "check the path and its rights") from None


def check_size(path: str, place: str, rows: int, columns: int, end: int) -> None:
    """Refuse pixels that reach behind the end of their file, or an image without pixels.

    Raises
    ------
    InputError
        Names the file.
    """
    if not (0 < rows < LARGEST_SIDE and 0 < columns < LARGEST_SIDE):
        raise damaged(place, f"{rows} rows and {columns} columns")
    size = Path(path).stat().st_size
    if end > size:
        raise damaged(place, f"truncated: its pixels reach to byte {end}, the file to byte {size}")


def damaged(place: str, what: str) -> InputError:
    """An error for a file that contradicts itself."""
    return InputError(
        f"{place}: {what}", "a readable file", "copy it again from where it was written, or leave it out"
    )


def no_inside(path: Path, inside: str | None) -> None:
    """Refuse a path inside a file that holds one thing.

    Raises
    ------
    InputError
        There is one.
    """
    if inside is not None:
        raise InputError(
            f"the path {inside!r} inside {path}", "the name of the file alone", "leave out :: and the path"
        )
