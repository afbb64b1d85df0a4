"""Links in a folder that xafsflow writes to: refused, and what they lead to stays as it was."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.store import write_cube, write_maps

BEHIND = "a link to .*. Expected a folder without links.*. "


def content_of(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def put_behind(path: Path, place: Path) -> Path:
    """Move what is at a path elsewhere and leave a link to it, or link to a folder of somebody; where it leads to."""
    if path.exists():
        path.rename(place)
    else:
        place.mkdir()
        (place / "notes.txt").write_text("of somebody")
    path.symlink_to(place)
    return place


def unfinished(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"state": "unfinished"}))


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        "maps.zarr", "cube.zarr", "cube.zarr/sample", "cube.zarr/sample/c/0", "maps.zarr/fraction/c/0/0/0", "recipe.yaml",
        "maps.zarr.partial", "maps.zarr.partial.bands", "models",
    ],
)  # fmt: skip
@pytest.mark.parametrize("fresh", [[], ["--fresh"]], ids=["resumed", "fresh"])
def test_a_run_with_a_link_in_its_folder__is_refused(
    own_run: Path, tmp_path: Path, call: Any, run_words: Any, name: str, fresh: list[str]
) -> None:
    unfinished(own_run)
    put_behind(own_run / name, tmp_path / "somebodys")
    before = content_of(tmp_path)
    result = call(*run_words(own_run), *fresh)
    assert result.exit_code == 2, result.output
    assert f"{own_run / name}, a link to {tmp_path / 'somebodys'}" in result.stderr
    assert content_of(tmp_path) == before


def test_repair__does_not_write_through_a_link(own_run: Path, tmp_path: Path, call: Any) -> None:
    file = own_run / "maps.zarr" / "fraction" / "c" / "0" / "1" / "0"
    file.write_bytes(file.read_bytes()[:-1] + random.Random(0).randbytes(1))
    put_behind(own_run / "maps.zarr", tmp_path / "somebodys")
    before = content_of(tmp_path)
    result = call("verify", own_run, "--repair")
    assert result.exit_code == 2, result.output
    assert f"{own_run / 'maps.zarr'}, a link to" in result.stderr
    assert content_of(tmp_path) == before


@pytest.mark.parametrize("name", ["maps.zarr", "report.html"])
def test_a_report_written_again__is_refused_where_there_is_a_link(
    own_run: Path, tmp_path: Path, call: Any, name: str
) -> None:
    put_behind(own_run / name, tmp_path / "somebodys")
    before = content_of(tmp_path)
    result = call("report", own_run)
    assert result.exit_code == 2, result.output
    assert f"{own_run / name}, a link to" in result.stderr
    assert content_of(tmp_path) == before


@pytest.mark.long
def test_the_folder_that_a_user_names__may_be_a_link(
    own_run: Path, undisturbed: Path, tmp_path: Path, call: Any, run_words: Any, digest: Any
) -> None:
    link = tmp_path / "link"
    link.symlink_to(own_run)
    assert call("report", link).exit_code == 0
    (own_run / "maps.zarr" / "fraction" / "c" / "0" / "1" / "0").unlink()
    assert call("verify", link, "--repair").exit_code == 0
    shutil.rmtree(own_run / "maps.zarr")
    unfinished(own_run)
    result = call(*run_words(link))
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(own_run / "report.html")
    assert link.is_symlink()
    assert digest(own_run) == digest(undisturbed)


def test_an_export_beside_a_run__is_not_written_through_a_link(
    own_run: Path, tmp_path: Path, call: Any
) -> None:
    (tmp_path / "somebodys").mkdir()
    own_run.with_name("run-csv").symlink_to(tmp_path / "somebodys")
    result = call("export", own_run, "--to", "csv")
    assert result.exit_code == 2, result.output
    assert "run-csv, a link to" in result.stderr
    assert not list((tmp_path / "somebodys").iterdir())
    # Where the user names it, it is meant.
    assert call("export", own_run, "--to", "csv", "--out", tmp_path / "run-csv").exit_code == 0


@pytest.mark.parametrize("name", ["store.partial", "store.partial.bands", "store"])
def test_what_is_stored_from_python__does_not_go_through_links_either(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / "nowhere")
    maps = xr.Dataset({"e0": (("y", "x"), np.zeros((8, 8), np.float32))})
    cube = xr.Dataset(
        {"sample": (("energy", "y", "x"), np.zeros((3, 8, 8), np.uint16))}, {"energy": np.arange(3.0)}
    )
    with pytest.raises(InputError, match=BEHIND):
        write_maps(maps, tmp_path / "store")
    with pytest.raises(InputError, match=BEHIND):
        write_cube(cube, tmp_path / "store", tile=8)
    assert [path.name for path in tmp_path.iterdir()] == [name]
