"""Sets of references compared on the mean spectra of bins, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from xafsflow.findings.reference_set_findings import (
    MissingReference,
    Outcome,
    ReferenceSet,
    ReferenceSetFindings,
    RegionFindings,
    RegionMap,
)
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.reference_selection import verdict
from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.measured_noise import measured_noise
from xafsflow.learning.reference_selection.parsimony import fewest
from xafsflow.learning.reference_selection.set_judgement import (
    Case,
    Judged,
    all_sets,
    degrees,
    moved,
    parts,
    swapped,
)
from xafsflow.learning.reference_selection.set_misfit import Fits, Scatter, Set, all_at_once
from xafsflow.learning.reference_selection.shared_distortion import shared_distortion
from xafsflow.learning.reference_selection.similarity import near_duplicates, spectral_distances
from xafsflow.learning.reference_selection.tested_sets import TestedSets
from xafsflow.learning.reference_selection.verdict import RegionNeed

# Additions to the chosen set, and replacements in it, that are judged for the image and each region.
NEXT = 3


class Comparison:
    """References compared on bins; `findings` has the result.

    Parameters
    ----------
    bins
        The spectra, with regions.
    references
        `(reference, energy)` at the energies of the bins.
    names
        Of the references.
    sets
        Those to compare; None for all of up to `most` references.
    most
        References in a set.
    offset
        The references of a set may be moved together by up to this, eV.
    duplicate_limit
        Root mean square of the edge step below which two spectra are near-duplicates.
    share
        Share of another phase that must be seen, else nothing can be told.
    seed
        Of the bootstrap.
    """

    def __init__(
        self,
        bins: Bins,
        references: Doubles,
        names: Sequence[str],
        sets: Sequence[Set] | None,
        most: int,
        offset: float,
        duplicate_limit: float,
        share: float,
        seed: int,
    ) -> None:
        self.bins, self.names, self.share = bins, list(names), share
        self.labels = np.unique(bins.region)
        groups = [np.ones(len(bins.noise), bool), *(bins.region == label for label in self.labels)]
        pooled = bins.pooled(groups[1:])
        alike = shared_distortion(pooled, references, pooled.noise, offset)
        self.offset = alike.offset
        left = all_at_once(Fits(bins, alike.of(bins.energy, references)))[0]
        noise = measured_noise(bins, left)
        self.scatter = Scatter(bins.noise, bins.flux, noise.inflation, noise.common)
        self.tested = TestedSets(bins, references, groups, noise, offset)
        self.case = Case(
            bins, replace(alike, offset=0.0).of(bins.energy, references), self.scatter, groups, offset, seed
        )
        self.near_duplicates = near_duplicates(
            self.names, spectral_distances(bins.energy, references), duplicate_limit
        )
        asked = self.case.shortlist(all_sets(len(names), most), self.offset) if sets is None else list(sets)
        self.judged = self.case.judge(asked)
        best = self.judged[self._choose(self.judged, 0)[0]]
        self.chosen = self.tested.simplest(best, self.judged) or best
        self.more, self.change = self.case.additions(self.chosen)
        self.pool = [*self.judged, *self.case.judge(self._others())]

    def _choose(self, pool: Sequence[Judged], group: int) -> tuple[int, list[int]]:
        return fewest([len(one.members) for one in pool], [one.prediction[group] for one in pool])

    def _others(self) -> list[Set]:
        """Additions to the chosen set and replacements in it that are worth a closer look, with their near-duplicates."""
        near: list[Set] = []
        for group in self.change.T:
            best = np.argsort(group, kind="stable")[:NEXT]
            near += [self.more[place] for place in best]
            # What the addition makes superfluous must be seen too.
            near += [one for place in best[:1] for one in parts(self.more[place])]
        members = self.chosen.members
        swaps = [swapped(members, r, other) for r in members for other in range(len(self.names))]
        swaps = [one for one in swaps if len(set(one)) == len(members)]
        near += [one for one in swaps if self._by_near_duplicate(one)]
        if swaps:
            fits = Fits(self.bins, moved(self.bins.energy, self.case.references, self.chosen.offset))
            near += [swaps[i] for i in np.argsort(self.case.image_chi(fits, swaps), kind="stable")[:NEXT]]
        known = {frozenset(one.members) for one in self.judged}
        return [tuple(one) for one in dict.fromkeys(map(frozenset, near)) if one not in known]

    def _by_near_duplicate(self, members: Set) -> bool:
        new = set(members) - set(self.chosen.members)
        old = set(self.chosen.members) - set(members)
        return all(self.names[n] in self.near_duplicates.get(self.names[o], ()) for n in new for o in old)

    def names_of(self, members: Sequence[int]) -> tuple[str, ...]:
        """Names of references."""
        return tuple(self.names[place] for place in members)

    def choice(self, members: Sequence[int], whole: Set, group: int) -> verdict.Choice:
        """References of a set, with those that could stand in the place of each as far as the data tell."""
        near = [frozenset(self.pool[place].members) for place in self._choose(self.pool, group)[1]]
        instead: dict[str, tuple[str, ...]] = {}
        for member in members:
            others = [r for r in range(len(self.names)) if frozenset(swapped(whole, member, r)) in near]
            found = tuple(self.names[r] for r in others if r not in whole)
            if found:
                instead[self.names[member]] = found
        return verdict.Choice(self.names_of(members), instead)

    def replacements(self) -> Mapping[str, tuple[str, ...]]:
        """By reference of the chosen set, others with which it does as well."""
        return self.choice(self.chosen.members, self.chosen.members, 0).instead

    def region(self, group: int) -> tuple[RegionNeed, Judged]:
        """What is said of a group of bins, and the set that it needs: the chosen one where the noise does not contradict."""
        chosen = self.chosen
        best = self.pool[self._choose(self.pool, group)[0]]
        fits = not self.tested.rejected(chosen.members, group)
        if fits and set(best.members) < set(chosen.members) and not self.tested.rejected(best.members, group):
            own = best
        else:
            own = self.tested.simplest(chosen, self.pool, group or None) or chosen
        missing = tuple(r for r in own.members if r not in chosen.members)
        share = float(sum(own.shares[group][own.members.index(r)] for r in missing))
        if missing and share < self.tested.fit(chosen.members).tolerated:
            # So little only bends the others: it is not what is missing.
            own, missing, share = chosen, (), 0.0
        need = RegionNeed(
            label=int(self.labels[group - 1]) if group else -1,
            bins=int(self.case.groups[group].sum()),
            enough=self.names_of(own.members),
            missing=tuple(self.choice([r], own.members, group) for r in missing),
            share=share,
            unexplained=not fits and not missing,
        )
        return need, own

    def findings(
        self,
        used: Sequence[str] | None,
        *,
        left_out: tuple[str, ...],
        span: tuple[float, float],
        region_map: RegionMap,
    ) -> ReferenceSetFindings:
        """The verdict, the table of sets from the lowest BIC on, the regions, and what it all rests on.

        Parameters
        ----------
        used
            Names of the references that the classification used, if that is known.
        left_out, span, region_map
            Passed on.
        """
        regions = [self.region(group) for group in range(len(self.case.groups))]
        outcome, why = self.tested.outcome(self.chosen.members, self.share)
        fit = self.tested.fit(self.chosen.members)
        needed = list(dict.fromkeys(name for _, own in regions[:1] for name in self.names_of(own.members)))
        for need, _ in regions[1:]:
            needed += [one.names[0] for one in need.missing if one.names[0] not in needed]
        text = self.verdict_on([need for need, _ in regions], outcome, why)
        superfluous = missing = None
        if used is not None:
            superfluous, missing = verdict.of_used(used, needed, self.near_duplicates)
            text += verdict.about_used(superfluous, missing)
        order = sorted(self.judged, key=lambda one: float(one.bic[0]))
        return ReferenceSetFindings(
            verdict=text,
            outcome=outcome,
            chosen=self.names_of(self.chosen.members),
            alternatives={} if outcome == "does not suffice" else self.replacements(),
            needed=tuple(needed),
            superfluous=superfluous,
            missing=missing,
            sets=tuple(self.row(one) for one in order),
            regions=tuple(self.region_row(g, *regions[g]) for g in range(1, len(regions))),
            near_duplicates=self.near_duplicates,
            offset=self.offset,
            broadening=fit.distortion.broadening,
            unexplained=float(fit.unexplained.max()),
            detectable=fit.typical_detectable,
            inflation=self.scatter.inflation,
            common_error=float(np.sqrt(self.scatter.common)),
            bins=len(self.bins.noise),
            pixels=int(self.bins.pixels.sum()),
            energies=len(self.bins.energy),
            values=int(self.bins.spectra.size),
            left_out=left_out,
            span=span,
            region_map=region_map,
        )

    def verdict_on(self, regions: Sequence[RegionNeed], outcome: Outcome, why: str) -> str:
        """The verdict on the image, and on the regions that are contradicted."""
        instead = {} if outcome == "does not suffice" else self.replacements()
        choice = verdict.Choice(self.names_of(self.chosen.members), instead)
        if outcome == "suffices":
            return "; ".join([verdict.enough(choice, self.near_duplicates), *self._about_adding()])
        if outcome == "cannot be told":
            return verdict.untold(choice, why, self.near_duplicates)
        fit = self.tested.fit(self.chosen.members)
        where = [one.label for one, bad in zip(regions[1:], fit.rejected[1:], strict=True) if bad]
        worst = int(np.where(fit.rejected, fit.unexplained, -1).argmax())
        left = verdict.Left(
            float(fit.unexplained[worst]), float(fit.worst_energy[worst]), where, len(regions) - 1
        )
        lacking = [one.names for one in regions[0].missing]
        text = [verdict.lacking(choice, left, regions[0].missing, self.near_duplicates)]
        text += [
            verdict.of_region(one, self.near_duplicates)
            for one in regions[1:]
            if [other.names for other in one.missing] not in ([], lacking)
        ]
        if not regions[0].missing and len(text) == 1:
            text.append(self._nearest())
        return "; ".join(text)

    def _nearest(self) -> str:
        """Which further candidate comes nearest to what is missing."""
        if not self.more:
            return "no other candidate is there to explain it"
        best = [self.more[place] for place in np.argsort(self.change[:, 0], kind="stable")[:NEXT]]
        left, name = min((float(self.tested.fit(one).unexplained.max()), self.names[one[-1]]) for one in best)
        return f"no candidate explains it: the nearest is {name}, which leaves {100 * left:.1f} %"

    def _about_adding(self) -> list[str]:
        """What the best further reference would bring, other than near-duplicates of the chosen; nothing without one."""
        near = {
            other
            for name in self.names_of(self.chosen.members)
            for other in self.near_duplicates.get(name, ())
        }
        others = [i for i, members in enumerate(self.more) if self.names[members[-1]] not in near]
        if not others:
            return []
        best = min(others, key=lambda i: float(self.change[i, 0]))
        gain = self.price - float(self.change[best, 0])
        return [verdict.adding(self.names[self.more[best][-1]], gain, self.price)]

    @property
    def price(self) -> float:
        """What one reference more costs in the BIC of the image."""
        zero = np.zeros(len(self.case.groups))
        return float((self.case.cost(zero, 2) - self.case.cost(zero, 1))[0])

    def row(self, one: Judged) -> ReferenceSet:
        """A set in the table."""
        bins, energies, size = len(self.bins.noise), len(self.bins.energy), len(one.members)
        whole = one.prediction[0]
        return ReferenceSet(
            references=self.names_of(one.members),
            offset=one.offset,
            chi_square=float(one.chi_square[0]),
            reduced_chi_square=float(one.chi_square[0] / degrees(bins, energies, size)),
            r_factor=one.r_factor,
            parameters=bins * (energies - degrees(1, energies, size)),
            bic=float(one.bic[0]),
            prediction_error=whole.error,
            interval=(whole.low, whole.high),
            within_best=one in [self.pool[i] for i in self._choose(self.pool, 0)[1]],
            shares=dict(zip(self.names_of(one.members), one.shares[0].tolist(), strict=True)),
            region_bic=one.bic[1:],
            region_prediction_error=np.array([p.error for p in one.prediction[1:]]),
        )

    def region_row(self, group: int, need: RegionNeed, own: Judged) -> RegionFindings:
        """A region in the table."""
        here = own.prediction[group]
        free = degrees(need.bins, len(self.bins.energy), len(own.members))
        return RegionFindings(
            region=need.label,
            bins=need.bins,
            pixels=int(self.bins.pixels[self.case.groups[group]].sum()),
            verdict=verdict.of_region(need, self.near_duplicates),
            references=need.enough,
            missing=tuple(
                MissingReference(one.names[0], one.instead.get(one.names[0], ())) for one in need.missing
            ),
            unexplained=need.unexplained,
            shares=dict(zip(need.enough, own.shares[group].tolist(), strict=True)),
            reduced_chi_square=float(own.chi_square[group] / free),
            prediction_error=here.error,
            interval=(here.low, here.high),
        )
