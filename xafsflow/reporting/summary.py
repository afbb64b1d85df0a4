"""The first paragraph of a report and the numbers in large type below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from xafsflow.reporting.map_statistics import AxisRange, Facts
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.wording import counted, duration, listed, number, percent, readable
from xafsflow.vocabulary import FLAG_MEANINGS, Flag

# The learner whose samples are patterns and whose classes are structure types.
UNION = "union"


def summary(facts: Facts | None, model: ModelView | None) -> list[str]:
    """The report's first paragraph: size, spectral axis, pixels without an answer, composition, how good the model is."""
    if facts is None:
        return [
            "This run has no image: it learns from spectra.",
            *([_model_sentence(model)] if model else []),
        ]
    rows, columns = facts.shape
    first = f"This map has {rows:,} x {columns:,} pixels (rows x columns)"
    if facts.axis is not None:
        first += f", each with a spectrum of {_axis_words(facts.axis)}"
    sentences = [f"{first}.", _answered(facts)]
    if facts.composition is not None:
        sentences.append(_composition(facts, facts.composition.tolist()))
    if model is not None:
        sentences.append(_model_sentence(model))
    return sentences


def _axis_words(axis: AxisRange) -> str:
    """Number and range of the axis's values.

    Examples
    --------
    >>> _axis_words(AxisRange("energy", "eV", 210, 7050.0, 7400.0))
    '210 energies from 7050 to 7400 eV'
    """
    values = counted(axis.count, "energy" if axis.name == "energy" else "value")
    return f"{values} from {number(axis.low)} to {number(axis.high)} {axis.unit}"


def _answered(facts: Facts) -> str:
    out = facts.pixels - facts.answered
    if out == 0:
        return "Every pixel has an answer."
    reasons = [f"{FLAG_MEANINGS[flag]} ({percent(n, facts.pixels)})" for flag, n in facts.lost.items() if n]
    if facts.silent:
        reasons.append(f"no flag says why ({percent(facts.silent, facts.pixels)})")
    share = f"{percent(facts.answered, facts.pixels)} of the pixels have an answer; "
    if not facts.answered:
        return f"No pixel has an answer: {listed(reasons)}."
    return f"{share}{percent(out, facts.pixels)} have none: {listed(reasons)}."


def _composition(facts: Facts, means: list[float]) -> str:
    order = sorted(zip(means, facts.references, strict=True), reverse=True)
    text = "The pixels with an answer are on average " + listed([f"{percent(m)} {name}" for m, name in order])
    doubt = facts.flagged[Flag.UNKNOWN]
    if doubt:
        text += f"; in {percent(doubt, facts.pixels)} of all pixels the classes do not explain the spectrum"
    return f"{text}."


def _model_sentence(model: ModelView) -> str:
    if model.classifier == UNION:
        types = counted(len(model.class_names), "structure type")
        if model.accuracy is None:
            return f"The union of networks, which knows {types}, was not tested on held-out patterns."
        right = f"finds the right one for {percent(model.accuracy)} of held-out patterns"
        return f"The union of networks knows {types}, and {right}."
    classes = f"{counted(len(model.class_names), 'class')} of {counted(len(model.references), 'reference')}"
    text = f"The classifier ({readable(model.classifier)}, {classes})"
    if model.accuracy is None:
        return f"{text} was not tested on held-out spectra."
    text += f" finds the right class for {percent(model.accuracy)} of held-out spectra"
    dominant = dominant_accuracy(model)
    if dominant is not None and len(model.class_names) > len(model.references):
        text += f", and the right dominant reference for {percent(dominant)}"
    return f"{text}."


def dominant_accuracy(model: ModelView) -> float | None:
    """Share of held-out spectra whose dominant reference is right.

    Classes in which several references share the first place are left out as truth, and wrong as answers.
    """
    if model.confusion is None:
        return None
    clear = model.dominant >= 0
    counts = model.confusion[clear]
    right = model.dominant[clear][:, None] == model.dominant[None, :]
    total = float(np.sum(counts))
    return float(np.sum(counts[right])) / total if total > 0 else None


def tiles(
    facts: Facts | None, model: ModelView | None, run: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """What a reader looks for first: numbers, and what each of them is."""
    if facts is not None:
        yield f"{facts.shape[0]:,} x {facts.shape[1]:,}", f"pixels, {facts.pixels:,} in all"
        yield percent(facts.answered, facts.pixels), "of them with an answer"
    if facts is not None and facts.axis is not None:
        values = "energies" if facts.axis.name == "energy" else "values"
        span = f"{number(facts.axis.low)} to {number(facts.axis.high)} {facts.axis.unit}"
        yield number(facts.axis.count), f"{values}, {span}"
    if model is not None and model.accuracy is not None:
        what = "patterns of the right type" if model.classifier == UNION else "spectra in the right class"
        yield percent(model.accuracy), f"of held-out {what}"
    timings = run.get("timings")
    if isinstance(timings, Mapping) and timings:
        yield duration(sum(map(float, timings.values()))), "computing"
    memory = run.get("peak_memory_mb")
    if isinstance(memory, int | float):
        yield f"{number(round(memory))} MB", "peak memory"
