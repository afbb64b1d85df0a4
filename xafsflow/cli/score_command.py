"""`xafsflow score`: what a model of structure types says of a folder of measured patterns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xafsflow.cli.shared_options import LOCAL_PATH

if TYPE_CHECKING:
    from xafsflow.findings.union_findings import PatternAnswer, PatternAnswers
    from xafsflow.learning.models.model import Model

# Files of a folder that may be patterns.
ENDS = ("xy", "xye", "dat", "txt", "chi", "xrdml", "ras", "rasx", "brml", "csv")


@click.command()
@click.argument("model", type=LOCAL_PATH)
@click.argument("folder", type=LOCAL_PATH)
@click.option(
    "--labels",
    metavar="CSV",
    help="Table in the folder with a column `file` and one with the types that are known; also `ratio`, `elements`, "
    "`wavelength` of each file.",
)
@click.option("--label", default="structure_type", show_default=True, help="Its column with the types.")
@click.option("--wavelength", help="Of files that do not tell theirs: Angstrom, or a line such as CuKa.")
@click.option("--ratio", help="Ratio of elements of all compounds, such as AB2 or TiO2.")
@click.option("--elements", help="Elements of all compounds, such as Zn,S.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(
    model: Path,
    folder: Path,
    labels: str | None,
    label: str,
    wavelength: str | None,
    ratio: str | None,
    elements: str | None,
    as_json: bool,
) -> None:
    """Tell the structure type of each measured pattern of FOLDER, and score the answers where types are known.

    MODEL is a file that train.union made, or the folder of a run with one.
    """
    from xafsflow.findings.record import to_json
    from xafsflow.steps.ingest.measured_patterns import patterns as read
    from xafsflow.steps.judge.measured_answers import patterns as judge

    known = _union(model)
    grid = known.signature.values
    names = sorted(one.name for one in folder.iterdir() if _may_be_pattern(one, labels))
    spectra = read(
        folder,
        files=names,
        table=labels,
        wavelength=wavelength,
        at=known.signature.wavelength or "CuKa",
        span=(float(grid[0]), float(grid[-1])),
        step=float(round(grid[1] - grid[0], 9)),
    )
    split = None if elements is None else [one for one in elements.replace(",", " ").split() if one]
    found = judge(spectra, known, label=label if labels else None, ratio=ratio, elements=split)
    click.echo(json.dumps(to_json(found), indent=1) if as_json else _lines(found))


def _may_be_pattern(path: Path, labels: str | None) -> bool:
    return path.is_file() and path.suffix[1:].lower() in ENDS and path.name != labels


def _union(path: Path) -> Model:
    from xafsflow.errors import InputError
    from xafsflow.learning.models.model import read_model

    if path.is_dir():
        models = [read_model(one).load() for one in sorted((path / "models").glob("*.npz"))]
        unions = [one for one in models if one.learner == "union"]
        if len(unions) != 1:
            found = f"{len(unions)} models of structure types in {path / 'models'}"
            raise InputError(found, "one", "name the file of the model")
        return unions[0]
    return read_model(path).load()


def _lines(found: PatternAnswers) -> str:
    """A table for people, and the score."""
    rows = [("file", "answer", "vote", "also possible", "")]
    for one in found.answers:
        answer = "none of these" if one.unlike else one.answer
        others = [name for name in one.possible if name != one.answer]
        told = ["two types?"] * one.mixed + ([_mark(one)] if one.truth else [])
        rows.append((one.name, answer, f"{one.vote:.2f}", ", ".join(others), "; ".join(told)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    ]
    if found.labelled:
        lines.append(
            f"{found.labelled} of known types: {found.top1:.1%} right, {found.top3:.1%} among the first three, "
            f"{found.in_set:.1%} among the possible ones"
        )
    if found.unknown_labelled:
        lines.append(
            f"{found.unknown_labelled} of types that the model does not know: {found.refused:.1%} answered with none "
            "of these"
        )
    return "\n".join(lines)


def _mark(one: PatternAnswer) -> str:
    return "right" if one.truth == one.answer and not one.unlike else f"is {one.truth}"
