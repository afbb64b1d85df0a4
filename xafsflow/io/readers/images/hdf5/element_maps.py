"""Maps of elements by X-ray fluorescence, one file an energy: which line is meant by the energies of the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import Inside
from xafsflow.io.readers.images.hdf5.hdf5_file import hdf5_file

# `Fe_K`, `Fe Ka`, `Pb_La1`: an element and the shell of a line.
LINE = re.compile(r"([A-Z][a-z]?)[ _-]?([KLM])(?:[a-z][0-9]?)?\Z")
EDGES = {"K": ("K",), "L": ("L3", "L2", "L1"), "M": ("M5", "M4", "M3")}


def line_at_the_edge(
    paths: Sequence[Path], choices: Sequence[Inside], energy_of: Callable[[Any, str], float | None]
) -> str | None:
    """The map of the one line whose edge lies within the energies of the files; None where none or several do.

    Raises
    ------
    InputError
        There is one file, which is a map and no stack over energy.
    """
    energies = []
    for path in paths:
        with hdf5_file(path) as file:
            energies.append(energy_of(file, str(path)))
    known = [energy for energy in energies if energy is not None]
    if len(paths) == 1:
        told = f"at {known[0]:.10g} eV" if known else "at an energy that it does not tell"
        raise InputError(
            f"{paths[0]}, fluorescence maps {told}: one energy, maps and not a stack",
            "one file an energy",
            "name all files of the scan over the edge; or name one map by its path behind ::",
        )
    if len(known) < 2:
        return None
    found = [one.path for one in choices if _edge_within(one.path.split("/"), min(known), max(known))]
    return found[0] if len(found) == 1 else None


def _edge_within(names: Sequence[str], low: float, high: float) -> bool:
    import xraydb

    for name in names:
        line = LINE.match(name.strip())
        if line is None:
            continue
        for edge in EDGES[line[2]]:
            try:
                energy = xraydb.xray_edge(line[1], edge).energy
            except (ValueError, AttributeError):  # no such element, or no such edge of it
                continue
            if low < energy < high:
                return True
    return False
