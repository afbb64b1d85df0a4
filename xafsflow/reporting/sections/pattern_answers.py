"""The report's section on the structure types of measured patterns: what is answered to each file, and what is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from xafsflow.findings.union_findings import PatternAnswer, PatternAnswers
from xafsflow.reporting.figure_style import OKABE_ITO, SIGNAL
from xafsflow.reporting.panel import Cell, Content, Panel, Table
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, percent

# Rows that are shown at once; other answers that are named below the first one, from this vote on.
OPEN_ROWS, OTHERS, LEAST = 30, 2, 0.01
NONE = "“none of these”"
RIGHT, PARTLY, WRONG = OKABE_ITO[2], OKABE_ITO[1], SIGNAL


@section(
    "pattern_answers",
    title="Structure types of the patterns",
    intro="The likeliest type of each pattern, and the set of types that may be true.",
    order=22,
    drawn=[one.name for one in fields(PatternAnswers)],
)
def pattern_answers(part: Part) -> Iterator[Block]:
    """How many answers are right where that is known, and a table of all patterns."""
    found = part.finding
    if not isinstance(found, PatternAnswers):
        return
    labelled = any(one.truth for one in found.answers)
    head = [
        "file",
        "answer",
        "vote",
        "possible types",
        *(["type in the table", ""] if labelled else []),
        "remarks",
    ]
    rows = [_row(one, labelled) for one in found.answers]
    yield Panel(
        "Answers",
        texts=_words(found),
        content=Table(head, rows, [2], OPEN_ROWS),
        notes=[
            "The vote is that among the types that the model knows. A set of possible types holds the true one as often as "
            "was asked of the model; types that are often taken for each other are in it together. "
            f"A pattern that is unlike all known types is answered with {NONE}."
        ],
    )


def _words(found: PatternAnswers) -> list[str]:
    refused = sum(one.unlike for one in found.answers)
    mixed = sum(one.mixed for one in found.answers)
    told = [
        f"{counted(len(found.answers), 'pattern')}; {refused} answered with {NONE}, {mixed} like two types at once."
    ]
    if found.labelled:
        told.append(
            f"Of {counted(found.labelled, 'pattern')} of types that the model knows {percent(found.top1)} have the true "
            f"type as first answer, {percent(found.top3)} among the first three, and {percent(found.in_set)} in the set."
        )
    if found.unknown_labelled:
        told.append(
            f"Of {counted(found.unknown_labelled, 'pattern')} of types that the model does not know "
            f"{percent(found.refused)} are answered with {NONE}."
        )
    return told


def _row(one: PatternAnswer, labelled: bool) -> list[Content]:
    others = [
        f"{name} {vote:.2f}"
        for name, vote in zip(one.candidates[1 : OTHERS + 1], one.votes[1 : OTHERS + 1].tolist(), strict=True)
        if vote >= LEAST
    ]
    # What is said of a pattern that is none of the types holds only if it is one, after all
    if one.unlike:
        nearest = ", ".join([f"{one.answer} {one.vote:.2f}", *others])
        answer, vote = Cell("none of these", bold=True, remark=f"nearest: {nearest}"), ""
    else:
        answer = Cell(one.answer, bold=True, remark=f"then {', '.join(others)}" if others else "")
        vote = f"{one.vote:.2f}"
    possible = Cell(", ".join(one.possible), quiet=one.unlike)
    remarks = ["like two types at once"] if one.mixed else []
    remarks.append(f"confidence {one.confidence:.2f}, likeness {one.likeness:.2f}")
    row: list[Content] = [Cell(one.name, wide=True), answer, vote, possible]
    if labelled:
        row += [one.truth, _outcome(one)]
    return [*row, Cell(remarks[0], remark=remarks[1]) if one.mixed else Cell(remark=remarks[0])]


def _outcome(one: PatternAnswer) -> Content:
    """Whether an answer is right, as far as the table tells."""
    if not one.truth:
        return ""
    if not one.known:
        text = "right: not a known type" if one.unlike else "wrong: not a known type"
        return Cell(text, color=RIGHT if one.unlike else WRONG)
    if one.unlike:
        return Cell("wrong: a known type", color=WRONG)
    if one.answer == one.truth:
        return Cell("right", color=RIGHT)
    return Cell("in the set", color=PARTLY) if one.truth in one.possible else Cell("wrong", color=WRONG)
