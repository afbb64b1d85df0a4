"""How far the answer can be trusted."""

from xafsflow.steps.judge.averages import means
from xafsflow.steps.judge.distances import distance

__all__ = ["distance", "means"]
