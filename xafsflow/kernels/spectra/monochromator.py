"""The energy that a double-crystal monochromator gives each row, from geometry.

A ray that leaves the source at another angle meets the crystals at another Bragg angle. After Katayama, J. Synchrotron
Rad. 22, 1227 (2015).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles

# eV Angstrom.
HC = 12398.419843
# Lattice constants at 22.5 degrees C, Angstrom.
SILICON, GERMANIUM = 5.431020511, 5.6579
# Spacing of the planes, Angstrom.
SPACINGS = {
    "Si(111)": SILICON / np.sqrt(3),
    "Si(220)": SILICON / np.sqrt(8),
    "Si(311)": SILICON / np.sqrt(11),
    "Si(333)": SILICON / np.sqrt(27),
    "Ge(111)": GERMANIUM / np.sqrt(3),
}


def bragg_angle(energy: ArrayLike, spacing: float) -> Doubles:
    """`asin(hc / (2 d E))`, radian; NaN below the least energy that the planes reflect.

    Examples
    --------
    >>> round(float(np.degrees(bragg_angle(7112.0, SPACINGS["Si(111)"]))), 2)
    16.14
    """
    with np.errstate(invalid="ignore"):
        return np.arcsin(HC / (2 * spacing * np.asarray(energy, float)))


def geometric_shift(
    offset: ArrayLike, energy: float, spacing: float, distance: float, gap: float = 0.0, sign: int = -1
) -> Doubles:
    """True minus nominal energy at a distance from the beam's center, eV.

        theta  = asin(hc / (2 d E))
        dtheta = sign atan(offset / (L + h/sin(2 theta) - h/tan(2 theta)))
        shift  = hc / (2 d sin(theta + dtheta)) - E

    Parameters
    ----------
    offset
        From the beam's center along the plane of diffraction, any shape, in the unit of `distance`.
    energy
        Nominal energy, eV.
    spacing
        `d`, Angstrom.
    distance
        `L`, from the source to the detector.
    gap
        `h`, between the crystals, in the unit of `distance`.
    sign
        -1 for crystals that deflect "down", +1 "up".

    Examples
    --------
    >>> geometric_shift([-512 * 0.0046], 7111.20, 3.13551, 29500.0, 25.0, -1).round(2)
    array([-1.96])
    """
    theta = bragg_angle(energy, spacing)
    path = distance + gap / np.sin(2 * theta) - gap / np.tan(2 * theta)
    turned = theta + sign * np.arctan(np.asarray(offset, float) / path)
    return np.asarray(HC / (2 * spacing * np.sin(turned)) - energy)


class Layout(NamedTuple):
    """How a field of `shape` (rows, columns) lies in the beam.

    `axis` 0: the energy changes along y, 1: along x; `center` is the pixel number of the nominal energy along it.
    """

    shape: tuple[int, int]
    axis: int
    center: float
    spacing: float
    gap_mm: float
    pixel_um: float

    @property
    def least_energy(self) -> float:
        """What the planes reflect straight back, eV: nothing below it."""
        return HC / (2 * self.spacing)

    def shift(self, pixels: ArrayLike, energy: float, distance_m: float) -> Doubles:
        """Shift, eV, at pixel numbers along the axis; a negative distance stands for crystals that deflect "up".

        Examples
        --------
        >>> layout = Layout((1024, 8), 0, 512.0, 3.13551, 25.0, 4.6)
        >>> layout.shift([0, 512, 1024], 7111.20, 29.5).round(2) + 0.0
        array([-1.96,  0.  ,  1.96])
        """
        offset = 1e-3 * self.pixel_um * (np.asarray(pixels, float) - self.center)
        sign = -1 if distance_m > 0 else 1
        return geometric_shift(offset, energy, self.spacing, 1e3 * abs(distance_m), self.gap_mm, sign)

    def field(self, energy: float, distance_m: float) -> Doubles:
        """Shift of every pixel, `(y, x)`, eV.

        Examples
        --------
        >>> Layout((2, 3), 1, 1.0, 3.13551, 0.0, 100.0).field(7112.0, 50.0).round(3)
        array([[-0.049,  0.   ,  0.049],
               [-0.049,  0.   ,  0.049]])
        """
        along = self.shift(np.arange(self.shape[self.axis]), energy, distance_m)
        return np.array(np.broadcast_to(along[:, None] if self.axis == 0 else along, self.shape))
