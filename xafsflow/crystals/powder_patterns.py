"""Powder patterns of compounds: ideal peaks, and counts with what disturbs them in a laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from xafsflow.crystals.compounds import Compound
from xafsflow.crystals.prototypes import prototype, reciprocal_metric
from xafsflow.crystals.reflections import laue_rotations, reflections_up_to
from xafsflow.crystals.species_table import FACTOR_STEP, form_factor
from xafsflow.crystals.wavelengths import lines_of
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Singles
from xafsflow.kernels.diffraction.peak_profiles import add_pattern, lorentz_polarization
from xafsflow.kernels.diffraction.preferred_orientation import march_dollase
from xafsflow.kernels.diffraction.structure_factors import (
    geometric_sums,
    inverse_spacings,
    squared_structure_factors,
)

BEYOND = 1.0  # degrees: peaks so far outside the range have tails in it
Range = tuple[float, float]
AXES = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 0], [1, 1, 1]])


@dataclass(frozen=True)
class PatternSettings:
    """What is measured: wavelength (Angstrom, or an anode's name), two theta from `low` to `high` in `step`, degrees."""

    wavelength: float | str = "CuKa"
    low: float = 10.0
    high: float = 90.0
    step: float = 0.02

    def __post_init__(self) -> None:
        lines_of(self.wavelength)
        if not (0 < self.low < self.high <= 170 and 0 < self.step <= (self.high - self.low) / 10):
            raise InputError(
                f"two theta from {self.low} to {self.high} in steps of {self.step}",
                "0 < low < high <= 170 degrees, and ten steps or more",
                "set `range` and `step`",
            )

    @property
    def two_theta(self) -> Doubles:
        """The grid, degrees."""
        count = int(np.floor((self.high - self.low) / self.step + 1e-6)) + 1
        return np.round(self.low + self.step * np.arange(count), 6)


@dataclass(frozen=True)
class Disturbances:
    """What disturbs a pattern, each a range that its value is drawn from; equal ends fix it.

    Attributes
    ----------
    size
        Of crystallites, nm, on a logarithmic scale.
    strain
        Percent.
    instrument
        Width at small angles, degrees.
    zero_shift, displacement
        Degrees two theta; the second at theta 0, going with cos(theta).
    texture
        March-Dollase r along a low-index axis; 1 is none.
    background
        At the low end of the range, as a share of the highest peak.
    counts
        At the highest peak, on a logarithmic scale; None for no noise, and 1 at the highest peak.
    impurity
        Highest peak of another known type's pattern, as a share of the own highest.
    impure
        Share of patterns that have one.
    damping
        Debye-Waller B, Angstrom^2.
    """

    size: Range = (8.0, 150.0)
    strain: Range = (0.0, 0.4)
    instrument: Range = (0.04, 0.12)
    zero_shift: Range = (-0.06, 0.06)
    displacement: Range = (-0.06, 0.06)
    texture: Range = (0.6, 1.5)
    background: Range = (0.02, 0.40)
    counts: Range | None = (300.0, 30000.0)
    impurity: Range = (0.0, 0.1)
    impure: float = 0.5
    damping: Range = (0.2, 1.2)


UNDISTURBED = Disturbances(
    size=(100.0, 100.0),
    strain=(0.0, 0.0),
    instrument=(0.06, 0.06),
    zero_shift=(0.0, 0.0),
    displacement=(0.0, 0.0),
    texture=(1.0, 1.0),
    background=(0.0, 0.0),
    counts=None,
    impurity=(0.0, 0.0),
    impure=0.0,
    damping=(0.5, 0.5),
)


class PeakList(NamedTuple):
    """Peaks of an ideal powder at one wavelength.

    Reflections (peak, 3), two theta (degrees), 1/d (1/Angstrom), and intensity, 100 at the highest.
    """

    hkl: Indices
    two_theta: Doubles
    inverse_d: Doubles
    intensity: Doubles


class Strengths(NamedTuple):
    """Of one reflection of each set: (reflection, 3), 1/d, multiplicity times |F|^2."""

    hkl: Indices
    inverse_d: Doubles
    strength: Doubles


def strengths(compound: Compound, inverse_d: float) -> Strengths:
    """Multiplicity times |F|^2 of the reflections up to 1/d, 1/Angstrom."""
    kind = prototype(compound.kind)
    table = reflections_up_to(kind, compound.cell, inverse_d)
    spacing = inverse_spacings(table.hkl, reciprocal_metric(compound.cell))
    inside = spacing <= inverse_d
    hkl, sums, moves = table.hkl[inside], table.still[:, inside], kind.moves
    if moves.any():
        moved = np.zeros_like(sums)
        geometric_sums(hkl, compound.places[moves], kind.role[moves], moved)
        sums = sums + moved * len(kind.centering)
    factors = np.stack([sum(share * form_factor(s) for s, share in shares) for shares in compound.species])
    squared = squared_structure_factors(
        np.ascontiguousarray(sums), spacing[inside], factors, FACTOR_STEP, np.asarray(compound.damping)
    )
    return Strengths(hkl, spacing[inside], squared * table.multiplicity[inside])


def peak_list(compound: Compound, wavelength: float = 1.54056, highest: float = 90.0) -> PeakList:
    """Peaks of an ideal powder up to `highest` degrees two theta; reflections of one angle are one peak.

    Examples
    --------
    >>> from xafsflow.crystals.compounds import reference_compound
    >>> peaks = peak_list(reference_compound("rocksalt"))
    >>> peaks.two_theta[:2].round(2), peaks.hkl[peaks.intensity.argmax()]
    (array([27.37, 31.71]), array([2, 0, 0]))
    """
    limit = 2 * np.sin(np.radians(highest / 2)) / wavelength
    hkl, inverse_d, strength = strengths(compound, limit)
    order = np.argsort(inverse_d, kind="stable")
    hkl, inverse_d, strength = hkl[order], inverse_d[order], strength[order]
    two_theta = 2 * np.degrees(np.arcsin(0.5 * wavelength * inverse_d))
    starts = np.flatnonzero(np.diff(two_theta, prepend=-1.0) > 1e-4)
    area = np.add.reduceat(strength * lorentz_polarization(two_theta), starts)
    seen = area > 1e-9 * area.max()
    first = starts[seen]
    return PeakList(hkl[first], two_theta[first], inverse_d[first], 100 * area[seen] / area.max())


def pattern_of(
    compound: Compound,
    pattern: PatternSettings,
    disturbances: Disturbances,
    rng: np.random.Generator,
    impurity: Compound | None = None,
) -> Singles:
    """Counts of a compound's powder (two_theta).

    Parameters
    ----------
    compound
        What is measured.
    pattern, disturbances
        How, and what disturbs it; values are drawn from `rng`.
    rng
        Where they are drawn from.
    impurity
        What is in the powder besides.

    Examples
    --------
    >>> from xafsflow.crystals.compounds import reference_compound
    >>> y = pattern_of(reference_compound("rocksalt"), PatternSettings(), UNDISTURBED, np.random.default_rng(0))
    >>> PatternSettings().two_theta[y.argmax()].round(1)
    31.7
    """
    grid, lines = pattern.two_theta, lines_of(pattern.wavelength)
    shift = np.array([rng.uniform(*disturbances.zero_shift), rng.uniform(*disturbances.displacement)])
    instrument = rng.uniform(*disturbances.instrument)
    y = _phase(compound, pattern, disturbances, lines, shift, instrument, rng)
    if impurity is not None:
        other = _phase(impurity, pattern, disturbances, lines, shift, instrument, rng)
        y += np.float32(rng.uniform(*disturbances.impurity)) * other
    y += _background(grid, disturbances.background, rng)
    if disturbances.counts is None:
        return y
    height = np.exp(rng.uniform(*np.log(disturbances.counts)))
    return rng.poisson(np.float32(height) * y).astype(np.float32)


def _phase(
    compound: Compound,
    pattern: PatternSettings,
    disturbances: Disturbances,
    lines: Doubles,
    shift: Doubles,
    instrument: float,
    rng: np.random.Generator,
) -> Singles:
    """Peaks of one phase, 1 at the highest point."""
    size = 10 * np.exp(rng.uniform(*np.log(disturbances.size)))
    strain, r, axis = (
        rng.uniform(*disturbances.strain) / 100,
        rng.uniform(*disturbances.texture),
        rng.integers(4),
    )
    count = len(pattern.two_theta)
    y = np.zeros(count, np.float32)
    farthest = min(pattern.high + BEYOND, 178.0)
    limit = 2 * np.sin(np.radians(farthest / 2)) / lines[:, 0].min()
    hkl, inverse_d, strength = strengths(compound, limit)
    if r != 1:
        kind = prototype(compound.kind)
        metric = reciprocal_metric(compound.cell)
        strength = strength * march_dollase(hkl, laue_rotations(kind), metric, AXES[axis], r)
    shape = np.array([size, strain, instrument])
    add_pattern(y, pattern.low, pattern.step, inverse_d, strength, lines, shape, shift)
    highest = y.max()
    return y / highest if highest > 0 else y


def _background(grid: Doubles, share: Range, rng: np.random.Generator) -> Singles:
    """A falling curve, a constant, and the hump of something amorphous."""
    level, fall, rest, hump = (
        rng.uniform(*share),
        rng.uniform(8, 40),
        rng.uniform(0.2, 0.9),
        rng.uniform(0, 0.6),
    )
    middle, width = rng.uniform(0.12, 0.45), rng.uniform(0.05, 0.14)
    along = (grid - grid[0]) / (grid[-1] - grid[0])
    curve = rest + (1 - rest) * np.exp(-(grid - grid[0]) / fall)
    bell = np.exp(-0.5 * ((along - middle) / width) ** 2)
    return (level * (curve + hump * bell) / (1 + hump)).astype(np.float32)
