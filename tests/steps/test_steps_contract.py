"""Promises that hold for every step, tested through the table of steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from xafsflow import STATIONS
from xafsflow.pipeline.plan import table
from xafsflow.provenance import history
from xafsflow.step_table import STEPS, Step
from xafsflow.vocabulary import VARIABLES, attributes, spectral_axis

LAZY = [
    row
    for row in table().values()
    if row.makes == ("cube",) and not {"run", "data"} & set(row.takes) and row.name != "ingest.as_measured"
]


def call(row: Step, products: dict[str, Any]) -> xr.Dataset:
    result: xr.Dataset = row.run(*(products[name] for name in row.takes), **row.example)
    return result


def test_table__has_the_stations_in_the_order_of_the_way() -> None:
    stations = list(dict.fromkeys(row.station for row in STEPS.values()))
    assert stations == [name for name in STATIONS if name in stations]


@pytest.mark.parametrize("row", table().values(), ids=lambda row: row.name)
def test_step__is_documented_and_named_by_the_vocabulary(row: Step) -> None:
    assert row.summary.endswith((".", ":")) or len(row.summary) > 10
    given = {name.rpartition("->")[2].split("=")[-1].strip("{}") for name in row.gives}
    assert given <= set(VARIABLES) | set(row.settings)
    doc = row.function.__doc__ or ""
    undocumented = [name for name in row.settings if name not in doc and "Settings are those of" not in doc]
    assert not undocumented


@pytest.mark.long
@pytest.mark.parametrize("row", LAZY, ids=lambda row: row.name)
def test_step__is_lazy(row: Step, products: dict[str, Any], nothing_computes: None) -> None:
    result = call(row, products)
    assert any(array.chunks for array in result.data_vars.values())


@pytest.mark.parametrize("row", LAZY, ids=lambda row: row.name)
def test_step__gives_what_it_says_with_dims_and_units(row: Step, products: dict[str, Any]) -> None:
    result = call(row, products)
    for name in row.filled(row.gives, row.example, products["cube"].variables):
        assert set(result[name].dims) <= set(VARIABLES[name].dims_on(spectral_axis(result)))
        assert result[name].attrs["units"] == attributes(name)["units"]
        assert history(result[name])[-1]["step"] == row.name


@pytest.mark.parametrize("row", [row for row in LAZY if row.takes], ids=lambda row: row.name)
def test_step__leaves_its_input_as_it_was(row: Step, products: dict[str, Any]) -> None:
    before = products["cube"].copy()
    call(row, products)
    assert list(products["cube"].variables) == list(before.variables)
    assert products["cube"].attrs == before.attrs
    assert all(products["cube"][n].data is before[n].data for n in before.data_vars)


@pytest.mark.long
@pytest.mark.parametrize("row", [row for row in LAZY if row.takes], ids=lambda row: row.name)
def test_step__does_not_depend_on_chunking(
    row: Step, products: dict[str, Any], products_in_small_blocks: dict[str, Any]
) -> None:
    whole = call(row, products)
    parts = call(row, {**products, "cube": products_in_small_blocks["cube"]})
    for name in row.filled(row.gives, row.example, products["cube"].variables) or ("mu", "flags"):
        np.testing.assert_array_equal(whole[name].values, parts[name].values, err_msg=name)
