"""The one numba decorator.

`NUMBA_DISABLE_JIT=1` in the environment turns every kernel back into the Python function it is written as.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a function for the types it is called with, at the first call.

    Without examples: numba finds no file to keep the code of a function in that stands in a docstring.
    """
    compiled = numba.njit(
        nogil=True,  # dask's threads run blocks side by side
        # Loading is about five times faster than compiling. Numba looks at the kernel's own file only: delete
        # __pycache__ after a change to a kernel that is called from another file.
        cache=True,
        error_model="numpy",  # x/0 is inf or NaN as in numpy; Python's rule stops at the first bad pixel
        # Not nnan and ninf: NaN is how a pixel says that it could not be computed. Not reassoc: with sums in
        # an order of the compiler's choice, code from the cache gave other last bits than the same code just
        # compiled, and a pixel others at the end of a row than in its middle. Loops along x do not need it.
        fastmath={
            "contract",  # a*b + c in one instruction
            "nsz",  # -0 may come out as 0
            "arcp",  # x/a as x * (1/a)
            "afn",  # approximate functions
        },
    )(function)
    return cast(F, compiled)
