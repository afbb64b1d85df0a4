"""How right a model of library spectra is, for the report's section on models."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.train_findings import (
    FitFindings,
    IntervalScores,
    LibraryScores,
    RegressionFindings,
    SearchFindings,
)
from xafsflow.reporting.curve_figure import ROW, CurveFigure, Plot
from xafsflow.reporting.curve_marks import Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import QUIET, SIGNAL, category_colors, short
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block
from xafsflow.reporting.wording import number, percent, readable

WIDTH = 4.2
# Of a search, the others open on a click.
BEST_ROWS = 6
# What stands where nothing can be told.
FEW = "too few"
# Height of the curves alone, and of what stands above and below a plot, points.
PLOT, MARGINS = 170.0, 45.0


def class_blocks(found: FitFindings, scores: LibraryScores, names: list[str]) -> Iterator[Block]:
    """Scores of a classifier on materials that it was not trained on, by noise, by abstention, and its sets by class.

    `names` are those of the classes; empty where no model tells them, as in a run whose model file is gone.
    """
    names = names or [f"class {number}" for number in range(1, len(scores.class_coverage) + 1)]
    yield _score_panel(found, scores, names)
    noise = scores.noise_levels
    if len(noise) > 1:
        curves = [
            Curve(noise, scores.accuracy_at_noise, SIGNAL, 1.4, marker="o", name="accuracy"),
            Curve(noise, scores.macro_f1_at_noise, QUIET, 1.4, marker="s", name="macro F1"),
        ]
        yield _noise_picture(curves, "share that is right", "Accuracy and macro F1")
    curve = Curve(scores.abstained, scores.accuracy_of_others, SIGNAL, 1.4, marker="o")
    figure = CurveFigure(WIDTH, 2.8, [Plot([curve], "share that is right")], "share without an answer")
    told = ", ".join(
        f"{number(one, 3)} without {percent(share)}"
        for share, one in zip(scores.abstained, scores.accuracy_of_others, strict=True)
    )
    text = f"How many of the answers are right where the least sure spectra get none: {told}."
    yield Picture("abstention", "Where the model abstains", text, text, figure)


def _score_panel(found: FitFindings, scores: LibraryScores, names: list[str]) -> Panel:
    low, high = scores.accuracy_interval
    rows = [
        (
            "all held-out spectra",
            _between(found.accuracy, low, high),
            _between(scores.macro_f1, *scores.macro_f1_interval),
        ),
        (
            f"those with a stable label ({percent(scores.stable_share)})",
            number(scores.stable_accuracy, 3),
            number(scores.stable_macro_f1, 3),
        ),
    ]
    covered = ", ".join(
        f"{name} {percent(share)}"
        for name, share in zip(names, scores.class_coverage, strict=True)
        if np.isfinite(share)
    )
    notes = [
        "Materials (groups) are held out whole; 95 % intervals by bootstrap over them. A stable label does not change with "
        "a slightly different end of the first shell.",
        f"Sets that should hold the true class for {percent(scores.coverage)} of each class did so for: {covered}; tried on "
        "materials that did not calibrate them.",
    ]
    return Panel(
        "On materials not trained on", content=Table(["", "accuracy", "macro F1"], rows, [1, 2]), notes=notes
    )


def property_blocks(found: RegressionFindings, scores: IntervalScores | None) -> Iterator[Block]:
    """Errors of a model of properties on samples that it was not trained on, and how its intervals hold."""
    head = ["property", "unit", "R2", "mean absolute error", "spread"]
    table = zip(
        found.properties, found.units, found.r_squared, found.mean_absolute_error, found.spread, strict=True
    )
    rows = [[name, unit, number(r2, 3), number(mae, 3), number(sd, 3)] for name, unit, r2, mae, sd in table]
    notes = ["On samples that were held out, whole materials (groups) where they are known."]
    if scores is not None:
        head += ["R2 from", "to", "interval", "held"]
        for i, row in enumerate(rows):
            row += [_known(one) for one in (*scores.r_squared_interval[:, i], scores.width[i])]
            row.append(percent(scores.observed_coverage[i]) if np.isfinite(scores.width[i]) else FEW)
        if not np.isfinite([*scores.r_squared_interval.flat, *scores.width]).all():
            notes.append(f"{FEW}: there are not enough spectra to tell.")
        notes.append(
            f"R2 from and to: 95 % interval by bootstrap over the groups. The interval should hold the truth for "
            f"{percent(scores.coverage)}; it did for the share in the last column, on materials that did not calibrate it."
        )
    yield Panel(
        "Properties on materials not trained on",
        content=Table(head, [tuple(row) for row in rows], list(range(2, len(head)))),
        notes=notes,
    )
    if scores is not None and len(scores.noise_levels) > 1:
        colors = category_colors(len(found.properties))
        curves = [
            Curve(scores.noise_levels, column, color, 1.4, marker="o", name=short(name, 18))
            for name, column, color in zip(found.properties, scores.r_squared_at_noise.T, colors, strict=True)
        ]
        yield _noise_picture(curves, "R2", "R2 of the properties")


def _noise_picture(curves: list[Curve], y_name: str, what: str) -> Picture:
    marks: list[CurveMark] = [Rule(1.0, color=QUIET, width=0.6), *curves]
    columns = 1 + (len(curves) > 2)
    legend = ROW * -(-len(curves) // columns) + 8
    # Curves fall to either side: the legend stands in a room of its own below them.
    lowest = min(float(np.nanmin(one.y, initial=1.0)) for one in curves)
    below = (max(float(np.nanmax(one.y, initial=1.0)) for one in curves) - lowest) * legend / PLOT
    plot = Plot(marks, y_name, (lowest - below, None), legend="lower left", columns=columns)
    figure = CurveFigure(WIDTH, (PLOT + legend + MARGINS) / 72, [plot], "noise (edge step)")
    text = f"{what} against the noise of the spectra, on materials not trained on."
    return Picture("score_by_noise", "How noise harms", text, text, figure)


def _known(value: float) -> str:
    return number(value, 3) if np.isfinite(value) else FEW


def _between(value: float, low: float, high: float) -> str:
    return f"{number(value, 3)} ({number(low, 3)} to {number(high, 3)})"


def search_panel(found: SearchFindings) -> Panel:
    """The settings that were tried, the best ones first."""
    order = np.argsort(-found.mean, kind="stable")
    rows = [
        [Cell(number(one), bold=not place) for one in (*found.tried[at], found.mean[at], found.spread[at])]
        for place, at in enumerate(order.tolist())
    ]
    head = [
        *map(readable, found.settings),
        {"macro_f1": "macro F1", "r_squared": "mean R2"}[found.score],
        "spread",
    ]
    told = ", ".join(f"{readable(name)} {number(value)}" for name, value in found.best.items())
    note = (
        f"Each row was trained on {found.folds - 1} of {found.folds} parts of the training and judged on the other one, "
        "each part once, whole materials (groups) always: mean and standard deviation. The first row was trained. Its "
        "score here is the best of all rows, so a little too good: see the held-out samples for the model's own."
    )
    return Panel(
        "Search of the settings",
        lead=f"Best of {len(rows)}: {told}.",
        content=Table(head, rows, range(len(head)), BEST_ROWS),
        notes=[note],
    )
