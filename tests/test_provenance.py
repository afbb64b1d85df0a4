"""What was done to the data goes with the data: the right number, or an error, and never another number."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, as_dataset
from xafsflow.provenance import HISTORY, history, known_history
from xafsflow.step_table import STEPS, steps_done
from xafsflow.store import open_cube, write_cube

NORMALIZATION: dict[str, Any] = {"e0": 7112.0, "pre2": -15.0, "norm1": 40.0, "nnorm": 1}


@pytest.fixture(scope="module")
def averaged() -> xr.Dataset:
    cube = xf.correct.absorbance(as_dataset(Phantom(size=(24, 20), energies=60, seed=3, dead_share=0)))
    return xf.normalize.edge_step(xf.correct.average(cube), **NORMALIZATION).compute()


def rebuilt(cube: xr.Dataset) -> xr.Dataset:
    """Only the variables, as a user puts them together."""
    return xr.Dataset({name: cube[name] for name in ("mu", "norm", "mu_noise", "edge_step", "flags", "e0")})


def stripped(cube: xr.Dataset) -> xr.Dataset:
    """Only the values."""
    arrays = {str(name): (array.dims, array.values) for name, array in rebuilt(cube).data_vars.items()}
    return xr.Dataset(arrays, {"energy": cube.energy.values})


def typical_noise(cube: xr.Dataset) -> float:
    return float(xf.derive.noise(cube).noise.compute().median())


def test_noise__is_the_same_for_a_rebuilt_cube_and_refused_for_its_bare_values(averaged: xr.Dataset) -> None:
    whole = typical_noise(averaged)
    assert typical_noise(rebuilt(averaged)) == whole
    assert typical_noise(rebuilt(averaged).isel(y=slice(0, 24)) * 1) == whole
    with pytest.raises(InputError, match=r"mu, norm without the history.*ingest\.as_measured"):
        typical_noise(stripped(averaged))
    one = xf.normalize.edge_step(
        xf.correct.absorbance(as_dataset(Phantom(size=(24, 20), energies=60, seed=3, dead_share=0))),
        **NORMALIZATION,
    )
    # What it was before: the number of a cube that was not averaged.
    assert typical_noise(one) > 1.5 * whole


def test_history__is_still_there_behind_zarr(averaged: xr.Dataset, tmp_path: Path) -> None:
    write_cube(rebuilt(averaged), tmp_path / "cube.zarr", tile=16)
    again = open_cube(tmp_path / "cube.zarr")
    assert history(again) == history(averaged)
    assert typical_noise(again) == typical_noise(averaged)


@pytest.mark.parametrize("lost", ["mu", "norm"])
def test_steps__that_need_to_know_refuse_a_cube_whose_spectra_say_nothing(
    averaged: xr.Dataset, lost: str
) -> None:
    known = xf.derive.noise(averaged)
    library = xf.ingest.phantom_references()
    samples = xf.train.mixtures(known, library, step=0.5, noise_patterns=5, check_patterns=100)
    fitted = xf.classify.combination(known, library).assign(confidence=known.e0)
    fitted[lost] = fitted[lost].drop_attrs()
    calls = (
        lambda: xf.calibrate.apply(fitted, xf.calibrate.constant(fitted)),
        lambda: xf.derive.noise(fitted),
        lambda: xf.train.mixtures(fitted, library, step=0.5),
        lambda: xf.classify.combination(fitted, library),
        lambda: xf.judge.components(fitted),
        lambda: xf.judge.unknown(fitted, library, samples, false_alarm=0.1),
        lambda: xf.judge.reference_sets(fitted, library),
        lambda: xf.judge.missing(fitted, library.isel(spectrum=[0, 1]), library),
    )
    for call in calls:
        with pytest.raises(InputError, match=f"{lost} without the history"):
            call()


def test_steps__on_a_cube_that_says_nothing_do_not_make_up_a_history(averaged: xr.Dataset) -> None:
    found = xf.correct.average(stripped(averaged).drop_vars("norm"))
    assert known_history(found) is None
    assert HISTORY not in found.mu.attrs


def test_spectra__that_went_through_different_steps_are_refused_together(averaged: xr.Dataset) -> None:
    again = xf.correct.average(averaged, window=5)
    with pytest.raises(InputError, match=r"mu, norm .* went through different steps"):
        xf.derive.noise(again)
    found = xf.normalize.edge_step(again, **NORMALIZATION)
    assert [one.step for one in steps_done(found) if one.mean_over] == ["correct.average"] * 2


def test_maps__of_another_branch_say_nothing_of_the_spectra(averaged: xr.Dataset) -> None:
    other = xf.derive.e0(xf.correct.average(averaged, window=7))
    found = xf.derive.derivative(averaged.assign(e0=other.e0, flags=other.flags))
    assert history(found)[:-1] == history(averaged)


def test_mixtures__want_a_cube_that_a_step_has_normalized(averaged: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no step has normalized"):
        xf.train.mixtures(averaged.assign(norm=averaged.mu), xf.ingest.phantom_references(), step=0.5)


def test_drift__that_was_lost_is_asked_for() -> None:
    cube = xf.correct.absorbance(as_dataset(Phantom(size=(40, 40), energies=30, drift=(1.0, 1.0))))
    cube = xf.normalize.edge_step(xf.correct.drift(cube, most=2.0), **NORMALIZATION)
    with pytest.raises(InputError, match=r"went through correct\.drift, without drift"):
        xf.derive.noise(cube.drop_vars(["drift", "drift_error"]))
    # A bin makes its own noise, whatever was interpolated before.
    binned = xf.normalize.edge_step(xf.correct.bin(cube), **NORMALIZATION)
    assert "noise" in xf.derive.noise(binned)


def test_as_measured__declares_what_was_made_by_hand_and_nothing_else(averaged: xr.Dataset) -> None:
    by_hand = stripped(averaged).drop_vars(["norm", "edge_step", "e0"])
    found = xf.ingest.as_measured(by_hand)
    assert [entry["step"] for entry in history(found)] == ["ingest.as_measured"]
    with pytest.raises(InputError, match="made by hand"):
        xf.ingest.as_measured(found)
    with pytest.raises(InputError, match=r"normalize\.none"):
        xf.ingest.as_measured(stripped(averaged))
    with pytest.raises(InputError, match="spectral axis"):
        xf.ingest.as_measured(by_hand[["flags"]])


def test_history__has_all_settings_and_each_variable_its_own(averaged: xr.Dataset) -> None:
    assert history(averaged.mu)[-1] == {
        "step": "correct.average",
        "settings": {"window": 3, "method": "mean"},
    }
    assert history(averaged.norm)[-1]["settings"]["nvict"] == 0
    assert history(averaged)[-1]["step"] == "normalize.edge_step"
    assert history(averaged.mu_noise)[-1]["step"] == "correct.absorbance"


def test_history__of_another_program_is_refused(averaged: xr.Dataset) -> None:
    foreign = averaged.mu.assign_attrs({HISTORY: "2026-01-01: ncks -v mu"})
    with pytest.raises(InputError, match="ncks"):
        history(foreign)


def test_stations__list_their_steps_and_nothing_else() -> None:
    for station in xf.__all__:
        steps = {row.function.__name__ for row in STEPS.values() if row.station == station}
        assert set(dir(getattr(xf, station))) == steps
    assert (
        str(inspect.signature(xf.correct.average))
        == "(cube, /, *, window: int = 3, method: Literal['mean', 'quadratic'] = 'mean')"
    )
    signature = str(inspect.signature(xf.normalize.minmax))
    assert signature == "(cube, /, *, e0: float | None = None)"


def test_numbers_of_numpy__are_settings_too(averaged: xr.Dataset) -> None:
    found = xf.normalize.edge_step(averaged, e0=np.float32(7112.0), pre2=-15.0, norm1=40.0, nnorm=1)
    assert history(found)[-1]["settings"]["e0"] == 7112.0
