"""What the detector of a phantom counts: beam profile, flux, dark, noise; any image, any band of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Indices, Mask, Singles, Uint16s
from xafsflow.kernels.images.phantom_images import expose
from xafsflow.phantom.detector import READOUT, dark_level, dead_map, flux_of, light_map
from xafsflow.phantom.sample import Rows, drift_path, row_numbers, sample_maps, shift_map
from xafsflow.phantom.seeds import in_bands, row_keys
from xafsflow.phantom.settings import DARK_FRAMES, Phantom, shift_range
from xafsflow.phantom.spectra import spectrum
from xafsflow.vocabulary import nearest

# The images of a scan, and the variable of a cube that each becomes.
KINDS = {"sample": "sample", "flat": "flat_field", "foil": "foil"}

# The foil's edge step, and its absorbance at e0 without the step.
FOIL_STEP, FOIL_REST = 1.1, 0.35
# Absorbance is linear over this many eV; the error stays below 2e-5 at the steepest edge.
KNOT = 0.02


@dataclass(frozen=True)
class View:
    """What stays the same from image to image of one kind, for a band of rows."""

    phantom: Phantom
    kind: str
    y: Indices
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
        `sample`, `flat` or `foil`.
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
    keys = row_keys(phantom, f"dark {frame}", y)
    table = np.zeros((0, 2), np.float32)
    level, dead = dark_level(phantom, y), dead_map(phantom, y)
    return expose(nothing[None][:0], nothing, table, 0.0, nothing, level, dead, keys, READOUT, phantom.noise)


def exact_mu(phantom: Phantom, kind: str, energy_index: int, rows: Rows = None) -> Doubles:
    """The absorbance without noise, `(y, x)`: what `-ln((I - dark)/(flat - dark))` should be.

    The sample's is `(E/e0)^-3 (matrix + thickness sum_k fraction_k spectrum_k(E))` at a pixel's true energy
    `E`, the foil's `(E/e0)^-3 (0.35 + 1.1 spectrum(E))`.

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
    seen = view(phantom, kind, rows)
    weights = _weights(seen, energy_index).astype(float)
    energy = phantom.energy[energy_index] + shift_map(phantom, seen.y).astype(float)
    layers = _layers(phantom, kind, energy)
    return np.asarray(
        sum((w * layer for w, layer in zip(weights, layers, strict=True)), np.zeros(energy.shape))
    )


def _check_energy(phantom: Phantom, index: int) -> None:
    if not 0 <= index < phantom.energy.size:
        raise InputError(f"energy {index}", f"0 to {phantom.energy.size - 1}", "change energy_index")


def view(phantom: Phantom, kind: str, rows: Rows) -> View:
    """Everything that the images of a kind share, computed once."""
    if kind not in KINDS:
        raise InputError(
            f"images of kind {kind!r}{nearest(kind, KINDS)}", f"one of {', '.join(KINDS)}", "change kind"
        )
    if kind == "foil" and phantom.foil is None:
        raise InputError(
            "foil images of a phantom without foil", "a phantom with foil", "set foil, for example to 'Fe'"
        )
    y = row_numbers(phantom, rows)
    shape = (y.size, phantom.size[1])
    if kind == "sample":
        weights = _sample_weights(phantom, y, (0.0, 0.0))
    else:
        weights = np.ones((1 if kind == "foil" else 0, *shape), np.float32)
    place = in_bands(lambda part: _place(phantom, part), y)
    maps = (light_map(phantom, y), dark_level(phantom, y), dead_map(phantom, y))
    return View(phantom, kind, y, weights, place, *maps)


def image(seen: View, energy_index: int) -> Uint16s:
    """One image of a kind, for the rows of the view."""
    phantom, kind = seen.phantom, seen.kind
    weights, table = _weights(seen, energy_index), _tables(phantom, kind)[energy_index]
    keys = row_keys(phantom, f"{kind} {energy_index}", seen.y)
    flux = flux_of(phantom, kind)[energy_index]
    return expose(
        weights, seen.place, table, flux, seen.light, seen.dark, seen.dead, keys, READOUT, phantom.noise
    )


def _sample_weights(phantom: Phantom, y: Indices, drift: tuple[float, float]) -> Singles:
    """How much of each layer a pixel holds: thickness times fractions, and 1 of the matrix in the sample."""

    def band(part: Indices) -> Singles:
        sample = sample_maps(phantom, part, drift)
        return np.concatenate([sample.thickness * sample.fractions, ~sample.hole[None]]).astype(np.float32)

    return in_bands(band, y)


def _weights(seen: View, energy_index: int) -> Singles:
    if seen.kind != "sample" or not any(seen.phantom.drift):
        return seen.weights
    dy, dx = drift_path(seen.phantom)[energy_index].tolist()
    return _sample_weights(seen.phantom, seen.y, (dy, dx))


def _layers(phantom: Phantom, kind: str, energy: Doubles) -> list[Doubles]:
    """Absorbance of the layers that the weights multiply, at true energies."""
    fall = (energy / phantom.e0) ** -3.0
    if kind == "sample":
        return [
            *(fall * spectrum(reference, energy) for reference in phantom.references),
            fall * phantom.matrix,
        ]
    if kind == "foil" and phantom.foil is not None:
        return [fall * (FOIL_REST + FOIL_STEP * spectrum(phantom.foil, energy))]
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
