"""The angles of a 9809 scan file, as energies: what stands beside images of the Photon Factory and SPring-8.

The header tells the spacing of the monochromator (`D=`) and the energies that were asked for, by blocks; each line of data
begins with the angle that was asked for and the one that was reached.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.images.text_headers import read_start
from xafsflow.kernels.array_types import Doubles
from xafsflow.kernels.spectra.monochromator import HC

SPACING = re.compile(r"\bD=\s*([0-9.]+)\s*A")
BLOCK = re.compile(r"^\s*[0-9]+\s+([0-9.]+)\s+([0-9.]+)\s+[-0-9.]+\s+[0-9.]+\s+[0-9]+\s*$")
ANGLES = re.compile(r"^\s*Angle\(c\)\s+Angle\(o\)")
LARGEST, FIRST_LINES = 2**24, 512
# Angles and the energies that were asked for agree to less; a wrong spacing moves energies by tens of eV.
SAME_EV = 5.0


def is_9809(start: bytes) -> bool:
    """Whether a file that begins so is a 9809 scan file."""
    return re.match(rb"\s*9809\s", start) is not None


def energies_9809(path: Path) -> Doubles:
    r"""The energies `(point,)` of a scan, eV, of the angles that were reached.

    Raises
    ------
    InputError
        The file is no 9809 file, an angle is none, or the energies are not those that the header asks for.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> head = " 9809  KEK-PF\n Mono : Si(111) D= 3.13551 A\n Angle(c)  Angle(o)  time/s  2\n Mode 0 0 1\n Offset 0 0 0\n"
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "scan.dat")
    ...     _ = path.write_text(head + " 16.18732 16.18732 0.5 100\n 16.18029 16.18029 0.5 100\n")
    ...     energies_9809(path).round(1)
    array([7092., 7095.])
    """
    text = read_start(str(path), LARGEST)
    if not is_9809(text[:FIRST_LINES]):
        raise InputError(f"{path}, which does not begin as a 9809 file", "a 9809 scan file", "check the path")
    lines = text.decode("latin-1").splitlines()
    spacing = next((found for line in lines[:60] if (found := SPACING.search(line))), None)
    heads = [number for number, line in enumerate(lines) if ANGLES.match(line)]
    if spacing is None or not heads:
        what = (
            "the spacing D= of its monochromator" if spacing is None else "the columns Angle(c) and Angle(o)"
        )
        raise InputError(f"{path} without {what}", "a whole 9809 file", "export the scan again")
    angles = _angles(path, lines, heads[0] + 1)
    energies = HC / (2 * float(spacing[1]) * np.sin(np.deg2rad(angles)))
    _check_asked(path, lines[: heads[0]], energies, spacing[1])
    return np.round(energies, 4)


def _angles(path: Path, lines: list[str], first: int) -> Doubles:
    """The second column of the lines of data, behind those of modes and offsets."""
    found = []
    for number, line in enumerate(lines[first:], first + 1):
        words = line.split()
        if not words or words[0] in ("Mode", "Offset"):
            continue
        try:
            angle = float(words[1])
        except (IndexError, ValueError):
            raise InputError(
                f"{path}, line {number}: {line.strip()[:40]!r}", "angles and counts", "mend the line"
            ) from None
        if not 0 < angle < 90:
            raise InputError(
                f"{path}, line {number}: angle {angle:g}", "degrees from 0 to 90", "mend the line"
            )
        found.append(angle)
    if not found:
        raise InputError(f"{path} without a line of data", "one line a point", "export the scan again")
    return np.array(found)


def _check_asked(path: Path, header: list[str], energies: Doubles, spacing: str) -> None:
    """Compare with the energies of the header's blocks: a wrong spacing shifts all energies."""
    asked = [float(value) for line in header if (block := BLOCK.match(line)) for value in block.groups()]
    if not asked:
        return
    off = max(abs(energies.min() - min(asked)), abs(energies.max() - max(asked)))
    if off > SAME_EV and len(energies) > 1:
        raise InputError(
            f"{path}: angles and D= {spacing} A give {energies.min():.1f} to {energies.max():.1f} eV, and its header "
            f"asks for {min(asked):.1f} to {max(asked):.1f} eV",
            "the same energies",
            "correct D= in a copy of the file (Si(111) 3.1355, Si(311) 1.6375 A), or give a file of energies",
        )
