"""What a section of the report shows beside pictures: panels of text and tables, as data; templates make HTML of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, Union

# Rows of a table of plain values that are shown at once, and those of any table that are shown at all.
OPEN_ROWS, MOST_ROWS = 20, 300


@dataclass(frozen=True)
class Cell:
    """A text of a table or line that is more than text.

    Parameters
    ----------
    text
        The text.
    bold, quiet, code, wide
        How it is set: bold, gray, as code, or in a column that must not become narrow.
    color
        Of a swatch before the text, and of the bar; `#rrggbb`, or empty.
    share
        Length of a bar, 0 to 1 of the column's width; None for none.
    remark
        A gray line below the text.
    """

    text: str = ""
    bold: bool = False
    quiet: bool = False
    code: bool = False
    wide: bool = False
    color: str = ""
    share: float | None = None
    remark: str = ""

    @property
    def bar_width(self) -> str:
        """Width of the bar in percent."""
        return f"{100 * min(max(self.share or 0.0, 0.0), 1.0):.1f}%"


Content: TypeAlias = Union[str, int, Cell, "Table", "Items"]


@dataclass(frozen=True)
class Items:
    """Contents one after the other: as a numbered list, or in a line."""

    items: Sequence[Content]
    numbered: bool = False


@dataclass(frozen=True)
class Table:
    """A table, folded after its first rows.

    Parameters
    ----------
    head
        Names of the columns; empty for none.
    rows
        Contents of each row, as many as names.
    numeric
        Columns that are set flush right.
    open_rows
        Rows that are shown at once; the others open on a click.
    whole_width
        Whether it takes the width of its panel.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Content]]
    numeric: Sequence[int] = ()
    open_rows: int = MOST_ROWS
    whole_width: bool = True

    @property
    def first(self) -> Sequence[Sequence[Content]]:
        """The rows that are shown at once."""
        return self.rows[: self.open_rows]

    @property
    def folded(self) -> Sequence[Sequence[Content]]:
        """The rows that open on a click."""
        return self.rows[self.open_rows : MOST_ROWS]

    @property
    def left_out(self) -> int:
        """Number of rows that are not shown."""
        return max(0, len(self.rows) - MOST_ROWS)


@dataclass(frozen=True)
class Panel:
    """A box of the page.

    Parameters
    ----------
    title
        Heading.
    verdict
        A quoted sentence, set apart.
    lead
        A bold sentence.
    texts
        Paragraphs.
    content
        A table or plain values.
    folded
        Heading and text of something long that opens on a click.
    notes
        Small gray paragraphs below.
    small
        Whether several of them stand side by side.
    closed
        Whether it opens on a click.
    """

    title: str
    verdict: str = ""
    lead: str = ""
    texts: Sequence[str] = ()
    content: Content | None = None
    folded: tuple[str, str] | None = None
    notes: Sequence[str] = field(default=())
    small: bool = False
    closed: bool = False
