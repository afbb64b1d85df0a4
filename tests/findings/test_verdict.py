"""The rules of the verdict at their limits, and what the verdict makes of them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.findings.calibrate_findings import (
    AlignFindings,
    Broadening,
    CheckFindings,
    EdgeOverField,
    OffsetFindings,
    PixelCounts,
    ShiftFieldFindings,
)
from xafsflow.findings.judge_findings import UnknownFindings
from xafsflow.findings.maps_findings import MapFindings
from xafsflow.findings.normalization_findings import NormalizationFindings
from xafsflow.findings.overall_verdict import Verdict
from xafsflow.findings.reference_set_findings import ReferenceSetFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.run_verdict import RULES, verdict_of
from xafsflow.findings.train_findings import FitFindings, RegressionFindings

GOOD: dict[str, Any] = {
    "pixels": 1000,
    "answered": 900,
    "flagged": {"background": 100},
    "without_answer_or_flag": 0,
    "mean_fraction": {"Fe": 0.5, "FeO": 0.5},
    "dominant_pixels": {"Fe": 450, "FeO": 450},
    "unknown_share": 0.01,
    "median_reduced_chi_square": 1.0,
    "mean_confidence": 0.95,
    "mean_disagreement": 0.02,
    "distance_over_expected": {},
    "distance": {},
    "misfit_share": 0.0,
    "fit_knows_noise": True,
    "unknown_expected": 0.01,
    "confident_share": 0.99,
    "noise_ratio": 1.0,
}
WINDOWS = NormalizationFindings("normalize.flat", 7112.0, 7120.0, 12, 1, 40, 150.0, 1)


def verdict(*entries: Any, warnings: tuple[str, ...] = (), windows: Any = WINDOWS, **changes: Any) -> Verdict:
    named = {f"entry {number}": one for number, one in enumerate(entries)}
    found = verdict_of(RunFindings(named, list(warnings), MapFindings(**(GOOD | changes)), windows))
    assert found is not None
    return found


def check(**changes: float) -> CheckFindings:
    edge = EdgeOverField(np.zeros((2, 2)), 0.0, 0.01, 0.02, 0.0, 0.01, 0.0, 0.01)
    return CheckFindings(("Fe",), 0.004, PixelCounts(9, 0, 0, 0), edge, replace(edge, **changes))


def foil(sigma: float, clear: bool) -> ShiftFieldFindings:
    one = check()
    blunt, nothing = Broadening(sigma, 0.02, clear), np.zeros(1)
    numbers = ((0.0, 1.0), (0.01, 0.02), 0.0, 0.004, blunt, 0.003, 0.0)
    return ShiftFieldFindings(("Fe",), 1, nothing, nothing, *numbers, one.pixels, one.before, one.after)


def sets(**changes: Any) -> ReferenceSetFindings:
    known: dict[str, Any] = dict.fromkeys(one.name for one in fields(ReferenceSetFindings))
    known |= {"outcome": "suffices", "missing": (), "regions": (), "unexplained": 0.0}
    return ReferenceSetFindings(**(known | changes))


def test_nothing_against_it__is_an_answer_that_holds_and_says_why() -> None:
    found = verdict(check(), OffsetFindings(0.2, 0.05, "Fe", None))
    assert found.light == "answer holds"
    assert found.reservations == ()
    assert "reduced chi-square 1.00" in found.text
    assert found.not_tested == ("which references the data support (judge.reference_sets)",)


@pytest.mark.parametrize(
    ("rule", "light", "changes"),
    [
        ("misfit", "holds with reservations", {"median_reduced_chi_square": 1.6}),
        ("misfit", "holds with reservations", {"misfit_share": 0.06}),
        ("misfit", "do not use", {"median_reduced_chi_square": 91.0}),
        ("unknown_pixels", "holds with reservations", {"unknown_share": 0.06}),
        ("unknown_pixels", "do not use", {"unknown_share": 0.61}),
        ("unlike_classes", "holds with reservations", {"confident_share": 0.94}),
        ("unlike_classes", "do not use", {"confident_share": 0.4}),
        ("disagreement", "holds with reservations", {"mean_disagreement": 0.06}),
        ("disagreement", "do not use", {"mean_disagreement": 0.4}),
        ("few_answers", "holds with reservations", {"answered": 400}),
        ("few_answers", "do not use", {"answered": 0}),
        ("noise_check", "holds with reservations", {"noise_ratio": 1.6}),
        ("noise_check", "holds with reservations", {"noise_ratio": 0.6}),
        ("untested", "holds with reservations", {"median_reduced_chi_square": None, "unknown_share": None}),
        ("untested", "holds with reservations", {"fit_knows_noise": False, "unknown_share": None}),
        ("warned", "holds with reservations", {"warnings": ("the lamp is off.", "and more")}),
        ("edge_place", "holds with reservations", {"windows": replace(WINDOWS, edge=7129.0)}),
        ("edge_place", "holds with reservations", {"windows": replace(WINDOWS, edge=7103.0)}),
        ("pre_edge", "holds with reservations", {"windows": replace(WINDOWS, pre_points=2)}),
        ("post_edge", "holds with reservations", {"windows": replace(WINDOWS, post_degree=2)}),
        ("post_edge", "holds with reservations", {"windows": replace(WINDOWS, post_points=3)}),
    ],
)
def test_a_rule__says_what_it_holds_against_the_answer(
    rule: str, light: str, changes: dict[str, Any]
) -> None:
    found = verdict(**changes)
    assert [one.rule for one in found.reservations] == [rule]
    assert found.light == light
    assert found.reservations[0].text in found.text


@pytest.mark.parametrize(
    "changes",
    [
        {"median_reduced_chi_square": 1.45},
        {"median_reduced_chi_square": 0.8},
        {"median_reduced_chi_square": 2e-4, "fit_knows_noise": False},
        {"unknown_share": 0.12, "unknown_expected": 0.1},
        {"unknown_share": 0.04},
        {"answered": 500, "flagged": {"background": 500}},
        {"noise_ratio": None},
        {"noise_ratio": 1.4},
        {"windows": None},
        {"windows": replace(WINDOWS, edge=7127.0)},
        {"windows": replace(WINDOWS, edge=np.nan)},
        {"windows": replace(WINDOWS, pre_points=3)},
        {"windows": replace(WINDOWS, post_degree=2, post_span=290.0)},
        {"windows": replace(WINDOWS, post_degree=None, post_points=1)},
    ],
)
def test_a_rule__is_silent_within_its_limits(changes: dict[str, Any]) -> None:
    assert verdict(**changes).reservations == ()


@pytest.mark.parametrize(
    ("rule", "finding"),
    [
        ("shift_error", OffsetFindings(0.2, 0.15, "Fe", None)),
        ("shift_error", AlignFindings(0.1, 2.0, 0.0, ("Fe",))),
        ("calibration_check", check(mean=0.3)),
        ("calibration_check", check(mean=-0.3)),
        ("calibration_check", check(slope_y=0.5)),
        ("standard_misfit", replace(check(), misfit=0.03)),
        ("resolution", foil(1.1, True)),
        ("references", sets(outcome="does not suffice", unexplained=0.04)),
        ("references", sets(outcome="cannot be told")),
        ("references", sets(missing=("Fe3O4",))),
    ],
)
def test_a_calibration_rule__reads_what_the_steps_found(rule: str, finding: Any) -> None:
    assert [one.rule for one in verdict(finding).reservations] == [rule]


@pytest.mark.parametrize("finding", [foil(0.7, True), foil(1.1, False), sets()])
def test_a_resolution_that_was_found__and_references_that_suffice_are_no_reservation(finding: Any) -> None:
    assert verdict(finding).reservations == ()


def test_a_check__is_no_misfit_of_the_field_within_its_own_error() -> None:
    assert verdict(check(mean=0.3, mean_error=0.12)).reservations == ()
    # Of two checks, that before the shift was applied is none of the answer
    assert verdict(check(slope_y=2.0), check()).reservations == ()


def test_refusals__come_first_and_decide() -> None:
    found = verdict(noise_ratio=3.0, unknown_share=0.9)
    assert [one.severity for one in found.reservations] == ["refusal", "reservation"]
    assert found.light == "do not use"
    assert found.text.startswith("Do not use this answer: 90.0% of the pixels hold something")
    assert "There is more: the data scatter by 3 times" in found.text


def test_what_is_not_computed__is_said() -> None:
    found = verdict(unknown_share=None, mean_disagreement=None, noise_ratio=None)
    assert found.light == "answer holds"
    for name in ("judge.unknown", "judge.agreement", "derive.noise", "calibrate.check"):
        assert any(name in one for one in found.not_tested)


def test_a_run_without_maps__has_no_verdict() -> None:
    assert verdict_of(RunFindings()) is None
    assert all(
        rule(RunFindings()) is None for rule in RULES if rule.__name__ not in ("few_answers", "untested")
    )


def test_verdict_and_normalization__come_back_from_json() -> None:
    found = RunFindings({}, [], MapFindings(**GOOD), WINDOWS)
    found.verdict = verdict_of(found)
    content = json.loads(json.dumps(found.to_json()))
    assert content["verdict"]["light"] == "answer holds"
    again = RunFindings.from_json(content, {})
    assert again.verdict == found.verdict
    assert again.normalization == WINDOWS
    with pytest.raises(InputError, match="light"):
        RunFindings.from_json(content | {"verdict": content["verdict"] | {"light": "green"}}, {})


def test_false_alarms__are_a_reservation_and_no_second_warning() -> None:
    nothing = np.ones(4)
    fine = UnknownFindings("residual", 0.01, nothing, 6000, {"Fe": 0.3}, {"Fe": 1.0}, (), ())
    assert verdict(fine).reservations == ()
    spoiled = replace(fine, spoiled_by=("images moved", "and more"))
    found = verdict(spoiled, warnings=spoiled.spoiled_by)
    assert [one.rule for one in found.reservations] == ["false_alarms"]
    assert "images moved (and 1 more reason)" in found.text
    assert "the lamp is off" in verdict(spoiled, warnings=("the lamp is off", *spoiled.spoiled_by)).text


def classifier(accuracy: float, of_a_library: bool = True) -> FitFindings:
    known: dict[str, Any] = dict.fromkeys(one.name for one in fields(FitFindings))
    return FitFindings(**(known | {"controls": {}, "accuracy": accuracy, "library": of_a_library or None}))


def regressor(*r_squared: float) -> RegressionFindings:
    known: dict[str, Any] = dict.fromkeys(one.name for one in fields(RegressionFindings))
    names = tuple(f"p{number}" for number in range(len(r_squared)))
    return RegressionFindings(
        **(known | {"properties": names, "r_squared": np.array(r_squared), "library": True})
    )


@pytest.mark.parametrize(
    ("found", "light"),
    [
        (classifier(0.81), "answer holds"),
        (classifier(0.79), "holds with reservations"),
        (classifier(0.49), "do not use"),
        (classifier(0.3, False), "answer holds"),
        (regressor(0.51, 0.9), "answer holds"),
        (regressor(0.49, 0.9), "holds with reservations"),
        (regressor(-0.1, 0.9), "holds with reservations"),
        (regressor(-0.1, np.nan), "do not use"),
    ],
)
def test_a_library_model__that_is_often_wrong_is_held_against_its_map(found: Any, light: str) -> None:
    assert verdict(found).light == light
