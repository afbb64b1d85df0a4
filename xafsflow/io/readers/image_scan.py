"""Images with what their file tells of them: energies, flat field, dark, counter, what a pixel's value means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from xafsflow.io.readers import ImageStack
from xafsflow.kernels.array_types import Doubles

# What the value of a pixel means.
Quantity: TypeAlias = Literal["counts", "transmission", "absorbance", "fluorescence"]
# Between the name of a file and the path of what is meant inside it.
INSIDE = "::"


@dataclass(frozen=True, eq=False)
class ImageScan:
    """A stack of images, and what its files tell of it; None where they do not say.

    Parameters
    ----------
    images
        The stack itself.
    energies
        `(image,)`, eV, in the order of the images.
    quantity
        What the value of a pixel means.
    flat_field, dark
        Images without sample, and without beam, of the same file.
    counter
        `(image,)`: reading of a beam monitor at each image.
    pixel_size_um
        Micrometers.
    layout
        What the files are, where their format has several layouts.
    inside
        The path of the images within a file.
    energy_unit
        The unit of the energies in the file, from which they were converted.
    """

    images: ImageStack
    energies: Doubles | None = None
    quantity: Quantity | None = None
    flat_field: ImageStack | None = None
    dark: ImageStack | None = None
    counter: Doubles | None = None
    pixel_size_um: float | None = None
    layout: str | None = None
    inside: str | None = None
    energy_unit: str | None = None


@dataclass(frozen=True)
class Inside:
    """What can be chosen within a file, behind `::`.

    Parameters
    ----------
    path
        As it is written behind `::`.
    shape
        Of the array there.
    dtype
        The name of its type.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str


def split_inside(name: str) -> tuple[str, str | None]:
    """The name of a file or a pattern, and the path inside it.

    Examples
    --------
    >>> split_inside("scan.h5::/exchange/data"), split_inside("sample/*.tif")
    (('scan.h5', '/exchange/data'), ('sample/*.tif', None))
    """
    file, mark, inside = name.partition(INSIDE)
    return file, inside if mark else None
