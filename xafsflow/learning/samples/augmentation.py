"""Noisy, broadened and moved copies of spectra whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.io.readers.spectrum_library import broadened
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Singles
from xafsflow.learning.samples.row_blocks import row_blocks


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of spectra: `noisy` (copy, energy), the `level` of their noise (copy,), of which they are (`origin`).

    `clean` (copy, energy) are the same without noise, where they were asked for.
    """

    clean: Singles | None
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


# How noise comes into spectra: in a way that is known; as that of counts; or None, Gaussian and into each value its own.
Response: TypeAlias = NoiseResponse | Literal["poisson"] | None


@dataclass(frozen=True)
class Augmentation:
    """How copies differ from their spectrum.

    Parameters
    ----------
    levels
        Standard deviations of the noise, in units of the edge step: copies take them in turn.
    response
        How noise comes into the spectra, see `with_noise`.
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
    response: Response = None
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

    def __call__(
        self,
        axis: Doubles,
        spectra: Floats,
        rng: np.random.Generator,
        *,
        rows: Indices | None = None,
        keep_clean: bool = False,
    ) -> Copies:
        """Copies of spectra `(sample, energy)` over the axis `(energy,)`, all first copies before all second ones.

        Of all spectra, or of those at the places `rows`.

        Examples
        --------
        >>> made = Augmentation(levels=[0.0, 0.1], copies=2)(np.arange(300.0), np.ones((2, 300)), np.random.default_rng(0))
        >>> made.level.tolist(), [f"{scatter:.1f}" for scatter in made.noisy.std(axis=1)]
        ([0.0, 0.0, 0.1, 0.1], ['0.0', '0.0', '0.1', '0.1'])
        """
        rows = np.arange(len(spectra)) if rows is None else rows
        origin = np.tile(rows, self.copies)
        levels = np.asarray(self.levels, float)
        turn = np.repeat(np.arange(self.copies) % len(levels), len(rows))
        level = levels[rng.integers(len(levels), size=len(origin)) if self.drawn else turn]
        width = rng.uniform(*self.broadening, len(origin))
        offset = rng.uniform(*self.shift, len(origin))
        noisy = np.empty((len(origin), spectra.shape[1]), np.float32)
        kept = np.empty_like(noisy) if keep_clean else None
        changed = bool(width.any() or offset.any())
        for part in row_blocks(*noisy.shape):
            clean = spectra[origin[part]].astype(np.float32, copy=False)
            for number, one in enumerate(origin[part] if changed else ()):
                place = part.start + number
                clean[number] = moved(axis, spectra[one], width[place], offset[place])
            noisy[part] = with_noise(clean, level[part], rng, self.response)
            if kept is not None:
                kept[part] = clean
        return Copies(kept, noisy, level, origin)


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
    response: Response = None,
) -> Singles:
    """Spectra `(sample, energy)` with noise of these standard deviations `(sample,)`, or of one for all.

    Gaussian, of each value its own or by a `NoiseResponse`; or `poisson`: a value `v` is counted as `v/level^2` quanta, so
    that its noise is `level sqrt(v)`, the level where a spectrum is one; what is not above zero has none.

    Examples
    --------
    >>> offset = NoiseResponse(np.ones((1, 3)), np.zeros(1))
    >>> noisy = with_noise(np.zeros((500, 3), "f4"), 0.1, np.random.default_rng(0), offset)
    >>> bool(np.ptp(noisy, axis=1).max() == 0), f"{noisy.std():.1f}"
    (True, '0.1')
    """
    size = np.broadcast_to(np.asarray(level, np.float32), len(spectra))[:, None]
    if response == "poisson":
        quantum = np.where(size > 0, size**2, 1).astype(np.float64)
        counted = rng.poisson(np.maximum(spectra, 0) / quantum) * quantum
        return np.where((size > 0) & (spectra > 0), counted, spectra).astype(np.float32)
    if response is None:
        return np.asarray(spectra + size * rng.standard_normal(spectra.shape, np.float32), np.float32)
    random = rng.standard_normal((len(spectra), len(response.step)), np.float32)
    noise = random @ response.values.astype(np.float32)
    noise += (random @ response.step.astype(np.float32))[:, None] * spectra
    return np.asarray(spectra + size * noise, np.float32)
