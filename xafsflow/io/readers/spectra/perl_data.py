"""Perl's text of data, as Athena's projects hold it: lists and hashes of strings and numbers. Parsed, never run."""

from __future__ import annotations

import re
from typing import TypeAlias

from xafsflow.errors import InputError

MAX_DEPTH = 50
STATEMENT = re.compile(r"^[ \t]*([$@%])(\w+)[ \t]*=\s*", re.MULTILINE)
TOKEN = re.compile(
    r"\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\"|(?P<mark>=>|[][(){},])"
    r"|(?P<word>[-+\w.]+))",
    re.DOTALL,
)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
OPENING = {"(": ")", "[": "]", "{": "}"}

Value: TypeAlias = str | list["Value"]


def statements(text: str, place: str) -> list[tuple[str, Value]]:
    r"""The assignments of a text, in order: the name with its sign, as `@x`, and the value.

    A value is a text, or a list; a hash is the list of its keys and values. Numbers stay texts, `undef` is an empty one.

    Raises
    ------
    InputError
        A value is broken, as where a file ends too early; the message names the line.

    Examples
    --------
    >>> statements("$old_group = 'abcd';\n@x = ('7000.0', 7010);\n[record]\n", "foil.prj")
    [('$old_group', 'abcd'), ('@x', ['7000.0', '7010'])]
    """
    found: list[tuple[str, Value]] = []
    at, line = 0, 1
    while (start := STATEMENT.search(text, at)) is not None:
        line += text.count("\n", at, start.end())
        reader = _Reader(text, start.end(), f"{place}, line {line}")
        found.append((start[1] + start[2], reader.value(0)))
        line += text.count("\n", start.end(), reader.at)
        at = reader.at
    return found


class _Reader:
    """Reads one value from a place of a text."""

    def __init__(self, text: str, at: int, place: str) -> None:
        self.text, self.at, self.place = text, at, place

    def token(self) -> tuple[str, str]:
        """Kind and text of the next token, with its escapes resolved."""
        found = TOKEN.match(self.text, self.at)
        if found is None:
            rest = self.text[self.at : self.at + 20].strip()
            raise self.broken(repr(rest) if rest else "the end of the file")
        self.at = found.end()
        kind = found.lastgroup or ""
        word = found[kind]
        if kind == "single":  # only these two are escapes there
            return kind, re.sub(r"\\(['\\])", r"\1", word)
        return kind, ESCAPE.sub(r"\1", word) if kind == "double" else word

    def value(self, depth: int) -> Value:
        kind, word = self.token()
        if kind != "mark":
            return "" if kind == "word" and word == "undef" else word
        if word not in OPENING:
            raise self.broken(repr(word))
        if depth > MAX_DEPTH:
            raise self.broken(f"data nested {depth} deep")
        return self.items(OPENING[word], depth)

    def items(self, closing: str, depth: int) -> list[Value]:
        """The values up to a closing mark; commas and arrows between them are one and the same."""
        found: list[Value] = []
        while True:
            before = self.at
            kind, word = self.token()
            if kind == "mark" and word == closing:
                return found
            if kind == "mark" and word in (",", "=>"):
                continue
            self.at = before
            found.append(self.value(depth + 1))

    def broken(self, what: str) -> InputError:
        return InputError(f"{self.place}: {what}", "a value of Perl's data", "save the project again")
