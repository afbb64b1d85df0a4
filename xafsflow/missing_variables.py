"""What to do about a variable that a cube lacks: from the steps there are, and those that opened the measurement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

# Variables that only images of counts give, and how the steps begin that make a measurement up.
COUNTS = ("sample", "flat_field", "foil", "dark", "counter", "flat_counter")
SIMULATED = "ingest.phantom"


class Row(Protocol):
    """What is read of a row of the table of steps."""

    @property
    def name(self) -> str:
        """Of the step."""
        ...

    @property
    def needs(self) -> Sequence[str]:
        """Variables that must be there."""
        ...

    @property
    def gives(self) -> Sequence[str]:
        """Variables that are there afterwards."""
        ...


def how_to_get(
    name: str,
    wanted_by: str,
    there: Collection[str],
    opened: Mapping[str, Row],
    steps: Mapping[str, Row],
) -> str:
    """The advice, which continues "do: ...".

    Parameters
    ----------
    name
        Of the variable.
    wanted_by
        The step that needs it.
    there
        Variables that the cube has.
    opened
        The steps, by the names of their entries, that opened the measurement.
    steps
        All steps.
    """
    if asked := _missing_setting(name, there, opened, steps):
        return asked
    # A step that needs it itself is no cure
    makers = sorted(row.name for row in steps.values() if _gives(row, name) and name not in row.needs)
    others = [one for one in makers if not one.startswith("ingest.")]
    if others:
        return f"put {' or '.join(others)} before it"
    ready = [entry for entry, row in opened.items() if "mu" in row.gives and name in COUNTS]
    if ready:
        return f"remove {wanted_by}: {ready[0]} opens images that hold no counts, and gives mu already"
    files = [one for one in makers if not one.startswith(SIMULATED)]
    if not makers:
        return "check the setting that names it"
    return f"open the measurement with {' or '.join(files or makers)}"


def can_give(name: str, steps: Mapping[str, Row]) -> bool:
    """Whether there is a step that gives a variable, whatever its settings."""
    return any(_gives(row, name) for row in steps.values())


def _gives(row: Row, name: str) -> bool:
    return any(one in (name, f"{{{name}}}") or one.endswith((f"->{name}", f"={name}")) for one in row.gives)


def _missing_setting(
    name: str, there: Collection[str], opened: Mapping[str, Row], steps: Mapping[str, Row]
) -> str | None:
    """The setting of an entry that opened the measurement with which the variable would be there."""
    for entry, row in opened.items():
        for given in row.gives:
            setting, _, fixed = given.removeprefix("{").partition("}=")
            if given.startswith("{") and fixed == name:
                return f"give the setting {setting} of {entry}"
    for row in steps.values():
        for given in row.gives:
            source, _, made = given.rpartition("->")
            # Where the images are there, it is the step that is missing
            wanted = bool(source) and made == name and source not in there
            if wanted and (asked := _missing_setting(source, there, opened, {})):
                return asked
    return None
