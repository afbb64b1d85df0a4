"""The values of settings: are they of the type that a step's signature names, and what would be.

The types are taken strictly: text is no number, true is no whole number, 3.0 is no whole number. Only what
YAML cannot tell apart is converted: a whole number where a number is wanted, a list where a tuple is wanted.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from xafsflow.pipeline.strict_yaml import Node
from xafsflow.vocabulary import nearest

_NAMES: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    types.NoneType: "null",
    Any: "anything",
}
_BOUNDS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "multiple_of": "a multiple of {}",
    "min_length": "of length {} or more",
    "max_length": "of length {} or less",
    "pattern": "like {}",
}


def describe_type(hint: object) -> str:
    """A type in words, for messages and help.

    Examples
    --------
    >>> describe_type(tuple[float | None, float | None])
    'a list of 2, each a number or null'
    >>> from pydantic import Field
    >>> describe_type(Annotated[int, Field(ge=1)])
    'a whole number at least 1'
    >>> describe_type(Literal["auto", "larch"] | float)
    "'auto' or 'larch' or a number"
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return " ".join([describe_type(inner[0]), " and ".join(_bounds(inner[1:]))]).strip()
    if origin is Literal:
        return " or ".join(repr(value) for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(describe_type(kind) for kind in inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of {describe_type(inner[0])} to {describe_type(inner[1])}"
    if origin is tuple and inner[-1] is not Ellipsis:
        kinds = [describe_type(kind) for kind in inner]
        parts = f", each {kinds[0]}" if len(set(kinds)) == 1 else f": {', '.join(kinds)}"
        return f"a list of {len(kinds)}{parts}"
    if origin is not None:
        return f"a list of {describe_type(inner[0])}"
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))


def _bounds(marks: Iterable[object]) -> list[str]:
    """The limits in an `Annotated` type, of pydantic's `Field` or of annotated-types."""
    flat = [mark for entry in marks for mark in getattr(entry, "metadata", [entry])]
    return [
        text.format(getattr(mark, name))
        for mark in flat
        for name, text in _BOUNDS.items()
        if getattr(mark, name, None) is not None
    ]


def convert(value: object, hint: object) -> object:
    """Plain data as a value of the type.

    Parameters
    ----------
    value
        What `Node.plain` gives: None, bool, int, float, str, and lists and dicts of them.
    hint
        A type of plain data: numbers, text, `Literal`, unions, tuples, lists, mappings, `Annotated` limits.

    Returns
    -------
    object
        The value; a whole number as float where a float is wanted, a list as tuple where a tuple is wanted.

    Raises
    ------
    pydantic.ValidationError
        If the value is not of the type, or a number is not finite.

    Examples
    --------
    >>> convert([-150, None], tuple[float | None, float | None])
    (-150.0, None)
    """
    from pydantic import ConfigDict, TypeAdapter

    adapter = TypeAdapter[object](
        cast(type[object], hint), config=ConfigDict(strict=True, allow_inf_nan=False)
    )
    # Strict JSON is the wanted rule: arrays become tuples and whole numbers floats, nothing else changes
    return adapter.validate_json(json.dumps(value), strict=True)


def check_setting(node: Node, hint: object, path: str, problems: list[str]) -> object:
    """The converted value of a setting; what is wrong with it is added to `problems`, with its place.

    Examples
    --------
    >>> from xafsflow.pipeline.strict_yaml import read_yaml
    >>> problems = []
    >>> node = read_yaml("{Fe: Fe.xdi, FeO: 3}", "recipe.yaml", problems)
    >>> check_setting(node, dict[str, str], "steps.0.files", problems)
    >>> print(*problems)
    recipe.yaml:1:19: steps.0.files.FeO: found 3; expected: a mapping of text to text
    """
    from pydantic import ValidationError

    try:
        return convert(node.plain(), hint)
    except ValidationError as error:
        places = {}
        for detail in error.errors(include_url=False, include_context=False):
            name, place = _reached(node, path, detail["loc"])
            places[name] = place
    # In a union each member complains, some about the whole value: keep the innermost places
    inner = [name for name in places if not any(other.startswith(f"{name}.") for other in places)]
    for name in inner:
        found = places[name].plain()
        hint_text = nearest(found, _choices(hint)) if isinstance(found, str) else ""
        problems.append(
            f"{places[name].mark}: {name}: found {quoted(found)}; expected: {describe_type(hint)}{hint_text}"
        )
    return None


def _reached(node: Node, path: str, location: tuple[int | str, ...]) -> tuple[str, Node]:
    """Follow pydantic's location through the data as far as it goes, past the names of union members."""
    for part in location:
        if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            node, path = node.value[part], f"{path}.{part}"
        elif isinstance(node.value, dict) and part in node.value:
            node, path = node.value[str(part)], f"{path}.{part}"
    return path, node


def _choices(hint: object) -> list[str]:
    """The texts of every `Literal` in a type."""
    if get_origin(hint) is Literal:
        return [value for value in get_args(hint) if isinstance(value, str)]
    return [text for inner in get_args(hint) if get_args(inner) for text in _choices(inner)]


def quoted(value: object) -> str:
    """A value as messages show it: as YAML would write it, and not too long.

    Examples
    --------
    >>> quoted(None), quoted("a"), quoted([1, None])
    ('null', "'a'", '[1, null]')
    """
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
