"""Votes are those of the closed form, and a union that does not belong together is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.models.model import Model, save_model
from xafsflow.learning.network.network_file import network_from_bytes, network_to_bytes
from xafsflow.learning.union.log_spacing import PLACES
from xafsflow.learning.union.union_model import LEAST, Parts, UnionOfNetworks, votes_of

ANGLE = np.linspace(10, 90, 1601)


def drawn_parts(count: int) -> Parts:
    rng = np.random.default_rng(0)
    return Parts(*(rng.random((count, 4)) for _ in range(4)))


@pytest.fixture(scope="module")
def union(drawn_union: Callable[..., UnionOfNetworks]) -> UnionOfNetworks:
    """Two networks: one knows C and A, the other one B."""
    means = np.random.default_rng(0).random((3, PLACES + 20))
    one = drawn_union(ANGLE, means[:2], (1.0, 2.0, 0.5), ("C", "A"))
    other = drawn_union(ANGLE, means[:1], (1.0, 2.0, 0.5), ("B",))
    files = [*one.contents, *other.contents]
    return replace(
        one,
        types=["A", "B", "C"],
        ratios=["", "", ""],
        twins=[[], [], []],
        files=np.frombuffer(b"".join(files), np.uint8),
        lengths=np.array([len(file) for file in files]),
        templates=means.astype("f4"),
        classes=np.arange(3),
    )


@pytest.fixture(scope="module")
def patterns() -> np.ndarray:
    """Counts `(sample, point)` of peaks at drawn places; the last two have none."""
    rng = np.random.default_rng(1)
    places = rng.uniform(15, 85, (7, 4, 1))
    counts = rng.poisson(50 + 900 * np.exp(-(((ANGLE - places) / 0.2) ** 2)).sum(axis=1)).astype("f4")
    counts[5], counts[6] = np.nan, 3
    return counts


def test_votes__are_the_softmax_of_weighed_logarithms() -> None:
    parts, (a, b, c, d) = drawn_parts(5), (1.5, 4.0, 0.7, 0.9)
    product = parts.confidence**a * parts.likeness**b / parts.other**c * parts.later**d
    np.testing.assert_allclose(
        votes_of(parts, np.array([a, b, c, d])), product / product.sum(axis=1, keepdims=True), rtol=1e-10
    )


def test_a_confidence_of_nothing__counts_as_the_least() -> None:
    parts = Parts(np.array([[0.0, LEAST]]), *(np.full((1, 2), 0.5) for _ in range(3)))
    np.testing.assert_allclose(votes_of(parts, np.array([3.0, 1.0, 1.0, 1.0])), [[0.5, 0.5]])


def test_parts__are_those_of_the_network_that_knows_the_type(
    union: UnionOfNetworks, patterns: np.ndarray
) -> None:
    union.check()
    sequences = union.sequences(patterns)
    assert sequences.shape == (7, PLACES)
    assert not sequences[5:].any()
    parts = union.parts(sequences)
    for content, known in zip(union.contents, ([2, 0], [1]), strict=True):
        told = network_from_bytes(content)[0].predict(sequences.T)
        np.testing.assert_array_equal(parts.confidence[:, known], told[:, :-1])
        np.testing.assert_array_equal(parts.other[:, known], np.repeat(told[:, -1:], len(known), axis=1))
    assert not parts.likeness[5:].any()
    votes = union.predict(patterns.T)
    np.testing.assert_array_equal(votes, votes_of(parts, union.score))
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    np.testing.assert_array_equal(parts[1:3].likeness, parts.likeness[1:3])


def test_an_answer__does_not_depend_on_what_stands_beside(
    union: UnionOfNetworks, patterns: np.ndarray
) -> None:
    together = union.predict(patterns.T)
    np.testing.assert_array_equal(
        np.concatenate([union.predict(patterns[k : k + 1].T) for k in range(7)]), together
    )
    np.testing.assert_array_equal(union.predict(np.ascontiguousarray(patterns[::-1].T))[::-1], together)


def without(union: UnionOfNetworks, **about: Any) -> UnionOfNetworks:
    """The union with something else said of its first network."""
    first, *rest = union.contents
    network, told = network_from_bytes(first)
    changed = replace(network, **{key: about.pop(key) for key in list(about) if key in vars(network)})
    files = [network_to_bytes(changed, told | about), *rest]
    return replace(
        union,
        files=np.frombuffer(b"".join(files), np.uint8),
        lengths=np.array([len(one) for one in files]),
    )


BAD: dict[str, Callable[[UnionOfNetworks], UnionOfNetworks]] = {
    "a type in two networks": lambda one: without(one, types=["B", "A"]),
    "a type in none": lambda one: without(one, types=["C"]),
    "an unknown type": lambda one: without(one, types=["C", "D"]),
    "nothing said": lambda one: replace(
        one,
        files=np.frombuffer(
            content := network_to_bytes(network_from_bytes(one.contents[0])[0], {}), np.uint8
        ),
        lengths=np.array([len(content)]),
    ),
    "a network without probabilities": lambda one: without(one, probabilities=False),
    "a network of other places": lambda one: without(one, mean=np.zeros(9), scale=np.ones(9)),
    "a network too few": lambda one: replace(one, files=one.files[: one.lengths[0]], lengths=one.lengths[:1]),
    "bytes too few": lambda one: replace(one, files=one.files[:-1]),
    "other bytes": lambda one: replace(one, files=np.zeros_like(one.files)),
    "other lengths": lambda one: replace(one, lengths=one.lengths + np.array([1, -1])),
    "lengths below nothing": lambda one: replace(one, lengths=np.array([one.files.size + 5, -5])),
    "a mean pattern too few": lambda one: replace(one, templates=one.templates[:2]),
    "short mean patterns": lambda one: replace(one, templates=one.templates[:, :900]),
    "mean patterns in double precision": lambda one: replace(one, templates=one.templates.astype(float)),
    "two weights": lambda one: replace(one, score=np.ones(2)),
    "ratios too few": lambda one: replace(one, ratios=["AB"]),
    "twins too few": lambda one: replace(one, twins=[]),
    "classes too few": lambda one: replace(one, classes=np.arange(2)),
    "no array": lambda one: replace(one, two_theta=ANGLE.tolist()),
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_what_does_not_belong_together__is_refused(
    union: UnionOfNetworks, change: Callable[[UnionOfNetworks], UnionOfNetworks]
) -> None:
    with pytest.raises(InputError, match=r"a damaged union|a network's file that cannot be read"):
        change(union).check()


def test_a_saved_union__has_the_same_bytes_of_networks(union_model: Model, tmp_path) -> None:
    stored = save_model(union_model, tmp_path / "a.npz")
    found = stored.load()
    assert isinstance(found.predictor, UnionOfNetworks)
    assert isinstance(union_model.predictor, UnionOfNetworks)
    assert found.predictor.contents == union_model.predictor.contents
    assert found.predictor.templates.tobytes() == union_model.predictor.templates.tobytes()
    assert found.predictor.ratios == union_model.predictor.ratios
    assert found.signature.wavelength == union_model.signature.wavelength
    assert found == union_model
    save_model(found, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_later_networks__speak_for_the_types_that_they_saw_as_others(
    union: UnionOfNetworks, patterns: np.ndarray
) -> None:
    """The network of B was added behind that of A and C: what it calls other stands beside their votes alone."""
    files = []
    for content, others in zip(union.contents, ([], ["A", "C"]), strict=True):
        network, about = network_from_bytes(content)
        files.append(network_to_bytes(network, {**about, "others": others}))
    grown = replace(
        union,
        files=np.frombuffer(b"".join(files), np.uint8),
        lengths=np.array([len(file) for file in files]),
    )
    sequences = grown.sequences(patterns[:5])
    parts = grown.parts(sequences)
    np.testing.assert_array_equal(parts.later[:, [0, 2]], parts.other[:, [1, 1]])
    assert (parts.later[:, 1] == 1).all()
    assert (union.parts(sequences).later == 1).all()


def test_networks_trained_together__have_none_that_came_later(union: UnionOfNetworks) -> None:
    first, second = union.members
    both = replace(first, others=frozenset(second.own)), replace(second, others=frozenset(first.own))
    assert not both[0].came_after(both[1])
    assert not both[1].came_after(both[0])
    assert replace(second, others=frozenset(first.own)).came_after(first)
