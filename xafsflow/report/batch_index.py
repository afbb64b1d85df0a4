"""The measurements of a batch on one HTML page, with links to their reports; no script, nothing to fetch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xafsflow.files import write_atomically
from xafsflow.report.markup import Html, el, join, table
from xafsflow.report.stylesheet import CSS
from xafsflow.report.wording import counted

# A browser runs and fetches nothing in this page, whatever an error text holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Entry:
    """A measurement: times in seconds, `ended` since 1970; `link` is relative to the page, None without a report."""

    name: str
    state: str
    attempts: int
    seconds: float | None
    ended: float | None
    error: str
    link: str | None


def build_index(entries: Sequence[Entry], states: Sequence[str], name: str, path: Path) -> Path:
    """Write the page.

    Parameters
    ----------
    entries
        In the order in which they are shown; those that went wrong are shown before all others once more.
    states
        The states to count, in their order.
    name
        Of the batch.
    path
        Of the file. A file that is there is replaced when the new one is complete.

    Returns
    -------
    `path`.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> entry = Entry("A", "failed", 1, 2.5, None, "Found <nothing>", None)
    >>> with TemporaryDirectory() as folder:
    ...     text = build_index([entry], ["done", "failed"], "night", Path(folder, "index.html")).read_text()
    >>> "Found &lt;nothing&gt;" in text
    True
    """
    found = [entry.state for entry in entries]
    shown = [(str(found.count(state)), state) for state in states if state == "done" or state in found]
    tiles = (el("div", el("b", big), el("span", word), class_="tile") for big, word in shown)
    written = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime())
    top = el(
        "header",
        el("p", "xafsflow batch", class_="sub"),
        el("h1", name),
        el("p", f"{counted(len(entries), 'measurement')}, as of {written}.", class_="lead"),
        el("div", *tiles, class_="tiles"),
    )
    wrong = [entry for entry in entries if entry.error]
    sections = [
        _section("What went wrong", [_sheet(entry) for entry in wrong]) if wrong else None,
        _section("All measurements", [el("div", _table(entries), class_="sheet")]),
    ]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="generator", content="xafsflow"),
        el("title", f"Batch: {name}"),
        el("style", Html(CSS)),
    )
    body = el("body", top, el("main", *sections), el("footer", "Written by xafsflow."))
    write_atomically(path, f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}")
    return path


def _section(title: str, content: Sequence[Html]) -> Html:
    return el("section", el("h2", title), *content)


def _sheet(entry: Entry) -> Html:
    title = el("h3", _name(entry), ": ", entry.state, f" ({counted(entry.attempts, 'attempt')})")
    return el("div", title, el("pre", entry.error), class_="sheet")


def _table(entries: Sequence[Entry]) -> Html:
    rows = [
        [
            _name(entry),
            entry.state,
            entry.attempts,
            "" if entry.seconds is None else f"{entry.seconds:.1f}",
            "" if entry.ended is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.ended)),
        ]
        for entry in entries
    ]
    return table(["name", "state", "attempts", "seconds", "ended"], rows, numeric=(2, 3), class_="wide")


def _name(entry: Entry) -> Html:
    return join([entry.name]) if entry.link is None else el("a", entry.name, href=entry.link)
