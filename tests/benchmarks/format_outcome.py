"""What became of a file that was read: right, wrong, refused, or failed with anything that is no message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One of "read right", "wrong", "refused", "failed", and why."""

    path: str
    outcome: str
    message: str
