"""A scan put together from what its files tell, each of them one part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import ImageScan, Quantity
from xafsflow.io.readers.images.source_stack import Source, SourceStack, stack_of
from xafsflow.kernels.array_types import Doubles

Told = TypeVar("Told")


@dataclass(frozen=True, eq=False)
class ScanPart:
    """The images of one file and what it tells of them; see `ImageScan`."""

    images: Source
    energies: Doubles | None = None
    quantity: Quantity | None = None
    flat_field: Source | None = None
    dark: Source | None = None
    counter: Doubles | None = None
    pixel_size_um: float | None = None
    layout: str | None = None
    inside: str | None = None
    energy_unit: str | None = None

    def __post_init__(self) -> None:
        count = self.images.shape[0]
        for what, values in (("energies", self.energies), ("readings of the monitor", self.counter)):
            if values is not None and values.shape != (count,):
                raise InputError(
                    f"{self.images.place} with {count} images and {values.size} {what}",
                    "one an image",
                    "check whether the scan was stopped, and cut the file to what was measured",
                )


def scan_of(parts: Sequence[ScanPart]) -> ImageScan:
    """All the images of some files, in their order.

    Raises
    ------
    InputError
        Shapes or types differ, or some files tell what others do not.
    """
    first = parts[0]
    return ImageScan(
        images=stack_of([part.images for part in parts]),
        energies=_joined(parts, "energies", lambda part: part.energies),
        quantity=_same(parts, "values that are", lambda part: part.quantity),
        flat_field=_stack(parts, "a flat field", lambda part: part.flat_field),
        dark=_stack(parts, "dark images", lambda part: part.dark),
        counter=_joined(parts, "readings of the beam", lambda part: part.counter),
        pixel_size_um=first.pixel_size_um,
        layout=_same(parts, "the layout", lambda part: part.layout),
        inside=first.inside,
        energy_unit=first.energy_unit,
    )


def _told(parts: Sequence[ScanPart], what: str, get: Callable[[ScanPart], Told | None]) -> list[Told] | None:
    """What all files tell; None where none does."""
    values = [get(part) for part in parts]
    known = [value for value in values if value is not None]
    if 0 < len(known) < len(parts):
        silent = parts[next(k for k, value in enumerate(values) if value is None)]
        raise InputError(
            f"{silent.images.place} without {what}, which {len(known)} of {len(parts)} files have",
            "files of one kind",
            "leave the file out, or name the files of each kind apart",
        )
    return known or None


def _joined(
    parts: Sequence[ScanPart], what: str, get: Callable[[ScanPart], Doubles | None]
) -> Doubles | None:
    known = _told(parts, what, get)
    return None if known is None else np.concatenate(known)


def _stack(
    parts: Sequence[ScanPart], what: str, get: Callable[[ScanPart], Source | None]
) -> SourceStack | None:
    known = _told(parts, what, get)
    return None if known is None else stack_of(known)


def _same(parts: Sequence[ScanPart], what: str, get: Callable[[ScanPart], Told | None]) -> Told | None:
    known = _told(parts, what, get)
    if known is None:
        return None
    for part, value in zip(parts, known, strict=True):
        if value != known[0]:
            raise InputError(
                f"{part.images.place}: {what} {value}",
                f"{known[0]}, as in {parts[0].images.place}",
                "name the files of each kind apart",
            )
    return known[0]
