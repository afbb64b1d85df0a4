"""A diffraction pattern as a file has it, and what every pattern must keep to."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.text_columns import HUGE
from xafsflow.kernels.array_types import Doubles
from xafsflow.wavelengths import HIGHEST, LOWEST, RATIO, alike, mean_of_lines

FEWEST = 5  # points
# Angles of several scans are alike where they differ by less than any goniometer sets, degrees.
SAME_ANGLE = 1e-4
# Scans in which the detector moves, or moves along: their angle is 2 theta.
COUPLED = {"gonio", "lockedcoupled", "unlockedcoupled", "coupled"}

Scan = TypeVar("Scan")


@dataclass(frozen=True)
class Light:
    """What a file tells of the wavelength: lines by name (`Ka1`, `Ka2`, or `wavelength`), Angstrom; none where it is silent.

    Examples
    --------
    >>> round(Light({"Ka1": 1.540598, "Ka2": 1.544426}).wavelength, 4), Light().wavelength
    (1.5419, None)
    """

    lines: Mapping[str, float] = field(default_factory=dict)
    ratio: float = RATIO

    @property
    def wavelength(self) -> float | None:
        """The mean of both lines, weighted by their ratio, or the only one; None where none is told."""
        if "Ka1" in self.lines and "Ka2" in self.lines:
            return mean_of_lines(self.lines["Ka1"], self.lines["Ka2"], self.ratio)
        return next(iter(self.lines.values()), None)


@dataclass(frozen=True, eq=False)
class Pattern:
    """A measured diffraction pattern.

    Parameters
    ----------
    name
        That of the file, without its suffix.
    two_theta
        Scattering angles, degrees, rising, of shape (points,).
    counts
        Of shape (points,); as they would be without an attenuator.
    light
        What the file tells of the wavelength.
    source
        The file.
    scans
        The scans of the file that are in it, in words.
    """

    name: str
    two_theta: Doubles
    counts: Doubles
    light: Light
    source: Path
    scans: tuple[str, ...] = ()

    @property
    def wavelength(self) -> float | None:
        """The mean wavelength that the file tells, Angstrom; None where it tells none."""
        return self.light.wavelength

    @property
    def lines(self) -> Mapping[str, float]:
        """The lines that the file tells, Angstrom."""
        return self.light.lines


def light_of(lines: Mapping[str, float | None], ratio: float | None, place: str) -> Light:
    """What is told of the wavelength, of which lines that are None or 0 are left out.

    Raises
    ------
    InputError
        A line or the ratio is not possible, or both lines are too far apart to be those of one anode.
    """
    told = {name: value for name, value in lines.items() if value}
    for name, value in told.items():
        if not LOWEST <= value <= HIGHEST:
            raise InputError(
                f"{place} with the wavelength {value:g} ({name})",
                f"Angstrom between {LOWEST:g} and {HIGHEST:g}",
                "mend the wavelength in the file",
            )
    # The lines of silver are .8 % apart, those of lighter anodes less
    if "Ka1" in told and "Ka2" in told and abs(told["Ka2"] / told["Ka1"] - 1) > 0.01:
        raise InputError(
            f"{place} with the lines {told['Ka1']:g} and {told['Ka2']:g} Angstrom",
            "K alpha 1 and 2 of one anode",
            "mend the wavelengths in the file",
        )
    share = RATIO if ratio is None else ratio
    if not 0 <= share <= 1:
        raise InputError(
            f"{place} with the ratio {share:g} of K alpha 2 to K alpha 1",
            "0 to 1, usually 0.5",
            "mend the ratio in the file",
        )
    return Light(told, share)


def pattern_of(path: Path, two_theta: Doubles, counts: Doubles, light: Light, scan: str = "") -> Pattern:
    """A pattern whose numbers are possible.

    Raises
    ------
    InputError
        Fewer than 5 points; numbers that are not finite; angles that do not rise or are none; counts that are all zero.

    Examples
    --------
    >>> pattern_of(Path("a.xy"), np.arange(10.0, 15.0), np.ones(5), Light()).name
    'a'
    """
    place = f"{path}" + (f", {scan}" if scan else "")
    if len(two_theta) != len(counts):
        raise InputError(
            f"{place} with {len(two_theta)} angles and {len(counts)} counts",
            "as many of both",
            "check whether the file is complete",
        )
    if len(two_theta) < FEWEST:
        raise InputError(f"{place} with {len(two_theta)} points", f"{FEWEST} or more", "give a whole pattern")
    for name, values in (("angle", two_theta), ("counts", counts)):
        wrong = ~(np.abs(values) < HUGE)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise InputError(
                f"{place}: {name} {values[at]:g} at point {at + 1}",
                "finite numbers",
                "leave out what was not measured",
            )
    _check_angles(two_theta, place)
    if not counts.max() > 0:
        raise InputError(f"{place} without counts above 0", "a measured pattern", "check the file")
    return Pattern(path.stem, two_theta, counts, light, path, (scan,) if scan else ())


def _check_angles(two_theta: Doubles, place: str) -> None:
    falling = np.diff(two_theta) <= 0
    if falling.any():
        at = int(np.argmax(falling))
        raise InputError(
            f"{place}: angle {two_theta[at + 1]:g} after {two_theta[at]:g} at point {at + 2}",
            "angles that rise, each once",
            "sort the points by angle, and take the mean of what was measured twice",
        )
    if two_theta[0] < -180 or two_theta[-1] > 180:
        raise InputError(
            f"{place} from {two_theta[0]:g} to {two_theta[-1]:g}",
            "angles 2 theta in degrees, up to 180",
            "export the pattern over 2 theta: energies, times and channels have no place here",
        )


def check_axis(axis: str, place: str) -> None:
    """Refuse a scan in which the detector stands still, or whose angle is that of the sample.

    Raises
    ------
    InputError
        Names the axis.

    Examples
    --------
    >>> check_axis("TwoThetaOmega", "a.ras"), check_axis("Theta/2-Theta", "a.ras"), check_axis("Gonio", "a.xrdml")
    (None, None, None)
    """
    plain = re.sub(r"[^a-z0-9]", "", axis.lower().replace("two", "2").replace("θ", "theta"))
    # Rigaku's Omega/2Theta is told by omega, its 2Theta/Omega by 2 theta
    if ("2theta" in plain and not plain.startswith("omega")) or plain in COUPLED:
        return
    raise InputError(
        f"{place}: a scan over {axis!r}",
        "a scan over 2 theta (Gonio, 2Theta, 2Theta/Omega, Theta/2Theta)",
        "take another scan: a scan of the sample alone is no powder pattern",
    )


def one_of(scans: Sequence[Scan], pattern: Callable[[Scan], Pattern], scan: int | None) -> Pattern:
    """The pattern of a file with one or more scans: one by its number, the only one, or the sum over the same angles.

    Parameters
    ----------
    scans
        What the format knows of each, at least one.
    pattern
        Reads one of them. With a number the others are not read: they may be scans of the sample.
    scan
        Its number, from 1; None for all.

    Raises
    ------
    InputError
        There is no such scan, or the scans have different angles or wavelengths (names them).
    """
    if scan is not None and 1 <= scan <= len(scans):
        return pattern(scans[scan - 1])
    patterns = [pattern(one) for one in scans]
    first = patterns[0]
    listed = "; ".join(f"{number}: {_told(one)}" for number, one in enumerate(patterns, 1))
    if scan is not None:
        raise InputError(
            f"scan {scan} of {first.source}", f"1 to {len(patterns)} ({listed})", "choose one of them"
        )
    if len(patterns) == 1:
        return first
    if not all(_same_beam(first, one) for one in patterns[1:]):
        raise InputError(
            f"{first.source} with {len(patterns)} scans that differ ({listed})",
            "one scan, or scans over the same angles at one wavelength, which are summed",
            "choose one by its number with `scan`",
        )
    text = f"{first.source}: the sum of {len(patterns)} scans over the same angles is taken ({listed})"
    warnings.warn(text, XafsflowWarning, stacklevel=4)
    counts = np.sum([one.counts for one in patterns], axis=0)
    return replace(first, counts=counts, scans=tuple(name for one in patterns for name in one.scans))


def _told(one: Pattern) -> str:
    name = one.scans[0] if one.scans else "scan"
    return f"{name}, {one.two_theta[0]:g} to {one.two_theta[-1]:g} degrees, {len(one.counts)} points"


def _same_beam(one: Pattern, other: Pattern) -> bool:
    if (one.wavelength is None) != (other.wavelength is None):
        return False
    same = one.wavelength is None or other.wavelength is None or alike(one.wavelength, other.wavelength)
    return (
        same
        and one.two_theta.shape == other.two_theta.shape
        and bool(np.abs(one.two_theta - other.two_theta).max() < SAME_ANGLE)
    )
