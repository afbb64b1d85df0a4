"""What a column is, in a text: names of columns, numbers, `+ - * /`, parentheses, `ln(...)`; parsed here, never run as code.

    expression := term (("+" | "-") term)*
    term       := factor (("*" | "/") factor)*
    factor     := ("+" | "-") factor | number | "$" N | name | ("ln" | "log") "(" expression ")" | "(" expression ")"

A name is letters, digits, `_ . : @ [ ]` and begins with a letter or `_`; any other name stands in quotes. `$3` is the third
column. `ln` and `log` are both the natural logarithm, as in Athena and Larch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles

MAX_LENGTH, MAX_SIGNS, MAX_DEPTH = 8000, 200, 50
FUNCTIONS = ("ln", "log")
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|\$(?P<place>\d+)|(?P<name>[^\W\d][\w.:@\[\]]*)"
    r"|'(?P<quoted>[^']+)'|\"(?P<double>[^\"]+)\"|(?P<mark>[-+*/()]))"
)
WANTED = "names of columns, numbers, + - * /, parentheses and ln(...), such as ln(I0/It)"


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Name:
    """A column by its name, or by its number from 1, as `$3`."""

    text: str


@dataclass(frozen=True)
class Operation:
    """`+ - * /` of two parts, `ln` of one."""

    sign: str
    parts: tuple[Expression, ...]


Expression: TypeAlias = Number | Name | Operation


def parse(text: str) -> Expression:
    """Parse an expression.

    Raises
    ------
    InputError
        It is none; the message shows where.

    Examples
    --------
    >>> parse("If/I0")
    Operation(sign='/', parts=(Name(text='If'), Name(text='I0')))
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"an expression of {len(text)} letters", f"at most {MAX_LENGTH}", "shorten it")
    tokens: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None:
            raise _wrong(text, text[at:].strip()[0], "a name with other letters stands in quotes: 'I0-32'")
        tokens.append((found.lastgroup or "", found[found.lastgroup or ""]))
        at = found.end()
    if sum(kind == "mark" for kind, _ in tokens) > MAX_SIGNS:
        raise InputError(
            f"the expression {text[:40]!r}... of more than {MAX_SIGNS} signs", WANTED, "shorten it"
        )
    parser = _Parser(text, tokens)
    tree = parser.sum(0)
    if parser.tokens:
        raise _wrong(text, parser.tokens[0][1], "names with blanks or signs stand in quotes")
    return tree


def names_in(tree: Expression) -> list[Name]:
    """The names of an expression in their order, each once.

    Examples
    --------
    >>> [name.text for name in names_in(parse("ln(I0/It) - 2*I0"))]
    ['I0', 'It']
    """
    if isinstance(tree, Name):
        return [tree]
    parts = tree.parts if isinstance(tree, Operation) else ()
    return list(dict.fromkeys(name for part in parts for name in names_in(part)))


def evaluate(tree: Expression, column: Callable[[Name], Doubles]) -> Doubles:
    """The values of an expression; where something cannot be computed they are not finite.

    Examples
    --------
    >>> evaluate(parse("ln(a/b) + 1"), lambda name: np.array([2.0, 1.0]) if name.text == "a" else np.array([1.0, 1.0]))
    array([1.69314718, 1.        ])
    """
    if isinstance(tree, Number):
        return np.asarray(tree.value, np.float64)
    if isinstance(tree, Name):
        return column(tree)
    parts = [evaluate(part, column) for part in tree.parts]
    with np.errstate(all="ignore"):
        if tree.sign == "ln":
            return np.asarray(np.log(parts[0]))
        if tree.sign == "+":
            return np.asarray(parts[0] + parts[1])
        if tree.sign == "-":
            return np.asarray(parts[0] - parts[1])
        return np.asarray(parts[0] * parts[1] if tree.sign == "*" else parts[0] / parts[1])


def _wrong(text: str, at: str, do: str) -> InputError:
    return InputError(f"{at!r} in the expression {text!r}", WANTED, do)


class _Parser:
    """Recursive descent over the tokens that are left."""

    def __init__(self, text: str, tokens: list[tuple[str, str]]) -> None:
        self.text, self.tokens = text, tokens

    def sum(self, depth: int) -> Expression:
        tree = self.product(depth)
        while self.tokens and self.tokens[0] in (("mark", "+"), ("mark", "-")):
            sign = self.tokens.pop(0)[1]
            tree = Operation(sign, (tree, self.product(depth)))
        return tree

    def product(self, depth: int) -> Expression:
        tree = self.factor(depth)
        while self.tokens and self.tokens[0] in (("mark", "*"), ("mark", "/")):
            sign = self.tokens.pop(0)[1]
            tree = Operation(sign, (tree, self.factor(depth)))
        return tree

    def factor(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise InputError(f"an expression nested {depth} deep", f"at most {MAX_DEPTH}", "simplify it")
        if not self.tokens:
            raise InputError(f"the expression {self.text!r}, which ends too early", WANTED, "complete it")
        kind, word = self.tokens.pop(0)
        if kind == "number":
            return Number(float(word))
        if kind == "place":
            return Name(f"${word}")
        if kind in ("quoted", "double"):
            return Name(word)
        if kind == "name" and word.lower() in FUNCTIONS and self.tokens[:1] == [("mark", "(")]:
            self.tokens.pop(0)
            return Operation("ln", (self.inside(depth),))
        if kind == "name":
            return Name(word)
        if word == "(":
            return self.inside(depth)
        if word in "+-":
            return Operation(word, (Number(0.0), self.factor(depth + 1)))
        raise _wrong(self.text, word, "write a column there")

    def inside(self, depth: int) -> Expression:
        tree = self.sum(depth + 1)
        if not self.tokens or self.tokens.pop(0) != ("mark", ")"):
            raise InputError(
                f"the expression {self.text!r} with an open parenthesis", WANTED, "close it with )"
            )
        return tree
