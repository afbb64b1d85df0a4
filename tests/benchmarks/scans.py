"""Scans of any size for the benchmarks, quickly: one band of a phantom, repeated downwards."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tifffile

from xafsflow.phantom import Phantom, write_phantom

ENERGIES, BAND = 210, 128


def tiled_scan(folder: Path, gigabytes: float, columns: int = 1700, flats: bool = True) -> Path:
    """Write float32 counts of about so many gigabytes (the sample alone); with `flats` a flat field and dark.

    Every pixel is that of a phantom of `BAND` rows with noise; lower rows repeat it with counts that differ in the last
    bits, so that nothing can be packed or guessed.
    """
    rows = max(BAND, round(gigabytes * 1e9 / (4 * ENERGIES * columns)))
    phantom = Phantom(
        size=(BAND, columns), energies=ENERGIES, seed=1, foil=None, tilt=0.0, tilt_x=0.0, curvature=0.0
    )
    small = write_phantom(phantom, folder / "band")
    scan = folder / "scan"
    for name in ("sample", "flat", "dark") if flats else ("sample",):
        (scan / name).mkdir(parents=True)
    shutil.copytree(small / "references", scan / "references")
    shutil.copy(small / "energies.csv", scan / "energies.csv")
    repeats = -(-rows // BAND)

    def write(path: Path) -> None:
        band = tifffile.imread(path).astype(np.float32)
        image = np.concatenate([band + np.float32(k / 1024) for k in range(repeats)])[:rows]
        tifffile.imwrite(scan / path.parent.name / path.name, image)

    # The flat field of one energy stands for all: the phantom's flux is even but for its jitter.
    images = sorted((small / "sample").iterdir())
    if flats:
        images += [*sorted((small / "flat").iterdir())[:1], *sorted((small / "dark").iterdir())]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, images))
    shutil.rmtree(folder / "band")
    return scan


def bytes_of(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())
