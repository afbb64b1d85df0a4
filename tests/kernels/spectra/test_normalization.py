from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.kernels.spectra import normalization as normalize
from xafsflow.kernels.spectra.mback import mback
from xafsflow.kernels.spectra.normalization import METHODS, edge_step, flat
from xafsflow.kernels.spectra.normalization_windows import Windows, larch_ranges

E0 = 7112.0
WIDE = Windows(pre1=-60, pre2=-15, norm1=20, norm2=130, nnorm=2)
FITTED = ("edge_step", "flat", "ratio", "mean", "area")


def polynomial(x: Any, y: Any, degree: int) -> Any:
    """A least squares polynomial of columns of y, as a function: numpy's own fit."""
    fits = [np.polynomial.Polynomial.fit(x, column, degree) for column in y.reshape(len(y), -1).T]
    return lambda at: np.stack([fit(at) for fit in fits], axis=-1).reshape(np.shape(at) + y.shape[1:])


def by_numpy(method: str, energy: Any, mu: Any, windows: Windows = WIDE) -> tuple[Any, Any]:
    """The methods from their formulas, with numpy's fits."""
    r = larch_ranges(energy, E0, windows)
    before, after = slice(r.pre_start, r.pre_stop), slice(r.post_start, r.post_stop)
    if method == "minmax":
        low, high = mu.min(axis=0), mu.max(axis=0)
        return (mu - low) / (high - low), high - low
    if method == "mean":
        low, high = mu[before].mean(axis=0), mu[after].mean(axis=0)
        return (mu - low) / (high - low), high - low
    power = energy.reshape(-1, *[1] * (mu.ndim - 1)) ** float(r.nvict)
    pre = polynomial(energy[before], (mu * power)[before], r.npre)(energy) / power
    rise = polynomial(energy[after], (mu - pre)[after], r.nnorm)(energy)
    step = rise[r.edge]
    if method == "area":
        step = np.trapezoid((mu - pre)[after], energy[after], axis=0) / np.ptp(energy[after])
    norm = (mu - pre) / (rise if method == "ratio" else step)
    if method == "flat":
        norm[r.edge :] -= ((rise - rise[r.edge]) / step)[r.edge :]
    return norm, step


@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-6), (np.float32, 2e-5)])
def test_edge_step__is_that_of_larch(spectra: Any, recorded: Any, dtype: Any, error: float) -> None:
    compared = 0
    for name, energy, mu, larch in spectra:
        at = np.linspace(0, len(energy) - 1, recorded["samples"]).astype(int)
        for case, chosen in recorded["cases"].items():
            truth = larch["cases"][case]
            windows = Windows(**{key: value for key, value in chosen.items() if key != "e0"})
            norm, step = edge_step(energy, mu.astype(dtype), truth["e0"], windows)
            assert abs(step) == pytest.approx(truth["edge_step"], rel=10 * error), (name, case)
            if step > 0:  # Larch takes the absolute value of a negative step
                scale = error * max(1, np.abs(mu).max() / truth["edge_step"])
                np.testing.assert_allclose(norm[at], truth["norm"], atol=scale, rtol=error)
                found, _ = flat(energy, mu.astype(dtype), truth["e0"], windows)
                np.testing.assert_allclose(found[at], truth["flat"], atol=scale, rtol=error)
                compared += 1
    assert compared >= 40


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("windows", [WIDE, Windows(), Windows(nnorm=0, npre=0), Windows(nvict=2, nnorm=3)])
def test_methods__are_their_formulas(method: str, windows: Windows, energy: Any, block: Any) -> None:
    norm, step = METHODS[method](energy, block(), E0, windows)
    truth, height = by_numpy(method, energy, block(), windows)
    np.testing.assert_allclose(step, height, rtol=1e-9)
    good = np.isfinite(norm)  # a ratio has no value where the curves cross
    assert good.mean() > (0.5 if method == "ratio" else 0.999)
    np.testing.assert_allclose(norm[good], truth[good], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_methods__give_float32_its_precision(method: str, energy: Any, block: Any) -> None:
    norm, step = METHODS[method](energy, block(dtype=np.float32), E0, WIDE)
    assert norm.dtype == np.float32
    assert step.dtype == np.float64
    truth, height = METHODS[method](energy, block(dtype=np.float32).astype(np.float64), E0, WIDE)
    np.testing.assert_allclose(step, height, rtol=1e-6)
    good = np.isfinite(norm) & (np.abs(truth) < 5)
    np.testing.assert_allclose(norm[good], truth[good], atol=3e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(FITTED[:3]))
def test_methods__ignore_a_line_and_the_thickness(energy: Any, block: Any, seed: int, method: str) -> None:
    rng = np.random.default_rng(seed)
    mu = block((1, 2), seed=seed)
    thickness, offset, slope = rng.uniform(0.1, 10), rng.normal(), 1e-3 * rng.normal()
    changed = thickness * mu + (offset + slope * (energy - E0))[:, None, None]
    norm, step = METHODS[method](energy, mu, E0, WIDE)
    again, height = METHODS[method](energy, changed, E0, WIDE)
    np.testing.assert_allclose(height, thickness * step, rtol=1e-8)
    good = np.isfinite(norm) & (np.abs(norm) < 100)
    np.testing.assert_allclose(again[good], norm[good], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_methods__do_not_depend_on_chunking(method: str, dtype: Any, energy: Any, block: Any) -> None:
    mu, e0 = block((4, 150), dtype), np.full((4, 150), E0)
    mu[:2, 1, 100:], mu[5, 0, 3] = np.nan, np.nan
    e0[2] = np.linspace(7105, 7120, 150)
    for edge in (E0, e0):
        norm, step = METHODS[method](energy, mu, edge, WIDE)
        for part in (np.s_[1:3, 90:], np.s_[:, 3:20], np.s_[2, :]):
            shared = edge if np.ndim(edge) == 0 else e0[part]
            parts = METHODS[method](energy, mu[:, *part], shared, WIDE)
            np.testing.assert_array_equal(parts[0], norm[:, *part])
            np.testing.assert_array_equal(parts[1], step[part])


@pytest.mark.parametrize("method", FITTED)
def test_methods__take_a_map_of_e0_pixel_by_pixel(method: str, energy: Any, block: Any) -> None:
    e0 = np.random.default_rng(2).uniform(7105, 7120, (3, 4))
    norm, step = METHODS[method](energy, block(), e0)
    for y in range(3):
        for x in range(4):
            alone, height = METHODS[method](energy, block()[:, y, x], float(e0[y, x]))
            np.testing.assert_array_equal(norm[:, y, x], alone)
            assert step[y, x] == height


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("as_map", [False, True])
def test_methods__take_missing_energies_as_never_measured(
    method: str, as_map: bool, energy: Any, block: Any
) -> None:
    mu = block()
    gaps = np.zeros(energy.size, bool)
    gaps[[4, 12, 30, -1]] = True
    mu[gaps, 1, 2] = np.nan
    mu[3, 1, 3] = np.inf
    norm, step = METHODS[method](energy, mu, np.full((3, 4), E0) if as_map else E0)
    alone, height = METHODS[method](energy[~gaps], mu[~gaps, 1, 2], E0)
    np.testing.assert_array_equal(norm[~gaps, 1, 2], alone)
    assert np.isnan(norm[gaps, 1, 2]).all()
    assert step[1, 2] == height
    assert np.isnan(norm[3, 1, 3])
    assert method == "ratio" or np.isfinite(np.delete(norm[:, 1, 3], 3)).all()


def test_edge_step__keeps_the_line_of_the_scan_where_a_pixel_misses_the_first_energy() -> None:
    energy = E0 + np.array([-60.0, -45.0, -30.0, -15.0, -5.0, 0.0, 5.0, 20.0, 60.0, 100.0, 140.0])
    mu = np.repeat((0.5 - 0.002 * (energy - E0) + (energy > E0))[:, None], 2, axis=1)
    mu[0, 1] = np.nan
    norm, step = edge_step(energy, mu, E0, Windows(pre1=-60, pre2=-12, norm1=20, nnorm=1))
    np.testing.assert_allclose(norm[1:, 1], norm[1:, 0], atol=1e-12)
    assert step[1] == pytest.approx(step[0])


@pytest.mark.parametrize("method", METHODS)
def test_methods__bad_pixels_are_nan_and_input_is_left_alone(method: str, energy: Any, block: Any) -> None:
    mu = block((2, 5))
    mu[:, 0, 0], mu[:, 0, 1], mu[3:, 0, 2] = np.nan, 1.0, np.nan
    mu[:, 0, 3] *= -1
    before = mu.copy()
    mu.flags.writeable = False
    norm, step = METHODS[method](energy, mu, E0, WIDE)
    np.testing.assert_array_equal(mu, before)
    assert np.isnan(norm[:, 0, :2]).all()
    assert np.isnan(step[0, 0])
    assert step[0, 1] == pytest.approx(0, abs=1e-12)
    if method != "minmax":
        assert np.isnan(norm[:, 0, 2:4]).all()
        assert step[0, 3] < 0
        assert (step[1] > 0).all()


@pytest.mark.parametrize("e0", [np.nan, 7000.0, 7041.0, 7255.0, 9000.0])
def test_edge_step__is_nan_where_the_edge_is_out_of_the_scan(e0: float, energy: Any, block: Any) -> None:
    places = np.full((3, 4), E0)
    places[1, 1] = e0
    norm, step = edge_step(energy, block(), places)
    assert np.isnan(norm[:, 1, 1]).all()
    assert np.isnan(step[1, 1])
    assert np.isfinite(step).sum() == 11
    assert np.isnan(edge_step(energy, block(), e0)[1]).all()


def test_methods__any_shape_and_number() -> None:
    energy = np.arange(7050, 7200, 2)
    counts = (10 * (energy > 7112)).astype(np.uint16)
    norm, step = edge_step(energy, counts, E0)
    assert (norm.dtype, norm.shape, step.shape) == (np.float64, energy.shape, ())
    assert edge_step(energy, np.stack([counts] * 3, axis=1), E0)[1].shape == (3,)
    assert edge_step(energy, np.zeros((energy.size, 0, 4)), E0)[0].shape == (energy.size, 0, 4)


def test_methods__refuse_settings_out_of_range(energy: Any, block: Any) -> None:
    with pytest.raises(InputError, match="nnorm 9"):
        normalize.edge_step(energy, block(), E0, Windows(nnorm=9))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_methods__never_raise_on_bad_pixels(energy: Any, block: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mu = block((2, 3), seed=seed)
    mu[rng.random(mu.shape) < rng.choice([0.02, 0.5, 0.9, 0.97])] = rng.choice([np.nan, np.inf])
    e0 = rng.uniform(7030, 7270, (2, 3)) if rng.random() < 0.5 else rng.uniform(7030, 7270)
    limits = [None if rng.random() < 0.3 else float(rng.uniform(-80, 160)) for _ in range(4)]
    windows = Windows(*limits, nnorm=rng.choice([None, 0, 1, 2, 5]), nvict=int(rng.integers(3)))
    f2 = np.where(energy > E0, 3.9, 0.47) * (E0 / energy)
    found = [(name, *method(energy, mu, e0, windows)) for name, method in METHODS.items()]
    found.append(("mback", *mback(energy, mu, e0, f2, windows._replace(pre2=-30, norm1=30))))
    for name, norm, step in found:
        assert np.isnan(norm[~np.isfinite(mu)]).all(), name
        assert not np.isinf(norm).any(), name
        assert (np.isnan(norm).all(axis=0) | (step > 0)).all(), name
