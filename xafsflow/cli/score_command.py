"""`xafsflow score`: what a model of structure types says of a folder of measured patterns."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xafsflow.cli.shared_options import LOCAL_PATH

if TYPE_CHECKING:
    from xafsflow.findings.union_findings import PatternAnswer, PatternAnswers
    from xafsflow.io.folders import Folders
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
    "`wavelength` of each file. Files without a line are left out.",
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
    from xafsflow.errors import InputError, XafsflowWarning
    from xafsflow.findings.record import to_json
    from xafsflow.io.folders import Folders
    from xafsflow.steps.ingest.measured_patterns import patterns as read
    from xafsflow.steps.judge.measured_answers import patterns as judge

    known = _union(model)
    grid, light = known.signature.values, known.signature.wavelength
    if light is None:
        raise InputError("a model that tells no wavelength", "one that train.union made", "train it again")
    names = _files(Folders.of(folder), labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XafsflowWarning)
        spectra = read(
            folder,
            files=names,
            table=labels,
            wavelength=wavelength,
            at=light,
            span=(float(grid[0]), float(grid[-1])),
            step=float(round(grid[1] - grid[0], 9)),
        )
    for one in caught:
        click.echo(f"xafsflow: warning: {one.message}", err=True)
    split = None if elements is None else [one for one in elements.replace(",", " ").split() if one]
    found = judge(spectra, known, label=label if labels else None, ratio=ratio, elements=split)
    click.echo(json.dumps(to_json(found), indent=1) if as_json else _lines(found))


def _files(folders: Folders, labels: str | None) -> list[str]:
    """The files of a folder that are patterns by their ending; with a table, those that have a line there."""
    from xafsflow.errors import InputError
    from xafsflow.io.readers.libraries.library_table import read_columns
    from xafsflow.io.readers.patterns.pattern_labels import FILE, line_of

    found = [
        one.name
        for one in sorted(folders.data.iterdir())
        if one.is_file() and one.suffix[1:].lower() in ENDS and one.name != labels
    ]
    if labels is not None:
        table = folders.resolve(labels)
        columns = read_columns(table)
        if FILE not in columns:
            raise InputError(
                f"{table} with the columns {', '.join(columns)}", f"a column `{FILE}`", "add or rename it"
            )
        lines = {str(name): row for row, name in enumerate(columns[FILE])}
        found += [name for name in lines if "/" in name and (folders.data / name).is_file()]
        others = [name for name in found if line_of(name, lines) is None]
        if others:
            text = f"left out, without a line in {labels}: {', '.join(others)}"
            click.echo(f"xafsflow: warning: {text}", err=True)
        found = [name for name in found if name not in others]
    if not found:
        endings = ", ".join(f".{one}" for one in ENDS)
        lined = "" if labels is None else f" and a line in {labels}"
        raise InputError(f"no pattern in {folders.data}", f"files that end with one of {endings}{lined}")
    return found


def _union(path: Path) -> Model:
    """The union in a file, or the only one of a run."""
    from xafsflow.errors import InputError
    from xafsflow.learning.models.model import read_model
    from xafsflow.learning.union.judged_patterns import union_in

    if path.is_dir():
        models = [read_model(one).load() for one in sorted((path / "models").glob("*.npz"))]
        unions = [one for one in models if one.learner == "union"]
        if len(unions) != 1:
            raise InputError(
                f"{len(unions)} models of structure types in {path / 'models'}",
                "one",
                "name the file of the model",
            )
        return unions[0]
    found = read_model(path).load()
    union_in(found)
    return found


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
    """Whether what is shown is right."""
    right = not one.known if one.unlike else one.answer == one.truth
    return "right" if right and one.known else f"{'right, ' * right}is {one.truth}"
