"""A library of patterns becomes samples of known types and background, whatever blocks it is read in."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.samples import row_blocks as blocks
from xafsflow.learning.union.baselines import pattern_table
from xafsflow.learning.union.log_spacing import PLACES
from xafsflow.learning.union.pattern_samples import BACKGROUND
from xafsflow.sampling.pattern_library import check_patterns, on_the_grid_of, pattern_library

OLD = ["rocksalt", "CsCl", "fluorite", "spinel"]


@pytest.fixture(scope="module")
def some(known_patterns: xr.Dataset) -> xr.Dataset:
    return known_patterns.isel(sample=slice(0, None, 9))


def test_types__are_those_that_are_no_background_in_their_order(some: xr.Dataset) -> None:
    found = pattern_library(some, "structure_type", None, 0)
    samples = found.samples
    assert samples.types == OLD
    assert found.ratios == ["AB", "AB", "AB2", "AB2C4"]
    assert samples.sequences.shape == (some.sizes["sample"], PLACES)
    for name, label, aside in zip(samples.kind, samples.labels, some.background.values, strict=True):
        assert (label == BACKGROUND) == aside
        assert aside or samples.types[label] == name
    assert found.group.tolist() == some.group.values.tolist()
    assert found.wavelength == float(some.wavelength)
    chosen = pattern_library(some, "structure_type", ["spinel", "bcc"], 0)
    assert chosen.samples.types == ["spinel", "bcc"]
    assert chosen.ratios == ["AB2C4", "A"]
    assert (chosen.samples.labels[samples.kind == "rocksalt"] == BACKGROUND).all()
    without = pattern_library(some.drop_vars(["background", "ratio"]), "structure_type", None, 0)
    assert without.samples.types == [*OLD, *dict.fromkeys(some.structure_type.values[some.background.values])]
    assert set(without.ratios) == {""}


def test_patterns__are_read_in_any_blocks(some: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pattern_library(some, "structure_type", None, 0)
    rows = np.array([7, 3, 11])
    lazy = some.assign(mu=(some.mu.dims, da.from_array(some.mu.values, chunks=(5, 400))))
    monkeypatch.setattr(blocks, "BLOCK_NUMBERS", 4 * 1601)
    found = pattern_library(lazy, "structure_type", None, 0)
    np.testing.assert_array_equal(found.samples.sequences, whole.samples.sequences)
    wanted = pattern_table(some.two_theta.values, some.mu.values[rows], 4)
    for name in ("two_theta", "prepared", "places", "heights"):
        np.testing.assert_array_equal(getattr(found.table(rows), name), getattr(wanted, name))


def test_what_is_no_library_of_patterns__is_refused(some: xr.Dataset) -> None:
    check_patterns(some, "structure_type")
    for library, told in (
        (some.rename(two_theta="energy"), "a library of spectra"),
        (some.drop_vars("mu"), "a library of spectra"),
        (some.drop_vars("wavelength"), "patterns without a wavelength"),
        (some.drop_vars("structure_type"), "without the label structure_type. Expected a label with"),
    ):
        with pytest.raises(InputError, match=told):
            check_patterns(library, "structure_type")
    with pytest.raises(InputError, match=r"label kind\. Expected one of structure_type"):
        check_patterns(some, "kind")
    with pytest.raises(InputError, match="1 structure types"):
        pattern_library(some, "structure_type", ["spinel"], 0)


def test_a_grid__is_the_same_up_to_rounding(some: xr.Dataset) -> None:
    signature = Signature("two_theta", "degree", some.two_theta.values, "mu", [], None, None, 1.54187)
    on_the_grid_of(signature, some.assign_coords(two_theta=some.two_theta + 1e-9))
    for moved in (some.two_theta + 0.001, some.two_theta * 1.001):
        with pytest.raises(InputError, match=r"span \[10, 90\] in ingest\.patterns.*step 0\.05"):
            on_the_grid_of(signature, some.assign_coords(two_theta=moved))
