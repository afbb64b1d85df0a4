"""correct.drift on phantoms that move by a known way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import ComputationError, InputError
from xafsflow.kernels.images import image_registration as register
from xafsflow.phantom import Phantom, as_dataset, camera, truth
from xafsflow.steps import correct as steps
from xafsflow.vocabulary import MAP, Flag, cube_dims

ENERGIES = 42


def absorbance(phantom: Phantom, band: int | None = None) -> xr.Dataset:
    return xf.correct.dead_pixels(xf.correct.absorbance(as_dataset(phantom, band=band)))


def off(found: Any, path: Any) -> float:
    rest = np.asarray(found) - path
    return float(np.sqrt(((rest - np.median(rest, axis=0)) ** 2).mean(axis=0)).max())


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Let phantoms move along another way than a straight one."""

    def choose(path: Any) -> None:
        monkeypatch.setattr(camera, "drift_path", lambda phantom: path)

    return choose


@pytest.mark.long
@pytest.mark.parametrize(("seed", "drift"), [(0, (6.0, -6.0)), (1, (-6.0, 6.0)), (2, (6.0, 0.0))])
def test_drift__finds_the_way_of_a_phantom(seed: int, drift: tuple[float, float]) -> None:
    phantom = Phantom(energies=ENERGIES, seed=seed, drift=drift)
    found = steps.drift(absorbance(phantom))
    assert off(found.drift, truth(phantom)["drift"]) < 0.05


def test_drift__follows_jumps(way: Callable[[Any], None]) -> None:
    path = np.where(np.arange(ENERGIES)[:, None] < 17, 0.0, (-3.4, 0.0))
    path = path + np.where(np.arange(ENERGIES)[:, None] < 30, 0.0, (0.0, 5.2))
    way(path)
    found = steps.drift(absorbance(Phantom(energies=ENERGIES, seed=3, drift=(4, 6))))
    assert off(found.drift, path) < 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_drift__invents_none(seed: int) -> None:
    cube = absorbance(Phantom(energies=ENERGIES, seed=seed)).compute()
    found = steps.drift(cube)
    assert off(found.drift, 0) < 0.02
    still = np.abs(found.drift.values).max(axis=1) < 0.02
    np.testing.assert_array_equal(found.mu.values[still], cube.mu.values[still])


@pytest.mark.long
def test_drift__brings_the_absorbance_back(way: Callable[[Any], None]) -> None:
    """A smooth sample with holes, against the same that stood still in the middle of its way."""
    settings: dict[str, Any] = {
        "energies": ENERGIES,
        "seed": 4,
        "pattern": "smooth",
        "tilt": 0,
        "flux_jitter": 0,
    }
    phantom = Phantom(**settings, drift=(5, -3))
    moving = absorbance(phantom).compute()
    way(np.zeros((ENERGIES, 2)) + np.median(truth(phantom)["drift"], axis=0))
    still = absorbance(Phantom(**settings, drift=(5, -3), noise=False)).compute()
    found = steps.drift(moving)
    inner = (slice(None), slice(10, -10), slice(10, -10))
    wrong = [np.nanquantile(np.abs(c.mu.values - still.mu.values)[inner], 0.8) for c in (moving, found)]
    assert wrong[1] < 0.7 * wrong[0]
    # What stays is the noise of the counts, of which 80 % lie within 1.28 standard deviations.
    assert wrong[1] < 1.28 * float(moving.mu_noise.median())


def test_drift__flags_what_left_the_field_or_swept_over_the_sample() -> None:
    phantom = Phantom(size=(96, 112), energies=ENERGIES, seed=5, drift=(4, -4), dead_share=1e-3)
    cube = absorbance(phantom).compute()
    found = steps.drift(cube)
    lost = np.isnan(found.mu.values).any(axis=0)
    assert 0 < lost.mean() < 0.2
    np.testing.assert_array_equal(lost, found.flags.values & Flag.NOT_FINITE > 0)
    dead = cube.flags.values & Flag.DEAD > 0
    swept = found.flags.values & Flag.DEAD > 0
    assert swept[dead].all()
    assert swept.sum() > 3 * dead.sum()


def test_drift__moves_the_noise_by_whole_pixels() -> None:
    cube = absorbance(Phantom(size=(96, 112), energies=ENERGIES, seed=5, drift=(4, -4))).compute()
    found = steps.drift(cube)
    first = np.rint(found.drift.values[0]).astype(int)
    wanted = np.roll(cube.mu_noise.values[0], -first, axis=(0, 1))
    inner = (slice(8, -8), slice(8, -8))
    np.testing.assert_array_equal(found.mu_noise.values[0][inner], wanted[inner])


def test_drift__is_lazy_and_does_not_depend_on_chunking(nothing_computes: None) -> None:
    phantom = Phantom(size=(64, 72), energies=20, seed=6)
    whole, parts = (steps.drift(absorbance(phantom, band), most=3.0) for band in (64, 9))
    assert all(
        found[name].chunks is not None for found in (whole, parts) for name in ("mu", "flags", "drift")
    )
    with dask.config.set(scheduler="threads"):
        for name in ("mu", "flags", "mu_noise", "drift", "drift_error"):
            np.testing.assert_array_equal(whole[name].values, parts[name].values, err_msg=name)


def test_drift__is_estimated_once_for_all_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    known = register.sample_path

    def counted(*products: Any) -> Any:
        calls.append(1)
        return known(*products)

    monkeypatch.setattr(register, "sample_path", counted)
    found = steps.drift(absorbance(Phantom(size=(64, 72), energies=20, seed=7), 9), most=3.0)
    for rows in (slice(0, 20), slice(20, 64)):
        found.mu.isel(y=rows).compute()
    assert len(calls) == 1


def test_drift__takes_a_cube_in_memory_and_leaves_it() -> None:
    cube = absorbance(Phantom(size=(64, 72), energies=20, seed=6)).compute()
    before = cube.copy(deep=True)
    found = steps.drift(cube, most=3.0, y=(0, 50), x=(None, 60))
    assert found.drift.dims == ("energy", "axis")
    assert found.axis.values.tolist() == ["y", "x"]
    xr.testing.assert_identical(cube, before)


def test_drift__refuses_a_part_without_pixels_or_structure() -> None:
    noise = np.random.default_rng(0).standard_normal((10, 60, 60)).astype(np.float32)
    cube = xr.Dataset({"mu": (cube_dims(), noise), "flags": (MAP, np.zeros((60, 60), np.uint8))}).chunk(y=30)
    with pytest.raises(InputError, match="Widen y"):
        steps.drift(cube, y=(50, 54))
    found = steps.drift(cube)
    with pytest.raises(ComputationError, match="structure"):
        found.mu.compute()
