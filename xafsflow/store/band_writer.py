"""The maps of a band, written by whoever has computed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from xafsflow.blocks.pixel_regions import Region
from xafsflow.errors import ComputationError
from xafsflow.store.chunk_files import Target


@dataclass(frozen=True)
class BandWriter:
    """Writes maps into the arrays of a folder, and gives back what is no map: sums over the band.

    It travels to the workers of a cluster, where the folder has to be the same.

    Parameters
    ----------
    folder
        Of the arrays.
    maps
        Their dims, by name.
    """

    folder: Path
    maps: Mapping[str, tuple[str, ...]]
    token: str = field(default_factory=lambda: uuid4().hex)

    def __call__(self, number: int, region: Region, results: Mapping[str, Any]) -> dict[str, Any]:
        """Write the results of a band.

        Raises
        ------
        ComputationError
            The folder is not there, for the one who computes.
        """
        if not self.folder.is_dir():
            raise ComputationError(
                f"a worker that does not see {self.folder}",
                "the folder of the run on storage that all workers share",
                "choose another --out, or use --cluster threads",
            )
        for name, dims in self.maps.items():
            where = region.slices(dims, Region(0, 0, 0, 0))
            _target(self.folder, name, self.token)[where] = results[name]
        return {name: values for name, values in results.items() if name not in self.maps}


@lru_cache(maxsize=128)
def _target(folder: Path, name: str, token: str) -> Target:
    """An array, opened once a process and writer."""
    return Target(folder, name)
