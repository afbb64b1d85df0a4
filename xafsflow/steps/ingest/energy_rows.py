"""Which line of a table of energies is that of which image, where the table has the images' names or numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles

# Columns whose numbers are those of images.
COUNTS = re.compile(r"(?:image|frame|file|scan)?[-_ .]*(?:index|number|no|nr|#|id)?[.]?", re.IGNORECASE)


def in_order_of_files(
    energies: Doubles, beside: Mapping[str, Sequence[str]], names: Sequence[str], images: int, source: str
) -> Doubles:
    """The energies of a table in the order of the images.

    Parameters
    ----------
    energies
        `(line,)`, eV.
    beside
        What stands in each line beside the energy, by the names of the columns.
    names
        Of the files of the images.
    images
        How many images they hold.
    source
        The table, for messages.

    Returns
    -------
    numpy.ndarray
        Those of the lines with the names of the files; else by the numbers of the images, which may run backwards; else as
        they stand.

    Raises
    ------
    InputError
        A column has names of these files, and one of them nowhere or twice.

    Examples
    --------
    >>> beside = {"file": ["b.tif", "a.tif"]}
    >>> in_order_of_files(np.array([7112.0, 7100.0]), beside, ["a.tif", "b.tif"], 2, "energies.csv")
    array([7100., 7112.])
    """
    if len(names) == images:
        wanted = [_key(name) for name in names]
        for column, cells in beside.items():
            keys = [_key(cell) for cell in cells]
            if any(re.search(r"[^\W\d_]", key) for key in keys) and set(keys) & set(wanted):
                return energies[[_line(keys, key, f"{source}, column {column}") for key in wanted]]
    for column, cells in beside.items():
        if column and COUNTS.fullmatch(column) and len(cells) == images and all(c.isdecimal() for c in cells):
            order = np.argsort([int(cell) for cell in cells], kind="stable")
            if (np.diff(np.array([int(cell) for cell in cells])[order]) == 1).all():
                return np.asarray(energies[order])
    return energies


def _key(name: str) -> str:
    """A file's name without folders and suffix, in small letters."""
    last = PurePosixPath(name.strip().replace("\\", "/")).name.lower()
    return re.sub(r"(?:\.ome)?\.[a-z]\w*$", "", last)


def _line(keys: Sequence[str], key: str, place: str) -> int:
    found = [k for k, other in enumerate(keys) if other == key]
    if len(found) != 1:
        what = f"the file {key} {len(found)} times" if found else f"no line for the file {key}"
        raise InputError(f"{place} with {what}", "one line for each image", "correct the table")
    return found[0]
