"""Near-duplicates among the spectra of a collection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xafsflow.kernels.array_types import Doubles


def spectral_distances(energy: Doubles, spectra: Doubles) -> Doubles:
    """Distances between spectra: the root mean square residual of a fit of one by the other.

    A factor, a constant and a slope are fitted, for these differ with the normalization. Of the two fits of a pair the
    closer counts.

    Parameters
    ----------
    energy
        `(energy,)`, eV.
    spectra
        `(spectrum, energy)`, of edge step one.

    Returns
    -------
    ndarray
        `(spectrum, spectrum)`, zero on the diagonal.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 50)
    >>> spectral_distances(x, np.array([np.tanh(x), 0.9 * np.tanh(x) + 0.1, x**2])).round(3)
    array([[0.   , 0.   , 0.036],
           [0.   , 0.   , 0.032],
           [0.036, 0.032, 0.   ]])
    """
    lines = np.stack([np.ones_like(energy), energy - energy.mean()])
    axes = np.linalg.qr(lines.T)[0]
    free = spectra - (spectra @ axes) @ axes.T
    length = np.sqrt((free**2).sum(axis=1))
    along = np.clip(free @ free.T / np.outer(length, length), -1, 1)
    # Opposite spectra are no near-duplicates, however well a negative factor would fit.
    left = np.where(along > 0, np.sqrt(np.maximum(0, 1 - along**2)), 1.0)
    found = left * np.minimum(length, length[:, None]) / np.sqrt(len(energy))
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def near_duplicates(names: Sequence[str], distance: Doubles, limit: float) -> dict[str, tuple[str, ...]]:
    """The names nearer than a limit to each name, nearest first; only names that have any.

    Examples
    --------
    >>> near_duplicates(["a", "b", "c"], np.array([[0, 0.01, 0.5], [0.01, 0, 0.4], [0.5, 0.4, 0]]), 0.02)
    {'a': ('b',), 'b': ('a',)}
    """
    found = {}
    for place, name in enumerate(names):
        near = [
            i for i in np.argsort(distance[place], kind="stable") if i != place and distance[place, i] < limit
        ]
        if near:
            found[name] = tuple(names[i] for i in near)
    return found
