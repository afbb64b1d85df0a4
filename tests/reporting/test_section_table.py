"""The table of the report's sections: one function is enough for another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from xafsflow.findings.record import Finding
from xafsflow.findings.run_findings import RunFindings
from xafsflow.reporting.page import build_page
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.scalar_maps import MapStyle
from xafsflow.reporting.section_table import SECTIONS, Block, Part, section, sections_in_order
from xafsflow.step_table import STEPS


@dataclass(frozen=True, eq=False)
class ThicknessFindings(Finding):
    """What a step finds of a sample's thickness.

    Parameters
    ----------
    mean
        Over the pixels, um.
    error
        Of the mean, um.
    """

    mean: float
    error: float


@pytest.fixture
def _one_more_section(monkeypatch) -> None:
    sections_in_order()
    monkeypatch.setattr("xafsflow.reporting.section_table.SECTIONS", SECTIONS)
    monkeypatch.setitem(SECTIONS, "thickness", None)
    del SECTIONS["thickness"]

    @section(
        "thickness",
        title="Thickness",
        order=15,
        maps={"thickness": MapStyle("Thickness of the sample", hint="Thick samples absorb more.")},
        drawn=["mean"],
    )
    def thickness(part: Part) -> Iterator[Block]:
        yield from part.map_pictures()
        if isinstance(part.finding, ThicknessFindings):
            yield Panel("Mean thickness", lead=f"{part.finding.mean:g} µm")

    step = replace(
        STEPS["derive.noise"], name="derive.thickness", finds=ThicknessFindings, section="thickness"
    )
    monkeypatch.setitem(STEPS, "derive.thickness", step)


@pytest.mark.usefixtures("_one_more_section")
def test_section__is_one_function_that_takes_findings_and_maps(tmp_path: Path) -> None:
    maps = xr.Dataset({name: (("y", "x"), np.ones((3, 4))) for name in ("thickness", "e0", "lcf_shift")})
    found = RunFindings({"derive.thickness": ThicknessFindings(12.5, 0.25)})
    text = build_page(maps, {}, found, {}, tmp_path / "report.html").read_text(encoding="utf-8")
    order = (
        "Thickness</h2>",
        "Thick samples absorb more",
        "12.5 µm",
        "Of the mean, um.",
        "(LCF)</h2>",
        "Edge</h2>",
    )
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    assert "Further results" not in text


def test_sections__are_files_of_their_name() -> None:
    import xafsflow.reporting.sections as folder

    files = {path.stem for path in Path(folder.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(SECTIONS)


def test_section__refuses_the_name_or_the_maps_of_another() -> None:
    with pytest.raises(ValueError, match="section lcf"):
        section("lcf", title="Mine", order=1)(lambda part: iter(()))
    with pytest.raises(ValueError, match="section mine"):
        section("mine", title="Mine", order=1, maps={"e0": MapStyle()})(lambda part: iter(()))


def test_steps__name_sections_that_exist() -> None:
    named = {step.section for step in STEPS.values() if step.section is not None}
    assert named <= set(SECTIONS)
