"""The report's section on which peaks spoke for a structure type, in single patterns and in parts of an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from xafsflow.findings.union_findings import PatternExplanation, PeakEvidence
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.pattern_figure import peak_figure
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, sentence

WIDTH = 4.6


@section(
    "peak_explanation",
    title="Which peaks spoke for the type",
    intro=(
        "Each peak is taken out of the pattern; the effect is by how much the logarithm of the type's vote falls. "
        "Red peaks spoke for the type, blue ones against it. Patterns are without background, as square roots of counts, "
        "their maximum one; the mean pattern of the type is drawn below, at the size of the cell that fits best."
    ),
    order=117,
    drawn=[one.name for one in fields(PatternExplanation)],
)
def peak_explanation(part: Part) -> Iterator[Block]:
    """A picture for each pattern or part of an image, and what is left out."""
    found = part.finding
    if not isinstance(found, PatternExplanation):
        return
    for number, one in enumerate(found.evidence):
        yield _picture(one, number)
    if found.notes:
        yield Panel("What is left out", texts=[sentence(one) for one in found.notes])


def _picture(one: PeakEvidence, number: int) -> Picture:
    # Types and files are called as they are, without a capital at the start
    words = [f"{one.sentence}."]
    if one.samples > 1:
        words.append(f"Mean over {counted(one.samples, 'pattern')}.")
    words.append(
        f"Local part: the network's confidence, {one.confidence:.2f}. Global part: the likeness (cosine) to the mean "
        f"pattern of {one.output}, {one.likeness:.2f}."
    )
    figure = peak_figure(WIDTH, one.two_theta, one.pattern, one.mean_pattern, one.effect)
    title = f"{one.output}: {one.name}"
    return Picture(f"peaks_{number}", title, " ".join(words), words[0], figure)
