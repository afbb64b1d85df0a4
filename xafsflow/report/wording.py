"""Numbers and findings in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.vocabulary import FLAG_MEANINGS, Flag

if TYPE_CHECKING:
    from xafsflow.report.map_frame import Frame
    from xafsflow.report.map_statistics import Facts
    from xafsflow.report.model_view import ModelView


STRETCHED = " Shown stretched: pixels are not square."


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


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "pixel"), counted(1200, "pixel"), counted(2, "class")
    ('1 pixel', '1,200 pixels', '2 classes')
    """
    if count != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("s") else f"{noun}s"
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


def listed(items: list[str]) -> str:
    """Items as a list within a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def started(text: str) -> str:
    """A text with a capital at its start.

    Examples
    --------
    >>> started("most like FeS2"), started("")
    ('Most like FeS2', '')
    """
    return text[:1].upper() + text[1:]


def of_blocks(frame: Frame, what: str = "the mean") -> str:
    """What a caption adds where the map is reduced for display, or stretched; an empty text else."""
    text = f" Shown reduced: one dot is {what} of {frame.block} x {frame.block} pixels."
    return (text if frame.block > 1 else "") + (STRETCHED if frame.stretched else "")


def summary(facts: Facts, view: ModelView | None) -> list[str]:
    """The report's first paragraph: size, energies, who is out, composition, how good the model is."""
    rows, columns = facts.shape
    first = f"This map has {rows:,} x {columns:,} pixels (rows x columns)"
    if facts.energies is not None:
        count, low, high = facts.energies
        first += (
            f", each with a spectrum of {counted(count, 'energy')} from {number(low)} to {number(high)} eV"
        )
    sentences = [f"{first}.", _answered(facts)]
    if facts.composition is not None:
        sentences.append(_composition(facts, facts.composition.tolist()))
    if view is not None:
        sentences.append(_model(view))
    return sentences


def _answered(facts: Facts) -> str:
    out = facts.pixels - facts.answered
    if out == 0:
        return "Every pixel carries an answer."
    reasons = [f"{FLAG_MEANINGS[flag]} ({percent(n, facts.pixels)})" for flag, n in facts.lost.items() if n]
    if facts.silent:
        reasons.append(f"no reason noted ({percent(facts.silent, facts.pixels)})")
    share = f"{percent(facts.answered, facts.pixels)} of the pixels carry an answer; "
    share = share if facts.answered else "No pixel carries an answer; "
    return f"{share}{percent(out, facts.pixels)} are out: {listed(reasons)}."


def _composition(facts: Facts, means: list[float]) -> str:
    order = sorted(zip(means, facts.references, strict=True), reverse=True)
    text = "The pixels with an answer are on average " + listed([f"{percent(m)} {name}" for m, name in order])
    doubt = facts.flagged[Flag.UNKNOWN]
    if doubt:
        text += f"; in {percent(doubt, facts.pixels)} of all pixels the classes do not explain the spectrum"
    return f"{text}."


def _model(view: ModelView) -> str:
    name = view.classifier.replace("_", " ")
    kinds = f"{counted(len(view.class_names), 'class')} of {counted(len(view.references), 'reference')}"
    text = f"They were classified by {name} with {kinds}"
    if view.accuracy is None:
        return f"{text}; its accuracy was not tested on held-out spectra."
    text += f", which named the class of {percent(view.accuracy)} of held-out spectra right"
    dominant = dominant_accuracy(view)
    if dominant is not None and len(view.class_names) > len(view.references):
        text += f", and the dominant reference of {percent(dominant)}"
    return f"{text}."


def dominant_accuracy(view: ModelView) -> float | None:
    """Share of held-out spectra whose dominant reference was named right.

    Classes in which several references share the first place are left out as truth, and wrong as answers.
    """
    if view.confusion is None:
        return None
    clear = view.dominant >= 0
    counts = view.confusion[clear]
    right = view.dominant[clear][:, None] == view.dominant[None, :]
    total = float(np.sum(counts))
    return float(np.sum(counts[right])) / total if total > 0 else None
