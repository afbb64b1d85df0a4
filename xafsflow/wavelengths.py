"""Wavelengths: lines of X-ray tubes by name, and scattering angles at another wavelength."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xafsflow.errors import InputError

# K alpha 1 and K alpha 2, Angstrom: International Tables for Crystallography C (2004), table 4.2.2.4.
K_ALPHA: dict[str, tuple[float, float]] = {
    "Cr": (2.289726, 2.293651),
    "Fe": (1.936041, 1.939973),
    "Co": (1.788996, 1.792835),
    "Cu": (1.540593, 1.544427),
    "Mo": (0.709317, 0.713607),
    "Ag": (0.559422, 0.563813),
}
RATIO = 0.5  # K alpha 2 over K alpha 1, by the populations of the levels 2p1/2 and 2p3/2
LOWEST, HIGHEST = 0.05, 10.0  # Angstrom; 250 keV to 1.2 keV: no powder pattern is measured beyond
SAME = 1e-3  # relative; K alpha 1 and the mean of both lines of copper differ by .0008
NAME = re.compile(r"([A-Z][a-z]?)[\s_-]*K[\s_-]*(?:a|alpha|α)[\s_-]*([12]?)\Z", re.IGNORECASE)


def mean_of_lines(first: float, second: float, ratio: float = RATIO) -> float:
    """The mean wavelength of a doublet, weighted by its intensities, in the unit of the lines.

    Parameters
    ----------
    first, second
        K alpha 1 and K alpha 2.
    ratio
        The intensity of the second over that of the first.

    Examples
    --------
    >>> round(mean_of_lines(1.540593, 1.544427), 5)
    1.54187
    """
    return (first + ratio * second) / (1.0 + ratio)


def angstrom(wavelength: float | str) -> float:
    """A wavelength in Angstrom, given so or as the name of a line.

    Parameters
    ----------
    wavelength
        A number, or `CuKa` (the mean of both lines, weighted 2 to 1), `CuKa1`, `CuKa2`; likewise Cr, Fe, Co, Mo and Ag.

    Raises
    ------
    InputError
        The line is not known, or the number is not within .05 and 10 Angstrom.

    Examples
    --------
    >>> angstrom("CuKa1"), round(angstrom("MoKa"), 5), angstrom(0.5)
    (1.540593, 0.71075, 0.5)
    """
    if isinstance(wavelength, str):
        named = NAME.match(wavelength.strip())
        lines = K_ALPHA.get(named[1].capitalize()) if named else None
        if named and lines:
            return lines[int(named[2]) - 1] if named[2] else mean_of_lines(*lines)
    try:
        value = float(wavelength)
    except (TypeError, ValueError):
        value = math.nan
    if not LOWEST <= value <= HIGHEST:
        raise InputError(
            f"the wavelength {wavelength!r}",
            f"Angstrom between {LOWEST:g} and {HIGHEST:g}, or a line: "
            + ", ".join(f"{anode}Ka" for anode in K_ALPHA)
            + " (or Ka1, Ka2)",
            "mend the wavelength",
        )
    return value


def lines_of(wavelength: float | str) -> NDArray[np.float64]:
    """Wavelengths, Angstrom, and their shares: (line, 2); two lines for the name of an anode without a number.

    Parameters
    ----------
    wavelength
        As `angstrom` takes it.

    Raises
    ------
    InputError
        As `angstrom`.

    Examples
    --------
    >>> lines_of("CuKa").round(4).tolist(), lines_of(0.4).tolist()
    ([[1.5406, 0.6667], [1.5444, 0.3333]], [[0.4, 1.0]])
    """
    mean = angstrom(wavelength)
    named = NAME.match(wavelength.strip()) if isinstance(wavelength, str) else None
    if named is None or named[2]:
        return np.array([[mean, 1.0]])
    shares = np.array([1.0, RATIO]) / (1.0 + RATIO)
    return np.stack([K_ALPHA[named[1].capitalize()], shares], axis=1)


def alike(one: float, other: float) -> bool:
    """Whether two wavelengths are told for the same beam: they differ by .1 % at most.

    Examples
    --------
    >>> alike(1.5406, 1.5418), alike(1.5406, 1.7890)
    (True, False)
    """
    return abs(one - other) <= SAME * max(one, other)


def angles_at(two_theta: ArrayLike, measured: float, wanted: float) -> NDArray[np.float64]:
    """Where peaks that one wavelength scatters to `two_theta` are with another: sin(theta') = sin(theta) wanted / measured.

    Parameters
    ----------
    two_theta
        Degrees, of any shape.
    measured, wanted
        Wavelengths in one unit.

    Returns
    -------
    array
        Degrees, of the same shape; NaN where no angle is: at the wanted wavelength that spacing does not scatter.

    Examples
    --------
    >>> angles_at([20.0, 60.0, 120.0], 1.0, 1.2).round(2)
    array([24.05, 73.74,   nan])
    """
    sine = np.sin(np.radians(np.asarray(two_theta, np.float64)) / 2.0) * (wanted / measured)
    found = np.full(sine.shape, np.nan)
    np.arcsin(sine, out=found, where=np.abs(sine) <= 1.0)
    return np.degrees(2.0 * found)
