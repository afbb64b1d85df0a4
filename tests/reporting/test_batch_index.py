"""The page of a batch: links that lead to the reports, and texts that stay texts."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.campaign.ledger import STATES, Row
from xafsflow.campaign.run_status import status, table, write_index
from xafsflow.findings.overall_verdict import Verdict
from xafsflow.findings.record import to_json
from xafsflow.reporting.batch_index import Entry, build_index


class Page(HTMLParser):
    """Links, elements, and whether every element that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_links__lead_to_the_reports_that_are_there(tmp_path: Path) -> None:
    names = ["a", "Größe 7 #2", "failed"]
    for name in names:
        (tmp_path / "runs" / name).mkdir(parents=True)
    for name in names[:2]:
        (tmp_path / "runs" / name / "report.html").write_text("x")
    rows = [Row(name, 1, "data", f"runs/{name}", "done") for name in names]
    rows.append(Row("none", 2, "data", "runs/none", "waiting"))
    rows.append(Row("left", None, "data", "runs/a", "done"))
    page = Page(write_index(tmp_path, rows).read_text(encoding="utf-8"))
    assert page.links == ["runs/a/report.html", "runs/Gr%C3%B6%C3%9Fe%207%20%232/report.html", "runs/failed"]
    assert "left" not in page.texts
    assert not page.open


def test_page__counts_states_and_shows_errors_first(tmp_path: Path) -> None:
    entries = [
        Entry("a", "done", 1, 2.0, 0.0, "", None),
        Entry("b", "set aside", 3, 1.0, 0.0, "Found x\nmore", None),
    ]
    page = Page(build_index(entries, STATES, "night", tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.texts.index("Found x\nmore") < page.texts.index("All measurements")
    assert "set aside" in page.texts
    assert "3 attempts" in "".join(page.texts)
    assert "failed" not in page.texts


@given(
    name=st.text(max_size=30), error=st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text__stays_text(tmp_path: Path, name: str, error: str) -> None:
    entries = [Entry(name, "failed", 1, None, None, f"<script>{error}</script>", None)]
    page = Page(build_index(entries, STATES, name, tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "script" not in page.names
    assert not page.links
    assert not page.open


def test_verdicts_of_runs__stand_in_words_beside_the_light(tmp_path: Path) -> None:
    text = "Do not use this answer: the fits leave <more>."
    entries = [
        Entry("a", "done", 1, 2.0, 0.0, "", None, "answer holds", "The answer holds: all is well."),
        Entry("b", "done", 1, 2.0, 0.0, "", None, "do not use", text),
        Entry("c", "waiting", 0, None, None, "", None),
    ]
    page = Page(build_index(entries, STATES, "night", tmp_path / "index.html").read_text(encoding="utf-8"))
    assert not page.open
    assert page.names.count("svg") == 2
    assert {"Answer holds", "Do not use", text} <= {one.strip() for one in page.texts}
    # What holds needs no sentence: the eye goes to the others
    assert "The answer holds: all is well." not in page.texts


def test_index__reads_the_verdicts_from_the_run_folders(tmp_path: Path) -> None:
    for name, light in (("a", "do not use"), ("b", "answer holds")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        content = {"warnings": [], "verdict": to_json(Verdict(light, "One sentence.", (), ()))}
        (tmp_path / "runs" / name / "findings.json").write_text(json.dumps(content))
    rows = [Row(name, 1, "data", f"runs/{name}", "done") for name in ("a", "b", "none")]
    rows.append(Row("waits", 2, "data", "runs/a", "waiting"))
    page = Page(write_index(tmp_path, rows).read_text(encoding="utf-8"))
    assert [one.strip() for one in page.texts if one.strip() in ("Do not use", "Answer holds")] == [
        "Do not use",
        "Answer holds",
    ]
    lines = table(tmp_path, rows, ["a", "b", "none"])
    assert [line.split("  ")[-1] for line in lines[:3]] == ["verdict", "do not use", "answer holds"]
    (tmp_path / "runs" / "a" / "run.json").write_text('{"name": "a", "state": "finished", "started": "now"}')
    assert status(tmp_path / "runs" / "a")[-1] == "verdict: One sentence."
