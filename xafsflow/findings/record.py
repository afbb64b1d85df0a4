"""What all findings have in common, and their JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError

Doubles: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, eq=False)
class Finding:
    """What a step found, or a part of it: a frozen dataclass of numbers, texts, arrays and parts.

    A field is a bool, int, float, str, `Literal`, `Doubles`, `Integers`, a tuple, a `Mapping` of these with names or whole
    numbers as keys, a `Finding`, or one of these or None.
    """

    def __eq__(self, other: object) -> bool:
        """Findings are equal when their JSON is; NaN equals NaN."""
        return type(self) is type(other) and to_json(self) == to_json(other)

    __hash__ = None  # type: ignore[assignment]


F = TypeVar("F", bound=Finding)


def to_json(finding: Finding) -> dict[str, Json]:
    """A finding as JSON that every reader takes: NaN becomes null, an infinity "inf" or "-inf", an array nested lists.

    Raises
    ------
    TypeError
        A field holds something that a finding must not hold.

    Examples
    --------
    >>> @dataclass(frozen=True, eq=False)
    ... class Peak(Finding):
    ...     energy: float
    ...     heights: Doubles
    >>> to_json(Peak(7112.0, np.array([1.0, np.nan])))
    {'energy': 7112.0, 'heights': [1.0, None]}
    """
    return {one.name: _json(getattr(finding, one.name)) for one in fields(finding)}


def _json(value: object) -> Json:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, Finding):
        return to_json(value)
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_json(one) for one in value]
    raise TypeError(f"a finding that holds a {type(value).__name__}")


def from_json(kind: type[F], content: object) -> F:
    """A finding from the JSON that `to_json` made of it.

    Raises
    ------
    InputError
        A field is missing, is not one of this kind, or holds a value of another type.

    Examples
    --------
    >>> @dataclass(frozen=True, eq=False)
    ... class Peak(Finding):
    ...     energy: float
    ...     names: tuple[str, ...]
    >>> from_json(Peak, {"energy": None, "names": ["Fe"]})
    Peak(energy=nan, names=('Fe',))
    """
    return cast(F, read_value(kind, content, kind.__name__))


def _types(kind: type[Finding]) -> Mapping[str, object]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def read_value(kind: object, value: object, place: str) -> object:
    """A value as a field of this type holds it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (other,) = (one for one in inner if one is not NoneType)
        return None if value is None else read_value(other, value, place)
    if origin is Literal and value in inner:
        return value
    if origin is np.ndarray:
        return _array(get_args(inner[1])[0], value, place)
    if origin is tuple and isinstance(value, list):
        kinds = [inner[0]] * len(value) if inner[1:] == (...,) else list(inner)
        if len(kinds) == len(value):
            return tuple(
                read_value(one, v, f"{place}[{i}]")
                for i, (one, v) in enumerate(zip(kinds, value, strict=True))
            )
    if isinstance(value, dict):
        if isinstance(kind, type) and issubclass(kind, Finding):
            return _finding(kind, value, place)
        if origin is not None and issubclass(origin, Mapping):
            return {inner[0](key): read_value(inner[1], one, f"{place}.{key}") for key, one in value.items()}
    if kind is float and (value in (None, "inf", "-inf") or type(value) in (int, float)):
        return math.nan if value is None else float(cast(float, value))
    if kind in (bool, int, str) and type(value) is kind:
        return value
    raise not_as_written(place, value, str(getattr(kind, "__name__", kind)))


def _finding(kind: type[Finding], value: Mapping[str, object], place: str) -> Finding:
    types = _types(kind)
    if set(value) != set(types):
        apart = ", ".join(sorted(set(value) ^ set(types)))
        raise not_as_written(place, f"findings that differ in {apart}", ", ".join(types))
    return kind(**{name: read_value(one, value[name], f"{place}.{name}") for name, one in types.items()})


def _array(dtype: type[np.generic], value: object, place: str) -> NDArray[np.generic]:
    try:
        found = np.array(value if isinstance(value, list) else None, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise not_as_written(place, error, f"an array of {dtype.__name__}") from error
    if found.ndim == 0:
        raise not_as_written(place, value, f"an array of {dtype.__name__}")
    return found


def not_as_written(place: str, found: object, wanted: str) -> InputError:
    """The error about JSON that no finding was written as."""
    return InputError(
        f"{place}: {found!s:.80}", wanted, "run again: the findings were changed, or are of another version"
    )
