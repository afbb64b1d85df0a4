"""The kinds of error. Every message says what was found, what was wanted, and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class XafsflowError(Exception):
    """An error with a message in three parts: found, wanted, do.

    Examples
    --------
    >>> print(InputError("3 energies and 4 images", "one energy an image", "add the missing line to energies.csv"))
    found: 3 energies and 4 images; wanted: one energy an image; do: add the missing line to energies.csv
    """

    def __init__(self, found: str, wanted: str = "", do: str = "") -> None:
        self.found, self.wanted, self.do = found, wanted, do
        parts = (("found", found), ("wanted", wanted), ("do", do))
        super().__init__(
            "; ".join(f"{word}: {text}" for word, text in parts if text) if wanted or do else found
        )


class InputError(XafsflowError):
    """The call, a file or a setting is wrong; the user can mend it (exit status 2)."""


class RecipeError(InputError):
    """All the problems of a recipe at once, one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class ComputationError(XafsflowError):
    """A computation failed on good input (exit status 1)."""


class XafsflowWarning(UserWarning):
    """Something the user must know, told aloud and kept in the run's findings."""
