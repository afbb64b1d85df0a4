"""Any value of findings or of a run's record for reading: mappings as tables, long lists by their range."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from xafsflow.findings.record import Finding
from xafsflow.reporting.panel import MOST_ROWS, OPEN_ROWS, Cell, Content, Items, Table
from xafsflow.reporting.wording import number, readable

# Longer lists of numbers are shown by their range.
LONG_LIST = 12
NOTHING = "none"


def plain_content(value: object) -> Content:
    """Anything that JSON or a finding can hold.

    Examples
    --------
    >>> plain_content(True), plain_content(2.5), plain_content(list(range(100)))
    ('yes', '2.5', '100 numbers from 0 to 99')
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Finding):
        return finding_table(value)
    if isinstance(value, Mapping):
        return _table([(str(key), one) for key, one in value.items()])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _sequence(list(value))
    text = str(value)
    # A digest: as code, which may be broken anywhere.
    return Cell(text, code=True) if re.fullmatch(r"[\w:-]*[0-9a-fA-F]{32,}", text) else text


def finding_table(finding: Finding, left_out: Sequence[str] = ()) -> Content:
    """The fields of a finding with their meaning and unit, which stand in the documentation of its class.

    Parameters
    ----------
    finding
        The finding.
    left_out
        Fields that are shown elsewhere.
    """
    meanings = field_meanings(type(finding))
    rows = [(one.name, getattr(finding, one.name)) for one in fields(finding) if one.name not in left_out]
    return _table(rows, meanings)


def field_meanings(kind: type[Finding]) -> dict[str, str]:
    """What each field of a finding means, from the section "Parameters" of its class's documentation.

    Examples
    --------
    >>> from xafsflow.findings.maps_findings import MapFindings
    >>> field_meanings(MapFindings)["pixels"]
    'Number of pixels of the maps.'
    """
    found: dict[str, str] = {}
    names: list[str] = []
    _, _, section = (inspect.getdoc(kind) or "").partition("Parameters\n----------\n")
    for line in re.split(r"\n\n(?=\w[\w ]*\n---)", section)[0].splitlines():
        if line.startswith(" "):
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".lstrip()
        elif line.strip():
            names = [name.strip() for name in line.partition(":")[0].split(",")]
    return found


def _table(rows: Sequence[tuple[str, object]], meanings: Mapping[str, str] | None = None) -> Content:
    if not rows:
        return NOTHING
    cells = [
        (Cell(readable(key), quiet=True, remark=(meanings or {}).get(key, "")), plain_content(one))
        for key, one in rows
    ]
    return Table([], cells, open_rows=OPEN_ROWS, whole_width=False)


def _sequence(items: list[object]) -> Content:
    if not items:
        return NOTHING
    if all(isinstance(item, Finding) for item in items):
        items = [{one.name: getattr(item, one.name) for one in fields(item)} for item in items]  # type: ignore[arg-type]
    if all(isinstance(item, Mapping) for item in items):
        return _records([item for item in items if isinstance(item, Mapping)])
    if all(_is_number(item) for item in items) and len(items) > LONG_LIST:
        return f"{len(items):,} numbers{_range(items)}"
    if all(isinstance(item, list | tuple) for item in items):
        return _rows([list(item) for item in items if isinstance(item, list | tuple)])
    if any(isinstance(item, Mapping | list | tuple) for item in items):
        return Items([plain_content(item) for item in items[:MOST_ROWS]], numbered=True)
    texts = [plain_content(item) for item in items[:MOST_ROWS]]
    if all(isinstance(text, str) for text in texts):
        more = f" and {len(items) - MOST_ROWS:,} more" if len(items) > MOST_ROWS else ""
        return ", ".join(map(str, texts)) + more
    return Items(texts)


def _records(items: Sequence[Mapping[str, object]]) -> Content:
    """A list of mappings as a table with a column for each name."""
    keys = list(dict.fromkeys(key for item in items for key in item))
    numeric = [i for i, key in enumerate(keys) if all(_is_number(item.get(key, 0)) for item in items)]
    rows = [[plain_content(item[key]) if key in item else "" for key in keys] for item in items]
    return Table([readable(key) for key in keys], rows, numeric, OPEN_ROWS, whole_width=False)


def _rows(items: Sequence[list[object]]) -> Content:
    """A list of lists: small ones as a table, matrices by their size and range."""
    flat = [cell for row in items for cell in row]
    if len(flat) > LONG_LIST**2 and all(_is_number(cell) for cell in flat):
        return f"{len(items):,} rows with {len(flat):,} numbers{_range(flat)}"
    return Table(
        [], [[plain_content(cell) for cell in row] for row in items], (), OPEN_ROWS, whole_width=False
    )


def _range(numbers: Sequence[object]) -> str:
    known = [x for x in numbers if isinstance(x, int | float) and not math.isnan(x)]
    return f" from {number(min(known))} to {number(max(known))}" if known else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
