"""Bruker's zipped XML (.brml)."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from xafsflow.errors import InputError
from xafsflow.io.folders import natural_key
from xafsflow.io.readers.patterns.measured_pattern import Light, Pattern, light_of, one_of, pattern_of
from xafsflow.io.readers.patterns.safe_files import (
    ZIP,
    number_in,
    numbers_in,
    parsed_xml,
    zip_member,
    zip_names,
)
from xafsflow.kernels.array_types import Doubles

FORMAT = "Bruker .brml"
RAW = re.compile(r"(?:.*/)?RawData\d+\.xml\Z")
# Of <Datum> in files that do not describe its fields: time, a flag, 2 theta, theta or omega, counts.
TWO_THETA_FIELD = 2
LINES = {"Ka1": "WaveLengthAlpha1", "Ka2": "WaveLengthAlpha2"}


def detect(path: Path, start: bytes) -> bool:
    """Whether a zip holds raw data of this format, or has its suffix."""
    if not start.startswith(ZIP):
        return False
    return path.suffix.lower() == ".brml" or any(RAW.match(name) for name in zip_names(path))


def read(path: Path, scan: int | None = None) -> Pattern:
    """The pattern of a scan; counts stand in the file as they would be without the absorber.

    Raises
    ------
    InputError
        There is no scan, 2 theta does not change in it, it is of another kind (images), or the zip is broken.
    """
    members = sorted((name for name in zip_names(path) if RAW.match(name)), key=natural_key)
    if not members:
        raise InputError(
            f"{path} without RawData0.xml", "a scan in it", "measure or export a scan over 2 theta"
        )
    return one_of(members, lambda name: _pattern(path, name), scan)


def _pattern(path: Path, name: str) -> Pattern:
    place = f"{path}, {name}"
    root = parsed_xml(zip_member(path, name), place)
    routes = [one for one in root.iter("DataRoute") if one.find("Datum") is not None]
    measured = [one for one in routes if one.get("RouteFlag") == "Measured"] or routes
    if not measured:
        raise InputError(f"{place} without <Datum>", "a measured scan", "export the scan")
    route = measured[0]
    table = _table(route, place)
    angle, counts = _fields(route, table.shape[1], place)
    return pattern_of(path, table[:, angle], table[:, counts], _light(root, place), _named(route, name))


def _named(route: Element, member: str) -> str:
    kind = route.find("ScanInformation")
    told = "" if kind is None else (kind.get("VisibleName") or kind.get("ScanName") or "").strip()
    return f"{member.rpartition('/')[2].removesuffix('.xml')} ({told or 'no name'})"


def _table(route: Element, place: str) -> Doubles:
    texts = [(datum.text or "").strip() for datum in route.iter("Datum")]
    width = texts[0].count(",")
    odd = next((n for n, text in enumerate(texts) if text.count(",") != width), None)
    if odd is not None or width < TWO_THETA_FIELD:
        at = odd or 0
        raise InputError(
            f"{place}, point {at + 1}: {texts[at][:60]!r}",
            "as many numbers at every point, 2 theta and counts among them",
            "export the scan as .xy",
        )
    return numbers_in(",".join(texts), place, ",").reshape(len(texts), width + 1)


def _fields(route: Element, width: int, place: str) -> tuple[int, int]:
    """Which numbers of a point are 2 theta and counts, as the file describes them."""
    axes = {one.get("AxisId") or one.get("AxisName") for one in route.iter("ScanAxisInfo")}
    if axes and "TwoTheta" not in axes:
        raise InputError(
            f"{place}: a scan over {', '.join(sorted(map(str, axes)))}",
            "a scan over TwoTheta",
            "take another scan: one of the sample alone is no powder pattern",
        )
    angle, counts = None, None
    for view in route.iter("RawDataView"):
        first = number_in(view.get("Start"), f"{place}, RawDataView")
        length = number_in(view.get("Length"), f"{place}, RawDataView")
        fields = [one.get("FieldName") for one in view.iter("FieldDefinitions")]
        if first is None or length is None:
            continue
        if "TwoTheta" in fields:
            angle = int(first) + fields.index("TwoTheta")
        elif view.find("Recording") is not None and counts is None:
            if length != 1:
                raise InputError(
                    f"{place}: {length:g} channels at every point", "one", "export the scan as .xy"
                )
            counts = int(first)
    angle = TWO_THETA_FIELD if angle is None else angle
    counts = width - 1 if counts is None else counts
    if not (0 <= angle < width and 0 <= counts < width and angle != counts):
        raise InputError(
            f"{place} with {width} numbers at a point, 2 theta at {angle + 1} and counts at {counts + 1}",
            "a description that fits the numbers",
            "export the scan as .xy",
        )
    return angle, counts


def _light(root: Element, place: str) -> Light:
    values = {}
    for line, tag in LINES.items():
        found = root.find(f".//{tag}")
        values[line] = None if found is None else number_in(found.get("Value"), f"{place}, {tag}")
        if found is not None and found.get("Unit", "Å") not in ("Å", "A", "Angstrom"):
            raise InputError(
                f"{place}: {tag} in {found.get('Unit')!r}", "Å", "export the scan as .xy, with its wavelength"
            )
    ratio = root.find(".//WaveLengthRatio")
    share = None if ratio is None else number_in(ratio.get("Value"), f"{place}, WaveLengthRatio")
    return light_of(values, share, place)
