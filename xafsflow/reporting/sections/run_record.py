"""The report's section on how the run was made: steps with their settings, times, inputs with digests, versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from xafsflow.provenance import known_history
from xafsflow.reporting.panel import Cell, Content, Items, Panel, Table
from xafsflow.reporting.plain_values import plain_content
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import duration, number

# What a run's record holds under these names has a place of its own; everything else is listed after it.
PLACED = ("name", "recipe", "timings", "inputs", "versions", "peak_memory_mb", "steps", "warnings", "state")


@section("run_record", title="How it was made", order=900, of="run")
def run_record(part: Part) -> Iterator[Block]:
    """Steps and settings, inputs, times, versions, and the recipe."""
    run = part.run
    steps, timings = run.get("steps") or known_history(part.maps.maps), run.get("timings")
    if isinstance(steps, Sequence) and steps:
        yield Panel("Steps and settings", content=_steps(steps))
    if run.get("inputs"):
        yield Panel("Inputs", content=plain_content(run["inputs"]))
    if isinstance(timings, Mapping) and timings:
        yield Panel("Time", content=_timings(timings), notes=[_memory(run)], small=True)
    if run.get("versions"):
        yield Panel("Versions", content=plain_content(run["versions"]), small=True)
    rest = {key: value for key, value in run.items() if key not in PLACED}
    if rest:
        yield Panel("Also recorded", content=plain_content(rest), small=True)
    if run.get("recipe"):
        yield Panel("Recipe", folded=("The recipe as run", str(run["recipe"])))


def _steps(steps: Sequence[Mapping[str, object]]) -> Table:
    rows: list[tuple[Content, ...]] = []
    for i, one in enumerate(steps, start=1):
        name, entry, settings = str(one["step"]), str(one.get("entry", one["step"])), one.get("settings")
        shown: Content = Cell("defaults", quiet=True)
        if isinstance(settings, Mapping) and settings:
            shown = Items([_setting(str(key), value) for key, value in settings.items()])
        rows.append((str(i), Cell(name, code=True, remark="" if entry == name else f"as {entry}"), shown))
    return Table(["", "step", "settings"], rows, numeric=[0])


def _setting(key: str, value: object) -> Cell:
    return Cell(f"{key}: {value if isinstance(value, str) else json.dumps(value, default=str)}", code=True)


def _timings(timings: Mapping[str, float]) -> Table:
    longest, total = max(timings.values()), sum(timings.values())
    rows = [
        (Cell(step, code=True), duration(s), Cell(share=s / longest if longest > 0 else 0.0))
        for step, s in timings.items()
    ]
    rows.append((Cell("together", bold=True), duration(total), Cell()))
    return Table([], rows, numeric=[1])


def _memory(run: Mapping[str, object]) -> str:
    memory = run.get("peak_memory_mb")
    return f"Peak memory {number(round(memory))} MB." if isinstance(memory, int | float) else ""
