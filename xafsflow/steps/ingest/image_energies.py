"""Which energy an image has: by the file, by its name, or by a table; where two of them speak, they must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.folders import Folders
from xafsflow.io.readers import read_beside_energies
from xafsflow.io.readers.energy_names import (
    NamedEnergies,
    energies_by_pattern,
    energies_from_names,
    is_pattern,
)
from xafsflow.io.readers.image_scan import ImageScan
from xafsflow.io.readers.stack_energies import check_energies, read_energies
from xafsflow.kernels.array_types import Doubles
from xafsflow.steps.ingest.energy_rows import in_order_of_files

if TYPE_CHECKING:
    from xafsflow.steps.ingest.scan_images import ImageSet

# eV: energies that are one; and the difference of a name, which may be rounded to whole eV, from a table.
SAME_ENERGY, DIFFERS = 0.01, 0.51
# A number in a name that has no unit is an energy where it is as near to one that is known.
NEAR = 0.03


@dataclass(frozen=True)
class SampleEnergies:
    """The energies of all images, where they come from, and what their names tell."""

    energies: Doubles
    source: str
    names: NamedEnergies | None


def names_of(files: Sequence[Path], images: int) -> NamedEnergies | None:
    """What the names of files of one image each tell of their energies; None where they tell nothing that is clear."""
    if len(files) != images:
        return None
    try:
        return energies_from_names([path.name for path in files])
    except InputError:
        return None


def sample_energies(
    folders: Folders,
    given: str | None,
    scan: ImageScan,
    files: Sequence[Path],
    names: NamedEnergies | None,
) -> SampleEnergies:
    """The energies of the sample's images.

    Parameters
    ----------
    folders
        Of the measurement.
    given
        A file of energies, a pattern of names with `{energy}`, or None: from the images' files, or else their names.
    scan, files
        The images and their files.
    names
        What the names tell, if they are to count.

    Raises
    ------
    InputError
        There are none, not one an image, or two sources that differ.
    """
    count = scan.images.shape[0]
    texts = [path.name for path in files]
    if given is not None and is_pattern(given):
        names = energies_by_pattern(texts, given)
        check_energies(names.values, count, f"the names by {given}")
        found = SampleEnergies(names.values, f"names by {given}", names)
    elif given is not None:
        path = folders.resolve(given)
        table = in_order_of_files(read_energies(path), read_beside_energies(path), texts, count, given)
        found = SampleEnergies(_per_image(table, count, names, given), given, names)
    elif scan.energies is not None:
        found = SampleEnergies(np.asarray(scan.energies, float), f"{files[0].name}", names)
    else:
        if len(files) != count:
            raise InputError(
                f"{len(files)} files with {count} images, which say nothing of their energies",
                "a file of energies, one an image",
                "name it with energies",
            )
        names = energies_from_names(texts)
        found = SampleEnergies(names.values, f"names, as {names.pattern}", names)
    check_energies(found.energies, count, found.source)
    if scan.energies is not None:
        _agree(found, np.asarray(scan.energies, float), f"the file {files[0].name}", files)
    if names is not None and _speaks(names, found.energies):
        _agree(found, names.values, "its name", files)
    return found


def _per_image(table: Doubles, images: int, names: NamedEnergies | None, source: str) -> Doubles:
    """A table with an energy an image; or one an energy, where the names tell which images belong together."""
    if len(table) == images or names is None:
        return table
    unique, place = np.unique(names.values, return_inverse=True)
    if len(unique) != len(table):
        return table
    if np.any(np.diff(table) <= 0):
        raise InputError(
            f"{source}: {len(table)} energies that do not rise, for {images} images",
            "one energy an image, or energies that rise, one for the images of each energy",
            "list an energy for each image",
        )
    return np.asarray(table[place])


def _speaks(names: NamedEnergies, energies: Doubles) -> bool:
    """Whether numbers in names are energies: with a unit always, without one where they lie near to those that are known."""
    middle = float(np.median(energies))
    return names.with_unit or abs(float(np.median(names.values)) - middle) < NEAR * middle


def _agree(found: SampleEnergies, others: Doubles, what: str, files: Sequence[Path]) -> None:
    """Refuse energies that differ from those of another source."""
    apart = np.abs(found.energies - others)
    if apart.max() <= DIFFERS:
        return
    worst = int(apart.argmax())
    name = files[worst].name if len(files) == len(others) else f"image {worst}"
    count = int((apart > DIFFERS).sum())
    raise InputError(
        f"{found.energies[worst]:g} eV for {name} by {found.source}, and {others[worst]:g} eV by {what} "
        f"({count} of {len(others)} images differ)",
        "sources of energies that agree",
        "leave out energies to take those of the images, correct the table, or set ignore_names: true where it is right"
        if what == "its name"
        else "leave out energies to take those of the file, or correct the table",
    )


def at_energies(one: ImageSet, sample: ImageSet, energy: Doubles) -> Doubles:
    """The energies of a further set's images, each that of an image of the sample.

    By its names or its file where they tell energies; else by the order of the images, one for each image of the sample or
    for each energy.

    Raises
    ------
    InputError
        Other energies than the sample's, or a number of images that fits neither.
    """
    count = one.images.shape[0]
    own = one.names.values if one.names is not None and _speaks(one.names, energy) else one.energies
    if own is not None:
        return _matched(one, np.asarray(own, float), sample, energy)
    assert sample.energies is not None
    if count == len(sample.energies):
        return sample.energies
    if count == len(energy):
        return np.asarray(sample.energies[np.sort(np.unique(sample.energies, return_index=True)[1])])
    both = "" if len(energy) == len(sample.energies) else f" or {len(energy)}, one an energy"
    raise InputError(
        f"{count} images of {one.name} and {len(sample.energies)} of the sample",
        f"{len(sample.energies)}{both}",
        f"check the pattern of {one.name}",
    )


def _matched(one: ImageSet, own: Doubles, sample: ImageSet, energy: Doubles) -> Doubles:
    """Energies of the sample for those that the images of a set tell."""
    assert sample.energies is not None
    # Names of the sample are written as those of the set are, where a table may differ by digits.
    told = sample.energies if sample.names is None else sample.names.values
    near = np.abs(own[:, None] - told[None, :]).argmin(axis=1)
    apart = np.abs(own - told[near])
    if apart.max() > DIFFERS:
        worst = int(apart.argmax())
        raise InputError(
            f"{one.name} at {own[worst]:g} eV ({one.called(worst)}), where the sample has {told[near[worst]]:g} eV "
            f"({sample.called(int(near[worst]))})",
            "the same energies",
            f"check the pattern of {one.name}, or set ignore_names: true where the images are in the order of the sample's",
        )
    return np.asarray(sample.energies[near])


def tell_missing(name: str, energy: Doubles, own: Doubles, out: Mapping[float, str]) -> None:
    """Refuse a set that lacks energies of the sample.

    Raises
    ------
    InputError
        Names them.
    """
    lacks = [one for one in energy if np.abs(own - one).min() > SAME_ENERGY and float(one) not in out]
    if lacks:
        listed = ", ".join(f"{one:g}" for one in lacks[:5]) + (", ..." if len(lacks) > 5 else "")
        raise InputError(
            f"{name} without an image at {listed} eV",
            "an image at each energy of the sample",
            f"check the pattern of {name}, or name these energies in leave_out",
        )
