"""A phantom as files, laid out as a beamline's camera leaves a scan."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.files import atomic_file
from xafsflow.phantom.camera import dark, image, view
from xafsflow.phantom.defects import EXPOSED
from xafsflow.phantom.detector import exposure_times
from xafsflow.phantom.measured_mu import Signal, images_of, measured_mu
from xafsflow.phantom.sample import truth
from xafsflow.phantom.settings import DARK_FRAMES, Phantom
from xafsflow.phantom.spectra import name_of, spectrum

Progress = Callable[[int, int], None]
Task = Callable[[], None]
Make = Callable[[int], NDArray[np.generic]]

# Plain gray images; no metadata, because readers of a camera's files cannot count on any.
TIFF: dict[str, object] = {"byteorder": "<", "photometric": "minisblack", "metadata": None}
# A reference is measured on a thicker specimen of another matrix.
REFERENCE_STEP, REFERENCE_REST = 1.3, 0.4


def write_phantom(
    phantom: Phantom,
    folder: str | Path,
    *,
    signal: Signal = "counts",
    multipage: bool = False,
    threads: int = 2,
    progress: Progress | None = None,
) -> Path:
    """Simulate a measurement and write it image by image.

    Parameters
    ----------
    phantom
        The settings.
    folder
        A new or empty folder. It gets `sample/`, `flat/`, `foil/`, each with a uint16 TIFF an energy named
        like `sample_0012_07098.00_eV.tif`, `dark/` with 5 frames, `energies.csv` (nominal, eV),
        `references/*.xdi` (the reference spectra as raw absorbance), and, last of all, `truth.npz`: a
        folder without it is not complete. Where the exposure is recorded, also `exposure/*.txt`.
    signal
        What the images hold. `counts` of a transmission scan as above; or `absorbance`: float32 images in `mu/` and
        `foil_mu/`, no flat field and no dark; or `fluorescence`: counts in `fluorescence/` in place of `sample/`.
    multipage
        One BigTIFF of all energies in each folder in place of many files; the counts are the same.
    threads
        Images in work at a time; each takes its own memory, besides maps of about 40 bytes a pixel.
    progress
        Called with the images done and the images in all.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        Where the folder holds something, is a file, or its disk has no room for the images; for another signal.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = write_phantom(Phantom(size=(16, 20), energies=5), folder)
    ...     sorted(path.name for path in done.iterdir())
    ['dark', 'energies.csv', 'flat', 'foil', 'references', 'sample', 'truth.npz']
    """
    root = Path(folder)
    kinds, divided = images_of(phantom, signal), signal == "absorbance"
    images = len(kinds) * phantom.energy.size + (0 if divided else DARK_FRAMES)
    _check_folder(root, (4 if divided else 2) * images * phantom.size[0] * phantom.size[1])
    root.mkdir(parents=True, exist_ok=True)
    np.savetxt(root / "energies.csv", phantom.energy, fmt="%.3f", header="energy_eV", comments="")
    _write_references(phantom, root / "references")
    _write_exposure(phantom, root / "exposure")
    done = 0
    # A kind after the other, so that the maps of one only are in memory.
    for tasks in (
        *([] if divided else [_dark_tasks(phantom, root, multipage)]),
        *(_scan_tasks(phantom, kind, divided, root / name, multipage) for name, kind in kinds.items()),
    ):
        for _ in _in_threads(tasks, threads):
            done += 1
            if progress is not None:
                progress(done, images)
    answer: dict[str, Any] = {**truth(phantom), "settings": np.array(repr(phantom))}
    with atomic_file(root / "truth.npz") as whole:
        np.savez(whole, **answer)
    return root


def _check_folder(root: Path, wanted: int) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(
            f"{root}, which is not empty" if root.is_dir() else f"{root}, which is a file",
            "a new or empty folder",
            "give another one, or remove it yourself",
        )
    there = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < wanted:
        raise InputError(
            f"{free / 1e9:.1f} GB free at {there}",
            f"{wanted / 1e9:.1f} GB",
            "choose another disk or a smaller phantom",
        )


def _dark_tasks(phantom: Phantom, root: Path, multipage: bool) -> Iterator[Task]:
    names = [f"dark_{frame}" for frame in range(DARK_FRAMES)]
    return _image_tasks(root / "dark", names, lambda frame: dark(phantom, frame), phantom.size, multipage)


def _scan_tasks(phantom: Phantom, kind: str, divided: bool, folder: Path, multipage: bool) -> Iterator[Task]:
    names = [f"{folder.name}_{i:04d}_{energy:08.2f}_eV" for i, energy in enumerate(phantom.energy)]
    if divided:
        yield from _image_tasks(
            folder, names, measured_mu(phantom, kind), phantom.size, multipage, np.float32
        )
    else:
        seen = view(phantom, kind, None)
        yield from _image_tasks(folder, names, partial(image, seen), phantom.size, multipage)


def _image_tasks(
    folder: Path,
    names: list[str],
    make: Make,
    size: tuple[int, int],
    multipage: bool,
    dtype: type[np.generic] = np.uint16,
) -> Iterator[Task]:
    """What writes each image: as a file of its own, or into its place in one file for all."""
    import tifffile

    folder.mkdir()
    if not multipage:
        for i, name in enumerate(names):
            yield partial(_save, folder / f"{name}.tif", make, i)
        return
    path = folder / f"{folder.name}.tif"
    # Pages of a known size lie at known places, so threads can fill them in any order.
    tifffile.imwrite(path, shape=(len(names), *size), dtype=dtype, bigtiff=True, **TIFF)
    with tifffile.TiffFile(path) as file:
        places = [page.dataoffsets[0] for page in file.pages]
    for i, place in enumerate(places):
        yield partial(_fill, path, place, make, i)


def _save(path: Path, make: Make, index: int) -> None:
    import tifffile

    tifffile.imwrite(path, make(index), **TIFF)


def _fill(path: Path, place: int, make: Make, index: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        values = make(index)
        file.write(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())


def _in_threads(tasks: Iterator[Task], threads: int) -> Iterator[None]:
    """Run tasks, a few at a time; yields once for each that is done."""
    pool = ThreadPoolExecutor(max(1, threads))
    running: set[Future[None]] = {pool.submit(task) for task in islice(tasks, max(1, threads))}
    try:
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(task) for task in islice(tasks, len(finished))}
            for future in finished:
                yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write_exposure(phantom: Phantom, folder: Path) -> None:
    exposure = phantom.defects.exposure
    if exposure is None or not exposure.recorded:
        return
    folder.mkdir()
    for kind in EXPOSED:
        table = np.column_stack([phantom.energy, exposure_times(phantom, kind)])
        np.savetxt(folder / f"{kind}.txt", table, fmt=("%.3f", "%.6g"), header="energy_eV relative_time")


def _write_references(phantom: Phantom, folder: Path) -> None:
    folder.mkdir()
    for reference in phantom.written:
        energy = phantom.reference_energy(reference)
        rest = REFERENCE_REST + REFERENCE_STEP * spectrum(reference, energy)
        table = np.column_stack([energy, (energy / phantom.e0) ** -3.0 * rest])
        name = name_of(reference)
        header = [
            "XDI/1.0",
            "Column.1: energy eV",
            "Column.2: mutrans",
            f"Element.symbol: {phantom.element}",
            f"Element.edge: {phantom.edge}",
            "Mono.d_spacing: 3.13551",
            f"Sample.name: {name}",
            "///",
            "Simulated by xafsflow's phantom; not a measurement",
            "---",
            "energy mutrans",
        ]
        np.savetxt(folder / f"{name}.xdi", table, fmt=("%.3f", "%.7f"), header="\n".join(header))
