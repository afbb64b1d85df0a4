"""From reference spectra to a model."""

from xafsflow.steps.train.energy_choice import select
from xafsflow.steps.train.library_samples import spectra
from xafsflow.steps.train.mixture_samples import mixtures
from xafsflow.steps.train.recalibration import recalibrate
from xafsflow.steps.train.reconstruction import reconstruction
from xafsflow.steps.train.region_samples import regions
from xafsflow.steps.train.structure_union import extend, union
from xafsflow.steps.train.train_model import fit
from xafsflow.steps.train.train_regression import regression

__all__ = [
    "extend",
    "fit",
    "mixtures",
    "recalibrate",
    "reconstruction",
    "regions",
    "regression",
    "select",
    "spectra",
    "union",
]
