"""Measured diffraction patterns: one file a format, which is asked whether a file is of its format.

A format is a module with `FORMAT`, its name for messages; `detect(path, start)`, which is given the first bytes as well; and
`read(path, scan)`. To add one, write the module and put its name into `FORMATS`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import Pattern

# Asked in this order: what looks like text is asked last whether it is columns.
FORMATS = tuple(
    f"{__name__}.{name}"
    for name in (
        "pattern_xrdml",
        "pattern_rasx",
        "pattern_brml",
        "pattern_ras",
        "pattern_chi",
        "pattern_columns",
    )
)
START_BYTES = 4096


class PatternFormat(Protocol):
    """What every module of a format has."""

    FORMAT: str

    def detect(self, path: Path, start: bytes) -> bool:
        """Whether a file that begins so is of this format."""
        ...

    def read(self, path: Path, scan: int | None = None) -> Pattern:
        """The pattern of a file, or of one of its scans."""
        ...


def read_pattern(path: Path, scan: int | None = None) -> Pattern:
    r"""A diffraction pattern, with the wavelength where the file tells it.

    Parameters
    ----------
    path
        `.xrdml`, `.ras`, `.rasx`, `.brml`, `.chi`, or columns of text (`.xy`, `.xye`, `.dat`, `.txt`, `.csv`); the suffix
        does not matter.
    scan
        Number of the scan, from 1, in a file with several; None for all, which are summed if their angles are the same.

    Raises
    ------
    InputError
        The file cannot be read as a pattern over 2 theta.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "quartz.xy")
    ...     _ = path.write_text("# wavelength: 0.7107 A\n" + "\n".join(f"{10 + k} {k % 7}" for k in range(30)))
    ...     pattern = read_pattern(path)
    >>> pattern.name, pattern.two_theta[[0, -1]], pattern.wavelength
    ('quartz', array([10., 39.]), 0.7107)
    """
    start, known = _start(path), _formats()
    for module in known:
        if module.detect(path, start):
            return module.read(path, scan)
    raise InputError(
        f"{path}, which starts with {start[:8]!r} and is of no known format of patterns",
        f"one of these formats: {'; '.join(module.FORMAT for module in known)}",
        "export the pattern in one of these formats",
    )


def pattern_format(path: Path) -> str | None:
    """What the format of a file is called; None where it is none of patterns.

    Raises
    ------
    InputError
        There is no such file, or it is a zip that is broken.
    """
    start = _start(path)
    return next((module.FORMAT for module in _formats() if module.detect(path, start)), None)


def _formats() -> list[PatternFormat]:
    return [cast(PatternFormat, import_module(name)) for name in FORMATS]


def _start(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(START_BYTES)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {why}", "a readable file", "check the path and its spelling") from None
