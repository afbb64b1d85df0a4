from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.diffraction.preferred_orientation import march_dollase

ONE = np.eye(3, dtype=np.int64)[None]
C = np.array([0, 0, 1])


@pytest.mark.parametrize("r", [0.5, 0.8, 1.5])
def test_factor__is_the_formula_at_planes_along_and_across(r: float) -> None:
    hkl = np.array([[0, 0, 2], [1, 0, 0], [1, 0, 1]])
    found = march_dollase(hkl, ONE, np.eye(3), C, r)
    assert found == pytest.approx([r**-3, r**1.5, (r * r / 2 + 0.5 / r) ** -1.5])


@pytest.mark.parametrize("r", [0.4, 1.0, 2.0])
def test_factor__is_one_in_the_mean_over_all_directions(r: float) -> None:
    # Directions with cosines that fill 0 to 1 evenly are even on the sphere.
    cosine = (np.arange(2000) + 0.5) / 2000
    hkl = np.round(1e6 * np.stack([np.sqrt(1 - cosine**2), 0 * cosine, cosine], 1)).astype(np.int64)
    assert march_dollase(hkl, ONE, np.eye(3), C, r).mean() == pytest.approx(1, abs=1e-3)


def test_factor__is_the_mean_over_equivalent_planes() -> None:
    turn = np.array(
        [
            [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
            [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
        ]
    )
    found = march_dollase(np.array([[0, 0, 1]]), turn, np.eye(3), C, 0.6)
    assert found == pytest.approx([(0.6**-3 + 2 * 0.6**1.5) / 3])
