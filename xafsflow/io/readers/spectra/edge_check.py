"""Whether values over energies have an absorption edge: a step up at one place, clear against the scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles

FEWEST = 20  # with fewer points nothing is said
CLEAR = 6.0  # standard deviations of the same difference before the edge
WIDTH = 0.001  # of the energy: 7 eV at 7112 eV, about the rise of an edge
NARROWEST = 3.0  # eV
REACH = 6.0  # widths on both sides of the edge where the rise must be left
STAYS = 0.1  # of the rise that is left behind a white line or at the end of the scan
APART = (
    4.0,
    3.0,
    2.0,
)  # widths from the edge to what is before it; its own peaks lie up to some 20 eV before
FEWEST_ELSEWHERE = 3


@dataclass(frozen=True)
class Edge:
    """Where values rise most, eV, by how much, and this over the scatter; `clear` is None with too few points to tell."""

    energy: float
    step: float
    clear: bool | None
    over_scatter: float = 0.0

    @property
    def shown(self) -> str:
        """For a message."""
        if self.clear is None:
            return "too few points for an edge"
        if not self.clear:
            return "no clear edge"
        return f"edge at {self.energy:.1f} eV, step {self.step:.3g}"


def edge_of(energy: Doubles, mu: Doubles) -> Edge:
    """The edge of a spectrum.

    The difference of means behind and before each point, over 0.1 % of the energy (3 eV at least) without the inner
    quarter, is taken less a slope, the median before the steepest place. There it must be 6 times larger than the scatter of
    that difference before it (scaled median of absolute deviations, and the noise of the points), twice as large as any
    before it, and a tenth of it must stay behind the edge, which is not so for a glitch. Where the scan begins too close to
    the edge it is compared with both sides, and only with the noise of the points.

    Parameters
    ----------
    energy, mu
        `(points)`, eV, increasing.

    Examples
    --------
    >>> energy = np.arange(7000.0, 7300.0)
    >>> edge = edge_of(energy, 1e-4 * energy + 1 / (1 + np.exp(7120 - energy)))
    >>> edge.clear, round(edge.energy), round(edge.step, 1)
    (True, 7120, 0.9)
    >>> edge_of(energy, 1e5 - (energy - 7000) ** 2).clear
    False
    """
    if len(energy) < FEWEST:
        return Edge(float("nan"), float("nan"), None)
    width = max(NARROWEST, WIDTH * float(np.median(energy)))
    rise, count = _rises(energy, mu, width)
    apart, _ = _rises(energy, energy, width)
    if not np.isfinite(rise).any():
        return Edge(float("nan"), float("nan"), None)
    rise = rise - float(np.nanmedian(rise / apart)) * apart
    at = int(np.nanargmax(rise))
    place = float(energy[at])
    elsewhere, before = _elsewhere(energy, rise, place, width)
    if elsewhere.sum() < FEWEST_ELSEWHERE:
        return Edge(place, float(rise[at]), None)
    rise = rise - float(np.median((rise / apart)[elsewhere])) * apart
    scatter = 1.4826 * float(np.median(np.abs(rise[elsewhere]))) if before else 0.0
    noise = _noise(mu[: at + 1]) * np.sqrt(2.0 / max(count[at], 1.0))
    step, largest = float(rise[at]), float(np.max(rise[elsewhere]))
    over_scatter = step / max(float(np.hypot(scatter, noise)), 1e-9 * float(np.abs(mu).max()), 1e-300)
    clear = over_scatter > CLEAR and step > 2 * largest and _stays(energy, mu, place, width) > STAYS * step
    return Edge(place, step, bool(clear), over_scatter)


def _elsewhere(energy: Doubles, rise: Doubles, place: float, width: float) -> tuple[NDArray[np.bool_], bool]:
    """What the edge is compared with, and whether it lies before it, or on both sides as the scan begins too close to it."""
    finite = np.isfinite(rise)
    for apart in APART:
        before = finite & (energy < place - apart * width)
        if before.sum() >= FEWEST_ELSEWHERE:
            return before, True
    return finite & (np.abs(energy - place) > APART[0] * width), False


def _rises(energy: Doubles, mu: Doubles, width: float) -> tuple[Doubles, Doubles]:
    """The mean behind less the mean before each point, NaN where there is none; the fewer points of the two means."""
    total = np.concatenate(([0.0], np.cumsum(mu - mu.mean())))

    def mean(first: Doubles, last: Doubles) -> tuple[Doubles, Doubles]:
        low, high = np.searchsorted(energy, first, "left"), np.searchsorted(energy, last, "right")
        with np.errstate(invalid="ignore", divide="ignore"):
            return (total[high] - total[low]) / (high - low), (high - low).astype(np.float64)

    inner = width / 4
    below, fewer = mean(energy - width, energy - inner)
    above, more = mean(energy + inner, energy + width)
    return above - below, np.minimum(fewer, more)


def _noise(mu: Doubles) -> float:
    """The standard deviation of points, from second differences, in which slopes cancel."""
    if len(mu) <= FEWEST_ELSEWHERE:
        return 0.0
    return 1.4826 * float(np.median(np.abs(np.diff(mu, 2)))) / 6**0.5


def _stays(energy: Doubles, mu: Doubles, place: float, width: float) -> float:
    """How much higher the values are behind the edge than before; without end where the scan ends there."""
    apart = (energy - place) / width
    before, behind = (apart < -1) & (apart > -REACH), (apart > 1) & (apart < REACH)
    if not before.any() or not behind.any():
        return np.inf
    return float(np.mean(mu[behind]) - np.mean(mu[before]))
