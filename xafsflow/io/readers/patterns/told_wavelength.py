"""The wavelength that the words of a header tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xafsflow.errors import InputError
from xafsflow.io.readers.patterns.measured_pattern import Light, light_of
from xafsflow.wavelengths import K_ALPHA, alike, angstrom

WORD = re.compile(r"wave[\s_-]*length|\blambda\b|λ", re.IGNORECASE)
# With decimals: "lambda/2" and the like are no wavelengths
NUMBER = re.compile(r"(?<![\w.])(?<!\d,)\d+(?:[.,]\d+(?:[eE][-+]?\d+)?|[eE][-+]?\d+)")
UNIT = re.compile(r"\s*[\])]?\s*\(?(nm|pm|m)\b", re.IGNORECASE)
BEFORE = re.compile(r"[\[(]\s*(nm|pm|m)\s*[\])]", re.IGNORECASE)
PER_ANGSTROM = {"m": 1e10, "nm": 10.0, "pm": 0.01}
NAMED_LINE = re.compile(
    rf"\b({'|'.join(K_ALPHA)})[\s_-]*K[\s_-]*(?:alpha|a|α)[\s_-]*([12]?)(?![\w/]|[.,]\d)", re.IGNORECASE
)
SECOND, FIRST = (
    re.compile(r"(?:alpha|α|a|length)[\s_-]*2(?![.,\d])", re.IGNORECASE),
    re.compile(r"(?:alpha|α|a|length)[\s_-]*1(?![.,\d])", re.IGNORECASE),
)
# Behind the word, as in WaveLength1 and WAVE_LENGTH_ALPHA1
WHICH = re.compile(r"[\s_-]*(?:k?[\s_-]*(?:alpha|α|a)[\s_-]*)?[12](?![.,\d])", re.IGNORECASE)
BETA = re.compile(r"beta|β", re.IGNORECASE)
SHARE = re.compile(
    r"ratio\D*alpha[\s_-]*2\W*k?[\s_-]*alpha[\s_-]*1\W*?[\s=:,;]+(\d+(?:[.,]\d+)?)", re.IGNORECASE
)


def light_in(header: Sequence[str], place: str) -> Light:
    """The wavelength in lines of a header: behind `wavelength` or `lambda`, in Angstrom, nm, pm or m, or as a line's name.

    Raises
    ------
    InputError
        Lines tell different wavelengths, or one that is not possible.

    Examples
    --------
    >>> light_in(["# Sample: quartz", "# Wavelength: 7.0932e-11 m"], "a.xy").lines
    {'wavelength': 0.70932}
    >>> light_in(["lambda = CuKa1"], "a.xy").lines, light_in(["counts at 25 kV"], "a.xy").lines
    ({'wavelength': 1.540593}, {})
    """
    found: dict[str, float | None] = {}
    for line in header:
        for name, value in _told(line):
            known = found.setdefault(name, value)
            if known is not None and not alike(known, value):
                raise InputError(
                    f"{place} with the wavelengths {known:g} and {value:g} Angstrom in its header",
                    "one",
                    "remove the wrong one",
                )
    shares = [float(share[1].replace(",", ".")) for line in header if (share := SHARE.search(line))]
    if "Ka1" in found:
        found.pop("wavelength", None)
    return light_of(found, shares[0] if shares else None, place)


def _told(line: str) -> list[tuple[str, float]]:
    """Every wavelength of a line, with the name of what it is of."""
    words = list(WORD.finditer(line))
    told = []
    for number, word in enumerate(words):
        before = line[words[number - 1].end() if number else 0 : word.start()]
        behind = line[word.end() : words[number + 1].start() if number + 1 < len(words) else len(line)]
        if BETA.search(before[-12:]) or BETA.match(behind.lstrip(" _-(K")):
            continue
        which = WHICH.match(behind)
        around = before[-12:] + word[0] + (which[0] if which else "")
        name = "Ka2" if SECOND.search(around) else "Ka1" if FIRST.search(around) else "wavelength"
        value = _value(behind[which.end() :] if which else behind)
        if value is not None:
            told.append((name, value))
    return told


def _value(text: str) -> float | None:
    named, number = NAMED_LINE.search(text), NUMBER.search(text)
    if named is not None and (number is None or named.start() < number.start()):
        return angstrom(f"{named[1]}Ka{named[2]}")
    if number is None:
        return None
    value = float(number[0].replace(",", "."))
    unit = UNIT.match(text, number.end()) or BEFORE.search(text[: number.start()])
    return float(f"{value * PER_ANGSTROM[unit[1].lower()]:.12g}") if unit else value
