"""Powder patterns of compounds: ideal peaks, and counts with what disturbs them in a laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log
from typing import NamedTuple

import numpy as np

from xafsflow.crystals.compounds import Compound
from xafsflow.crystals.prototypes import prototype, reciprocal_metric
from xafsflow.crystals.reflections import reflections_up_to
from xafsflow.crystals.species_table import FACTOR_STEP, mean_form_factor
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Singles
from xafsflow.kernels.diffraction.peak_profiles import add_background, add_pattern, lorentz_polarization
from xafsflow.kernels.diffraction.preferred_orientation import march_dollase
from xafsflow.kernels.diffraction.structure_factors import (
    geometric_sums,
    inverse_spacings,
    squared_structure_factors,
)
from xafsflow.wavelengths import lines_of

BEYOND = 1.0  # degrees: peaks so far outside the range have tails in it
Range = tuple[float, float]
FLOOR = 5e-4  # of the highest peak: less than the noise, and tails end there
FEW = 40.0  # counts, below which Poisson's numbers themselves are drawn
# Background: degrees of its fall, share that does not fall, an amorphous hump's height, middle and width (of the range).
BACKGROUND_LOW = np.array([8.0, 0.2, 0.0, 0.12, 0.05])
BACKGROUND_HIGH = np.array([40.0, 0.9, 0.6, 0.45, 0.14])
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
    def points(self) -> int:
        """How many."""
        return int((self.high - self.low) / self.step + 1e-6) + 1

    @property
    def two_theta(self) -> Doubles:
        """The grid, degrees."""
        return np.round(self.low + self.step * np.arange(self.points), 6)


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
        Degrees two theta; the second at theta 0, going with cos(theta). Three of ten measured mixtures of a public set were
        shifted by .15 to .24 degrees.
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
    zero_shift: Range = (-0.12, 0.12)
    displacement: Range = (-0.15, 0.15)
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
    """Of one reflection of each set: (reflection, 3), 1/d, multiplicity times |F|^2; and the reciprocal metric."""

    hkl: Indices
    inverse_d: Doubles
    strength: Doubles
    metric: Doubles


def strengths(compound: Compound, inverse_d: float) -> Strengths:
    """Multiplicity times |F|^2 of the reflections up to 1/d, 1/Angstrom."""
    kind, metric = prototype(compound.kind), reciprocal_metric(compound.cell)
    table = reflections_up_to(kind, compound.cell, inverse_d)
    spacing = inverse_spacings(table.hkl, metric)
    inside = spacing <= inverse_d
    hkl, sums, spacing = table.hkl[inside], table.still[:, inside], spacing[inside]
    if len(kind.moving):
        moved, role = compound.places[kind.moving], kind.role[kind.moving]
        geometric_sums(hkl, moved, role, float(len(kind.centering)), sums)
    factors = np.stack([mean_form_factor(shares) for shares in compound.species])
    squared = squared_structure_factors(sums, spacing, factors, FACTOR_STEP, np.array(compound.damping))
    return Strengths(hkl, spacing, squared * table.multiplicity[inside], metric)


# Impurities are few compounds that come again and again.
impurity_strengths = lru_cache(maxsize=2048)(strengths)


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
    hkl, inverse_d, strength, _ = strengths(compound, limit)
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
    >>> float(PatternSettings().two_theta[y.argmax()])
    31.72
    """
    lines, draw = lines_of(pattern.wavelength), disturbances
    shift = np.array([rng.uniform(*draw.zero_shift), rng.uniform(*draw.displacement)])
    instrument = rng.uniform(*draw.instrument)
    limit = 2 * np.sin(np.radians(min(pattern.high + BEYOND, 178.0) / 2)) / lines[:, 0].min()
    y = _phase(compound, strengths(compound, limit), pattern, draw, lines, shift, instrument, FLOOR, rng)
    if impurity is not None:
        floor = FLOOR / max(draw.impurity[1], FLOOR)
        known = impurity_strengths(impurity, limit)
        other = _phase(impurity, known, pattern, draw, lines, shift, instrument, floor, rng)
        y += np.float32(rng.uniform(*draw.impurity)) * other
    level = rng.uniform(*draw.background)
    add_background(y, level, pattern.high - pattern.low, rng.uniform(BACKGROUND_LOW, BACKGROUND_HIGH))
    if draw.counts is None:
        return y
    return _counted(y * np.float32(_logarithmic(draw.counts, rng)), rng)


def _phase(
    compound: Compound,
    known: Strengths,
    pattern: PatternSettings,
    draw: Disturbances,
    lines: Doubles,
    shift: Doubles,
    instrument: float,
    floor: float,
    rng: np.random.Generator,
) -> Singles:
    """Peaks of one phase, 1 at the highest point."""
    size = 10 * _logarithmic(draw.size, rng)
    strain, r, axis = rng.uniform(*draw.strain) / 100, rng.uniform(*draw.texture), rng.integers(len(AXES))
    y = np.zeros(pattern.points, np.float32)
    hkl, inverse_d, strength, metric = known
    if r != 1:
        strength = strength * march_dollase(hkl, prototype(compound.kind).laue, metric, AXES[axis], r)
    shape = np.array([size, strain, instrument])
    add_pattern(y, pattern.low, pattern.step, inverse_d, strength, lines, shape, shift, floor)
    highest = y.max()
    return y / highest if highest > 0 else y


def _logarithmic(ends: Range, rng: np.random.Generator) -> float:
    return exp(rng.uniform(log(ends[0]), log(ends[1])))


def _counted(y: Singles, rng: np.random.Generator) -> Singles:
    """Counts with the noise of counting; many are a rounded normal number, its root corrected for the Poisson's skewness."""
    noise = rng.standard_normal(y.size, np.float32)
    counts = np.round(np.square(np.sqrt(y) + 0.5 * noise) - 0.25 * np.float32(1))
    few = y < FEW
    counts[few] = rng.poisson(y[few])
    return counts
