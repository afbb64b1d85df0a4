"""A small one-dimensional residual network that learns from spectra, trained with torch on one thread of the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.learning.models.kernel_machine import Scaled, standardized
from xafsflow.learning.network.network_training import Course, Training, train
from xafsflow.learning.network.torch_network import (
    Shape,
    folded_arrays,
    new_network,
    reproducible,
    torch_library,
)
from xafsflow.learning.samples.group_split import held_out

# Groups from which on some are held out; of fewer, all are learnt from, to the last epoch.
LEAST_GROUPS = 10


class ResidualNetwork:
    """A residual network with pre-activation (He and others, 2016) over the features, read as one sequence.

    Convolutions look at neighboring features: it is made for `features: [spectrum]`. Batch norm, dropout, mean over all
    places. Whole groups are held out, and the weights of the epoch with the smallest loss on them are kept. Properties are
    scaled to mean 0 and scatter 1.

    Parameters
    ----------
    seed
        Of the first weights, of the groups held out, of dropout, and of the order of the samples.
    regression
        Properties, not classes.
    **training
        Fields of `Training` that are not to be as usual.
    """

    takes_groups = True

    def __init__(self, trees: int, seed: int, regression: bool = False, **training: Any) -> None:
        self.seed, self.regression = seed, regression
        self.shape, self.training = Shape(), Training(**training)

    def fit(self, features: Floats, targets: NDArray[Any], groups: NDArray[Any] | None = None) -> None:
        """Learn from features `(sample, feature)`, labels or properties `(sample[, property])` and groups `(sample,)`.

        Raises
        ------
        InputError
            Torch is not installed.
        """
        torch = torch_library()
        self.scaled = Scaled(features)
        table = self.scaled(features).astype(np.float32)
        truth: NDArray[Any]
        if self.regression:
            scaled, self.mean, self.spread = standardized(targets, len(table))
            truth = scaled.astype(np.float32)
            self.classes_: NDArray[Any] = np.arange(truth.shape[1])
        else:
            self.classes_, truth = np.unique(targets, return_inverse=True)
        names = np.arange(len(table)) if groups is None else groups
        held = np.zeros(len(table), bool)
        if len(np.unique(names)) >= LEAST_GROUPS:
            held = held_out(names, self.training.held, self.seed)
        with reproducible(torch, self.seed):
            self.module = new_network(torch, self.shape, self.training.dropout, len(self.classes_))
            train(Course(torch, self.module, self.training, table, truth, held), "residual_network")

    def folded(self) -> list[Doubles]:
        """All weights with the batch norms folded into them, as `folded_network.shapes` lists them."""
        *found, head, offset = folded_arrays(self.module)
        if self.regression:
            head, offset = head * self.spread, offset * self.spread + self.mean
        return [*found, head, offset]
