"""What noise leaves of a weighted fit when the energies of a spectrum share it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices

# Simulated spectra: their median chi-square is good to 1 %.
DRAWS = 2000


def freedom_over_noise(
    references: Doubles,
    free: Doubles,
    sigma: Doubles,
    response: Doubles,
    step: Doubles,
    places: Indices,
    sum_to_one: bool,
) -> float:
    """The degrees of freedom of a fit over the chi-square that noise leaves in a typical pixel; one if that is unknown.

    Parameters
    ----------
    references, free
        `(reference, place)` and `(background, place)`, at the energies `places` that are fitted.
    sigma, response, step
        `(energy,)`, `(source, energy)` and `(source,)`: the noise of a typical pixel, see `noise_response`.
    sum_to_one
        The sum of the fractions is held at one.
    """
    columns = np.concatenate([references[1:] - references[:1] if sum_to_one else references, free])
    if not len(columns) or not np.isfinite(sigma[places]).all():
        return 1.0
    whole = response[:, places] + np.multiply.outer(step, references.mean(axis=0))
    # Nowhere more or less noise than the fit is weighed by.
    whole *= sigma[places] / np.sqrt((whole**2).sum(axis=0))
    return (len(places) - len(columns)) / typical_chi_square(sigma[places], whole, columns)


def typical_chi_square(sigma: Doubles, response: Doubles, columns: Doubles) -> float:
    """The median chi-square that noise alone leaves of a fit by all columns, over `DRAWS` simulated spectra.

    For independent noise it is that of the chi-square distribution, near the number of energies less that of the columns,
    and 2/3. Where a curve that the normalization has fitted moves all energies together, few sources make up most of
    chi-square, and its median is far below its mean.

    Parameters
    ----------
    sigma
        `(energy,)`: the standard deviations that weigh the fit.
    response
        `(source, energy)`: the change of the spectrum by one standard deviation of each independent source.
    columns
        `(column, energy)`: what is free in the fit.

    Examples
    --------
    >>> one = typical_chi_square(np.ones(50), np.eye(50), np.ones((1, 50)))
    >>> slope = np.linspace(-1, 1, 50)
    >>> shared = typical_chi_square(np.sqrt(1 + slope**2), np.vstack([np.eye(50), slope]), np.ones((1, 50)))
    >>> round(one), shared < one
    (49, True)
    """
    arrays = (sigma, response, columns)
    return _median(*((np.ascontiguousarray(one, np.float64).tobytes(), one.shape) for one in arrays))


@lru_cache(maxsize=16)
def _median(*packed: tuple[bytes, tuple[int, ...]]) -> float:
    """`typical_chi_square` of packed arrays: blocks of one scan ask for the same again and again."""
    sigma, response, columns = (np.frombuffer(values).reshape(shape) for values, shape in packed)
    basis = np.zeros((0, len(sigma)))
    for column in columns / sigma:
        left = column
        for _ in range(2):
            left = left - np.einsum("ij,i->j", basis, np.einsum("ij,j->i", basis, left))
        length = float(np.sqrt((left**2).sum()))
        if length > 1e-9 * float(np.sqrt((column**2).sum())):
            basis = np.vstack([basis, left / length])
    # Sums of einsum have one order, whatever number of threads there is: maps are equal to the bit.
    draws = np.random.default_rng(0).standard_normal((DRAWS, len(response)))
    spectra = np.einsum("ds,se->de", draws, response / sigma)
    spectra -= np.einsum("di,ie->de", np.einsum("de,ie->di", spectra, basis), basis)
    return float(np.median((spectra**2).sum(axis=1)))
