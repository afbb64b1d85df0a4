from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.findings.judge_findings import MissingFindings
from xafsflow.findings.record import from_json, to_json
from xafsflow.io.readers.spectrum_library import Spectrum, library_of
from xafsflow.kernels.mixtures.reference_subsets import MOST
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.phantom.spectra import Reference, spectrum
from xafsflow.vocabulary import Flag

WINDOWS = {"e0": 7112.0, "pre1": -60.0, "pre2": -12.0, "norm1": 40.0, "nnorm": 1}
ENERGY = np.linspace(7000, 7400, 1201)
NAMES = ("Fe", "FeO", "Fe2O3", "Fe3O4", "FeS2", "FeCO3", "FeOOH")
SHARE = 0.15


@lru_cache
def library() -> xr.Dataset:
    """All named spectra, and one that is nearly the carbonate's."""
    near = spectrum("FeCO3", ENERGY - 0.05) + 0.004 * np.sin(ENERGY / 5)
    known = {**{name: spectrum(name, ENERGY) for name in NAMES}, "FeCO3_b": near}
    columns = ("energy", "mu")
    return library_of(
        [Spectrum(n, ENERGY, mu, "Fe", "K", columns, Path(f"{n}.xdi"), {}) for n, mu in known.items()]
    )


@lru_cache
def scan(flagged: bool = True) -> xr.Dataset:
    """Two oxides, and in a third of the grains 15 % of carbonate; those may be flagged unknown."""
    mixed = (1 - SHARE) * spectrum("Fe2O3", ENERGY) + SHARE * spectrum("FeCO3", ENERGY)
    phantom = Phantom(
        size=(60, 72), energies=120, references=("Fe2O3", "Fe3O4", Reference("mixed", ENERGY, mixed)), seed=4
    )
    cube = xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom, band=13)))
    cube = xf.correct.background(cube, e0=7112.0)
    answer = truth(phantom)
    calibration = xf.calibrate.constant(cube, shift=0.0).assign(energy_shift=(("y", "x"), answer["shift"]))
    cube = xf.correct.average(xf.calibrate.apply(cube, calibration), window=3)
    cube = xf.derive.noise(xf.normalize.edge_step(cube, **WINDOWS)).persist()
    unknown = np.where(answer["fractions"][2] > 0.6, int(Flag.UNKNOWN), 0).astype(np.uint8)
    return cube.assign(flags=cube.flags | xr.DataArray(unknown, dims=("y", "x"))) if flagged else cube


def used(*names: str) -> xr.Dataset:
    return library().sel(spectrum=list(names))


@pytest.mark.long
@pytest.mark.parametrize(("flagged", "source"), [(True, "unknown pixels"), (False, "worst bins")])
def test_missing__ranks_what_is_there_first(flagged: bool, source: str) -> None:
    found = xf.judge.missing(scan(flagged), used("Fe2O3", "Fe3O4"), library())
    assert found.source == source
    first, second, third = found.ranking[:3]
    assert {first.reference, second.reference} == {"FeCO3", "FeCO3_b"}
    assert first.near_duplicates == (second.reference,)
    assert first.share == pytest.approx(SHARE, abs=0.045)
    assert first.bic_change < 0
    assert first.gain > 1.3 * third.gain
    # The worst bins are worst by chance too.
    assert first.reduced_chi_square == pytest.approx(1, abs=0.1 if flagged else 0.4)
    assert found.reduced_chi_square > 1.2 * first.reduced_chi_square
    assert "or its near-duplicate" in found.verdict
    assert from_json(MissingFindings, to_json(found)) == found


def test_missing__shows_the_mean_spectrum_and_what_is_left_of_it() -> None:
    found = xf.judge.missing(scan(), used("Fe2O3", "Fe3O4"), library())
    energy, left = found.energy, found.mean_residual
    np.testing.assert_allclose(found.mean_fit + left, found.mean_spectrum)
    lines = [np.ones_like(energy), energy - energy.mean()]
    known = np.stack([spectrum(name, energy) for name in ("Fe2O3", "Fe3O4")] + lines, axis=1)
    expected = SHARE * spectrum("FeCO3", energy)
    expected -= known @ np.linalg.lstsq(known, expected, rcond=None)[0]
    assert np.corrcoef(left, expected)[0, 1] > 0.9
    assert np.all(found.mean_noise > 0)


def test_missing__does_not_depend_on_the_order_of_candidates_or_chunking() -> None:
    found = xf.judge.missing(scan(), used("Fe2O3", "Fe3O4"), library())
    turned = library().isel(spectrum=slice(None, None, -1))
    again = xf.judge.missing(scan().chunk(y=11, x=30), used("Fe3O4", "Fe2O3"), turned)
    gains = [{row.reference: row.gain for row in one.ranking} for one in (found, again)]
    assert gains[1] == pytest.approx(gains[0], rel=1e-4, abs=0.1)


def test_missing__says_when_a_reference_that_is_used_is_at_fault() -> None:
    found = xf.judge.missing(scan(), used("Fe2O3", "Fe3O4", "FeCO3_b"), library())
    near = {row.reference: row.near_duplicate_of for row in found.ranking}
    assert near["FeCO3"] == ("FeCO3_b",)
    assert near["FeCO3_b"] == ("FeCO3_b",)
    assert near["Fe"] == ()


def test_missing__finds_nothing_where_nothing_is_missing() -> None:
    found = xf.judge.missing(scan(), used("Fe2O3", "Fe3O4", "FeCO3"), library())
    assert found.verdict.startswith("no candidate explains more than it costs")


def test_missing__refuses_more_references_than_it_can_fit() -> None:
    many = library().isel(spectrum=[0] * MOST).assign_coords(spectrum=[f"c{i}" for i in range(MOST)])
    with pytest.raises(InputError, match="superfluous"):
        xf.judge.missing(scan(), many, library())


def test_missing__refuses_references_that_the_span_is_too_wide_for() -> None:
    known = (used("Fe", "FeO").energy < 7180) | (used("Fe", "FeO").spectrum == "FeO")
    with pytest.raises(InputError, match="Narrow span"):
        xf.judge.missing(scan(), used("Fe", "FeO").where(known, drop=True), library())
