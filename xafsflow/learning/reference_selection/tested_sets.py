"""Sets of references tested against the measured noise: which of them is not contradicted, and what can be told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.findings.reference_set_findings import Outcome
from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.reference_selection.bin_regions import Bins
from xafsflow.learning.reference_selection.goodness_of_fit import Fit, FitTest
from xafsflow.learning.reference_selection.measured_noise import MeasuredNoise
from xafsflow.learning.reference_selection.set_judgement import Judged
from xafsflow.learning.reference_selection.set_misfit import Set

# Sets that are tested where the simplest is rejected.
TESTED = 12
# Variance of a bin's scatter from energy to energy over the stated one, beyond which neither is believed.
CONTRADICTION = 2.0


class TestedSets:
    """Tests of sets of references on a whole image and its regions, each done once.

    Parameters
    ----------
    bins
        All bins.
    references
        `(reference, energy)`.
    groups
        `(bin,)` each, the whole image first.
    noise
        What their residuals show.
    offset
        The references of a set may be moved together by up to this, eV.
    """

    def __init__(
        self, bins: Bins, references: Doubles, groups: Sequence[Mask], noise: MeasuredNoise, offset: float
    ) -> None:
        self.references, self.noise = references, noise
        self.test = FitTest(bins, groups, noise, offset)
        self._known: dict[frozenset[int], Fit] = {}

    def fit(self, members: Set) -> Fit:
        """The test of a set."""
        key = frozenset(members)
        if key not in self._known:
            self._known[key] = self.test.fit(self.references[sorted(key)])
        return self._known[key]

    def rejected(self, members: Set, group: int | None = None) -> bool:
        """Whether the noise contradicts a set in a group; anywhere, where none is named."""
        found = self.fit(members).rejected
        return bool(found.any() if group is None else found[group])

    def simplest(self, first: Judged, others: Sequence[Judged], group: int | None = None) -> Judged | None:
        """`first` where nothing contradicts it, else the simplest of the others that nothing contradicts, or None."""
        if not self.rejected(first.members, group):
            return first
        place = group or 0
        better = [one for one in others if one.prediction[place].error < first.prediction[place].error]
        better.sort(key=lambda one: (len(one.members), one.prediction[place].error))
        return next((one for one in better[:TESTED] if not self.rejected(one.members, group)), None)

    def outcome(self, members: Set, share: float) -> tuple[Outcome, str]:
        """What can be told of a set, and why not more.

        Parameters
        ----------
        members
            The set.
        share
            Share of another phase that must be seen.
        """
        fit = self.fit(members)
        if fit.rejected.any():
            return "does not suffice", ""
        if self.noise.scatter > CONTRADICTION:
            times = float(np.sqrt(self.noise.scatter))
            return "cannot be told", (
                f"from one energy to the next the bins scatter {times:.1f} times as much as the stated noise"
            )
        seen = fit.typical_detectable
        if seen <= share:
            return "suffices", ""
        if fit.tolerated > share:
            return "cannot be told", (
                f"another phase could be as much as {_percent(seen)} and pass for these references, which together take "
                "nearly any shape"
            )
        return "cannot be told", (
            f"with this noise at {len(self.test.bins.energy)} energies another phase of less than {_percent(seen)} would "
            "not be seen"
        )


def _percent(share: float) -> str:
    return f"{100 * min(share, 1.0):.0f} %"
