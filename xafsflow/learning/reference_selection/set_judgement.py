"""Sets of references side by side: what each explains, costs and predicts, over the image and in each region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.kernels.mixtures.reference_subsets import MOST
from xafsflow.learning.reference_selection import parsimony
from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.parsimony import Prediction
from xafsflow.learning.reference_selection.set_misfit import (
    BACKGROUND,
    Fits,
    Scatter,
    Set,
    all_at_once,
    chi_squares,
)
from xafsflow.learning.reference_selection.shared_distortion import Distortion

# Sets that are judged closely: those with the lowest BIC over the image, and those of every size over the image and in
# every region.
CLOSELY, EVERY = 24, 3
# An offset of the references is searched to this, eV; a fiftieth of a step of the scan.
OFFSET_TOLERANCE = 0.005

Groups = Sequence[Mask]


@dataclass(frozen=True)
class Judged:
    """One set: over groups of bins `chi_square`, `bic`, `prediction`, and `shares` (group, reference of the set)."""

    members: Set
    offset: float
    r_factor: float
    chi_square: Doubles
    bic: Doubles
    prediction: tuple[Prediction, ...]
    shares: Doubles


class Case:
    """Spectra of bins, references that may explain them, and what is judged on them.

    Parameters
    ----------
    bins
        The spectra.
    references
        `(reference, energy)` at the energies of the bins.
    scatter
        Their covariance.
    groups
        `(bin,)` each, the whole image first.
    offset
        The references of a set may be moved together by up to this, eV.
    seed
        Of the bootstrap.
    """

    def __init__(
        self, bins: Bins, references: Doubles, scatter: Scatter, groups: Groups, offset: float, seed: int
    ) -> None:
        self.bins, self.references, self.scatter = bins, references, scatter
        self.groups, self.offset, self.seed = groups, offset, seed

    def judge(self, sets: Sequence[Set]) -> list[Judged]:
        """Every set on all bins, with prediction errors at energies held out."""
        squares, found = [], []
        for members in sets:
            offset = self._best_offset(members)
            fits = Fits(self.bins, moved(self.bins.energy, self.references, offset))
            held = parsimony.predicted(fits, members)
            squares.append([parsimony.squares(held, self.scatter, rows) for rows in self.groups])
            found.append((members, offset, *self._inside(fits, members)))
        predictions = [
            parsimony.intervals(np.stack(group), self.seed) for group in zip(*squares, strict=True)
        ]
        return [
            Judged(*one[:5], tuple(group[i] for group in predictions), one[5]) for i, one in enumerate(found)
        ]

    def _inside(self, fits: Fits, members: Set) -> tuple[float, Doubles, Doubles, Doubles]:
        """R factor, and for every group chi-square, BIC and shares."""
        fractions, left = fits.residual(members)
        raw, total = left * fits.root, fractions.sum(axis=1, keepdims=True)
        weight = self.bins.pixels[:, None] * np.divide(
            fractions, total, where=total > 0, out=np.zeros_like(fractions)
        )
        shares = [weight[rows].sum(axis=0) / self.bins.pixels[rows].sum() for rows in self.groups]
        chi = np.array([float(self.scatter.of(rows).square(left[rows]).sum()) for rows in self.groups])
        return (
            float((raw**2).sum() / (self.bins.spectra**2).sum()),
            chi,
            self.cost(chi, len(members)),
            np.array(shares),
        )

    def cost(self, chi: Doubles, size: int) -> Doubles:
        """BIC of the groups from their chi-squares."""
        counts = np.array([rows.sum() for rows in self.groups])
        energies = len(self.bins.energy)
        return np.array(
            [parsimony.bic(c, np.array(size), int(n), energies) for c, n in zip(chi, counts, strict=True)]
        )

    def _best_offset(self, members: Set) -> float:
        def misfit(by: float) -> float:
            fits = Fits(self.bins, moved(self.bins.energy, self.references[list(members)], by))
            alone = tuple(range(len(members)))
            return float(self.image_chi(fits, [alone])[0])

        return least(misfit, self.offset)

    def image_chi(self, fits: Fits, sets: Sequence[Set]) -> Doubles:
        """Chi-square of sets over the whole image."""
        return chi_squares(fits, sets, self.scatter, self.groups[:1])[:, 0]

    def shortlist(self, sets: Sequence[Set], offset: float) -> list[Set]:
        """The sets that deserve a closer look, by BIC at one common offset."""
        fits = Fits(self.bins, moved(self.bins.energy, self.references, offset))
        chi, sizes = chi_squares(fits, sets, self.scatter, self.groups), np.array([len(one) for one in sets])
        cost = np.array([self.cost(row, size) for row, size in zip(chi, sizes, strict=True)])
        closely = set(np.argsort(cost[:, 0], kind="stable")[:CLOSELY].tolist())
        for size in np.unique(sizes):
            places = np.flatnonzero(sizes == size)
            for group in cost[places].T:
                closely.update(places[np.argsort(group, kind="stable")[:EVERY]].tolist())
        return [sets[place] for place in sorted(closely)]

    def additions(self, chosen: Judged) -> tuple[list[Set], Doubles]:
        """Sets of one reference more, and by how much each changes the BIC of every group, `(set, group)`."""
        if len(chosen.members) == MOST:
            return [], np.empty((0, len(self.groups)))
        more = [(*chosen.members, r) for r in range(len(self.references)) if r not in chosen.members]
        if not more:
            return [], np.empty((0, len(self.groups)))
        fits = Fits(self.bins, moved(self.bins.energy, self.references, chosen.offset))
        chi = chi_squares(fits, more, self.scatter, self.groups)
        return more, np.array([self.cost(row, len(more[0])) for row in chi]) - chosen.bic


def moved(energy: Doubles, spectra: Doubles, offset: float) -> Doubles:
    """Spectra as they are when their energies are raised by an offset; straight on beyond the ends.

    Examples
    --------
    >>> moved(np.arange(5.0), np.arange(5.0)[None], 0.5)
    array([[-0.5,  0.5,  1.5,  2.5,  3.5]])
    """
    return spectra if offset == 0 else Distortion(offset).of(energy, spectra)


def least(function: Callable[[float], float], limit: float) -> float:
    """The place of a minimum within +- limit; 0 where the limit is 0."""
    if limit == 0:
        return 0.0
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        function, bounds=(-limit, limit), method="bounded", options={"xatol": OFFSET_TOLERANCE}
    )
    return float(found.x) if found.fun < function(0.0) else 0.0


def common_offset(bins: Bins, references: Doubles, limit: float) -> float:
    """The offset in eV by which all references together fit best; 0 where the limit is 0."""

    def misfit(by: float) -> float:
        left = all_at_once(Fits(bins, moved(bins.energy, references, by)))[0]
        return float((left**2 / bins.noise[:, None] ** 2).sum())

    return least(misfit, limit)


def all_sets(candidates: int, most: int) -> list[Set]:
    """Every set of up to `most` candidates.

    Examples
    --------
    >>> all_sets(3, 2)
    [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    """
    return [one for size in range(1, most + 1) for one in combinations(range(candidates), size)]


def parts(members: Set) -> list[Set]:
    """Every smaller set within a set.

    Examples
    --------
    >>> parts((2, 5))
    [(2,), (5,)]
    """
    return [one for size in range(1, len(members)) for one in combinations(members, size)]


def swapped(members: Sequence[int], old: int, new: int) -> Set:
    """A set with one reference in the place of another.

    Examples
    --------
    >>> swapped((2, 5), 5, 0)
    (2, 0)
    """
    return tuple(new if member == old else member for member in members)


def degrees(bins: int, energies: int, references: int) -> int:
    """Degrees of freedom of bins that are fitted each on its own."""
    return bins * (energies - references - BACKGROUND)
