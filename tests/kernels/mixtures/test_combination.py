"""Combination fits against scipy's non-negative least squares, against SLSQP, numpy and Larch."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar, nnls

from xafsflow.kernels.mixtures.active_support import dependent_columns
from xafsflow.kernels.mixtures.combination import Fit, fit_combination
from xafsflow.kernels.mixtures.shifted_combination import fit_moved_combination

ENERGY = np.linspace(-20, 60, 50)
NOTHING = np.empty((0, ENERGY.size))
LINE = np.stack([np.ones(ENERGY.size), ENERGY / 50])


def edges(count: int, by: float = 0.0) -> Any:
    """References as neighboring compounds have them: alike, their edges 1.5 eV apart."""
    k = np.arange(count)[:, None]
    x = ENERGY - 1.5 * k - by
    return 0.5 + np.arctan(x / 1.5) / np.pi + (0.1 + 0.3 * (k % 3)) * np.exp(-(((x - 6) / 3) ** 2))


def mixed(references: Any, pixels: int = 12, noise: float = 0.02, seed: int = 0) -> Any:
    """Pixels `(energy, pixel)`, about half of their fractions zero."""
    rng = np.random.default_rng(seed)
    fractions = rng.dirichlet(np.full(len(references), 0.5), pixels) * rng.integers(
        0, 2, (pixels, len(references))
    )
    return (fractions @ references + noise * rng.standard_normal((pixels, ENERGY.size))).T


def residual(fit: Fit, references: Any, values: Any) -> Any:
    return values - references.T @ fit.fraction


def by_slsqp(references: Any, data: Any, start: Any) -> float:
    """The least sum of squares with fractions that sum to one; scipy's general solver, from a point it may improve."""
    found = minimize(
        lambda z: float(((data - z @ references) ** 2).sum()),
        start,
        jac=lambda z: -2 * references @ (data - z @ references),
        method="SLSQP",
        bounds=[(0, None)] * len(references),
        constraints={"type": "eq", "fun": lambda z: z.sum() - 1, "jac": lambda z: np.ones(len(z))},
        options={"ftol": 1e-14, "maxiter": 300},
    )
    return float(found.fun)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from(["usual", "zero", "twice", "sum"]))
def test_fit__is_that_of_nnls(seed: int, count: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    energies = int(rng.integers(count + 3, 25))
    references = rng.standard_normal((count, energies)) + rng.choice([0.0, 2.0])
    if kind == "zero":
        references[-1] = 0
    if kind == "twice":
        references[-1] = references[0]
    if kind == "sum" and count > 2:
        references[-1] = references[0] + references[1]
    values = rng.standard_normal((energies, 7)) + rng.choice([0.0, 1.0])
    values[:, 0] = 0
    fit = fit_combination(values, None, references, np.empty((0, energies)), sum_to_one=False)
    for pixel in range(7):
        found, norm = nnls(references.T, values[:, pixel])
        left = np.sqrt((residual(fit, references, values)[:, pixel] ** 2).sum())
        assert left == pytest.approx(norm, abs=1e-9)
        assert (fit.fraction[:, pixel] >= -1e-12).all()
        if not dependent_columns(references):
            np.testing.assert_allclose(fit.fraction[:, pixel], found, atol=1e-8)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7, 12])
def test_fit__is_that_of_nnls_on_spectra(count: int) -> None:
    references = edges(count)
    values = mixed(references)
    fit = fit_combination(values, None, references, NOTHING, sum_to_one=False)
    expected = np.array([nnls(references.T, data)[0] for data in values.T]).T
    np.testing.assert_allclose(fit.fraction, expected, atol=1e-8)
    assert (expected == 0).any()


@pytest.mark.long
@pytest.mark.parametrize("count", [3, 6, 8])
def test_fit__with_weights_is_that_of_nnls_on_scaled_spectra(count: int) -> None:
    references = edges(count)
    values = mixed(references)
    sigma = np.random.default_rng(1).uniform(0.01, 0.05, values.shape)
    fit = fit_combination(values, sigma, references, NOTHING, sum_to_one=False)
    for pixel, (data, own) in enumerate(zip(values.T, sigma.T, strict=True)):
        expected, norm = nnls((references / own).T, data / own)
        np.testing.assert_allclose(fit.fraction[:, pixel], expected, atol=1e-8)
        assert fit.reduced_chi_square[pixel] == pytest.approx(norm**2 / (ENERGY.size - count))


@pytest.mark.parametrize("count", [3, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_fit__with_a_background_is_that_of_nnls_with_both_signs(count: int, weighted: bool) -> None:
    references = edges(count)
    values = mixed(references) + 0.1 - 0.05 * LINE[1][:, None]
    sigma = np.full_like(values, 0.02) if weighted else None
    fit = fit_combination(values, sigma, references, LINE, sum_to_one=False)
    both = np.concatenate([references, LINE, -LINE]).T
    expected = np.array([nnls(both, data)[0][:count] for data in values.T]).T
    np.testing.assert_allclose(fit.fraction, expected, atol=1e-7)


@pytest.mark.parametrize("count", [2, 3, 6, 7, 9])
@pytest.mark.parametrize("weighted", [False, True])
def test_fit__with_a_sum_of_one_is_not_beaten_by_slsqp(count: int, weighted: bool) -> None:
    references = edges(count)
    values = mixed(references, 6)
    sigma = np.full_like(values, 0.02) if weighted else None
    fit = fit_combination(values, sigma, references, NOTHING, sum_to_one=True)
    np.testing.assert_allclose(fit.fraction.sum(axis=0), 1, atol=1e-9)
    assert (fit.fraction >= -1e-12).all()
    for pixel, left in enumerate((residual(fit, references, values) ** 2).sum(axis=0)):
        starts = [np.full(count, 1 / count), fit.fraction[:, pixel]]
        assert left == pytest.approx(min(by_slsqp(references, values[:, pixel], z) for z in starts), rel=1e-6)


def test_fit__of_two_orthogonal_references_is_known_in_closed_form() -> None:
    references = np.array([[2.0, 0, 0, 0], [0, 1.0, 0, 0]])
    values = np.array([[4.0, 3.0, 1.0, 0.0], [4.0, -3.0, 1.0, 0.0]]).T
    free = fit_combination(values, None, references, np.empty((0, 4)), sum_to_one=False)
    np.testing.assert_allclose(free.fraction, [[2, 2], [3, 0]], atol=1e-14)
    np.testing.assert_allclose(free.reduced_chi_square, [1 / 2, 10 / 2])
    np.testing.assert_allclose(free.r_factor, [1 / 26, 10 / 26])
    np.testing.assert_allclose(free.error, np.sqrt([1 / 2, 10 / 2]) * np.array([[1 / 2], [1]]))
    # (4 - 2a)^2 + (3 - (1 - a))^2 is least at a = 6/5, and (4 - 2a)^2 + (-3 - (1 - a))^2 at 12/5: both are beyond one.
    one = fit_combination(values, None, references, np.empty((0, 4)), sum_to_one=True)
    np.testing.assert_allclose(one.fraction, [[1, 1], [0, 0]], atol=1e-14)
    np.testing.assert_allclose(one.reduced_chi_square, [(4 + 9 + 1) / 3, (4 + 9 + 1) / 3])


@pytest.mark.parametrize("sum_to_one", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_error__is_the_scatter_that_noise_gives(sum_to_one: bool, background: bool) -> None:
    references = edges(3)
    noise = 0.01 * np.random.default_rng(2).standard_normal((ENERGY.size, 1500))
    values = (np.array([0.4, 0.35, 0.25]) @ references)[:, None] + noise
    free = LINE if background else NOTHING
    known = fit_combination(values, np.full_like(values, 0.01), references, free, sum_to_one)
    np.testing.assert_allclose(known.fraction.std(axis=1) / known.error[:, 0], 1, atol=0.07)
    assert known.reduced_chi_square.mean() == pytest.approx(1, abs=0.02)
    unknown = fit_combination(values, None, references, free, sum_to_one)
    np.testing.assert_allclose(unknown.error, known.error * np.sqrt(known.reduced_chi_square), rtol=1e-6)


def test_error__of_a_reference_at_zero_is_that_beside_the_others() -> None:
    references = edges(3)
    values = np.array([0.6, 0.4, -0.2]) @ references
    fit = fit_combination(values[:, None], np.ones((ENERGY.size, 1)), references, NOTHING, sum_to_one=False)
    assert fit.fraction[2, 0] == 0
    pair, all_three = (np.linalg.inv(part @ part.T) for part in (references[:2], references))
    np.testing.assert_allclose(fit.error[:, 0] ** 2, [pair[0, 0], pair[1, 1], all_three[2, 2]])


def test_error__of_a_lone_reference_that_is_the_whole_sum_is_not_zero() -> None:
    references = edges(2)
    fit = fit_combination(references[:1].T, np.ones((ENERGY.size, 1)), references, NOTHING, sum_to_one=True)
    np.testing.assert_allclose(fit.fraction[:, 0], [1, 0], atol=1e-12)
    np.testing.assert_allclose(fit.error[:, 0], 1 / np.sqrt(((references[1] - references[0]) ** 2).sum()))


# With the sum held at one Larch lets the last fraction follow from the others, and where that is at its bound the sum is
# not one.
@pytest.mark.parametrize(
    "case", ["inside, free", "inside, one", "more than one, free", "two, free", "two, one"]
)
def test_fit__agrees_with_larch_where_no_fraction_is_at_its_bound(recorded: Any, case: str) -> None:
    given, larch = recorded["combinations"], recorded["combinations"]["larch"][case]
    name, total = case.split(", ")
    references, data = np.array(given["references"]), np.array(given["data"][name])
    fit = fit_combination(data[:, None], None, references, np.empty((0, data.size)), total == "one")
    np.testing.assert_allclose(fit.fraction[:, 0], larch["fraction"], atol=2e-6)
    np.testing.assert_allclose(fit.error[:, 0], larch["error"], rtol=2e-3)
    assert fit.r_factor[0] == pytest.approx(larch["r_factor"], rel=1e-6)
    assert fit.reduced_chi_square[0] == pytest.approx(larch["reduced_chi_square"], rel=1e-6)


def test_fit__is_at_least_as_good_as_larch_at_the_bounds(recorded: Any) -> None:
    given = recorded["combinations"]
    references = np.array(given["references"])
    for name, data in given["data"].items():
        values = np.array(data)[:, None]
        fit = fit_combination(values, None, references, np.empty((0, len(values))), sum_to_one=False)
        assert fit.r_factor[0] <= given["larch"][f"{name}, free"]["r_factor"] * (1 + 1e-9)


@pytest.mark.parametrize("sum_to_one", [False, True])
def test_fit__scales_with_the_noise(sum_to_one: bool) -> None:
    references = edges(3)
    values = mixed(references)
    sigma = np.random.default_rng(1).uniform(0.01, 0.05, values.shape)
    once, more = (
        fit_combination(values, part, references, NOTHING, sum_to_one) for part in (sigma, 8 * sigma)
    )
    np.testing.assert_allclose(more.fraction, once.fraction, atol=1e-11)
    np.testing.assert_allclose(more.error, 8 * once.error, rtol=1e-9)
    np.testing.assert_allclose(more.reduced_chi_square, once.reduced_chi_square / 64, rtol=1e-9)
    np.testing.assert_allclose(more.r_factor, once.r_factor, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_fit__does_not_depend_on_the_order_of_the_references(weighted: bool) -> None:
    references = edges(3)
    values = mixed(references)
    sigma = np.full_like(values, 0.02) if weighted else None
    whole = fit_combination(values, sigma, references, NOTHING, sum_to_one=True)
    for order in map(list, permutations(range(3))):
        fit = fit_combination(values, sigma, references[order], NOTHING, sum_to_one=True)
        np.testing.assert_allclose(fit.fraction, whole.fraction[order], atol=1e-9)
        np.testing.assert_allclose(fit.error, whole.error[order], rtol=1e-7)


@pytest.mark.long
@pytest.mark.parametrize("count", [3, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_fit__does_not_depend_on_the_pixels_beside(count: int, weighted: bool) -> None:
    references = edges(count)
    values = mixed(references, 300).astype(np.float32)
    values[:, 7], values[3, 8], values[4, 9] = np.nan, np.nan, np.inf
    sigma = np.full_like(values, 0.02) if weighted else None
    if sigma is not None:
        sigma[2, 10], sigma[2, 11] = np.nan, 0
    fit = fit_combination(values, sigma, references, NOTHING, sum_to_one=True)
    for pixel in (0, 5, 6, 255, 256, 299):
        own = None if sigma is None else sigma[:, [pixel]]
        alone = fit_combination(values[:, [pixel]], own, references, NOTHING, sum_to_one=True)
        for one, many in zip(alone, fit, strict=True):
            np.testing.assert_array_equal(one[..., 0], many[..., pixel])
    bad = [7, 8, 9, *([10, 11] if weighted else [])]
    for part in fit:
        assert np.isnan(part[..., bad]).all()
        assert np.isfinite(np.delete(part, bad, axis=-1)).all()


def test_fit__is_as_exact_on_float32_as_the_data() -> None:
    references = edges(5)
    values = mixed(references, 200)
    fit = fit_combination(values.astype(np.float32), None, references, NOTHING, sum_to_one=False)
    exact = fit_combination(values, None, references, NOTHING, sum_to_one=False)
    np.testing.assert_allclose(fit.fraction, exact.fraction, atol=2e-6)


def test_fit__keeps_the_shape_of_the_field() -> None:
    values = mixed(edges(2), 12).reshape(-1, 3, 4)
    fit = fit_combination(values, None, edges(2), NOTHING, sum_to_one=True)
    assert fit.fraction.shape == fit.error.shape == (2, 3, 4)
    assert fit.r_factor.shape == fit.reduced_chi_square.shape == fit.shift.shape == (3, 4)


@pytest.mark.long
@pytest.mark.parametrize("count", [3, 7])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sum_to_one", [False, True])
def test_moved_fit__is_the_best_of_all_shifts(count: int, weighted: bool, sum_to_one: bool) -> None:
    shifts = np.linspace(-1, 1, 9)
    table = np.stack([edges(count, by) for by in shifts])
    values = mixed(edges(count, 0.37), 4, 0.005)
    sigma = np.random.default_rng(3).uniform(0.01, 0.03, values.shape) if weighted else None
    fit = fit_moved_combination(values, sigma, table, shifts, NOTHING, sum_to_one)
    for pixel in range(4):
        data, own = values[:, [pixel]], None if sigma is None else sigma[:, [pixel]]

        def misfit(by: float, data: Any = data, own: Any = own) -> float:
            found = fit_combination(data, own, edges(count, by), NOTHING, sum_to_one)
            return float(found.reduced_chi_square[0])

        best = minimize_scalar(misfit, bounds=(-1, 1), method="bounded", options={"xatol": 1e-5})
        freedom = ENERGY.size - count + int(sum_to_one)
        assert fit.reduced_chi_square[pixel] * (freedom - 1) == pytest.approx(best.fun * freedom, rel=2e-4)
        assert fit.shift[pixel] == pytest.approx(best.x, abs=3e-3)


def test_moved_fit__finds_the_shift_with_the_error_it_states() -> None:
    shifts = np.linspace(-1, 1, 9)
    table = np.stack([edges(3, by) for by in shifts])
    noise = 0.01 * np.random.default_rng(4).standard_normal((ENERGY.size, 300))
    values = (np.array([0.4, 0.35, 0.25]) @ edges(3, -0.42))[:, None] + noise
    fit = fit_moved_combination(values, np.full_like(values, 0.01), table, shifts, NOTHING, sum_to_one=True)
    assert fit.shift.mean() == pytest.approx(-0.42, abs=0.02)
    np.testing.assert_allclose(fit.fraction.std(axis=1) / np.median(fit.error, axis=1), 1, atol=0.15)
    assert fit.reduced_chi_square.mean() == pytest.approx(1, abs=0.04)
    still = fit_combination(values, np.full_like(values, 0.01), edges(3), NOTHING, sum_to_one=True)
    assert still.reduced_chi_square.mean() > 1.3


def test_moved_fit__of_bad_pixels_is_nan() -> None:
    shifts = np.linspace(-1, 1, 9)
    table = np.stack([edges(2, by) for by in shifts])
    values = mixed(edges(2), 3)
    values[4, 1] = np.nan
    sigma = np.full_like(values, 0.02)
    sigma[0, 2] = np.nan
    fit = fit_moved_combination(values, sigma, table, shifts, NOTHING, sum_to_one=True)
    for part in fit:
        assert np.isnan(part[..., 1:]).all()
        assert np.isfinite(part[..., 0]).all()


def test_dependent_columns__tells_which() -> None:
    references = edges(4)
    assert dependent_columns(references) == []
    assert dependent_columns(
        np.concatenate([references, references[1:2], [references[0] + LINE[0]], LINE[:1]])
    ) == [4, 6]
