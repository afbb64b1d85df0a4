"""Sums of the spectra of some pixels of a block."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Singles
from xafsflow.kernels.jit import kernel


@kernel
def sums_of_finite(values: Singles, pixels: Indices) -> tuple[Doubles, Indices]:
    """Sum over some pixels at each energy, and of how many values: what is not finite is left out.

    In float64, one pixel after the other.

    Parameters
    ----------
    values
        `(energy, pixel)` float32.
    pixels
        `(n,)` int64, which of them.

    Returns
    -------
    sums, counts
        float64 and int64 `(energy,)`.
    """
    n_energy = len(values)
    sums, counts = np.empty(n_energy), np.empty(n_energy, np.int64)
    for e in range(0, n_energy, 4):
        # Four energies at a time, so that one addition need not wait for the other; the last may come twice.
        e1, e2, e3 = min(e + 1, n_energy - 1), min(e + 2, n_energy - 1), min(e + 3, n_energy - 1)
        r0, r1, r2, r3 = values[e], values[e1], values[e2], values[e3]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        n0, n1, n2, n3 = 0, 0, 0, 0
        for i in range(pixels.size):
            p = np.uint64(pixels[i])
            v0, v1, v2, v3 = r0[p], r1[p], r2[p], r3[p]
            g0, g1 = abs(v0) < np.float32(np.inf), abs(v1) < np.float32(np.inf)
            g2, g3 = abs(v2) < np.float32(np.inf), abs(v3) < np.float32(np.inf)
            s0 += np.float64(v0) if g0 else 0.0
            s1 += np.float64(v1) if g1 else 0.0
            s2 += np.float64(v2) if g2 else 0.0
            s3 += np.float64(v3) if g3 else 0.0
            n0, n1, n2, n3 = n0 + g0, n1 + g1, n2 + g2, n3 + g3
        sums[e], sums[e1], sums[e2], sums[e3] = s0, s1, s2, s3
        counts[e], counts[e1], counts[e2], counts[e3] = n0, n1, n2, n3
    return sums, counts
