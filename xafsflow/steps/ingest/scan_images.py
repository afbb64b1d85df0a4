"""Sets of images that belong to one scan: opened, put on common energies, cleared of bad ones, and made lazy arrays.

All ways in share this file; they differ by what a pixel's value means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import xarray as xr

from xafsflow.blocks.outputs import block_shape
from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.io.readers import ImageStack, open_scan
from xafsflow.io.readers.bad_images import Looks, looks_of
from xafsflow.io.readers.energy_names import NamedEnergies
from xafsflow.io.readers.image_scan import ImageScan, Quantity, split_inside
from xafsflow.io.readers.lazy_stack import lazy_stack
from xafsflow.io.readers.repeated_images import averaged
from xafsflow.kernels.array_types import Doubles
from xafsflow.steps.ingest.image_energies import (
    SAME_ENERGY,
    at_energies,
    names_of,
    sample_energies,
    tell_missing,
)
from xafsflow.vocabulary import cube_dims

Repeats: TypeAlias = Literal["mean", "best", "first"]
BadImages: TypeAlias = Literal["leave_out", "keep"]


@dataclass(frozen=True)
class Asked:
    """The settings that all ways in have.

    Parameters
    ----------
    energies
        A file, a pattern of names, or None.
    leave_out
        Energies, eV.
    repeats
        What becomes of several images of one energy.
    bad_images
        What becomes of those that look bad.
    ignore_names
        Whether energies in the names of files do not count.
    """

    energies: str | None
    leave_out: Sequence[float] = ()
    repeats: Repeats = "mean"
    bad_images: BadImages = "leave_out"
    ignore_names: bool = False


@dataclass(eq=False)
class ImageSet:
    """Images of one kind, with their energies; `energies` is None for a single image that holds for all."""

    name: str
    images: ImageStack
    files: Sequence[Path]
    energies: Doubles | None
    names: NamedEnergies | None = None
    looks: Looks | None = None
    groups: list[list[int]] = field(default_factory=list)

    def look(self) -> Looks:
        """What a few rows show; read once."""
        if self.looks is None:
            self.looks = looks_of(self.images)
        return self.looks

    def called(self, number: int) -> str:
        """An image as a user knows it."""
        count, per_file = len(self.files), self.images.shape[0]
        return self.files[number].name if count == per_file else f"image {number + 1} of {self.files[0].name}"


class ScanImages:
    """The images of a scan: the sample's, and sets that belong to it.

    Parameters
    ----------
    folders
        The folders of the measurement.
    sample
        Pattern of the sample's files, `file::path` for what lies inside a file.
    asked
        Settings.
    quantity
        What a value of the sample's images means.
    """

    def __init__(self, folders: Folders, sample: str, asked: Asked, quantity: Quantity) -> None:
        self.folders, self.asked, self.quantity = folders, asked, quantity
        self.scan, files = opened(folders, sample)
        if self.scan.quantity not in (None, quantity):
            raise InputError(
                f"{sample}, whose file says that its images are {self.scan.quantity}",
                f"images of {quantity}",
                f"use {WAYS[str(self.scan.quantity)]}",
            )
        names = None if asked.ignore_names else names_of(files, self.scan.images.shape[0])
        found = sample_energies(folders, asked.energies, self.scan, files, names)
        self.sample = ImageSet("sample", self.scan.images, files, found.energies, found.names)
        self.source = found.source
        self.sets: dict[str, ImageSet] = {"sample": self.sample}
        self.energy = np.unique(found.energies)

    @property
    def field(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.sample.images.shape[1:]

    @property
    def block(self) -> tuple[int, int]:
        """Rows and columns of a block."""
        return block_shape(len(self.energy), *self.field)

    def add(self, name: str, pattern: str, *, one_is_enough: bool = False) -> None:
        """A further set of images, by the pattern of its files."""
        scan, files = opened(self.folders, pattern)
        names = None if self.asked.ignore_names else names_of(files, scan.images.shape[0])
        self.add_images(ImageSet(name, scan.images, files, scan.energies, names), one_is_enough=one_is_enough)

    def add_images(self, one: ImageSet, *, one_is_enough: bool = False) -> None:
        """A further set of images."""
        same_field(one.name, one.images, self.field, one.files[0])
        if one.images.shape[0] == 1 and one_is_enough and len(self.energy) > 1:
            one.energies = None
        else:
            one.energies = at_energies(one, self.sample, self.energy)
        self.sets[one.name] = one

    def settle(self, bad: Mapping[str, Mapping[int, str]]) -> dict[float, str]:
        """Choose the images of every energy; energies at which a set has none go, with the reason.

        Parameters
        ----------
        bad
            By name of a set, the numbers of bad images with what is wrong with them.
        """
        out = {float(one): "named in leave_out" for one in self._named_out()}
        for one in self.sets.values():
            if one.energies is None:
                continue
            tell_missing(one.name, self.energy, one.energies, out)
            for energy in self.energy:
                group = np.flatnonzero(np.abs(one.energies - energy) <= SAME_ENERGY)
                wrong = [int(k) for k in group if int(k) in bad.get(one.name, {})]
                if len(wrong) == len(group) and len(group):
                    reason = f"{one.name} {bad[one.name][wrong[0]]}: {one.called(wrong[0])}"
                    out.setdefault(float(energy), reason)
        self.energy = self.energy[~np.isin(self.energy, list(out))]
        if not len(self.energy):
            raise InputError(
                "no energy with good images", "one at least", "look at the images, or set bad_images: keep"
            )
        for one in self.sets.values():
            if one.energies is not None:
                one.groups = [self._chosen(one, energy, bad.get(one.name, {})) for energy in self.energy]
        return out

    def _named_out(self) -> list[float]:
        found = []
        for one in self.asked.leave_out:
            near = np.abs(self.energy - one)
            if near.min() > SAME_ENERGY:
                raise InputError(
                    f"{one:g} eV in leave_out",
                    f"an energy of the scan, such as {self.energy[near.argmin()]:g} eV",
                )
            found.append(float(self.energy[near.argmin()]))
        return found

    def _chosen(self, one: ImageSet, energy: float, bad: Mapping[int, str]) -> list[int]:
        """The images that make that of an energy, in the order in which they were taken."""
        assert one.energies is not None
        group = [int(k) for k in np.flatnonzero(np.abs(one.energies - energy) <= SAME_ENERGY)]
        group = [k for k in group if k not in bad]
        if len(group) == 1 or self.asked.repeats == "mean":
            return group
        if self.asked.repeats == "first":
            return group[:1]
        # The best has the most light; of absorbance and the like the one nearest to the middle of them.
        light = one.look().light[group]
        best = light.argmax() if self.quantity == "counts" else np.abs(light - np.median(light)).argmin()
        return [group[int(best)]]

    def lazy(self, name: str) -> xr.DataArray:
        """A set at the energies that are used, as they increase."""
        one = self.sets[name]
        return xr.DataArray(lazy_stack(averaged(one.images, one.groups), self.block), dims=cube_dims())

    def exposures(self, name: str) -> Doubles:
        """How many images were averaged at each energy."""
        return np.array([len(group) for group in self.sets[name].groups], float)


# The way in for what a file says that its values are.
WAYS: dict[str, str] = {
    "counts": "ingest.tiff_stack",
    "transmission": "ingest.transmission",
    "absorbance": "ingest.absorbance",
    "fluorescence": "ingest.fluorescence",
}


def opened(folders: Folders, pattern: str) -> tuple[ImageScan, tuple[Path, ...]]:
    """The images that a pattern names, and their files."""
    name, inside = split_inside(pattern)
    files = folders.glob(name)
    return open_scan(files, inside), files


def same_field(name: str, images: ImageStack, field: tuple[int, int], path: Path) -> None:
    """Refuse images of another number of rows or columns.

    Raises
    ------
    InputError
        Names both.
    """
    rows, columns = images.shape[1:]
    if (rows, columns) != tuple(field):
        raise InputError(
            f"{name} of {rows} x {columns} pixels ({path})",
            f"{field[0]} x {field[1]} as the sample has",
            f"leave {name} out, or give images of the same camera region",
        )
