"""A foil's shift from thin bands of rows: what is read, and that the answer is right, on phantoms of two elements."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.calibration import thin_bands
from xafsflow.calibration.thin_bands import bands_a_tile, half_width, rows_of_bands
from xafsflow.kernels.images.tile_means import tile_edges
from xafsflow.phantom import Phantom, Reference, as_dataset, spectrum, truth
from xafsflow.phantom.cube import PhantomImages

# From the edge of iron to that of copper, eV.
APART = 8979.0 - 7112.0
COPPER_ENERGIES = 8979.0 + np.concatenate(
    [np.arange(-80, -20, 6.0), np.arange(-20, -6, 1.5), np.arange(-6, 40, 0.5), np.arange(40, 180, 4.0)]
)


def copper_spectrum(width: float, step: float) -> Reference:
    """An edge at 8979 eV, seen with a resolution of so many eV."""
    energy, around = np.arange(6930.0, 7420.0, step), np.linspace(-3, 3, 61)
    weight = np.exp(-0.5 * around**2)
    mu = sum(w * spectrum("Fe", energy + width / 2.3548 * a) for w, a in zip(weight, around, strict=True))
    return Reference("Cu", energy + APART, mu / weight.sum())


def copper(width: float = 1.5, **kwargs: Any) -> Phantom:
    known = copper_spectrum(width, 0.1)
    settings = {"counts": 12000.0, "flux_jitter": 0.005, "tilt": -3.0, "tilt_x": 0.4, "curvature": 0.3}
    edge = {"e0": 8979.0, "element": "Cu", "energies": COPPER_ENERGIES, "offset": 0.7}
    return Phantom(**{"references": (known,), "foil": known, **settings, **edge, **kwargs})


def copper_library(width: float = 1.5) -> xr.Dataset:
    known = copper_spectrum(width, 0.25)
    points = {"energy": known.energy, "mu": known.mu}
    variables = {name: (("spectrum", "point"), np.array([values])) for name, values in points.items()}
    return xr.Dataset(variables, {"spectrum": ["Cu"]})


def errors(phantom: Phantom, library: xr.Dataset) -> tuple[Any, Any, Any]:
    """The shift minus the true one and its stated error, eV, and the findings."""
    cube = xf.correct.absorbance(as_dataset(phantom))
    standard = "Cu" if phantom.element == "Cu" else "Fe"
    found, told = xf.calibrate.foil(cube, library, standard=standard)
    return found.energy_shift.values - truth(phantom)["shift"], found.energy_shift_error.values, told


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Rows that were read of each kind of images."""
    seen: Counter[str] = Counter()
    read = PhantomImages.read_rows

    def counted(self: PhantomImages, start: int, stop: int, *args: Any, **kwargs: Any) -> Any:
        seen[self.kind] += stop - start
        return read(self, start, stop, *args, **kwargs)

    monkeypatch.setattr(PhantomImages, "read_rows", counted)
    return seen


@pytest.fixture
def quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small fields are read by bands as large ones are."""
    monkeypatch.setattr(thin_bands, "LEAST", 0)


def test_foil__reads_a_quarter_of_foil_and_flat_field_and_no_sample(rows_read: Counter[str]) -> None:
    phantom = Phantom(size=(1216, 600), energies=40)
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom)))
    found, _ = xf.calibrate.foil(cube, xf.ingest.phantom_references(), standard="Fe")
    assert rows_read["sample"] == 0
    assert 0 < rows_read["foil"] == rows_read["flat"] <= 0.26 * 1216
    rows_read.clear()
    xf.calibrate.check(xf.calibrate.apply(cube, found), xf.ingest.phantom_references(), standard="Fe")
    assert rows_read["sample"] == 0
    assert 0 < rows_read["foil"] == rows_read["flat"] <= 0.26 * 1216


def test_foil__reads_more_rows_where_the_error_demands_them(rows_read: Counter[str], quarter: None) -> None:
    phantom = Phantom(size=(200, 120), energies=100, counts=300.0)
    _, _, told = errors(phantom, xf.ingest.phantom_references())
    assert sum(vars(told.pixels).values()) == 200 * 120
    assert rows_read["foil"] == rows_read["flat"] == 200


@pytest.mark.parametrize("tilt", [2.2, -3.0])
def test_foil__bands_do_not_move_the_tiles(tilt: float, quarter: None) -> None:
    phantom = Phantom(size=(333, 97), energies=140, noise=False, flux_jitter=0.0, tilt=tilt, curvature=0.5)
    wrong, _, told = errors(phantom, xf.ingest.phantom_references())
    assert sum(vars(told.pixels).values()) < 0.3 * 333 * 97
    assert rms(wrong) < 3e-4


def test_foil__dead_pixels_are_found_without_the_sample(rows_read: Counter[str], quarter: None) -> None:
    phantom = Phantom(size=(200, 160), energies=100, dead_share=0.01, seed=2)
    wrong, error, told = errors(phantom, xf.ingest.phantom_references())
    assert told.pixels.dead_or_saturated > 0.005 * told.pixels.used
    assert rms(wrong / error) < 2
    assert rows_read["sample"] == 0


@pytest.mark.parametrize("width", [1.5, 1.4, 1.2])
def test_foil__resolution_apart_from_the_standards_is_no_shift(width: float) -> None:
    wrong, error, _ = errors(copper(size=(100, 80), seed=1), copper_library(width))
    assert rms(wrong) < 0.005
    assert (np.abs(wrong) <= 2 * error).mean() >= 0.95


def test_rows_of_bands__lie_around_the_middle_of_every_tile() -> None:
    for size, width in ((1024, 704), (4000, 1700), (1111, 900)):
        edges = tile_edges(size, size / 12)
        rows = rows_of_bands(edges, bands_a_tile(edges, width))
        assert (np.diff(rows) > 0).all()
        for first, end in pairwise(edges):
            own = rows[(rows >= first) & (rows < end)]
            assert own.mean() == pytest.approx((first + end - 1) / 2, abs=0.6)
        assert half_width(rows, edges) == pytest.approx(half_width(np.arange(size), edges), rel=0.02)
        assert not set(rows) & set(rows_of_bands(edges, bands_a_tile(edges, width), between=True))
