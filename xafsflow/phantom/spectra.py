"""Reference spectra of phantoms: simulated ones of common iron phases, or arrays that the caller measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.vocabulary import nearest

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

# The tabulated K edge of iron metal, eV.
FE_K = 7112.0
# k^2 = 2 m (E - E0) / hbar^2, in 1/(Angstrom^2 eV)
K_SQUARED = 0.262468
# The oscillation after the edge reaches half its height this many eV above it.
ONSET = 30.0
# Broad peaks (eV above the edge, width); their heights make the edge step about 1 for any usual range.
BROAD = ((30.0, 10.0), (62.0, 12.0), (110.0, 25.0))


@dataclass(frozen=True)
class Shape:
    """The parts of a simulated K-edge spectrum; see `spectrum` for the formula. Energies and widths in eV.

    `edge` is where the spectrum is steepest; `steps` are `(share, energy, width)` with shares that sum to
    one; `peaks` are `(height, energy, width)`: pre-edge peak, white line, and what follows; `broad` are the
    heights of `BROAD`; `shells` are `(amplitude, distance in Angstrom, phase, mean square displacement in
    Angstrom^2)`.
    """

    edge: float
    steps: tuple[tuple[float, float, float], ...]
    peaks: tuple[tuple[float, float, float], ...]
    broad: tuple[float, float, float]
    shells: tuple[tuple[float, float, float, float], ...]


# Shaped by hand after what such phases look like: edges move up with the oxidation state, oxides have a
# white line and a pre-edge peak, the metal a shoulder. They are simulated: good for tests, not for the
# analysis of a measurement.
SPECTRA: Mapping[str, Shape] = {
    "Fe": Shape(
        edge=7112.0,
        steps=((0.34, 7112.0, 1.1), (0.48, 7119.2, 2.6), (0.18, 7125.5, 2.5)),
        peaks=((0.03, 7115.0, 1.5), (0.10, 7131.0, 2.6), (-0.07, 7137.0, 3.0)),
        broad=(0.018, 0.004, -0.019),
        shells=((0.15, 2.2, -1.6, 0.010), (0.09, 4.2, 0.3, 0.010)),
    ),
    "FeO": Shape(
        edge=7118.7,
        steps=((0.24, 7115.4, 1.6), (0.76, 7118.3, 2.5)),
        peaks=((0.03, 7112.4, 1.1), (0.52, 7125.8, 3.0), (0.14, 7141.0, 3.5), (-0.13, 7150.5, 7.0)),
        broad=(0.033, 0.036, -0.029),
        shells=((0.13, 1.9, -3.9, 0.018), (0.07, 2.9, 0.5, 0.016)),
    ),
    "Fe2O3": Shape(
        edge=7122.7,
        steps=((0.20, 7119.0, 1.6), (0.80, 7122.5, 2.4)),
        peaks=(
            (0.08, 7113.5, 1.1),
            (0.05, 7115.0, 1.1),
            (0.55, 7130.4, 2.9),
            (0.25, 7137.5, 4.0),
            (0.20, 7145.6, 4.0),
            (-0.12, 7160.0, 8.0),
        ),
        broad=(-0.001, 0.042, -0.023),
        shells=((0.11, 1.72, -3.6, 0.018), (0.05, 2.9, 0.2, 0.016)),
    ),
    "Fe3O4": Shape(
        edge=7121.6,
        steps=((0.28, 7117.6, 2.2), (0.72, 7121.4, 2.8)),
        peaks=(
            (0.09, 7113.2, 1.2),
            (0.46, 7129.2, 3.4),
            (0.18, 7136.5, 4.0),
            (0.14, 7145.0, 3.5),
            (-0.14, 7158.5, 8.0),
        ),
        broad=(0.028, 0.055, -0.026),
        shells=((0.12, 1.78, -3.6, 0.018), (0.06, 3.0, 0.3, 0.016)),
    ),
    "FeS2": Shape(
        edge=7116.8,
        steps=((0.70, 7116.8, 1.3), (0.30, 7127.5, 3.0)),
        peaks=((0.10, 7112.2, 1.3), (0.12, 7119.2, 1.5), (0.16, 7136.5, 5.5), (-0.10, 7162.0, 7.0)),
        broad=(0.007, 0.05, -0.02),
        shells=((0.11, 2.1, -0.6, 0.012), (0.05, 3.1, 0.0, 0.012)),
    ),
    "FeCO3": Shape(
        edge=7120.6,
        steps=((0.15, 7116.5, 1.4), (0.85, 7120.4, 1.9)),
        peaks=((0.03, 7112.4, 1.2), (0.48, 7124.4, 2.5), (0.22, 7134.8, 3.6), (-0.24, 7149.0, 6.0)),
        broad=(0.17, -0.02, 0.005),
        shells=((0.10, 2.0, -3.2, 0.018), (0.05, 3.2, 0.3, 0.016)),
    ),
    "FeOOH": Shape(
        edge=7124.2,
        steps=((0.15, 7120.0, 1.6), (0.85, 7123.8, 2.2)),
        peaks=((0.06, 7113.4, 1.2), (0.50, 7129.6, 2.8), (0.26, 7136.6, 5.0), (-0.15, 7160.5, 8.0)),
        broad=(0.08, 0.047, -0.021),
        shells=((0.10, 1.8, -3.6, 0.018), (0.04, 3.1, 0.0, 0.016)),
    ),
}


@dataclass(frozen=True)
class Reference:
    """A spectrum of the caller's: rising energies in eV; absorbance, 0 before the edge, about 1 after it.

    Raises
    ------
    InputError
        Where energies do not rise, values not finite, the lengths differ, or the name cannot name a
        file.

    Examples
    --------
    >>> flat = Reference("step", [7000.0, 7110.0, 7114.0, 7400.0], [0.0, 0.0, 1.0, 1.0])
    >>> spectrum(flat, [7050.0, 7112.0, 7200.0])
    array([0. , 0.5, 1. ])
    """

    name: str
    energy: ArrayLike
    mu: ArrayLike

    def __post_init__(self) -> None:
        # Tuples, so that a phantom can be hashed and compared.
        energy, mu = (tuple(np.asarray(v, float).ravel().tolist()) for v in (self.energy, self.mu))
        object.__setattr__(self, "energy", energy)
        object.__setattr__(self, "mu", mu)
        if not re.fullmatch(r"[\w][\w.+-]*", self.name):
            raise InputError(
                f"a reference named {self.name!r}", "letters, digits, '_', '.', '+', '-'", "rename it"
            )
        if len(energy) != len(mu) or len(energy) < 2:
            raise InputError(
                f"reference {self.name}: {len(energy)} energies and {len(mu)} values",
                "two values or more, one an energy",
                "check the arrays",
            )
        if not (np.isfinite(energy).all() and np.isfinite(mu).all() and (np.diff(energy) > 0).all()):
            raise InputError(
                f"reference {self.name}: values that are not finite, or energies that do not rise",
                "finite values at rising energies",
                "sort by energy and drop repeated or missing points",
            )


def spectrum(reference: str | Reference, energy: ArrayLike) -> Doubles:
    """Normalized absorbance of a reference: 0 before the edge, oscillating about 1 after it.

    Parameters
    ----------
    reference
        A name of `SPECTRA`, or the caller's spectrum, which is interpolated (monotone cubic) between its
        points.
    energy
        eV, any shape.

    Returns
    -------
    ndarray
        The shape of `energy`.

    Notes
    -----
    A named spectrum is

        sum_i share_i (1 + tanh((E - E_i)/w_i))/2 + sum_j h_j exp(-(E - E_j)^2/(2 w_j^2)) + c(d) chi(k)
        chi(k) = sum_s A_s exp(-2 s_s k^2) sin(2 R_s k + p_s),   k^2 = 0.2625 d,   d = max(E - edge, 0)

    with `c(d) = d^2/(d^2 + 30^2)`, so that the oscillation sets in smoothly. The `tanh` stands for the
    arctangent of a core-hole edge without its long tails. Broad peaks are among the peaks: with them, a line
    from -150 to -30 eV and a polynomial of degree 1 or 2 after the edge find an edge step of 1 within 4 %.

    Raises
    ------
    InputError
        For an unknown name, or energies that the caller's spectrum does not cover.

    Examples
    --------
    >>> spectrum("Fe2O3", [7115.0, 7130.5, 7300.0]).round(1)
    array([0.1, 1.6, 1. ])
    """
    at = np.asarray(energy, float)
    if isinstance(reference, Reference):
        return _interpolated(reference, at)
    if reference not in SPECTRA:
        raise InputError(
            f"the reference {reference!r}{nearest(reference, SPECTRA)}",
            f"one of {', '.join(SPECTRA)}",
            "or give the spectrum itself as Reference(name, energy, mu)",
        )
    shape = SPECTRA[reference]
    mu = np.zeros(at.shape)
    for share, center, width in shape.steps:
        mu += share * 0.5 * (1 + np.tanh((at - center) / width))
    broad = [(h, shape.edge + offset, w) for h, (offset, w) in zip(shape.broad, BROAD, strict=True)]
    for height, center, width in (*shape.peaks, *broad):
        mu += height * np.exp(-0.5 * ((at - center) / width) ** 2)
    above = np.maximum(at - shape.edge, 0)
    k = np.sqrt(K_SQUARED * above)
    onset = above**2 / (above**2 + ONSET**2)
    for amplitude, distance, phase, displacement in shape.shells:
        mu += onset * amplitude * np.exp(-2 * displacement * k**2) * np.sin(2 * distance * k + phase)
    return mu


def _interpolated(reference: Reference, energy: Doubles) -> Doubles:
    known = np.asarray(reference.energy, float)
    low, high = known[0], known[-1]
    if energy.size and (energy.min() < low or energy.max() > high):
        raise InputError(
            f"reference {reference.name} from {low:.2f} to {high:.2f} eV",
            f"values from {energy.min():.2f} to {energy.max():.2f} eV (the scan with its energy shift and, where it is "
            "broadened, six sigma)",
            "give a longer spectrum, or fewer energies",
        )
    return np.asarray(piecewise(reference)(energy))


def piecewise(reference: Reference) -> PchipInterpolator:
    """The caller's spectrum between its points: a monotone cubic from each to the next."""
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(np.asarray(reference.energy, float), np.asarray(reference.mu, float))


def name_of(reference: str | Reference) -> str:
    """The name of a reference, named or given as arrays."""
    return reference.name if isinstance(reference, Reference) else reference
