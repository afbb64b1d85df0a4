"""How every figure looks: colors that color-blind readers can tell apart, type, lines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from xafsflow.vocabulary import Flag

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.colors import Colormap

P = ParamSpec("P")
R = TypeVar("R")

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

STYLE: dict[str, object] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "text.color": INK,
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.5,
    "hatch.color": HATCH,
    "hatch.linewidth": 0.7,
    "axes.formatter.useoffset": False,
    # A reference may be called "a$b$"; names are no formulas.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "xafsflow",
}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a function that draws or saves in the style of the report; the settings go back after it."""

    @functools.wraps(draw)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        # Type stubs want literals as keys.
        with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
            return draw(*args, **kwargs)

    return run


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
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](i / (count - 1))) for i in range(count)]


def color_map(name: str) -> Colormap:
    """A color map in 255 steps, NaN transparent: with it a palette of one byte a pixel."""
    from matplotlib import colormaps

    return colormaps[name].resampled(255)


def log_scale(axis: Axis) -> None:
    """Make an axis logarithmic, with plain numbers: matplotlib's powers are formulas, which a page writes as they stand."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 30 * low else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def short(name: str, longest: int = 26) -> str:
    """A name that fits into a figure.

    Examples
    --------
    >>> short("a name that nobody would want in a legend", 12)
    'a name that…'
    """
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"
