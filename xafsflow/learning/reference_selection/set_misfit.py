"""How well sets of references explain the mean spectra of bins, and what no reference can explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Mask
from xafsflow.kernels.mixtures.reference_subsets import fit_sets
from xafsflow.learning.reference_selection.bin_regions import Bins

Set = tuple[int, ...]
# Background terms fitted to every spectrum, whose sign is free: a constant and a slope.
BACKGROUND = 2
# Sets that are fitted at once.
AT_ONCE = 512


@dataclass(frozen=True)
class Scatter:
    """Covariance of the residuals of bins, in units of the profile: `diag(inflation noise^2) + common flux flux^T`.

    Each bin has noise of its own, and at each energy all bins share one error: an unknown flux, or a fault of all
    references. Counted as independent in every bin, it would pass for evidence.
    """

    noise: Doubles
    flux: Doubles
    inflation: float = 1.0
    common: float = 0.0

    def of(self, rows: Mask) -> Scatter:
        """The same for subset of the bins."""
        return replace(self, noise=self.noise[rows], flux=self.flux[rows])

    @property
    def pull(self) -> Doubles:
        """`(bin,)`: the weights with which the common error shows."""
        return self.flux / (self.inflation * self.noise**2)

    @property
    def common_part(self) -> float:
        """Part of the square of the pulled residual that the common error takes from chi-square (Sherman and Morrison)."""
        return self.common / (1 + self.common * float((self.pull * self.flux).sum()))

    def square(self, residual: Doubles) -> Doubles:
        """Chi-square of `(bin, energy)` residuals at each energy, `(energy,)`."""
        own = (residual**2 / (self.inflation * self.noise[:, None] ** 2)).sum(axis=0)
        return np.asarray(own - self.common_part * (self.pull @ residual) ** 2)


class Fits:
    """Spectra of bins against references, both divided by the noise's profile over the energies.

    Parameters
    ----------
    bins
        The spectra.
    references
        `(reference, energy)`: `norm` at the energies of the bins.
    """

    def __init__(self, bins: Bins, references: Doubles) -> None:
        root = np.sqrt(bins.profile)
        self.bins, self.root = bins, root
        self.spectra, self.references = bins.spectra / root, references / root
        x = 2 * (bins.energy - bins.energy[0]) / (bins.energy[-1] - bins.energy[0]) - 1
        self.lines = np.stack([np.ones_like(x), x]) / root

    def freed(self, keep: Mask | None = None) -> tuple[Doubles, Doubles]:
        """Spectra and references without their background, at the energies `keep`."""
        used = slice(None) if keep is None else keep
        axes = np.linalg.qr(self.lines[:, used].T)[0]
        y, a = self.spectra[:, used], self.references[:, used]
        return y - (y @ axes) @ axes.T, a - (a @ axes) @ axes.T

    def residual(self, chosen: Set, keep: Mask | None = None) -> tuple[Doubles, Doubles]:
        """Fractions `(bin, reference of the set)` fitted at the energies `keep`, and the residual at all energies."""
        y, a = self.freed(keep)
        subset = a[list(chosen)]
        fractions = fit_sets(subset @ subset.T, y @ subset.T, _table([tuple(range(len(chosen)))]))[0][0]
        rest = self.spectra - fractions @ self.references[list(chosen)]
        used = slice(None) if keep is None else keep
        lines = self.lines[:, used]
        background = np.linalg.solve(lines @ lines.T, lines @ rest[:, used].T)
        return fractions, rest - background.T @ self.lines


def all_at_once(fits: Fits) -> tuple[Doubles, Indices]:
    """What a non-negative fit of every bin by all references leaves, `(bin, energy)`, and the terms that it took."""
    from scipy.optimize import nnls

    y, a = fits.freed()
    coefficients = np.array([nnls(a.T, one)[0] for one in y])
    return y - coefficients @ a, BACKGROUND + (coefficients > 0).sum(axis=1)


def scatter_of(bins: Bins, residual: Doubles, terms: Indices) -> Scatter:
    """The scatter of what all references together leave.

    `inflation` is the median over the bins of chi-square per degree of freedom, without what all bins share, and 1 at
    least: what no candidate explains is then no evidence for any of them (Burnham and Anderson, Model Selection and
    Multimodel Inference, 2002, 2.5). The median, so that something missing in a part of the image does not excuse all.
    `common` is the variance of the shared error beyond what the bins' own noise gives their mean.

    Parameters
    ----------
    bins
        The spectra.
    residual, terms
        From `all_at_once`.
    """
    independent = Scatter(bins.noise, bins.flux)
    count, points = residual.shape
    known = float((independent.pull * bins.flux).sum())
    shared = independent.pull @ residual / known
    own = residual - bins.flux[:, None] * shared if count > 1 else residual
    degrees = np.maximum(points - terms, 1) * ((count - 1) / count if count > 1 else 1)
    inflation = max(1.0, float(np.median((own**2).sum(axis=1) / bins.noise**2 / degrees)))
    if count == 1:
        return replace(independent, inflation=inflation)
    square = float((shared**2).sum()) / max(1.0, points - float(terms.mean()))
    return replace(independent, inflation=inflation, common=max(0.0, square - inflation / known))


def chi_squares(fits: Fits, sets: Sequence[Set], scatter: Scatter, groups: Sequence[Mask]) -> Doubles:
    """Chi-square of every set over groups of bins, `(set, group)`, from inner products alone."""
    y, a = fits.freed()
    gram, cross = a @ a.T, y @ a.T
    found = []
    for first in range(0, len(sets), AT_ONCE):
        table = _table(sets[first : first + AT_ONCE])
        fractions, explained = fit_sets(gram, cross, table)
        found.append(
            np.stack([_grouped(table, fractions, explained, y, a, scatter, rows) for rows in groups], 1)
        )
    return np.concatenate(found)


def _grouped(
    table: Indices,
    fractions: Doubles,
    explained: Doubles,
    y: Doubles,
    a: Doubles,
    scatter: Scatter,
    rows: Mask,
) -> Doubles:
    part = scatter.of(rows)
    left = (y[rows] ** 2).sum(axis=1) - explained[:, rows]
    own = left @ (1 / (part.inflation * part.noise**2))
    pulled = np.where(table >= 0, np.einsum("snk,n->sk", fractions[:, rows], part.pull), 0.0)
    shared = part.pull @ y[rows] - np.einsum("sk,ske->se", pulled, a[np.maximum(table, 0)])
    return np.asarray(own - part.common_part * (shared**2).sum(axis=1))


def _table(sets: Sequence[Set]) -> Indices:
    width = max(map(len, sets))
    return np.array([[*one, *[-1] * (width - len(one))] for one in sets], np.int64)
