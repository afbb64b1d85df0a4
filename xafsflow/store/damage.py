"""Tiles that kill their worker: found, named, and left out while everything else is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xafsflow.blocks.field import Field, as_they_are, over_bands
from xafsflow.blocks.interpreter import put_together
from xafsflow.blocks.pixel_regions import Region
from xafsflow.errors import ComputationError


def by_tile(field: Field, band: Region) -> tuple[dict[str, Any] | None, list[str]]:
    """The results of a band that was too much for a worker, tile by tile; None, and the names of those that still are.

    Nothing else may be at work: whatever is on a worker that dies is told to have failed.
    """
    parts, failed = [], []
    for tile in band.tiles(field.program.points):
        ((_, part),) = over_bands(field, {0: tile}, as_they_are)
        if isinstance(part, BaseException):
            failed.append(f"y {tile.y0} to {tile.y1 - 1} and x {tile.x0} to {tile.x1 - 1}")
        else:
            parts.append((tile, part))
    return (None if failed else put_together(field.program, band, parts)), failed


def stop_if_any(failed: Sequence[str], error: BaseException | None) -> None:
    """Name the tiles that failed.

    Raises
    ------
    ComputationError
        There are any.
    """
    if failed:
        shown = "; ".join(failed[:5]) + ("; ..." if len(failed) > 5 else "")
        raise ComputationError(
            f"workers died on {len(failed)} block(s): {shown} ({type(error).__name__})",
            "workers with enough memory for a block",
            "give each worker more memory, and run the same command again: only these blocks are left",
        ) from error
