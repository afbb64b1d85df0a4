"""Columns with four lines before them (.chi), as Fit2D, pyFAI and GSAS-II write them."""

from __future__ import annotations

import re
from pathlib import Path

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import Pattern, pattern_of
from xafsflow.io.readers.patterns.pattern_columns import table_of
from xafsflow.io.readers.patterns.safe_files import read_bytes, text_of
from xafsflow.io.readers.patterns.told_wavelength import light_in

FORMAT = "Fit2D .chi"
HEADER = 4  # title, name of the first axis, name of the second, number of points
ANGLE = re.compile(r"(?:2|two)[\s_-]*(?:th|θ)", re.IGNORECASE)


def detect(path: Path, start: bytes) -> bool:
    """Whether a text has the suffix, or the second line is the name of an axis and the fourth a number of points."""
    if b"\0" in start:
        return False
    if path.suffix.lower() == ".chi":
        return True
    lines = start.decode("latin-1").splitlines()
    if len(lines) <= HEADER or not re.match(r"\s*\d+\s*\Z", lines[HEADER - 1]):
        return False
    return bool(re.match(r"\s*[^\W\d]|\s*2[\s_-]*th", lines[1], re.IGNORECASE))


def read(path: Path, scan: int | None = None) -> Pattern:
    """The pattern over 2 theta in degrees.

    Raises
    ------
    InputError
        The axis is another (Q, radius, azimuth), or there are more or fewer points than the file says.
    """
    if scan not in (None, 1):
        raise InputError(f"scan {scan} of {path}", "1: this format has one", "remove `scan`")
    text = text_of(read_bytes(path), str(path))
    lines = text.splitlines()
    counted = re.match(r"\s*(\d{1,9})\b", lines[HEADER - 1]) if len(lines) > HEADER else None
    if counted is None:
        raise InputError(
            f"{path} without a number of points in line {HEADER}",
            "a title, the names of both axes, and the number of points before the points",
            "give it another suffix if it is columns of text, or export it again",
        )
    axis = lines[1].strip()
    if not ANGLE.search(axis) or re.search(r"rad", axis, re.IGNORECASE):
        raise InputError(
            f"{path} over {axis[:60]!r}",
            "2-Theta Angle (Degrees)",
            "integrate the image over 2 theta in degrees",
        )
    table, _ = table_of(lines[HEADER:], path, HEADER)
    count = int(counted[1])
    if count != len(table):
        raise InputError(f"{path} with {len(table)} points", f"{count}, as line 4 says", "copy it again")
    return pattern_of(path, table[:, 0], table[:, 1], light_in(lines[:1], str(path)))
