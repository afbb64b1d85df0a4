"""Maps as CSV: every pixel in one table, and a short table of means and counts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import xarray as xr

from xafsflow.files import atomic_file
from xafsflow.io.writers.output_folder import new_folder
from xafsflow.reporting.map_layers import Layer, layers
from xafsflow.reporting.map_statistics import Facts, gather
from xafsflow.vocabulary import Flag

# Numbers that are formatted at once: few enough for memory, enough for speed.
CELLS = 1_000_000
# Whole numbers; everything else is written as the shortest text that gives its float32 back.
WHOLE = ("class_index", "flags")


def write(maps: xr.Dataset, folder: Path) -> list[Path]:
    """Write `pixels.csv` and `summary.csv`.

    `pixels.csv` has one row a pixel: the coordinates y and x, then every map, `fraction_Fe2O3` for instance.
    A pixel without a value has an empty cell. It is written by bands of rows: memory does not depend on the
    size of the maps. `summary.csv` has the columns quantity, name, value: pixels, mean fractions, and counts
    of references, classes and flags.

    Parameters
    ----------
    maps
        Variables of the vocabulary over y, x.
    folder
        New or empty.

    Returns
    -------
    The paths of the two files.

    Raises
    ------
    InputError
        If the folder holds something, or there is no map.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> maps = xr.Dataset({"edge_step": (("y", "x"), np.array([[0.5, np.nan]]))})
    >>> with TemporaryDirectory() as above:
    ...     pixels, summary = write(maps, Path(above) / "csv")
    ...     print(pixels.read_text(encoding="utf-8"))
    y,x,edge_step
    0,0,0.5
    0,1,
    """
    found = layers(maps)
    new_folder(folder)
    pixels, summary = folder / "pixels.csv", folder / "summary.csv"
    with atomic_file(pixels) as path, path.open("w", encoding="utf-8", newline="") as file:
        _write_pixels(maps, found, file)
    with atomic_file(summary) as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["quantity", "name", "value"])
        writer.writerows(_summary_rows(gather(maps)))
    return [pixels, summary]


def _write_pixels(maps: xr.Dataset, found: list[Layer], file: TextIO) -> None:
    csv.writer(file, lineterminator="\n").writerow(["y", "x", *(layer.name for layer in found)])
    rows, columns = found[0].data.shape
    y, x = (
        (maps[dim].values if dim in maps.coords else np.arange(n)) for dim, n in (("y", rows), ("x", columns))
    )
    across = [str(value) for value in x.tolist()]
    band = max(1, CELLS // (columns * (len(found) + 2)))
    for start in range(0, rows, band):
        part = slice(start, start + band)
        down = np.repeat([str(value) for value in y[part].tolist()], columns).tolist()
        cells = [_texts(layer, part) for layer in found]
        file.writelines(",".join(row) + "\n" for row in zip(down, across * len(y[part]), *cells, strict=True))


def _texts(layer: Layer, part: slice) -> list[str]:
    """A band of a map as texts; empty for NaN."""
    values = layer.data.isel(y=part).values.ravel()
    if layer.variable in WHOLE or values.dtype.kind in "iub":
        return [str(int(value)) if value == value else "" for value in values.tolist()]
    # The shortest text of a float32 is much shorter than that of the float64 it becomes in Python.
    texts = values.astype(np.float32).astype("U").tolist()
    return ["" if text == "nan" else text for text in texts]


def _summary_rows(facts: Facts) -> Iterator[tuple[str, str, float | int]]:
    yield "pixels", "all", facts.pixels
    yield "pixels", "with an answer", facts.answered
    yield "pixels", "without an answer", facts.pixels - facts.answered
    for i, name in enumerate(facts.references):
        if facts.composition is not None:
            yield "mean fraction", name, float(facts.composition[i])
        if facts.amount is not None:
            yield "mean fraction weighted by edge step", name, float(facts.amount[i])
        yield "pixels where it dominates", name, int(facts.shares[i])
    for index, count in enumerate(facts.classes.tolist()):
        if count:
            yield "pixels of class", str(index), count
    for flag in Flag:
        yield "pixels with flag", str(flag.name).lower(), facts.flagged[flag]
