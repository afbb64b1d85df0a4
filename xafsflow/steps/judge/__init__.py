"""How far the answer can be trusted, and whether the references are the right ones."""

from xafsflow.steps.judge.agreement import agreement
from xafsflow.steps.judge.averages import means
from xafsflow.steps.judge.components import components
from xafsflow.steps.judge.distances import distance
from xafsflow.steps.judge.missing import missing
from xafsflow.steps.judge.sets import reference_sets
from xafsflow.steps.judge.targets import target
from xafsflow.steps.judge.unknowns import unknown

__all__ = ["agreement", "components", "distance", "means", "missing", "reference_sets", "target", "unknown"]
