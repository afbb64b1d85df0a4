"""The energies of a 9809 scan file that stands beside images of the Photon Factory and SPring-8.

The header tells the energies that were asked for, by blocks: those that the angles give must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.spectra.photon_factory import detect, energies_of, scan_blocks, told_spacing
from xafsflow.kernels.array_types import Doubles

BLOCK = re.compile(r"^\s*[0-9]+\s+([0-9.]+)\s+([0-9.]+)\s+[-0-9.]+\s+[0-9.]+\s+[0-9]+\s*$")
# Angles and the energies that were asked for agree to less; a wrong spacing moves energies by tens of eV.
SAME_EV = 5.0

is_9809 = detect


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
    blocks = scan_blocks(path)
    spacing, _ = told_spacing(path, blocks.before)
    values = np.array(blocks.data.rows)
    if values.shape[1] < 2:
        raise InputError(f"{path} with one column", "angles as asked and as read", "export the scan again")
    energies = energies_of(path, values[:, 1], spacing)
    _check_asked(path, blocks.before, energies, spacing)
    return np.round(energies, 4)


def _check_asked(path: Path, header: Sequence[str], energies: Doubles, spacing: float) -> None:
    """Compare with the energies of the header's blocks: a wrong spacing shifts all energies."""
    asked = [float(value) for line in header if (block := BLOCK.match(line)) for value in block.groups()]
    if not asked:
        return
    off = max(abs(energies.min() - min(asked)), abs(energies.max() - max(asked)))
    if off > SAME_EV and len(energies) > 1:
        raise InputError(
            f"{path}: angles and D= {spacing:g} A give {energies.min():.1f} to {energies.max():.1f} eV, and its header "
            f"asks for {min(asked):.1f} to {max(asked):.1f} eV",
            "the same energies",
            "correct D= in a copy of the file (Si(111) 3.1355, Si(311) 1.6375 A), or give a file of energies",
        )
