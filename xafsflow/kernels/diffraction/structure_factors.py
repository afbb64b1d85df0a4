"""Geometric sums of a structure's atoms for many reflections, and what scatters."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Complexes, Doubles, Indices
from xafsflow.kernels.jit import kernel


@kernel
def geometric_sums(hkl: Indices, places: Doubles, role: Indices, weight: float, sums: Complexes) -> None:
    """Add exp(2 pi i h x) of each atom to the sum of its role.

    Parameters
    ----------
    hkl
        (reflection, 3) Miller indices.
    places
        (atom, 3) fractional coordinates.
    role
        (atom) row of `sums` that an atom adds to.
    weight
        Of each atom: how often centering repeats it.
    sums
        (role, reflection) complex; changed in place.
    """
    highest = 0
    for n in range(hkl.shape[0]):
        for axis in range(3):
            highest = max(highest, abs(hkl[n, axis]))
    # Powers of three phases a atom in place of a sine and cosine for each reflection.
    powers = np.empty((3, 2 * highest + 1), np.complex128)
    for atom in range(places.shape[0]):
        for axis in range(3):
            angle = 2 * np.pi * places[atom, axis]
            one = complex(np.cos(angle), np.sin(angle))
            value = complex(1.0, 0.0)
            powers[axis, highest] = value
            for index in range(1, highest + 1):
                value *= one
                powers[axis, highest + index] = value
                powers[axis, highest - index] = value.conjugate()
        row = role[atom]
        for n in range(hkl.shape[0]):
            sums[row, n] += weight * (
                powers[0, highest + hkl[n, 0]]
                * powers[1, highest + hkl[n, 1]]
                * powers[2, highest + hkl[n, 2]]
            )


@kernel
def inverse_spacings(hkl: Indices, metric: Doubles) -> Doubles:
    """1/d of reflections, 1/Angstrom: the root of h G* h.

    Parameters
    ----------
    hkl
        (reflection, 3) Miller indices.
    metric
        (3, 3) reciprocal metric, 1/Angstrom^2.
    """
    found = np.empty(hkl.shape[0])
    for n in range(hkl.shape[0]):
        total = 0.0
        for i in range(3):
            for j in range(3):
                total += hkl[n, i] * metric[i, j] * hkl[n, j]
        found[n] = np.sqrt(total)
    return found


@kernel
def squared_structure_factors(
    sums: Complexes, inverse_d: Doubles, factors: Doubles, step: float, displacement: Doubles
) -> Doubles:
    """|F|^2 of reflections, electrons squared: form factors, damped by exp(-B s^2), times geometric sums.

    Parameters
    ----------
    sums
        (role, reflection) geometric sums.
    inverse_d
        (reflection) 1/d, 1/Angstrom; s = sin(theta)/lambda is half of it.
    factors
        (role, s) form factors at multiples of `step`, electrons; straight lines between.
    step
        Of `factors`, 1/Angstrom.
    displacement
        (role) Debye-Waller B, Angstrom^2.
    """
    roles, reflections = sums.shape
    found = np.empty(reflections)
    last = factors.shape[1] - 2
    for n in range(reflections):
        s = 0.5 * inverse_d[n]
        left = min(int(s / step), last)
        share = s / step - left
        total = complex(0.0, 0.0)
        for role in range(roles):
            f = factors[role, left] * (1 - share) + factors[role, left + 1] * share
            total += f * np.exp(-displacement[role] * s * s) * sums[role, n]
        found[n] = total.real * total.real + total.imag * total.imag
    return found
