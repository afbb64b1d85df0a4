"""YAML read strictly: data only, every value with its place in the text, nothing guessed.

Plain scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema): `1e-3` is a
number, `no` and `12:30` are text. The loaders of PyYAML follow YAML 1.1 and read text, False and 750.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_DIGITS = (
    400  # Python refuses to print whole numbers of more than 4300 digits, so messages could not show them
)

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)


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

    value: bool | int | float | str | list[Node] | dict[str, Node] | None
    mark: Mark
    keys: Mapping[str, Mark] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without places: None, bool, int, float, str, and lists and dicts of them."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


def located(value: Any, mark: Mark) -> Node:
    """The node of a plain value, all of it at one place; the inverse of `Node.plain`."""
    if isinstance(value, (list, tuple)):
        return Node([located(item, mark) for item in value], mark)
    if isinstance(value, Mapping):
        return Node(
            {key: located(item, mark) for key, item in value.items()}, mark, dict.fromkeys(value, mark)
        )
    return Node(value, mark)


def scalar(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar by the core schema of YAML 1.2.

    Examples
    --------
    >>> [scalar(text) for text in ("1e-3", "no", "12:30", "0x1F", "~", "true")]
    [0.001, 'no', '12:30', 31, None, True]
    """
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        # int(text, 0) would refuse leading zeros, which the schema allows
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.match(text):
        return float(text.replace(".i", "i").replace(".I", "I").replace(".n", "n").replace(".N", "N"))
    return text


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
    >>> read_yaml("window: 3", "recipe.yaml", problems).plain()
    {'window': 3}
    >>> read_yaml("a: &x 1", "recipe.yaml", problems) is None
    True
    >>> print(*problems)
    recipe.yaml:1:4: found the anchor '&x'; wanted: plain data; do: write the value where it is used
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        problems.append(f"{source}:1:1: found {size} bytes; wanted: at most {MAX_BYTES}")
        return None
    try:
        return _Reader(text, source, problems).document()
    except yaml.MarkedYAMLError as error:
        problems.append(_told(error, source))
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Mark(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        problems.append(f"{place}: found the character {chr(error.character)!r}; wanted: printable text")
    except (ValueError, OverflowError) as error:
        # PyYAML's scanner hands the numbers of some escapes and directives to int() and chr() as they are
        problems.append(f"{source}:1:1: found text that is not YAML ({error})")
    return None


class _Reader:
    """Builds nodes straight from the parser's events, so that nesting is bounded before anything recurses."""

    def __init__(self, text: str, source: str, problems: list[str]) -> None:
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self.source = source
        self.problems = problems

    def document(self) -> Node:
        next(self.events)
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            _refuse("an empty text", start)
        root = self.node(next(self.events), 0)
        next(self.events)
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            _refuse("a second document; wanted: one", after)
        return root

    def node(self, event: yaml.Event, depth: int) -> Node:
        _check_plain(event)
        if depth > MAX_DEPTH:
            _refuse(f"lists and mappings nested more than {MAX_DEPTH} deep", event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(item, depth + 1))
            return Node(items, self.mark(event))
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(event, depth)
        return Node(_value(cast(yaml.ScalarEvent, event)), self.mark(event))

    def mapping(self, event: yaml.Event, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            _check_plain(key)
            if not isinstance(key, yaml.ScalarEvent):
                _refuse("a key that is a list or a mapping; wanted: a name", key)
            name = _text(key)
            value = self.node(next(self.events), depth + 1)
            if name in values:
                first = keys[name].line
                self.problems.append(
                    f"{self.mark(key)}: found the key {name!r} again (first at line {first})"
                )
                continue
            values[name] = value
            keys[name] = self.mark(key)
        return Node(values, self.mark(event), keys)

    def mark(self, event: yaml.Event) -> Mark:
        return _place(self.source, event.start_mark)


class _Refused(yaml.MarkedYAMLError):
    """YAML, but more than plain data."""


def _refuse(what: str, event: yaml.Event) -> NoReturn:
    raise _Refused(problem=what, problem_mark=cast(yaml.Mark, event.start_mark))


def _place(source: str, mark: Any) -> Mark:
    return Mark(source, mark.line + 1, mark.column + 1)


def _told(error: yaml.MarkedYAMLError, source: str) -> str:
    place = _place(source, error.problem_mark or error.context_mark)
    if isinstance(error, _Refused):
        return f"{place}: found {error.problem}"
    if error.context == "while scanning an alias":
        return f"{place}: found text that begins with '*'; wanted: it in quotes, such as '*.tif'"
    begun = (
        f" {error.context} that begins at line {error.context_mark.line + 1}" if error.context_mark else ""
    )
    return f"{place}: found text that is not YAML ({error.problem}{begun})"


def _check_plain(event: yaml.Event) -> None:
    """Refuse what is more than data: an alias can multiply ("billion laughs"), a tag names a type."""
    if isinstance(event, yaml.AliasEvent):
        _refuse(
            f"the alias '*{event.anchor}'; wanted: plain data; do: put text that begins with '*' in quotes",
            event,
        )
    if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
        _refuse(
            f"the anchor '&{event.anchor}'; wanted: plain data; do: write the value where it is used", event
        )
    if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag is not None:
        _refuse(f"the tag '{event.tag}'; wanted: plain data without types", event)


def _text(event: yaml.ScalarEvent) -> str:
    try:
        event.value.encode("utf-8")
    except UnicodeEncodeError:
        _refuse("half a surrogate pair; wanted: text that UTF-8 can hold", event)
    return str(event.value)


def _value(event: yaml.ScalarEvent) -> bool | int | float | str | None:
    text = _text(event)
    if event.style is not None:
        return text
    if len(text) > MAX_DIGITS and (_INT.match(text) or _FLOAT.match(text)):
        _refuse(f"a number of {len(text)} digits; wanted: at most {MAX_DIGITS}", event)
    return scalar(text)


class _Writer(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or 1.2 would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        # Else PyYAML writes U+0085, a line break of YAML 1.1, as it is, and reads it back as a blank
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Writer.add_representer(str, _Writer.represent_text)

for _kind, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _Writer.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


def write_yaml(value: Any) -> str:
    """Write plain data so that `read_yaml` gives the same data back; tuples are written as lists.

    Examples
    --------
    >>> print(write_yaml({"window": 3, "label": "1e-3", "post": (15.0, None)}), end="")
    window: 3
    label: '1e-3'
    post: [15.0, null]
    """
    return str(
        yaml.dump(
            value, Dumper=_Writer, default_flow_style=None, sort_keys=False, allow_unicode=True, width=110
        )
    )
