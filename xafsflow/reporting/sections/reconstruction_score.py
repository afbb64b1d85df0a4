"""The report's section on the inverse model: how well it makes spectra of structures, and what each parameter does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xafsflow.findings.reconstruction_findings import ReconstructionFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Curve, CurveMark
from xafsflow.reporting.effect_figure import EffectFigure
from xafsflow.reporting.figure_style import QUIET, SIGNAL
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, fixed, number, percent, readable, sentence

WIDTH = 4.6


@section(
    "reconstruction_score",
    title="From structures to spectra",
    intro="A model that makes a spectrum of the parameters of a structure, scored on materials that it has not seen.",
    order=112,
    drawn=(
        "scores",
        "row",
        "verdict",
        "energy",
        "r_squared_by_energy",
        "rmse_by_energy",
        "mean",
        "half_width",
        "coverage",
        "examples",
        "effect",
        "slope",
        "samples",
        "groups",
        "folds",
        "without_value",
        "level",
        "explained",
        "exact",
    ),
)
def reconstruction_score(part: Part) -> Iterator[Block]:
    """The rows with their scores, examples, the error by energy, and the effect of each parameter."""
    found = part.finding
    if isinstance(found, ReconstructionFindings):
        yield _examples(found)
        yield _by_energy(found)
        yield _effects(found)
        yield _score_panel(found)


def _score_panel(found: ReconstructionFindings) -> Panel:
    rows = [
        (
            Cell(readable(name), bold=name == found.row),
            "the model" if name == found.row else "",
            fixed(one.r_squared, 3),
            number(one.rmse, 3),
            fixed(one.worst_fold, 3),
        )
        for name, one in sorted(found.scores.items(), key=lambda item: item[1].rmse)
    ]
    notes = [
        f"{counted(found.samples, 'spectrum')} of {counted(found.groups, 'material')}; "
        f"{counted(found.folds, 'fold')} by material. R2 is about the mean spectrum of the other folds; errors are in the "
        "unit of the absorption. The row was chosen by these folds.",
        f"The interval that is to hold {percent(found.level)} of the spectra at each energy holds {percent(found.coverage)} "
        "where its width comes from other folds.",
    ]
    if found.without_value:
        notes.append(f"Left out: {counted(found.without_value, 'sample')} without one of the parameters.")
    table = Table(["", "", "R2", "RMSE", "R2, worst fold"], rows, numeric=[2, 3, 4], whole_width=False)
    return Panel("Beside other models", lead=sentence(found.verdict), content=table, notes=notes)


def _examples(found: ReconstructionFindings) -> Picture:
    highest = max(float(np.ptp(pair)) for pair in found.examples.values())
    marks: list[CurveMark] = []
    for i, (truth, answer) in enumerate(found.examples.values()):
        up = 0.9 * highest * (len(found.examples) - 1 - i)
        wide = found.half_width
        marks.append(Band(found.energy, answer + up + wide, answer + up - wide, SIGNAL, 0.2))
        marks.append(Curve(found.energy, truth + up, name="" if i else "spectrum"))
        marks.append(Curve(found.energy, answer + up, SIGNAL, 1.2, (4, 2), name="" if i else "model"))
    plot = Plot(marks, "absorption (shifted upwards)", legend="lower right")
    figure = CurveFigure(WIDTH, 4.0, [plot], axis_label("energy"))
    text = (
        f"From above the sample with the least, the median and the largest error, not trained on, and the interval for "
        f"{percent(found.level)}."
    )
    return Picture(
        "reconstruction_examples", "Examples", text, f"Spectra and answers of the model. {text}", figure
    )


def _by_energy(found: ReconstructionFindings) -> Picture:
    upper = Plot(
        [
            Band(found.energy, found.half_width, np.zeros(len(found.energy)), QUIET, 0.3, name="interval"),
            Curve(found.energy, found.rmse_by_energy, name="RMSE"),
        ],
        "error",
        (0, None),
        legend="upper right",
    )
    lower = Plot([Curve(found.energy, found.r_squared_by_energy)], "R2", (min(0.0, _least(found)), 1.0))
    figure = CurveFigure(WIDTH, 3.6, [upper, lower], axis_label("energy"))
    at = float(found.energy[found.rmse_by_energy.argmax()])
    told = f"The error is largest at {number(at)} eV."
    text = f"{told} Where all spectra are alike R2 has no meaning and is left out."
    return Picture("reconstruction_by_energy", "Error at each energy", text, f"RMSE and R2. {told}", figure)


def _least(found: ReconstructionFindings) -> float:
    return max(-1.0, float(np.nanmin(found.r_squared_by_energy, initial=0.0)))


def _effects(found: ReconstructionFindings) -> Picture:
    order = np.argsort(-found.effect.mean(axis=1))
    names = [readable(found.parameters[i]) for i in order]
    signed = (found.effect * np.sign(found.slope))[order]
    figure = EffectFigure(WIDTH, found.energy, found.mean, signed, names, axis_label("energy"))
    how = "exact" if found.exact else "from drawn orders of the parameters"
    text = (
        "How much each parameter changes the absorption at each energy (mean absolute Shapley value): red where a larger "
        f"value raises it, blue where it lowers it; above, the mean spectrum. {counted(found.explained, 'sample')}, {how}."
    )
    return Picture(
        "reconstruction_effects",
        "What each parameter does",
        text,
        f"Effects by energy: {names[0]} most.",
        figure,
    )
