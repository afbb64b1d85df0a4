"""What a step told, read so that a missing or odd entry leaves a picture out and breaks no page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def of_step(findings: Mapping[str, Any], step: str) -> Mapping[str, Any]:
    """The findings of a step; empty where it found none.

    Examples
    --------
    >>> of_step({"train.fit": None}, "train.fit")
    {}
    """
    found = findings.get(step)
    return found if isinstance(found, Mapping) else {}


def number_in(found: Mapping[str, Any], key: str) -> float:
    """A number of the findings, NaN where there is none.

    Examples
    --------
    >>> number_in({"offset": 0.1}, "offset"), number_in({"offset": "?"}, "offset"), number_in({}, "offset")
    (0.1, nan, nan)
    """
    value = found.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return math.nan
    return float(value)


def array_in(found: Mapping[str, Any], key: str, dims: int = 1) -> Array | None:
    """Numbers of the findings, None of JSON as NaN; None where they are missing or of another shape.

    Examples
    --------
    >>> array_in({"energy": [1, None]}, "energy"), array_in({"energy": [[1], [2, 3]]}, "energy")
    (array([ 1., nan]), None)
    """
    try:
        values = np.array(found[key], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        return None
    return values if values.ndim == dims and values.size else None


def arrays_in(found: Mapping[str, Any], *keys: str) -> list[Array]:
    """Several lists of numbers of equal length; empty where one is missing or of another length.

    Examples
    --------
    >>> arrays_in({"a": [1, 2], "b": [3, 4], "c": [5]}, "a", "b"), arrays_in({"a": [1, 2], "c": [5]}, "a", "c")
    ([array([1., 2.]), array([3., 4.])], [])
    """
    arrays = [array for array in (array_in(found, key) for key in keys) if array is not None]
    return arrays if len(arrays) == len(keys) and len({array.size for array in arrays}) == 1 else []


def rows_in(found: Mapping[str, Any], key: str, *needed: str) -> list[Mapping[str, Any]]:
    """The rows of a table in the findings that have all that is needed.

    Examples
    --------
    >>> rows_in({"sets": [{"bic": 1}, {}, "x"]}, "sets", "bic"), rows_in({"sets": 3}, "sets")
    ([{'bic': 1}], [])
    """
    listed = found.get(key)
    if isinstance(listed, str) or not isinstance(listed, Sequence):
        return []
    return [row for row in listed if isinstance(row, Mapping) and all(name in row for name in needed)]


def names_in(found: Mapping[str, Any], key: str) -> list[str]:
    """Names in the findings; empty where there are none.

    Examples
    --------
    >>> names_in({"chosen": ["Fe", "FeO"]}, "chosen"), names_in({"chosen": None}, "chosen")
    (['Fe', 'FeO'], [])
    """
    listed = found.get(key)
    return [str(name) for name in listed] if isinstance(listed, list | tuple) else []


def sentence_in(found: Mapping[str, Any], key: str) -> str:
    """A text of the findings with a full stop; empty where there is none.

    Examples
    --------
    >>> sentence_in({"verdict": "A + B suffices"}, "verdict"), sentence_in({}, "verdict")
    ('A + B suffices.', '')
    """
    text = found.get(key)
    if not isinstance(text, str) or not text.strip():
        return ""
    text = text.strip()
    return text if text[-1] in ".!?" else f"{text}."


def interval_in(row: Mapping[str, Any], key: str = "interval") -> tuple[float, float]:
    """The ends of an interval, NaN where there is none.

    Examples
    --------
    >>> interval_in({"interval": [1, 2]}), interval_in({})
    ((1.0, 2.0), (nan, nan))
    """
    ends = array_in(row, key)
    return (float(ends[0]), float(ends[1])) if ends is not None and ends.size == 2 else (math.nan, math.nan)
