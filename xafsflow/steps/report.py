"""What people look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import xarray as xr
from pydantic import Field

from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import FitFindings
from xafsflow.learning.models.model import Model, StoredModel, stored
from xafsflow.learning.samples.mixtures import class_names
from xafsflow.step_table import step

if TYPE_CHECKING:
    from xafsflow.report.model_view import ModelView


@step(makes="page")
def page(
    maps: xr.Dataset,
    model: Model | StoredModel | None,
    findings: RunFindings,
    run: Path,
    /,
    *,
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9 _.-]*\.html$")] = "report.html",
) -> Path:
    """Write one self-contained HTML file: maps, spectra, scores, settings, versions and warnings.

    Parameters
    ----------
    name
        File in the run folder, ending in .html.

    Returns
    -------
    Path
        The file.
    """
    from xafsflow.report.page import build_page

    views = {} if model is None else _views(stored(model).load(), findings)
    record = Path(run) / "run.json"
    content = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return build_page(maps, views, findings, content, Path(run) / name)


def _views(known: Model, findings: RunFindings) -> dict[str, ModelView]:
    """What the report shows of a model of references or classes, by the entry that trained it."""
    from xafsflow.report.model_view import ModelView

    targets = known.targets
    if targets.spectrum_axis is None or targets.spectra is None:
        return {}
    scores = findings.of(FitFindings).items()
    own = ((entry, score) for entry, score in scores if score.classifier == known.learner)
    entry, score = next(own, ("", None))
    view = ModelView(
        references=targets.names,
        class_names=class_names(targets.names, targets.shares),
        compositions=targets.shares,
        axis=known.signature.axis,
        energy=known.signature.values,
        feature_name=known.signature.variable,
        reference_energy=targets.spectrum_axis,
        reference_norm=targets.spectra,
        importances=known.importances,
        confusion=None if score is None else score.confusion.astype(float),
        accuracy=None if score is None else score.accuracy,
        classifier=known.learner,
    )
    return {entry: view}
