"""What to do about a variable that a step needs and that the cube does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

# Variables that only images of counts give, and how the steps begin that make a measurement up.
COUNTS = ("sample", "flat_field", "foil", "dark", "counter", "flat_counter")
SIMULATED = "ingest.phantom"


class Row(Protocol):
    """What is asked of a row of the table of steps."""

    @property
    def name(self) -> str:
        """Of the step."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Variables that must be there before it."""
        ...

    @property
    def gives(self) -> tuple[str, ...]:
        """Variables that are there after it, `{setting}=name` where a setting asks for it."""
        ...


def how_to_get(name: str, wanted_by: str, opened: Mapping[str, Row], steps: Mapping[str, Row]) -> str:
    """What to do about a variable of the cube that a step needs and that is not there.

    Parameters
    ----------
    name
        Of the variable.
    wanted_by
        The step that needs it.
    opened
        The steps, by the names of their entries, that opened the measurement.
    steps
        The table of all steps.
    """
    for entry, row in opened.items():
        for setting, _, fixed in (one.removeprefix("{").partition("}") for one in row.gives if one[0] == "{"):
            if fixed == f"={name}":
                return f"set {setting} of {entry}"
    # What needs a variable only changes it.
    makers = sorted(s.name for s in steps.values() if name in s.gives and name not in s.needs)
    others = [one for one in makers if not one.startswith("ingest.")]
    if others:
        return f"put {' or '.join(others)} before it"
    ready = [entry for entry, row in opened.items() if "mu" in row.gives and name in COUNTS]
    if ready:
        return f"remove {wanted_by}: {ready[0]} opens images that hold no counts, and gives mu already"
    files = [one for one in makers if not one.startswith(SIMULATED)]
    return (
        f"open the measurement with {' or '.join(files or makers)}"
        if makers
        else "check the setting that names it"
    )
