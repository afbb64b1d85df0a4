"""Normalization by tabulated scattering factors: the spectrum is matched to f2 of the free atom.

The caller gives f2 on the scan's energies, for instance Chantler's from `xraydb.f2_chantler`. Signature and
result are those of `normalize`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.kernels.spectra.normalization_projection import normalize_block
from xafsflow.kernels.spectra.normalization_weights import MBACK
from xafsflow.kernels.spectra.normalization_windows import Windows, settings

MBACK_WINDOWS = Windows(pre2=-50, norm1=100)
MAX_ORDER = 6


def mback(
    energy: ArrayLike,
    mu: ArrayLike,
    e0: ArrayLike,
    f2: ArrayLike,
    windows: Windows = MBACK_WINDOWS,
    order: int = 3,
) -> tuple[Floats, Doubles]:
    """Larch's `mback`: match `scale mu - polynomial` to f2 away from the edge, and normalize by the match.

    Scale and polynomial (of degree `order`) minimize `sum(weight (f2 + polynomial - scale mu)^2)` over the
    energies up to `e0 + pre2` and from `e0 + norm1` on; each of the two windows weighs one, and e0 is moved
    to the nearest energy. Then `pre`, a line, and `step` of `edge_step` with a parabola are taken from
    `f2 + polynomial`: `norm = (scale mu - pre) / step`, `edge_step = step / scale`.
    See Weng, Waldo and Penner-Hahn, J. Synchrotron Rad. 12, 506 (2005).

    Parameters
    ----------
    f2
        `(energy,)`, tabulated.
    windows
        `pre1` and `norm2` are the ends of the scan if None; `nnorm`, `nvict`, `npre` do not count.
    order
        Degree of the polynomial, 0 to 6.

    Raises
    ------
    InputError
        f2 that does not fit the energies or is not finite, or an order out of range.

    Notes
    -----
    Solved in closed form, where Larch iterates to 1e-5. Its error function and the extension by Lee and
    Xiang, off by default there, are left out.

    Examples
    --------
    >>> energy = np.arange(7000, 7400, 2.0)
    >>> f2 = 0.5 + 3.4 * (energy > 7112)
    >>> norm, step = mback(energy, 0.2 * f2 + 0.1, 7112.0, f2)
    >>> float(step.round(6)), norm[[0, -1]].round(6) + 0.0
    (0.68, array([0., 1.]))
    """
    if windows.pre2 is None or windows.norm1 is None:
        raise InputError(f"{windows}", "pre2 and norm1", "give both, by default -50 and 100 eV")
    if order not in range(MAX_ORDER + 1):
        raise InputError(f"order {order}", f"a whole number from 0 to {MAX_ORDER}", "change order")
    given = np.append(settings(windows), order)
    return normalize_block(energy, mu, e0, given, MBACK, _table(energy, f2))


def _table(energy: ArrayLike, f2: ArrayLike) -> Doubles:
    table = np.asarray(f2, dtype=np.float64)
    if table.shape != np.shape(energy) or not np.isfinite(table).all():
        raise InputError(
            f"f2 of shape {table.shape}, {np.count_nonzero(~np.isfinite(table))} values not finite",
            f"a finite value for each of {np.size(energy)} energies",
            "take it from a table that covers the scan",
        )
    return table
