"""The answers of a trained residual network, from arrays alone: without torch, and to each sample by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Singles
from xafsflow.kernels.sequences.convolution_windows import lifted_windows
from xafsflow.learning.models.kernel_machine import softmax

if TYPE_CHECKING:
    from xafsflow.learning.network.residual_network import ResidualNetwork
    from xafsflow.learning.network.torch_network import Shape

# Every block but the first looks at every second place; the stem of spectra, too.
STRIDE = 2
# Samples whose sums are in memory at once: 0.58 ms a pattern with 4 to 8, 0.7 ms with two, and more beyond the cache.
BLOCK = 8


@dataclass(frozen=True, eq=False)
class FoldedNetwork:
    """A residual network with pre-activation whose batch norms are folded into scales and weights.

    Parameters
    ----------
    mean, scale
        `(feature,)` float64: the features are `(x - mean) / scale` before they go in, as one sequence.
    stem, taps
        Odd numbers of neighboring places that the first convolution, and those of the blocks, look at.
    stride
        Places that the first convolution goes on at a time.
    widths
        `(block,)` channels of each block.
    weights
        `(weight,)` float32, all arrays of `shapes` one behind the other.
    probabilities
        Whether the answers are probabilities of classes, by a softmax, or properties.
    classes
        `(output,)` which class or property an answer stands for.

    Notes
    -----
    With `r(a) = max(0, s a + t)`, convolutions `*`, and zeros beyond the ends, a block is `a + W2 * max(0, W1 * r(a) + b)`
    (He, Zhang, Ren and Sun, Identity mappings in deep residual networks, ECCV 2016); from the second block on `S * r(a)`
    stands in the place of the first `a`, and W1 and S take every second place. The head reads the mean over all places of
    `r(a)` behind the last block.
    """

    mean: Doubles
    scale: Doubles
    stem: int
    stride: int
    taps: int
    widths: Indices
    weights: Singles
    probabilities: bool
    classes: Indices

    @classmethod
    def from_fitted(cls, estimator: ResidualNetwork) -> FoldedNetwork:
        """Of a fitted `ResidualNetwork`."""
        scaled, classes = estimator.scaled, np.asarray(estimator.classes_, np.int64)
        arrays, probabilities = estimator.folded(), not estimator.regression
        return cls.of_arrays(arrays, estimator.shape, scaled.mean, scaled.scale, classes, probabilities)

    @classmethod
    def of_arrays(
        cls,
        arrays: list[Doubles],
        shape: Shape,
        mean: Doubles,
        scale: Doubles,
        classes: Indices,
        probabilities: bool = True,
    ) -> FoldedNetwork:
        """Of the arrays of a trained network, as `shapes` lists them."""
        weights = [one.astype(np.float32) for one in arrays]
        if [one.shape for one in weights] != shapes(shape.stem, shape.taps, shape.widths, len(classes)):
            raise AssertionError("the training gives other weights than the answer reads")
        return cls(
            mean=mean,
            scale=scale,
            stem=shape.stem,
            stride=shape.stride,
            taps=shape.taps,
            widths=np.array(shape.widths, np.int64),
            weights=np.concatenate([one.ravel() for one in weights]),
            probabilities=probabilities,
            classes=classes,
        )

    @property
    def n_features(self) -> int:
        """How many features it reads."""
        return len(self.mean)

    @cached_property
    def arrays(self) -> list[Singles]:
        """The weights in their shapes."""
        wanted = shapes(self.stem, self.taps, self.widths.tolist(), len(self.classes))
        ends = np.cumsum([np.prod(shape) for shape in wanted])
        parts = np.split(self.weights, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, wanted, strict=True)]

    def predict(self, features: Singles) -> Doubles:
        """Probabilities `(pixel, class)` or answers `(pixel, property)` to features `(feature, pixel)`.

        The answer to a pixel does not depend on the others, to the bit.
        """
        table = np.asarray((features.T - self.mean) / self.scale, np.float32)
        found = np.zeros((len(table), len(self.classes)))
        for start in range(0, len(table), BLOCK):
            found[start : start + BLOCK] = self._sums(table[start : start + BLOCK, :, None])
        return softmax(found) if self.probabilities else found

    def _sums(self, sequences: Singles) -> Singles:
        """What the head gives `(sample, output)` for `(sample, place, 1)`."""
        arrays = iter(self.arrays)
        weights, offset = next(arrays), next(arrays)
        found = convolved(sequences, weights, self.stride) + offset
        for number in range(len(self.widths)):
            found = _block(found, arrays, 1 if number == 0 else STRIDE)
        active = lifted_windows(found, next(arrays), next(arrays), 1, 1)
        # A product for every sample, as in the convolutions: what a sum over places gives may depend on what is beside it.
        mean = np.full((1, active.shape[1]), 1 / active.shape[1], np.float32) @ active
        return np.asarray((mean @ next(arrays) + next(arrays))[:, 0])

    def check(self) -> None:
        """Refuse arrays that do not belong together.

        Raises
        ------
        InputError
            Another dtype or length, or numbers that are no sizes.
        """
        arrays = (
            (self.mean, "f8"),
            (self.scale, "f8"),
            (self.widths, "i8"),
            (self.weights, "f4"),
            (self.classes, "i8"),
        )
        fits = all(
            isinstance(a, np.ndarray) and a.dtype == np.dtype(kind) and a.ndim == 1 for a, kind in arrays
        )
        fits = fits and isinstance(self.probabilities, bool)
        fits = fits and all(type(one) is int and one > 0 and one % 2 == 1 for one in (self.stem, self.taps))
        fits = fits and type(self.stride) is int and self.stride > 0
        fits = fits and len(self.widths) > 0 and bool((self.widths > 0).all()) and len(self.classes) > 0
        fits = fits and 0 < len(self.mean) == len(self.scale) and bool((self.scale > 0).all())
        if fits:
            wanted = shapes(self.stem, self.taps, self.widths.tolist(), len(self.classes))
            fits = sum(int(np.prod(shape)) for shape in wanted) == len(self.weights)
        if not fits or not np.isfinite(self.weights).all():
            raise InputError(
                "a damaged residual network", "the arrays of one training", "train the model again"
            )


def shapes(
    stem: int, taps: int, widths: Iterator[int] | list[int] | tuple[int, ...], outputs: int
) -> list[tuple[int, ...]]:
    """Shapes of all weights, in the order in which they are read.

    Of the stem, weights `(tap, channel)` and offsets; of each block scale and offset before it, weights
    `(tap * channel, channel)` and offsets of its first convolution, weights of its second, and from the second
    block on those of its shortcut; scale and offset behind the last block; weights `(channel, output)` and offsets
    of the head.

    Examples
    --------
    >>> shapes(7, 3, [2], 5)
    [(7, 2), (2,), (2,), (2,), (6, 2), (2,), (6, 2), (2,), (2,), (2, 5), (5,)]
    """
    found, before = list[tuple[int, ...]](), 0
    for width in widths:
        shortcut = [(before, width)] if before else []
        if not before:
            found, before = [(stem, width), (width,)], width
        found += [(before,), (before,), (taps * before, width), (width,), (taps * width, width), *shortcut]
        before = width
    return [*found, (before,), (before,), (before, outputs), (outputs,)]


def convolved(values: Singles, weights: Singles, stride: int) -> Singles:
    """Sums over neighboring places and channels, at every `stride`th place; zeros stand beyond the ends.

    Each sample is a product of matrices by itself, always of the same shape: what a library of linear algebra gives
    for a row may depend on where in a larger matrix it stands.

    Parameters
    ----------
    values
        `(sample, place, channel)` float32.
    weights
        `(tap * channel, output)` float32, of an odd number of taps.
    stride
        Places from one sum to the next.

    Returns
    -------
    ndarray
        `(sample, place, output)`: `y[x] = sum_kc W[k, c] a[stride x + k - taps // 2, c]`, torch's `Conv1d`.

    Examples
    --------
    >>> convolved(np.array([[[1.0], [2.0], [4.0]]], "f4"), np.array([[0.0], [1.0], [10.0]], "f4"), 2)[0, :, 0].tolist()
    [21.0, 4.0]
    """
    samples, length, channels = values.shape
    taps = len(weights) // channels
    half = taps // 2
    padded = np.zeros((samples, length + 2 * half, channels), np.float32)
    padded[:, half : half + length] = values
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps, axis=1)[:, ::stride].swapaxes(2, 3)
    return np.asarray(np.ascontiguousarray(windows).reshape(samples, windows.shape[1], -1) @ weights)


def _block(values: Singles, arrays: Iterator[Singles], stride: int) -> Singles:
    """One residual block, which takes its arrays in their order."""
    channels = values.shape[2]
    scale, offset, weights = next(arrays), next(arrays), next(arrays)
    taps = len(weights) // channels
    windows = lifted_windows(values, scale, offset, taps, stride)
    inner, offset, second = windows @ weights, next(arrays), next(arrays)
    found = lifted_windows(inner, np.ones_like(offset), offset, taps, 1) @ second
    if stride == 1:
        found += values
    else:
        middle = taps // 2 * channels
        found += np.ascontiguousarray(windows[:, :, middle : middle + channels]) @ next(arrays)
    return np.asarray(found)
