"""Answers to measured patterns, as the report shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.findings.union_findings import PatternAnswer, PatternAnswers
from xafsflow.reporting.page_parts import NO_MAPS
from xafsflow.reporting.panel import Cell, Panel
from xafsflow.reporting.section_table import Part
from xafsflow.reporting.sections.pattern_answers import PARTLY, RIGHT, WRONG, pattern_answers

PLAIN = PatternAnswer(
    name="a.xy",
    answer="rocksalt",
    vote=0.934,
    possible=("rocksalt", "fcc"),
    candidates=("rocksalt", "fcc", "CsCl"),
    votes=np.array([0.934, 0.05, 0.004]),
    confidence=0.9,
    likeness=0.95,
    unlike=False,
    mixed=False,
    truth="",
    known=False,
)


def panel(*answers: PatternAnswer, labelled: int = 0, unknown: int = 0) -> Panel:
    found = PatternAnswers(answers, labelled, 0.75, 1.0, 0.9, unknown, 0.5)
    (only,) = pattern_answers(Part("judge.patterns", NO_MAPS, finding=found))
    assert isinstance(only, Panel)
    return only


@pytest.mark.parametrize(
    ("changes", "text", "color"),
    [
        ({"truth": "rocksalt", "known": True}, "right", RIGHT),
        ({"truth": "fcc", "known": True}, "in the set", PARTLY),
        ({"truth": "CsCl", "known": True}, "wrong", WRONG),
        ({"truth": "rocksalt", "known": True, "unlike": True}, "wrong: a known type", WRONG),
        ({"truth": "olivine"}, "wrong: not a known type", WRONG),
        ({"truth": "olivine", "unlike": True}, "right: not a known type", RIGHT),
    ],
)
def test_what_is_true__is_marked(changes: dict[str, object], text: str, color: str) -> None:
    *_, truth, mark, _ = panel(replace(PLAIN, **changes)).content.rows[0]
    assert (truth, mark.text, mark.color) == (changes["truth"], text, color)


def test_a_row__tells_answer_vote_and_set(html) -> None:
    found = panel(PLAIN)
    name, answer, vote, possible, remarks = found.content.rows[0]
    assert (name.text, answer.text, vote, possible.text) == ("a.xy", "rocksalt", "0.93", "rocksalt, fcc")
    # CsCl has less than a hundredth
    assert answer.remark == "then fcc 0.05"
    assert remarks == Cell(remark="confidence 0.90, likeness 0.95")
    assert "1 pattern; 0 answered with “none of these”" in html(found)


def test_none_of_these__is_the_answer_where_a_pattern_is_unlike_all() -> None:
    _, answer, vote, possible, _ = panel(replace(PLAIN, unlike=True)).content.rows[0]
    assert (answer.text, vote, possible.quiet) == ("none of these", "", True)
    assert answer.remark == "nearest: rocksalt 0.93, fcc 0.05"


def test_two_types_at_once__are_told() -> None:
    found = panel(replace(PLAIN, mixed=True))
    assert found.content.rows[0][-1].text == "like two types at once"
    assert found.texts[0] == "1 pattern; 0 answered with “none of these”, 1 like two types at once."


def test_shares__are_told_where_there_are_labels() -> None:
    known = replace(PLAIN, truth="rocksalt", known=True)
    assert len(panel(PLAIN).texts) == 1
    texts = panel(known, PLAIN, labelled=1, unknown=2).texts
    assert "Of 1 pattern of types that the model knows 75.0 % have the true type as first answer" in texts[1]
    assert "100 % among the first three, and 90.0 % in the set" in texts[1]
    assert "Of 2 patterns of types that the model does not know 50.0 %" in texts[2]
    # A pattern without label, beside one that has one
    *_, truth, mark, _ = panel(known, PLAIN, labelled=1).content.rows[1]
    assert (truth, mark) == ("", "")
