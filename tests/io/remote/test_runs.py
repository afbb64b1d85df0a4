"""Runs whose inputs and outputs lie on S3: the same bytes, the same refusals as in folders."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from xafsflow.io.remote.object_store import Place
from xafsflow.locks import Process, started, this_process

pytestmark = pytest.mark.long


def test_a_run_from_s3_to_s3__has_the_bytes_of_a_local_run(
    call: Any, words: list[str], remote: Any, local_digest: str, scratch: Path
) -> None:
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"{remote.url}/out/run/report.html"
    names = {key.partition("/")[0] for key in remote.listed("out/run/")}
    assert names == {"maps.zarr", "models", "findings.json", "report.html", "recipe.yaml", "run.json"}
    assert remote.digest("out/run/") == local_digest
    record = json.loads(remote.get("out/run/run.json"))
    assert record["state"] == "finished"
    assert (record["data"], record["references"]) == (f"{remote.url}/scan", f"{remote.url}/spectra")
    assert all(entry["path"].startswith(remote.url) for entry in record["inputs"])
    assert "testing" not in json.dumps(record)
    assert str(scratch) not in json.dumps(record)
    assert not list(scratch.glob("*/run"))


def killed(words: list[str], function: str, times: int) -> None:
    """Run in a process that is killed when a function is called once more than that many times."""
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), function, str(times), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(("function", "times"), [("get", 30), ("advance", 4), ("advance", 8), ("put", 24)])
def test_killed_while_it_fetches_computes_or_uploads__the_same_command_ends_with_the_same_bytes(
    function: str,
    times: int,
    call: Any,
    words: list[str],
    remote: Any,
    local_digest: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed(words, function, times)
    before = remote.listed("out/run/")
    assert ("run.lock" in before) == (function != "get")
    if before:
        assert json.loads(remote.get("out/run/run.json"))["state"] == "unfinished"
    moved = noted(monkeypatch)
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert ("takes up the run of process" in done.stderr) == (function != "get")
    assert ("train.fit" in done.stderr) == (function != "put")
    assert remote.digest("out/run/") == local_digest
    assert "run.lock" not in remote.listed("out/run/")
    # What had arrived, here or there, was not sent again.
    arrived = set(before) - {"run.lock", "run.json"}
    assert bool(arrived) == (function == "put")
    assert not arrived & set(moved["put"])
    assert len(moved["get"]) < len(remote.listed("scan/")) - 10


def noted(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The names of objects that are fetched and put from now on."""
    moved: dict[str, list[str]] = {"get": [], "put": []}
    for function, names in moved.items():
        original = getattr(Place, function)

        def note(self: Place, name: str, path: Path, original: Any = original, names: Any = names) -> None:
            names.append(name)
            original(self, name, path)

        monkeypatch.setattr(Place, function, note)
    return moved


def test_two_runs_to_one_url__the_second_is_refused_and_told_whose_it_is(
    call: Any, words: list[str], remote: Any
) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        lock = Process(this_process().place, owner.pid, started(owner.pid) or "")
        remote.put("out/run/run.lock", json.dumps(asdict(lock)).encode())
        done = call(*words)
        assert (done.exit_code, done.stderr.count("Found ")) == (75, 1)
        assert f"process {owner.pid} on {lock.host}, which works at {remote.url}/out/run" in done.stderr
        assert list(remote.listed("out/")) == ["run/run.lock"]
    finally:
        owner.communicate()
    assert call(*words).exit_code == 0


def test_a_lock_of_another_machine__is_left(call: Any, words: list[str], remote: Any) -> None:
    lock = json.dumps(asdict(Process("elsewhere boot ns", 7, "1"))).encode()
    remote.put("out/run/run.lock", lock)
    done = call(*words)
    assert done.exit_code == 75
    assert "process 7 on elsewhere, which may work" in done.stderr
    assert remote.get("out/run/run.lock") == lock


def test_a_source_that_changed_while_a_run_was_interrupted__is_refused(
    words: list[str], remote: Any, call: Any
) -> None:
    killed(words, "advance", 8)
    # The same size, and by the listing's clock the same second.
    name = next(name for name in remote.listed("scan/") if name.startswith("sample/"))
    content = bytearray(remote.get(f"scan/{name}"))
    content[-1] ^= 1
    remote.put(f"scan/{name}", bytes(content))
    done = call(*words)
    assert done.exit_code == 2
    assert f"{remote.url}/scan/sample, which has changed since this run was interrupted" in done.stderr
    assert call(*words, "--fresh").exit_code == 0


def test_another_run__is_not_taken_up(words: list[str], remote: Any, call: Any) -> None:
    killed(words, "advance", 8)
    before = remote.listed("out/run/")
    done = call(*words, "--set", "train.fit.trees=6")
    assert done.exit_code == 2
    assert f"{remote.url}/out/run, which holds a run of another recipe" in done.stderr
    assert remote.listed("out/run/").keys() == before.keys() - {"run.lock"}


def test_a_finished_run__is_refused_and_fresh_tells_what_goes(
    words: list[str], remote: Any, call: Any, local_digest: str
) -> None:
    assert call(*words).exit_code == 0
    first = remote.listed("out/run/")
    done = call(*words)
    assert done.exit_code == 2
    assert f"{remote.url}/out/run, which holds this run, finished" in done.stderr
    assert remote.listed("out/run/") == first
    remote.put("out/run/maps.zarr/left/over", b"of an earlier version")
    done = call(*words, "--fresh")
    assert done.exit_code == 0, done.output
    told = f"removes from {remote.url}/out/run: findings.json, maps.zarr, models, recipe.yaml, report.html, run.json"
    assert told in done.stderr
    assert remote.listed("out/run/").keys() == first.keys()
    assert remote.digest("out/run/") == local_digest


@pytest.mark.parametrize("fresh", [[], ["--fresh"]])
def test_anything_else_at_the_url__is_refused_and_left(
    fresh: list[str], words: list[str], remote: Any, call: Any
) -> None:
    remote.put("out/run/run.json", b"{}")
    remote.put("out/run/thesis.docx", b"years")
    done = call(*words, *fresh)
    assert done.exit_code == 2
    assert f"{remote.url}/out/run, which holds thesis.docx" in done.stderr
    assert set(remote.listed("out/run/")) == {"run.json", "thesis.docx"}
    assert remote.get("out/run/thesis.docx") == b"years"


def test_a_server_that_loses_what_it_was_given__is_found_and_the_run_is_kept(
    words: list[str], remote: Any, call: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Place.put

    def lossy(self: Place, name: str, path: Path) -> None:
        original(self, name, path)
        if name == "models/train.fit.npz":
            remote.put("out/run/models/train.fit.npz", path.read_bytes()[:-1] + b"x")

    with monkeypatch.context() as patch:
        patch.setattr(Place, "put", lossy)
        done = call(*words)
    assert done.exit_code == 1
    assert f"{remote.url}/out/run/models/train.fit.npz, which is not as it was put there" in done.stderr
    assert json.loads(remote.get("out/run/run.json"))["state"] == "unfinished"
    assert list(scratch.glob("*/run/run.json"))
    done = call(*words)
    assert done.exit_code == 0
    assert "train.fit" not in done.stderr


def test_from_folders_to_s3_and_back__are_runs_as_well(
    call: Any, words: list[str], remote: Any, scan: Path, recipe: Path, tmp_path: Path, local_digest: str
) -> None:
    up = ["--data", str(scan), "--references", str(scan / "references"), "--out", f"{remote.url}/up"]
    assert call("run", recipe, *up).exit_code == 0
    assert remote.digest("up/") == local_digest
    out = tmp_path / "down"
    assert call(*words[:-1], out).exit_code == 0
    assert json.loads((out / "run.json").read_text())["data"] == f"{remote.url}/scan"
    again = call(*words[:-1], out)
    assert (again.exit_code, "holds this run, finished" in again.stderr) == (2, True)


def test_check__foresees_a_run_on_s3(call: Any, words: list[str], remote: Any) -> None:
    done = call("check", *words[1:-2])
    assert done.exit_code == 0, done.output
    assert "no problem found" in done.stdout
    assert not remote.listed("out/")
