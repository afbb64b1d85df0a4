"""Which entry takes what from which entry, and whether everything is there in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from xafsflow.findings.run_findings import RESERVED
from xafsflow.missing_variables import SIMULATED, can_give, how_to_get
from xafsflow.pipeline.entries import AS, USE, PlannedStep, Sources
from xafsflow.step_table import PRODUCTS, STEPS, Step
from xafsflow.vocabulary import nearest, variable_of

# Made by the run itself: the maps of any cube, and what the entries so far have found
RUN_MAKES = {"maps": "cube", "findings": "data", "run": "data"}
# Stands for the maker of a product that is missing, so that it is reported once
UNKNOWN = ""


def order(plan: Sequence[PlannedStep | None], problems: list[str]) -> tuple[PlannedStep, ...]:
    """The plan with the sources of every entry; every product and variable must come from an entry before.

    Parameters
    ----------
    plan
        The entries; None for what is no step at all, behind which nothing is checked.
    problems
        Gets one line for each problem; what is missing is reported once.
    """
    checked = _Order([planned.entry for planned in plan if planned is not None], problems)
    found = list[PlannedStep]()
    for index, planned in enumerate(plan):
        if planned is None:
            return tuple(found)  # nobody knows what it would have made
        found.append(replace(planned, sources=checked.add(planned, f"steps.{index}")))
    checked.refuse_lost_maps()
    return tuple(found)


class _Order:
    """The entries so far: what they made, and which variables their cubes have."""

    def __init__(self, names: Sequence[str], problems: list[str]) -> None:
        self.names, self.problems = names, problems
        self.entries: dict[str, PlannedStep] = {}
        self.paths: dict[str, str] = {}
        self.made: dict[str, list[str]] = {}
        # Variables that are stored under a label
        self.labelled: dict[str, set[str]] = {}
        # By the entry that made the cube; None where nobody knows
        self.variables: dict[str, set[str] | None] = {UNKNOWN: None}

    def add(self, planned: PlannedStep, path: str) -> Sources:
        """What the entry takes from where; afterwards the others know of it."""
        self._check_name(planned, path)
        sources = self._sources(planned, path)
        self._check_variables(planned, sources, f"{planned.mark}: {path}: found {planned.step.name}")
        self.entries[planned.entry], self.paths[planned.entry] = replace(planned, sources=sources), path
        for kind in planned.step.makes:
            self.made.setdefault(kind, []).append(planned.entry)
        if "cube" in planned.step.makes:
            self.variables[planned.entry] = self._variables_after(planned, sources)
        if sources.label is not None:
            self.labelled.setdefault(sources.label, set()).update(planned.maps)
        return sources

    def _check_name(self, planned: PlannedStep, path: str) -> None:
        if planned.label is None:
            return
        place = f"{planned.marks[AS]}: {path}.{AS}: found the name {planned.label!r}"
        if planned.entry in self.entries:
            first = self.entries[planned.entry].mark.line
            self.problems.append(f"{place} again (first at line {first}); expected: a name for each entry")
        if planned.entry in RESERVED:
            self.problems.append(f"{place}; expected: another name: findings and timings have this one")
        for name in sorted(planned.maps):
            other = variable_of(f"{name}_{planned.label}")
            if other != name:
                self.problems.append(
                    f"{place}, and {name}_{planned.label} would mean {other}; do: choose another name"
                )

    def _sources(self, planned: PlannedStep, path: str) -> Sources:
        row = planned.step
        wanted = {product: RUN_MAKES.get(product, product) for product in row.takes}
        chosen, labels = self._used(planned, set(wanted.values()), path)
        for product, kind in wanted.items():
            if kind == "data" or kind in chosen:
                continue
            if kind not in self.made:
                if product in row.optional:
                    continue
                self.problems.append(
                    f"{planned.mark}: {path}: found {row.name}, which takes the {product}, and no step before it "
                    f"makes the {kind}; do: put {_makers(kind)} before it"
                )
                self.made[kind] = [UNKNOWN]
            chosen[kind] = self.made[kind][-1]
        return Sources(chosen, tuple(labels), self._label(planned, labels, path))

    def _label(self, planned: PlannedStep, labels: Sequence[str], path: str) -> str | None:
        """What is made of the maps with a label gets it, too, where the entry has none of its own."""
        if not planned.maps:
            return None
        if planned.label is None and len(labels) > 1:
            self.problems.append(
                f"{planned.marks[USE]}: {path}.{USE}: found the maps of {' and '.join(labels)}; "
                f"expected: a name for what is made of both; do: write `{AS}: <name>` beside it"
            )
        return planned.label or (labels[0] if labels else None)

    def _used(self, planned: PlannedStep, wanted: set[str], path: str) -> tuple[dict[str, str], list[str]]:
        """What `use` chooses: kinds of products with their entry, and entries whose labelled variables are needed."""
        chosen, labels, seen = dict[str, str](), list[str](), set[str]()
        needs = set(planned.step.filled(planned.step.needs, planned.settings))
        for name in planned.use:
            place, other = f"{planned.marks[USE]}: {path}.{USE}: found {name!r}", self.entries.get(name)
            if other is None:
                late = (
                    ", which stands behind it"
                    if name in self.names
                    else ", which no entry before it is called"
                )
                self.problems.append(f"{place}{late}{nearest(name, self.entries)}; {self._choices(wanted)}")
                continue
            # A labelled entry lends its maps to the cube as it is; another one may lend its cube
            own = self.labelled.get(name, set())
            kinds = {kind for kind in other.step.makes if kind in wanted and not (kind == "cube" and own)}
            serves = bool(own & needs) and ("cube" not in planned.step.makes or bool(planned.maps))
            if not kinds and not serves:
                makes = " and ".join(sorted(own) or other.step.makes)
                self.problems.append(
                    f"{place}, which makes {makes}, and {planned.step.name} does not take that; {self._choices(wanted)}"
                )
            elif kinds & set(chosen) or (serves and own & seen):
                both = ", ".join(sorted(kinds & set(chosen) or own & seen))
                self.problems.append(f"{place} and another entry that makes {both}; expected: one of them")
            chosen |= dict.fromkeys(kinds, name)
            if serves:
                labels.append(name)
                seen |= own
        return chosen, labels

    def _choices(self, wanted: Iterable[str]) -> str:
        kinds = sorted(set(wanted) - {"data"})
        names = [name for name, one in self.entries.items() if set(kinds) & set(one.step.makes)]
        return f"expected: an entry before it that makes {' or '.join(kinds)}: {', '.join(names) or 'there is none'}"

    def _check_variables(self, planned: PlannedStep, sources: Sources, place: str) -> None:
        variables = self.variables.get(sources.products.get("cube", UNKNOWN))
        if "cube" not in planned.step.takes or variables is None:
            return
        seen = self._seen(sources)
        for name in planned.step.filled(planned.step.needs, planned.settings):
            if name not in variables and name not in seen:
                self.problems.append(
                    f"{place}, which needs the variable {name}, {self._givers(name, variables, planned, sources)}"
                )
                variables.add(name)

    def _seen(self, sources: Sources) -> set[str]:
        """Variables that an entry sees under their plain names."""
        return {name for label in sources.labels for name in self.labelled[label]}

    def _variables_after(self, planned: PlannedStep, sources: Sources) -> set[str] | None:
        if "cube" not in planned.step.takes:
            # What a file holds is known when it is opened.
            before: set[str] | None = set() if planned.step.gives else None
        else:
            before = self.variables[sources.products["cube"]]
        if before is None:
            return None
        gives = set(planned.step.filled(planned.step.gives, planned.settings, before))
        gives |= set(planned.step.holds(planned.settings))
        if sources.label is None:
            return before | gives
        return before | (gives - planned.maps) | {f"{name}_{sources.label}" for name in planned.maps}

    def _opened(self, sources: Sources) -> dict[str, Step]:
        """The entries that a cube began with."""
        cube = sources.products.get("cube", UNKNOWN)
        while cube in self.entries and "cube" in self.entries[cube].sources.products:
            cube = self.entries[cube].sources.products["cube"]
        opened = self.entries.get(cube)
        return {} if opened is None else {f"{cube} (line {opened.mark.line})": opened.step}

    def _givers(self, name: str, variables: set[str], planned: PlannedStep, sources: Sources) -> str:
        """What to do about a variable that is not there."""
        labels = [label for label, names in self.labelled.items() if name in names]
        if labels:
            return f"which {labels[-1]} gives; do: write `{USE}: {labels[-1]}` beside its settings"
        if can_give(name, STEPS):
            do = how_to_get(name, planned.entry, variables, self._opened(sources), STEPS)
            return f"and no step before it gives it; do: {do}"
        there = ", ".join(sorted(variables)) or "none"
        return f"which no step gives{nearest(name, variables)}; the variables so far: {there}"

    def refuse_lost_maps(self) -> None:
        """Maps are stored of the last cube: results of another one would be lost."""
        chain, cube = set[str](), self.made.get("cube", [UNKNOWN])[-1]
        last = cube
        while cube in self.entries and cube not in chain:
            chain.add(cube)
            cube = self.entries[cube].sources.products.get("cube", UNKNOWN)
        for name, planned in self.entries.items():
            results = "cube" in planned.step.makes and planned.step.station in ("classify", "judge")
            used = planned.sources.products.get("cube") if "maps" in planned.step.takes else None
            if (results and name not in chain) or (used is not None and used not in chain | {UNKNOWN}):
                self.problems.append(
                    f"{planned.mark}: {self.paths[name]}: found {name} on another cube than that of {last}; "
                    "expected: maps of one cube, the last; do: put the steps of that cube last, or in another recipe"
                )


def _makers(product: str) -> str:
    rows = [row.name for row in STEPS.values() if product in row.makes and product not in row.takes]
    # A simulation is no cure for a measurement
    found = sorted(name for name in rows if not name.startswith(SIMULATED)) or sorted(rows)
    return " or ".join(found) or f"a step that makes the {product} ({PRODUCTS[product]})"
