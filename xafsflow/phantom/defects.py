"""What goes wrong in a measurement and can be told: spikes, images without beam, two exposure times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.errors import InputError

# The images of a scan that can be exposed differently.
EXPOSED = ("sample", "flat", "foil")


@dataclass(frozen=True)
class Exposure:
    """From one energy on, images are taken with another exposure time.

    Parameters
    ----------
    first
        Number of the first energy, from 0, that is exposed otherwise.
    factor
        Exposure time over that of the energies before; counts above the dark level grow by it.
    images
        Which images: of `sample`, `flat`, `foil`.
    recorded
        Whether a record is written beside the images, `exposure/sample.txt` and so on: energy in eV and
        relative exposure time.

    Raises
    ------
    InputError
        For a setting that is out of its range, naming it.

    Examples
    --------
    >>> Exposure(first=40, factor=2, images=("sample",)).factors("sample", 42)[[0, 39, 40]]
    array([1., 1., 2.])
    """

    first: int
    factor: float
    images: tuple[str, ...] = EXPOSED
    recorded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(self.images))
        rules = (
            ("first", isinstance(self.first, int | np.integer) and self.first >= 0, "a whole number from 0"),
            ("factor", 0 < self.factor < np.inf, "more than 0"),
            ("images", set(self.images) <= set(EXPOSED), f"some of {', '.join(EXPOSED)}"),
        )
        for name, good, wanted in rules:
            if not good:
                raise InputError(f"exposure with {name}={getattr(self, name)!r}", wanted, f"change {name}")

    def factors(self, kind: str, energies: int) -> np.ndarray:
        """The relative exposure time of the images of a kind, one an energy."""
        factor = self.factor if kind in self.images else 1.0
        return np.where(np.arange(energies) < self.first, 1.0, factor)


@dataclass(frozen=True)
class Defects:
    """What goes wrong in a measurement; by default nothing.

    Parameters
    ----------
    zingers
        Share of the pixels that a spike hits, in every image and dark frame anew; a spike adds one to three
        times the mean counts of the flat field.
    blank
        Numbers of the energies, from 0, at which the beam was off while the sample was taken: the image is
        dark level and noise.
    exposure
        Another exposure time from one energy on.

    Raises
    ------
    InputError
        For a share outside 0 to 1, or numbers that are not whole.

    Examples
    --------
    >>> Defects(blank=[17]) == Defects(blank=(17,))
    True
    """

    zingers: float = 0.0
    blank: tuple[int, ...] = ()
    exposure: Exposure | None = None

    def __post_init__(self) -> None:
        numbers = np.asarray(self.blank).ravel()
        if numbers.size and (numbers.dtype.kind not in "iu" or numbers.min() < 0):
            raise InputError(f"blank={self.blank!r}", "whole numbers from 0", "change blank")
        object.__setattr__(self, "blank", tuple(numbers.tolist()))
        if not 0 <= self.zingers < 1:
            raise InputError(f"zingers={self.zingers!r}", "a share from 0 to below 1", "change zingers")

    def last_energy(self) -> int:
        """The largest number of an energy that is named, -1 without any."""
        return max((*self.blank, -1 if self.exposure is None else self.exposure.first))
