"""What became of one file of public formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Outcome:
    """The path in the folder of formats, what became of it, and the message or the difference.

    "wrong" is read and not right; "refused" is an InputError where there was something to read; "failed" any other error.
    What must be refused is "read right" when it is.
    """

    path: str
    outcome: Literal["read right", "wrong", "refused", "failed"]
    message: str = ""
