"""The colors of every figure, which color-blind readers can tell apart."""

from __future__ import annotations

from xafsflow.reporting.color_scales import color_at
from xafsflow.vocabulary import Flag

# Lines and text in this color become `currentColor` in a page, so they follow its light or dark theme.
INK = "#010203"
# Readable on white and on black.
QUIET = "#7d8590"
# For the one mark among many that the reader looks for.
SIGNAL = "#d55e00"
MASKED, HATCH = "#e3e6ea", "#b4bbc4"
UNFLAGGED = "#eef1f4"
DOUBT = "#4a4f57"

# Okabe and Ito, https://jfly.uni-koeln.de/color/ (without black, yellow last: it is weak on white), and
# Paul Tol's "muted" scheme, https://personal.sron.nl/~pault/, where seven are too few.
OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
TOL_MUTED = (
    "#332288",
    "#88ccee",
    "#44aa99",
    "#ddcc77",
    "#cc6677",
    "#117733",
    "#aa4499",
    "#999933",
    "#882255",
)

FLAG_COLORS: dict[Flag, str] = dict(
    zip(Flag, ("#9aa4b1", *OKABE_ITO[:2], *OKABE_ITO[3:6], "#332288"), strict=True)
)


def category_colors(count: int) -> list[str]:
    """That many colors, the same ones for the same count.

    Examples
    --------
    >>> category_colors(2)
    ['#0072b2', '#e69f00']
    >>> len(set(category_colors(12)))
    12
    """
    if count <= len(OKABE_ITO):
        return list(OKABE_ITO[:count])
    if count <= len(TOL_MUTED):
        return list(TOL_MUTED[:count])
    return [color_at("viridis", i / (count - 1)) for i in range(count)]


def short(name: str, longest: int = 26) -> str:
    """A name that fits into a figure.

    Examples
    --------
    >>> short("a name that nobody would want in a legend", 12)
    'a name that…'
    """
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"
