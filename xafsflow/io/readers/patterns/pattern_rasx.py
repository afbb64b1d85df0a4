"""Rigaku's zipped files (.rasx): a folder a scan, with its numbers as text and its conditions as XML."""

from __future__ import annotations

import re
from pathlib import Path

from xafsflow.errors import InputError
from xafsflow.io.folders import natural_key
from xafsflow.io.readers.patterns.measured_pattern import (
    Light,
    Pattern,
    check_axis,
    light_of,
    one_of,
    pattern_of,
)
from xafsflow.io.readers.patterns.pattern_ras import profile, ratio_of
from xafsflow.io.readers.patterns.safe_files import (
    ZIP,
    number_in,
    parsed_xml,
    text_of,
    zip_member,
    zip_names,
)

FORMAT = "Rigaku .rasx"
PROFILE = re.compile(r"(.*?)Profile(\d+)\.txt\Z")
LINES = {"Ka1": "WavelengthKalpha1", "Ka2": "WavelengthKalpha2"}


def detect(path: Path, start: bytes) -> bool:
    """Whether a zip holds profiles of this format, or has its suffix."""
    if not start.startswith(ZIP):
        return False
    return path.suffix.lower() == ".rasx" or any(PROFILE.match(name) for name in zip_names(path))


def read(path: Path, scan: int | None = None) -> Pattern:
    """The pattern of a scan; counts are multiplied by the attenuator's factors, the third column.

    Raises
    ------
    InputError
        There is no scan (images are none), it is not over 2 theta, or the zip is broken.
    """
    names = zip_names(path)
    profiles = sorted((name for name in names if PROFILE.match(name)), key=natural_key)
    if not profiles:
        raise InputError(f"{path} without Data0/Profile0.txt", "a scan in it", "export a line profile")
    return one_of(profiles, lambda name: _pattern(path, name, names), scan)


def _pattern(path: Path, name: str, names: list[str]) -> Pattern:
    place = f"{path}, {name}"
    table = profile(text_of(zip_member(path, name), place), place)
    light, count = _conditions(path, name, names)
    if count is not None and count != len(table):
        raise InputError(
            f"{place} with {len(table)} points",
            f"{count:g}, as its conditions say",
            "copy or export the file again",
        )
    return pattern_of(path, table[:, 0], table[:, 1] * table[:, 2], light, name.removesuffix(".txt"))


def _conditions(path: Path, name: str, names: list[str]) -> tuple[Light, float | None]:
    """What the light was and how many points there should be; nothing where a scan has no conditions."""
    found = PROFILE.match(name)
    # Spelled so by the program that writes them; somebody may mend it
    wanted = (
        {f"{found[1]}{word}Conditions{found[2]}.xml" for word in ("Mesurement", "Measurement")}
        if found
        else ()
    )
    member = next((one for one in names if one in wanted), None)
    if member is None:
        return Light(), None
    place = f"{path}, {member}"
    root = parsed_xml(zip_member(path, member), place)
    axis = root.findtext(".//ScanInformation/AxisName")
    if axis:
        check_axis(axis, place)
    tube = root.find(".//XrayGenerator")
    count = number_in(root.findtext(".//ScanInformation/DataCount"), f"{place}, DataCount")
    if tube is None:
        return Light(), count
    lines = {line: number_in(tube.findtext(tag), f"{place}, {tag}") for line, tag in LINES.items()}
    return light_of(lines, ratio_of(tube.findtext("WaveType") or ""), place), count
