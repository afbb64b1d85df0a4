"""Catalogs: every problem with its line, nothing written, and no traceback whatever the bytes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.campaign import catalog
from xafsflow.campaign.catalog import CatalogError, read_catalog
from xafsflow.errors import InputError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    for name in ("scan_2", "scan_10", "refs", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").write_text("not a folder")
    return tmp_path


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "catalog.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        read_catalog(write(folder, text))
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_csv__gives_names_folders_and_overrides(archive: Path) -> None:
    text = '\ufeffname, data,references,train.fit.trees,train.mixtures.span\nA,scan_2,refs,10,"[1, 2]"\n\nB,scan_10,,,\n'
    one, two = read_catalog(write(archive, text))
    assert (one.name, one.data, one.references, one.line) == ("A", archive / "scan_2", archive / "refs", 2)
    assert one.overrides == (("train.fit.trees", "10"), ("train.mixtures.span", "[1, 2]"))
    assert (two.name, two.references, two.overrides, two.line) == ("B", None, (), 4)


def test_references__of_the_command_stand_where_the_catalog_has_none(archive: Path) -> None:
    path = write(archive, "name,data,references\nA,scan_2,refs\nB,scan_10,\n")
    assert [one.references for one in read_catalog(path, archive / "scan_2")] == [
        archive / "refs",
        archive / "scan_2",
    ]


def test_an_absolute_path__may_lie_anywhere(archive: Path) -> None:
    (archive / "lists").mkdir()
    [one] = read_catalog(write(archive / "lists", f"name,data\nA,{archive / 'scan_2'}\n"))
    assert one.data == archive / "scan_2"


def test_all_problems__are_told_at_once_each_with_its_line(archive: Path) -> None:
    outside = archive / "lists"
    outside.mkdir()
    (outside / "link").symlink_to(archive / "scan_2")
    (outside / "in").mkdir()
    (outside / "file").write_text("")
    text = "name,data\nA,in\na,in\nB,..\nC,link\nD,inn\nE,file\n../F,in\n,in\nG,\nH,in,x\nA,in\nI,a\0b\n"
    told = problems(outside, text)
    assert [line.split(": Found")[0] for line in told] == [
        "catalog.csv:4: data",
        "catalog.csv:5: data",
        "catalog.csv:6: data",
        "catalog.csv:7: data",
        "catalog.csv:10: data",
        "catalog.csv:11",
        "catalog.csv:13: data",
        "catalog.csv:3: name",
        "catalog.csv:8: name",
        "catalog.csv:9: name",
        "catalog.csv:12: name",
    ]
    assert "did you mean 'in'" in told[2]
    assert "like 'A', of line 2" in told[7]
    assert "which leaves" in told[0]
    assert "which leaves" in told[1]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("name,dta", "Found the column 'dta' (did you mean 'data'?)"),
        ("name;data", "Found the column 'name;data'"),
        ("name,data,trees", "station.step.setting"),
        ("name,data,data", "'data' 2 times"),
        ("name", "Found no column 'data'"),
        ("name,data,train.fit.", "Found the column 'train.fit.'"),
        ("name,data,train.fit#0.trees", "Found the column"),
        ("name,data,", "Found the column ''"),
    ],
)
def test_columns__are_known_ones(archive: Path, header: str, wanted: str) -> None:
    assert any(wanted in line for line in problems(archive, f"{header}\nA,scan_2\n"))


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".a",
        "a/b",
        "a\\b",
        "a.",
        "-a",
        "a\nb",
        "x" * 101,
        "日" * 70,
        "a:b",
        "a*b",
        "a<b",
        " ",
        "\u202ea",
    ],
)
def test_names__that_are_no_folder_names_are_refused(archive: Path, name: str) -> None:
    assert any(": name: Found" in line for line in problems(archive, f'name,data\n"{name}",scan_2\n'))


@pytest.mark.parametrize("name", ["A", "Probe 7 (100 K)", "2026-11-20_a+b=c", "Größe", "鉄", "a.b,c"])
def test_names__of_many_kinds_are_taken(archive: Path, name: str) -> None:
    [one] = read_catalog(write(archive, f'name,data\n"{name}",scan_2\n'))
    assert one.name == name


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "Found no header"),
        ("\n\n", "Found no header"),
        ("name,data\n", "Found no measurement"),
        ('name,data\n"A,scan_2\n', "not CSV"),
        ('name,data\n"A"x,scan_2\n', "not CSV"),
    ],
)
def test_text_that_is_no_catalog__is_refused(archive: Path, text: str, wanted: str) -> None:
    assert any(wanted in line for line in problems(archive, text))


def test_size_and_lines__are_limited(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(archive, "name,data\n" + "".join(f"n{i},scan_2\n" for i in range(30)))
    monkeypatch.setattr(catalog, "MAX_LINES", 20)
    with pytest.raises(CatalogError, match="at most 20"):
        read_catalog(path)
    monkeypatch.setattr(catalog, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="at most 100"):
        read_catalog(path)


def test_many_problems__end_with_how_many_more(archive: Path) -> None:
    told = problems(archive, "name,data\n" + "".join(f"n{i},none\n" for i in range(60)))
    assert len(told) == 51
    assert told[-1] == "and 10 more problems"


def test_pattern__takes_folders_in_natural_order(archive: Path) -> None:
    found = read_catalog(f"{archive}/scan_*", leave_out=archive / "none")
    assert [(one.name, one.line, one.references) for one in found] == [
        ("scan_2", 1, None),
        ("scan_10", 2, None),
    ]


def test_pattern__leaves_out_files_hidden_folders_and_the_batch(archive: Path) -> None:
    assert [one.name for one in read_catalog(f"{archive}/*", leave_out=archive / "refs")] == [
        "scan_2",
        "scan_10",
    ]


def test_pattern__joins_its_varying_parts(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (archive / "scan_2" / "Fe").mkdir()
    (archive / "scan_10" / "Fe").mkdir()
    monkeypatch.chdir(archive)
    assert [one.name for one in read_catalog("./scan_*/Fe")] == ["scan_2_Fe", "scan_10_Fe"]


@pytest.mark.parametrize(
    ("where", "do"), [("", '/*"'), ("/none.csv", "check the path"), ("/x*", "pattern"), ("/notes*", "files")]
)
def test_a_place_without_catalog__is_told(archive: Path, where: str, do: str) -> None:
    with pytest.raises(InputError) as caught:
        read_catalog(f"{archive}{where}")
    assert do in caught.value.action


def test_a_missing_folder_of_references__is_told(archive: Path) -> None:
    with pytest.raises(InputError, match="Check --references"):
        read_catalog(f"{archive}/*", archive / "none")


CELLS = st.one_of(
    st.sampled_from(
        ["name", "data", "references", "a.b.c", "scan_2", "..", "/", "", '"', "\0", "a" * 300, "~", "\r"]
    ),
    st.text(max_size=20),
)
TEXTS = st.lists(st.lists(CELLS, max_size=5).map(",".join), max_size=8).map(lambda rows: "\n".join(rows))


@given(
    content=st.one_of(
        st.binary(max_size=200),
        TEXTS.map(lambda t: t.encode("utf-8", "surrogatepass")),
        TEXTS.map(lambda t: b"name,data\n" + t.encode("utf-8", "surrogatepass")),
    )
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes__are_a_catalog_or_an_input_error(archive: Path, content: bytes) -> None:
    path = write(archive, content)
    before = sorted(os.listdir(archive))
    try:
        found = read_catalog(path)
    except InputError:
        pass
    else:
        assert found
        assert len({one.name.casefold() for one in found}) == len(found)
        assert all(one.data.is_dir() and Path(one.name).name == one.name for one in found)
    assert sorted(os.listdir(archive)) == before


@given(pattern=st.text(st.characters(codec=None, exclude_categories=()), max_size=30))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_pattern__is_a_catalog_or_an_input_error(archive: Path, pattern: str) -> None:
    inside = pattern.replace("/", "").replace("..", "")
    with contextlib.suppress(InputError):
        assert read_catalog(f"{archive}/{inside}")
