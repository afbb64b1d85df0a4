"""Candidates by how well each would explain what the references used do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.findings.judge_findings import MissingCandidate, MissingFindings, Source
from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.set_judgement import Case, Judged, common_offset, degrees, moved
from xafsflow.learning.reference_selection.set_misfit import Fits, Set, all_at_once, scatter_of
from xafsflow.learning.reference_selection.similarity import spectral_distances

# A bin of fewer pixels than this is not taken for one of the worst: by chance the worst are the smallest.
LEAST_PIXELS = 4


class MissingReferences:
    """Bins in which something is missing, references used, and candidates for what is missing.

    Parameters
    ----------
    bins
        All bins.
    used, candidates
        `(reference, energy)` at the energies of the bins.
    where
        The bins, `(bin,)`; or the share of all that are worst.
    offset
        All references may be moved together by up to this, eV.
    """

    def __init__(
        self, bins: Bins, used: Doubles, candidates: Doubles, where: Mask | float, offset: float
    ) -> None:
        if isinstance(where, float | int):
            where = _worst(bins, used, float(where))
        self.bins, everything = bins.take(where), np.concatenate([used, candidates])
        self.offset = common_offset(self.bins, everything, offset)
        self.spectra = moved(bins.energy, everything, self.offset)
        self.base: Set = tuple(range(len(used)))
        self.scatter = scatter_of(self.bins, *all_at_once(Fits(self.bins, self.spectra)))
        whole = [np.ones(len(self.bins.noise), bool)]
        self.case = Case(self.bins, self.spectra, self.scatter, whole, 0.0, 0)
        more = [(*self.base, len(used) + place) for place in range(len(candidates))]
        self.without, *self.judged = self.case.judge([self.base, *more])

    def findings(
        self,
        used: Sequence[str],
        candidates: Sequence[str],
        duplicate_limit: float,
        *,
        source: Source,
        left_out: tuple[str, ...],
        span: tuple[float, float],
    ) -> MissingFindings:
        """The verdict, the ranking, and the mean spectrum, its fit by the references used and what is left.

        Parameters
        ----------
        used, candidates
            Their names.
        duplicate_limit
            Root mean square, in edge steps, below which two spectra are near-duplicates.
        source, left_out, span
            Passed on.
        """
        near = spectral_distances(self.bins.energy, self.spectra) < duplicate_limit
        names = [*used, *candidates]
        order = sorted(self.judged, key=lambda one: float(one.chi_square[0]))
        ranking = [self._row(one, near[one.members[-1]], used, names) for one in order]
        left = Fits(self.bins, self.spectra).residual(self.base)[1] * np.sqrt(self.bins.profile)
        weight = 1 / self.bins.noise**2
        mean, residual = (np.average(values, axis=0, weights=weight) for values in (self.bins.spectra, left))
        common = self.scatter.common * float(np.average(self.bins.flux, weights=weight)) ** 2
        noise = np.sqrt((self.scatter.inflation / weight.sum() + common) * self.bins.profile)
        return MissingFindings(
            source=source,
            verdict=_verdict(ranking, self._reduced(self.without), used),
            ranking=tuple(ranking),
            reduced_chi_square=self._reduced(self.without),
            r_factor=self.without.r_factor,
            offset=self.offset,
            inflation=self.scatter.inflation,
            bins=len(self.bins.noise),
            pixels=int(self.bins.pixels.sum()),
            energy=self.bins.energy,
            mean_spectrum=mean,
            mean_fit=mean - residual,
            mean_residual=residual,
            mean_noise=noise,
            left_out=left_out,
            span=span,
        )

    def _reduced(self, one: Judged) -> float:
        free = degrees(len(self.bins.noise), len(self.bins.energy), len(one.members))
        return float(one.chi_square[0] / free)

    def _row(self, one: Judged, near: Mask, used: Sequence[str], names: Sequence[str]) -> MissingCandidate:
        place, duplicates = one.members[-1], np.flatnonzero(near).tolist()
        return MissingCandidate(
            reference=names[place],
            gain=float(self.without.chi_square[0] - one.chi_square[0]),
            bic_change=float(one.bic[0] - self.without.bic[0]),
            reduced_chi_square=self._reduced(one),
            r_factor=one.r_factor,
            prediction_error=one.prediction[0].error,
            share=float(one.shares[0, -1]),
            near_duplicates=tuple(names[i] for i in duplicates if i >= len(used) and i != place),
            near_duplicate_of=tuple(names[i] for i in duplicates if i < len(used)),
        )


def _worst(bins: Bins, used: Doubles, share: float) -> Mask:
    """The share of the bins with the largest chi-square."""
    left = Fits(bins, used).residual(tuple(range(len(used))))[1]
    misfit = np.where(
        bins.pixels >= min(LEAST_PIXELS, bins.pixels.max()), (left**2).sum(axis=1) / bins.noise**2, 0
    )
    count = max(1, round(share * len(misfit)))
    found = np.zeros(len(misfit), bool)
    found[np.argsort(-misfit, kind="stable")[:count]] = True
    return found


def _verdict(ranking: Sequence[MissingCandidate], before: float, used: Sequence[str]) -> str:
    best = ranking[0]
    if best.bic_change >= 0:
        return f"no candidate explains more than it costs beside {', '.join(used)}"
    either = " or its near-duplicate ".join([best.reference, *best.near_duplicates])
    text = (
        f"most like {either}: beside {', '.join(used)} it would take {100 * best.share:.0f} %, and chi-square per "
        f"degree of freedom falls from {before:.2f} to {best.reduced_chi_square:.2f}"
    )
    if best.near_duplicate_of:
        used_too = ", ".join(best.near_duplicate_of)
        text += (
            f"; it is a near-duplicate of {used_too}, which is used: a fault of that reference is more likely"
        )
    return text
