"""Non-negative least squares with few references, for many sets of references and many spectra at once."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.kernels.jit import kernel

# Supports of a set are tried one by one: 7 of them for three references, 1023 for ten.
MOST = 10
# A reference that the others of its support explain to this share is not independent of them.
DEPENDENT = 1e-10


@kernel
def fit_sets(gram: Doubles, cross: Doubles, sets: Indices) -> tuple[Doubles, Doubles]:
    """Non-negative least-squares fits of every spectrum by every set of references.

    The sum of squares `|y - a f|^2`, `f >= 0`, is that of the data less `2 f.c - f.G f`, with `G = a.a` and `c = a.y`. The
    optimum is an ordinary fit on the references that are above zero in it; of the ordinary fits on all subsets of a set
    that come out positive, the optimum explains most. No step is iterative.

    Parameters
    ----------
    gram
        float64 `(reference, reference)`: inner products of the references.
    cross
        float64 `(spectrum, reference)`: inner products of spectra and references.
    sets
        int64 `(set, place)`: references of each set, -1 behind the last; at most `MOST`.

    Returns
    -------
    tuple
        `fractions` `(set, spectrum, place)`, zero where there is none; `explained` `(set, spectrum)`, by how much the sum of
        squares falls.
    """
    n_sets, width = sets.shape
    n_spectra = cross.shape[0]
    fractions = np.zeros((n_sets, n_spectra, width))
    explained = np.zeros((n_sets, n_spectra))
    inverse = np.empty((1 << width, width, width))
    usable = np.empty(1 << width, np.bool_)
    trial = np.empty(width)
    for s in range(n_sets):
        size = 0
        while size < width and sets[s, size] >= 0:
            size += 1
        for support in range(1, 1 << size):
            usable[support] = _invert(gram, sets[s], support, size, inverse[support])
        full = (1 << size) - 1
        for n in range(n_spectra):
            for support in range(full, 0, -1):
                if not usable[support]:
                    continue
                gain = _ordinary(inverse[support], cross[n], sets[s], support, size, trial)
                if gain > explained[s, n]:
                    explained[s, n] = gain
                    fractions[s, n, :size] = trial[:size]
                if support == full and gain > 0.0:
                    break
    return fractions, explained


@kernel
def _ordinary(
    inverse: Doubles, cross: Doubles, chosen: Indices, support: int, size: int, out: Doubles
) -> float:
    """The ordinary fit on a support and what it explains; -1 where a reference would be negative."""
    gain = 0.0
    for i in range(size):
        out[i] = 0.0
        if support >> i & 1:
            for j in range(size):
                if support >> j & 1:
                    out[i] += inverse[i, j] * cross[chosen[j]]
            if not out[i] >= 0.0:
                return -1.0
            gain += out[i] * cross[chosen[i]]
    return gain


@kernel
def _invert(gram: Doubles, chosen: Indices, support: int, size: int, out: Doubles) -> bool:
    """Inverse of the part of `gram` that a support picks, by sweeps; False where it has none."""
    for i in range(size):
        for j in range(size):
            out[i, j] = gram[chosen[i], chosen[j]]
    for k in range(size):
        if not support >> k & 1:
            continue
        pivot = out[k, k]
        if not pivot > DEPENDENT * gram[chosen[k], chosen[k]]:
            return False
        for j in range(size):
            if j != k:
                out[k, j] /= pivot
        for i in range(size):
            if i != k:
                for j in range(size):
                    if j != k:
                        out[i, j] -= out[i, k] * out[k, j]
        for i in range(size):
            if i != k:
                out[i, k] = -out[i, k] / pivot
        out[k, k] = 1.0 / pivot
    return True
