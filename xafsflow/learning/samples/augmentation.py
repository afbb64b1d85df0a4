"""Noisy, broadened and moved copies of spectra whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.spectrum_library import broadened
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Singles


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of spectra: `clean` and `noisy` (copy, energy), the `level` of their noise (copy,), and of which they are."""

    clean: Singles
    noisy: Singles
    level: Doubles
    origin: Indices


@dataclass(frozen=True, eq=False)
class NoiseResponse:
    """How noise of measured values comes into a normalized spectrum, as `derive.noise` tells it of a scan.

    `values` (source, energy) and `step` (source,): sources `n` of noise of one change `norm` by
    `(values + step norm)^T n` times the pixel's noise.
    """

    values: Doubles
    step: Doubles


@dataclass(frozen=True)
class Augmentation:
    """How copies differ from their spectrum.

    Parameters
    ----------
    levels
        Standard deviations of Gaussian noise, in units of the edge step: copies take them in turn.
    response
        How noise comes into the spectra; None: each value has its own.
    drawn
        Each copy of each spectrum takes a level at random instead.
    broadening
        Smallest and largest standard deviation of a Gaussian, eV, by which a copy is broadened.
    shift
        Smallest and largest energy offset of a copy, eV.
    copies
        Of each spectrum.

    Raises
    ------
    InputError
        A smallest value is above the largest.
    """

    levels: Sequence[float] = (0.0,)
    response: NoiseResponse | None = None
    drawn: bool = False
    broadening: tuple[float, float] = (0.0, 0.0)
    shift: tuple[float, float] = (0.0, 0.0)
    copies: int = 1

    def __post_init__(self) -> None:
        """Refuse ranges that fall."""
        for name, (low, high) in {"broadening": self.broadening, "shift": self.shift}.items():
            if low > high:
                raise InputError(
                    f"{name} from {low:g} to {high:g}", "the smallest, then the largest", "swap them"
                )

    def __call__(self, axis: Doubles, spectra: Floats, rng: np.random.Generator) -> Copies:
        """Copies of spectra `(sample, energy)` over the axis `(energy,)`, all first copies before all second ones.

        Examples
        --------
        >>> made = Augmentation(levels=[0.0, 0.1], copies=2)(np.arange(300.0), np.ones((2, 300)), np.random.default_rng(0))
        >>> made.level.tolist(), [f"{scatter:.1f}" for scatter in made.noisy.std(axis=1)]
        ([0.0, 0.0, 0.1, 0.1], ['0.0', '0.0', '0.1', '0.1'])
        """
        origin = np.tile(np.arange(len(spectra)), self.copies)
        levels = np.asarray(self.levels, float)
        turn = np.repeat(np.arange(self.copies) % len(levels), len(spectra))
        level = levels[rng.integers(len(levels), size=len(origin)) if self.drawn else turn]
        width = rng.uniform(*self.broadening, len(origin))
        offset = rng.uniform(*self.shift, len(origin))
        clean = np.asarray(spectra, np.float32)[origin]
        if width.any() or offset.any():
            for number, one in enumerate(origin):
                clean[number] = moved(axis, spectra[one], width[number], offset[number])
        return Copies(clean, with_noise(clean, level, rng, self.response), level, origin)


def moved(axis: Doubles, spectrum: Floats, width: float, offset: float) -> Doubles:
    """A spectrum broadened by a Gaussian of this standard deviation, and moved up in energy; its ends go on level.

    Examples
    --------
    >>> moved(np.arange(5.0), np.array([0.0, 0.0, 1.0, 1.0, 1.0]), 0.0, 1.0).round(6).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0]
    """
    found = broadened(axis, np.asarray(spectrum, np.float64), width**2)
    if offset == 0:
        return found
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(axis, found)(np.clip(axis - offset, axis[0], axis[-1])))


def with_noise(
    spectra: Singles,
    level: NDArray[np.float64] | float,
    rng: np.random.Generator,
    response: NoiseResponse | None = None,
) -> Singles:
    """Spectra `(sample, energy)` with Gaussian noise of these standard deviations `(sample,)`, or of one for all.

    Examples
    --------
    >>> offset = NoiseResponse(np.ones((1, 3)), np.zeros(1))
    >>> noisy = with_noise(np.zeros((500, 3), "f4"), 0.1, np.random.default_rng(0), offset)
    >>> bool(np.ptp(noisy, axis=1).max() == 0), f"{noisy.std():.1f}"
    (True, '0.1')
    """
    size = np.broadcast_to(np.asarray(level, np.float32), len(spectra))[:, None]
    if response is None:
        return np.asarray(spectra + size * rng.standard_normal(spectra.shape, np.float32), np.float32)
    random = rng.standard_normal((len(spectra), len(response.step)), np.float32)
    noise = random @ response.values.astype(np.float32)
    noise += (random @ response.step.astype(np.float32))[:, None] * spectra
    return np.asarray(spectra + size * noise, np.float32)
