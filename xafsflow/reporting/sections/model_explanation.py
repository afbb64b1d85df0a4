"""The report's section on what a model looks at: bands of energies, for all answers, one spectrum, and the image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from xafsflow.findings.explanation_findings import BandEffect, BandLoss, ModelExplanation
from xafsflow.reporting.band_figure import band_figure, band_rows
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import capitalized, counted, number, readable, sentence

WIDTH = 4.6


@section(
    "model_explanation",
    title="What the model looks at",
    intro="Which bands of energies the model needs, and what each adds to an answer.",
    order=111,
    drawn=[one.name for one in fields(ModelExplanation)],
)
def model_explanation(part: Part) -> Iterator[Block]:
    """Sentences, permutation importance, the mean effect by class or property, single spectra, and parts of the image."""
    found = part.finding
    if not isinstance(found, ModelExplanation):
        return
    yield _words(found)
    if found.permutation is not None:
        yield _permutation(found, found.permutation)
    if found.overall:
        yield _overall(found)
    for number_of, one in enumerate([*found.single, *found.image]):
        yield _effect(found, one, number_of)


def _words(found: ModelExplanation) -> Panel:
    seen = [sentence(one.sentence) for one in found.overall]
    if found.permutation is not None:
        seen += map(sentence, found.permutation.sentences)
    notes = list(found.notes)
    if np.isfinite(found.gap):
        notes.insert(
            0,
            f"What the bands add sums up to the raw answer of the model within {number(found.gap, 2)} (TreeSHAP of "
            f"{found.learner}" + (", single precision)." if found.learner == "xgboost" else ")."),
        )
    return Panel("In words", texts=seen, notes=notes)


def _permutation(found: ModelExplanation, lost: BandLoss) -> Picture:
    names = [readable(name) for name in lost.names]
    title, alt = "What the model needs", " ".join(lost.sentences)
    text = (
        f"Growth of the {lost.measure} when a band is exchanged among {counted(lost.samples, 'spectrum')} that the model "
        "was not trained on, with its standard error. Little may mean that other bands tell the same."
    )
    if len(names) == 1:
        figure = band_figure(
            WIDTH, found.energy, found.mean, found.edges, lost.growth[0], "growth", lost.error[0], found.axis
        )
    else:
        figure = band_rows(
            WIDTH, found.energy, found.mean, found.edges, lost.growth, names, lost.error, found.axis
        )
    return Picture("explanation_permutation", title, text, alt, figure)


def _overall(found: ModelExplanation) -> Picture:
    shares = np.array([one.size / max(float(one.size.sum()), np.finfo(float).tiny) for one in found.overall])
    names = [_called(found, one) for one in found.overall]
    text = (
        "Mean absolute effect of each band on the answer, as a share of that of all bands; "
        f"{counted(found.overall[0].samples, 'spectrum')}, with their mean above."
    )
    alt = " ".join(one.sentence for one in found.overall)
    figure = band_rows(WIDTH, found.energy, found.mean, found.edges, shares, names, axis=found.axis)
    return Picture("explanation_overall", "What each answer is told by", text, alt, figure)


def _effect(found: ModelExplanation, one: BandEffect, place: int) -> Picture:
    title = f"{capitalized(_called(found, one))}: {one.name}"
    what = "effect" if found.kind == "properties" else "effect on score"
    figure = band_figure(WIDTH, found.energy, one.spectrum, found.edges, one.effect, what, axis=found.axis)
    text = f"{sentence(one.sentence)} Red raises, blue lowers the answer."
    return Picture(f"explanation_{place}", title, text, one.sentence, figure)


def _called(found: ModelExplanation, one: BandEffect) -> str:
    return readable(one.output) if found.kind == "properties" else f"class {one.output}"
