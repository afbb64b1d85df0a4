"""What people look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import xarray as xr
from pydantic import Field

from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import FitFindings
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.learning.models.model import Model, StoredModel, read_model, stored
from xafsflow.step_table import step

if TYPE_CHECKING:
    from xafsflow.reporting.model_view import ModelView


@step(makes="page")
def page(
    maps: xr.Dataset | None,
    model: Model | StoredModel | None,
    findings: RunFindings,
    run: Path,
    /,
    *,
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9 _.-]*\.html$")] = "report.html",
) -> Path:
    """Write one self-contained HTML file: maps, spectra, scores, settings, versions and warnings.

    A run without an image, such as one that learns from a library of spectra, has a report of its findings alone.

    Parameters
    ----------
    name
        File in the run folder, ending in .html.

    Returns
    -------
    Path
        The file.
    """
    from xafsflow.reporting.page import build_page

    record = Path(run) / "run.json"
    content = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return build_page(maps, _models(model, findings, Path(run)), findings, content, Path(run) / name)


def _models(model: Model | StoredModel | None, findings: RunFindings, run: Path) -> dict[str, ModelView]:
    """What the report shows of the models of a run, and of the given one if it is another, by the entry that trained it."""
    from xafsflow.reporting.model_view import model_view
    from xafsflow.reporting.summary import UNION

    fits, unions = findings.of(FitFindings), findings.of(UnionFindings)
    scores: dict[str, FitFindings | UnionFindings] = {**fits, **unions}
    files = {path.stem: path for path in sorted((run / "models").glob("*.npz"))}
    in_order = sorted(files, key=[*scores, *files].index)
    given = {entry: read_model(files[entry]) for entry in in_order}
    if model is not None and stored(model) not in given.values():
        known = stored(model)
        learner = known.load().learner
        trained = (
            entry
            for entry, score in scores.items()
            if (score.classifier if isinstance(score, FitFindings) else UNION) == learner
        )
        given[next(trained, "model")] = known
    views = {entry: model_view(one.load(), scores.get(entry)) for entry, one in given.items()}
    return {entry: view for entry, view in views.items() if view is not None}
