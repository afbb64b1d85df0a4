"""Being alone at a URL, and storage that keeps less than it should."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from xafsflow.errors import BusyError, ComputationError, InputError
from xafsflow.io.remote import publish
from xafsflow.io.remote.object_lock import owned_at
from xafsflow.io.remote.object_store import Place, opened
from xafsflow.locks import Process, place, this_process

OWN = json.dumps(asdict(this_process())).encode()
DEAD = json.dumps(asdict(Process(place(), 2**22 + 1, "1"))).encode()
OTHER = json.dumps(asdict(Process("elsewhere", 7, "1"))).encode()


@pytest.fixture
def at(bucket: Any) -> Place:
    return opened(f"{bucket.url}/run", write=True)


def test_a_lock__is_held_by_one_and_given_back(at: Place, bucket: Any) -> None:
    with owned_at(at) as check:
        check()
        assert bucket.get("run/run.lock") == OWN
        with pytest.raises(BusyError, match="works at"), owned_at(at):
            pass
        assert bucket.get("run/run.lock") == OWN
    assert not bucket.listed()


def test_of_two_that_take_over_a_dead_lock__one_gets_it(
    at: Place, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("run/run.lock", DEAD)
    original = Place.read

    def read(self: Place, name: str) -> bytes | None:
        """As it was, while another process is faster."""
        content = original(self, name)
        if content == DEAD:
            bucket.put("run/run.lock", OTHER)
        return content

    monkeypatch.setattr(Place, "read", read)
    with pytest.raises(BusyError, match="process 7 on elsewhere, which may work"), owned_at(at):
        pass
    assert bucket.get("run/run.lock") == OTHER


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"pid": 1}'])
def test_a_lock_that_cannot_be_judged__is_left(content: bytes, at: Place, bucket: Any) -> None:
    bucket.put("run/run.lock", content)
    with pytest.raises(InputError, match=r"run\.lock"), owned_at(at):
        pass
    assert bucket.get("run/run.lock") == content


def test_a_lock_that_was_removed_meanwhile__is_seen_and_that_of_another_is_left(
    at: Place, bucket: Any
) -> None:
    with owned_at(at) as check:
        bucket.put("run/run.lock", OTHER)
        with pytest.raises(ComputationError, match="is not this run's any more"):
            check()
    assert bucket.get("run/run.lock") == OTHER


def test_a_server_that_writes_over_a_lock__is_refused(
    at: Place, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Place.write
    monkeypatch.setattr(Place, "write", lambda self, name, content, **only_if: original(self, name, content))
    with pytest.raises(InputError, match="writes over a lock"), owned_at(at):
        pass
    assert not bucket.listed()


@pytest.mark.parametrize("honest", [True, False])
def test_storage_whose_etags_tell_nothing__is_read_back(
    honest: bool, at: Place, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("run.json", "model.npz"):
        (tmp_path / name).write_bytes(b"content")
    monkeypatch.setattr(publish, "is_content", lambda path, tag: None)
    if not honest:
        original = Place.put
        monkeypatch.setattr(
            Place,
            "put",
            lambda self, name, path: original(self, name, path) or bucket.put(f"run/{name}", b"CONTENT"),
        )
        with pytest.raises(ComputationError, match="is not as it was put there"):
            publish.put(tmp_path, at, None, lambda name, share: None)
        assert "run.json" not in bucket.listed("run/")
    else:
        publish.put(tmp_path, at, None, lambda name, share: None)
        assert bucket.listed("run/").keys() == {"run.json", "model.npz"}
    assert {path.name for path in tmp_path.iterdir()} >= {"run.json", "model.npz"}
    assert not list(tmp_path.glob(".*"))


def test_a_run__is_seen_as_finished_when_the_rest_is_there(
    at: Place, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*(f"maps.zarr/v/c/{number}" for number in range(40)), "maps.zarr/zarr.json", "run.json", "a"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    seen, original = list[str](), Place.put

    def note(self: Place, name: str, path: Path) -> None:
        held = bucket.listed("run/")
        if name in ("maps.zarr/zarr.json", "run.json"):
            assert held.keys() >= set(names[: names.index(name)])
        seen.append(name)
        original(self, name, path)

    monkeypatch.setattr(Place, "put", note)
    publish.put(tmp_path, at, None, lambda name, share: None)
    assert sorted(seen) == sorted(names)
    assert seen[-2:] == ["maps.zarr/zarr.json", "run.json"]
