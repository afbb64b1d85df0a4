"""How far the classifier and its confidence can be believed, as train.fit found it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from xafsflow.report.figure_style import INK, QUIET, SIGNAL, styled
from xafsflow.report.findings_values import Array, arrays_in, number_in, of_step, sentence_in
from xafsflow.report.markup import Html, el, readable, table
from xafsflow.report.picture import Picture
from xafsflow.report.wording import number, percent, started

STEP = "train.fit"
GROUP = "trust"
WIDTH = 4.0
# Quantile of the normal distribution for 95 %.
Z = 1.96


def wilson(observed: Array, count: Array) -> tuple[Array, Array]:
    """The 95 % interval of a share seen in so many trials: E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Examples
    --------
    >>> low, high = wilson(np.array([1.0, 0.5]), np.array([10.0, 1e6]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.722, 0.499], [1.0, 0.501])
    """
    n = np.maximum(count, 1)
    middle = (observed + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(observed * (1 - observed) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def reliability_pictures(findings: Mapping[str, Any]) -> Iterator[Picture]:
    """The reliability diagram: how often the leading reference was right beside how often it was said to be.

    Parameters
    ----------
    findings
        By step: `reliability` with `stated`, `observed` and `count`, and `calibration_error` of train.fit are read.
    """
    found = of_step(findings, STEP)
    bins = arrays_in(of_step(found, "reliability"), "stated", "observed", "count")
    if bins:
        yield _diagram(number_in(found, "calibration_error"), *bins)


@styled
def _diagram(error: float, stated: Array, observed: Array, count: Array) -> Picture:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    least, most = wilson(observed, count)
    top.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 2)), label="as stated")
    top.vlines(stated, least, most, color=SIGNAL, linewidth=1.2)
    top.plot(stated, observed, color=SIGNAL, marker="o", markersize=5.5, linewidth=0, label="observed")
    low.vlines(stated, 0, count, color=INK, linewidth=5)
    start = max(0.0, math.floor(10 * float(np.nanmin(np.append(stated, least)))) / 10)
    top.set(ylim=(start, 1.02), xlim=(start, 1.02), ylabel="how often right")
    low.set(xlabel="stated confidence", ylabel="patterns")
    low.set_ylim(bottom=0)
    top.legend(loc="upper left")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    total = f"{count.sum():,.0f}"
    words = f"Expected calibration error {number(error, 2)}" if math.isfinite(error) else "Checked"
    words += f" on {total} mixtures that were not learnt from."
    text = (
        f"How often the leading reference is right beside the confidence that was stated. {words} Bars: 95 %."
    )
    return Picture(
        "reliability", GROUP, "Is the confidence right?", text, f"Reliability diagram. {words}", figure
    )


def better_sentence(findings: Mapping[str, Any]) -> str:
    """That a control is better than the classifier, for the page's first paragraph; empty where none is.

    Examples
    --------
    >>> better_sentence({"train.fit": {"controls": {"nearest_class": {}}, "better": "nearest_class is better +- 0.1"}})
    'The control nearest class is better ± 0.1.'
    """
    found = of_step(findings, STEP)
    text = sentence_in(found, "better").replace("+-", "±")
    for name in of_step(found, "controls"):
        text = text.replace(str(name), readable(name))
    return f"The control {text}" if text else ""


def control_sheets(findings: Mapping[str, Any]) -> Iterator[tuple[str, Html]]:
    """Group and content: the classifier beside its controls, and whether one of them is better.

    Parameters
    ----------
    findings
        By step: `controls`, `better` and `classifier` of train.fit are read.
    """
    found = of_step(findings, STEP)
    rows = []
    for name, row in of_step(found, "controls").items():
        scores = row if isinstance(row, Mapping) else {}
        own = name == found.get("classifier")
        shares = (percent(number_in(scores, key)) for key in ("dominant_accuracy", "accuracy"))
        role = "classifier" if own else "control"
        shown = el("b", readable(name)) if own else readable(name)
        rows.append((shown, role, number(number_in(scores, "fraction_error"), 3), *shares))
    if not rows:
        return
    better = better_sentence(findings)
    words = el("p", el("b", started(better) or "No control is better than the classifier."))
    note = (
        "The error is the mean absolute one of the fractions; it and the leading reference are of mixtures off the grid of "
        "classes, the class is of held-out spectra. Better is a smaller error by more than its own uncertainty."
    )
    head = ["", "", "error of the fractions", "leading reference right", "class right"]
    content = table(head, rows, numeric=[2, 3, 4], class_="wide")
    yield (
        GROUP,
        el(
            "div",
            el("h3", "Beside simple classifiers"),
            words,
            content,
            el("p", note, class_="quiet"),
            class_="sheet",
        ),
    )
