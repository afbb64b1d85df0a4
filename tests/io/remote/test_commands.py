"""What commands do with runs at URLs, and what they say when the storage refuses or is gone."""

from __future__ import annotations

import importlib
import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def finished(call: Any, words: list[str]) -> str:
    assert call(*words).exit_code == 0
    return words[-1]


def chunk(remote: Any, variable: str) -> str:
    return next(name for name in remote.listed("out/run/") if name.startswith(f"maps.zarr/{variable}/c/"))


def test_verify__finds_and_repairs_what_is_damaged_there(
    call: Any, finished: str, remote: Any, local_digest: str
) -> None:
    assert call("verify", finished).stdout == "every chunk is as it was written\n"
    name = chunk(remote, "confidence")
    content = bytearray(remote.get(f"out/run/{name}"))
    content[len(content) // 2] ^= 255
    remote.put(f"out/run/{name}", bytes(content))
    done = call("verify", finished)
    assert done.exit_code == 1
    assert f"{name}: confidence, rows 0 to 23" in done.stdout
    assert f"xafsflow verify {finished} --repair" in done.stderr
    # The sources are fetched from the URLs that the record has.
    done = call("verify", finished, "--repair")
    assert done.exit_code == 0, done.output
    assert "damaged chunks, computed again: 1" in done.stdout
    assert remote.digest("out/run/") == local_digest
    assert "run.lock" not in remote.listed("out/run/")


def test_report__is_put_back_and_nothing_else(call: Any, finished: str, remote: Any) -> None:
    before = remote.listed("out/run/")
    remote.put("out/run/report.html", b"lost")
    done = call("report", finished)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"{finished}/report.html"
    after = remote.listed("out/run/")
    assert after.keys() == before.keys()
    assert after["report.html"]["Size"] > 10_000
    changed = {name for name in before if after[name]["LastModified"] != before[name]["LastModified"]}
    assert changed <= {"report.html"}


def test_export__writes_files_here(
    call: Any, finished: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("export", finished, "--to", "csv")
    assert done.exit_code == 0, done.output
    assert all(Path(line).parent == Path("run-csv") for line in done.stdout.splitlines())
    assert list((tmp_path / "run-csv").iterdir())


def test_status__tells_how_a_run_stands(call: Any, finished: str, remote: Any, scratch: Path) -> None:
    before = sorted(scratch.rglob("*"))
    done = call("status", finished)
    assert done.exit_code == 0, done.output
    assert "finished, started" in done.stdout
    assert sorted(scratch.rglob("*")) == before
    done = call("status", f"{remote.url}/scan")
    assert (done.exit_code, f"{remote.url}/scan without run.json" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", [["verify"], ["report"], ["export", "--to", "csv"]])
def test_an_unfinished_run__is_not_taken_for_one(command: list[str], call: Any, remote: Any) -> None:
    remote.put("out/run/run.json", json.dumps({"state": "unfinished"}).encode())
    remote.put("out/run/maps.zarr/zarr.json", b"{}")
    done = call(*command, f"{remote.url}/out/run")
    assert done.exit_code == 2
    assert f"{remote.url}/out/run with an unfinished run" in done.stderr


def one_message(done: Any, status: int, *texts: str) -> None:
    assert done.exit_code == status, done.output
    last = done.stderr.splitlines()[-1]
    assert last.startswith("xafsflow: Found ")
    assert all(text in last for text in texts), last
    assert "Traceback" not in done.output


@pytest.mark.parametrize("option", [1, 3, 5])
def test_a_bucket_that_is_not_there__is_told(option: int, call: Any, words: list[str]) -> None:
    words[2 * ((option + 1) // 2) + 1] = "s3://nobodys-bucket/scan"
    one_message(call(*words), 2, "s3://nobodys-bucket/scan", "bucket")


def test_an_empty_url__is_told(call: Any, words: list[str], remote: Any) -> None:
    words[3] = f"{remote.url}/sca"
    one_message(call(*words), 2, f"{remote.url}/sca without an object")
    assert not remote.listed("out/")


def test_a_server_that_is_gone__is_told(call: Any, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        one_message(call(*words), 1, "does not answer", "AWS_ENDPOINT_URL")


def test_no_credentials__are_told(call: Any, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    one_message(call(*words), 2, "AWS_ACCESS_KEY_ID")


def test_an_endpoint_that_is_no_url__is_told(
    call: Any, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a server")
    one_message(call(*words), 2, "endpoint")


def test_a_missing_package__is_told(call: Any, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    # What was imported already is kept there.
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
    one_message(call(*words), 2, "pip install 'xafsflow[s3]'")


@pytest.mark.parametrize("url", ["nothing://bucket/scan", "gs://bucket/run"])
def test_a_run_at_storage_that_was_not_tried__is_refused(url: str, call: Any, words: list[str]) -> None:
    words[-1] = url
    one_message(call(*words), 2, f"{url} as the place of a run", "s3://")


def test_storage_of_no_known_kind__is_told(call: Any, words: list[str]) -> None:
    words[3] = "nothing://bucket/scan"
    one_message(call(*words), 2, "nothing")
