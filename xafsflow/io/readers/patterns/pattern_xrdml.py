"""PANalytical's XRDML, versions 1.0 to 2.3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import Light, Pattern, light_of, one_of, pattern_of
from xafsflow.io.readers.patterns.safe_files import number_in, numbers_in, parsed_xml, read_bytes
from xafsflow.kernels.array_types import Doubles

FORMAT = "PANalytical .xrdml"
SHORTEST = 1e-6  # s


def detect(path: Path, start: bytes) -> bool:
    """Whether a file has the suffix, or begins with the element of this format."""
    return (
        path.suffix.lower() == ".xrdml" or b"<xrdMeasurements" in start or b"<\0x\0r\0d\0M\0e\0a\0s" in start
    )


def read(path: Path, scan: int | None = None) -> Pattern:
    """The pattern of a scan.

    `intensities` are counts without the attenuator, as the instrument's program corrected them; raw `counts` are multiplied
    by `beamAttenuationFactors`. Where points were counted for different times, all are put on the median time.

    Raises
    ------
    InputError
        There is no scan, or the positions of 2 theta do not change in it.
    """
    root = parsed_xml(read_bytes(path), str(path))
    scans = list(_scans(root, path))
    if not scans:
        raise InputError(f"{path} without a scan", "an element `scan` with data points", "export the scan")
    return one_of(scans, lambda one: _pattern(path, *one), scan)


def _scans(root: Element, path: Path) -> Iterator[tuple[Element, Light, str]]:
    for number, measurement in enumerate(root.iter("xrdMeasurement"), 1):
        light = _light(measurement, f"{path}, measurement {number}")
        for place, scan in enumerate(measurement.iter("scan"), 1):
            yield scan, light, f"measurement {number}, scan {place} ({scan.get('scanAxis', 'no axis')})"


def _light(measurement: Element, place: str) -> Light:
    used = measurement.find("usedWavelength")
    if used is None:
        return Light()
    named = {"Ka1": "kAlpha1", "Ka2": "kAlpha2"}
    lines = {name: number_in(used.findtext(tag), f"{place}, {tag}") for name, tag in named.items()}
    return light_of(
        lines, number_in(used.findtext("ratioKAlpha2KAlpha1"), f"{place}, ratioKAlpha2KAlpha1"), place
    )


def _pattern(path: Path, scan: Element, light: Light, name: str) -> Pattern:
    place = f"{path}, {name}"
    points = scan.find("dataPoints")
    measured = None if points is None else _counts(points, place)
    if points is None or measured is None:
        raise InputError(f"{place} without `intensities` or `counts`", "a measured scan", "export the scan")
    return pattern_of(path, _angles(points, len(measured), place), measured, light, name)


def _counts(points: Element, place: str) -> Doubles | None:
    corrected, raw = points.findtext("intensities"), points.findtext("counts")
    if corrected is None and raw is None:
        return None
    counts = numbers_in(corrected if corrected is not None else raw, f"{place}, counts")
    if corrected is None:
        counts = counts * _for_each(
            points, "beamAttenuationFactors", "commonBeamAttenuationFactor", counts, place
        )
    times = _for_each(points, "countingTimes", "commonCountingTime", counts, place)
    if not (times > SHORTEST).all():
        raise InputError(
            f"{place} with the counting time {times.min():g}", "seconds, above 0", "mend the file"
        )
    return counts * (np.median(times) / times)


def _for_each(points: Element, listed: str, shared: str, counts: Doubles, place: str) -> Doubles:
    """What stands in the file for every point, else what it has for all, else 1."""
    text = points.findtext(listed)
    if text is None:
        number = number_in(points.findtext(shared), f"{place}, {shared}")
        return np.full(len(counts), 1.0 if number is None else number)
    found = numbers_in(text, f"{place}, {listed}")
    if len(found) != len(counts):
        raise InputError(
            f"{place} with {len(counts)} counts and {len(found)} {listed}",
            "one for each point",
            "export the scan again",
        )
    return found


def _angles(points: Element, count: int, place: str) -> Doubles:
    found = next((one for one in points.iter("positions") if one.get("axis") == "2Theta"), None)
    named = ", ".join(str(one.get("axis")) for one in points.iter("positions")) or "no axis"
    if found is None or found.find("commonPosition") is not None:
        raise InputError(
            f"{place}: positions of {named}, 2Theta not among those that change",
            "a scan over 2Theta (Gonio, 2Theta, 2Theta-Omega)",
            "take another scan: one of the sample alone is no powder pattern",
        )
    if found.get("unit", "deg") != "deg":
        raise InputError(f"{place}: 2Theta in {found.get('unit')!r}", "deg", "export the scan in degrees")
    if (text := found.findtext("listPositions")) is not None:
        return numbers_in(text, f"{place}, listPositions")
    first, last = (
        number_in(found.findtext(tag), f"{place}, {tag}") for tag in ("startPosition", "endPosition")
    )
    if first is None or last is None:
        raise InputError(
            f"{place}: 2Theta without positions", "the first and the last, or a list", "export the scan again"
        )
    return np.linspace(first, last, count)
