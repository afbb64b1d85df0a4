"""The kinds of error. A message says in three sentences what was found, what is expected, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


def sentences(found: str, expected: str = "", action: str = "") -> str:
    """What was found, what is expected and what to do, each a sentence; parts that are empty are left out.

    Examples
    --------
    >>> sentences("3 energies", "one energy per image")
    'Found 3 energies. Expected one energy per image.'
    """
    parts = [f"Found {found}", f"Expected {expected}" if expected else "", action[:1].upper() + action[1:]]
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


class XafsflowError(Exception):
    """An error in three parts, which are shown as three sentences.

    Parameters
    ----------
    found
        What there is: a noun phrase that continues "Found ...". Alone, it is the whole message as it stands.
    expected
        What there should be: continues "Expected ...".
    action
        What the user can do about it, as a command ("check the path").

    Examples
    --------
    >>> print(InputError("3 energies and 4 images", "one energy per image", "add the missing line to energies.csv"))
    Found 3 energies and 4 images. Expected one energy per image. Add the missing line to energies.csv.
    """

    def __init__(self, found: str, expected: str = "", action: str = "") -> None:
        self.found, self.expected, self.action = found, expected, action
        self.place = ""
        super().__init__(sentences(found, expected, action) if expected or action else found)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.place}: {text}" if self.place else text

    def at(self, place: str) -> None:
        """Say where it happened, such as a line of the recipe and its step; the innermost place stays."""
        self.place = self.place or place


class InputError(XafsflowError):
    """The call, a file or a setting is wrong; the user can correct it (exit status 2)."""


class RecipeError(InputError):
    """All the problems of a recipe, one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class ComputationError(XafsflowError):
    """A computation failed on good input (exit status 1)."""


class BusyError(XafsflowError):
    """Another process works in the same place; the same call may succeed when it has ended (exit status 75)."""


class XafsflowWarning(UserWarning):
    """Something the user must know; it is shown and kept in the findings of the run."""
