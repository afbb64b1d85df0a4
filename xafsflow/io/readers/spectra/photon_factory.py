"""The 9809 format of Photon Factory and SPring-8: Bragg angles, times and counts, with their modes in the header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.column_roles import HC
from xafsflow.io.readers.text_blocks import TextBlocks, blocks_of
from xafsflow.io.readers.text_columns import Columns, text_of_file
from xafsflow.kernels.array_types import Doubles

FORMAT = "9809 of Photon Factory and SPring-8"
MONO = re.compile(r"Mono\s*:\s*([A-Z][a-z]?\s*\(\s*\d[\d\s,]*\))?.*?\bD\s*=\s*([\d.]+)\s*A", re.IGNORECASE)
LATTICE = {"si": 5.43102, "ge": 5.65791}  # Angstrom at room temperature
SPACING_OFF = 1e-3  # of the spacing; a file's own D may be mistyped, which moves all energies
MODES = {"1": "i0", "2": "it", "3": "if"}
CHANNELS = 3  # angle as asked, angle as read, seconds


def detect(start: bytes) -> bool:
    """Whether a file that begins so is a 9809 file."""
    return re.match(rb"\s*9809\s", start) is not None


def read_tables(path: Path) -> list[Columns]:
    """The scan: `energy` from the angle that was read, `i0`, `it` and `if` by the modes of the header.

    Energies are hc / (2 D sin(angle)). Counts are less the line Offset (dark counts a second) times the seconds, as else a
    ratio jumps where the time of a point changes. Several channels of a mode are numbered; a channel without a mode that
    is known has the name `channel N`.

    Raises
    ------
    InputError
        The header lacks the spacing or the modes, the spacing is not that of the crystal that is named, or the data are
        broken.
    """
    blocks = scan_blocks(path)
    values = np.array(blocks.data.rows)
    count = values.shape[1] - CHANNELS
    modes = _words(blocks.before, "Mode")
    if count < 1 or len(modes) < count:
        found = f"{path}, 9809 with {values.shape[1]} columns and modes {' '.join(modes) or 'missing'}"
        raise InputError(found, "angles, time and a mode for each channel", "export the scan again")
    offsets = [float(word) for word in _words(blocks.before, "Offset")][-count:] or [0.0] * count
    counts = values[:, CHANNELS:] - np.array(offsets) * values[:, 2:3]
    names = _names(modes[-count:])
    spacing = _of_crystal(path, blocks.before)
    table = np.column_stack([energies_of(path, values[:, 1], spacing), values[:, 2], counts])
    return [
        Columns(
            path,
            ("energy", "time", *names),
            ("eV", "") + ("",) * count,
            table,
            np.array(blocks.data.numbers),
            {"mono.d_spacing": str(spacing)},
            notes=tuple(blocks.before),
        )
    ]


def scan_blocks(path: Path) -> TextBlocks:
    """The lines of the header of a file, and its rows of angles, seconds and counts."""
    return blocks_of(re.split(r"\r\n|\r|\n", text_of_file(path)), str(path))


def _words(lines: Sequence[str], first: str) -> list[str]:
    """The words of the line that begins with one, behind it."""
    return next((line.split()[1:] for line in lines if line.split()[:1] == [first]), [])


def _names(modes: Sequence[str]) -> list[str]:
    kinds = [MODES.get(mode, f"channel {k}") for k, mode in enumerate(modes, 1)]
    times = {kind: kinds.count(kind) for kind in kinds}
    return [
        kind if times[kind] == 1 else f"{kind}_{kinds[: k + 1].count(kind)}" for k, kind in enumerate(kinds)
    ]


def told_spacing(path: Path, before: Sequence[str]) -> tuple[float, str]:
    """The spacing of the planes that the header tells, Angstrom, and the crystal that it names, if any."""
    found = next((found for line in before if (found := MONO.search(line))), None)
    spacing = float(found[2]) if found else 0.0
    if found is None or not spacing > 0:
        raise InputError(
            f"{path}, 9809 without D= in the line Mono", "the spacing in Angstrom", "add D= 3.13551 A"
        )
    return spacing, found[1] or ""


def _of_crystal(path: Path, before: Sequence[str]) -> float:
    """The spacing that the header tells, checked against the crystal that it names."""
    spacing, named = told_spacing(path, before)
    crystal = re.sub(r"[\s,]", "", named).lower()
    lattice = LATTICE.get(crystal.partition("(")[0])
    if lattice and len(planes := crystal.partition("(")[2].rstrip(")")) == 3:
        wanted = lattice / sum(int(plane) ** 2 for plane in planes) ** 0.5
        if abs(spacing / wanted - 1) > SPACING_OFF:
            what = f"{path}, 9809 with D= {spacing:g} A for {named}"
            raise InputError(what, f"{wanted:.4f} A", "correct D= in the line Mono; energies depend on it")
    return spacing


def energies_of(path: Path, angle: Doubles, spacing: float) -> Doubles:
    """Energies `(point,)`, eV, of Bragg angles, degrees, by the spacing of the planes, Angstrom."""
    wrong = ~((angle > 0) & (angle < 90))
    if wrong.any():
        raise InputError(
            f"{path}, 9809 with an angle of {angle[wrong][0]:g}", "0 to 90 degrees", "mend the line"
        )
    return HC / (2 * spacing * np.sin(np.radians(angle)))
