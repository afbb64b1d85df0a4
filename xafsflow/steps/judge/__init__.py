"""How far the answer can be trusted, and whether the references are the right ones."""

from xafsflow.steps.judge.agreement import agreement
from xafsflow.steps.judge.class_distance import distance
from xafsflow.steps.judge.class_means import means
from xafsflow.steps.judge.explanation import explanation
from xafsflow.steps.judge.measured_answers import patterns
from xafsflow.steps.judge.missing_phases import missing
from xafsflow.steps.judge.peak_evidence_step import peaks
from xafsflow.steps.judge.principal_components import components
from xafsflow.steps.judge.reference_sets import reference_sets
from xafsflow.steps.judge.target_transformation import target
from xafsflow.steps.judge.unknown_pixels import unknown

__all__ = [
    "agreement",
    "components",
    "distance",
    "explanation",
    "means",
    "missing",
    "patterns",
    "peaks",
    "reference_sets",
    "target",
    "unknown",
]
