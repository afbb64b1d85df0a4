"""A batch whose catalog names URLs."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xafsflow.campaign.catalog import CatalogError, read_catalog
from xafsflow.campaign.fingerprint import Digests, folder_digest
from xafsflow.errors import InputError
from xafsflow.io.remote.object_store import opened

pytestmark = pytest.mark.long


@pytest.fixture
def catalog(remote: Any, tmp_path: Path) -> Path:
    path = tmp_path / "catalog.csv"
    url = remote.url
    path.write_text(
        f"name,data,references\ngood,{url}/scan,{url}/spectra\nempty,{url}/nothing,{url}/spectra\n"
    )
    return path


@pytest.fixture
def start(call: Any, catalog: Path, recipe: Path, tmp_path: Path) -> Callable[[], Any]:
    return lambda: call("batch", catalog, recipe, "--out", tmp_path / "batch")


def test_a_batch_of_urls__does_each_once_and_again_when_its_objects_are_others(
    start: Any, remote: Any, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    done = start()
    assert done.exit_code == 1
    assert "2 measurements: 1 done, 1 failed" in done.stdout
    assert f"{remote.url}/nothing without an object" in done.stdout
    record = json.loads((tmp_path / "batch/runs/good/run.json").read_text())
    assert (record["data"], record["state"]) == (f"{remote.url}/scan", "finished")
    # The measurement's copy is gone, that of the references stays.
    kept = {
        json.loads((path.parent / "origin.json").read_text())["url"] for path in scratch.glob("*/fetched")
    }
    assert kept == {f"{remote.url}/spectra"}
    before = (tmp_path / "batch/runs/good/run.json").stat().st_mtime_ns
    # A server that is gone changes no measurement.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        done = start()
    assert (done.exit_code, "does not answer" in done.stderr) == (1, True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    assert "good" not in start().stdout
    assert (tmp_path / "batch/runs/good/run.json").stat().st_mtime_ns == before
    name = next(name for name in remote.listed("scan/") if name.startswith("sample/"))
    remote.put(f"scan/{name}", remote.get(f"scan/{name}"))
    content = remote.get("scan/energies.csv")
    remote.put("scan/energies.csv", content + b"\n")
    assert "good: done" in start().stderr


def test_digests_of_urls__tell_what_the_recipe_names(remote: Any, catalog: Path) -> None:
    steps = [{"ingest.references": {"files": {"Fe": "references:Fe.xdi", "all": "references:*O.xdi"}}}]
    one = read_catalog(catalog)[0]

    def digest() -> str:
        return Digests(steps).of(one)

    first = digest()
    assert digest() == first
    remote.put("spectra/other.xdi", b"beside them")
    remote.put("scan/.hidden", b"of a system")
    assert digest() == first
    remote.put("spectra/Fe.xdi", remote.get("spectra/Fe.xdi") + b"\n")
    second = digest()
    remote.put("spectra/NiO.xdi", b"one more")
    third = digest()
    opened(f"{remote.url}/scan").remove([".hidden", "energies.csv"])
    assert len({first, second, third, digest()}) == 4
    assert folder_digest(f"{remote.url}/a") == folder_digest(f"{remote.url}/b")


def test_references_for_all__may_be_a_url(remote: Any, tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    path.write_text(f"name,data\nA,{remote.url}/scan/\n")
    [one] = read_catalog(path, f"{remote.url}/spectra")
    assert (one.data, one.references) == (f"{remote.url}/scan", f"{remote.url}/spectra")


def test_wrong_urls_of_a_catalog__are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "catalog.csv"
    path.write_text("name,data,references\nA,s3://,\nB,s3://bucket/a,s3://bucket/../a\nC,s3:/bucket/a,\n")
    with pytest.raises(CatalogError) as caught:
        read_catalog(path)
    assert [problem.split(" Found")[0] for problem in caught.value.problems] == [
        f"{path}:2: data:", f"{path}:3: references:", f"{path}:4: data:",
    ]  # fmt: skip


def test_a_catalog_at_a_url__is_refused() -> None:
    with pytest.raises(InputError, match="its columns may have URLs"):
        read_catalog("s3://bucket/scans/*")
