"""Arrays answer as the trained network does, to each sample by itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.network.folded_network import BLOCK, FoldedNetwork, convolved, shapes
from xafsflow.learning.network.network_training import Training
from xafsflow.learning.network.residual_network import ResidualNetwork
from xafsflow.learning.network.torch_network import Shape


def network(
    length: int = 20, widths: tuple[int, ...] = (4, 6), outputs: int = 3, **changes: Any
) -> FoldedNetwork:
    """A network whose weights are drawn."""
    rng, wanted = np.random.default_rng(0), shapes(5, 3, widths, outputs)
    weights = np.concatenate([rng.standard_normal(shape).ravel() for shape in wanted]).astype("f4")
    good = {
        "mean": np.linspace(0, 1, length), "scale": np.linspace(1, 2, length), "stem": 5, "stride": 2, "taps": 3,
        "widths": np.array(widths), "weights": weights, "probabilities": True, "classes": np.arange(outputs),
    }  # fmt: skip
    return FoldedNetwork(**(good | changes))


def pixels(length: int = 20, count: int = 100) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((length, count)).astype("f4")


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("length", [1, 4, 9])
def test_a_convolution__is_numpys(length: int, stride: int) -> None:
    rng = np.random.default_rng(0)
    values, weights = rng.standard_normal((2, length, 3)), rng.standard_normal((5, 3, 4))
    wanted = np.zeros((2, length, 4))
    for sample in range(2):
        for channel in range(3):
            for output in range(4):
                # numpy's "same" gives the length of the longer one
                whole = np.convolve(values[sample, :, channel], weights[::-1, channel, output])
                wanted[sample, :, output] += whole[2 : 2 + length]
    found = convolved(values.astype("f4"), weights.reshape(15, 4).astype("f4"), stride)
    np.testing.assert_allclose(found, wanted[:, ::stride], atol=1e-5)


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize(("length", "stride"), [(4, 2), (33, 2), (33, 4)])
def test_arrays__answer_as_torch_does(length: int, stride: int, regression: bool) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    table, labels = rng.standard_normal((60, length)).astype("f4"), rng.integers(0, 3, 60) * 2
    fitted = ResidualNetwork(0, 0, regression)
    fitted.shape, fitted.training = Shape(5, 3, (4, 8, 8), stride), Training(epochs=3)
    fitted.fit(table, np.stack([100 + labels, 0.01 * labels], axis=1) if regression else labels)
    found = FoldedNetwork.from_fitted(fitted)
    found.check()
    fitted.module.double()
    with torch.no_grad():
        told = fitted.module(torch.from_numpy(fitted.scaled(table)))
        wanted = told.numpy() * fitted.spread + fitted.mean if regression else told.softmax(1).numpy()
    np.testing.assert_allclose(found.predict(table.T), wanted, rtol=1e-5)
    assert found.classes.tolist() == ([0, 1] if regression else [0, 2, 4])


def test_an_answer__does_not_depend_on_other_pixels() -> None:
    found, features = network(), pixels(count=3 * BLOCK + 5)
    wanted = found.predict(features)
    for size in (1, 7, BLOCK):
        parts = [found.predict(features[:, k : k + size]) for k in range(0, features.shape[1], size)]
        np.testing.assert_array_equal(np.concatenate(parts), wanted)
    np.testing.assert_array_equal(found.predict(np.asfortranarray(features)), wanted)
    assert found.predict(features[:, :0]).shape == (0, 3)


def test_probabilities__add_up_to_one() -> None:
    np.testing.assert_allclose(network().predict(pixels()).sum(axis=1), 1)


ANSWER = """
import runpy, sys
sys.modules["torch"] = None
tests = runpy.run_path(sys.argv[1])
print(tests["network"]().predict(tests["pixels"]()).sum(axis=0).tolist())
"""


def test_an_answer__needs_no_torch() -> None:
    command = [sys.executable, "-c", ANSWER, str(Path(__file__))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.strip() == str(network().predict(pixels()).sum(axis=0).tolist())


BAD: dict[str, dict[str, Any]] = {
    "fewer weights": {"weights": np.ones(100, "f4")},
    "other dtype": {"mean": np.ones(20, "f4")},
    "no array": {"widths": [4, 6]},
    "a weight that is no number": {"weights": np.full_like(network().weights, np.nan)},
    "more outputs": {"classes": np.arange(4)},
    "a window without a middle": {"taps": 4},
    "no window": {"stem": -1},
    "half a place": {"stem": 5.0},
    "no blocks": {"widths": np.zeros(0, int)},
    "no channels": {"widths": np.array([0, 6])},
    "no features": {"mean": np.ones(0), "scale": np.ones(0)},
    "another scale": {"scale": np.ones(19)},
    "no scale": {"scale": np.zeros(20)},
    "a softmax of numbers": {"probabilities": 1},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_what_does_not_belong_together__is_refused(changes: dict[str, Any]) -> None:
    good = network()
    good.check()
    with pytest.raises(InputError, match="damaged residual network"):
        replace(good, **changes).check()
