"""Kernels of phantoms: random numbers by place, smooth fields, grains, and what the detector counts.

Random numbers are a hash of a row's key and the column, so a pixel's number does not depend on what is
computed with it. Rows are whole: every pixel of a column goes through the same vector lane whatever the
block.
"""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Mask, Singles, Uint16s, Uint64s
from xafsflow.kernels.jit import kernel
from xafsflow.kernels.spectra.absorbance import log_of_row

f32, u64 = np.float32, np.uint64
# splitmix64: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA
# 2014.
GOLDEN, MIX_1, MIX_2 = u64(0x9E3779B97F4A7C15), u64(0xBF58476D1CE4E5B9), u64(0x94D049BB133111EB)
S27, S30, S31, S33 = u64(27), u64(30), u64(31), u64(33)
# Below this expectation counts are drawn from the Poisson distribution itself; above it, from an expansion.
EXACT_BELOW = f32(30)
LIMIT = f32(65535)


@kernel
def mix(values: Uint64s) -> Uint64s:
    """A hash of each uint64 of an array (the finalizer of splitmix64)."""
    h = (values ^ (values >> S30)) * MIX_1
    h = (h ^ (h >> S27)) * MIX_2
    return h ^ (h >> S31)


@kernel
def normal_row(bits: Uint64s, out: Singles) -> None:
    """Standard normal float32 numbers from random uint64 bits.

    The quantile function by the polynomials of M. Giles, "Approximating the erfinv function", GPU Computing
    Gems 2, 2012; to 2e-6 within 5.5 standard deviations, 3e-3 beyond. 31 bits give the size, up to 6.3;
    one gives the sign.
    """
    tail = np.empty(out.size, f32)
    product = np.empty(out.size, f32)
    for i in range(out.size):
        tail[i] = (f32(np.int32(bits[i] >> S33)) + f32(0.5)) * f32(2.0**-32)
        product[i] = f32(4) * tail[i] * (f32(1) - tail[i])
    log_of_row(product, out)
    for i in range(out.size):
        w = -out[i]
        t = w - f32(2.5)
        near = f32(3.43273939e-07) + f32(2.81022636e-08) * t
        near = f32(-4.39150654e-06) + (f32(-3.5233877e-06) + near * t) * t
        near = f32(-0.00125372503) + (f32(0.00021858087) + near * t) * t
        near = f32(0.246640727) + (f32(-0.00417768164) + near * t) * t
        near = f32(1.50140941) + near * t
        t = np.sqrt(max(w, f32(0))) - f32(3)
        far = f32(0.000100950558) + f32(-0.000200214257) * t
        far = f32(-0.00367342844) + (f32(0.00134934322) + far * t) * t
        far = f32(-0.0076224613) + (f32(0.00573950773) + far * t) * t
        far = f32(1.00167406) + (f32(0.00943887047) + far * t) * t
        far = f32(2.83297682) + far * t
        size = (near if w < f32(5) else far) * (f32(1) - f32(2) * tail[i]) * f32(1.4142135623730951)
        out[i] = size if bits[i] & u64(1) else -size


@kernel
def exp_row(values: Singles, out: Singles) -> None:
    """`exp` of float32 values from -80 to 80, to 2e-6: `2^n 2^r`, with a Taylor series for `|r| <= 1/2`."""
    bits = out.view(np.int32)
    for i in range(values.size):
        t = values[i] * f32(1.4426950408889634)
        n = np.int32(np.rint(t))
        r = t - f32(n)
        series = f32(0.0555041087) + r * (
            f32(0.00961812911) + r * (f32(0.00133335581) + r * f32(0.000154035304))
        )
        out[i] = f32(1) + r * (f32(0.6931471806) + r * (f32(0.2402265070) + r * series))
        bits[i] += n << np.int32(23)


@kernel
def waves(rows: Doubles, columns: Doubles, wave_y: Doubles, wave_x: Doubles, phase: Doubles) -> Doubles:
    """`sqrt(2/n) sum_i cos(ky_i y + kx_i x + p_i)`: a field of variance 1, float64 `(rows, columns)`."""
    n = phase.size
    out = np.zeros((rows.size, columns.size))
    cos_x, sin_x = np.empty((n, columns.size)), np.empty((n, columns.size))
    for i in range(n):
        cos_x[i] = np.cos(wave_x[i] * columns)
        sin_x[i] = np.sin(wave_x[i] * columns)
    for y in range(rows.size):
        row = out[y]
        for i in range(n):
            angle = wave_y[i] * rows[y] + phase[i]
            c, s = np.sqrt(2.0 / n) * np.cos(angle), np.sqrt(2.0 / n) * np.sin(angle)
            row[:] = row + (c * cos_x[i] - s * sin_x[i])
    return out


@kernel
def grains(
    place_y: Doubles, place_x: Doubles, site_y: Doubles, site_x: Doubles, content: Doubles, blend: float
) -> tuple[Doubles, Doubles]:
    """Grains around random sites, one a cell of a square lattice, running into each other at their borders.

    Parameters
    ----------
    place_y, place_x
        Where each pixel lies on the lattice, in cells; the 8 neighbors of its cell must exist.
    site_y, site_x
        Positions of the sites, `(cells, cells)`, in cells.
    content
        What a grain is made of, `(cells, cells, parts)`.
    blend
        Width of a border in cells.

    Returns
    -------
    mixture, seam
        `(parts, y, x)`, content weighted by `exp(-distance/blend)`; and 1 at a border, falling to 0 inside
        a grain.
    """
    n_y, n_x = place_y.shape
    parts = content.shape[2]
    mixture, seam = np.zeros((parts, n_y, n_x)), np.empty((n_y, n_x))
    distance = np.empty(9)
    for y in range(n_y):
        for x in range(n_x):
            top, left = int(place_y[y, x]) - 1, int(place_x[y, x]) - 1
            for i in range(9):
                a, b = top + i // 3, left + i % 3
                distance[i] = np.sqrt(
                    (place_y[y, x] - site_y[a, b]) ** 2 + (place_x[y, x] - site_x[a, b]) ** 2
                )
            first = distance.min()
            total = 0.0
            for i in range(9):
                weight = np.exp((first - distance[i]) / blend)
                total += weight
                for k in range(parts):
                    mixture[k, y, x] += weight * content[top + i // 3, left + i % 3, k]
            for k in range(parts):
                mixture[k, y, x] /= total
            # The share of the other grains is 1/2 where two meet.
            seam[y, x] = min(1.0, 2.0 * (1.0 - 1.0 / total))
    return mixture, seam


@kernel
def absorbance_row(weights: Singles, place: Singles, table: Singles, out: Singles) -> None:
    """Absorbance of one row, `sum_k weight_k table_k(place)`.

    `weights` `(k, x)`; `table` `(k, knots)`, absorbances linear between knots; `place` `(x)` in knots.
    """
    out[:] = 0
    for k in range(weights.shape[0]):
        knots, weight = table[k], weights[k]
        for x in range(out.size):
            low = np.int32(place[x])
            part = place[x] - f32(low)
            out[x] += weight[x] * (knots[low] + part * (knots[low + 1] - knots[low]))


@kernel
def layer_absorbance(weights: Singles, place: Singles, table: Singles) -> Singles:
    """Absorbance of an image, as `absorbance_row`: `(k, y, x)`, `(y, x)`, `(k, knots)` give `(y, x)`."""
    out = np.empty(place.shape, f32)
    for y in range(place.shape[0]):
        absorbance_row(weights[:, y], place[y], table, out[y])
    return out


@kernel
def transmitted_light(
    weights: Singles, place: Singles, table: Singles, flux: float, light: Singles
) -> Singles:
    """Expected counts above the dark, `flux light exp(-sum_k weight_k table_k(place))`, `(y, x)`.

    `light` is `(y, x)`; the others as in `layer_absorbance`.
    """
    out = np.empty(place.shape, f32)
    mu = np.empty(place.shape[1], f32)
    for y in range(place.shape[0]):
        absorbance_row(weights[:, y], place[y], table, mu)
        for x in range(mu.size):
            mu[x] = -min(mu[x], f32(80))
        exp_row(mu, out[y])
        for x in range(mu.size):
            out[y, x] *= f32(flux) * light[y, x]
    return out


@kernel
def expose(mean: Singles, dark: Singles, dead: Mask, keys: Uint64s, readout: float, noisy: bool) -> Uint16s:
    """One image: Poisson counts, dark level with readout noise, dead pixels; uint16 `(y, x)`.

    Above an expectation of 30 the counts are `m + s z + (z^2 - 1) c/(6 s^2)`, the Cornish-Fisher expansion
    with the variance `s^2` and third cumulant `c` of Poisson and readout noise together; its next term is
    below 0.2 counts at 4 standard deviations. Rounding adds its variance of 1/12, as in a converter. Below
    30 the Poisson part is exact.

    Parameters
    ----------
    mean
        Expected counts above the dark, `(y, x)`.
    dark, dead
        Mean counts without beam and bool, `(y, x)`.
    keys
        One uint64 a row.
    """
    n_y, n_x = mean.shape
    out = np.empty((n_y, n_x), np.uint16)
    counter = np.arange(n_x).astype(np.uint64) * GOLDEN
    level, z = np.empty(n_x, f32), np.empty(n_x, f32)
    variance = f32(readout) * f32(readout)
    for y in range(n_y):
        row = mean[y]
        level[:] = row
        if noisy:
            bits = mix(keys[y] + counter)
            normal_row(bits, z)
            for x in range(n_x):
                both = row[x] + variance
                level[x] += np.sqrt(both) * z[x] + (z[x] * z[x] - f32(1)) * row[x] / (f32(6) * both)
            if row.min() < EXACT_BELOW:
                draw_poisson(mix(bits ^ GOLDEN), row, f32(readout), z, level)
        for x in range(n_x):
            count = max(f32(0), min(LIMIT, np.rint(level[x] + dark[y, x])))
            out[y, x] = np.uint16(LIMIT if dead[y, x] else count)
    return out


@kernel
def draw_poisson(bits: Uint64s, mean: Singles, readout: np.float32, z: Singles, out: Singles) -> None:
    """Where less than 30 is expected: a Poisson number by inversion, and readout noise."""
    for x in range(mean.size):
        if mean[x] < EXACT_BELOW:
            left = (np.float64(bits[x] >> S33) + 0.5) / 2.0**31
            term = np.exp(-np.float64(mean[x]))
            number = 0
            # 31 bits never ask for more than 80 at a mean of 30; the bound guards against rounding only.
            while left > term and number < 200:
                left -= term
                number += 1
                term *= np.float64(mean[x]) / number
            out[x] = f32(number) + readout * z[x]
