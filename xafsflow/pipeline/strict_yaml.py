"""YAML 1.2 with plain data only, every value with its place in the text.

The grammar and the numbers are those of ruamel.yaml: `1e-3` is a number, `no` and `12:30` are text. Anchors, aliases,
tags and directives are refused, so that no text grows when it is read and none names a type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import NoReturn, TypeAlias

from ruamel.yaml import YAML, MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    NodeEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
# Python refuses to print whole numbers of more than 4300 digits, so that messages could not show them
MAX_DIGITS = 400

Scalar: TypeAlias = "bool | int | float | str | None"
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_TYPED = (*_NUMBERS, "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool")


@dataclass(frozen=True)
class Mark:
    """A place in a text; lines and columns count from 1.

    Examples
    --------
    >>> print(Mark("recipe.yaml", 10, 5))
    recipe.yaml:10:5
    """

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Node:
    """A value of the text with its place; the keys of a mapping have places of their own."""

    value: Scalar | list[Node] | dict[str, Node]
    mark: Mark
    keys: Mapping[str, Mark] = field(default_factory=dict)

    def plain(self) -> Plain:
        """The value without places: None, bool, int, float, str, and lists and dicts of them."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def located(value: object, mark: Mark) -> Node:
    """The node of a plain value, all of it at one place; the inverse of `Node.plain`."""
    if isinstance(value, (list, tuple)):
        return Node([located(item, mark) for item in value], mark)
    if isinstance(value, Mapping):
        items = {str(key): located(item, mark) for key, item in value.items()}
        return Node(items, mark, dict.fromkeys(items, mark))
    if value is None or isinstance(value, bool | int | float | str):
        return Node(value, mark)
    raise TypeError(f"{type(value).__name__} in plain data")


def read_yaml(text: str, source: str, problems: list[str]) -> Node | None:
    """Read one YAML document of plain data.

    Parameters
    ----------
    text
        The document, 1 MB and 30 levels of nesting at most.
    source
        What the text is called in messages.
    problems
        Gets one line for each problem. After a repeated key the reading goes on; anything else ends it.

    Returns
    -------
    Node or None
        The root, or None where the text could not be read to its end.

    Examples
    --------
    >>> problems = []
    >>> read_yaml("{window: 3, files: [1e-3, no, 12:30, ~]}", "recipe.yaml", problems).plain()
    {'window': 3, 'files': [0.001, 'no', '12:30', None]}
    >>> read_yaml("a: &x 1", "recipe.yaml", problems) is None
    True
    >>> print(*problems)
    recipe.yaml:1:4: found the anchor '&x'; expected: plain data; do: write the value where it is used
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        problems.append(f"{source}:1:1: found {size} bytes; expected: at most {MAX_BYTES}")
        return None
    try:
        _refuse_more_than_data(text)
        yaml = YAML(typ="safe", pure=True)
        return _Reader(yaml, source, problems).node(yaml.compose(text))
    except MarkedYAMLError as error:
        problems.append(_sentence(error, source))
    except ReaderError as error:
        before = text[: error.position]
        place = Mark(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        problems.append(f"{place}: found the character {chr(error.character)!r}; expected: printable text")
    except (ValueError, OverflowError) as error:
        # The scanner gives the numbers of some escapes and directives to int() and chr() as they are
        problems.append(f"{source}:1:1: found text that is not YAML ({error})")
    return None


class _RefusedError(MarkedYAMLError):
    """YAML, but more than plain data."""


def _refuse(what: str, mark: StringMark) -> NoReturn:
    raise _RefusedError(problem=what, problem_mark=mark)


def _refuse_more_than_data(text: str) -> None:
    """Read the events before anything recurses or grows: one document, not deep, without anchors, aliases and tags."""
    depth = documents = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        mark = event.start_mark
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                _refuse("a second document; expected: one", mark)
            if event.version or event.tags:
                _refuse("a directive; expected: plain data", mark)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH + 1:
            _refuse(f"lists and mappings nested more than {MAX_DEPTH} deep", mark)
        if isinstance(event, AliasEvent):
            _refuse(
                f"the alias '*{event.anchor}'; expected: plain data; do: put text that begins with '*' in quotes",
                mark,
            )
        if isinstance(event, NodeEvent) and event.anchor is not None:
            _refuse(
                f"the anchor '&{event.anchor}'; expected: plain data; do: write the value where it is used",
                mark,
            )
        if getattr(event, "tag", None) is not None:
            _refuse(f"the tag '{event.tag}'; expected: plain data without types", mark)
    if not documents:
        _refuse("an empty text", mark)


class _Reader:
    """Turns ruamel's nodes into ours, with checked keys and values."""

    def __init__(self, yaml: YAML, source: str, problems: list[str]) -> None:
        self.yaml, self.source, self.problems = yaml, source, problems

    def node(self, node: ScalarNode | SequenceNode | MappingNode) -> Node:
        if isinstance(node, MappingNode):
            return self.mapping(node)
        if isinstance(node, SequenceNode):
            return Node([self.node(item) for item in node.value], self.mark(node))
        return Node(self.scalar(node), self.mark(node))

    def mapping(self, node: MappingNode) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode):
                _refuse("a key that is a list or a mapping; expected: a name", key.start_mark)
            name, value = _text(key), self.node(item)
            if name in values:
                first = keys[name].line
                self.problems.append(
                    f"{self.mark(key)}: found the key {name!r} again (first at line {first})"
                )
                continue
            values[name], keys[name] = value, self.mark(key)
        return Node(values, self.mark(node), keys)

    def scalar(self, node: ScalarNode) -> Scalar:
        text = _text(node)
        # Numbers with underscores and in base 2 are of YAML 1.1: here they are text
        if node.tag not in _TYPED or (node.tag in _NUMBERS and ("_" in text or "0b" in text)):
            return text
        if node.tag in _NUMBERS and len(text) > MAX_DIGITS:
            _refuse(f"a number of {len(text)} digits; expected: at most {MAX_DIGITS}", node.start_mark)
        value: Scalar = self.yaml.constructor.construct_object(node)
        return value

    def mark(self, node: ScalarNode | SequenceNode | MappingNode) -> Mark:
        return _place(self.source, node.start_mark)


def _text(node: ScalarNode) -> str:
    try:
        node.value.encode("utf-8")
    except UnicodeEncodeError:
        _refuse("half a surrogate pair; expected: text that UTF-8 can hold", node.start_mark)
    return str(node.value)


def _place(source: str, mark: StringMark) -> Mark:
    return Mark(source, mark.line + 1, mark.column + 1)


def _sentence(error: MarkedYAMLError, source: str) -> str:
    place = _place(source, error.problem_mark or error.context_mark)
    if isinstance(error, _RefusedError):
        return f"{place}: found {error.problem}"
    start = (
        f" {error.context} that begins at line {error.context_mark.line + 1}" if error.context_mark else ""
    )
    return f"{place}: found text that is not YAML ({error.problem}{start})"


# Text that needs no quotes; the emitter adds them where it looks like a number
_WORDS = re.compile(r"[A-Za-z0-9_./]([A-Za-z0-9_ ./*+-]*[A-Za-z0-9_./*])?\Z")


class _Writer(SafeRepresenter):
    """Writes everything where it stands, and all but simple text in double quotes, which any text comes through."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_text(self, data: str) -> ScalarNode:
        style = None if _WORDS.match(data) else '"'
        node: ScalarNode = self.represent_scalar("tag:yaml.org,2002:str", data, style)
        return node


_Writer.add_representer(str, _Writer.represent_text)


def write_yaml(value: Mapping[str, object]) -> str:
    """Write plain data so that `read_yaml` gives the same data back; tuples are written as lists.

    Examples
    --------
    >>> print(write_yaml({"window": 3, "label": "1e-3", "post": (15.0, None)}), end="")
    window: 3
    label: '1e-3'
    post: [15.0, null]
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Writer
    options = {"default_flow_style": None, "width": MAX_BYTES, "sort_base_mapping_type_on_output": False}
    for name, option in options.items():
        setattr(yaml, name, option)
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()
