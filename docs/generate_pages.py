"""Pages made from the code when the site is built: one for each station, one for each room, the schema of recipes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import mkdocs_gen_files

from xafsflow.pipeline.plan import table
from xafsflow.pipeline.recipe_schema import recipe_schema
from xafsflow.pipeline.setting_types import describe_type
from xafsflow.readable_steps import readable_names
from xafsflow.step_table import Step

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "xafsflow"


def write(name: str, *lines: str) -> None:
    """Write one page."""
    with mkdocs_gen_files.open(name, "w") as page:
        page.write("\n".join(lines) + "\n")


def first_sentence(path: Path) -> str:
    """The first line of a module's docstring."""
    found = re.search(r'"""(.*?)(?:\n|""")', path.read_text(encoding="utf-8"))
    return found.group(1) if found else ""


def of_step(step: Step) -> Iterator[str]:
    """What the table says of a step, before its documentation."""
    yield f"## `{step.name}` {{ #{step.name} }}"
    yield ""
    yield f"{', '.join(step.takes) or 'nothing'} → {', '.join(step.makes)}"
    for word, names in (("needs", step.needs), ("gives", step.gives)):
        if names:
            yield f"<br>{word} " + ", ".join(readable_names(names))
    yield ""
    if step.settings:
        yield "| setting | type | default |"
        yield "|---|---|---|"
        for name, parameter in step.settings.items():
            default = "required" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
            kind = describe_type(step.types[name]).replace("|", "\\|")
            yield f"| `{name}` | {kind} | {default} |"
        yield ""
    function = inspect.unwrap(step.function)
    yield f"::: {function.__module__}.{function.__qualname__}"
    yield "    options: {heading_level: 3, show_root_heading: false, show_root_toc_entry: false}"
    yield ""


def stations() -> None:
    """One page a station, and the table of all steps."""
    steps = table()
    names = list(dict.fromkeys(step.station for step in steps.values()))
    overview = ["# Steps", "", "The way of the data, from files to a report.", ""]
    for station in names:
        mine = [step for step in steps.values() if step.station == station]
        write(f"steps/{station}.md", f"# {station}", "", *(line for step in mine for line in of_step(step)))
        overview += [f"## [{station}]({station}.md)", "", "| step | |", "|---|---|"]
        overview += [f"| [`{step.name}`]({station}.md#{step.name}) | {step.summary} |" for step in mine]
        overview.append("")
    write("steps/index.md", *overview)
    write("steps/SUMMARY.md", "* [All steps](index.md)", *(f"* [{name}]({name}.md)" for name in names))


def rooms() -> None:
    """One page a room of the package."""
    overview, summary = ["# Reference", "", "| room | |", "|---|---|"], ["* [Rooms](index.md)"]
    folders = [path.parent for path in sorted(PACKAGE.rglob("__init__.py")) if path.parent != PACKAGE]
    for folder in folders:
        modules = sorted(path for path in folder.glob("*.py") if not path.name.startswith("__"))
        if not modules or folder.relative_to(PACKAGE).parts[0] == "steps":
            continue
        room = ".".join(folder.relative_to(PACKAGE).parts)
        page = [f"# xafsflow.{room}", "", first_sentence(folder / "__init__.py"), ""]
        for path in modules:
            page += [f"::: xafsflow.{room}.{path.stem}", ""]
        write(f"reference/{room}.md", *page)
        overview.append(f"| [{room}]({room}.md) | {first_sentence(folder / '__init__.py')} |")
        summary.append(f"* [{room}]({room}.md)")
    top = [path for path in sorted(PACKAGE.glob("*.py")) if not path.name.startswith("__")]
    write("reference/package.md", "# xafsflow", "", *(f"::: xafsflow.{path.stem}\n" for path in top))
    overview.append("| [top](package.md) | the vocabulary, errors, the table of steps |")
    summary.append("* [top](package.md)")
    write("reference/index.md", *overview)
    write("reference/SUMMARY.md", *summary)


def copies() -> None:
    """Pages whose text stands at the top of the project; links into the repository become plain text."""
    for name, source in (
        ("index.md", "README.md"),
        ("contributing.md", "CONTRIBUTING.md"),
        ("changelog.md", "CHANGELOG.md"),
    ):
        text = (ROOT / source).read_text(encoding="utf-8")
        text = re.sub(r"!\[[^\]]*\]\((?!http)[^)]*\)\n?", "", text)
        text = re.sub(r"(?<!!)\[([^\]]+)\]\((?!http|#)[^)]*\)", r"\1", text)
        write(name, text)


def schema() -> None:
    """The JSON Schema of recipes."""
    write("recipe-schema.json", json.dumps(recipe_schema(), indent=1))


stations()
rooms()
copies()
schema()
