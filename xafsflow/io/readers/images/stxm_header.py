"""The header of a STXM scan (`.hdr` of ALS and CLS): names and values, lists and structures within each other."""

from __future__ import annotations

import re
from typing import TypeAlias

from xafsflow.errors import InputError

Value: TypeAlias = "str | float | list[Value] | dict[str, Value]"
TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}();,=])|([^\s{}();,="]+))')
DEEPEST = 30


def parsed_header(text: str, place: str) -> dict[str, Value]:
    """The header as dicts and lists; numbers are floats, the number of items in front of a list is left in it.

    Raises
    ------
    InputError
        A bracket is missing or too deep, or something stands where it cannot.

    Examples
    --------
    >>> parsed_header('Scan = { Label = "a"; Points = (2, 1.5, 2); };', "a.hdr")
    {'Scan': {'Label': 'a', 'Points': [2.0, 1.5, 2.0]}}
    """
    tokens = _Tokens(text, place)
    found = tokens.fields(end="", depth=0)
    return found


class _Tokens:
    """The words of a header, read one after the other."""

    def __init__(self, text: str, place: str) -> None:
        self.place = place
        self.words = [(match[1] or match[2] or match[3], bool(match[1])) for match in TOKEN.finditer(text)]
        self.at = 0

    def next(self) -> tuple[str, bool]:
        if self.at >= len(self.words):
            raise self.wrong("the end")
        self.at += 1
        return self.words[self.at - 1]

    def peek(self) -> str:
        return "" if self.at >= len(self.words) or self.words[self.at][1] else self.words[self.at][0]

    def wrong(self, what: str) -> InputError:
        return InputError(
            f"{self.place}: {what} where a name or value is due (word {self.at})",
            "a whole header of a STXM scan",
            "copy the file again",
        )

    def fields(self, end: str, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while self.at < len(self.words):
            if end and self.peek() == end:
                self.next()
                return found
            if self.peek() == ";":
                self.next()
                continue
            name, _ = self.next()
            if self.next()[0] != "=":
                raise self.wrong(f"{name!r} without =")
            found[name] = self.value(depth + 1)
        if end:
            raise self.wrong("the end")
        return found

    def value(self, depth: int) -> Value:
        if depth > DEEPEST:
            raise self.wrong(f"brackets {depth} deep")
        word, quoted = self.next()
        if quoted:
            return word[1:-1]
        if word == "{":
            return self.fields("}", depth)
        if word == "(":
            return self.items(depth)
        if word in "});,=":
            raise self.wrong(repr(word))
        words = [word]
        while (more := self.peek()) and more not in "{}();,=":
            words.append(self.next()[0])
        text = " ".join(words)
        try:
            return float(text)
        except ValueError:
            return text

    def items(self, depth: int) -> list[Value]:
        found: list[Value] = []
        while True:
            if self.peek() in (",", ";") and self.peek():
                self.next()
            elif self.peek() == ")":
                self.next()
                return found
            else:
                found.append(self.value(depth + 1))
