"""What every pixel is made of: by the model's votes."""

from xafsflow.steps.classify.votes import forest

__all__ = ["forest"]
