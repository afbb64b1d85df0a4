"""The cube and the maps at rest: Zarr version 3, written band by band."""

from xafsflow.store.cubes import open_cube, write_cube
from xafsflow.store.maps import bands, is_map, open_maps, with_means, write_maps

__all__ = ["bands", "is_map", "open_cube", "open_maps", "with_means", "write_cube", "write_maps"]
