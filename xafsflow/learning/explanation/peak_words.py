"""What peaks of a diffraction pattern tell, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.kernels.array_types import Doubles

# What is less than this share of the strongest effect of its sign is not worth a word, and so many peaks are named at most.
WORTH, NAMED = 0.2, 4
# Where no effect is larger, no single peak decides: the vote changes by less than 1 %.
LITTLE = 0.01
# What is smaller may be rounding.
LEAST = 1e-9


def evidence_sentence(output: str, vote: float, peaks: Doubles, effects: Doubles) -> str:
    """Which peaks spoke for a type and which against it.

    Parameters
    ----------
    output, vote
        The type and its vote.
    peaks, effects
        `(peak,)`: degrees two theta, and the fall of ln(vote) without each of them.

    Examples
    --------
    >>> evidence_sentence("rocksalt", 0.97, np.array([31.1, 36.9, 42.9, 62.3]), np.array([-0.3, 0.5, 0.9, 0.4]))
    'rocksalt (0.97): the peaks at 36.9, 42.9 and 62.3 degrees spoke for it; the one at 31.1 against it'
    >>> evidence_sentence("rocksalt", 1.0, np.array([36.9, 42.9]), np.array([0.001, -0.002]))
    'rocksalt (1.00): no single peak decides, the vote changes by less than 1 % without any one of them; the peak at 36.9
    degrees spoke for it most'
    >>> evidence_sentence("rocksalt", 0.2, np.zeros(0), np.zeros(0))
    'rocksalt (0.20): no peak stands out of the noise'
    """
    begin = f"{output} ({vote:.2f}): "
    if not len(peaks):
        return begin + "no peak stands out of the noise"
    most = float(np.abs(effects).max())
    if most < LITTLE:
        told = begin + "no single peak decides, the vote changes by less than 1 % without any one of them"
        spoke = _named(peaks, effects, LEAST)
        return f"{told}; {_those(spoke)} spoke for it most" if spoke else told
    spoke, against = (_named(peaks, sign * effects, LITTLE) for sign in (1, -1))
    if not spoke:
        return f"{begin}no peak spoke for it alone; {_those(against)} spoke against it"
    told = f"{begin}{_those(spoke)} spoke for it"
    if not against:
        return told
    shortly = "the one at " if len(against) == 1 else "those at "
    return f"{told}; {shortly}{_listed(against)} against it"


def _named(peaks: Doubles, effects: Doubles, least: float) -> list[str]:
    """The peaks with the largest effects, from left to right; ln(vote) cannot rise as far as it can fall."""
    least = max(least, WORTH * float(effects.max()))
    strongest = [k for k in np.argsort(-effects, kind="stable").tolist()[:NAMED] if effects[k] >= least]
    return [f"{place:.1f}" for place in sorted(peaks[strongest].tolist())]


def _those(places: Sequence[str]) -> str:
    return f"the {'peak' if len(places) == 1 else 'peaks'} at {_listed(places)} degrees"


def _listed(places: Sequence[str]) -> str:
    return places[0] if len(places) == 1 else f"{', '.join(places[:-1])} and {places[-1]}"
