"""Small files of each format of images, written by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

ENERGIES = np.array([7100.0, 7110.0, 7112.5, 7115.0, 7140.0])
SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def images(dtype: str = "u2", count: int = 5, rows: int = 7, columns: int = 6) -> np.ndarray:
    """Images in which every pixel has a value of its own."""
    return (np.arange(count * rows * columns) + 1).reshape(count, rows, columns).astype(dtype)


@pytest.fixture
def pixels() -> np.ndarray:
    return images()


Content = Mapping[str, Any]


@pytest.fixture
def hdf5(tmp_path: Path) -> Callable[..., Path]:
    """`hdf5(content, attributes, name, **options)`: datasets by path, attributes by path and name."""

    def written(
        content: Content, attributes: Content | None = None, name: str = "scan.h5", **options: Any
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        with h5py.File(path, "w") as file:
            for place, value in content.items():
                more = options if np.ndim(value) == 3 else {}
                file.create_dataset(place, data=value, **more)
            for place, value in (attributes or {}).items():
                owner, _, key = place.rpartition("@")
                file.require_group(owner or "/") if owner not in file else None
                file[owner or "/"].attrs[key] = value
        return path

    return written


def _chain(fat: list[int], data: bytes, sectors: list[bytes], size: int, shuffled: bool) -> int:
    """Append data as a chain of sectors; shuffled: the later half lies first, so that the chain runs back."""
    count = max(1, -(-len(data) // size))
    first = len(fat)
    order = list(range(count))
    if shuffled and count > 1:
        order = order[count // 2 :] + order[: count // 2]
    place = {number: first + at for at, number in enumerate(order)}
    blocks = {place[k]: data[k * size : (k + 1) * size].ljust(size, b"\0") for k in range(count)}
    for at in range(first, first + count):
        sectors.append(blocks[at])
        fat.append(END)
    for k in range(count - 1):
        fat[place[k]] = place[k + 1]
    return place[0]


def ole(streams: Mapping[str, bytes], shuffled: bool = False) -> bytes:
    """A compound file with streams in storages one deep, by the published description ([MS-CFB])."""
    entries: list[list[Any]] = [["Root Entry", 5, END, 0, []]]
    fat: list[int] = []
    minifat: list[int] = []
    sectors: list[bytes] = []
    minis: list[bytes] = []
    storages: dict[str, int] = {"": 0}
    for name, data in streams.items():
        folder, _, leaf = name.rpartition("/")
        if folder not in storages:
            storages[folder] = len(entries)
            entries[0][4].append(len(entries))
            entries.append([folder, 1, 0, 0, []])
        small = len(data) < CUTOFF
        start = (
            _chain(minifat, data, minis, MINI, shuffled)
            if small
            else _chain(fat, data, sectors, SECTOR, shuffled)
        )
        entries[storages[folder]][4].append(len(entries))
        entries.append([leaf, 2, start, len(data), []])
    stream = b"".join(minis)
    entries[0][2], entries[0][3] = _chain(fat, stream, sectors, SECTOR, shuffled), len(stream)
    table = struct.pack(f"<{len(minifat)}I", *minifat)
    minifat_at = _chain(fat, table + b"\xff" * (-len(table) % SECTOR), sectors, SECTOR, False)
    directory_at = _chain(fat, _directory(entries), sectors, SECTOR, False)
    fats = 1
    while fats * SECTOR // 4 < len(fat) + fats:
        fats += 1
    fat_at = list(range(len(fat), len(fat) + fats))
    fat += [FAT_SECTOR] * fats
    fat += [FREE] * (fats * SECTOR // 4 - len(fat))
    header = struct.pack("<8s16sHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0,
                         fats, directory_at, 0, CUTOFF, minifat_at, -(-len(table) // SECTOR), END, 0, 0)[:-4]  # fmt: skip
    difat = struct.pack("<109I", *(fat_at + [FREE] * (109 - fats)))
    return header + difat + b"".join(sectors) + struct.pack(f"<{len(fat)}I", *fat)


def _directory(entries: list[list[Any]]) -> bytes:
    """Each entry; the children of a storage hang on each other as a list, sorted as the format asks for."""
    left = dict.fromkeys(range(len(entries)), FREE)
    child = dict(left)
    for number, entry in enumerate(entries):
        below = sorted(entry[4], key=lambda k: (len(entries[k][0]), entries[k][0].upper()))
        if below:
            child[number] = below[0]
            for one, other in pairwise(below):
                left[one] = other
    found = b""
    for number, (name, kind, start, size, _) in enumerate(entries):
        coded = name.encode("utf-16-le")
        found += struct.pack("<64sHBBIII16sI8s8sIQ", coded, len(coded) + 2, kind, 1, FREE, left[number], child[number],
                             b"", 0, b"", b"", start, size)  # fmt: skip
    return found + b"\0" * (-len(found) % SECTOR)


def xradia(values: np.ndarray, energies: np.ndarray | None = ENERGIES, **more: bytes) -> dict[str, bytes]:
    """The streams of an Xradia file."""
    count, rows, columns = values.shape
    numbers = {"NoOfImages": count, "ImagesTaken": count, "ImageHeight": rows, "ImageWidth": columns}
    numbers["DataType"] = 10 if values.dtype.kind == "f" else 5
    found = {f"ImageInfo/{name}": struct.pack("<i", value) for name, value in numbers.items()}
    found["ImageInfo/PixelSize"] = struct.pack("<f", 0.0325)
    if energies is not None:
        found["ImageInfo/Energy"] = np.asarray(energies, "<f4").tobytes()
    for number, image in enumerate(values, 1):
        found[f"ImageData{-(-number // 100)}/Image{number}"] = image.tobytes()
    return found | {name.replace("__", "/"): value for name, value in more.items()}


@pytest.fixture
def txrm(tmp_path: Path) -> Callable[..., Path]:
    """`txrm(values, energies, name, shuffled, **streams)`."""

    def written(
        values: np.ndarray,
        energies: np.ndarray | None = ENERGIES,
        name: str = "scan.txrm",
        shuffled: bool = False,
        **more: bytes,
    ) -> Path:
        path = tmp_path / name
        path.write_bytes(ole(xradia(values, energies, **more), shuffled))
        return path

    return written


def itex_file(path: Path, image: np.ndarray, comment: bytes = b"[Application]", kind: int = 2) -> Path:
    """An ITEX file."""
    rows, columns = image.shape
    head = struct.pack("<2sHHHHHH", b"IM", len(comment), columns, rows, 0, 0, kind).ljust(64, b"\0")
    path.write_bytes(head + comment + image.tobytes())
    return path


def scan_file_9809(
    path: Path, energies: np.ndarray, spacing: float = 3.13551, told: float | None = None
) -> Path:
    """A 9809 file whose angles are those of a spacing; `told`: another one stands in its header."""
    angles = np.rad2deg(np.arcsin(12398.419843320026 / (2 * spacing * energies)))
    lines = [
        " 9809     KEK-PF   NW2A",
        f" Mono :   Si(111)       D= {told or spacing:8.5f} A    Initial angle= 16. deg",
    ]
    lines += [" Block      Init-Eng  Final-Eng      Step/eV     Time/s       Num"]
    lines += [
        f"     1  {energies.min():12.2f} {energies.max():9.2f}         1.00       0.50  {len(energies)}"
    ]
    lines += [
        "  Angle(c)  Angle(o)    time/s         2         3",
        "      Mode         0         0         1",
    ]
    lines += ["    Offset         0         0     0.000     0.000"]
    lines += [f" {angle:9.6f} {angle:9.6f}      0.50   1000000" for angle in angles]
    path.write_text("\n".join(lines) + "\n")
    return path


def edf_block(image: np.ndarray, order: str = "<", **fields: str) -> bytes:
    """One header and image of EDF."""
    kinds = {"u2": "UnsignedShort", "f4": "FloatValue", "i4": "SignedInteger"}
    rows, columns = image.shape
    told = {
        "HeaderID": "EH:000001:000000:000000",
        "ByteOrder": "LowByteFirst" if order == "<" else "HighByteFirst",
        "DataType": kinds[image.dtype.str[1:]],
        "Dim_1": str(columns),
        "Dim_2": str(rows),
        "Size": str(image.nbytes),
    } | fields
    text = "{\n" + "".join(f"{name} = {value} ;\n" for name, value in told.items())
    return (text.ljust(1022) + "}\n").encode() + image.astype(image.dtype.newbyteorder(order)).tobytes()


HDR = """ScanDefinition = {{ Label = "scan.hdr"; Type = "NEXAFS Image Scan"; Flags = "Image Stack"; Dwell = 0.4;
\tRegions = ({regions},
{region}
\tStackAxis = {{ Name = "Energy"; Unit = "{unit}"; Min = 700; Max = 730; Dir = 1;
\t\tPoints = ({count}, {points});
}};
\tChannels = ({channels}, {channel});
}};
ImageScan = {{ ScanType = "Image (Line - unidirection)"; Stage = "Automatic"; }};
"""
REGION = """{{
 PAxis = {{ Name = "Sample X"; Unit = "um"; Min = 0; Max = 1; Dir = 1; Points = ({columns}, {x}); }};
 QAxis = {{ Name = "Sample Y"; Unit = "um"; Min = 0; Max = 1; Dir = 1; Points = ({rows}, {y}); }};
}}"""


def stxm_scan(
    folder: Path,
    values: np.ndarray,
    energies: np.ndarray,
    channels: int = 1,
    regions: int = 1,
) -> Path:
    """A header and its images; channel b is ten times channel a, and a region has 1000 more than the one before."""
    count, rows, columns = values.shape
    region = REGION.format(
        columns=columns,
        rows=rows,
        x=", ".join(f"{0.05 * k:.3f}" for k in range(columns)),
        y=", ".join(f"{0.05 * k:.3f}" for k in range(rows)),
    )
    header = HDR.format(
        regions=regions,
        region=",\n".join([region] * regions) + ");",
        unit="eV",
        count=count,
        points=", ".join(f"{energy:.3f}" for energy in energies),
        channels=channels,
        channel=", ".join('{ Name = "counter"; Unit = "Hz";}' for _ in range(channels)),
    )
    if regions > 1:
        header = header.replace('"Image Stack"', '"Multi-Region Image Stack"')
    path = folder / "scan.hdr"
    path.write_text(header)
    for channel in range(channels):
        for which in range(regions):
            for number, image in enumerate(values):
                name = f"scan_{'ab'[channel]}{number:03d}{which if regions > 1 else ''}.xim"
                np.savetxt(folder / name, image * 10**channel + 1000 * which, fmt="%.6f", delimiter="\t")
    return path


@pytest.fixture
def make() -> SimpleNamespace:
    """What writes files of the other formats."""
    return SimpleNamespace(
        ole=ole,
        xradia=xradia,
        itex=itex_file,
        scan_9809=scan_file_9809,
        edf=edf_block,
        stxm=stxm_scan,
    )
