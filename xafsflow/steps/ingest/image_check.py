"""What a look at every image says before a run: bad ones are left out, aloud, and repeated ones are told."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.bad_images import bad_images, saturated
from xafsflow.io.readers.image_scan import Quantity
from xafsflow.steps.ingest.image_values import check_values
from xafsflow.steps.ingest.scan_images import ImageSet, ScanImages

# Share of the images of a set beyond which it is not them that are odd.
MOST = 0.25
# Median share of pixels at the largest value beyond which counts say nothing.
SATURATED = 0.2
# Energies that a message lists.
LISTED = 5


def choose_images(scan: ScanImages, dark: float = 0.0) -> None:
    """Look at all images of a scan, choose those of every energy, and tell what was left out or averaged.

    Parameters
    ----------
    scan
        With all its sets.
    dark
        Median counts without beam.

    Raises
    ------
    InputError
        A set is saturated in most images, lacks energies, or nothing is left.
    """
    found: dict[str, Mapping[int, str]] = {}
    check_values(scan, dark)
    if scan.asked.bad_images == "leave_out":
        for name, one in scan.sets.items():
            if one.energies is not None:
                found[name] = _bad(one, _quantity(scan, name), dark)
    out = scan.settle(found)
    lost = [f"{energy:g} eV ({why})" for energy, why in sorted(out.items()) if why != "named in leave_out"]
    single = _single(scan, found, out)
    _tell("left out, as their images look bad", lost, "Set bad_images: keep to use them")
    _tell("one of several images is left out", single, "Set bad_images: keep to use it")
    _tell_repeats(scan)


def _quantity(scan: ScanImages, name: str) -> Quantity:
    # What flat fields and I0 hold is counts, whatever the sample's images are.
    return scan.quantity if name in ("sample", "foil") else "counts"


def _bad(one: ImageSet, quantity: Quantity, dark: float) -> Mapping[int, str]:
    looks, energies = one.look(), one.energies
    assert energies is not None
    share = saturated(looks)
    if quantity == "counts" and share > SATURATED and len(energies) > 1 and looks.largest > 2:
        raise InputError(
            f"{one.name} with {share:.0%} of its pixels at {looks.largest:g} counts in most images",
            "counts below the limit of the detector",
            f"give images of {one.name} with a shorter exposure, or set bad_images: keep where this is no limit",
        )
    found = bad_images(looks, energies, quantity, dark if quantity == "counts" else 0.0)
    if len(found) > MOST * len(energies):
        reasons = sorted(set(found.values()))
        warnings.warn(
            f"{len(found)} of {len(energies)} images of {one.name} look bad ({', '.join(reasons[:3])}): too many to be "
            "errors of single images, so none of them is left out. Look at the images and their energies.",
            XafsflowWarning,
            stacklevel=5,
        )
        return {}
    return found


def _single(scan: ScanImages, bad: Mapping[str, Mapping[int, str]], out: Mapping[float, str]) -> list[str]:
    """Bad images of energies that have others."""
    found = []
    for name, images in bad.items():
        energies = scan.sets[name].energies
        assert energies is not None
        for number, why in images.items():
            if float(energies[number]) not in out:
                found.append(f"{energies[number]:g} eV ({name} {why}: {scan.sets[name].called(number)})")
    return found


def _tell(what: str, which: list[str], do: str) -> None:
    if which:
        more = f" and {len(which) - LISTED} more" if len(which) > LISTED else ""
        warnings.warn(f"{what}: {', '.join(which[:LISTED])}{more}. {do}.", XafsflowWarning, stacklevel=5)


def _tell_repeats(scan: ScanImages) -> None:
    told = {"mean": "averaged", "best": "represented by the best", "first": "represented by the first"}
    for name, one in scan.sets.items():
        if one.energies is None:
            continue
        counts = np.array([int((np.abs(one.energies - energy) < 0.01).sum()) for energy in scan.energy])
        if counts.max() > 1:
            number = (
                f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
            )
            warnings.warn(
                f"{name} has {number} images at each of {len(counts)} energies; they are "
                f"{told[scan.asked.repeats]} (setting repeats)",
                XafsflowWarning,
                stacklevel=5,
            )
