"""The verdict on a run: what the rules hold against its answer, in one or two sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xafsflow.findings import answer_rules as answer
from xafsflow.findings import measurement_rules as measurement
from xafsflow.findings import structure_type_rules as structure
from xafsflow.findings.calibrate_findings import CheckFindings
from xafsflow.findings.maps_findings import MapFindings
from xafsflow.findings.overall_verdict import Light, Reservation, Verdict
from xafsflow.findings.reference_set_findings import ReferenceSetFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.union_findings import PatternAnswers

Rule = Callable[[RunFindings], Reservation | None]

# In the order in which they are told. A further rule is a function and its place here.
RULES: tuple[Rule, ...] = (
    answer.few_answers, answer.misfit, answer.unknown_pixels, answer.false_alarms, answer.unlike_classes,
    answer.references, answer.library_model, structure.unlike_types, structure.mixed_types, structure.type_model,
    answer.untested, answer.disagreement, measurement.shift_error,
    measurement.calibration_check, measurement.standard_misfit, measurement.resolution, measurement.edge_place,
    measurement.pre_edge, measurement.post_edge, measurement.noise_check, measurement.warned,
)  # fmt: skip


def verdict_of(found: RunFindings) -> Verdict | None:
    """The verdict on a run; None where it has no maps.

    Examples
    --------
    >>> maps = MapFindings(6, 6, {}, 0, {"Fe": 1.0}, {"Fe": 6}, 0.01, 1.02, 0.99, 0.01, {}, {}, fit_knows_noise=True)
    >>> verdict_of(RunFindings(maps=maps)).text
    'The answer holds: reduced chi-square 1.02 (median), 1.0% of the pixels unexplained, model and fit apart by 1.0%.'
    """
    if found.maps is None:
        return None
    told = [one for one in (rule(found) for rule in RULES) if one is not None]
    told.sort(key=lambda one: one.severity != "refusal")
    refused = [one.text for one in told if one.severity == "refusal"]
    rest = [one.text for one in told if one.severity == "reservation"]
    light: Light = "do not use" if refused else "holds with reservations" if rest else "answer holds"
    if refused:
        text = f"Do not use this answer: {'; '.join(refused)}."
        text += f" There is more: {'; '.join(rest)}." if rest else ""
    elif rest:
        some = "this reservation" if len(rest) == 1 else f"these {len(rest)} reservations"
        text = f"The answer holds with {some}: {'; '.join(rest)}."
    else:
        text = f"The answer holds: {', '.join(_grounds(found.maps))}."
    return Verdict(light, text, tuple(told), tuple(_not_tested(found, found.maps)))


def _grounds(maps: MapFindings) -> Iterator[str]:
    if answer.fitted_against_noise(maps):
        yield f"reduced chi-square {maps.median_reduced_chi_square:.2f} (median)"
    if maps.unknown_share is not None:
        yield f"{maps.unknown_share:.1%} of the pixels unexplained"
    if maps.mean_disagreement is not None:
        yield f"model and fit apart by {maps.mean_disagreement:.1%}"
    if maps.unlike_types_share is not None:
        yield f"{maps.unlike_types_share:.1%} of the pixels have patterns of none of the known structure types"
    if maps.mixed_types_share is not None:
        yield f"{maps.mixed_types_share:.1%} look like two"


def _not_tested(found: RunFindings, maps: MapFindings) -> Iterator[str]:
    if maps.mixed_types_share is not None:
        # Of a map over scattering angles the rest is not asked for.
        if not any(one.labelled for one in found.of(PatternAnswers).values()):
            yield "the model on measured patterns whose types are known (judge.patterns)"
        return
    if not answer.fitted_against_noise(maps):
        yield "the fit by the references against noise (classify.combination with weights)"
    if maps.unknown_share is None:
        yield "pixels of unknown phases (judge.unknown)"
    if maps.mean_disagreement is None:
        yield "model against fit (judge.agreement)"
    if not found.of(CheckFindings):
        yield "the energies after the calibration (calibrate.check)"
    if maps.noise_ratio is None:
        yield "the noise against the scatter (derive.noise)"
    if not found.of(ReferenceSetFindings):
        yield "which references the data support (judge.reference_sets)"
