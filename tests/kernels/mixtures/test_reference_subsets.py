from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from xafsflow.kernels.mixtures.reference_subsets import MOST, fit_sets


def padded(sets: list[tuple[int, ...]], width: int) -> np.ndarray:
    return np.array([[*one, *[-1] * (width - len(one))] for one in sets], np.int64)


@pytest.mark.long
@given(
    st.integers(0, 10_000),
    st.integers(2, 7),
    st.integers(1, 4),
    st.sampled_from([0.01, 0.3, 3.0]),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_fit_sets__agrees_with_scipy_on_every_set(
    seed: int, references: int, width: int, noise: float, twin: bool
) -> None:
    random = np.random.default_rng(seed)
    a = random.normal(0.5, 1, (references, 25))
    if twin:
        a[-1] = a[0] + random.normal(0, 1e-3, 25)
    y = random.dirichlet(np.ones(references), 6) @ a + random.normal(0, noise, (6, 25))
    sets = [one for size in range(1, width + 1) for one in combinations(range(references), size)]
    found, explained = fit_sets(a @ a.T, y @ a.T, padded(sets, width))
    for s, one in enumerate(sets):
        for n, spectrum in enumerate(y):
            fractions, norm = nnls(a[list(one)].T, spectrum)
            np.testing.assert_allclose(found[s, n, : len(one)], fractions, atol=1e-6)
            # What rounding does to a sum of squares that is solved by a Gram matrix of such a condition.
            rounding = np.finfo(float).eps * np.linalg.cond(a[list(one)]) ** 2 * (spectrum @ spectrum)
            left = spectrum @ spectrum - explained[s, n]
            assert left == pytest.approx(norm**2, rel=1e-8, abs=1e-9 + rounding)
            assert not found[s, n, len(one) :].any()


@given(st.integers(0, 1000), st.permutations(range(5)))
@settings(max_examples=25, deadline=None)
def test_fit_sets__does_not_depend_on_the_order_of_references(seed: int, order: list[int]) -> None:
    random = np.random.default_rng(seed)
    a, y = random.normal(size=(5, 12)), random.normal(size=(4, 12))
    there, explained = fit_sets(a @ a.T, y @ a.T, np.array([range(5)]))
    b = a[order]
    again, moved = fit_sets(b @ b.T, y @ b.T, np.array([range(5)]))
    np.testing.assert_allclose(again[0], there[0][:, order], atol=1e-9)
    np.testing.assert_allclose(moved, explained, atol=1e-9)


def test_fit_sets__takes_a_repeated_reference_once() -> None:
    a = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
    found, explained = fit_sets(a @ a.T, np.array([[2.0, 5.0, 6.0]]) @ a.T, np.array([[0, 1, 2]]))
    assert found[0, 0, :2].sum() == pytest.approx(2)
    assert found[0, 0, 2] == pytest.approx(1)
    assert explained[0, 0] == pytest.approx(65)


def test_fit_sets__holds_as_many_references_as_it_says() -> None:
    random = np.random.default_rng(5)
    a, y = random.normal(size=(MOST, 30)), random.normal(size=(3, 30))
    found, _ = fit_sets(a @ a.T, y @ a.T, np.array([range(MOST)]))
    for n in range(3):
        np.testing.assert_allclose(found[0, n], nnls(a.T, y[n])[0], atol=1e-10)
