"""What every pixel is made of: by the model's votes, and by linear combination fit."""

from xafsflow.steps.classify.linear_combination import combination
from xafsflow.steps.classify.map_model import model
from xafsflow.steps.classify.structure_parameters import parameters

__all__ = ["combination", "model", "parameters"]
