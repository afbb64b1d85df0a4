"""STXM scans of ALS and CLS: a `.hdr` with the energies, and a file `.xim` of text for the image at each of them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.image_scan import ImageScan, Inside
from xafsflow.io.readers.images.scan_parts import ScanPart, scan_of
from xafsflow.io.readers.images.source_stack import Bands, Pixels
from xafsflow.io.readers.images.stxm_header import Value, parsed_header
from xafsflow.io.readers.images.text_headers import damaged, read_start
from xafsflow.io.readers.images.told_values import energies_ev, micrometers, pixel_size, spacing
from xafsflow.kernels.array_types import Doubles

FORMAT = "STXM .hdr with .xim (ALS, CLS)"
LARGEST_HEADER, LARGEST_SIDE = 2**24, 2**16
STACK = "Image Stack"


def detect(start: bytes) -> bool:
    """Whether a file that begins so is the header of a STXM scan."""
    return start.lstrip().startswith(b"ScanDefinition")


@dataclass(frozen=True)
class TextSource:
    """Images as numbers in text, one file each, all of one channel of a scan.

    Parameters
    ----------
    header
        The file that tells of them.
    paths
        The file of each image.
    rows, columns
        Of every image.
    """

    header: str
    paths: tuple[str, ...]
    rows: int
    columns: int

    @property
    def place(self) -> str:
        """The header's file."""
        return self.header

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        return len(self.paths), self.rows, self.columns

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Counts are written with decimals, and are broken numbers where images were aligned."""
        return np.dtype(np.float64)

    @property
    def row_quantum(self) -> int:
        """Text is read whole."""
        return self.rows

    def read(
        self, numbers: Sequence[int], bands: Bands, columns: tuple[int, int], targets: Sequence[Pixels]
    ) -> None:
        """See `Source`."""
        for at, number in enumerate(numbers):
            image = self._image(self.paths[number])
            for (start, stop), target in zip(bands, targets, strict=True):
                target[at] = image[start:stop, slice(*columns)]

    def _image(self, path: str) -> Doubles:
        raw = read_start(path, 64 * self.rows * self.columns + 64)
        try:
            lines = [
                np.array(line.split(), np.float64)
                for line in raw.decode("ascii").splitlines()
                if line.strip()
            ]
        except ValueError as error:
            raise damaged(path, f"text that is no number ({str(error)[:80]})") from None
        if len(lines) != self.rows or any(len(line) != self.columns for line in lines):
            wide = sorted({len(line) for line in lines})
            raise damaged(
                path,
                f"{len(lines)} lines of {wide[:3]} numbers, where {self.header} has {self.rows} x {self.columns}",
            )
        return np.stack(lines)


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The image stack of a header, its energies and the size of its pixels.

    Parameters
    ----------
    paths
        Headers, `.hdr`; images (`.xim`) lie beside them.
    inside
        Channel and region, `/a` or `/b/1`: needed where a scan has several.

    Raises
    ------
    InputError
        The header is damaged or no image stack, an image is missing, or there are several channels and none is named.
    """
    return scan_of([_part(path, inside) for path in paths])


def list_inside(path: Path) -> list[Inside]:
    """The channels and regions of a scan."""
    header = _header(path)
    regions = _structures(_scan(header, path).get("Regions"))
    names = _names(header, path)
    shapes = [(len(_energies(header, path)), *_shape(region, path)) for region in regions]
    return [Inside(name, shapes[number], "float64") for name, (_, number) in names.items()]


def _part(path: Path, inside: str | None) -> ScanPart:
    header = _header(path)
    names = _names(header, path)
    if inside is None and len(names) > 1:
        raise InputError(
            f"{path} with {len(names)} channels or regions ({', '.join(names)})",
            "one of them behind ::",
            f"write it as {path.name}::{next(iter(names))}",
        )
    wanted = next(iter(names)) if inside is None else "/" + inside.strip("/")
    if wanted not in names:
        raise InputError(f"no {inside} in {path}", f"one of {', '.join(names)}", "name one of them behind ::")
    letter, number = names[wanted]
    regions = _structures(_scan(header, path).get("Regions"))
    energies = _energies(header, path)
    rows, columns = _shape(regions[number], path)
    which = str(number) if len(regions) > 1 else ""
    files = tuple(
        str(path.absolute().with_name(f"{path.stem}_{letter}{k:03d}{which}.xim"))
        for k in range(len(energies))
    )
    _check_files(path, files)
    return ScanPart(
        images=TextSource(str(path.absolute()), files, rows, columns),
        energies=energies,
        quantity="counts",
        pixel_size_um=pixel_size([_side(regions[number], axis, path) for axis in ("PAxis", "QAxis")]),
        inside=wanted if len(names) > 1 else None,
        energy_unit=str(_axis(_scan(header, path), "StackAxis", path).get("Unit", "")) or None,
    )


def _header(path: Path) -> dict[str, Value]:
    raw = read_start(str(path), LARGEST_HEADER)
    return parsed_header(raw.decode("latin-1").replace("\0", " "), str(path))


def _scan(header: dict[str, Value], path: Path) -> dict[str, Value]:
    scan = header.get("ScanDefinition")
    if not isinstance(scan, dict):
        raise damaged(str(path), "no ScanDefinition")
    if STACK not in str(scan.get("Flags", "")):
        raise InputError(
            f"{path}, a scan of the kind {scan.get('Flags')!r}", f"{STACK!r}", "choose the scan over energy"
        )
    return scan


def _names(header: dict[str, Value], path: Path) -> dict[str, tuple[str, int]]:
    """Each channel and region: its name behind `::`, the letter in names of files, the number of the region."""
    scan = _scan(header, path)
    regions = _structures(scan.get("Regions"))
    channels = _structures(scan.get("Channels")) or _structures(header.get("Channels"))
    if not regions:
        raise damaged(str(path), "no region")
    letters = string.ascii_lowercase[: max(len(channels), 1)]
    if len(regions) == 1:
        return {f"/{letter}": (letter, 0) for letter in letters}
    return {f"/{letter}/{k}": (letter, k) for letter in letters for k in range(len(regions))}


def _structures(value: Value | None) -> list[dict[str, Value]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _axis(owner: dict[str, Value], name: str, path: Path) -> dict[str, Value]:
    axis = owner.get(name)
    if not isinstance(axis, dict):
        raise damaged(str(path), f"no {name}")
    return axis


def _points(owner: dict[str, Value], name: str, path: Path) -> Doubles:
    """The points of an axis, behind their number."""
    told = _axis(owner, name, path).get("Points")
    if not isinstance(told, list) or not all(isinstance(one, float) for one in told) or len(told) < 2:
        raise damaged(str(path), f"no numbers as Points of {name}")
    values = np.array([one for one in told if isinstance(one, float)])
    if values[0] != len(values) - 1:
        raise damaged(str(path), f"{len(values) - 1} Points of {name} where it tells {values[0]:g}")
    return values[1:]


def _energies(header: dict[str, Value], path: Path) -> Doubles:
    scan = _scan(header, path)
    unit = str(_axis(scan, "StackAxis", path).get("Unit", ""))
    return energies_ev(_points(scan, "StackAxis", path), unit, f"{path}, StackAxis")


def _shape(region: dict[str, Value], path: Path) -> tuple[int, int]:
    rows, columns = (len(_points(region, axis, path)) for axis in ("QAxis", "PAxis"))
    if max(rows, columns) > LARGEST_SIDE:
        raise damaged(str(path), f"{rows} x {columns} pixels")
    return rows, columns


def _side(region: dict[str, Value], axis: str, path: Path) -> float | None:
    step = spacing(_points(region, axis, path))
    return None if step is None else micrometers(step, str(_axis(region, axis, path).get("Unit", "")))


def _check_files(path: Path, files: Sequence[str]) -> None:
    missing = [Path(name).name for name in files if not Path(name).is_file()]
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise InputError(
            f"{path} without the images {shown} beside it",
            f"{len(files)} files of images, one an energy",
            "copy the missing files; or cut the Points of StackAxis to what was measured",
        )
