"""Patterns in columns of text (.xy, .xye, .dat, .txt, .csv): angle, counts, and perhaps their error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import Pattern, check_axis, pattern_of
from xafsflow.io.readers.patterns.safe_files import read_bytes, text_of
from xafsflow.io.readers.patterns.told_wavelength import light_in
from xafsflow.io.readers.text_blocks import COMMENT, NUMBER
from xafsflow.io.readers.text_columns import is_text
from xafsflow.kernels.array_types import Doubles

FORMAT = "columns of text (.xy, .xye, .dat, .txt, .csv)"
COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?\Z")
ANGLE = re.compile(r".*?(?:(?:2|two)[\s_-]*(?:th|θ)|tth)|angle|°|pos", re.IGNORECASE)
COUNTS = re.compile(r"int|count|cps|i\b|i_?obs|y\b|y_?obs|signal|meas|imp", re.IGNORECASE)
# Axes of scans and of other programs that are no angle 2 theta.
OTHER = re.compile(
    r"t\b|time|sec|s\b|q\b|q[\s_(\[]|th|θ|d\b|d[\s_-]|omega|phi|chi|azim|energy|e\b|channel|k\b|r\b|r_",
    re.IGNORECASE,
)
SCAN_AXIS = re.compile(r"scan[\s_]*(?:axis|type)[\s:=,;\"']+([^,;\"']+)", re.IGNORECASE)
# Columns without names: angle, counts, error.
MOST_UNNAMED = 3


def detect(path: Path, start: bytes) -> bool:
    """Whether a file begins as a text that is not XML does."""
    marked = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    return (
        bool(start)
        and (marked or is_text(start))
        and not start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    )


def read(path: Path, scan: int | None = None) -> Pattern:
    r"""The pattern of the columns of angles and counts; others, such as errors, are left out.

    What stands before the numbers, and lines that begin with #, %, ! or ;, is header. Numbers may have decimal commas, where
    blanks, tabs or semicolons stand between them.

    Raises
    ------
    InputError
        A line is not of numbers, the first column is no angle by its name, or the header tells two wavelengths.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("2theta;counts\n" + "".join(f"{20 + k},5;{3 + k},0\n" for k in range(6)))
    ...     read(path).two_theta
    array([20.5, 21.5, 22.5, 23.5, 24.5, 25.5])
    """
    if scan not in (None, 1):
        raise InputError(f"scan {scan} of {path}", "1: columns of text are one", "remove `scan`")
    lines = text_of(read_bytes(path), str(path)).splitlines()
    table, header = table_of(lines, path)
    for line in header:
        if found := SCAN_AXIS.search(line):
            check_axis(found[1].strip(), str(path))
    angle, counts = _columns(header, table.shape[1], path)
    return pattern_of(path, table[:, angle], table[:, counts], light_in(header, str(path)))


def table_of(lines: Sequence[str], path: Path, before: int = 0) -> tuple[Doubles, list[str]]:
    """The numbers of lines, of shape (lines, columns), and what stands before them or is a comment.

    Parameters
    ----------
    before
        Lines of the file that stand before these, for messages.

    Raises
    ------
    InputError
        There is no line of two numbers, or one has another number of them than the first (names it).
    """
    rows: list[list[float]] = []
    header: list[str] = []
    commas = _decimal_commas(lines)
    for number, line in enumerate(lines, before + 1):
        if not line.strip() or COMMENT.match(line):
            header.extend([line.strip()] if line.strip() else [])
            continue
        row = _numbers(line, commas)
        if row is None and not rows:
            header.append(line.strip())
            continue
        if row is None or (rows and len(row) != len(rows[0])):
            raise InputError(
                f"{path}, line {number}: {line.strip()[:60]!r}",
                f"{len(rows[0]) if rows else 2} numbers",
                "mend or remove the line",
            )
        rows.append(row)
    if not rows or len(rows[0]) < 2:
        raise InputError(f"{path} without two columns of numbers", "angle and counts", "check the file")
    return np.array(rows), header


def _decimal_commas(lines: Sequence[str]) -> bool:
    """Whether the first line of numbers, split at blanks, tabs and semicolons, has commas in numbers."""
    for line in lines:
        words = [word for word in re.split(r"[\s;]+", line.strip()) if word]
        if COMMENT.match(line) or len(words) < 2 or "." in line:
            continue
        if all(NUMBER.match(word) or COMMA.match(word) for word in words):
            return any(COMMA.match(word) for word in words)
    return False


def _numbers(line: str, commas: bool) -> list[float] | None:
    words = re.split(r"[\s;]+" if commas else r"\s*[,;]\s*|\s+", line.strip().rstrip(",;"))
    fields = [word.replace(",", ".") if commas else word.strip("\"'") for word in words]
    if not all(NUMBER.match(field) for field in fields):
        return None
    return [float(re.sub("[dD]", "e", field)) for field in fields]


def _columns(header: Sequence[str], width: int, path: Path) -> tuple[int, int]:
    """Which columns are angles and counts: by their names, else the first two of at most three."""
    names = next((found for line in reversed(header) if (found := _names(line, width))), None)
    if names is None:
        if width > MOST_UNNAMED:
            raise InputError(
                f"{path} with {width} columns without names",
                "two or three (angle, counts, error), or a line with their names",
                "name the columns: 2theta, counts",
            )
        return 0, 1
    angle = next((n for n, name in enumerate(names) if ANGLE.match(name)), None)
    axis = names[0 if angle is None else angle]
    if OTHER.match(axis) if angle is None else re.search(r"rad", axis, re.IGNORECASE):
        raise InputError(
            f"{path} over {axis!r}",
            "a column of 2 theta in degrees",
            "export the pattern over 2 theta, or name the column 2theta if it is that",
        )
    angle = 0 if angle is None else angle
    others = [n for n in range(width) if n != angle]
    counts = next((n for n in others if COUNTS.match(names[n])), others[0])
    return angle, counts


def _names(line: str, width: int) -> list[str] | None:
    """The names of columns in a line of a header, None where it has another number of words."""
    plain = re.sub(r"^[#%!;/'\s]+", "", line)
    plain = re.sub(r"\b(2|two)[\s_-]*(theta|th)", r"\1\2", plain, flags=re.IGNORECASE)
    mark = next((mark for mark in "\t;," if mark in plain), None)
    words = [word.strip(" \"'") for word in plain.split(mark)]
    if len(words) != width and mark is None:
        words = re.sub(r"\s*[\[(][^\])]*[\])]", "", plain).split()
    usual = all(word and not NUMBER.match(word) and len(word) < 40 for word in words)
    return words if len(words) == width and usual and not re.search(r"[:=]", plain) else None
