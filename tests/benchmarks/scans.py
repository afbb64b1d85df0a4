"""Scans of any size for the benchmarks, quickly: one band of a phantom, repeated downwards."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tifffile

from xafsflow.io.readers import read_spectrum
from xafsflow.phantom import Phantom, Reference, write_phantom

ENERGIES, BAND, E0 = 210, 128, 7112.0
# Up to so many gigabytes the rows are the narrow ones.
NARROW, COLUMNS = 0.7, (704, 1700)
ALL = ("sample", "flat", "foil", "dark")
STANDARDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "standards" / "Fe"
MEASURED = {"Fe": "Fe_metal_rt_01", "FeO": "FeO_rt_01", "Fe2O3": "Fe2O3_rt_01"}


def field_size(gigabytes: float) -> tuple[int, int]:
    """Rows and columns of a sample of about so many gigabytes, float32 at all energies."""
    pixels = gigabytes * 1e9 / (4 * ENERGIES)
    columns = COLUMNS[gigabytes > NARROW]
    if pixels < BAND * columns:
        return BAND, max(32, round(pixels / BAND))
    return 32 * round(pixels / (32 * columns)), columns


def measured_references() -> tuple[Reference, ...]:
    """The measured standards of iron as a phantom takes them: 0 before the edge, 1 after it."""
    found = []
    for name, file in MEASURED.items():
        measured = read_spectrum(STANDARDS / f"{file}.xdi")
        energy, mu = np.asarray(measured.energy, float), np.asarray(measured.mu, float)
        before, after = ((energy > E0 + low) & (energy < E0 + high) for low, high in ((-150, -30), (60, 400)))
        mu = mu - np.polyval(np.polyfit(energy[before] - E0, mu[before], 1), energy - E0)
        curve = np.polyfit(energy[after] - E0, mu[after], 2)
        height = np.where(energy > E0, np.polyval(curve, energy - E0), curve[-1])
        used = (energy > E0 - 90) & (energy < E0 + 300)
        found.append(Reference(name, energy[used], (mu / height)[used]))
    return tuple(found)


def phantom_of(columns: int, measured: bool) -> Phantom:
    """The band. Nothing in it may tell where it lies: true energies change along its rows only."""
    own = measured_references() if measured else ("Fe", "FeO", "Fe2O3")
    return Phantom(
        size=(BAND, columns),
        energies=ENERGIES,
        references=own,
        foil=own[0],
        seed=1,
        tilt=0.0,
        curvature=0.0,
    )


def tiled_scan(
    folder: Path,
    gigabytes: float,
    kinds: tuple[str, ...] = ALL,
    size: tuple[int, int] | None = None,
    measured: bool = False,
) -> Path:
    """Write float32 counts of about so many gigabytes (the sample alone; flat field and foil are as large again).

    Every pixel is that of a phantom of `BAND` rows with noise; lower rows repeat it with counts that differ in the last
    bits, so that nothing can be packed or guessed. `size` are rows and columns instead of gigabytes; `measured` puts
    measured standards in place of the phantom's own.
    """
    rows, columns = size or field_size(gigabytes)
    small = write_phantom(phantom_of(columns, measured), folder / "band")
    scan = folder / "scan"
    for name in kinds:
        (scan / name).mkdir(parents=True)
    shutil.copytree(small / "references", scan / "references")
    shutil.copy(small / "energies.csv", scan / "energies.csv")
    repeats = -(-rows // BAND)

    def write(path: Path) -> None:
        band = tifffile.imread(path).astype(np.float32)
        image = np.concatenate([band + np.float32(k / 1024) for k in range(repeats)])[:rows]
        tifffile.imwrite(scan / path.parent.name / path.name, image)

    images = [path for name in kinds for path in sorted((small / name).iterdir())]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, images))
    shutil.rmtree(folder / "band")
    return scan


def field_of(scan: Path) -> tuple[int, int]:
    """Rows and columns of a scan that exists."""
    with tifffile.TiffFile(sorted((scan / "sample").iterdir())[0]) as file:
        rows, columns = file.pages[0].shape
    return rows, columns


def bytes_of(*folders: Path) -> int:
    """Bytes of the files in folders; of those that do not exist, none."""
    return sum(path.stat().st_size for folder in folders if folder.is_dir() for path in folder.iterdir())
