"""Chunks that are damaged on disk: found, named, never read as if they were whole, and computed again bit for bit."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xafsflow.errors import ComputationError, InputError
from xafsflow.pipeline.execution import report_again
from xafsflow.pipeline.repair import repair
from xafsflow.store import open_cube, open_maps, write_cube, write_maps
from xafsflow.store.verify import damages

pytestmark = pytest.mark.long


def flip(file: Path, chance: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    file.write_bytes(content)


def cut(file: Path, chance: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: chance.randrange(file.stat().st_size)])


def zero(file: Path, chance: random.Random) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def lose(file: Path, chance: random.Random) -> None:
    file.unlink()


DAMAGE: tuple[Callable[[Path, random.Random], None], ...] = (flip, cut, zero, lose)


def chunks_of(run: Path) -> list[Path]:
    return sorted(p for p in run.glob("*.zarr/*/c*/**/*") if p.is_file()) + sorted(
        p for p in run.glob("*.zarr/*/c") if p.is_file()
    )


def test_every_damaged_chunk__is_found_and_computed_again_bit_for_bit(
    own_run: Path, undisturbed: Path, digest: Any, survived: Any
) -> None:
    chance, found, good = random.Random(1), 0, 0
    every = chunks_of(own_run)
    assert len(every) > 50
    assert not list(damages(own_run))
    for file, damage in zip(every, DAMAGE * len(every), strict=False):
        damage(file, chance)
    told = list(damages(own_run))
    found = len({one.file for one in told} & set(every))
    assert {one.file for one in told} == set(every)
    repair(own_run, told)
    good = sum(f.read_bytes() == (undisturbed / f.relative_to(own_run)).read_bytes() for f in every)
    assert digest(own_run) == digest(undisturbed)
    assert not list(damages(own_run))
    survived("a chunk of cube or maps damaged on disk", len(every), min(found, good))


def test_one_damaged_tile__is_named_with_file_rows_and_columns(own_run: Path) -> None:
    file = own_run / "cube.zarr" / "sample" / "c" / "0" / "2" / "1"
    flip(file, random.Random(0))
    [found] = damages(own_run)
    assert str(found) == (
        "cube.zarr/sample/c/0/2/1: sample, rows 32 to 39, columns 16 to 31: its checksum does not fit"
    )


@pytest.mark.parametrize("name", ["sample", "energy"])
@pytest.mark.parametrize("damage", [cut, lose], ids=["cut", "lost"])
def test_metadata_of_a_variable__are_written_again(
    own_run: Path, undisturbed: Path, digest: Any, name: str, damage: Any
) -> None:
    damage(own_run / "cube.zarr" / name / "zarr.json", random.Random(0))
    told = list(damages(own_run))
    assert [(one.variable, one.place) for one in told] == [(name, ())]
    repair(own_run, told)
    assert digest(own_run) == digest(undisturbed)


def test_metadata_of_all_variables__are_missed_and_not_made_up(own_run: Path) -> None:
    cut(own_run / "maps.zarr" / "zarr.json", random.Random(0))
    told = list(damages(own_run))
    assert [one.variable for one in told] == [""]
    with pytest.raises(InputError, match=r"maps\.zarr/zarr\.json.*--fresh"):
        repair(own_run, told)


@pytest.mark.parametrize("shards", [False, True])
def test_reading__raises_on_every_flipped_bit_at_the_border_of_the_image_too(
    tmp_path: Path, shards: bool
) -> None:
    counts = np.random.default_rng(0).integers(0, 4000, (20, 40, 24)).astype(np.uint16)
    cube = xr.Dataset({"sample": (("energy", "y", "x"), counts)}, {"energy": np.arange(20.0)})
    path = tmp_path / "cube.zarr"
    write_cube(cube.chunk(y=16), path, tile=16, shards=shards)
    chance = random.Random(2)
    for file in sorted(p for p in (path / "sample" / "c").rglob("*") if p.is_file()):
        whole = file.read_bytes()
        for _ in range(5):
            flip(file, chance)
            with pytest.raises((ValueError, RuntimeError)):
                open_cube(path).sample.values  # noqa: B018
            file.write_bytes(whole)


def test_a_lost_chunk_of_fill_values__is_told_from_one_that_was_never_written(tmp_path: Path) -> None:
    cube = xr.Dataset({"e0": (("y", "x"), np.full((40, 24), np.nan, np.float32))})
    write_maps(cube, tmp_path / "maps.zarr")
    assert not list(damages(tmp_path))
    lose(tmp_path / "maps.zarr" / "e0" / "c" / "0" / "0", random.Random(0))
    assert [one.why for one in damages(tmp_path)] == ["missing"]


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_an_interrupted_cube__with_damaged_chunks_ends_with_the_same_bytes(
    tmp_path: Path, damage: Any, shards: bool
) -> None:
    counts = np.random.default_rng(0).integers(0, 4000, (20, 56, 24)).astype(np.uint16)
    cube = xr.Dataset({"sample": (("energy", "y", "x"), counts)}, {"energy": np.arange(20.0)}).chunk(y=16)

    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    for name in ("one", "two"):
        with pytest.raises(KeyboardInterrupt):
            write_cube(cube, tmp_path / name, tile=16, shards=shards, identity="it", progress=stop)
    chance = random.Random(3)
    for file in sorted(p for p in (tmp_path / "two.partial" / "sample" / "c").rglob("*") if p.is_file())[::2]:
        damage(file, chance)
    for name in ("one", "two"):
        write_cube(cube, tmp_path / name, tile=16, shards=shards, identity="it")
    one, two = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in ("one", "two")
    )
    assert one == two


def test_reports_and_exports__name_the_damaged_file(own_run: Path, tmp_path: Path, call: Any) -> None:
    flip(own_run / "maps.zarr" / "fraction" / "c" / "0" / "1" / "0", random.Random(0))
    with pytest.raises(ComputationError, match=r"fraction, rows 16 to 31.*xafsflow verify .* --repair"):
        report_again(own_run)


@pytest.mark.parametrize("kind", ["csv", "tiff", "ome-tiff", "png"])
def test_an_export_of_maps_with_a_missing_chunk__names_it_and_writes_nothing(
    own_run: Path, tmp_path: Path, call: Any, kind: str
) -> None:
    lose(own_run / "maps.zarr" / "fraction" / "c" / "0" / "1" / "0", random.Random(0))
    result = call("export", own_run, "--to", kind, "--out", tmp_path / "out")
    assert result.exit_code == 1, result.output
    assert "maps.zarr/fraction/c/0/1/0: fraction, rows 16 to 31, columns 0 to 43: missing" in result.stderr
    assert f"`xafsflow verify {own_run} --repair`" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", ["fraction/c/0/1/0", "flags/c/0/0", "mean_norm/c/0/0", "reference/c/0", "e0/c"]
)
def test_a_report_of_maps_with_a_missing_chunk__names_it_and_stays_as_it_was(
    own_run: Path, call: Any, name: str
) -> None:
    before = (own_run / "report.html").read_bytes()
    path = own_run / "maps.zarr" / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = call("report", own_run)
    assert result.exit_code == 1, result.output
    assert f"maps.zarr/{name}" in result.stderr
    assert "missing" in result.stderr
    assert f"`xafsflow verify {own_run} --repair`" in result.stderr
    assert (own_run / "report.html").read_bytes() == before
    assert call("verify", own_run, "--repair").exit_code == 0
    assert call("report", own_run).exit_code == 0


def test_a_chunk_that_is_a_link_to_nowhere__is_missing(own_run: Path) -> None:
    file = own_run / "maps.zarr" / "fraction" / "c" / "0" / "1" / "0"
    file.unlink()
    file.symlink_to("nowhere")
    with pytest.raises(ComputationError, match=r"fraction/c/0/1/0: .*missing"):
        open_maps(own_run / "maps.zarr")


def test_a_run_on_a_cube_with_a_missing_chunk__names_it_and_goes_on_when_repaired(
    own_run: Path, call: Any, run_words: Any, digest: Any, undisturbed: Path
) -> None:
    shutil.rmtree(own_run / "maps.zarr")
    record = json.loads((own_run / "run.json").read_text())
    (own_run / "run.json").write_text(json.dumps(record | {"state": "unfinished"}))
    for column in ("1", "2"):
        lose(own_run / "cube.zarr" / "sample" / "c" / "0" / "2" / column, random.Random(0))
    result = call(*run_words(own_run))
    assert result.exit_code == 1, result.output
    assert (
        "cube.zarr/sample/c/0/2/1: sample, rows 32 to 39, columns 16 to 31: missing (and 1 more)"
        in result.stderr
    )
    assert not (own_run / "maps.zarr").exists()
    assert call("verify", own_run, "--repair").exit_code == 0
    assert call(*run_words(own_run)).exit_code == 0
    assert digest(own_run) == digest(undisturbed)


@pytest.mark.parametrize("shards", [False, True])
def test_what_holds_fill_values_only__is_stored_with_every_chunk_and_opens(
    tmp_path: Path, shards: bool
) -> None:
    """Zeros and NaN in variables, coordinates and numbers for the scan as a whole."""
    at = {"energy": np.zeros(3), "y": np.zeros(40), "x": np.zeros(24), "reference": np.array(["", ""])}
    cube = xr.Dataset(
        {
            "sample": (("energy", "y", "x"), np.zeros((3, 40, 24), np.uint16)),
            "dark": (("y", "x"), np.full((40, 24), np.nan, np.float32)),
        },
        {name: at[name] for name in ("energy", "y", "x")},
    )
    write_cube(cube, tmp_path / "cube.zarr", tile=16, shards=shards)
    few = {
        "mean_norm": (("reference", "energy"), np.full((2, 3), np.nan, np.float32)),
        "drift": ("energy", np.zeros(3)),
    }
    made = xr.Dataset({"e0": (("y", "x"), np.full((40, 24), np.nan, np.float32)), **few}, at)
    write_maps(made, tmp_path / "maps.zarr")
    assert open_cube(tmp_path / "cube.zarr").sample.max() == 0
    assert open_maps(tmp_path / "maps.zarr").e0.isnull().all()
    assert not list(damages(tmp_path))


def test_a_run_on_a_damaged_cube__names_the_file(
    own_run: Path, call: Any, run_words: Any, digest: Any, undisturbed: Path
) -> None:
    shutil.rmtree(own_run / "maps.zarr")
    record = json.loads((own_run / "run.json").read_text())
    (own_run / "run.json").write_text(json.dumps(record | {"state": "unfinished"}))
    flip(own_run / "cube.zarr" / "sample" / "c" / "0" / "2" / "2", random.Random(0))
    result = call(*run_words(own_run))
    assert result.exit_code == 1, result.output
    assert "cube.zarr/sample/c/0/2/2: sample, rows 32 to 39, columns 32 to 43" in result.stderr
    repair(own_run, list(damages(own_run)))
    assert call(*run_words(own_run)).exit_code == 0
    assert digest(own_run) == digest(undisturbed)


def test_repair__refuses_changed_sources_and_takes_moved_ones(
    own_run: Path, undisturbed: Path, scan: Path, tmp_path: Path, digest: Any
) -> None:
    moved = Path(shutil.copytree(scan, tmp_path / "moved"))
    flip(own_run / "cube.zarr" / "sample" / "c" / "0" / "0" / "0", random.Random(0))
    told = list(damages(own_run))
    before = told[0].file.read_bytes()
    for change in ("sample/sample_0003.tif", "references/FeO.xdi"):
        victim = next(moved.glob(change.replace("_0003", "_0003*")))
        stat, content = victim.stat(), victim.read_bytes()
        victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(InputError, match="is not as the run has read it"):
            repair(own_run, told, data=moved)
        assert told[0].file.read_bytes() == before
        victim.write_bytes(content)
        os.utime(victim, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    repair(own_run, told, data=moved)
    assert digest(own_run) == digest(undisturbed)


def test_repair__refuses_another_recipe_and_another_version(own_run: Path) -> None:
    flip(own_run / "cube.zarr" / "sample" / "c" / "0" / "0" / "0", random.Random(0))
    told = list(damages(own_run))
    record = json.loads((own_run / "run.json").read_text())
    (own_run / "run.json").write_text(json.dumps(record | {"version": "0.0.1"}))
    with pytest.raises(InputError, match=r"a run of 0\.0\.1"):
        repair(own_run, told)
    (own_run / "run.json").write_text(json.dumps(record))
    text = (own_run / "recipe.yaml").read_text()
    (own_run / "recipe.yaml").write_text(text.replace("tile: 16", "tile: 32"))
    with pytest.raises(InputError, match=r"recipe\.yaml, which has changed"):
        repair(own_run, told)


def test_repair__writes_nothing_where_whole_variables_come_out_otherwise(own_run: Path) -> None:
    """A machine of other bits: here the stored flat field was changed, with a fitting checksum."""
    import zarr

    flat = zarr.open_group(str(own_run / "cube.zarr"), mode="r+")["flat_field"]
    flat[0, 0, 0] = flat[0, 0, 0] + 1
    file = own_run / "cube.zarr" / "sample" / "c" / "0" / "0" / "0"
    flip(file, random.Random(0))
    before = file.read_bytes()
    with pytest.raises(ComputationError, match=r"flat_field of .* is computed otherwise"):
        repair(own_run, list(damages(own_run)))
    assert file.read_bytes() == before
