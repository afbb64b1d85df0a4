"""Windows of convolutions, against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.kernels.sequences.convolution_windows import lifted_windows


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("length", "taps"), [(1, 5), (4, 1), (9, 3), (10, 5)])
def test_windows__are_numpys_of_the_lifted_values(length: int, taps: int, stride: int) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((3, length, 4)).astype("f4")
    scale, offset = rng.standard_normal((2, 4)).astype("f4")
    lifted = np.maximum(values * scale + offset, 0)
    padded = np.pad(lifted, ((0, 0), (taps // 2, taps // 2), (0, 0)))
    wanted = np.stack([padded[:, k : k + length][:, ::stride] for k in range(taps)], axis=2)
    found = lifted_windows(values, scale, offset, taps, stride)
    np.testing.assert_allclose(found, wanted.reshape(3, -1, taps * 4), rtol=1e-6, atol=1e-6)


def test_windows__of_a_sample_do_not_depend_on_the_others() -> None:
    values = np.random.default_rng(1).standard_normal((5, 12, 3)).astype("f4")
    one = np.ones(3, "f4")
    whole = lifted_windows(values, one, one, 3, 2)
    for k in range(5):
        np.testing.assert_array_equal(lifted_windows(values[k : k + 1], one, one, 3, 2)[0], whole[k])
