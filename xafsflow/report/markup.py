"""HTML from Python values: every text is escaped unless it is marked as markup."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xafsflow.report.wording import number

# Rows of a table that are shown at once, and at all.
OPEN_ROWS, MOST_ROWS = 20, 300
# Longer lists of numbers are told by their range.
LONG_LIST = 12


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


VOID = ("meta", "link", "br", "hr", "img", "input")


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """An element; children that are not `Html` are escaped, attributes of None or False are left out.

    Parameters
    ----------
    name
        The element's name.
    children
        Texts, elements, or None for nothing.
    attributes
        An underscore at the end is dropped, others become a hyphen: `class_`, `aria_label`.

    Examples
    --------
    >>> el("p", "<script>", el("b", "x"), class_="a")
    '<p class="a">&lt;script&gt;<b>x</b></p>'
    """
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(children)}</{name}>")


def bar(share: float, color: str | None = None) -> Html:
    """A bar for a share from 0 to 1 of its column's width."""
    style = f"width:{100 * min(max(share, 0), 1):.1f}%" + (f";background:{color}" if color else "")
    return el("span", el("span", class_="bar", style=style), class_="track")


def join(children: Iterable[object]) -> Html:
    """Children one after the other, escaped where they are not markup."""
    texts = (
        child if isinstance(child, Html) else html.escape(str(child), quote=False)
        for child in children
        if child is not None
    )
    return Html("".join(texts))


def table(
    head: Sequence[str], rows: Sequence[Sequence[object]], *, numeric: Sequence[int] = (), class_: str = ""
) -> Html:
    """A table that scrolls sideways where it is too wide for the page.

    Parameters
    ----------
    head
        Names of the columns; empty for none.
    rows
        Cells of each row, as many as names.
    numeric
        Columns that are set flush right.
    class_
        A class for the style sheet.
    """

    def cells(kind: str, row: Sequence[object]) -> Html:
        return el("tr", *(el(kind, cell, class_="n" if i in numeric else None) for i, cell in enumerate(row)))

    top = el("thead", cells("th", head)) if head else None
    body = el("tbody", *(cells("td", row) for row in rows))
    return el("div", el("table", top, body, class_=class_ or None), class_="scroll")


def folded_table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    open_rows: int,
    *,
    numeric: Sequence[int] = (),
    class_: str = "",
) -> Html:
    """A table as `table` makes it; what is beyond the first rows opens on a click.

    Parameters
    ----------
    head, rows, numeric, class_
        As for `table`.
    open_rows
        Rows that are shown at once.
    """
    first = table(head, rows[:open_rows], numeric=numeric, class_=class_)
    if len(rows) <= open_rows:
        return first
    rest = table(head, rows[open_rows:MOST_ROWS], numeric=numeric, class_=class_)
    words = el("summary", f"{len(rows) - open_rows:,} more rows")
    return join([first, el("details", words, rest, _and_more(len(rows)))])


def value(found: Any) -> Html:
    """Anything that JSON can hold, for reading: mappings and lists of them as tables, long lists as a range.

    Examples
    --------
    >>> value([1, 2.5]), value(True), value(list(range(100)))
    ('1, 2.5', 'yes', '100 numbers from 0 to 99')
    """
    if hasattr(found, "tolist"):
        found = found.tolist()
    if found is None or isinstance(found, bool):
        return Html({None: "none", True: "yes", False: "no"}[found])
    if isinstance(found, int | float):
        return join([number(found)])
    if isinstance(found, Mapping):
        return _mapping(found)
    if isinstance(found, list | tuple | set | frozenset):
        return _sequence(list(found))
    text = str(found)
    if re.fullmatch(r"[\w:-]*[0-9a-fA-F]{32,}", text):  # a digest
        return el("code", text, class_="digest")
    return el("pre", text) if "\n" in text else join([text])


def readable(name: object) -> str:
    """A key as words.

    Examples
    --------
    >>> readable("held_out_accuracy")
    'held out accuracy'
    """
    return str(name).replace("_", " ")


def _mapping(found: Mapping[Any, Any]) -> Html:
    if not found:
        return Html("none")
    rows = [(readable(key), value(item)) for key, item in found.items()]
    return folded_table([], rows, OPEN_ROWS, class_="facts")


def _sequence(items: list[Any]) -> Html:
    if not items:
        return Html("none")
    if all(isinstance(item, Mapping) for item in items):
        keys = list(dict.fromkeys(key for item in items for key in item))
        numeric = [i for i, key in enumerate(keys) if all(_is_number(item.get(key, 0)) for item in items)]
        rows = [[value(item[key]) if key in item else "" for key in keys] for item in items]
        return folded_table([readable(key) for key in keys], rows, OPEN_ROWS, numeric=numeric)
    if all(_is_number(item) for item in items) and len(items) > LONG_LIST:
        return join([f"{len(items):,} numbers{_range(items)}"])
    if all(isinstance(item, list | tuple) for item in items):
        return _rows(items)
    if any(isinstance(item, Mapping | list | tuple) for item in items):
        return el("ol", *(el("li", value(item)) for item in items[:MOST_ROWS]), _and_more(len(items)))
    return Html(", ".join(value(item) for item in items[:MOST_ROWS]) + (_and_more(len(items)) or ""))


def _rows(items: list[Any]) -> Html:
    """A list of lists: small ones as a table, matrices by their shape and range."""
    flat = [cell for row in items for cell in row]
    if len(flat) > LONG_LIST**2 and all(_is_number(cell) for cell in flat):
        return join([f"{len(items):,} rows with {len(flat):,} numbers{_range(flat)}"])
    return folded_table([], [[value(cell) for cell in row] for row in items], OPEN_ROWS)


def _and_more(count: int) -> Html | None:
    return (
        el("p", f"and {count - MOST_ROWS:,} more, not shown", class_="quiet") if count > MOST_ROWS else None
    )


def _range(numbers: Sequence[float]) -> str:
    known = [x for x in numbers if not math.isnan(x)]
    return f" from {number(min(known))} to {number(max(known))}" if known else ""


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)
