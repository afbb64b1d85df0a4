"""Wavelengths of X-rays, in Angstrom or as a line of an anode."""

from __future__ import annotations

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles

# K alpha 1 and 2, Angstrom (International Tables C); the first is twice as strong.
ANODES: dict[str, tuple[float, float]] = {
    "CuKa": (1.54056, 1.54439),
    "CoKa": (1.78897, 1.79285),
    "MoKa": (0.70930, 0.71359),
    "CrKa": (2.28970, 2.29361),
    "FeKa": (1.93604, 1.93998),
    "AgKa": (0.55941, 0.56380),
}


def lines_of(wavelength: float | str) -> Doubles:
    """Wavelengths, Angstrom, and their shares: (line, 2).

    Parameters
    ----------
    wavelength
        Angstrom, one line; or the name of an anode, the doublet 2 to 1; its first line alone with a 1 behind, `CuKa1`.

    Raises
    ------
    InputError
        Another name, or no wavelength of diffraction.

    Examples
    --------
    >>> lines_of("CuKa")
    array([[1.54056   , 0.66666667],
           [1.54439   , 0.33333333]])
    >>> lines_of(0.4)
    array([[0.4, 1. ]])
    """
    if isinstance(wavelength, str):
        pair = ANODES.get(wavelength.removesuffix("1"))
        if pair is None:
            raise InputError(
                f"wavelength {wavelength!r}",
                f"a number in Angstrom, or one of {', '.join(ANODES)}, with a 1 for the first line alone",
                "give the wavelength in Angstrom",
            )
        if wavelength.endswith("1"):
            return np.array([[pair[0], 1.0]])
        return np.array([[pair[0], 2 / 3], [pair[1], 1 / 3]])
    if not 0.05 < wavelength < 10:
        raise InputError(
            f"wavelength {wavelength} Angstrom", "0.05 to 10 Angstrom", "convert energies or nanometers to it"
        )
    return np.array([[float(wavelength), 1.0]])


def mean_wavelength(wavelength: float | str) -> float:
    """The mean over the lines by their shares, Angstrom.

    Examples
    --------
    >>> round(mean_wavelength("CuKa"), 4)
    1.5418
    """
    lines = lines_of(wavelength)
    return float(lines[:, 0] @ lines[:, 1])
