"""March-Dollase preferred orientation of powders."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.kernels.jit import kernel


@kernel
def march_dollase(hkl: Indices, images: Indices, metric: Doubles, axis: Indices, r: float) -> Doubles:
    """The factor of each reflection, the mean over those that symmetry makes equal.

    `(r^2 cos^2 a + sin^2 a / r)^(-3/2)` with the angle a between a reflection and the axis (Dollase, J. Appl. Cryst. 19,
    267, 1986); its mean over all directions is one.

    Parameters
    ----------
    hkl
        (reflection, 3) Miller indices.
    images
        (operation, 3, 3) rotations; `hkl @ rotation` are the indices of an equivalent.
    metric
        (3, 3) reciprocal metric, 1/Angstrom^2.
    axis
        (3) Miller indices of the planes that lie in the surface (r below 1) or stand on it.
    r
        1 is no texture.
    """
    along, length = np.zeros(3), 0.0
    for i in range(3):
        for j in range(3):
            along[i] += metric[i, j] * axis[j]
        length += along[i] * axis[i]
    found = np.empty(hkl.shape[0])
    for n in range(hkl.shape[0]):
        own = 0.0
        for i in range(3):
            for j in range(3):
                own += hkl[n, i] * metric[i, j] * hkl[n, j]
        total = 0.0
        for operation in range(images.shape[0]):
            dot = 0.0
            for i in range(3):
                for j in range(3):
                    dot += hkl[n, i] * images[operation, i, j] * along[j]
            cosine2 = min(dot * dot / (own * length), 1.0)
            base = r * r * cosine2 + (1 - cosine2) / r
            total += 1 / (base * np.sqrt(base))
        found[n] = total / images.shape[0]
    return found
