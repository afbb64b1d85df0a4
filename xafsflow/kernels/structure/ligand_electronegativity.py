"""Mean electronegativity of the absorber's ligands, by Pauling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xafsflow.kernels.array_types import Doubles

nan = np.nan
# By atomic number from 1; NaN where none is known. Pauling's scale as A. L. Allred revised it, J. Inorg. Nucl. Chem. 17, 215
# (1961); for elements that he does not give, estimates on the same scale as the usual tables print them (Kr, Xe, Pm, Eu, Tb,
# Yb, and from Po on).
PAULING: tuple[float, ...] = (
    # 1 to 2
    *(2.2, nan),
    # 3 to 10
    *(0.98, 1.57, 2.04, 2.55, 3.04, 3.44, 3.98, nan),
    # 11 to 18
    *(0.93, 1.31, 1.61, 1.9, 2.19, 2.58, 3.16, nan),
    # 19 to 36
    *(
        0.82,
        1.0,
        1.36,
        1.54,
        1.63,
        1.66,
        1.55,
        1.83,
        1.88,
        1.91,
        1.9,
        1.65,
        1.81,
        2.01,
        2.18,
        2.55,
        2.96,
        3.0,
    ),
    # 37 to 54
    *(0.82, 0.95, 1.22, 1.33, 1.6, 2.16, 1.9, 2.2, 2.28, 2.2, 1.93, 1.69, 1.78, 1.96, 2.05, 2.1, 2.66, 2.6),
    # 55 to 71
    *(0.79, 0.89, 1.1, 1.12, 1.13, 1.14, 1.13, 1.17, 1.2, 1.2, 1.1, 1.22, 1.23, 1.24, 1.25, 1.1, 1.27),
    # 72 to 86
    *(1.3, 1.5, 2.36, 1.9, 2.2, 2.2, 2.28, 2.54, 2.0, 1.62, 2.33, 2.02, 2.0, 2.2, 2.2),
    # 87 to 103
    *(0.7, 0.9, 1.1, 1.3, 1.5, 1.38, 1.36, 1.28, 1.13, 1.28, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3),
)


def electronegativity(z: ArrayLike) -> Doubles:
    """Pauling electronegativity of each atomic number, in its shape; NaN for those without one and for 0.

    Examples
    --------
    >>> electronegativity([8, 30, 2, 0])
    array([3.44, 1.65,  nan,  nan])
    """
    number = np.asarray(z)
    known = (number > 0) & (number <= len(PAULING))
    return np.where(known, np.array(PAULING)[np.where(known, number, 1) - 1], np.nan)


def mean_electronegativity(z: ArrayLike, shell: ArrayLike) -> Doubles:
    """Mean Pauling electronegativity of the atoms of the shell.

    Parameters
    ----------
    z
        `(sample, atom)`, atomic numbers.
    shell
        `(sample, atom)`: which atoms are ligands.

    Returns
    -------
    ndarray
        `(sample,)`; NaN where there is no ligand, or one of an element without a value.

    Examples
    --------
    >>> mean_electronegativity([[30, 8, 16]], [[False, True, True]])
    array([3.01])
    """
    inside = np.asarray(shell, np.bool_)
    count = inside.sum(axis=1)
    total = np.where(inside, electronegativity(z), 0.0).sum(axis=1)
    return np.asarray(total / np.where(count > 0, count, np.nan))
