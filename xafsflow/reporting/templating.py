"""The templates of the report: every text is escaped, and numbers are written as in the rest of the report."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from xafsflow.reporting.wording import counted, duration, listed, number, percent, sentence

# A belt to the braces of escaping: a browser runs and fetches nothing in a page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@cache
def environment() -> Environment:
    """The templates in `reporting/templates`, with the filters that write numbers."""
    made = Environment(
        loader=PackageLoader("xafsflow.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": number,
        "percent": percent,
        "counted": counted,
        "duration": duration,
        "listed": listed,
        "sentence": sentence,
    }
    made.globals["policy"] = POLICY
    return made


def render(template: str, /, **values: object) -> str:
    """A page from a template and what it shows.

    Examples
    --------
    >>> "&lt;b&gt;" in render("batch_index.html.j2", name="<b>", written="now", tiles=(), failed=(), entries=())
    True
    """
    return environment().get_template(template).render(values)
