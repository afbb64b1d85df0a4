"""The report's section on the model: its accuracy and confidence, simple classifiers beside it, what it uses, confusion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from xafsflow.findings.record import Doubles
from xafsflow.findings.train_findings import FitFindings, RegressionFindings, Reliability
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Bars, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import INK, QUIET, SIGNAL, category_colors, short
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.matrix_figure import MatrixFigure
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.score_blocks import class_blocks, property_blocks, search_panel
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import number, percent, readable, sentence
from xafsflow.vocabulary import AXES

WIDTH = 4.2
# More classes than this are shown as an image without their names.
NAMED_CLASSES = 12
# Quantile of the normal distribution for 95 %.
Z = 1.96


@section(
    "model_accuracy",
    title="The model",
    intro="How right the classifier and its confidence are, what it looks at, and what it confuses.",
    order=110,
    of="model",
    drawn=(
        "confusion",
        "importances",
        "reliability",
        "controls",
        "better",
        "library",
        "r_squared",
        "mean_absolute_error",
        "spread",
        "search",
        "truth_edges",
        "truth_counts",
    ),
)
def model_accuracy(part: Part) -> Iterator[Block]:
    """Simple classifiers beside the model, reliability diagram, importances, and confusion."""
    found, model = part.finding, part.model
    if isinstance(found, FitFindings):
        if found.controls:
            yield _control_panel(found)
        if found.library is not None:
            names = [] if model is None else model.class_names
            yield from class_blocks(found, found.library, names)
        yield _reliability_diagram(found.calibration_error, found.reliability)
    if isinstance(found, RegressionFindings):
        yield from property_blocks(found, found.library)
    if isinstance(found, FitFindings | RegressionFindings) and found.search is not None:
        yield search_panel(found.search)
    if model is None:
        return
    if model.importances is not None and model.importances.size:
        yield _importance_picture(model, model.importances)
    if model.confusion is not None and np.sum(model.confusion) > 0:
        counts = np.asarray(model.confusion, np.float64)
        yield _confusion_picture(model, counts)
        if len(model.class_names) > len(model.references) > 1:
            yield _dominant_picture(model, counts)


def better_control(found: FitFindings) -> str:
    """That a simple classifier is better than the model, as a sentence; empty where none is."""
    text = (found.better or "").replace("+-", "±")
    for name in found.controls:
        text = text.replace(name, readable(name))
    return sentence(f"The simple classifier {text}") if text else ""


def _control_panel(found: FitFindings) -> Panel:
    rows = []
    for name, score in found.controls.items():
        own = name == found.classifier
        dominant = math.nan if score.dominant_accuracy is None else score.dominant_accuracy
        shares = (percent(dominant), percent(score.accuracy))
        role = "the model" if own else "for comparison"
        rows.append((Cell(readable(name), bold=own), role, number(score.fraction_error, 3), *shares))
    note = (
        "The error of the fractions is the mean absolute one. It and the dominant reference are measured on mixtures "
        "between the classes, the class on held-out spectra. A classifier is called better where its error is smaller "
        "by more than the uncertainty of the difference."
    )
    return Panel(
        "Beside simple classifiers",
        lead=better_control(found) or "No simple classifier is better than the model.",
        content=Table(
            ["", "", "error of the fractions", "dominant reference right", "class right"], rows, [2, 3, 4]
        ),
        notes=[note],
    )


def wilson(observed: Doubles, count: Doubles) -> tuple[Doubles, Doubles]:
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


def _reliability_diagram(error: float, bins: Reliability) -> Picture:
    """How often the dominant reference was right beside how often it was said to be."""
    count = bins.count.astype(np.float64)
    least, most = wilson(bins.observed, count)
    ideal = np.array([0.0, 1.0])
    top: list[CurveMark] = [
        Curve(ideal, ideal, QUIET, 1, (4, 2), name="as stated"),
        Bars(bins.stated, least, most, SIGNAL, 1.2),
        Curve(bins.stated, bins.observed, SIGNAL, 0, marker="o", size=5.5, name="observed"),
    ]
    low = [Bars(bins.stated, np.zeros(count.size), count, INK, 5)]
    start = max(0.0, math.floor(10 * float(np.nanmin(np.append(bins.stated, least)))) / 10)
    plots = [
        Plot(top, "share that is right", (start, 1.02), share=3, legend="upper left"),
        Plot(low, "spectra", (0, None)),
    ]
    figure = CurveFigure(WIDTH, 4.3, plots, "stated confidence", (start, 1.02))
    summary = f"Expected calibration error {number(error, 2)} on {count.sum():,.0f} mixtures not used in the training."
    text = (
        "How often the dominant reference is right, against the stated confidence. "
        f"{summary} Bars: 95 % intervals."
    )
    return Picture("reliability", "Is the confidence right?", text, f"Reliability diagram. {summary}", figure)


def _importance_picture(model: ModelView, importances: Doubles) -> Picture:
    order = np.argsort(model.energy)
    energy, importance = model.energy[order], importances[order]
    peak = float(energy[np.argmax(importance)])
    line, at = Rule(peak, True, INK, 0.6, (2, 2)), model.reference_energy
    colors = category_colors(len(model.references))
    top = [
        Curve(at, norm, color, 1.2, name=short(name))
        for name, color, norm in zip(model.references, colors, model.reference_norm, strict=True)
    ]
    top.append(Curve(at, model.reference_norm.mean(axis=0), width=1.8, name="mean"))
    area = Band(energy, importance, np.zeros(energy.size), QUIET, steps=True)
    columns = 1 + len(model.references) // 5
    plots = [
        Plot([*top, line], "normalized absorption", share=2, legend="lower right", columns=columns),
        Plot([area, line], "importance", (0, None)),
    ]
    ends = (float(energy[0]), float(energy[-1])) if energy[-1] > energy[0] else (None, None)
    figure = CurveFigure(WIDTH, 3.5, plots, axis_label(model.axis), ends)
    what = "the derivative" if model.feature_name == "dmude" else "the normalized spectrum"
    text = f"How much the classifier uses each value of {what}; importances sum to 1."
    text += f" The dashed line marks the largest, at {number(peak)} {AXES[model.axis].unit}."
    alt = "Feature importances below the reference spectra and their mean."
    return Picture("importances", "What the classifier looks at", text, alt, figure)


def _rates(counts: Doubles) -> Doubles:
    """Each row divided by its sum; NaN where a class was never tested."""
    total = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def _confusion_picture(model: ModelView, counts: Doubles) -> Picture:
    """All classes, in the order of their dominant reference and its share."""
    rank = np.argmax(model.compositions, axis=1)
    order = np.lexsort((-model.compositions.max(axis=1), rank))
    rates = _rates(counts)[np.ix_(order, order)]
    names = [model.class_names[i] for i in order]
    text = "Rows are the true classes of held-out spectra, columns the answers; each row sums to 1."
    if len(names) <= NAMED_CLASSES:
        return _matrix_picture("confusion", "Confusion of the classes", text, _named(rates, names))
    starts = np.flatnonzero(np.diff(rank[order], prepend=-1))
    labels = [short(model.references[rank[order][i]], 14) for i in starts]
    middles = (starts + np.append(starts[1:], len(order)) - 1) / 2
    figure = MatrixFigure(WIDTH, rates, labels, middles, starts[1:].tolist(), numbered=False)
    return _matrix_picture("confusion", "Confusion of all classes", text, figure)


def _dominant_picture(model: ModelView, counts: Doubles) -> Picture:
    """Classes taken together by their dominant reference."""
    count, dominant = len(model.references), model.dominant
    names = list(model.references)
    if np.any(dominant < 0):
        names.append("several")
    groups = np.where(dominant < 0, count, dominant)
    member = (groups[:, None] == np.arange(len(names))).astype(np.float64)
    rates = _rates(member.T @ counts @ member)
    text = "The classes grouped by their dominant reference. Rows are the truth, columns the answers; each row sums to 1."
    title = "Confusion of the dominant reference"
    return _matrix_picture("confusion_dominant", title, text, _named(rates, names))


def _named(rates: Doubles, names: Sequence[str]) -> MatrixFigure:
    """Shares of shape (truth, answer) with a name for each row."""
    return MatrixFigure(
        WIDTH, rates, [short(name, 16) for name in names], np.arange(len(names), dtype=np.float64)
    )


def _matrix_picture(key: str, title: str, text: str, figure: MatrixFigure) -> Picture:
    diagonal = np.diag(figure.shares)
    right = diagonal[np.isfinite(diagonal)].tolist()
    alt = f"{title}. On the diagonal {number(min(right), 2)} to {number(max(right), 2)}." if right else title
    return Picture(key, title, text, alt, figure)
