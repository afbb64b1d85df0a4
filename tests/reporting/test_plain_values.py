from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.findings.record import Finding
from xafsflow.reporting.panel import Panel, Table
from xafsflow.reporting.plain_values import field_meanings, plain_content
from xafsflow.reporting.templating import environment

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


class Collected(HTMLParser):
    def __init__(self, found: object) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        macros = environment().get_template("macros.html.j2").module
        self.feed(str(macros.panel(Panel("", content=plain_content(found)))))
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_content__is_well_formed_and_without_foreign_tags_for_any_json(found) -> None:
    parsed = Collected(found)
    assert parsed.open == []
    assert set(parsed.tags) <= {
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "div",
        "ol",
        "li",
        "code",
        "details",
        "summary",
        "p",
        "h3",
        "span",
    }


def test_content__has_every_text_of_short_values() -> None:
    rows = [{"reference": "<Fe>", "bias": 0.01}, {"reference": "FeO", "n": 3}]
    parsed = Collected({"threshold": 3.25, "rows": rows, "ok": True})
    for text in ("threshold", "3.25", "<Fe>", "0.01", "FeO", "3", "yes"):
        assert text in parsed.text


def test_long_lists__are_shown_by_their_range() -> None:
    assert plain_content(np.arange(50) / 2) == "50 numbers from 0 to 24.5"
    assert plain_content([[float("nan"), 1.0] * 10] * 20) == "20 rows with 400 numbers from 1 to 1"
    assert plain_content([float("nan")] * 20) == "20 numbers"


def test_long_tables__are_folded_and_say_what_is_left_out() -> None:
    found = plain_content([{"i": i} for i in range(1000)])
    assert isinstance(found, Table)
    parsed = Collected([{"i": i} for i in range(1000)])
    assert "980 more rows" in parsed.text
    assert "and 700 more, not shown" in parsed.text


@dataclass(frozen=True, eq=False)
class Peak(Finding):
    """A peak.

    Parameters
    ----------
    energy
        Where it is, eV.
    height, width
        How large it is,
        in edge steps.

    Examples
    --------
    Nothing.
    """

    energy: float
    height: float
    width: float


def test_findings__are_shown_with_what_their_fields_mean() -> None:
    meanings = {"energy": "Where it is, eV."} | dict.fromkeys(
        ("height", "width"), "How large it is, in edge steps."
    )
    assert field_meanings(Peak) == meanings
    parsed = Collected(Peak(7112.0, 1.5, 2.0))
    for text in ("7112", "Where it is, eV.", "1.5", "in edge steps."):
        assert text in parsed.text
