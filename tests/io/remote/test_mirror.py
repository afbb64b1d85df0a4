"""Copies of what lies at URLs: whole, current, and nothing outside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.errors import ComputationError, InputError
from xafsflow.io.folders import told_as
from xafsflow.io.remote import mirror
from xafsflow.io.remote.mirror import fetched, folders_of, forget, scratch
from xafsflow.io.remote.object_store import PART_BYTES, Object, Place, is_content, opened
from xafsflow.io.remote.urls import checked, is_url


def copied(url: str) -> dict[str, bytes]:
    with fetched(url) as folder:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the objects that are fetched."""
    names: list[str] = []
    original = Place.get

    def note(self: Place, name: str, path: Path) -> None:
        names.append(name)
        original(self, name, path)

    monkeypatch.setattr(Place, "get", note)
    return names


@pytest.mark.long
def test_a_copy__follows_its_url_and_fetches_only_what_is_new(bucket: Any, moved: list[str]) -> None:
    content = {
        "a.csv": b"1",
        "deep/er/b.tif": b"22",
        "deep/c.tif": b"",
        "star*[1]?.tif": b"3",
        ".hidden": b"4",
    }
    for name, data in content.items():
        bucket.put(f"scan/{name}", data)
    bucket.put("scan_2/a.csv", b"of another scan, whose name begins alike")
    bucket.put("scan/empty folder/", b"")
    assert copied(f"{bucket.url}/scan") == content
    assert sorted(moved) == sorted(content)
    moved.clear()
    assert copied(f"{bucket.url}/scan/") == content
    assert not moved
    bucket.put("scan/a.csv", b"5")
    bucket.put("scan/deep/er", b"a file where a folder was")
    for name in ("deep/er/b.tif", "deep/c.tif"):
        bucket.client.delete_object(Bucket=bucket.name, Key=f"scan/{name}")
    content |= {"a.csv": b"5", "deep/er": b"a file where a folder was"}
    for name in ("deep/er/b.tif", "deep/c.tif"):
        del content[name]
    assert copied(f"{bucket.url}/scan") == content
    assert sorted(moved) == ["a.csv", "deep/er"]


def test_a_bucket_itself__is_a_folder_too(bucket: Any) -> None:
    bucket.put("a.csv", b"1")
    assert copied(bucket.url) == {"a.csv": b"1"}


@pytest.mark.long
@pytest.mark.parametrize("damage", ["cut", "gone", "touched", "strange"])
def test_a_damaged_copy__is_fetched_again(damage: str, bucket: Any, moved: list[str]) -> None:
    bucket.put("scan/a.tif", b"an image")
    bucket.put("scan/b.tif", b"another")
    with fetched(f"{bucket.url}/scan") as folder:
        victim = folder / "a.tif"
    moved.clear()
    if damage == "cut":
        os.truncate(victim, 3)
    elif damage == "gone":
        victim.unlink()
    elif damage == "touched":
        victim.write_bytes(b"An image")
    else:
        (folder / "c.tif").write_bytes(b"of nobody")
    assert copied(f"{bucket.url}/scan") == {"a.tif": b"an image", "b.tif": b"another"}
    assert moved == ([] if damage == "strange" else ["a.tif"])


def test_two_versions_of_one_size_and_second__have_other_times(bucket: Any) -> None:
    times = set()
    for content in (b"one", b"two"):
        bucket.put("scan/a.csv", content)
        with fetched(f"{bucket.url}/scan") as folder:
            times.add((folder / "a.csv").stat().st_mtime_ns)
    assert len(times) == 2


def test_what_arrives_damaged__gets_no_name(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    bucket.put("scan/a.tif", b"an image")
    original = Place.get

    def noisy(self: Place, name: str, path: Path) -> None:
        original(self, name, path)
        path.write_bytes(b"AN IMAGE")

    monkeypatch.setattr(Place, "get", noisy)
    with pytest.raises(ComputationError, match="with other content than its ETag says"):
        copied(f"{bucket.url}/scan")
    assert not list(scratch.rglob("a.tif"))


@pytest.mark.long
@pytest.mark.parametrize("size", [0, 5, 2 * PART_BYTES, 2 * PART_BYTES + 3])
def test_etags__are_those_that_the_server_gives(size: int, bucket: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(size)
    opened(f"{bucket.url}/a").put("b", path)
    tag = bucket.listed("a/")["b"]["ETag"].strip('"')
    assert ("-" in tag) == (size >= 2 * PART_BYTES)
    assert is_content(path, tag) is True
    with path.open("r+b") as file:
        file.write(b"x")
    assert is_content(path, tag) is False


@pytest.mark.long
@pytest.mark.parametrize(
    "key", ["scan/../evil", "scan/a/../../evil", "scan//evil", "scan/./evil", "scan/a//b"]
)
def test_names_that_leave_the_folder__are_refused(key: str, bucket: Any, tmp_path: Path) -> None:
    bucket.put("scan/good", b"1")
    listed = {key.removeprefix("scan/"): Object(key.removeprefix("scan/"), 1, 0, "")}
    with pytest.raises(InputError, match="names that stay below a folder"):
        mirror._check_names("s3://b/scan", listed)
    bucket.put(key, b"2")
    if set(bucket.listed()) == {"scan/good", key}:  # as it is, where the server takes such a key
        with pytest.raises(InputError, match="names that stay below a folder"):
            copied(f"{bucket.url}/scan")
        assert not list(tmp_path.rglob("evil"))


def test_an_object_where_others_have_their_folder__is_refused(bucket: Any) -> None:
    bucket.put("scan/a", b"1")
    bucket.put("scan/a/b", b"2")
    with pytest.raises(InputError, match="'a' and objects below that name"):
        copied(f"{bucket.url}/scan")


def test_too_small_a_disk__is_told_before(
    bucket: Any, moved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("scan/a", bytes(10**6))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 10**8))
    with pytest.raises(InputError, match=r"1 MB at .* to fetch, and 100 MB free in .*. .* XAFSFLOW_SCRATCH"):
        copied(f"{bucket.url}/scan")
    assert not moved


READER = """\
import sys
from xafsflow.io.remote.mirror import fetched
with fetched(sys.argv[1], lambda name, share: print(name, flush=True)) as folder:
    print((folder / 'a').read_text(), flush=True)
"""


def test_a_copy_in_use__is_neither_changed_nor_forgotten(bucket: Any) -> None:
    url = f"{bucket.url}/scan"
    bucket.put("scan/a", b"1")
    with fetched(url) as folder:
        bucket.put("scan/a", b"2")
        other = subprocess.Popen([sys.executable, "-c", READER, url], stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None
        assert "waits for another process" in other.stdout.readline()
        forget(url)
        assert (folder / "a").read_bytes() == b"1"
    # Out of use, the other has it.
    assert other.communicate(timeout=60)[0].splitlines()[-1] == "2"
    assert other.returncode == 0
    forget(url)
    assert not folder.exists()


def test_folders_of__are_recorded_by_their_urls(bucket: Any, tmp_path: Path) -> None:
    bucket.put("scan/a", b"1")
    with folders_of(f"{bucket.url}/scan", f"{bucket.url}/scan") as folders:
        assert folders.references == folders.data
        assert told_as(folders.data) == f"{bucket.url}/scan"
    with folders_of(tmp_path, None) as folders:
        assert (folders.data, folders.references) == (tmp_path, None)
    (tmp_path / "fetched").mkdir()
    assert told_as(tmp_path / "fetched") == str(tmp_path / "fetched")


@pytest.mark.long
def test_the_same_url_of_another_server__has_a_copy_of_its_own(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    here = opened(f"{bucket.url}/scan").key
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.replace("127.0.0.1", "localhost"))
    assert opened(f"{bucket.url}/scan").key != here


def test_scratch__is_in_the_cache_of_the_user_by_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XAFSFLOW_SCRATCH")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert scratch() == tmp_path / "xafsflow" / "remote"


WRONG = [
    "s3://", "s3:///", "s3:///scan", "s3:/bucket/scan", "s3://bucket//scan", "s3://bucket/../scan", "s3://bucket/./a",
    "s3://key:secret@bucket/scan", "s3://bucket/sc*n", "s3://bucket/scan?version=1", "s3://bucket/scan#1",
    "s3://bucket/sc\0an", "s3://bucket/sc\nan", "s3://bucket/a::s3://b",
]  # fmt: skip


@pytest.mark.parametrize("url", WRONG)
def test_malformed_urls__are_one_message(url: str, call: Any, recipe: Path, tmp_path: Path) -> None:
    for words in (["--data", url, "--out", tmp_path / "run"], ["--data", tmp_path, "--out", url]):
        done = call("run", recipe, *words)
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith("xafsflow: Found ")
        assert "Traceback" not in done.output
        assert "secret" not in done.output


@given(st.text(max_size=30))
def test_a_checked_url__is_checked_again_to_itself(text: str) -> None:
    try:
        url = checked(f"s3://{text}")
    except InputError:
        return
    assert checked(url) == url
    assert is_url(url)
    assert not {"", ".", ".."} & set(url.split("/")[2:])
