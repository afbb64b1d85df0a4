"""Maps of PyXRF (NSLS-II): fitted lines in `/xrfmap/detsum/xrf_fit`, monitors in `/xrfmap/scalers`, one file an energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.array_source import Axes
from xafsflow.io.readers.images.hdf5.element_maps import line_at_the_edge
from xafsflow.io.readers.images.hdf5.hdf5_file import own_items
from xafsflow.io.readers.images.hdf5.layouts import dataset_source
from xafsflow.io.readers.images.hdf5.told_by_names import texts_of
from xafsflow.io.readers.images.scan_parts import ScanPart
from xafsflow.io.readers.images.told_values import energies_ev, pixel_size, spacing

NAME = "PyXRF maps"
GROUP, METADATA, ENERGY = "/xrfmap", "/xrfmap/scan_metadata", "instrument_mono_incident_energy"
POSITIONS = "/xrfmap/positions/pos"
SCALERS = "/xrfmap/scalers"
FITS, FIT_NAMES = "xrf_fit", "xrf_fit_name"


def matches(file: Any) -> bool:
    """Whether a file has the group of PyXRF."""
    return GROUP in file and any(hasattr(item, "keys") and FITS in item for _, item in own_items(file[GROUP]))


def choices(file: Any) -> list[Inside]:
    """One map for each fitted line of each detector, and for each monitor."""
    return [place for place, _, _ in _maps(file)]


def usual(paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
    """The sum of the detectors at the line whose edge the energies cross."""
    summed = [one for one in choices if one.path.startswith(f"{GROUP}/detsum/")]
    return line_at_the_edge(paths, summed or choices, _energy)


def part(file: Any, path: str, inside: str) -> ScanPart:
    """One map of a file, at its energy."""
    _, dataset, axes = next(one for one in _maps(file) if one[0].path == inside)
    energy = _energy(file, path)
    return ScanPart(
        images=dataset_source(path, dataset, axes),
        energies=None if energy is None else np.array([energy]),
        quantity=None if dataset.startswith(SCALERS) else "fluorescence",
        pixel_size_um=_pixel_size(file),
        layout=NAME,
        inside=inside,
        energy_unit="keV",
    )


def _maps(file: Any) -> list[tuple[Inside, str, Axes]]:
    """Every map: its name, the dataset that it is part of, and where in that."""
    found = []
    for group, _ in own_items(file[GROUP]):
        fits, names = f"{GROUP}/{group}/{FITS}", f"{GROUP}/{group}/{FIT_NAMES}"
        if fits in file and names in file and file[fits].ndim == 3:
            shape, dtype = tuple(file[fits].shape[1:]), file[fits].dtype.name
            for number, name in enumerate(texts_of(file[names][()])[: file[fits].shape[0]]):
                found.append((Inside(f"{fits}/{name}", shape, dtype), fits, Axes(None, 1, 2, ((0, number),))))
    values, names = f"{SCALERS}/val", f"{SCALERS}/name"
    if values in file and names in file and file[values].ndim == 3:
        shape, dtype = tuple(file[values].shape[:2]), file[values].dtype.name
        for number, name in enumerate(texts_of(file[names][()])[: file[values].shape[2]]):
            found.append((Inside(f"{values}/{name}", shape, dtype), values, Axes(None, 0, 1, ((2, number),))))
    return found


def _energy(file: Any, path: str) -> float | None:
    """The energy of the beam, eV; the attribute is in keV."""
    attributes = file[METADATA].attrs if METADATA in file else {}
    if ENERGY not in attributes:
        return None
    place = f"{path}::{METADATA}, {ENERGY}"
    values = energies_ev(np.atleast_1d(attributes[ENERGY]), "keV", place)
    if len(values) != 1:
        raise InputError(f"{place} of {len(values)} values", "one energy", "mend the file")
    return float(values[0])


def _pixel_size(file: Any) -> float | None:
    """From the positions (x and y, row, column), which PyXRF has in micrometers."""
    if POSITIONS not in file or file[POSITIONS].ndim != 3:
        return None
    positions = file[POSITIONS]
    return pixel_size([spacing(positions[0, 0, :]), spacing(positions[1, :, 0])])
