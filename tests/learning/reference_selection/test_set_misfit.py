from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.optimize import nnls

from xafsflow.findings.reference_set_findings import MissingReference, RegionMap
from xafsflow.kernels.images.neighborhood import Neighborhood
from xafsflow.learning.reference_selection.bin_regions import Bins, grouped, independent
from xafsflow.learning.reference_selection.set_comparison import Comparison
from xafsflow.learning.reference_selection.set_judgement import common_offset, moved
from xafsflow.learning.reference_selection.set_misfit import (
    Fits,
    Scatter,
    all_at_once,
    chi_squares,
    scatter_of,
)
from xafsflow.learning.reference_selection.similarity import near_duplicates, spectral_distances

ENERGY = np.linspace(7092, 7192, 200)
NAMES = ["a", "b", "c", "d", "e"]
# What the step adds to the findings.
PLACE = {"left_out": (), "span": (7000.0, 7100.0), "region_map": RegionMap(2, np.zeros((1, 1), np.int64))}


def spectra() -> np.ndarray:
    """Five edges with white lines."""
    x = ENERGY - 7092
    rows = [
        0.5 + 0.5 * np.tanh((x - at) / 2.5) + h * np.exp(-0.5 * ((x - at - 7) / w) ** 2)
        for at, h, w in ((20, 0.1, 3.0), (26, 0.5, 3.0), (31, 0.5, 3.5), (28, 0.2, 6.0), (24, 0.8, 2.0))
    ]
    return np.array(rows)


def made(seed: int, shares: np.ndarray, sigma: float = 0.004, common: float = 0.0) -> Bins:
    """Bins of known shares with noise of their own and noise that all share."""
    random = np.random.default_rng(seed)
    count = len(shares)
    noise = sigma * random.uniform(0.7, 1.5, count)
    flux = random.uniform(1, 2, count)
    profile = np.linspace(0.7, 1.4, len(ENERGY))
    y = 1.3 * shares @ spectra() + 0.02 + 0.0003 * (ENERGY - 7100)
    y = y + random.normal(0, 1, y.shape) * noise[:, None] * np.sqrt(profile)
    y += common * flux[:, None] * random.normal(0, 1, len(ENERGY)) * np.sqrt(profile)
    count_of = np.full(count, 50)
    number = np.arange(count)
    return Bins(ENERGY, y, noise, profile, flux, count_of, np.zeros(count, int), number, number // 8)


def pair_of(seed: int, count: int = 40) -> np.ndarray:
    share = np.random.default_rng([seed, 9]).uniform(0, 1, count)
    return np.stack([share * 0, share, 1 - share, share * 0, share * 0], axis=1)


def compared(bins: Bins, **changes: object) -> Comparison:
    given = {
        "sets": None,
        "most": 3,
        "offset": 0.0,
        "duplicate_limit": 0.02,
        "share": 0.1,
        "seed": 0,
        **changes,
    }
    return Comparison(bins, spectra(), NAMES, **given)  # type: ignore[arg-type]


@pytest.mark.long
def test_residual__agrees_with_scipy_with_a_line_of_either_sign() -> None:
    bins = made(1, pair_of(1, 6))
    fits = Fits(bins, spectra())
    fractions, left = fits.residual((1, 3, 4))
    root = np.sqrt(bins.profile)
    line = np.stack([np.ones_like(ENERGY), ENERGY - 7140])
    columns = np.concatenate([spectra()[[1, 3, 4]], line, -line]) / root
    for found, residual, y in zip(fractions, left, bins.spectra / root, strict=True):
        best, norm = nnls(columns.T, y)
        np.testing.assert_allclose(found, best[:3], atol=1e-8)
        assert np.sqrt((residual**2).sum()) == pytest.approx(norm, rel=1e-8)


def test_scatter__weighs_as_the_covariance_does() -> None:
    random = np.random.default_rng(0)
    scatter = Scatter(random.uniform(1, 2, 7), random.uniform(1, 3, 7), 1.7, 0.4)
    residual = random.normal(size=(7, 5))
    covariance = np.diag(1.7 * scatter.noise**2) + 0.4 * np.outer(scatter.flux, scatter.flux)
    expected = np.einsum("be,bc,ce->e", residual, np.linalg.inv(covariance), residual)
    np.testing.assert_allclose(scatter.square(residual), expected)


def test_chi_squares__are_those_of_the_residuals() -> None:
    bins = made(2, pair_of(2), common=0.003)
    fits, scatter = Fits(bins, spectra()), Scatter(bins.noise, bins.flux, 1.2, 1e-5)
    half = np.arange(40) < 20
    sets = [(0,), (1, 2), (0, 3, 4), (1, 2, 3)]
    found = chi_squares(fits, sets, scatter, [np.ones(40, bool), half])
    for row, one in zip(found, sets, strict=True):
        left = fits.residual(one)[1]
        assert row[0] == pytest.approx(scatter.square(left).sum())
        assert row[1] == pytest.approx(scatter.of(half).square(left[half]).sum())


def test_scatter_of__finds_the_noise_of_each_bin_and_of_all() -> None:
    found = []
    for seed in range(6):
        bins = made(seed, pair_of(seed), common=0.004)
        found.append(scatter_of(replace(bins, noise=bins.noise / 1.5), *all_at_once(Fits(bins, spectra()))))
    assert np.mean([one.inflation for one in found]) == pytest.approx(2.25, rel=0.08)
    assert np.mean([one.common for one in found]) == pytest.approx(0.004**2, rel=0.15)


def test_scatter_of__finds_nothing_shared_where_nothing_is() -> None:
    bins = made(3, pair_of(3))
    found = scatter_of(bins, *all_at_once(Fits(bins, spectra())))
    assert found.inflation < 1.1
    assert found.common < (0.2 * np.median(bins.noise)) ** 2


QUADRATIC = Neighborhood(5, "quadratic")


@pytest.mark.parametrize(
    "windows", [(), (Neighborhood(3),), (Neighborhood(3), Neighborhood(5)), (QUADRATIC,)]
)
def test_independent__is_exact_for_even_noise(windows: tuple[Neighborhood, ...]) -> None:
    random = np.random.default_rng(5)
    members = np.full((30, 30), -1)
    members[9:17, 9:17] = np.where(random.uniform(size=(8, 8)) < 0.3, -1, 0)
    members[19:22, 9:17] = 1
    found = independent(np.full((30, 30), 1 / 0.7), members, windows, 2)
    for group in (0, 1):
        weights = (members == group) / (members == group).sum()
        for window in windows:
            weights = ndimage.convolve(weights, window.weights, mode="constant")
        assert found[group] == pytest.approx(0.7**2 * (weights**2).sum())


def test_independent__is_that_of_the_best_mean_of_unequal_pixels() -> None:
    sigma = np.random.default_rng(6).uniform(0.2, 3, (5, 7))
    found = independent(1 / sigma, np.zeros((5, 7), int), (), 2)
    np.testing.assert_allclose(found, [1 / (1 / sigma**2).sum(), np.inf])


def test_grouped__finds_regions_whatever_the_order_of_bins() -> None:
    shares = np.repeat(np.eye(5)[[1, 2, 4]], [20, 12, 8], axis=0)
    bins = made(6, shares)
    order = np.random.default_rng(0).permutation(40)
    there, again = grouped(bins, 3, 0).region, grouped(bins.take(order), 3, 0).region
    np.testing.assert_array_equal(there, np.repeat([0, 1, 2], [20, 12, 8]))
    np.testing.assert_array_equal(again, there[order])


@pytest.mark.parametrize("seed", range(5))
def test_comparison__finds_the_pair_though_all_bins_share_an_error(seed: int) -> None:
    found = compared(made(seed, pair_of(seed), common=0.006)).findings(["a", "b", "c"], **PLACE)
    assert sorted(found.chosen) == ["b", "c"]
    assert found.superfluous == ("a",)
    assert found.missing == ()
    assert found.sets[0].references == ("b", "c")
    assert "b + c suffices" in found.verdict


def test_comparison__tells_what_is_missing_and_where() -> None:
    shares = pair_of(1)
    shares[30:] = 0.8 * shares[30:] + 0.2 * np.eye(5)[4]
    bins = replace(made(7, shares), region=(np.arange(40) >= 30).astype(int))
    found = compared(bins, sets=[(1, 2), (0, 1, 2)]).findings(["b", "c"], **PLACE)
    assert found.missing == ("e",)
    assert [row.missing for row in found.regions] == [(), (MissingReference("e", ()),)]
    assert found.regions[1].shares["e"] == pytest.approx(0.2, abs=0.02)
    assert "missing, most like e" in found.verdict


def test_comparison__names_the_near_duplicate_that_does_as_well() -> None:
    references = np.concatenate([spectra(), spectra()[1:2]])
    found = Comparison(made(8, pair_of(8)), references, [*NAMES, "b2"], None, 2, 0.0, 0.02, 0.1, 0).findings(
        ["b2", "c"], **PLACE
    )
    assert {*found.chosen, *found.alternatives[next(iter(found.alternatives))]} == {"b", "b2", "c"}
    assert "or its near-duplicate" in found.verdict
    assert found.superfluous == found.missing == ()


@given(st.permutations(range(5)))
@settings(max_examples=5, deadline=None)
def test_comparison__does_not_depend_on_the_order_of_candidates(order: list[int]) -> None:
    bins = made(9, pair_of(9, 12))
    names = [NAMES[i] for i in order]
    found = Comparison(bins, spectra()[order], names, None, 2, 0.0, 0.02, 0.1, 0).findings(None, **PLACE)
    again = compared(bins, most=2).findings(None, **PLACE)
    assert sorted(found.chosen) == sorted(again.chosen)
    tables = [{frozenset(row.references): row for row in one.sets} for one in (found, again)]
    assert set(tables[0]) == set(tables[1])
    for members, row in tables[0].items():
        assert row.bic == pytest.approx(tables[1][members].bic)
        assert row.interval == pytest.approx(tables[1][members].interval)


@given(st.floats(0.05, 50))
@settings(max_examples=10, deadline=None)
def test_comparison__does_not_depend_on_the_scale(factor: float) -> None:
    bins = made(9, pair_of(9, 12))
    scaled = replace(bins, spectra=factor * bins.spectra, noise=factor * bins.noise, flux=factor * bins.flux)
    found, again = (compared(one, most=2).findings(None, **PLACE).sets for one in (bins, scaled))
    assert [row.bic for row in again] == pytest.approx([row.bic for row in found], rel=1e-6)
    assert [row.r_factor for row in again] == pytest.approx([row.r_factor for row in found], rel=1e-6)


def test_common_offset__is_found() -> None:
    bins = made(10, pair_of(10))
    raised = moved(ENERGY, spectra(), -0.2)
    assert common_offset(bins, raised, 0.5) == pytest.approx(0.2, abs=0.02)
    assert common_offset(bins, raised, 0.0) == 0


def test_comparison__is_not_misled_by_an_offset_that_it_may_search() -> None:
    bins = made(11, pair_of(11))
    raised = moved(ENERGY, spectra(), -0.2)
    strict, free = (
        Comparison(bins, raised, NAMES, [(1, 2), (0, 1, 2), (1, 2, 3), (1, 2, 4)], 3, limit, 0.02, 0.1, 0)
        for limit in (0.0, 0.5)
    )
    # What the offset leaves is no noise.
    assert strict.scatter.inflation == pytest.approx(free.scatter.inflation, abs=0.05)
    assert strict.chosen.prediction[0].error > 1.2
    assert free.chosen.prediction[0].error == pytest.approx(1, abs=0.1)
    assert free.chosen.members == (1, 2)
    assert free.chosen.offset == pytest.approx(0.2, abs=0.02)


def test_apart__agrees_with_a_fit_of_factor_constant_and_slope() -> None:
    a, b = spectra()[1:3]
    columns = np.stack([b, np.ones_like(ENERGY), ENERGY], axis=1)
    one = np.sqrt(np.mean((a - columns @ np.linalg.lstsq(columns, a, rcond=None)[0]) ** 2))
    columns[:, 0] = a
    other = np.sqrt(np.mean((b - columns @ np.linalg.lstsq(columns, b, rcond=None)[0]) ** 2))
    assert spectral_distances(ENERGY, np.stack([a, b]))[0, 1] == pytest.approx(min(one, other))


def test_near_duplicates__are_named_by_distance() -> None:
    rows = np.concatenate([spectra(), 1.1 * spectra()[:1] + 0.02])
    assert near_duplicates([*NAMES, "a2"], spectral_distances(ENERGY, rows), 0.01) == {
        "a": ("a2",),
        "a2": ("a",),
    }


def test_comparison__does_not_take_what_is_missing_for_noise() -> None:
    for seed in range(3):
        found = compared(made(seed, pair_of(seed)), sets=[(0,), (1,), (0, 1)]).findings(None, **PLACE)
        assert found.outcome == "does not suffice"
        assert found.verdict.startswith("b does not suffice")
        assert found.verdict.endswith("something is missing, most like c")
        assert found.inflation < 1.2
        assert found.unexplained > 0.005


def test_comparison__cannot_tell_in_much_noise() -> None:
    found = compared(made(0, pair_of(0), sigma=0.3), most=2).findings(None, **PLACE)
    assert found.outcome == "cannot be told"
    assert found.detectable > 0.1
    assert "another phase of less than" in found.verdict


def test_comparison__cannot_tell_where_neighboring_energies_contradict_the_stated_noise() -> None:
    bins = made(0, pair_of(0))
    found = compared(replace(bins, noise=bins.noise / 3), sets=[(1, 2)]).findings(None, **PLACE)
    assert found.outcome == "cannot be told"
    assert "3.1 times as much as the stated noise" in found.verdict
