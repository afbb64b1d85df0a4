from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from xafsflow.findings.calibrate_findings import CheckFindings, EdgeOverField, PixelCounts
from xafsflow.findings.overall_verdict import Reservation, Verdict
from xafsflow.findings.record import Finding
from xafsflow.findings.run_findings import RunFindings
from xafsflow.reporting.page import build_page
from xafsflow.vocabulary import Flag

RUN = {
    "name": "particle <b>7</b>",
    "versions": {"xafsflow": "0.1.0", "numpy": "2.4.6"},
    "timings": {"ingest.tiff_stack": 1.5, "train.fit": 12.0},
    "inputs": [{"path": "<script>alert(1)</script>.xdi", "sha256": "ab" * 32}],
    "peak_memory_mb": 912.4,
    "recipe": "recipe: 1\nsteps:\n  - correct.absorbance\n",
    "seed": 4711,
}
WARNED = RunFindings(warnings=["lamp <off> & on"])


EVERY_TITLE = """Chemical-state map; RGB map of the fractions; Classes; Mean composition; Fraction: Fe
Fraction: Fe2O3; Share of votes; Distance: euclidean; Distance: jensen shannon; Edge step; Edge energy E0
Energy shift; E0 where the sample is; Flags; Fe; FeO; What the classifier looks at; Confusion of all classes
Confusion of the dominant reference; Most frequent classes; Inputs; Time; Versions
Recipe""".replace("\n", "; ").split("; ")
EVERY_NUMBER = """9 x 12 pixels; 99.1 % of the pixels have an answer; 41 energies; 80.0 % of held-out; 912 MB
13.5 s; 4711""".replace("\n", "; ").split("; ")


VOID = ("meta", "link", "br", "hr", "img", "input")


class Page(HTMLParser):
    """A page taken apart; it fails on what is not closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(self.source)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.stack[-1:] != ["style"] else ""

    def titles(self) -> list[str]:
        return re.findall(r"<h3>([^<]*)</h3>", self.source)


def few(maps: xr.Dataset) -> xr.Dataset:
    """Less to draw."""
    return maps[["fraction", "class_index", "flags", "e0"]]


def check_self_contained(page: Page) -> None:
    assert not re.search(r"https?://", page.source.replace('xmlns="http://www.w3.org/2000/svg"', ""))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "base", "img"}
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        target = attrs.get("href")
        if target is not None:
            assert target.startswith("data:image/png;base64,") if tag == "image" else target[1:] in ids
        assert attrs.get("popovertarget", ids[0]) in ids
        assert not [key for key in attrs if key.startswith("on")]
    for clip in re.findall(r"url\(#([^)]+)\)", page.source):
        assert clip in ids


@pytest.fixture(scope="module")
def full(make, tmp_path_factory) -> Page:
    maps, view = make()
    return Page(
        build_page(maps, {"train.fit": view}, WARNED, RUN, tmp_path_factory.mktemp("run") / "report.html")
    )


def test_build_page__is_well_formed_and_refers_to_nothing_outside(full: Page) -> None:
    check_self_contained(full)


def test_build_page__shows_every_section_that_the_maps_allow(full: Page) -> None:
    titles = full.titles()
    for title in EVERY_TITLE:
        assert title in titles, title


def test_build_page__states_the_numbers(full: Page, make) -> None:
    maps, _ = make()
    for mean in np.nanmean(maps.fraction.values.astype(float), axis=(1, 2)):
        assert f"{100 * mean:.1f} %" in full.text
    for text in [*EVERY_NUMBER, "ab" * 32]:
        assert text in full.text, text


def test_build_page__escapes_what_others_wrote(full: Page) -> None:
    assert "<script" not in full.source
    assert "<script>alert(1)</script>.xdi" in full.text
    assert "particle <b>7</b>" in full.text
    assert "lamp <off> & on" in full.text


def test_build_page__puts_warnings_before_the_first_map(full: Page) -> None:
    assert full.source.index("1 warning") < full.source.index("<svg")


def test_build_page__tells_blind_readers_what_is_to_be_seen(full: Page) -> None:
    drawn = [attrs for tag, attrs in full.tags if tag == "svg" and attrs.get("role") == "img"]
    assert len(drawn) > 10
    assert all(attrs["aria-label"] for attrs in drawn)


def test_build_page__follows_the_theme_of_the_reader(full: Page) -> None:
    assert "#010203" not in full.source
    assert "currentColor" in full.source


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2)])
def test_build_page__works_at_any_shape(make, tmp_path: Path, shape: tuple[int, int]) -> None:
    maps, view = make(shape)
    maps = few(maps)
    page = Page(build_page(maps, {"fit": view}, RunFindings(), {}, tmp_path / "report.html"))
    check_self_contained(page)
    assert f"{shape[0]:,} x {shape[1]:,} pixels" in page.text
    assert ("Shown stretched" in page.text) == (max(shape) > 8 * min(shape))


@pytest.mark.parametrize("references", [("Fe",), ("Fe", "FeO"), tuple("abcdefghijkl")])
def test_build_page__works_with_any_number_of_references(
    make, tmp_path: Path, references: tuple[str, ...]
) -> None:
    maps, view = make((4, 5), references, 1.0)
    maps = few(maps)
    page = Page(build_page(maps, {"fit": view}, RunFindings(), {}, tmp_path / "report.html"))
    check_self_contained(page)
    assert ("RGB map of the fractions" in page.titles()) == (len(references) > 1)


NASTY = (
    "<script>alert('1')</script>",
    'a/b & "c" $x$ _^{2}',
    "../..\\\n日本語 𝛼",
    "data:image/png;base64,AA http://x.y",
)


def test_build_page__survives_nasty_names(make, tmp_path: Path) -> None:
    maps, view = make((4, 5), NASTY, 0.5)
    run = {"name": "bytes \udcff", "inputs": {"http://evil.example/": "x"}}
    page = Page(build_page(maps, {"fit": view}, RunFindings(), run, tmp_path / "report.html"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert NASTY[0] in page.text
    assert "日本語 𝛼" in page.text
    assert r"bytes \udcff" in page.text
    assert {attrs["href"][:22] for tag, attrs in page.tags if tag == "image"} == {"data:image/png;base64,"}


def test_build_page__works_where_nothing_is_finite(make, tmp_path: Path) -> None:
    maps, view = make()
    for name in maps.data_vars:
        if maps[name].dtype.kind == "f":
            maps[name][:] = np.nan
    maps["class_index"][:] = -1
    page = Page(build_page(maps, {"fit": view}, RunFindings(), {}, tmp_path / "report.html"))
    check_self_contained(page)
    assert "No pixel has an answer" in page.text
    assert "No pixel has a value." in page.text


def test_build_page__works_where_every_pixel_is_flagged(make, tmp_path: Path) -> None:
    maps, view = make()
    maps = few(maps)
    maps["flags"][:] = int(sum(Flag))
    page = Page(build_page(maps, {"fit": view}, RunFindings(), {}, tmp_path / "report.html"))
    assert "in doubt" in page.text
    assert page.text.count("108") >= len(Flag)


def test_build_page__has_only_the_sections_of_what_is_there(tmp_path: Path) -> None:
    maps = xr.Dataset(
        {"edge_step": (("y", "x"), np.ones((4, 6))), "my_map": (("y", "x"), np.arange(24).reshape(4, 6))}
    )
    page = Page(build_page(maps, {}, RunFindings(), {}, tmp_path / "report.html"))
    check_self_contained(page)
    assert page.titles() == ["Edge step", "my_map"]
    assert "No warnings." in page.text


def test_build_page__begins_with_the_verdict_in_words(tmp_path: Path) -> None:
    maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((4, 6)))})
    told = (
        Reservation("misfit", "the fits leave <more> than noise explains", "refusal"),
        Reservation("noise_check", "the data scatter"),
    )
    verdict = Verdict("do not use", "Do not use this answer: all.", told, ("the energies (calibrate.check)",))
    page = Page(build_page(maps, {}, RunFindings(verdict=verdict), {}, tmp_path / "report.html"))
    check_self_contained(page)
    order = (
        "Do not use",
        "The fits leave <more> than noise explains.",
        "The data scatter.",
        "This map has 4 x 6",
    )
    places = [page.text.index(one) for one in order]
    assert places == sorted(places)
    assert "Not tested in this run: the energies (calibrate.check)." in page.text
    assert "No warnings." not in page.text


def test_build_page__says_what_an_answer_that_holds_rests_on(tmp_path: Path) -> None:
    maps = xr.Dataset({"edge_step": (("y", "x"), np.ones((4, 6)))})
    verdict = Verdict("answer holds", "The answer holds: chi-square 1.01.", (), ())
    page = Page(build_page(maps, {}, RunFindings(verdict=verdict), {}, tmp_path / "report.html"))
    assert page.text.index("The answer holds: chi-square 1.01.") < page.text.index("This map has")
    assert "No warnings." in page.text
    assert "Not tested" not in page.text


def test_build_page__works_with_classes_alone(tmp_path: Path) -> None:
    maps = xr.Dataset({"class_index": (("y", "x"), np.array([[0, 1, -1], [2, 2, 2]]))})
    page = Page(build_page(maps, {}, RunFindings(), {}, tmp_path / "report.html"))
    assert page.titles() == ["Class map"]
    assert "class 2" in page.source


def test_build_page__shows_large_maps_reduced_and_says_so(make, tmp_path: Path) -> None:
    maps, view = make((2500, 40))
    maps = few(maps)
    path = build_page(maps.chunk({"y": 500}), {"fit": view}, RunFindings(), {}, tmp_path / "report.html")
    page = Page(path)
    assert "each dot is the most frequent category of 3 x 3 pixels" in page.text
    assert "each dot is the mean of 4 x 4 pixels" in page.text
    assert max(int(float(attrs["height"])) for tag, attrs in page.tags if tag == "image") <= 1200
    assert path.stat().st_size < 15e6


def test_build_page__has_a_scale_bar_in_micrometers_or_pixels(make, tmp_path: Path) -> None:
    maps, _ = make((20, 160))
    maps = few(maps)
    assert ">10 µm<" in Page(build_page(maps, {}, RunFindings(), {}, tmp_path / "a.html")).source
    del maps.attrs["pixel_size_um"]
    assert ">50 pixels<" in Page(build_page(maps, {}, RunFindings(), {}, tmp_path / "b.html")).source


def test_build_page__is_the_same_every_time_and_leaves_the_maps_as_they_are(make, tmp_path: Path) -> None:
    maps, view = make((3, 4))
    maps = few(maps)
    before = maps.copy(deep=True)
    pages = [
        build_page(maps, {"train.fit": view}, WARNED, RUN, tmp_path / name).read_bytes()
        for name in ("a.html", "b.html")
    ]
    assert pages[0] == pages[1]
    xr.testing.assert_identical(maps, before)


def test_build_page__shows_measured_means_without_a_model(make, tmp_path: Path) -> None:
    maps, _ = make()
    page = Page(build_page(maps[["e0", "mean_norm"]], {}, RunFindings(), {}, tmp_path / "report.html"))
    assert page.titles() == ["Fe", "FeO", "Fe2O3", "Edge energy E0", "Steps and settings"]
    assert "residual" not in page.text


def test_build_page__shows_the_entries_of_the_recipe(tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((2, 3)))})
    steps = [
        {"entry": "correct.absorbance", "step": "correct.absorbance", "settings": {}, "uses": {}},
        {"entry": "smooth", "step": "correct.average", "settings": {"window": 3, "note": "<b>"}, "uses": {}},
    ]
    page = Page(build_page(maps, {}, RunFindings(), {"steps": steps}, tmp_path / "report.html"))
    for text in ("correct.average", "as smooth", "window: 3", "note: <b>", "defaults"):
        assert text in page.text


def test_build_page__says_where_no_accuracy_was_measured(make, tmp_path: Path) -> None:
    maps, view = make((3, 4))
    untested = replace(view, accuracy=None, confusion=None, importances=None)
    page = Page(build_page(few(maps), {"fit": untested}, RunFindings(), {}, tmp_path / "report.html"))
    assert "was not tested on held-out spectra" in page.text


def test_build_page__has_the_verdict_on_top_and_every_section(make, judged, trusted, tmp_path: Path) -> None:
    maps, view = make()
    judged.warnings.append("the lamp was off")
    models = {"train.fit": view}
    path = build_page(trusted(maps), models, judged, {}, tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    check_self_contained(Page(path))
    top = text[text.index("<header") : text.index("</header>")]
    assert top.index("the lamp was off") < top.index("Fe2O3 + Fe3O4 suffices") < top.index("This map has")
    assert "The simple classifier nearest class is better than random forest" in top
    for heading in (
        "Are the references the right ones?",
        "What is missing",
        "Which candidates can be in the sample at all",
        "How many components",
        "Trust",
        "Regions",
        "Which energies matter",
    ):
        assert f">{heading}</h2>" in text, heading


def test_build_page__has_neither_verdict_nor_its_section_where_none_was_given(tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((2, 3)))})
    text = build_page(maps, {}, RunFindings(), {}, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "blockquote" not in text
    assert 'id="reference_choice"' not in text


def check(shift: float) -> CheckFindings:
    field = EdgeOverField(np.full((2, 2), shift), shift, 0.01, abs(shift), 0.0, 0.1, 0.0, 0.1)
    return CheckFindings(("Fe",), 0.01, PixelCounts(6, 0, 0, 0), field, field)


def test_build_page__shows_every_entry_of_a_step_under_its_name(tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((2, 3)))})
    found = RunFindings({"calibrate.check": check(1.25), "second_check": check(0.125)})
    page = Page(build_page(maps, {}, found, {}, tmp_path / "report.html"))
    check_self_contained(page)
    assert page.text.index("calibrate.check") < page.text.index("1.2 ±") < page.text.index("second_check")
    assert "0.12 ±" in page.text
    assert "As a share of the edge step" not in page.text
    assert "as a share of the edge step." in page.text  # what the field `misfit` means


def test_build_page__shows_the_maps_of_a_label_in_the_same_section(make, tmp_path: Path) -> None:
    maps, view = make((5, 6))
    maps = few(maps)
    other = maps.fraction.copy(data=maps.fraction.values[::-1])
    maps["fraction_lda"] = other.assign_attrs(label="lda", variable="fraction")
    maps["class_index_lda"] = maps.class_index.assign_attrs(label="lda", variable="class_index")
    used = (("classify.model", "fit"), ("lda", "linear"))
    steps = [
        {"entry": entry, "step": "classify.model", "settings": {}, "uses": {"model": model}}
        for entry, model in used
    ]
    models = {"fit": view, "linear": replace(view, class_names=[f"other {i}" for i in range(15)])}
    page = Page(build_page(maps, models, RunFindings(), {"steps": steps}, tmp_path / "report.html"))
    check_self_contained(page)
    titles = page.titles()
    assert titles.count("Fraction: Fe") == titles.count("Chemical-state map") == 2
    assert page.source.count('<h3 class="part">lda</h3>') >= 2
    assert page.source.count('<h3 class="part">linear</h3>') == 1
    assert page.text.index("class 1") < page.text.index("other 1")
    assert titles.count("Confusion of all classes") == 2


@dataclass(frozen=True, eq=False)
class Strange(Finding):
    """Of a step that names no section.

    Parameters
    ----------
    depth
        How deep it is, nm.
    """

    depth: float


def test_build_page__shows_findings_without_a_section_as_a_table(tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((2, 3)))})
    found = RunFindings({"my.step": Strange(12.5)})
    page = Page(build_page(maps, {}, found, {}, tmp_path / "report.html"))
    for text in ("Further results", "my.step", "depth", "12.5", "How deep it is, nm."):
        assert text in page.text


def test_build_page__takes_maps_of_diffraction_patterns(make, tmp_path: Path) -> None:
    maps, view = make((3, 4))
    maps = maps[["fraction", "class_index", "flags", "mean_norm"]].rename(energy="two_theta")
    page = Page(
        build_page(
            maps, {"fit": replace(view, axis="two_theta")}, RunFindings(), {}, tmp_path / "report.html"
        )
    )
    check_self_contained(page)
    assert "a spectrum of 41 values from 7000 to 7200 degree" in page.text
    assert "2θ (degree)" in page.source
    assert "energy (eV)" not in page.source
