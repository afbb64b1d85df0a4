"""Whether the values of images can be what a recipe says they are: counts above the dark, I/I0, absorbance."""

from __future__ import annotations

import warnings

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.bad_images import Looks
from xafsflow.io.readers.image_scan import Quantity
from xafsflow.io.readers.spectra.edge_check import edge_of
from xafsflow.steps.ingest.scan_images import ImageSet, ScanImages

# Medians over all images: no more than the beam goes through, and nothing is seen through more absorbance.
LARGEST = {"transmission": 2.0, "absorbance": 20.0}
WHAT = {"transmission": "I/I0, at most 1", "absorbance": "-ln(I/I0), some units at most"}
INSTEAD = {
    "transmission": "divide counts and percent before, or give counts to ingest.tiff_stack with a flat_field",
    "absorbance": "give counts to ingest.tiff_stack with a flat_field, and I/I0 to ingest.transmission",
}
# A tenth of the field is in most images darker than the dark by a tenth of it: no noise, no drift of an offset.
DARKER, PART = 0.9, 0.1


def check_values(scan: ScanImages, dark: float = 0.0) -> None:
    """Refuse values that are not of the kind that the step takes; warn where they seem to be of another kind.

    Parameters
    ----------
    scan
        With all its sets.
    dark
        Median counts without beam.

    Raises
    ------
    InputError
        The usual value is no transmission, or no absorbance.
    """
    for name, one in scan.sets.items():
        if name not in ("sample", "foil"):
            if dark > 0 and one.energies is not None:
                _tell_dark(one.look(), name, dark)
        elif scan.quantity in LARGEST:
            _check_size(one, name, scan.quantity)
        elif dark > 0:
            _tell_dark(one.look(), name, dark)
    sample = scan.sets["sample"]
    if scan.quantity in LARGEST and sample.energies is not None:
        _tell_direction(sample.look(), sample.energies, scan.quantity)


def _check_size(one: ImageSet, name: str, quantity: Quantity) -> None:
    light = one.look().light
    usual = float(np.nanmedian(light)) if np.isfinite(light).any() else 0.0
    if abs(usual) > LARGEST[quantity]:
        raise InputError(
            f"{name} with a median of {usual:.4g} as {quantity}", WHAT[quantity], INSTEAD[quantity]
        )


def _tell_direction(looks: Looks, energies: np.ndarray, quantity: Quantity) -> None:
    """Warn where the median over the field has an edge that goes down as absorbance."""
    light = looks.light
    good = np.isfinite(light) & ((light > 0) | (quantity == "absorbance"))
    unique, place, times = np.unique(energies[good], return_inverse=True, return_counts=True)
    values = np.bincount(place, weights=light[good]) / np.maximum(times, 1)
    mu = -np.log(values) if quantity == "transmission" else values
    falling = edge_of(unique, -mu)
    if falling.clear and not edge_of(unique, mu).clear:
        other = {"transmission": "absorbance", "absorbance": "transmission or counts"}[quantity]
        warnings.warn(
            f"sample as {quantity} has an absorption that falls at {falling.energy:.1f} eV, where an edge rises. Are these "
            f"images {other}, or negative? Then take the step for them, see `xafsflow steps`.",
            XafsflowWarning,
            stacklevel=5,
        )


def _tell_dark(looks: Looks, name: str, dark: float) -> None:
    share = float((np.nanmedian(looks.parts, axis=0) < DARKER * dark).mean())
    if share > PART:
        warnings.warn(
            f"dark with a median of {dark:.4g} counts is brighter than {share:.0%} of {name} (median "
            f"{np.nanmedian(looks.light):.4g}). Give a dark of the same exposure, without beam.",
            XafsflowWarning,
            stacklevel=5,
        )
