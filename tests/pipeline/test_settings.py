from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from xafsflow.pipeline.setting_types import check_setting, convert, describe_type
from xafsflow.pipeline.strict_yaml import read_yaml
from xafsflow.step_table import Span

Window = Annotated[int, Field(ge=1, le=99)]


def problems_of(text: str, hint: Any) -> list[str]:
    problems: list[str] = []
    node = read_yaml(text, "r", problems)
    assert node is not None
    check_setting(node, hint, "s", problems)
    return problems


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (7112, float, 7112.0),
        (7112, float | None, 7112.0),
        (None, float | None, None),
        ([-150, None], Span, (-150.0, None)),
        ((-150, -30), Span, (-150.0, -30.0)),
        ([1, 2], tuple[float, ...], (1.0, 2.0)),
        (["a"], str | tuple[str, ...], ("a",)),
        ({"Fe": 1}, dict[str, float], {"Fe": 1.0}),
        ("flat", Literal["flat", "ratio"], "flat"),
        (3, int | float, 3),
    ],
)
def test_convert__turns_only_whole_numbers_and_lists(value: object, hint: Any, expected: object) -> None:
    found = convert(value, hint)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "hint", "problem"),
    [
        ("'7112'", float | None, "r:1:1: s: found '7112'; expected: a number or null"),
        ("true", float, "r:1:1: s: found true; expected: a number"),
        (".nan", float, "r:1:1: s: found NaN; expected: a number"),
        ("1e999", float, "r:1:1: s: found Infinity; expected: a number"),
        ("null", float, "r:1:1: s: found null; expected: a number"),
        ("3.0", int, "r:1:1: s: found 3.0; expected: a whole number"),
        ("true", int, "r:1:1: s: found true; expected: a whole number"),
        ("0", Window, "r:1:1: s: found 0; expected: a whole number at least 1 and at most 99"),
        ("0", Annotated[float, Field(gt=0)] | None, "r:1:1: s: found 0; expected: a number above 0 or null"),
        ("yes", bool, "r:1:1: s: found 'yes'; expected: true or false"),
        ("3", str, "r:1:1: s: found 3; expected: text"),
        ("{a: 1}", str, 'r:1:1: s: found {"a": 1}; expected: text'),
        ("[1]", Span, "r:1:1: s: found [1]; expected: a list of 2, each a number or null"),
        ("[1, 2, 3]", Span, "r:1:1: s: found [1, 2, 3]; expected: a list of 2, each a number or null"),
        ("[1, x]", Span, "r:1:5: s.1: found 'x'; expected: a list of 2, each a number or null"),
        ("[1, x]", tuple[int, str, str], 'found [1, "x"]; expected: a list of 3: a whole number, text, text'),
        ("{Fe: [1]}", dict[str, str], "r:1:6: s.Fe: found [1]; expected: a mapping of text to text"),
        ("flatt", Literal["flat", "ratio"], "expected: 'flat' or 'ratio' (did you mean 'flat'?)"),
        ("flatt", Literal["flat"] | None, "expected: 'flat' or null (did you mean 'flat'?)"),
        ("[a, b]", list[Literal["aa", "cc"]], "r:1:2: s.0: found 'a'; expected: a list of 'aa' or 'cc'"),
        ("x" * 200, float, "found '" + "x" * 76 + "...; expected: a number"),
    ],
)  # fmt: skip
def test_check_setting__takes_types_strictly(text: str, hint: Any, problem: str) -> None:
    assert problem in problems_of(text, hint)[0]


def test_check_setting__tells_every_wrong_part() -> None:
    assert problems_of("{a: 1, b: x, c: [2]}", dict[str, str]) == [
        "r:1:5: s.a: found 1; expected: a mapping of text to text",
        "r:1:17: s.c: found [2]; expected: a mapping of text to text",
    ]
    assert len(problems_of("[[1, x], 3]", tuple[tuple[float, float], ...] | None)) == 2


def test_describe_type__knows_what_settings_use() -> None:
    assert describe_type(tuple[int, str]) == "a list of 2: a whole number, text"
    assert describe_type(Any) == "anything"
    assert describe_type(Annotated[str, Field(min_length=1)]) == "text of length 1 or more"
    assert describe_type(Annotated[int, "a note"]) == "a whole number"
    assert describe_type(dict[str, float] | None) == "a mapping of text to a number or null"
