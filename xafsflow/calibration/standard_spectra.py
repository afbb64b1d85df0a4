"""Spectra of known energies as functions, and what a fit needs to know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.findings.calibrate_findings import Broadening
from xafsflow.io.readers.spectrum_library import broadened
from xafsflow.kernels.array_types import Doubles, Indices, Mask
from xafsflow.kernels.spectra import single_spectrum as spectra
from xafsflow.kernels.spectra.broadening import broadening_of
from xafsflow.kernels.spectra.energy_shift import move
from xafsflow.kernels.spectra.energy_shift_fit import ShiftFit
from xafsflow.kernels.spectra.piecewise_cubic import piecewise
from xafsflow.kernels.spectra.shift_model import DEGREE, Curves, Seen
from xafsflow.step_table import Span
from xafsflow.vocabulary import nearest

# Energies to fit by default, eV relative to the edge.
SPAN: Span = (-100.0, 200.0)
# eV between the used energies and the ends of the standards, so that a shift does not leave them.
MARGIN = 6.0
# eV below and above the edge where the flanks begin that give a pixel's step.
FLANKS = (-15.0, 20.0)
# eV on either side of the edge from which a standard's step and noise are read.
REACH = 80.0
# eV^2, and standard errors, from which on a variance is another resolution: less changes a spectrum by less than 0.001.
LEAST_CLEAR, CLEAR = 0.008, 3.0
# Resolutions at which the standards are kept: of one step of a fit, and the next.
REMEMBERED = 8
# Energies that a fit needs beyond its own parameters.
SPARE = 4


@dataclass(frozen=True, eq=False)
class Standards:
    """Spectra of known energies as functions.

    `seen` gives cubic splines through them at any resolution, `lines` straight lines between the same points; known from
    `low` to `high`, eV; of each standard the place of its `edges` (half of the rise), eV, the edge `step`, and the
    `alignment` error, eV, that its own noise brings.
    """

    names: list[str]
    seen: Seen
    lines: Seen
    low: float
    high: float
    edges: Doubles
    step: Doubles
    alignment: Doubles

    @property
    def curves(self) -> Curves:
        """The splines through the spectra as they are."""
        return self.seen(0.0)

    @property
    def e0(self) -> float:
        """The mean of the edges, eV."""
        return float(self.edges.mean())

    def misfit(self, fit: ShiftFit) -> float:
        """What a fit leaves unexplained in the typical spectrum, as a share of the edge step."""
        return float(np.median(fit.misfit / np.abs(fit.amplitude @ self.step)))

    def broadening(self, fit: ShiftFit, error: float) -> Broadening:
        """The images' resolution against the standard's, of whose variance this error is known, eV^2."""
        if len(self.names) > 1:
            return Broadening(np.nan, np.nan, clear=False)
        clear = abs(fit.blur) > max(LEAST_CLEAR, CLEAR * error)
        return Broadening(*broadening_of(fit.blur, error), clear=bool(clear))

    def own_error(self, fit: ShiftFit) -> float:
        """The shift of all that the standards' own noise brings, each by its share in the edge, eV."""
        share = fit.amplitude.mean(axis=0) * self.step
        return float(np.sqrt(((share / share.sum()) ** 2 * self.alignment**2).sum()))

    def inside(self, energy: Doubles, span: Span) -> Mask:
        """Which of the scan's energies to use: inside of the span about e0, and well inside of the standards.

        Raises
        ------
        InputError
            Too few are left.
        """
        low, high = (-np.inf if span[0] is None else span[0]), (np.inf if span[1] is None else span[1])
        found = (energy >= self.e0 + low) & (energy <= self.e0 + high)
        found &= (energy >= self.low + MARGIN) & (energy <= self.high - MARGIN)
        wanted = DEGREE + 3 + len(self.names) + 1 + SPARE
        edge = found & (np.abs(energy - self.e0) <= 10)
        if found.sum() < wanted or edge.sum() < 3:
            raise InputError(
                f"{found.sum()} energies that the standard covers, {edge.sum()} of them within 10 eV of {self.e0:.1f} eV",
                f"{wanted} or more, 3 of them at the edge",
                "scan more energies, widen the span, or check that the standard is of the scan's element",
            )
        return found


def standards(library: xr.Dataset, names: Sequence[str] | None) -> Standards:
    """Cubic splines through spectra of a library.

    Raises
    ------
    InputError
        A name that the library does not have.
    """
    known = [str(name) for name in library.spectrum.values]
    wanted = known if names is None else list(names)
    for name in wanted:
        if name not in known:
            raise InputError(
                f"the standard {name!r}{nearest(name, known)}",
                f"one of {', '.join(known)}",
                "add it to the references",
            )
    rows = [known.index(name) for name in wanted]
    points = [_points(library.energy.values[row], library.mu.values[row]) for row in rows]
    seen, lines = _at_resolutions(points)
    edges, steps, alignment = [], [], []
    for row, (energy, mu) in enumerate(points):
        near = _near_edge(energy, mu)
        own, height = energy[near], mu[near]
        edges.append(spectra.half_rise(own, height))
        low, high = spectra.levels(own, height)
        steps.append(high - low)
        noise = spectra.point_noise(own, height)
        alignment.append(spectra.alignment_error(own, height, seen(0.0)(own, 1)[row], noise))
    return Standards(
        names=wanted,
        seen=seen,
        lines=lines,
        low=max(energy[0] for energy, _ in points),
        high=min(energy[-1] for energy, _ in points),
        edges=np.array(edges),
        step=np.array(steps),
        alignment=np.array(alignment),
    )


def refuse(cube: xr.Dataset, library: xr.Dataset, settings: Mapping[str, Any]) -> None:
    """Refuse what a fit of standards to a scan would, before anything is read.

    Raises
    ------
    InputError
        A standard that the library does not have, or too few energies that it covers.
    """
    named = settings["references"] if "references" in settings else settings["standard"]
    if named is None and settings.get("e0") is not None:
        return
    names = [named] if isinstance(named, str) else named
    standards(library, names).inside(cube.energy.values, settings["span"])


def moved_like(curves: Curves, energy: Doubles, shift: Doubles, *, cubic: bool) -> Curves:
    """Curves as they look in spectra that were measured at other energies and moved to these.

    Between energies that lie far apart an interpolation misses what a curve does there, for each shift something else.

    Parameters
    ----------
    curves
        Called with `(t, energy)`.
    energy
        `(energy,)`, eV.
    shift
        `(t,)`: what each spectrum was moved by, eV.
    cubic
        As of `calibrate.apply`.
    """
    shape = (len(energy), len(shift), len(energy))
    one = np.broadcast_to(np.eye(len(energy), dtype=np.float32)[:, None], shape)
    by = np.broadcast_to(shift.astype(np.float32)[:, None], shape[1:])
    weights = move(energy, np.ascontiguousarray(one), np.ascontiguousarray(by), cubic).astype(float)
    # Energies at the ends that a moved spectrum does not reach.
    beyond = np.isnan(weights).any(axis=2).T
    weights = np.nan_to_num(weights)

    def moved(places: Doubles, order: int) -> Doubles:
        if places.ndim < 2:
            return curves(places, order)
        measured = curves(energy + shift[:, None] + (places - energy)[:, :1], order)
        return np.where(beyond, curves(places, order), np.einsum("ktj,ctj->ctk", weights, measured))

    return moved


def _at_resolutions(points: list[tuple[Doubles, Doubles]]) -> tuple[Seen, Seen]:
    """Splines through spectra, and lines between their points, at any resolution."""
    from scipy.interpolate import CubicSpline

    @lru_cache(maxsize=REMEMBERED)
    def through(variance: float) -> list[CubicSpline]:
        return [CubicSpline(energy, broadened(energy, mu, variance)) for energy, mu in points]

    def seen(variance: float) -> Curves:
        def curves(energy: Doubles, order: int) -> Doubles:
            flat = np.ascontiguousarray(np.atleast_2d(energy), float)
            found = [piecewise(one.x, one.c, flat, order) for one in through(variance)]
            return np.stack(found).reshape(-1, *energy.shape)

        return curves

    def lines(variance: float) -> Curves:
        def curves(energy: Doubles, order: int) -> Doubles:
            # Derivatives serve to find the way only, and the spline's are smooth.
            if order:
                return seen(variance)(energy, order)
            return np.stack([np.interp(energy, one.x, one(one.x)) for one in through(variance)])

        return curves

    return seen, lines


def _points(energy: Doubles, mu: Doubles) -> tuple[Doubles, Doubles]:
    good = np.isfinite(energy) & np.isfinite(mu)
    return energy[good].astype(float), mu[good].astype(float)


def _near_edge(energy: Doubles, mu: Doubles) -> Indices:
    """The points of a long spectrum within `REACH` of its steepest rise."""
    even = np.arange(energy[0], energy[-1], 2.0)
    top = even[int(np.argmax(np.diff(np.interp(even, energy, mu))))] + 1.0
    return np.flatnonzero(np.abs(energy - top) <= REACH)
