from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.io.folders import Folders, natural_key


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    data, references = tmp_path / "data", tmp_path / "references"
    (data / "sample").mkdir(parents=True)
    references.mkdir()
    for name in ("img_10.tif", "img_9.tif", "img_1.tif", "._img_1.tif", "scan[1].tif", "notes.txt"):
        (data / "sample" / name).touch()
    (data / "energies.csv").touch()
    (references / "Fe_metal.xdi").touch()
    (references / "FeO.xdi").touch()
    (tmp_path / "secret.csv").touch()
    return Folders(data, references)


def test_resolve__finds_files_of_both_folders(folders: Folders) -> None:
    assert folders.resolve("energies.csv") == folders.data / "energies.csv"
    assert folders.resolve("sample/../energies.csv").is_file()
    assert folders.resolve("references:FeO.xdi") == folders.references / "FeO.xdi"  # type: ignore[operator]


def test_glob__sorts_by_number_and_leaves_hidden_files_out(folders: Folders) -> None:
    assert [path.name for path in folders.glob("sample/*.tif")] == [
        "img_1.tif",
        "img_9.tif",
        "img_10.tif",
        "scan[1].tif",
    ]
    assert [path.name for path in folders.glob("sample/._*")] == ["._img_1.tif"]
    assert len(folders.glob("**/*.tif")) == 4
    assert [path.name for path in folders.glob("references:*.xdi")] == ["FeO.xdi", "Fe_metal.xdi"]


def test_glob__takes_a_name_as_it_stands_where_such_a_file_exists(folders: Folders) -> None:
    assert folders.glob("energies.csv") == (folders.data / "energies.csv",)
    assert [path.name for path in folders.glob("sample/scan[1].tif")] == ["scan[1].tif"]


@pytest.mark.parametrize(
    "name",
    [
        "../secret.csv",
        "sample/../../secret.csv",
        "/etc/passwd",
        "references:../secret.csv",
        "references:/etc/passwd",
        "*/../../secret.csv",
        "../*.csv",
        "/etc/*",
        "link/hosts",
        "link/*",
        "leak.csv",
        "leak*",
    ],
)
def test_folders__refuse_a_path_that_leaves_them(folders: Folders, name: str) -> None:
    (folders.data / "link").symlink_to("/etc")
    (folders.data / "leak.csv").symlink_to(folders.data.parent / "secret.csv")
    with pytest.raises(InputError, match="leaves"):
        folders.glob(name)
    if "*" not in name:
        with pytest.raises(InputError, match="leaves"):
            folders.resolve(name)


def test_folders__refuse_an_absolute_path_even_where_it_leads_inside(folders: Folders) -> None:
    with pytest.raises(InputError, match="leaves"):
        folders.resolve(str(folders.data / "energies.csv"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("energie.csv", r"no file 'energie.csv' in .*did you mean 'energies\.csv'"),
        ("references:fe_metall.xdi", r"did you mean 'Fe_metal\.xdi'"),
        ("sampel/img_1.tif", "did you mean 'sample'"),
        ("zzz", "holds energies.csv, sample"),
        ("sample", r"a folder 'sample' in .*Name its files, such as sample/\*"),
    ],
)
def test_resolve__names_what_is_near_a_missing_file(folders: Folders, name: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        folders.resolve(name)


def test_glob__names_what_is_near_where_nothing_matches(folders: Folders) -> None:
    with pytest.raises(InputError, match=r"no file 'sampel/\*\.tif' in .*did you mean 'sample'"):
        folders.glob("sampel/*.tif")


@pytest.mark.parametrize("name", ["", " ", "references:", "a\0b", "x" * 5000, "a\0*"])
def test_folders__refuse_what_is_no_name(folders: Folders, name: str) -> None:
    for call in (folders.resolve, folders.glob):
        with pytest.raises(InputError):
            call(name)


def test_folders__refuse_a_ring_of_links(folders: Folders) -> None:
    (folders.data / "ring").symlink_to(folders.data / "ring")
    with pytest.raises(InputError):
        folders.resolve("ring")


def test_of__takes_paths_and_folders(folders: Folders) -> None:
    assert Folders.of(folders) is folders
    assert Folders.of(folders.data) == Folders.of(str(folders.data)) == Folders(folders.data)
    with pytest.raises(InputError, match="Add --references DIR"):
        Folders.of(folders.data).resolve("references:FeO.xdi")
    with pytest.raises(InputError, match=r"no folder .*dta.*Check --data \(did you mean 'data'"):
        Folders.of(folders.data.parent / "dta")
    with pytest.raises(InputError, match="Check --references"):
        Folders(folders.data, folders.data / "nowhere" / "else")


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1))
def test_natural_key__orders_by_number(numbers: list[int]) -> None:
    names = [f"a_{number}_b.tif" for number in numbers]
    assert sorted(names, key=natural_key) == [f"a_{number}_b.tif" for number in sorted(numbers)]


@given(st.text(max_size=20) | st.text("./*?[]~:\\a", max_size=12))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_folders__give_a_file_inside_or_an_input_error(folders: Folders, name: str) -> None:
    for call in (folders.glob, lambda text: (folders.resolve(text),)):
        try:
            files = call(name)
        except InputError:
            continue
        assert all(path.resolve().is_relative_to(folders.data.resolve()) and path.is_file() for path in files)
