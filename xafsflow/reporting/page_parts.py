"""What a run has for each section of its report: by label of the maps, by entry of the recipe, by model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypedDict, cast

import xarray as xr

from xafsflow.findings.record import Finding
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import RegressionFindings
from xafsflow.reporting.map_views import MapView
from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.plain_values import finding_table
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import PROPERTY, SECTIONS, Block, Part, Section
from xafsflow.reporting.wording import capitalized, readable
from xafsflow.step_table import STEPS

Parts = Iterator[Part]
# What a part has where the run has no image.
NO_MAPS = MapView("", xr.Dataset(), frozenset())


class RecordedStep(TypedDict):
    """A step in `run.json`: the name of its entry and its own, and the entries whose products it took, by kind."""

    entry: str
    step: str
    settings: dict[str, object]
    uses: dict[str, str]


@dataclass(frozen=True, eq=False)
class ReportInput:
    """What a page is made of: the maps by label, the models by entry, what the steps found, and `run.json`."""

    views: Sequence[MapView]
    models: Mapping[str, ModelView]
    findings: RunFindings
    run: Mapping[str, object]

    @property
    def first(self) -> MapView:
        """The first of the maps, or none."""
        return self.views[0] if self.views else NO_MAPS

    def model_of(self, view: MapView) -> ModelView | None:
        """The model that classified the maps of a label, as the run's record says; else the only one that fits them."""
        entry = self._entry_of_model(view)
        if entry is not None:
            return self.models.get(entry)
        fitting = [model for model in self.models.values() if fits(model, view)]
        return fitting[0] if len(fitting) == 1 else None

    def regression_of(self, view: MapView) -> RegressionFindings | None:
        """What the training found of the model whose properties the maps of a label are; as `model_of`."""
        wanted = {
            name: one
            for name, one in self.findings.entries.items()
            if isinstance(one, RegressionFindings)
            and {PROPERTY + name for name in one.properties} <= view.variables
        }
        entry = self._entry_of_model(view)
        if entry is not None:
            return wanted.get(entry)
        return next(iter(wanted.values())) if len(wanted) == 1 else None

    def _entry_of_model(self, view: MapView) -> str | None:
        """The entry whose model made the maps of a label; None where the run's record does not say."""
        for one in cast(Sequence[RecordedStep], self.run.get("steps", ())):
            # Without `as` an entry is called like its step, and its maps have no label.
            named = one["entry"] == view.label or (not view.label and one["entry"].startswith(one["step"]))
            if named and "class_index" in STEPS[one["step"]].gives:
                return one["uses"].get("model", "")
        return None


def fits(model: ModelView, view: MapView) -> bool:
    """Whether a model can have made maps: the same references, and no more classes than it has."""
    facts = view.facts
    return facts.references in ((), tuple(model.references)) and facts.classes.size <= len(model.class_names)


def section_of(finding: Finding) -> str | None:
    """The section that the step names which finds this; None where it names none, or one that does not exist."""
    named = next((one.section for one in STEPS.values() if one.finds is type(finding)), None)
    return named if named in SECTIONS else None


def parts_of(section: Section, given: ReportInput) -> Parts:
    """The parts of a section, one for each label of its maps, entry, or model that there is."""
    return _BY[section.of](section, given)


def blocks_of(section: Section, part: Part) -> Iterator[Block]:
    """What a section shows of a part, then in a closed table what else was found."""
    yield from section.show(part)
    finding = part.finding
    if finding is not None and {one.name for one in fields(finding)} > set(section.drawn):
        yield Panel("All other findings", content=finding_table(finding, section.drawn), closed=True)


def _of_entries(section: Section, given: ReportInput) -> Parts:
    entries = {name: one for name, one in given.findings.entries.items() if section_of(one) == section.name}
    labels = {view.label for view in given.views}
    unlabelled = iter([name for name in entries if name not in labels])
    for view in given.views:
        variables = {name: style for name, style in section.maps.items() if name in view.variables}
        something = bool(variables) or not view.variables.isdisjoint(section.reads)
        name = view.label or (next(unlabelled, "") if something else "")
        if something or name in entries:
            yield Part(name, view, variables, entries.get(name), given.model_of(view))
    model = given.model_of(given.views[0]) if given.views else None
    for name in unlabelled:
        yield Part(name, given.first, {}, entries[name], model)


def _of_models(section: Section, given: ReportInput) -> Parts:
    entries = {name: one for name, one in given.findings.entries.items() if section_of(one) == section.name}
    for name in dict.fromkeys([*given.models, *entries]):
        yield Part(name, given.first, {}, entries.get(name), given.models.get(name))


def _of_properties(section: Section, given: ReportInput) -> Parts:
    for view in given.views:
        names = [layer.variable for layer in view.layers if layer.variable in view.variables]
        styles = {name: _property_style(name) for name in names if name.startswith(PROPERTY)}
        if styles:
            yield Part(view.label, view, styles, given.regression_of(view))


def _property_style(variable: str) -> MapStyle:
    return MapStyle(capitalized(readable(variable.removeprefix(PROPERTY))))


def _of_rest(section: Section, given: ReportInput) -> Parts:
    """Maps and findings that no other section shows."""
    shown = {variable for one in SECTIONS.values() for variable in one.maps}
    for view in given.views:
        rest = {
            layer.variable: MapStyle()
            for layer in view.layers
            if layer.variable in view.variables - shown and not layer.variable.startswith(PROPERTY)
        }
        if rest:
            yield Part(view.label, view, rest)
    for name, one in given.findings.entries.items():
        if section_of(one) is None:
            yield Part(name, given.first, {}, one)


def _of_run(section: Section, given: ReportInput) -> Parts:
    yield Part("", given.first, run=given.run)


_BY: Mapping[str, Callable[[Section, ReportInput], Parts]] = {
    "entry": _of_entries,
    "model": _of_models,
    "property": _of_properties,
    "rest": _of_rest,
    "run": _of_run,
}
