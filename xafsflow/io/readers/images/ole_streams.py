"""Where the streams of an OLE compound file lie in the file, so that they can be read in parts.

Reference: Microsoft, [MS-CFB] Compound File Binary File Format. A stream is a chain of sectors; one shorter than the cutoff
is a chain of mini sectors within the stream of the root entry.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from xafsflow.errors import InputError
from xafsflow.io.readers.images.plain_source import Piece

LARGEST_VALUE = 2**24  # bytes of a stream that is read whole


@contextmanager
def ole_file(path: str) -> Iterator[Any]:
    """A compound file opened for reading.

    Raises
    ------
    InputError
        It is missing, none, truncated or damaged, also where that shows only while it is read: what the functions below
        raise becomes such an error.
    """
    import olefile

    log = logging.getLogger("olefile")
    log.addFilter(_drop)
    try:
        with open(path, "rb") as stream:
            # What contradicts the format is an error: a chain that is broken would be read as other pixels.
            file = olefile.OleFileIO(stream, raise_defects=olefile.DEFECT_INCORRECT)
            try:
                yield file
            finally:
                file.close()
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(
            f"no file {path}", "a file .xrm or .txrm", "check the path and its spelling"
        ) from None
    except Exception as error:  # of many kinds, where something is damaged
        raise InputError(
            f"{path}: truncated, damaged or no OLE file ({error})",
            "a whole file .xrm or .txrm",
            "copy the file again from where it was written, or leave it and its energy out",
        ) from None
    finally:
        log.removeFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:
    return False


def value_of(file: Any, name: str) -> bytes | None:
    """All bytes of a small stream; None where there is none of that name.

    Raises
    ------
    ValueError
        It is larger than any value.
    """
    if not file.exists(name) or file.get_type(name) != 2:  # a stream, no storage
        return None
    if file.get_size(name) > LARGEST_VALUE:
        raise ValueError(f"{name} of {file.get_size(name)} bytes")
    with file.openstream(name) as stream:
        return bytes(stream.read())


def pieces_of(file: Any, name: str, size: int, end: int) -> tuple[Piece, ...]:
    """Where the first `size` bytes of a stream lie in the file, pieces that follow each other joined.

    Parameters
    ----------
    file
        An open compound file.
    name
        Of the stream.
    size
        Bytes that are wanted of it.
    end
        Bytes of the file.

    Raises
    ------
    ValueError
        The stream is missing or shorter, or its chain runs in a ring or out of the file.
    """
    if not file.exists(name) or file.get_type(name) != 2:
        raise ValueError(f"no stream {name}")
    entry = file.root
    for part in name.split("/"):
        entry = entry.kids_dict[part.lower()]
    if entry.size < size:
        raise ValueError(f"{name} of {entry.size} bytes, {size} by its header")
    if entry.size >= file.minisectorcutoff:
        return joined(
            _chain(file.fat, entry.isectStart, size, file.sectorsize), file.sectorsize, 1, size, end
        )
    if file.minifat is None:
        file.loadminifat()
    # The places of mini sectors are places in the stream of the root entry.
    inner = _chain(file.minifat, entry.isectStart, size, file.minisectorsize)
    length = max(inner) * file.minisectorsize + file.minisectorsize
    root = joined(
        _chain(file.fat, file.root.isectStart, length, file.sectorsize), file.sectorsize, 1, length, end
    )
    return _within(root, joined(inner, file.minisectorsize, 0, size, length))


def _chain(table: Sequence[int], start: int, size: int, sector_size: int) -> list[int]:
    """The sectors that hold the first bytes of a stream."""
    found: list[int] = []
    sector = int(start)
    wanted = -(-size // sector_size)
    if wanted > len(table):  # a chain that runs in a ring would go on for as long
        raise ValueError(f"{wanted} sectors of {len(table)}")
    for _ in range(wanted):
        if not 0 <= sector < len(table):
            raise ValueError(f"a chain of sectors that ends after {len(found)}")
        found.append(sector)
        sector = int(table[sector])
    return found


def joined(sectors: Sequence[int], sector_size: int, before: int, size: int, end: int) -> tuple[Piece, ...]:
    """Sectors as pieces: the first byte of each is its number, and those before it, times the size of one.

    Raises
    ------
    ValueError
        One lies behind the end.

    Examples
    --------
    >>> joined([3, 4, 9], 512, 1, 1200, 10_000)
    ((2048, 1024), (5120, 176))
    """
    pieces: list[list[int]] = []
    left = size
    for sector in sectors:
        at, length = (sector + before) * sector_size, min(sector_size, left)
        if at + length > end:
            raise ValueError(f"truncated: a sector ends at byte {at + length} of {end}")
        if pieces and sum(pieces[-1]) == at:
            pieces[-1][1] += length
        else:
            pieces.append([at, length])
        left -= length
    return tuple((at, length) for at, length in pieces)


def _within(outer: Sequence[Piece], inner: Sequence[Piece]) -> tuple[Piece, ...]:
    """Pieces of a stream as pieces of the file, of the pieces of which the stream is made."""
    found: list[Piece] = []
    for start, size in inner:
        done = 0
        for at, length in outer:
            first, last = max(start, done), min(start + size, done + length)
            if first < last:
                found.append((at + first - done, last - first))
            done += length
    return tuple(found)
