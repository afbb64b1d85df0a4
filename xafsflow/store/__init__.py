"""The cube and the maps at rest: Zarr version 3, written band by band."""

from xafsflow.store.arrays import is_complete
from xafsflow.store.cubes import open_cube, write_cube
from xafsflow.store.maps import bands, is_map, open_maps, with_means, write_maps
from xafsflow.store.written import run_identity

__all__ = [
    "bands",
    "is_complete",
    "is_map",
    "open_cube",
    "open_maps",
    "run_identity",
    "with_means",
    "write_cube",
    "write_maps",
]
