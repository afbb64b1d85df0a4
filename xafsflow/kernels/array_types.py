"""Names of the array types that kernels take and give; shapes and units stand in their docstrings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Floats = NDArray[np.floating]  # float32 or float64
Numbers = NDArray[np.integer | np.floating]  # counts of a camera, too
Complexes = NDArray[np.complexfloating]
Mask = NDArray[np.bool_]
Integers = NDArray[np.integer]
Indices = NDArray[np.int64]
Int32s = NDArray[np.int32]
Uint8s = NDArray[np.uint8]
Uint16s = NDArray[np.uint16]
Uint32s = NDArray[np.uint32]
Uint64s = NDArray[np.uint64]
