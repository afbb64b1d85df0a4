"""What the detector of a phantom counts: beam profile, flux, dark, noise; any image, any band of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats, Indices, Mask, Singles, Uint16s
from xafsflow.kernels.images.phantom_images import LIMIT, expose, layer_absorbance, transmitted_light
from xafsflow.phantom.detector import (
    READOUT,
    dark_level,
    dead_map,
    exposure_times,
    flux_of,
    light_map,
    spikes,
)
from xafsflow.phantom.point_spread import source_rows, spread_light
from xafsflow.phantom.reference_broadening import broadened
from xafsflow.phantom.sample import Rows, drift_path, row_numbers, sample_maps, shift_map
from xafsflow.phantom.scan_energies import shift_range
from xafsflow.phantom.seeds import in_bands, of_repeat, row_keys
from xafsflow.phantom.settings import DARK_FRAMES, Phantom
from xafsflow.vocabulary import nearest

# The images of a scan, and the variable of a cube that each becomes.
KINDS = {"sample": "sample", "flat": "flat_field", "foil": "foil"}
# The sample's image in a measurement of fluorescence.
FLUORESCENCE = "fluorescence"
# Photons of fluorescence that are counted for each that the element absorbs; their energy over e0 (K alpha of the
# first transition row: 0.895 to 0.90).
YIELD, EMISSION = 0.2, 0.9

# The foil's edge step, and its absorbance at e0 without the step.
FOIL_STEP, FOIL_REST = 1.1, 0.35
# Absorbance is linear over this many eV; the error stays below 2e-5 at the steepest edge.
KNOT = 0.02


@dataclass(frozen=True)
class View:
    """What stays the same from image to image of one kind, for a band of rows.

    `weights`, `place` and `light` are of the rows `source`, whose light reaches the rows `y`; `dark` and `dead`
    of those.
    """

    phantom: Phantom
    kind: str
    y: Indices
    source: Indices
    weights: Singles
    place: Singles
    light: Singles
    dark: Singles
    dead: Mask


def counts(phantom: Phantom, kind: str, energy_index: int, rows: Rows = None) -> Uint16s:
    """One image of the scan.

    Parameters
    ----------
    phantom
        The settings.
    kind
        `sample`, `flat`, `foil`, or `fluorescence`: the sample seen by the photons that it sends out.
    energy_index
        Which energy, from 0.
    rows
        First row and the row after the last; all by default.

    Returns
    -------
    ndarray
        Counts `(y, x)`. Photons follow a Poisson distribution (exactly below an expectation of 30, above it
        to the third cumulant), readout noise is normal with 2 counts, dead pixels and full ones hold 65535.

    Raises
    ------
    InputError
        For a kind, an energy or rows that the phantom does not have.

    Examples
    --------
    >>> phantom = Phantom(size=(32, 40), energies=20)
    >>> counts(phantom, "flat", 0, rows=(8, 12)).shape
    (4, 40)
    """
    _check_energy(phantom, energy_index)
    return image(view(phantom, kind, rows), energy_index)


def dark(phantom: Phantom, frame: int, rows: Rows = None) -> Uint16s:
    """One of the phantom's dark frames, counts `(y, x)`: about 100, pattern 3, readout noise 2.

    Raises
    ------
    InputError
        For a frame or rows that the phantom does not have.

    Examples
    --------
    >>> int(np.median(dark(Phantom(size=(32, 40)), 0)))
    100
    """
    if not 0 <= frame < DARK_FRAMES:
        raise InputError(f"dark frame {frame}", f"0 to {DARK_FRAMES - 1}", "change frame")
    y = row_numbers(phantom, rows)
    nothing = np.zeros((y.size, phantom.size[1]), np.float32)
    return _taken(phantom, f"dark {frame}", y, nothing, dark_level(phantom, y), dead_map(phantom, y))


def exact_mu(phantom: Phantom, kind: str, energy_index: int, rows: Rows = None) -> Doubles:
    """The absorbance without noise and point spread, `(y, x)`: what `-ln((I - dark)/(flat - dark))` should be.

    The sample's is `(E/e0)^-3 (matrix + thickness sum_k fraction_k spectrum_k(E))` at a pixel's true energy
    `E`, the foil's `(E/e0)^-3 (0.35 + 1.1 spectrum(E))`, with spectra of their broadening.

    That of `fluorescence` is `(I - dark)/(flat - dark)` over the yield of 0.2: the part `a` of the sample's absorbance
    that is the element's, without `matrix`. With self-absorption it is `a (1 - exp(-m))/m`, where `m` is the sample's
    absorbance at `E` and at the energy of the emitted photons (0.9 `e0`, where only the matrix absorbs) together; for
    a flat sample at 45 degrees to beam and detector (J. Goulon et al., J. Physique 43, 539, 1982).

    Raises
    ------
    InputError
        For a kind, an energy or rows that the phantom does not have.

    Examples
    --------
    >>> phantom = Phantom(size=(8, 8), energies=20, hole_share=0, references=("Fe",), thickness=(1, 1))
    >>> exact_mu(phantom, "sample", 0).round(2).max()
    np.float64(0.56)
    """
    _check_energy(phantom, energy_index)
    seen = view(replace(phantom, point_spread=0.0), kind, rows)
    weights = _weights(seen, energy_index).astype(float)
    energy = phantom.energy[energy_index] + shift_map(phantom, seen.y).astype(float)
    parts = [w * layer for w, layer in zip(weights, _layers(phantom, kind, energy), strict=True)]
    total = np.asarray(sum(parts, np.zeros(energy.shape)))
    if kind != FLUORESCENCE:
        return total
    outward = weights[-1] * phantom.matrix * EMISSION**-3.0
    return np.asarray(fluorescent_share(total - parts[-1], total, outward, phantom.self_absorption))


def _check_energy(phantom: Phantom, index: int) -> None:
    if not 0 <= index < phantom.energy.size:
        raise InputError(f"energy {index}", f"0 to {phantom.energy.size - 1}", "change energy_index")


def view(phantom: Phantom, kind: str, rows: Rows) -> View:
    """Everything that the images of a kind share, computed once."""
    known = (*KINDS, FLUORESCENCE)
    if kind not in known:
        raise InputError(
            f"images of kind {kind!r}{nearest(kind, known)}", f"one of {', '.join(known)}", "change kind"
        )
    if kind == "foil" and phantom.foil is None:
        raise InputError(
            "foil images of a phantom without foil", "a phantom with foil", "set foil, for example to 'Fe'"
        )
    y = row_numbers(phantom, rows)
    source = source_rows(y, phantom.size[0], phantom.point_spread)
    if kind in ("sample", FLUORESCENCE):
        weights = _sample_weights(phantom, source, (0.0, 0.0))
    else:
        weights = np.ones((1 if kind == "foil" else 0, source.size, phantom.size[1]), np.float32)
    place = in_bands(lambda part: _place(phantom, part), source)
    maps = (light_map(phantom, source), dark_level(phantom, y), dead_map(phantom, y))
    return View(phantom, kind, y, source, weights, place, *maps)


def image(seen: View, energy_index: int) -> Uint16s:
    """One image of a kind, for the rows of the view."""
    phantom, what = seen.phantom, f"{seen.kind} {energy_index}"
    mean = spread_light(_light(seen, energy_index), seen.source, seen.y, phantom.point_spread)
    return _taken(phantom, what, seen.y, mean, seen.dark, seen.dead)


def _light(seen: View, energy_index: int) -> Singles:
    """What the optics are given: expected counts above the dark, of the rows whose light reaches the view."""
    phantom, kind = seen.phantom, seen.kind
    time = exposure_times(phantom, "sample" if kind == FLUORESCENCE else kind)[energy_index]
    flux = float(flux_of(phantom, kind)[energy_index] * time)
    if kind in ("sample", FLUORESCENCE) and energy_index in phantom.defects.blank:
        flux = 0.0
    weights, table = _weights(seen, energy_index), _tables(phantom, kind)[energy_index]
    if kind != FLUORESCENCE:
        return transmitted_light(weights, seen.place, table, flux, seen.light)
    element = layer_absorbance(weights[:-1], seen.place, table[:-1])
    total = layer_absorbance(weights, seen.place, table)
    outward = weights[-1] * np.float32(phantom.matrix * EMISSION**-3.0)
    share = fluorescent_share(element, total, outward, phantom.self_absorption)
    return np.asarray(share * np.float32(YIELD * flux) * seen.light, np.float32)


def _taken(phantom: Phantom, what: str, y: Indices, mean: Singles, level: Singles, dead: Mask) -> Uint16s:
    """What the detector makes of the light: noise, dark level, dead pixels, spikes."""
    keys = row_keys(phantom, of_repeat(phantom, what), y)
    taken = expose(mean, level, dead, keys, READOUT, phantom.noise)
    hit = spikes(phantom, what, y)
    return taken if hit is None else np.minimum(taken + np.rint(hit), LIMIT).astype(np.uint16)


def fluorescent_share(element: Floats, total: Floats, outward: Floats, weakened: bool) -> Floats:
    """Photons of fluorescence over those that come in, divided by the yield; see `exact_mu`."""
    if not weakened:
        return element
    way = np.maximum(total + outward, 1e-6)
    return np.asarray(element * -np.expm1(-way) / way, element.dtype)


def _sample_weights(phantom: Phantom, y: Indices, drift: tuple[float, float]) -> Singles:
    """How much of each layer a pixel holds: thickness times fractions, and 1 of the matrix in the sample."""

    def band(part: Indices) -> Singles:
        sample = sample_maps(phantom, part, drift)
        return np.concatenate([sample.thickness * sample.fractions, ~sample.hole[None]]).astype(np.float32)

    return in_bands(band, y)


def _weights(seen: View, energy_index: int) -> Singles:
    if seen.kind not in ("sample", FLUORESCENCE) or not any(seen.phantom.drift):
        return seen.weights
    dy, dx = drift_path(seen.phantom)[energy_index].tolist()
    return _sample_weights(seen.phantom, seen.source, (dy, dx))


def _layers(phantom: Phantom, kind: str, energy: Doubles) -> list[Doubles]:
    """Absorbance of the layers that the weights multiply, at true energies."""
    fall = (energy / phantom.e0) ** -3.0
    if kind in ("sample", FLUORESCENCE):
        return [
            *(fall * broadened(reference, energy, phantom.broadening) for reference in phantom.references),
            fall * phantom.matrix,
        ]
    if kind == "foil" and phantom.foil is not None:
        return [fall * (FOIL_REST + FOIL_STEP * broadened(phantom.foil, energy, phantom.foil_broadening))]
    return []


@lru_cache(maxsize=8)
def _tables(phantom: Phantom, kind: str) -> Singles:
    """The layers' absorbance at each energy and energy shift, `(energy, layer, knot)`."""
    shift, _ = _knots(phantom)
    energy = phantom.energy[:, None] + shift
    layers = _layers(phantom, kind, energy)
    empty = np.zeros((*energy.shape[:1], 0, shift.size))
    return np.ascontiguousarray(np.stack(layers, axis=1) if layers else empty, np.float32)


def _place(phantom: Phantom, y: Indices) -> Singles:
    """Where pixels lie on the knots of the tables."""
    shift, step = _knots(phantom)
    # Shifts are kept in float32: the outermost may lie beyond the knots by its last digit.
    return np.clip((shift_map(phantom, y) - shift[0]) / step, 0, shift.size - 2).astype(np.float32)


def _knots(phantom: Phantom) -> tuple[Doubles, float]:
    """Energy shifts between which absorbance is linear, and their step; the last stands twice."""
    low, high = shift_range(phantom)
    count = int(np.ceil((high - low) / KNOT)) + 1
    shift = np.linspace(low, high, count)
    return np.append(shift, high), (high - low) / (count - 1) if count > 1 else KNOT
