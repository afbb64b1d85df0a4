"""What bands of energies tell, in words."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles

# Neighbors of the strongest band belong to it, if they have this share of its strength.
BESIDE = 0.5
# Where the strongest bands are not so many times stronger than all bands are on the mean, none stands out.
STANDS_OUT = 2.0
# What is less than this share of the strongest effect is not worth a word.
WORTH = 0.1
# Standard errors below which a loss is none.
ERRORS = 3.0


def strongest(edges: Doubles, strength: Doubles) -> tuple[float, float, float]:
    """From where to where the strongest bands reach, and which share of the whole strength they have.

    Parameters
    ----------
    edges, strength
        `(band + 1,)` and `(band,)`; what is below 0 has no strength.

    Examples
    --------
    >>> strongest(np.array([0.0, 6.0, 12.0, 18.0, 24.0]), np.array([1.0, 6.0, 3.0, 0.0]))
    (6.0, 18.0, 0.9)
    """
    known = np.maximum(strength, 0)
    first = last = int(known.argmax())
    enough = known >= max(BESIDE * known[first], np.finfo(float).tiny)
    while first > 0 and enough[first - 1]:
        first -= 1
    while last < len(known) - 1 and enough[last + 1]:
        last += 1
    share = known[first : last + 1].sum() / max(known.sum(), np.finfo(float).tiny)
    return float(edges[first]), float(edges[last + 1]), float(share)


def span_of(edges: Doubles, strength: Doubles, unit: str) -> str:
    """Where the strongest bands are.

    Examples
    --------
    >>> span_of(np.array([7112.0, 7118.0, 7124.0]), np.array([0.1, 1.0]), "eV")
    '7118 to 7124 eV'
    """
    low, high, _ = strongest(edges, strength)
    return f"{low:.6g} to {high:.6g} {unit}"


def told_by(output: str, edges: Doubles, size: Doubles, unit: str) -> str:
    """What an answer hangs on, from the mean absolute effects of all bands.

    Examples
    --------
    >>> told_by("Class 4", np.arange(0.0, 31.0, 6.0), np.array([1.0, 7.0, 1.0, 1.0, 0.0]), "eV")
    'Class 4 is told most by 6 to 12 eV (70 % of what all bands add).'
    >>> told_by("Class 5", np.arange(0.0, 31.0, 6.0), np.ones(5), "eV")
    'Class 5 is told by many bands: none stands out.'
    """
    low, high, share = strongest(edges, size)
    covered = (high - low) / float(np.ptp(edges))
    if not size.any():
        return f"{output} is told by none of the energies."
    if share < STANDS_OUT * covered:
        return f"{output} is told by many bands: none stands out."
    where = span_of(edges, size, unit)
    return f"{output} is told most by {where} ({100 * share:.0f} % of what all bands add)."


def raised_by(edges: Doubles, effect: Doubles, unit: str) -> str:
    """Which bands raise and lower an answer most.

    Examples
    --------
    >>> raised_by(np.array([0.0, 6.0, 12.0, 18.0]), np.array([1.0, 0.0, -0.25]), "eV")
    '0 to 6 eV raise it most (+1), 12 to 18 eV lower it most (-0.25)'
    """
    parts, least = [], WORTH * float(np.abs(effect).max())
    for sign, word in ((1.0, "raise"), (-1.0, "lower")):
        if (sign * effect).max() > least:
            low, high, _ = strongest(edges, sign * effect)
            inside = (edges[:-1] >= low) & (edges[1:] <= high)
            added = effect[inside].sum()
            parts.append(f"{span_of(edges, sign * effect, unit)} {word} it most ({added:+.3g})")
    return ", ".join(parts) or "no band adds anything"


def lost_without(what: str, edges: Doubles, loss: float, growth: Doubles, error: Doubles, unit: str) -> str:
    """What exchanging a band costs.

    Examples
    --------
    >>> edges = np.array([0.0, 6.0, 12.0])
    >>> lost_without("The share of wrong classes", edges, 0.08, np.array([0.0, 0.2]), np.array([0.01, 0.01]), "eV")
    'The share of wrong classes grows most, from 0.08 to 0.28, when 6 to 12 eV are exchanged among the spectra.'
    """
    most = int(growth.argmax())
    if growth[most] <= ERRORS * error[most]:
        return f"{what} ({loss:.2g}) does not grow when a single band is exchanged among the spectra: others tell the same."
    band = f"{edges[most]:.6g} to {edges[most + 1]:.6g} {unit}"
    return f"{what} grows most, from {loss:.2g} to {loss + growth[most]:.2g}, when {band} are exchanged among the spectra."
