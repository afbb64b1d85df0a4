from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.pipeline.strict_yaml import Mark, located, read_yaml, write_yaml


def read(text: str) -> tuple[Any, list[str]]:
    problems: list[str] = []
    node = read_yaml(text, "a.yaml", problems)
    return (None if node is None else node.plain()), problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.", 1.0),
        ("-.5E+2", -50.0),
        ("007", 7),
        ("+12", 12),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("", None),
        (".Inf", float("inf")),
        ("-.inf", float("-inf")),
        ("inf", "inf"),
        ("<<", "<<"),
    ],
)
def test_read_yaml__follows_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found, problems = read(f"a: {text}")
    assert not problems
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_read_yaml__keeps_quoted_text_as_text_and_keys_as_names() -> None:
    assert read("{1: '1', no: \"null\", a: |\n  7\n}")[0] is None
    assert read("1: '1'\nno: \"null\"\na: |\n  7\n~: 2")[0] == {"1": "1", "no": "null", "a": "7\n", "~": 2}


def test_read_yaml__keeps_the_place_of_every_value_and_key() -> None:
    node = read_yaml("a: [1,\n  {b: 2}]", "a.yaml", [])
    assert node is not None
    assert isinstance(node.value, dict)
    items = node.value["a"].value
    assert isinstance(items, list)
    assert str(node.keys["a"]) == "a.yaml:1:1"
    assert str(items[1].mark) == "a.yaml:2:3"
    assert str(items[1].keys["b"]) == "a.yaml:2:4"
    assert str(items[1].value["b"].mark) == "a.yaml:2:7"  # type: ignore[index,call-overload,union-attr]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a.yaml:1:1: found an empty text"),
        ("a: *x", "a.yaml:1:4: found the alias '*x'; expected: plain data"),
        ("a: &x [b]", "a.yaml:1:4: found the anchor '&x'; expected: plain data"),
        (
            "a: !!python/name:os.system b",
            "a.yaml:1:4: found the tag 'tag:yaml.org,2002:python/name:os.system'",
        ),
        ("a: ! b", "a.yaml:1:4: found the tag '!'"),
        ("? &x a\n: b", "a.yaml:1:3: found the anchor '&x'"),
        ("? [a]\n: b", "a.yaml:1:3: found a key that is a list or a mapping"),
        (
            "a: *.tif",
            "a.yaml:1:4: found the alias '*.tif'; expected: plain data; do: put text that begins with '*' in quotes",
        ),
        (
            "b: 1\na: [b",
            "a.yaml:2:6: found text that is not YAML (expected ',' or ']', but got '<stream end>'",
        ),
        ("a: 'b\nc: d", "while scanning a quoted scalar that begins at line 1)"),
        ("a: \x07", "a.yaml:1:4: found the character '\\x07'; expected: printable text"),
        ("a:\n  - \x07", "a.yaml:2:5: found the character '\\x07'"),
        ("a\n--- b", "a.yaml:2:1: found a second document; expected: one"),
        ("[" * 5000, "a.yaml:1:32: found lists and mappings nested more than 30 deep"),
        ("x" * 1_000_001, "a.yaml:1:1: found 1000001 bytes; expected: at most 1000000"),
        ("a: " + "1" * 5000, "a.yaml:1:4: found a number of 5000 digits; expected: at most 400"),
        ('"\\ud800"', "a.yaml:1:1: found half a surrogate pair"),
        ('"\\U99999999"', "a.yaml:1:1: found text that is not YAML"),
        ("%YAML 1.1\n---\nno", "found a directive; expected: plain data"),
        ("a: */b.tif", "put text that begins with '*' in quotes"),
        ("%YAML 2.0\n---\na", "a.yaml:1:1: found text that is not YAML"),
    ],
)
def test_read_yaml__refuses_what_is_more_or_less_than_data(text: str, problem: str) -> None:
    value, problems = read(text)
    assert value is None
    assert len(problems) == 1
    assert problem in problems[0]


def test_read_yaml__tells_every_repeated_key_and_reads_on() -> None:
    value, problems = read("a: 1\nb: {c: 1, c: 2}\na: 3")
    assert value == {"a": 1, "b": {"c": 1}}
    assert problems == [
        "a.yaml:2:11: found the key 'c' again (first at line 2)",
        "a.yaml:3:1: found the key 'a' again (first at line 1)",
    ]


text = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [
        "no",
        "1e-3",
        "12:30",
        "~",
        "null",
        "0o7",
        "1_000",
        ".inf",
        "*.tif",
        "a: b",
        "- a",
        "#",
        "\x85",
        " \u2028 ",
    ]
)
values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text
data = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
)


@given(st.dictionaries(text, data, max_size=3))
@settings(max_examples=150, deadline=None)
def test_write_yaml__is_read_back_as_it_was(value: dict[str, Any]) -> None:
    assert read(write_yaml(value)) == (value, [])
    assert located(value, Mark("a", 1, 1)).plain() == value
