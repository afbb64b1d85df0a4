"""Findings and their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

import numpy as np
import pytest

import xafsflow.findings
from xafsflow.errors import InputError
from xafsflow.findings.calibrate_findings import AlignFindings
from xafsflow.findings.maps_findings import DistanceQuantiles, MapFindings
from xafsflow.findings.record import Doubles, Finding, Integers, from_json, to_json
from xafsflow.findings.run_findings import RunFindings

MODULES = [import_module(f"xafsflow.findings.{one.name}") for one in iter_modules(xafsflow.findings.__path__)]
KINDS = {
    one
    for module in MODULES
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, Finding) and one is not Finding
}


@dataclass(frozen=True, eq=False)
class Part(Finding):
    """Part of `Whole`."""

    name: str
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Whole(Finding):
    """A field of every type."""

    kind: Literal["a", "b"]
    right: bool
    number: int
    value: float
    given: float | None
    table: Doubles
    counts: Integers
    parts: tuple[Part, ...]
    by_name: dict[str, Part]
    by_number: dict[int, float]


def whole() -> Whole:
    """An example with NaN and infinities."""
    part = Part("one", (np.nan, np.inf))
    table = np.array([[1.5, np.nan], [-np.inf, 0.1]])
    return Whole("b", True, 3, -np.inf, None, table, np.array([1, 2]), (part, part), {"p": part}, {2: 0.5})


def test_json__comes_back_as_it_was_through_a_file():
    text = json.dumps(to_json(whole()), allow_nan=False)
    again = from_json(Whole, json.loads(text))
    assert again == whole()
    np.testing.assert_array_equal(again.table, whole().table)
    assert again.counts.dtype == np.int64
    assert again.by_number == {2: 0.5}
    assert np.isnan(again.parts[1].interval[0])
    assert again.given is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "c"),
        ("right", 1),
        ("number", 1.0),
        ("number", True),
        ("value", "1"),
        ("table", [[1.0], [1.0, 2.0]]),
        ("table", 1.0),
        ("counts", ["x"]),
        ("parts", {"name": "one"}),
        ("parts", [{"name": "one"}]),
        ("parts", [{"name": "one", "interval": [1.0]}]),
        ("by_name", {"p": 1}),
    ],
)
def test_from_json__refuses_what_is_of_another_type(name: str, value: object):
    with pytest.raises(InputError, match=name):
        from_json(Whole, to_json(whole()) | {name: value})


def test_from_json__refuses_fields_that_are_missing_or_unknown():
    content = to_json(whole())
    with pytest.raises(InputError, match="more"):
        from_json(Whole, content | {"more": 1})
    del content["number"]
    with pytest.raises(InputError, match="number"):
        from_json(Whole, content)


def test_findings__differ_where_their_values_do():
    assert AlignFindings(0.1, 0.2, 0.0, ("Fe",)) != AlignFindings(0.1, 0.3, 0.0, ("Fe",))


@pytest.mark.parametrize("kind", sorted(KINDS, key=lambda one: one.__name__))
def test_every_field__is_explained(kind: type[Finding]):
    assert is_dataclass(kind)
    listed = (kind.__doc__ or "").partition("Parameters\n")[2].partition("Examples\n")[0].splitlines()
    names = [name for line in listed if line[4:5].strip() for name in line.strip().split(", ")]
    assert set(names) >= {one.name for one in fields(kind)}


def run_findings() -> RunFindings:
    """Of two entries of one step, with maps."""
    maps = MapFindings(
        6, 4, {"dead": 2}, 0, None, None, None, np.nan, None, None, {}, {"cosine": DistanceQuantiles(0, 1, 2)}
    )
    first, second = (AlignFindings(shift, 0.1, 0.0, ("Fe",)) for shift in (1.0, 2.0))
    return RunFindings({"one": first, "two": second}, ["a warning"], maps)


def test_run_findings__come_back_by_entry():
    kinds: dict[str, type[Finding]] = {"one": AlignFindings, "two": AlignFindings}
    content = json.loads(json.dumps(run_findings().to_json()))
    again = RunFindings.from_json(content, kinds)
    assert again.to_json() == run_findings().to_json()
    assert again.of(AlignFindings)["two"].offset == 2.0
    assert again.of(MapFindings) == {}


def test_run_findings__refuse_entries_that_the_recipe_does_not_have():
    with pytest.raises(InputError, match="two"):
        RunFindings.from_json(run_findings().to_json(), {"one": AlignFindings})
    with pytest.raises(InputError, match="warnings"):
        RunFindings.from_json({}, {})
