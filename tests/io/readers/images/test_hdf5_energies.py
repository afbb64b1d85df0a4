"""Energies stand in HDF5 files as programs write them: as an attribute, as a column, beside another axis."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from xafsflow.errors import XafsflowWarning
from xafsflow.io.readers import open_scan

ENERGY = np.array([7100.0, 7105.5, 7112.0, 7120.0])
IMAGES = np.arange(4 * 5 * 6, dtype="f4").reshape(4, 5, 6)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 4)])
def test_open_scan__takes_energies_in_a_row_or_a_column(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["energy"] = IMAGES, ENERGY.reshape(shape)
    found = open_scan([tmp_path / "a.h5"], "/data")
    np.testing.assert_array_equal(found.energies, ENERGY)  # type: ignore[arg-type]


def test_open_scan__takes_energies_of_an_attribute(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = IMAGES
        file["data"].attrs["energy"] = ENERGY / 1000
    with pytest.warns(XafsflowWarning, match="are keV"):
        found = open_scan([tmp_path / "a.h5"], "/data")
    np.testing.assert_array_equal(found.energies, ENERGY)  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_open_scan__finds_the_axis_with_as_many_energies(tmp_path: Path, axis: int) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/data"], file["energy"] = np.moveaxis(IMAGES, 0, axis), ENERGY
    found = open_scan([tmp_path / "a.h5"], "/scan/data")
    np.testing.assert_array_equal(found.energies, ENERGY)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.images.read_rows(1, 3), IMAGES[:, 1:3])


def test_open_scan__leaves_the_axis_open_where_two_have_as_many(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["energy"] = np.zeros((5, 4, 4), "f4"), ENERGY
    assert open_scan([tmp_path / "a.h5"], "/data").energies is None
