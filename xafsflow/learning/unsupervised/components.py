"""Principal components of a table of spectra: how many there are, and which spectra they can represent.

Spectra are rows of a table, each value divided by its noise. The components are the right singular vectors of the
table as it is: no mean is taken off, so that n phases make n components.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xafsflow.kernels.array_types import Doubles, Floats

# A component must exceed what noise alone makes by this factor: the noise of other pixels is of another shape.
MARGIN = 1.25
# Malinowski's grades of SPOIL: below the number, the word.
GRADES = ((1.5, "excellent"), (3.0, "good"), (4.5, "fair"), (6.0, "acceptable"))


def principal(table: Floats, center: bool = False) -> tuple[Doubles, Doubles]:
    """Eigenvalues and eigenvectors of the mean of `x x'` over the rows x of a table, the largest first.

    Parameters
    ----------
    table
        `(pixel, energy)`, finite.
    center
        Whether the mean of the rows is taken off before.

    Returns
    -------
    eigenvalues, vectors
        `(energy,)` and `(component, energy)`; the largest entry of each vector is positive.

    Examples
    --------
    >>> values, vectors = principal(np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    >>> values
    array([4.5, 0.5])
    """
    rows = table.astype(np.float64)
    if center:
        rows -= rows.mean(axis=0)
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    return np.maximum(values[::-1], 0.0), upright(vectors.T[::-1])


def upright(vectors: Doubles) -> Doubles:
    """Vectors whose largest entry is positive: an eigenvector has no sign of its own.

    Examples
    --------
    >>> upright(np.array([[0.6, -0.8]]))
    array([[-0.6,  0.8]])
    """
    largest = np.abs(vectors).argmax(axis=1)
    signs = np.sign(vectors[np.arange(len(vectors)), largest])
    return np.asarray(vectors * np.where(signs == 0, 1.0, signs)[:, None])


def indicator(eigenvalues: Doubles) -> Doubles:
    """Malinowski's indicator function in Larch's form, `sqrt(n sum(ev[r:])/(n-r-1))/(n-r-1)^2` for r components.

    Its least value is where the number of components suffices. Malinowski (Anal. Chem. 49, 612 (1977)) divides by n - r
    in place of n - r - 1, and his sum begins, as here, behind the r components. Larch takes the mean off before and
    therefore counts one more than where its least value is.

    Parameters
    ----------
    eigenvalues
        `(n,)`, falling.

    Returns
    -------
    ndarray
        `(n-1,)`, for r from 0.

    Examples
    --------
    >>> int(indicator(np.array([900.0, 40.0, 1.1, 1.0, 1.0, 0.9, 0.9, 0.8])).argmin())
    2
    """
    n = len(eigenvalues)
    left = n - np.arange(n - 1) - 1
    behind = np.cumsum(eigenvalues[::-1])[::-1][: n - 1]
    return np.asarray(np.sqrt(n * behind / left) / left**2)


def noise_floor(eigenvalues: Doubles, vectors: Doubles, noise: Doubles, most: int) -> Doubles:
    """The largest eigenvalue that noise alone has beside the first r components, for r from 0 to `most`.

    This is parallel analysis (Horn, Psychometrika 30, 179 (1965)) with noise that went through the data's own treatment
    in place of permuted data, and with the components found so far projected out. The noise of normalized spectra is
    correlated along the energies: the line and the edge step that were fitted make patterns of their own, which the edge of
    Marchenko and Pastur for independent values does not know. Both are compared at equal medians of their eigenvalues, so
    that noise which is predicted too low or too high moves no limit.

    Parameters
    ----------
    eigenvalues, vectors
        Of the data, `(energy,)` and `(component, energy)`.
    noise
        Noise alone, `(pattern, energy)`, in the units of the data.
    most
        At most so many components.

    Returns
    -------
    ndarray
        `(most + 1,)`.
    """
    covariance = noise.T @ noise / len(noise)
    scale = np.median(eigenvalues) / np.median(np.linalg.eigvalsh(covariance))
    floors = []
    for r in range(most + 1):
        beside = np.eye(len(covariance)) - vectors[:r].T @ vectors[:r]
        floors.append(scale * np.linalg.eigvalsh(beside @ covariance @ beside)[-1])
    return np.array(floors)


def above_noise(eigenvalues: Doubles, floor: Doubles) -> int:
    """How many eigenvalues, one after the other, exceed `MARGIN` times the floor beside those before.

    Examples
    --------
    >>> above_noise(np.array([900.0, 40.0, 1.2, 1.0]), np.array([1.3, 1.2, 1.1, 1.0]))
    2
    """
    more = eigenvalues[: len(floor)] > MARGIN * floor[: len(eigenvalues)]
    return int(more.argmin()) if not more.all() else len(more)


@dataclass(frozen=True)
class Target:
    """A spectrum tested against components.

    `aet`, `rep`, `ret` are Malinowski's errors in units of the data's noise, `spoil` his ratio; `fit` (energy,) is the
    spectrum's image in the components.
    """

    aet: float
    rep: float
    ret: float
    spoil: float
    fit: Doubles


def target(vectors: Doubles, eigenvalues: Doubles, error: float, spectra: float, test: Doubles) -> Target:
    """Target transformation of a spectrum.

    With the components v_j and eigenvalues l_j of a table of m spectra (l_j the mean over the spectra), test x and image
    `fit = sum_j v_j (v_j x)`:

        AET  = sqrt(sum((fit - x)^2)/(n - k))          apparent error in the target
        REP  = RE |t|,  t_j = (v_j x)/sqrt(m l_j)      real error in the predicted vector: what the table's error RE does
        RET  = sqrt(AET^2 - REP^2)                     real error in the target
        SPOIL = RET/REP

    E. R. Malinowski, Anal. Chim. Acta 103, 339 (1978), and his Factor Analysis in Chemistry, Wiley. A test whose own
    error exceeds what the noise of the data does to its image spoils what is made with it.

    Parameters
    ----------
    vectors
        `(k, n)`, orthonormal.
    eigenvalues
        `(k,)`.
    error
        RE, the error of a value of the table.
    spectra
        m, the number of spectra in the table.
    test
        `(n,)`, scaled as the table was; its size does not matter to SPOIL.

    Examples
    --------
    >>> found = target(np.eye(3)[:1], np.array([4.0]), 1.0, 1.0, np.array([2.0, 0.0, 2.0]))
    >>> found.aet, found.rep, round(found.spoil, 3)
    (1.4142135623730951, 1.0, 1.0)
    """
    parts = vectors @ test
    fit = parts @ vectors
    aet = float(np.sqrt(((fit - test) ** 2).sum() / (len(test) - len(vectors))))
    rep = float(error * np.sqrt((parts**2 / (spectra * eigenvalues)).sum()))
    ret = float(np.sqrt(max(0.0, aet**2 - rep**2)))
    return Target(aet, rep, ret, ret / rep, fit)


def grade(spoil: float) -> str:
    """Malinowski's grade for a value of SPOIL.

    Examples
    --------
    >>> grade(1.4), grade(5.0), grade(6.0)
    ('excellent', 'acceptable', 'unacceptable')
    """
    return next((word for limit, word in GRADES if spoil < limit), "unacceptable")
