"""From reference spectra to a model."""

from xafsflow.steps.train.fitted import fit
from xafsflow.steps.train.regions import regions
from xafsflow.steps.train.samples import mixtures
from xafsflow.steps.train.select import select

__all__ = ["fit", "mixtures", "regions", "select"]
