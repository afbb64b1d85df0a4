"""What is to be learnt of a library, where the library is not as clean as one would like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.learning.samples.library_targets import chosen_label, chosen_properties


def library(role: str, **values: Any) -> xr.Dataset:
    arrays = {name: ("sample", np.array(one), {"role": role}) for name, one in values.items()}
    count = len(next(iter(values.values())))
    return xr.Dataset(arrays, {"group": ("sample", [f"m{k}" for k in range(count)])})


def test_a_spectrum_without_a_label__is_of_no_class() -> None:
    site = 12 * [""] + 11 * ["a"] + 10 * ["b"] + 3 * ["c"]
    found = chosen_label(library("label", site=site), "site", None)
    assert found.names == ["a", "b"]
    assert found.rows.tolist() == list(range(12, 33))
    assert np.bincount(found.truth).tolist() == [11, 10]
    with pytest.raises(InputError, match="two or more of a, b, c, of 10"):
        chosen_label(library("label", site=site), "site", ["", "a"])


def test_whole_numbers__are_such_where_one_is_missing() -> None:
    valence = library("label", valence=[2.0, 3.0, np.nan, 2.0, 2.667])
    found = chosen_label(valence, "valence", [2, 3])
    assert (found.names, found.rows.tolist()) == (["2", "3"], [0, 1, 3])
    assert chosen_label(valence, "valence", [2, "2.667"]).rows.tolist() == [0, 3, 4]
    with pytest.raises(InputError, match="'nan'"):
        chosen_label(valence, "valence", [2, "nan"])


def test_a_role__is_told_where_it_is_the_other_one() -> None:
    with pytest.raises(InputError, match=r"which is a property.*in `labels` of ingest.spectra"):
        chosen_label(library("property", valence=[2.0, 2.5]), "valence", None)
    with pytest.raises(InputError, match=r"which is a label.*in `properties` of ingest.spectra"):
        chosen_properties(library("label", valence=[2, 3]), ["valence"])


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        ([2.0, 2.0, np.nan], ["d"], "the same value, 2, of all 2 spectra"),
        ([np.nan, np.inf], ["d"], "no spectrum of which d"),
        ([2.0, 2.5], ["d", "d"], "'d' twice"),
    ],
)
def test_a_property_that_cannot_be_learnt__is_refused(
    values: list[float], names: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        chosen_properties(library("property", d=values), names)
