"""A small one-dimensional residual network, trained with torch on one thread of the CPU."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Mask, Singles
from xafsflow.learning.models.kernel_machine import Scaled, standardized
from xafsflow.learning.network.folded_network import STRIDE
from xafsflow.learning.samples.group_split import held_out


@dataclass(frozen=True)
class Shape:
    """Places that the first convolution and those of the blocks look at, and the channels of each block.

    With these, 90,000 weights.
    """

    stem: int = 7
    taps: int = 5
    widths: tuple[int, ...] = (16, 32, 64, 64)


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    epochs, patience
        Times that all samples are seen at most, and without a smaller loss of the groups held out.
    batch
        Samples a step, fewer where there are less than `STEPS` times as many.
    rate, decay
        Largest learning rate, up to which and down from which the steps go (one cycle), and decay of the weights.
    dropout
        Share of the channels' values that is dropped between the convolutions of a block and before the head.
    held
        Share of the groups that is held out to choose the epoch.
    """

    epochs: int = 20
    patience: int = 10
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.01
    dropout: float = 0.2
    held: float = 0.1


# A network of fewer steps an epoch has learnt nothing when it ends.
STEPS = 8
ONE_AT_A_TIME = Lock()
# Groups from which on some are held out; of fewer, all are learnt from, to the last epoch.
LEAST_GROUPS = 10


def torch_library() -> Any:
    """Torch, imported when it is needed.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise InputError(
            f"the learner residual_network without its library ({error})",
            "the package torch",
            "install it with `pip install xafsflow[nets]`, or choose another learner",
        ) from error


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
            self.module = _module(torch, self.shape, self.training.dropout, len(self.classes_))
            _train(torch, self.module, self.training, table, truth, held)

    def folded(self) -> list[Doubles]:
        """All weights with the batch norms folded into them, as `folded_network.shapes` lists them."""
        found = [_taps_first(self.module.stem.weight), _array(self.module.stem.bias)]
        for block in self.module.blocks:
            inner, (scale, offset) = _taps_first(block.inner.weight), _folded_norm(block.middle)
            found += [*_folded_norm(block.before), inner * scale, offset, _taps_first(block.outer.weight)]
            found += [] if block.shortcut is None else [_taps_first(block.shortcut.weight)]
        head, offset = _array(self.module.head.weight).T, _array(self.module.head.bias)
        if self.regression:
            head, offset = head * self.spread, offset * self.spread + self.mean
        return [*found, *_folded_norm(self.module.behind), head, offset]


@contextmanager
def reproducible(torch: Any, seed: int) -> Iterator[None]:
    """Torch on one thread, with operations that always give the same bits, from this seed; afterwards as it was.

    Its random numbers and these settings are those of the whole process: threads wait for each other.
    """
    with ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        warns = torch.is_deterministic_algorithms_warn_only_enabled()
        torch.manual_seed(seed)
        # Sums of several threads come in another order.
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict, warn_only=warns)


def _module(torch: Any, shape: Shape, dropout: float, outputs: int) -> Any:
    """The network before its training."""
    nn, relu = torch.nn, torch.nn.functional.relu

    def convolution(before: int, after: int, taps: int, stride: int, bias: bool = False) -> Any:
        return nn.Conv1d(before, after, taps, stride, taps // 2, bias=bias)

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, before: int, width: int, first: bool) -> None:
            super().__init__()
            stride = 1 if first else STRIDE
            self.before, self.middle = nn.BatchNorm1d(before), nn.BatchNorm1d(width)
            self.inner = convolution(before, width, shape.taps, stride)
            self.outer = convolution(width, width, shape.taps, 1)
            self.shortcut = None if first else convolution(before, width, 1, stride)
            self.drop = nn.Dropout(dropout)

        def forward(self, values: Any) -> Any:
            active = relu(self.before(values))
            found = self.outer(self.drop(relu(self.middle(self.inner(active)))))
            return found + (values if self.shortcut is None else self.shortcut(active))

    class Network(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            widths = (shape.widths[0], *shape.widths)
            self.stem = convolution(1, widths[0], shape.stem, STRIDE, bias=True)
            blocks = [Block(widths[n], widths[n + 1], n == 0) for n in range(len(widths) - 1)]
            self.blocks = nn.Sequential(*blocks)
            self.behind, self.drop = nn.BatchNorm1d(widths[-1]), nn.Dropout(dropout)
            self.head = nn.Linear(widths[-1], outputs)

        def forward(self, table: Any) -> Any:
            found = relu(self.behind(self.blocks(self.stem(table[:, None]))))
            return self.head(self.drop(found.mean(-1)))

    return Network()


def _train(torch: Any, module: Any, how: Training, table: Singles, truth: NDArray[Any], held: Mask) -> None:
    """Train until the loss of the samples `held` back falls no more; the module keeps the weights with the smallest."""
    functional = torch.nn.functional
    loss_of = functional.mse_loss if truth.dtype.kind == "f" else functional.cross_entropy
    inputs, wanted = torch.from_numpy(table), torch.from_numpy(truth)
    known, check = (torch.from_numpy(np.flatnonzero(part)) for part in (~held, held))
    size = min(how.batch, max(len(known) // STEPS, 16), len(known))
    steps = len(known) // size
    descent = torch.optim.AdamW(module.parameters(), how.rate, weight_decay=how.decay, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(descent, how.rate, total_steps=steps * how.epochs)
    best, kept, since = np.inf, None, 0
    for _ in range(how.epochs):
        module.train()
        for rows in known[torch.randperm(len(known))][: steps * size].split(size):
            descent.zero_grad()
            loss_of(module(inputs[rows]), wanted[rows]).backward()
            descent.step()
            cycle.step()
        module.eval()
        if not len(check):
            continue
        with torch.no_grad():
            loss, since = float(loss_of(module(inputs[check]), wanted[check])), since + 1
        if loss < best:
            best, kept, since = loss, {key: value.clone() for key, value in module.state_dict().items()}, 0
        if since >= how.patience:
            break
    if kept is not None:
        module.load_state_dict(kept)


def _array(parameter: Any) -> Doubles:
    return np.asarray(parameter.detach().numpy(), np.float64)


def _taps_first(weights: Any) -> Doubles:
    """`(tap * channel, output)` from torch's `(output, channel, tap)`."""
    array = _array(weights).transpose(2, 1, 0)
    return array.reshape(-1, array.shape[-1])


def _folded_norm(norm: Any) -> tuple[Doubles, Doubles]:
    """The scale and offset that a batch norm is once it is trained."""
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return scale, _array(norm.bias) - scale * _array(norm.running_mean)
