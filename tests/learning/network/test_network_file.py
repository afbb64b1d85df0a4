"""A network at rest comes back to the bit, and nothing else is let in."""

from __future__ import annotations

import json
import pickle
import runpy
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from xafsflow.errors import InputError
from xafsflow.files import sha256_of
from xafsflow.learning.network.folded_network import FoldedNetwork, shapes
from xafsflow.learning.network.network_file import ABOUT, FORMAT, network_from_bytes, network_to_bytes

TOLD = {"types": ["rocksalt", "Laves MgZn₂"], "seed": 3, "epochs": 7, "loss": 0.25}


def network(probabilities: bool = True) -> FoldedNetwork:
    """A network with drawn weights."""
    rng, wanted = np.random.default_rng(0), shapes(5, 3, (4, 6), 3)
    weights = np.concatenate([rng.standard_normal(shape).ravel() for shape in wanted]).astype("f4")
    scale = np.linspace(1, 2, 20)
    return FoldedNetwork(
        scale - 1, scale, 5, 2, 3, np.array([4, 6]), weights, probabilities, np.array([0, 1, 2])
    )


@pytest.mark.parametrize("probabilities", [True, False])
def test_a_network__comes_back_to_the_bit(probabilities: bool) -> None:
    made = network(probabilities)
    found, about = network_from_bytes(network_to_bytes(made, TOLD))
    assert about == TOLD
    for name, value in vars(made).items():
        if name != "arrays":
            np.testing.assert_array_equal(getattr(found, name), value)
            assert type(getattr(found, name)) is type(value)
    table = np.random.default_rng(1).standard_normal((20, 5)).astype("f4")
    np.testing.assert_array_equal(found.predict(table), made.predict(table))
    assert network_to_bytes(found, about) == network_to_bytes(made, TOLD)


WRITE = """
import runpy, sys
tests = runpy.run_path(sys.argv[1])
print(tests["sha256_of"](tests["network_to_bytes"](tests["network"](), tests["TOLD"])))
"""


def test_equal_networks__make_equal_bytes_in_every_process() -> None:
    found = {sha256_of(network_to_bytes(network(), dict(reversed(TOLD.items()))))}
    for seed in ("1", "2"):
        command = [sys.executable, "-c", WRITE, str(Path(__file__))]
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=True, env=environment
        )
        found.add(done.stdout.strip())
    assert len(found) == 1


def header_of(text: str, length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(8, "little") + text.encode()


def described(**changes: Any) -> str:
    told = {"format": FORMAT, "probabilities": True, "stem": 5, "stride": 2, "taps": 3, "about": TOLD}
    return json.dumps(told | changes)


def saved(text: str, **arrays: np.ndarray) -> bytes:
    made = network()
    own = {key: getattr(made, key) for key in ("mean", "scale", "widths", "classes")}
    weights = {f"weights {n:03d}": one for n, one in enumerate(made.arrays)}
    return bytes(save(own | weights | arrays, metadata={ABOUT: text}))


class Opened:
    """An object that runs something when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (runpy.run_path, ("/nowhere.py",))


FOREIGN: dict[str, bytes] = {
    "nothing": b"",
    "a text": b"a network of types",
    "a pickle": pickle.dumps(Opened()),
    "a header without end": header_of("{}", 2**63),
    "nested lists": header_of("[" * 100_000),
    "other safetensors": bytes(save({"a": np.zeros(3)})),
    "safetensors with another text": bytes(save({"a": np.zeros(3)}, metadata={ABOUT: "3"})),
    "no arrays": bytes(save({}, metadata={ABOUT: described()})),
    "another format": saved(described(format="xafsflow network 0")),
    "no text": saved("{"),
    "a nested text": saved("[" * 100_000),
    "a list": saved("[]"),
    "a stem that is none": saved(described(stem="5")),
    "a stride of none": saved(described(stride=0)),
    "a text about it": saved(described(about="rocksalt")),
    "weights of other kind": saved(described(), **{"weights 000": np.zeros((5, 4))}),
    "weights of other number": saved(described(), **{"weights 000": np.zeros((6, 4), "f4")}),
    "weights that are no numbers": saved(described(), **{"weights 000": np.full((5, 4), np.nan, "f4")}),
    "negative widths": saved(described(), widths=np.array([-4, 6])),
    "a mean in single precision": saved(described(), mean=np.zeros(20, "f4")),
    "classes as a table": saved(described(), classes=np.zeros((3, 1), int)),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_network__is_refused_with_one_message(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^Found (a network's file that cannot|a damaged)") as caught:
        network_from_bytes(content)
    assert "rain the" in caught.value.action


def test_the_file_itself__is_taken() -> None:
    assert network_from_bytes(saved(described()))[1] == TOLD


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damaged_files__are_refused_or_hold_a_network(data: st.DataObject) -> None:
    content = bytearray(network_to_bytes(network(), TOLD))
    begin = int.from_bytes(content[:8], "little") + 8
    if data.draw(st.booleans(), "truncate"):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(1, 4))):
        if content:
            last = min(len(content), begin if data.draw(st.booleans(), "header") else 10**9) - 1
            content[data.draw(st.integers(0, last))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(InputError):
        found, _ = network_from_bytes(bytes(content))
        with np.errstate(all="ignore"):  # weights of any size are numbers
            found.predict(np.zeros((found.n_features, 2), "f4"))


@pytest.mark.parametrize("share", np.linspace(0, 0.999, 12))
def test_a_file_that_ends_early__is_refused(share: float) -> None:
    content = network_to_bytes(network(), TOLD)
    with pytest.raises(InputError, match="cannot be read"):
        network_from_bytes(content[: int(share * len(content))])


def test_arrays_in_other_order__are_put_in_theirs() -> None:
    made = replace(network(), weights=np.arange(network().weights.size, dtype="f4"))
    assert network_from_bytes(network_to_bytes(made, {}))[0].weights.tolist() == made.weights.tolist()
