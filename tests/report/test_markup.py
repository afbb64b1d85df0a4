from __future__ import annotations

import html
import json
from html.parser import HTMLParser

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.report.markup import Html, el, table, value

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)


class Collected(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(), st.text())
def test_el__escapes_text_and_attributes(text: str, attribute: str) -> None:
    made = el("p", text, title=attribute)
    assert made == f'<p title="{html.escape(attribute)}">{html.escape(text, quote=False)}</p>'


def test_el__takes_markup_as_it_is_and_leaves_out_what_is_none() -> None:
    assert el("p", Html("<b>x</b>"), None, id=None, hidden=False, open=True) == "<p open><b>x</b></p>"


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_value__is_well_formed_and_without_foreign_tags_for_any_json(found) -> None:
    parsed = Collected()
    parsed.feed(value(found))
    parsed.close()
    assert parsed.open == []
    known = "table thead tbody tr th td div ol li pre code details summary p"
    assert set(parsed.tags) <= set(known.split())


def test_value__keeps_every_text_of_short_findings() -> None:
    found = {
        "threshold": 3.25,
        "rows": [{"reference": "<Fe>", "bias": 0.01}, {"reference": "FeO", "n": 3}],
        "ok": True,
    }
    parsed = Collected()
    parsed.feed(value(json.loads(json.dumps(found))))
    for word in ("threshold", "3.25", "<Fe>", "0.01", "FeO", "3", "yes"):
        assert word in parsed.text


def test_value__tells_long_lists_by_their_range() -> None:
    assert value(np.arange(50) / 2) == "50 numbers from 0 to 24.5"
    assert value([[float("nan"), 1.0] * 10] * 20) == "20 rows with 400 numbers from 1 to 1"
    assert value([float("nan")] * 20) == "20 numbers"


def test_value__folds_long_tables_and_says_what_is_left_out() -> None:
    made = value([{"i": i} for i in range(1000)])
    assert "<summary>980 more rows</summary>" in made
    assert "and 700 more, not shown" in made


def test_table__sets_numbers_flush_right() -> None:
    assert '<td class="n">1</td>' in table(["a", "b"], [("x", "1")], numeric=[1])
