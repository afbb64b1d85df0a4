"""What every pixel is made of: by the model's votes, and by linear combination fit."""

from xafsflow.steps.classify.fits import combination
from xafsflow.steps.classify.votes import forest

__all__ = ["combination", "forest"]
