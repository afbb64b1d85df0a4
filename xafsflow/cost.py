"""What a run will read, hold and write, from the lazy cube."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.cluster.sizes import Need
from xafsflow.names import CUBE
from xafsflow.readers.lazy import SHARED_BYTES
from xafsflow.store import bands
from xafsflow.store.maps import BAND_BYTES


def estimate(products: Mapping[str, Any]) -> list[str]:
    """Lines that tell the size of a measurement and of its run.

    Examples
    --------
    >>> cube = xr.Dataset({"sample": (CUBE, np.zeros((5, 8, 6), "u2"))}, {"energy": np.arange(7110.0, 7115)})
    >>> estimate({"cube": cube.chunk(y=4)})[0]
    '5 energies from 7110 to 7114 eV, 8 x 6 pixels'
    """
    cube: xr.Dataset | None = products.get("cube")
    if cube is None:
        return ["no measurement is read"]
    n_energy, rows, columns = (cube.sizes[dim] for dim in CUBE)
    energy = cube.energy.values
    counts = [name for name in ("sample", "flat_field", "foil") if name in cube and cube[name].dims == CUBE]
    read = sum(cube[name].nbytes for name in counts)
    maps = [a for a in cube.data_vars.values() if "y" in a.dims and "energy" not in a.dims]
    lines = [
        f"{n_energy} energies from {energy[0]:g} to {energy[-1]:g} eV, {rows} x {columns} pixels",
        f"reads {_megabytes(read)} ({', '.join(counts)}) in {len(list(bands(cube)))} bands of rows",
        f"holds about {_megabytes(400 * 2**20 + 4 * BAND_BYTES)} beside the model, whatever the size",
        f"writes about {_megabytes(max(1, len(maps) + 12) * 4 * rows * columns)} of maps before compression",
    ]
    if "library" in products:
        names = [str(name) for name in np.asarray(products["library"].spectrum)]
        lines.append(f"references {', '.join(names)} cover the scan")
    return lines


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.0f} MB" if count < 2e9 else f"{count / 1e9:.1f} GB"


def need_of(products: Mapping[str, Any]) -> Need | None:
    """What a worker must hold, and how many blocks there are; None where no measurement is read."""
    cube: xr.Dataset | None = products.get("cube")
    if cube is None:
        return None
    lazy = [a for a in cube.data_vars.values() if a.dims == CUBE and a.chunks]
    blocks = max((a.data.npartitions for a in lazy), default=1)
    largest = max((4 * int(np.prod(a.data.chunksize)) for a in lazy), default=0)
    # Absorbance, its noise, means, normalized and derived spectra of one block, and the reading that blocks share.
    return Need(task_bytes=12 * largest + 2 * SHARED_BYTES, tasks=blocks)
