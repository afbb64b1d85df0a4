"""A one-dimensional residual network in torch, which is imported when it is needed, and its arrays."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.network.folded_network import STRIDE

ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class Shape:
    """Places that the first convolution and those of the blocks look at, and the channels of each block.

    `stride` is how many places the first convolution goes on at a time. With these, 90,000 weights.
    """

    stem: int = 7
    taps: int = 5
    widths: tuple[int, ...] = (16, 32, 64, 64)
    stride: int = STRIDE


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
            f"a residual network to train without its library ({error})",
            "the package torch",
            "install it with `pip install xafsflow[nets]`, or choose another learner",
        ) from error


def device_of(torch: Any) -> Any:
    """The accelerator of the machine, or its processor where there is none that torch can use."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def reproducible(torch: Any, seed: int) -> Iterator[None]:
    """Torch on one thread, with operations that always give the same bits, from this seed; afterwards as it was.

    Its random numbers and these settings are those of the whole process: threads wait for each other. Sums of another
    number of threads come in another order. On an accelerator other operations are
    taken, with a warning, where there are none that always give the same bits.
    """
    used = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with ONE_AT_A_TIME, torch.random.fork_rng(devices=used):
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        warns = torch.is_deterministic_algorithms_warn_only_enabled()
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True, warn_only=bool(used))
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict, warn_only=warns)


def new_network(torch: Any, shape: Shape, dropout: float, outputs: int) -> Any:
    """The network before its training, which takes tables `(sample, place)` to sums `(sample, output)`."""
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
            self.stem = convolution(1, widths[0], shape.stem, shape.stride, bias=True)
            blocks = [Block(widths[n], widths[n + 1], n == 0) for n in range(len(widths) - 1)]
            self.blocks = nn.Sequential(*blocks)
            self.behind, self.drop = nn.BatchNorm1d(widths[-1]), nn.Dropout(dropout)
            self.head = nn.Linear(widths[-1], outputs)

        def forward(self, table: Any) -> Any:
            found = relu(self.behind(self.blocks(self.stem(table[:, None]))))
            return self.head(self.drop(found.mean(-1)))

    return Network()


def folded_arrays(module: Any) -> list[Doubles]:
    """All weights of a network with the batch norms folded into them, as `folded_network.shapes` lists them."""
    found = [_taps_first(module.stem.weight), _array(module.stem.bias)]
    for block in module.blocks:
        inner, (scale, offset) = _taps_first(block.inner.weight), _folded_norm(block.middle)
        found += [*_folded_norm(block.before), inner * scale, offset, _taps_first(block.outer.weight)]
        found += [] if block.shortcut is None else [_taps_first(block.shortcut.weight)]
    return [*found, *_folded_norm(module.behind), _array(module.head.weight).T, _array(module.head.bias)]


def _array(parameter: Any) -> Doubles:
    return np.asarray(parameter.detach().cpu().numpy(), np.float64)


def _taps_first(weights: Any) -> Doubles:
    """`(tap * channel, output)` from torch's `(output, channel, tap)`."""
    array = _array(weights).transpose(2, 1, 0)
    return array.reshape(-1, array.shape[-1])


def _folded_norm(norm: Any) -> tuple[Doubles, Doubles]:
    """The scale and offset that a batch norm is once it is trained."""
    scale = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return scale, _array(norm.bias) - scale * _array(norm.running_mean)
