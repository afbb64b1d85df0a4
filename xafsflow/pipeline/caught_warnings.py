"""What the steps of a run warn of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from xafsflow.errors import XafsflowWarning


@contextmanager
def own_warnings() -> Iterator[list[str]]:
    """A list that gets the texts of xafsflow's own warnings; those of other libraries are shown as they were before."""
    caught: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", XafsflowWarning)
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, XafsflowWarning):
                caught.append(str(message))
            else:
                before(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield caught
