"""How a run was made, as HTML: the steps with their settings, times, inputs with digests, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from xafsflow.provenance import known_history
from xafsflow.report.markup import Html, bar, el, join, table, value
from xafsflow.report.wording import duration, number

# What a run's record holds under these names has a place of its own; everything else is listed after it.
PLACED = ("name", "recipe", "timings", "inputs", "versions", "peak_memory_mb", "steps", "warnings", "state")
# Findings that have a picture or a table of their own, by step.
SHOWN: dict[str, tuple[str, ...]] = {
    "train.fit": ("confusion", "importances", "reliability", "controls", "better"),
    "train.select": ("energies", "permutation", "impurity", "curve", "suggested", "verdict"),
    "derive.clusters": ("sizes", "shares", "energy", "mean_norm", "linkage", "leaves", "quality_by_number"),
    "judge.components": (
        "energy",
        "eigenvalues",
        "noise_floor",
        "explained",
        "cumulative",
        "indicator",
        "residual_mean",
        "residual_rms",
    ),
    "judge.target": ("energy", "candidates", "spectra_shown", "left_out"),
    "judge.reference_sets": (
        "verdict",
        "sets",
        "regions",
        "region_map",
        "near_duplicates",
        "left_out",
        "superfluous",
        "missing",
    ),
    "judge.missing": (
        "verdict",
        "ranking",
        "energy",
        "mean_spectrum",
        "mean_fit",
        "mean_residual",
        "mean_noise",
    ),
}


def record(maps: xr.Dataset, run: Mapping[str, Any]) -> Html:
    """The sheets of the last section.

    Parameters
    ----------
    maps
        Their history is read where the run does not list its steps.
    run
        As in `run.json`: `steps` (list of step and settings), `recipe` (text), `timings` (step to seconds),
        `inputs`, `versions`, `peak_memory_mb`, and anything else.
    """
    small: list[Html] = []
    if run.get("timings"):
        small.append(_sheet("Time", _timings(run["timings"]), _memory(run)))
    if run.get("versions"):
        small.append(_sheet("Versions", value(run["versions"])))
    rest = {key: item for key, item in run.items() if key not in PLACED}
    if rest:
        small.append(_sheet("Also recorded", value(rest)))
    parts: list[object] = []
    steps = run.get("steps") or known_history(maps)
    if steps:
        parts.append(_sheet("Steps and settings", _steps(steps)))
    if run.get("inputs"):
        parts.append(_sheet("Inputs", value(run["inputs"])))
    if small:
        parts.append(el("div", *small, class_="sheets"))
    if run.get("recipe"):
        text = (
            run["recipe"]
            if isinstance(run["recipe"], str)
            else json.dumps(run["recipe"], indent=1, default=str)
        )
        parts.append(_sheet("Recipe", el("details", el("summary", "The recipe as run"), el("pre", text))))
    return join(parts)


def _sheet(title: str, *children: object) -> Html:
    return el("div", el("h3", title), *children, class_="sheet")


def _steps(steps: list[Any]) -> Html:
    rows = []
    for i, item in enumerate(steps, start=1):
        if not isinstance(item, Mapping):
            rows.append((i, el("code", item), ""))
            continue
        settings = item.get("settings") or {}
        shown = value(settings)
        if isinstance(settings, Mapping):
            shown = (
                join([_setting(key, found) for key, found in settings.items()])
                if settings
                else el("span", "defaults", class_="quiet")
            )
        rows.append((i, el("code", item.get("step", "")), shown))
    return table(["", "step", "settings"], rows, numeric=[0], class_="wide")


def _setting(key: object, found: Any) -> Html:
    return el(
        "span",
        el("i", f"{key} "),
        el("code", found if isinstance(found, str) else json.dumps(found, default=str)),
        " ",
        class_="setting",
    )


def _timings(timings: Any) -> Html:
    known = isinstance(timings, Mapping) and all(isinstance(s, int | float) for s in timings.values())
    if not known:
        return value(timings)
    longest, total = max(timings.values()), sum(timings.values())
    rows = [
        (
            el("code", step),
            Html(duration(s)),
            bar(s / longest if longest > 0 else 0),
        )
        for step, s in timings.items()
    ]
    rows.append((el("b", "together"), el("b", duration(total)), Html()))
    body = (el("tr", el("td", a), el("td", b, class_="n"), el("td", c, class_="room")) for a, b, c in rows)
    return el("div", el("table", *body, class_="wide"), class_="scroll")


def _memory(run: Mapping[str, Any]) -> Html | None:
    memory = run.get("peak_memory_mb")
    if not isinstance(memory, int | float):
        return None
    return el("p", f"Peak memory {number(round(memory))} MB.", class_="quiet")


def findings_sheets(findings: Mapping[str, Any]) -> Html:
    """What each step found, whatever it is; nothing where no step found anything.

    Parameters
    ----------
    findings
        By step. `warnings` is left out: it stands on top of the page. So are the lists and tables that the page shows as a
        picture or a table of their own (`SHOWN`, and whatever is called `map`); `findings.json` has all.
    """
    sheets = []
    for name, found in findings.items():
        rest = _not_shown(name, found)
        if name != "warnings" and rest not in (None, {}, []):
            sheets.append(el("div", el("h3", el("code", name)), value(rest), class_="sheet"))
    if not sheets:
        return Html()
    note = el("p", "What is shown above is not repeated; findings.json holds everything.", class_="intro")
    return join([note, el("div", *sheets, class_="sheets")])


def _not_shown(step: str, found: Any) -> Any:
    """What of a step's findings stands nowhere else on the page."""
    if not isinstance(found, Mapping):
        return found
    shown = SHOWN.get(step, ())
    return {key: _without_maps(one) for key, one in found.items() if key != "map" and key not in shown}


def _without_maps(found: Any) -> Any:
    """What stands there in numbers and words; maps are drawn as pictures."""
    if not isinstance(found, Mapping):
        return found
    return {key: _without_maps(one) for key, one in found.items() if key != "map"}
