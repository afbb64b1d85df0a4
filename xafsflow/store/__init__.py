"""The cube and the maps at rest: Zarr version 3, written band by band."""

from xafsflow.store.cube_store import open_cube, write_cube
from xafsflow.store.map_store import is_map, open_maps, with_means, write_maps, write_maps_and
from xafsflow.store.written_chunks import run_identity
from xafsflow.store.zarr_groups import is_complete

__all__ = [
    "is_complete",
    "is_map",
    "open_cube",
    "open_maps",
    "run_identity",
    "with_means",
    "write_cube",
    "write_maps",
    "write_maps_and",
]
