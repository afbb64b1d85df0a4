"""Maps of Larch as GSECARS writes them: regions of interest in `/xrmmap/roimap`, one file an energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.hdf5.element_maps import line_at_the_edge
from xafsflow.io.readers.images.hdf5.hdf5_file import own_items
from xafsflow.io.readers.images.hdf5.layouts import dataset_of, dataset_source
from xafsflow.io.readers.images.hdf5.told_by_names import texts_of
from xafsflow.io.readers.images.scan_parts import ScanPart
from xafsflow.io.readers.images.told_values import (
    NUMBER,
    energies_ev,
    is_energy_name,
    pixel_size,
    spacing,
)

NAME = "Larch maps (GSECARS)"
MAPS, SCALARS = "/xrmmap/roimap", "/xrmmap/scalars"
ENVIRONMENT, POSITIONS = "/xrmmap/config/environ", "/xrmmap/positions/pos"
SUMMED, CORRECTED, COUNTED = "mcasum", "cor", "raw"
UM_PER_MM = 1000.0


def matches(file: Any) -> bool:
    """Whether a file has maps of regions where Larch puts them."""
    return MAPS in file


def choices(file: Any) -> list[Inside]:
    """Counts and counts corrected for dead time, of each region of each detector; monitors."""
    found = [
        f"{MAPS}/{detector}/{region}/{kind}"
        for detector, regions in own_items(file[MAPS])
        if hasattr(regions, "keys")
        for region, maps in own_items(regions)
        for kind in (CORRECTED, COUNTED)
        if hasattr(maps, "keys") and kind in maps
    ]
    found += [f"{SCALARS}/{name}" for name, _ in own_items(file[SCALARS])] if SCALARS in file else []
    return [one for one in (dataset_of(file, name) for name in found) if len(one.shape) == 2]


def usual(paths: Sequence[Path], choices: Sequence[Inside]) -> str | None:
    """The sum of the detectors, corrected for dead time, at the line whose edge the energies cross."""
    best = [
        one for one in choices if one.path.startswith(f"{MAPS}/{SUMMED}/") and one.path.endswith(CORRECTED)
    ]
    return line_at_the_edge(paths, best or choices, _energy)


def part(file: Any, path: str, inside: str) -> ScanPart:
    """One map of a file, at its energy."""
    energy = _energy(file, path)
    return ScanPart(
        images=dataset_source(path, inside),
        energies=None if energy is None else np.array([energy]),
        quantity="fluorescence" if inside.startswith(MAPS) else None,
        pixel_size_um=_pixel_size(file),
        layout=NAME,
        inside=inside,
        energy_unit="eV",
    )


def _energy(file: Any, path: str) -> float | None:
    """The energy among what was noted of the beamline, as text; None where it is not there."""
    if f"{ENVIRONMENT}/name" not in file or f"{ENVIRONMENT}/value" not in file:
        return None
    names, values = (texts_of(file[f"{ENVIRONMENT}/{one}"][()]) for one in ("name", "value"))
    for name, text in zip(names, values, strict=False):
        number = NUMBER.match(text)
        if is_energy_name(name) and number is not None:
            unit = text[number.end() :].strip() or "eV"
            return float(energies_ev([float(number[0])], unit, f"{path}::{ENVIRONMENT}, {name}")[0])
    return None


def _pixel_size(file: Any) -> float | None:
    """From the positions (row, column, x and y), which are in millimeters."""
    if POSITIONS not in file or file[POSITIONS].ndim != 3 or file[POSITIONS].shape[2] < 2:
        return None
    positions = file[POSITIONS]
    sides = [spacing(positions[0, :, 0]), spacing(positions[:, 0, 1])]
    return pixel_size([None if side is None else float(f"{side * UM_PER_MM:.6g}") for side in sides])
