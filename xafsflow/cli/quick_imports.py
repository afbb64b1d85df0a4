"""Imports of large packages without looking for garbage between them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """No garbage collection inside: modules make objects that stay, and looking through them took a fifth of the imports."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
