"""The beam and the detector of a phantom: flux, profile, dark level, dead pixels."""

from __future__ import annotations

import numpy as np

from xafsflow.kernels.array_types import Doubles, Indices, Mask, Singles
from xafsflow.phantom.seeds import generator, in_bands, of_repeat, random_normal, random_share
from xafsflow.phantom.settings import Phantom

# Counts: mean of the dark, its spread from pixel to pixel, and the readout noise.
DARK_LEVEL, DARK_SPREAD, READOUT = 100.0, 3.0, 2.0
# The beam is a Gaussian whose standard deviation is this share of the field's height and width.
BEAM = (0.56, 0.63)
# Structure of the scintillator: relative standard deviation, and a Gaussian of 1.2 pixels over white noise.
SPECKLE, TAPS = 0.04, np.exp(-0.5 * (np.arange(-3, 4) / 1.2) ** 2)


def flux_of(phantom: Phantom, kind: str) -> Doubles:
    """Relative flux at each energy: a slow decline and waves that all kinds share, and jitter of its own."""
    s = np.linspace(0, 1, phantom.energy.size)
    slow = 1.015 - 0.06 * s**2 + 0.01 * np.sin(22 * s)
    jitter = generator(phantom, of_repeat(phantom, f"flux {kind}")).standard_normal(s.size)
    return np.asarray(slow * (1 + phantom.flux_jitter * jitter))


def exposure_times(phantom: Phantom, kind: str) -> Doubles:
    """Relative exposure time of the images of a kind, one an energy."""
    exposure, count = phantom.defects.exposure, phantom.energy.size
    return np.ones(count) if exposure is None else exposure.factors(kind, count)


def blank_energies(phantom: Phantom) -> Mask:
    """True at the energies at which the sample was taken without beam."""
    return np.isin(np.arange(phantom.energy.size), phantom.defects.blank)


def spikes(phantom: Phantom, what: str, y: Indices) -> Singles | None:
    """Counts that spikes add to an image: one to three times the flat field's mean where one hits, else 0."""
    share = phantom.defects.zingers
    if share == 0:
        return None
    # The hits of an even number are evenly distributed below the share: they give the height, too.
    hit = random_share(phantom, of_repeat(phantom, f"spike {what}"), y, np.arange(phantom.size[1])) / share
    return np.where(hit < 1, phantom.counts * (1 + 2 * hit), 0).astype(np.float32)


def light_map(phantom: Phantom, y: Indices) -> Singles:
    """Mean counts without sample: the beam's profile with the structure of the scintillator."""
    return in_bands(lambda part: _light_band(phantom, part), y)


def _light_band(phantom: Phantom, y: Indices) -> Singles:
    beam = []
    for side, width in zip(phantom.size, BEAM, strict=True):
        profile = np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (width * side)) ** 2)
        beam.append(profile / profile.mean())
    reach, n_x = TAPS.size // 2, phantom.size[1]
    around = np.arange(y[0] - reach, y[-1] + reach + 1)
    white = random_normal(phantom, "speckle", around, np.arange(-reach, n_x + reach))
    taps = TAPS / np.sqrt((TAPS**2).sum())
    across = sum(tap * white[:, i : i + n_x] for i, tap in enumerate(taps))
    speckle = sum(tap * across[i : i + y.size] for i, tap in enumerate(taps))
    return np.asarray(phantom.counts * beam[0][y, None] * beam[1] * (1 + SPECKLE * speckle), np.float32)


def dark_level(phantom: Phantom, y: Indices) -> Singles:
    """Mean counts of each pixel without beam."""
    level, spread, x = np.float32(DARK_LEVEL), np.float32(DARK_SPREAD), np.arange(phantom.size[1])
    return in_bands(lambda part: level + spread * random_normal(phantom, "dark level", part, x), y)


def dead_map(phantom: Phantom, y: Indices) -> Mask:
    """True at the detector's dead pixels."""
    x = np.arange(phantom.size[1])
    return in_bands(lambda part: random_share(phantom, "dead", part, x) < phantom.dead_share, y)
