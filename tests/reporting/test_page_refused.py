from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.findings.run_findings import RunFindings
from xafsflow.reporting.page import build_page


@pytest.mark.parametrize("size", ["large", -1.0, float("nan")])
def test_build_page__warns_of_a_pixel_size_that_is_none(size: object, tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((4, 6)))}, attrs={"pixel_size_um": size})
    with pytest.warns(XafsflowWarning, match=r"Found pixel_size_um .* Expected a positive number"):
        build_page(maps, {}, RunFindings(), {}, tmp_path / "report.html")


def test_build_page__refuses_a_model_of_other_references(make, tmp_path: Path) -> None:
    maps, _ = make()
    _, other = make(references=("Fe2O3", "FeO", "Fe"))
    with pytest.raises(InputError, match="the same ones in the same order"):
        build_page(maps, {"fit": other}, RunFindings(), {}, tmp_path / "report.html")


def test_build_page__refuses_a_model_with_too_few_classes(make, tmp_path: Path) -> None:
    maps, _ = make(step=0.1)
    _, other = make(step=1.0)
    with pytest.raises(InputError, match=r"class .* in the maps"):
        build_page(maps, {"fit": other}, RunFindings(), {}, tmp_path / "report.html")


def test_build_page__leaves_the_old_page_where_it_fails(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((4, 6)))})

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        build_page(maps, {}, RunFindings(), {}, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_build_page__can_be_read_by_those_who_may_read_the_folder(tmp_path: Path) -> None:
    maps = xr.Dataset({"e0": (("y", "x"), np.ones((4, 6)))})
    path = build_page(maps, {}, RunFindings(), {}, tmp_path / "new" / "report.html")
    usual = tmp_path / "usual"
    usual.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
