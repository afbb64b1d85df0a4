"""The verdict on a map of structure types."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from xafsflow.findings.maps_findings import MapFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.run_verdict import verdict_of
from xafsflow.findings.union_findings import PatternAnswers, TypeScore, UnionFindings

MAPS = replace(
    MapFindings.nothing(), pixels=100, answered=100, unlike_types_share=0.04, mixed_types_share=0.1
)


def trained(top1: float) -> UnionFindings:
    blank: dict[str, Any] = dict.fromkeys(one.name for one in fields(UnionFindings))
    return UnionFindings(**(blank | {"table": {"union": TypeScore(top1, 1.0, np.array([top1, 1.0]))}}))


def verdict(*entries: Any, **changes: Any) -> Any:
    named = {f"entry {number}": one for number, one in enumerate(entries)}
    return verdict_of(RunFindings(named, [], replace(MAPS, **changes)))


def test_patterns_of_known_types__are_an_answer_that_holds_and_says_why() -> None:
    found = verdict(trained(0.93))
    assert found.light == "answer holds"
    assert found.reservations == ()
    assert "4.0% of the pixels have patterns of none of the known structure types" in found.text
    assert "10.0% look like two" in found.text
    assert len(found.not_tested) == 1
    assert "judge.patterns" in found.not_tested[0]


def test_measured_patterns_with_labels__are_a_test() -> None:
    measured = PatternAnswers((), 40, 0.9, 1.0, 1.0, 0, np.nan)
    assert verdict(measured).not_tested == ()
    assert len(verdict(replace(measured, labelled=0)).not_tested) == 1


@pytest.mark.parametrize(
    ("rule", "light", "changes"),
    [
        ("unlike_types", "holds with reservations", {"unlike_types_share": 0.21}),
        ("unlike_types", "do not use", {"unlike_types_share": 0.51}),
        ("mixed_types", "holds with reservations", {"mixed_types_share": 0.9}),
        ("type_model", "holds with reservations", {"top1": 0.79}),
        ("type_model", "do not use", {"top1": 0.49}),
    ],
)
def test_a_rule__says_what_it_holds_against_the_map(rule: str, light: str, changes: dict[str, float]) -> None:
    top1 = changes.pop("top1", 0.95)
    found = verdict(trained(top1), **changes)
    assert [one.rule for one in found.reservations] == [rule]
    assert found.light == light
    assert found.reservations[0].text in found.text


@pytest.mark.parametrize("changes", [{"unlike_types_share": 0.2}, {"mixed_types_share": 0.2}])
def test_a_rule__is_silent_within_its_limits(changes: dict[str, float]) -> None:
    assert verdict(trained(0.8), **changes).reservations == ()
