"""The settings of a phantom, checked when it is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Numbers
from xafsflow.phantom.spectra import FE_K, Reference, name_of, spectrum

Pattern = Literal["grains", "smooth", "ramp"]

# (to energy relative to e0, step) in eV: coarse before the edge, fine over it, coarser after it; 210 energies.
SEGMENTS = ((-14.0, 4.0), (-4.0, 1.0), (48.0, 0.4), (190.5, 2.5))
FIRST = -62.0
DARK_FRAMES = 5


@dataclass(frozen=True)
class Phantom:
    """A simulated transmission scan at an absorption edge, by default of three iron phases.

    Parameters
    ----------
    size
        Rows and columns of an image.
    energies
        Nominal energies in eV, all different, or how many: a scan from 62 eV below to 190.5 eV above `e0`,
        denser over the edge.
    references
        What the sample is made of: names of `SPECTRA`, or `Reference(name, energy, mu)` of the caller's own.
    foil
        The reference of the calibration foil; None for a measurement without one.
    pattern
        How the references lie in the sample: `grains` of mostly one reference each, `smooth` zones that run
        into each other, or a `ramp` from the first reference at the left to the last at the right.
    grain
        Size of grains or zones in pixels; by default a sixth of the smaller side.
    seed
        Another seed is another sample, another camera and other noise.
    counts
        Mean counts of a pixel without sample; the detector saturates at 65535.
    flux_jitter
        Standard deviation of the flux from shot to shot, relative.
    noise
        False leaves photon and readout noise away; rounding to whole counts stays.
    tilt, tilt_x, curvature, offset
        The true energy of a pixel minus the nominal one, in eV: the difference between bottom and top row,
        between right and left column, the bending at top and bottom against the mean, and a constant.
    thickness
        The least and the largest edge step of the sample.
    matrix
        Absorbance at `e0` of all else in the sample.
    hole_share, dead_share
        Share of pixels without sample, and of dead detector pixels (always 65535).
    drift
        How far the sample moves over the whole scan, in pixels along y and x, at constant speed.
    e0, element, edge
        The edge that the spectra belong to; absorbance falls off as `(E/e0)^-3`.

    Raises
    ------
    InputError
        For a setting that is out of its range, naming it.

    Examples
    --------
    >>> phantom = Phantom(size=(64, 80), energies=50, seed=1)
    >>> phantom.energy[[0, -1]]
    array([7050. , 7302.5])
    >>> phantom == Phantom(size=(64, 80), energies=50, seed=1)
    True
    """

    size: tuple[int, int] = (128, 160)
    energies: ArrayLike = 210
    references: tuple[str | Reference, ...] = ("Fe", "FeO", "Fe2O3")
    foil: str | Reference | None = "Fe"
    pattern: Pattern = "grains"
    grain: float | None = None
    seed: int = 0
    counts: float = 19000.0
    flux_jitter: float = 0.003
    noise: bool = True
    tilt: float = 2.2
    tilt_x: float = 0.15
    curvature: float = 0.06
    offset: float = 0.0
    thickness: tuple[float, float] = (0.5, 1.15)
    matrix: float = 0.55
    hole_share: float = 0.1
    dead_share: float = 1e-4
    drift: tuple[float, float] = (0.0, 0.0)
    e0: float = FE_K
    element: str = "Fe"
    edge: str = "K"

    def __post_init__(self) -> None:
        # Tuples of plain numbers, so that a phantom can be hashed, compared and written down.
        for name in ("size", "references", "thickness", "drift"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if isinstance(self.energies, int | np.integer):
            object.__setattr__(self, "energies", int(self.energies))
        else:
            object.__setattr__(self, "energies", tuple(np.asarray(self.energies, float).ravel().tolist()))
        _check_ranges(self)
        _check_energies(self)
        _check_references(self)

    @property
    def energy(self) -> Doubles:
        """The nominal energies, eV."""
        if isinstance(self.energies, int):
            return nominal_energies(self.energies, self.e0)
        return np.array(self.energies, float)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the references."""
        return tuple(name_of(reference) for reference in self.references)

    @property
    def grain_size(self) -> float:
        """Size of grains or zones in pixels."""
        return max(2.0, min(self.size) / 6) if self.grain is None else self.grain


def nominal_energies(count: int, e0: float) -> Doubles:
    """Energies of a scan: those of `SEGMENTS` for 210, and as densely distributed for another number."""
    grid = scan_grid(FIRST, SEGMENTS)
    place = np.linspace(0, grid.size - 1, count)
    return np.round(e0 + np.interp(place, np.arange(grid.size), grid), 3)


def scan_grid(first: float, segments: Sequence[tuple[float, float]]) -> Doubles:
    """Points from `first` on, in segments `(to, step)`."""
    points, low = [first], first
    for high, step in segments:
        points += [low + step * (i + 1) for i in range(round((high - low) / step))]
        low = high
    return np.array(points)


def shift_of(phantom: Phantom, rows: Numbers, columns: Numbers) -> tuple[Doubles, Doubles]:
    """The energy shift in eV as a part of the row and a part of the column, to be added."""
    height, width = phantom.size
    v = (2 * rows + 1 - height) / height
    u = (2 * columns + 1 - width) / width
    along_y = phantom.offset + phantom.tilt / 2 * v + phantom.curvature * (v**2 - 1 / 3)
    return along_y, phantom.tilt_x / 2 * u


def shift_range(phantom: Phantom) -> tuple[float, float]:
    """The least and the largest energy shift of the field, eV."""
    parts = shift_of(phantom, np.arange(phantom.size[0]), np.arange(phantom.size[1]))
    return float(sum(part.min() for part in parts)), float(sum(part.max() for part in parts))


def _check_ranges(phantom: Phantom) -> None:
    pairs = (phantom.size, phantom.thickness, phantom.drift)
    if {len(pair) for pair in pairs} != {2}:
        raise InputError(f"phantom with size, thickness, drift = {pairs}", "two numbers each", "give pairs")
    low, high = phantom.thickness
    shift = (phantom.tilt, phantom.tilt_x, phantom.curvature, phantom.offset)
    if not np.isfinite((*shift, *phantom.drift, high, phantom.matrix, phantom.counts, phantom.e0)).all():
        raise InputError(
            f"phantom with numbers that are not finite: {phantom!r}", "finite numbers", "change them"
        )
    whole = all(isinstance(number, int | np.integer) for number in (*phantom.size, phantom.seed))
    rules = (
        ("size", whole and min(phantom.size) >= 1, "two whole numbers, 1 or more"),
        ("seed", whole and phantom.seed >= 0, "a whole number, 0 or more"),
        ("counts", phantom.counts > 0, "more than 0"),
        ("flux_jitter", 0 <= phantom.flux_jitter < 0.2, "from 0 to 0.2"),
        ("thickness", 0 <= low <= high, "the least and the largest edge step, 0 or more"),
        ("matrix", phantom.matrix >= 0, "0 or more"),
        ("hole_share", 0 <= phantom.hole_share < 1, "from 0 to below 1"),
        ("dead_share", 0 <= phantom.dead_share < 1, "from 0 to below 1"),
        ("pattern", phantom.pattern in get_args(Pattern), f"one of {', '.join(get_args(Pattern))}"),
        ("grain", 2 <= phantom.grain_size < math.inf, "2 pixels or more"),
    )
    for name, good, wanted in rules:
        if not good:
            raise InputError(f"phantom with {name}={getattr(phantom, name)!r}", wanted, f"change {name}")


def _check_energies(phantom: Phantom) -> None:
    if isinstance(phantom.energies, int):
        if phantom.energies < 4:
            raise InputError(f"phantom with {phantom.energies} energies", "4 or more", "change energies")
        return
    energy = phantom.energy
    good = (
        energy.size > 0
        and np.isfinite(energy).all()
        and energy.min() > 0
        and np.unique(energy).size == energy.size
    )
    if not good:
        raise InputError(
            f"phantom with {energy.size} energies, {np.unique(energy).size} of them different",
            "one or more, positive and all different, in eV",
            "change energies",
        )


def _check_references(phantom: Phantom) -> None:
    if not phantom.references or len(set(phantom.names)) < len(phantom.names):
        raise InputError(
            f"phantom with the references {', '.join(phantom.names) or '(none)'}",
            "one or more, all different",
            "change references",
        )
    named = [r for r in (*phantom.references, phantom.foil) if isinstance(r, str)]
    if named and abs(phantom.e0 - FE_K) > 50:
        raise InputError(
            f"phantom of {', '.join(named)} with e0={phantom.e0:g} eV",
            f"e0 within 50 eV of {FE_K:g}, the K edge that the named spectra belong to",
            "give spectra of the other edge as Reference(name, energy, mu), also for foil",
        )
    low, high = shift_range(phantom)
    ends = np.array([phantom.energy.min() + low, phantom.energy.max() + high])
    for reference in (*phantom.references, *((phantom.foil,) if phantom.foil else ())):
        spectrum(reference, ends)
