"""A library in Zarr counts among the inputs of a run with all that it holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import pytest

import xafsflow as xf
from xafsflow.phantom import simulated_library
from xafsflow.pipeline.run_folder import ReadFolders, inputs_of


def written(path: Path, seed: int, version: Literal[2, 3]) -> list[bytes]:
    """A library in a new folder; what its metadata say."""
    shutil.rmtree(path, ignore_errors=True)
    numbers = (
        simulated_library(40, seed=1)[["mu"]].drop_vars("group").assign_coords(group=("sample", range(40)))
    )
    numbers = numbers.assign(mu=numbers.mu + seed)
    numbers.chunk(sample=10).to_zarr(path, zarr_format=version, consolidated=False)
    names = ("zarr.json",) if version == 3 else (".zgroup", ".zattrs")
    return [(path / name).read_bytes() for name in names]


def inputs(folder: Path) -> list[Any]:
    folders = ReadFolders(folder)
    xf.ingest.spectra(folders, files=["library.zarr"])
    return inputs_of(folders)


@pytest.mark.parametrize("version", [2, 3])
def test_zarr__is_told_from_one_with_the_same_metadata_and_other_spectra(
    version: Literal[2, 3], tmp_path: Path
) -> None:
    first = written(tmp_path / "library.zarr", 1, version)
    before = inputs(tmp_path)
    assert before == inputs(tmp_path)
    assert [Path(one["path"]) for one in before] == [tmp_path / "library.zarr"]
    held = [path for path in (tmp_path / "library.zarr").rglob("*") if path.is_file()]
    assert before[0]["files"] == len(held)
    assert first == written(tmp_path / "library.zarr", 2, version)
    assert inputs(tmp_path) != before


def test_a_run__is_not_resumed_on_other_chunks(tmp_path: Path) -> None:
    from xafsflow.errors import InputError
    from xafsflow.pipeline.run_folder import check_sources

    written(tmp_path / "library.zarr", 1, 3)
    before = inputs(tmp_path)
    written(tmp_path / "library.zarr", 2, 3)
    with pytest.raises(InputError, match=r"library\.zarr, which has changed"):
        check_sources({"inputs": before}, inputs(tmp_path))
