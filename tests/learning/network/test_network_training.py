"""A training that was killed ends with the same bits as one that was not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xafsflow.learning.network.network_training import STEPS, Course, Training, train
from xafsflow.learning.network.torch_network import Shape, folded_arrays, new_network, reproducible
from xafsflow.progress import told_to

torch = pytest.importorskip("torch", reason="networks are trained with torch, of the extra `nets`")

SHAPE = Shape(5, 3, (4, 6))
HOW = Training(epochs=5, patience=9, batch=16)


def samples(count: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences of two classes with a peak at another place, and which are held out."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    table = rng.standard_normal((count, 24)).astype("f4")
    table[np.arange(count), 8 + 8 * labels] += 2
    return table, labels, np.arange(count) % 5 == 0


class KilledError(Exception):
    """What ends a training here as a signal does elsewhere."""


def course(how: Training = HOW, **changes: Any) -> Course:
    table, labels, held = samples()
    return Course(
        torch,
        new_network(torch, SHAPE, how.dropout, 2),
        how,
        changes.get("table", table),
        changes.get("truth", labels),
        changes.get("held", held),
    )


def bits(of: Course) -> list[bytes]:
    return [one.tobytes() for one in folded_arrays(of.module)]


def trained(seed: int = 0, saved: Path | None = None, how: Training = HOW, **changes: Any) -> Course:
    with reproducible(torch, seed):
        made = course(how, **changes)
        train(made, "a network", saved)
    return made


def killed(after: int, saved: Path, **changes: Any) -> None:
    """A training that ends without a word when this epoch is saved."""
    epochs = 0

    def watch(name: str, share: float | None) -> None:
        nonlocal epochs
        # It is told before it is saved: the kill comes with the word of the next epoch
        epochs += share is not None
        if epochs > after:
            raise KilledError

    with pytest.raises(KilledError), told_to(watch):
        trained(0, saved, **changes)


@pytest.fixture(scope="module")
def whole() -> list[bytes]:
    """The weights of a training that nothing disturbed."""
    return bits(trained())


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("after", range(1, HOW.epochs))
def test_a_training_that_was_killed__ends_with_the_same_bits(
    after: int, share: float, whole: list[bytes], tmp_path: Path
) -> None:
    saved = tmp_path / "network.part"
    # With none held out the last epoch counts, else the best one
    changes = {} if share else {"held": np.zeros(90, bool)}
    wanted = whole if share else bits(trained(**changes))
    killed(after, saved, **changes)
    assert saved.is_file()
    told = list[tuple[str, float | None]]()
    with told_to(lambda *one: told.append(one)):
        found = trained(5, saved, **changes)  # the numbers that are drawn go on, whatever the seed
    assert bits(found) == wanted
    assert found.epoch == HOW.epochs
    assert told == [
        ("a network", None),
        *(("a network", n / HOW.epochs) for n in range(after + 1, HOW.epochs + 1)),
        ("a network", 1.0),
    ]
    assert not saved.exists()


def test_a_training_killed_again_and_again__ends_with_the_same_bits(
    whole: list[bytes], tmp_path: Path
) -> None:
    saved = tmp_path / "network.part"
    for _ in range(3):
        killed(1, saved)
    assert bits(trained(0, saved)) == whole


def test_a_training_killed_before_its_end_was_taken__only_ends(whole: list[bytes], tmp_path: Path) -> None:
    saved = tmp_path / "network.part"
    with reproducible(torch, 0):
        one = course()
        while not one.ended:
            one.go_on()
        one.save(saved)
    assert bits(trained(3, saved)) == whole


@pytest.mark.parametrize("how", ["cut", "empty", "text", "one bit", "other numbers", "a folder"])
def test_a_damaged_file__is_ignored(how: str, whole: list[bytes], tmp_path: Path) -> None:
    saved = tmp_path / "network.part"
    killed(2, saved)
    content = bytearray(saved.read_bytes())
    if how == "one bit":
        content[len(content) // 2] ^= 4
    elif how == "other numbers":
        content[64:-64] = bytes(len(content) - 128)
    saved.unlink()
    if how == "a folder":
        saved.mkdir()
    else:
        saved.write_bytes(
            {"cut": bytes(content[: len(content) // 2]), "empty": b"", "text": b"no such thing"}.get(
                how, bytes(content)
            )
        )
    assert bits(trained(0, saved)) == whole


def test_what_another_torch_saved__is_ignored(
    whole: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "network.part"
    killed(2, saved)
    monkeypatch.setattr(torch, "__version__", "1.0")
    told = list[float | None]()
    with told_to(lambda name, share: told.append(share)):
        assert bits(trained(0, saved)) == whole
    assert told[1] == 1 / HOW.epochs


def test_a_folder_that_cannot_be_written_to__costs_nothing_but_the_going_on(
    whole: list[bytes], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    assert bits(trained(0, file / "network.part")) == whole


def test_a_seed__makes_the_network(whole: list[bytes]) -> None:
    assert bits(trained(0)) == whole
    assert bits(trained(1)) != whole


def test_a_training_without_progress__ends_early_with_its_best() -> None:
    rng = np.random.default_rng(1)
    how = Training(epochs=60, patience=3, batch=16, rate=0.03)
    noise = rng.standard_normal((90, 24)).astype("f4")
    found = trained(0, None, how, table=noise, truth=rng.integers(0, 2, 90))
    assert found.since == 3
    assert 4 <= found.epoch < 60
    # The weights are those with the smallest loss of the samples held out
    with torch.no_grad():
        loss = float(found._loss(noise[found.check], found.truth[found.check]))
    assert loss == pytest.approx(found.best, rel=1e-6)


def test_without_samples_held_out__the_last_epoch_is_taken() -> None:
    found = trained(held=np.zeros(90, bool))
    assert found.epoch == HOW.epochs
    assert found.kept is None
    assert found.best == np.inf


def test_batches__are_smaller_where_there_are_few() -> None:
    many = course(Training(batch=64), held=np.zeros(90, bool))
    assert (many.size, many.steps) == (16, 5)
    table, labels, _ = samples(4000)
    large = course(Training(batch=64), table=table, truth=labels, held=np.zeros(4000, bool))
    assert (large.size, large.steps) == (64, 62)
    few = course(held=np.arange(90) >= 10)
    assert (few.size, few.steps) == (10, 1)
    assert 64 * STEPS < 4000


@pytest.fixture
def as_before() -> Iterator[None]:
    """Torch has the same settings behind a test as before it."""

    def told() -> tuple[Any, ...]:
        strict = torch.are_deterministic_algorithms_enabled()
        return (
            torch.get_num_threads(),
            strict,
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.get_rng_state().numpy().tobytes(),
        )

    before = told()
    yield
    assert told() == before


@pytest.mark.usefixtures("as_before")
def test_a_training_that_fails__leaves_torch_as_it_was(tmp_path: Path) -> None:
    killed(2, tmp_path / "network.part")
    trained(0)
