"""Sets of references compared on the mean spectra of bins, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from xafsflow.learning.reference_selection import verdict
from xafsflow.learning.reference_selection.bin_regions import Bins, Doubles
from xafsflow.learning.reference_selection.parsimony import fewest
from xafsflow.learning.reference_selection.set_judgement import (
    Case,
    Judged,
    all_sets,
    common_offset,
    degrees,
    moved,
)
from xafsflow.learning.reference_selection.set_misfit import Fits, Set, all_at_once, scatter_of
from xafsflow.learning.reference_selection.similarity import apart, twins

# Additions to the chosen set, and replacements in it, that are judged for the image and each region.
NEXT = 3


class Comparison:
    """References compared on bins; `findings` tells all.

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
    alike
        Root mean square of the edge step below which two spectra are twins.
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
        alike: float,
        seed: int,
    ) -> None:
        self.bins, self.names = bins, list(names)
        self.labels = np.unique(bins.region)
        groups = [np.ones(len(bins.noise), bool), *(bins.region == label for label in self.labels)]
        self.offset = common_offset(bins, references, offset)
        self.scatter = scatter_of(bins, *all_at_once(Fits(bins, moved(bins.energy, references, self.offset))))
        self.case = Case(bins, references, self.scatter, groups, offset, seed)
        self.twins = twins(self.names, apart(bins.energy, references), alike)
        asked = self.case.shortlist(all_sets(len(names), most), self.offset) if sets is None else list(sets)
        self.judged = self.case.judge(asked)
        self.chosen = self.judged[self._choose(self.judged, 0)[0]]
        self.more, self.change = self.case.additions(self.chosen)
        self.pool = [*self.judged, *self.case.judge(self._others())]

    def _choose(self, pool: Sequence[Judged], group: int) -> tuple[int, list[int]]:
        return fewest([len(one.members) for one in pool], [one.prediction[group] for one in pool])

    def _others(self) -> list[Set]:
        """Additions to the chosen set and replacements in it that are worth a closer look, with their twins."""
        near: list[Set] = []
        for group in self.change.T:
            best = np.argsort(group, kind="stable")[:NEXT]
            near += [self.more[place] for place in best]
            # What the addition makes superfluous must be seen too.
            near += [one for place in best[:1] for one in _parts(self.more[place])]
        members = self.chosen.members
        swaps = [_swapped(members, r, other) for r in members for other in range(len(self.names))]
        swaps = [one for one in swaps if len(set(one)) == len(members)]
        near += [one for one in swaps if self._by_twin(one)]
        if swaps:
            fits = Fits(self.bins, moved(self.bins.energy, self.case.references, self.chosen.offset))
            near += [swaps[i] for i in np.argsort(self.case.image_chi(fits, swaps), kind="stable")[:NEXT]]
        known = {frozenset(one.members) for one in self.judged}
        return [tuple(one) for one in dict.fromkeys(map(frozenset, near)) if one not in known]

    def _by_twin(self, members: Set) -> bool:
        new = set(members) - set(self.chosen.members)
        old = set(self.chosen.members) - set(members)
        return all(self.names[n] in self.twins.get(self.names[o], ()) for n in new for o in old)

    def names_of(self, members: Sequence[int]) -> list[str]:
        """Names of references."""
        return [self.names[place] for place in members]

    def choice(self, members: Sequence[int], whole: Set, group: int) -> verdict.Choice:
        """References of a set, with those that could stand in the place of each as far as the data tell."""
        near = [frozenset(self.pool[place].members) for place in self._choose(self.pool, group)[1]]
        instead: dict[str, list[str]] = {}
        for member in members:
            others = [r for r in range(len(self.names)) if frozenset(_swapped(whole, member, r)) in near]
            found = [self.names[r] for r in others if r not in whole]
            if found:
                instead[self.names[member]] = found
        return verdict.Choice(tuple(self.names_of(members)), instead)

    def replacements(self) -> dict[str, list[str]]:
        """By reference of the chosen set, others with which it does as well."""
        choice = self.choice(self.chosen.members, self.chosen.members, 0)
        return {name: list(others) for name, others in choice.instead.items()}

    def region(self, group: int) -> tuple[verdict.RegionWords, Judged]:
        """What is said of a group of bins, and the set that it needs: the chosen one where that does."""
        place, near = self._choose(self.pool, group)
        best, chosen = self.pool[place], self.chosen
        fits = chosen in [self.pool[i] for i in near]
        missing = () if fits else tuple(r for r in best.members if r not in chosen.members)
        own = chosen if fits and not set(best.members) <= set(chosen.members) else best
        share = float(sum(own.shares[group][own.members.index(r)] for r in missing))
        image = min((one.prediction[0] for one in self.pool), key=lambda one: one.error)
        least_here = min((one.prediction[group] for one in self.pool), key=lambda one: one.error)
        words = verdict.RegionWords(
            label=int(self.labels[group - 1]) if group else -1,
            bins=int(self.case.groups[group].sum()),
            enough=tuple(self.names_of(own.members)),
            missing=tuple(self.choice([r], own.members, group) for r in missing),
            share=share,
            unexplained=bool(group) and least_here.low > image.high,
        )
        return words, own

    def findings(self, used: Sequence[str] | None) -> dict[str, Any]:
        """The verdict, the table of sets from the lowest BIC on, the regions, and what it all rests on."""
        regions = [self.region(group) for group in range(len(self.case.groups))]
        needed = list(
            dict.fromkeys(name for words, own in regions[:1] for name in self.names_of(own.members))
        )
        for words, _ in regions[1:]:
            needed += [one.names[0] for one in words.missing if one.names[0] not in needed]
        found: dict[str, Any] = {
            "verdict": self.words([words for words, _ in regions]),
            "chosen": self.names_of(self.chosen.members),
            "instead": {} if regions[0][0].missing else self.replacements(),
            "needed": needed,
        }
        if used is not None:
            found["superfluous"], found["missing"] = verdict.of_used(used, needed, self.twins)
            found["verdict"] += _used_words(found["superfluous"], found["missing"])
        order = sorted(self.judged, key=lambda one: float(one.bic[0]))
        found["sets"] = [self.row(one) for one in order]
        found["regions"] = [self.region_row(g, *regions[g]) for g in range(1, len(regions))]
        found["twins"] = self.twins
        found["offset"], found["inflation"] = self.offset, self.scatter.inflation
        found["common_error"] = float(np.sqrt(self.scatter.common))
        found["bins"], found["pixels"] = len(self.bins.noise), int(self.bins.pixels.sum())
        found["energies"] = len(self.bins.energy)
        found["values"] = int(self.bins.spectra.size)
        return found

    def words(self, regions: Sequence[verdict.RegionWords]) -> str:
        """The verdict on the image and on the regions where something is missing."""
        whole = regions[0]
        told = [one.names for one in whole.missing]
        apart = [
            r for r in regions[1:] if r.unexplained or [one.names for one in r.missing] not in ([], told)
        ]
        choice = verdict.Choice(
            tuple(self.names_of(self.chosen.members)), {} if whole.missing else self.replacements()
        )
        if whole.missing:
            where = [r.label for r in regions[1:] if set(told) & {one.names for one in r.missing}]
            text = [verdict.lacking(choice, whole.missing, where, self.twins)]
        else:
            text = [verdict.enough(choice, self.twins, not apart)]
            text += self._about_adding()
        text += [verdict.of_region(one, self.twins) for one in apart]
        return "; ".join(text)

    def _about_adding(self) -> list[str]:
        """What the best further reference would bring that is no twin of a chosen one; nothing where there is none."""
        near = {twin for name in self.names_of(self.chosen.members) for twin in self.twins.get(name, ())}
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

    def row(self, one: Judged) -> dict[str, Any]:
        """A set in the table."""
        bins, energies, size = len(self.bins.noise), len(self.bins.energy), len(one.members)
        whole = one.prediction[0]
        return {
            "references": self.names_of(one.members),
            "offset": one.offset,
            "chi_square": float(one.chi_square[0]),
            "reduced_chi_square": float(one.chi_square[0] / degrees(bins, energies, size)),
            "r_factor": one.r_factor,
            "parameters": bins * (energies - degrees(1, energies, size)),
            "bic": float(one.bic[0]),
            "prediction_error": whole.error,
            "interval": [whole.low, whole.high],
            "within_best": one in [self.pool[i] for i in self._choose(self.pool, 0)[1]],
            "shares": dict(zip(self.names_of(one.members), one.shares[0].tolist(), strict=True)),
            "region_bic": one.bic[1:].tolist(),
            "region_prediction_error": [p.error for p in one.prediction[1:]],
        }

    def region_row(self, group: int, words: verdict.RegionWords, own: Judged) -> dict[str, Any]:
        """A region in the table."""
        here = own.prediction[group]
        free = degrees(words.bins, len(self.bins.energy), len(own.members))
        return {
            "region": words.label,
            "bins": words.bins,
            "pixels": int(self.bins.pixels[self.case.groups[group]].sum()),
            "verdict": verdict.of_region(words, self.twins),
            "references": list(words.enough),
            "missing": [
                {"reference": one.names[0], "instead": list(one.instead.get(one.names[0], ()))}
                for one in words.missing
            ],
            "unexplained": words.unexplained,
            "shares": dict(zip(words.enough, own.shares[group].tolist(), strict=True)),
            "reduced_chi_square": float(own.chi_square[group] / free),
            "prediction_error": here.error,
            "interval": [here.low, here.high],
        }


def _parts(members: Set) -> list[Set]:
    return [one for size in range(1, len(members)) for one in combinations(members, size)]


def _swapped(members: Sequence[int], old: int, new: int) -> Set:
    return tuple(new if member == old else member for member in members)


def _used_words(superfluous: Sequence[str], missing: Sequence[str]) -> str:
    text = ""
    if superfluous:
        text += f"; of the references used {verdict.listed(superfluous)} {_is(superfluous)} superfluous"
    if missing:
        text += f"; {verdict.listed(missing)} {_is(missing)} missing among those used"
    return text


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
