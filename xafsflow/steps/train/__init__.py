"""From reference spectra to a model."""

from xafsflow.steps.train.fitted import fit
from xafsflow.steps.train.samples import mixtures

__all__ = ["fit", "mixtures"]
