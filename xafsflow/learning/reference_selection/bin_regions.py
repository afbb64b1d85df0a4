"""Mean spectra of bins of pixels, how well each is known, and the regions they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Integers, Mask
from xafsflow.kernels.images.neighborhood import Neighborhood, autocorrelation

# Principal components on which bins are grouped, and trials of the grouping.
SCORES, TRIALS = 6, 10


@dataclass(frozen=True)
class Bins:
    """Mean spectra of bins.

    `energy` (energy,), eV; `spectra` (bin, energy), of the variance `noise`^2 (bin,) times `profile` (energy,);
    `flux` (bin,): change of the spectrum where the flux of one image is off by one, the mean of one over the edge step;
    `pixels`, `region`, `number` and `row`, the image row that it begins in (bin,); `sharing`: variance of the mean of all
    bins over that if they shared no noise; `flux_error`: standard error of the flux that was taken off each image, or NaN.
    """

    energy: Doubles
    spectra: Doubles
    noise: Doubles
    profile: Doubles
    flux: Doubles
    pixels: Indices
    region: Indices
    number: Indices
    row: Indices
    sharing: float = 1.0
    flux_error: float = np.nan

    def at(self, energies: Mask) -> Bins:
        """The same at some of the energies."""
        return replace(
            self,
            energy=self.energy[energies],
            spectra=self.spectra[:, energies],
            profile=self.profile[energies],
        )

    def take(self, rows: Integers | Mask) -> Bins:
        """Some of the bins."""
        return replace(
            self,
            spectra=self.spectra[rows],
            noise=self.noise[rows],
            flux=self.flux[rows],
            pixels=self.pixels[rows],
            region=self.region[rows],
            number=self.number[rows],
            row=self.row[rows],
        )

    def pooled(self, groups: Sequence[Mask]) -> Bins:
        """One mean spectrum a group of bins, weighted by one over the variance; neighbors in it share noise."""
        weight = np.stack([rows / self.noise**2 for rows in groups])
        total = weight.sum(axis=1)
        return replace(
            self,
            spectra=weight @ self.spectra / total[:, None],
            noise=np.sqrt(self.sharing / total),
            flux=weight @ self.flux / total,
            pixels=np.array([self.pixels[rows].sum() for rows in groups]),
            region=np.arange(len(groups)),
            number=np.arange(len(groups)),
            row=np.arange(len(groups)),
        )


def grouped(bins: Bins, regions: int, seed: int) -> Bins:
    """The bins with regions of similar spectra, from the largest (0) to the smallest: k-means on principal components.

    Examples
    --------
    >>> spectra = np.repeat([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]], [2, 6], axis=0)
    >>> eight = np.ones(8)
    >>> ones, numbers = np.ones(8, int), np.arange(8)
    >>> bins = Bins(np.arange(3.0), spectra, eight, np.ones(3), eight, ones, 0 * ones, numbers, numbers)
    >>> grouped(bins, 2, seed=0).region
    array([1, 1, 0, 0, 0, 0, 0, 0])
    """
    from sklearn.cluster import KMeans

    values = bins.spectra / np.sqrt(bins.profile)
    values = values - np.average(values, axis=0, weights=1 / bins.noise**2)
    left, strength, _ = np.linalg.svd(values, full_matrices=False)
    scores = left[:, :SCORES] * strength[:SCORES]
    # The sign of a component is a matter of rounding, and the start of the grouping would be so with it.
    scores = scores * np.sign(scores[np.abs(scores).argmax(axis=0), range(scores.shape[1])])
    many = min(regions, len(np.unique(scores.round(9), axis=0)))
    found = KMeans(many, n_init=TRIALS, random_state=seed).fit_predict(
        scores, sample_weight=1 / bins.noise**2
    )
    return replace(bins, region=by_size(found, bins.pixels))


def by_size(labels: Integers, weights: Integers) -> Indices:
    """Labels numbered from the one with most weight on.

    Examples
    --------
    >>> by_size(np.array([7, 3, 3]), np.array([1, 1, 1]))
    array([1, 0, 0])
    """
    _, place = np.unique(labels, return_inverse=True)
    total = np.bincount(place, weights=weights)
    rank = np.empty(len(total), np.int64)
    rank[np.argsort(-total, kind="stable")] = np.arange(len(total))
    return rank[place]


def independent(weights: Doubles, members: Indices, windows: tuple[Neighborhood, ...], count: int) -> Doubles:
    """Variance of weighted means over groups of pixels that means over neighbors came before.

    A pixel that was independent noise of standard deviation `sigma` is after means with the weights `k` over y and x (all
    windows folded) of variance `sigma^2 sum(k^2)`, and shares noise with its neighbors: the covariance of two pixels that
    lie `l` apart is `sigma_p sigma_q A(l)` with the autocorrelation `A(l) = sum_i k_i k_(i+l)`. A mean with the
    weights `1/sigma^2` then has the variance `sum_pq A/(sigma_p sigma_q) / (sum_p 1/sigma_p^2)^2`.

    Parameters
    ----------
    weights
        `(y, x)`: one over the standard deviation of each pixel before the means, 0 where it is left out.
    members
        `(y, x)`: the group of each pixel, from 0; -1 for none.
    windows
        The means.
    count
        Number of groups.

    Returns
    -------
    ndarray
        `(group,)`, infinite where a group has no pixels.

    Examples
    --------
    >>> alone = independent(np.ones((4, 4)), np.zeros((4, 4), int), (), 1)
    >>> shared = independent(np.ones((4, 4)), np.zeros((4, 4), int), (Neighborhood(3),), 1)
    >>> alone.round(4), shared.round(4)
    (array([0.0625]), array([0.0378]))
    """
    share = autocorrelation(windows)
    reach = len(share) // 2
    h = np.where(members >= 0, weights, 0.0).astype(np.float64)
    square = _pairs(members, h, (0, 0), count)
    # Each of these lags stands for itself and for the opposite one.
    lags = [(0, x) for x in range(1, reach + 1)]
    lags += [(y, x) for y in range(1, reach + 1) for x in range(-reach, reach + 1)]
    total = share[reach, reach] * square
    for down, across in lags:
        total += 2 * share[reach + down, reach + across] * _pairs(members, h, (down, across), count)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(square > 0, total / square**2, np.inf)


def _pairs(members: Indices, h: Doubles, lag: tuple[int, int], count: int) -> Doubles:
    """Sum of `h h` over pairs of pixels of one group that lie a lag apart."""

    def cut(by: int) -> tuple[slice, slice]:
        return slice(max(0, -by), -by if by > 0 else None), slice(max(0, by), by if by < 0 else None)

    (y, y2), (x, x2) = cut(lag[0]), cut(lag[1])
    same = (members[y, x] == members[y2, x2]) & (members[y, x] >= 0)
    return np.asarray(
        np.bincount(members[y, x][same], weights=(h[y, x] * h[y2, x2])[same], minlength=count), float
    )
