"""Numbers, times and lists as they are written in a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

# The plural of nouns with these ends; of others with an s.
PLURALS = {"y": "ies", "s": "ses", "um": "a"}


def number(value: float, digits: int = 4) -> str:
    """A number for reading: whole numbers in full, others with that many significant digits at least.

    Examples
    --------
    >>> number(20480), number(0.123456), number(7112.04321), number(1.2e-7), number(float("nan"))
    ('20,480', '0.1235', '7112.04', '1.2e-07', 'NaN')
    """
    if isinstance(value, int):
        # Years, seeds and energies have no comma.
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinite"
    if 1000 <= abs(value) < 1e6:
        # Energies: their hundredths matter.
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.{digits}g}"


def fixed(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A number with so many decimals, for columns of a table; empty where there is none.

    Examples
    --------
    >>> fixed(1.0), fixed(-0.4, 0), fixed(41234.5, 0, sign=True), fixed(float("nan"))
    ('1.00', '0', '+41,234', '')
    """
    if not math.isfinite(value):
        return ""
    rounded = round(value, digits)
    # Zero has no sign, minus zero neither.
    return f"{rounded:{'+' if sign else ''},.{digits}f}" if rounded else f"{0:.{digits}f}"


def percent(part: float, whole: float = 1) -> str:
    """A share in percent; what is small but there is not written as zero.

    Examples
    --------
    >>> percent(1, 3), percent(0, 5), percent(1, 20480), percent(20479, 20480), percent(1, 0)
    ('33.3 %', '0 %', '< 0.1 %', '> 99.9 %', 'none')
    """
    if whole == 0 or not math.isfinite(part):
        return "none"
    share = 100 * part / whole
    if share in (0, 100):
        return f"{share:.0f} %"
    if 0 < share < 0.1:
        return "< 0.1 %"
    if 99.9 < share < 100:
        return "> 99.9 %"
    return f"{share:.1f} %"


def with_unit(name: str, unit: str) -> str:
    """A name with its unit, where it has one.

    Examples
    --------
    >>> with_unit("distance", "Angstrom"), with_unit("spread", "1")
    ('distance (Angstrom)', 'spread')
    """
    return name if unit in ("", "1") else f"{name} ({unit})"


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "pixel"), counted(1200, "pixel"), counted(2, "class"), counted(3, "spectrum")
    ('1 pixel', '1,200 pixels', '2 classes', '3 spectra')
    """
    if count != 1:
        ends = next((one for one in PLURALS if noun.endswith(one)), "")
        noun = noun.removesuffix(ends) + PLURALS.get(ends, "s")
    return f"{count:,} {noun}"


def duration(seconds: float) -> str:
    """A time for reading.

    Examples
    --------
    >>> duration(0.0123), duration(12.34), duration(754), duration(7320)
    ('12 ms', '12.3 s', '12 min 34 s', '2 h 2 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def listed(items: Sequence[str]) -> str:
    """Items as a list within a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def capitalized(text: str) -> str:
    """A text with a capital at its start.

    Examples
    --------
    >>> capitalized("most like FeS2"), capitalized("")
    ('Most like FeS2', '')
    """
    return text[:1].upper() + text[1:]


def readable(name: object) -> str:
    """A name of the program as words.

    Examples
    --------
    >>> readable("held_out_patterns")
    'held out patterns'
    """
    return str(name).replace("_", " ")


def sentence(text: str) -> str:
    """A text as a sentence: with a capital and a full stop; an empty one stays empty.

    Examples
    --------
    >>> sentence("most like FeS2"), sentence("")
    ('Most like FeS2.', '')
    """
    text = capitalized(text.strip())
    return text if not text or text[-1] in ".!?" else f"{text}."
