"""A local S3 server, a small measurement on it, and the bytes that a run on local folders leaves."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer

from xafsflow.cli.main import main
from xafsflow.phantom import Phantom, write_phantom

KEPT = ("maps.zarr", "models")
RECIPE = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, energies: energies.csv}
  - ingest.references: {files: {Fe: references:Fe.xdi, FeO: references:FeO.xdi, Fe2O3: references:Fe2O3.xdi}}
  - correct.absorbance
  - normalize.edge_step: {e0: 7112.0, pre1: -60, pre2: -12, norm1: 40, nnorm: 1}
  - train.mixtures: {step: 0.5, noise_patterns: 20, features: norm, span: [-20, 100]}
  - train.fit: {classifier: random_forest, trees: 5}
  - classify.model
  - judge.means
  - report.page
"""


class Bucket:
    """A bucket, seen by a client that shares no code with what is tested."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name
        client.create_bucket(Bucket=name)

    @property
    def url(self) -> str:
        return f"s3://{self.name}"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def upload(self, folder: Path, prefix: str) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def listed(self, prefix: str = "") -> dict[str, Any]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {one["Key"].removeprefix(prefix): one for page in pages for one in page.get("Contents", [])}

    def get(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def digest(self, prefix: str) -> str:
        """As `digest_of` of a folder."""
        kept = sorted(key for key in self.listed(prefix) if key.partition("/")[0] in KEPT)
        return digest_of({key: self.get(prefix + key) for key in kept})


def digest_of(content: dict[str, bytes]) -> str:
    """SHA-256 over the names and bytes of what a run is to keep."""
    found = hashlib.sha256()
    for name, data in sorted(content.items()):
        found.update(name.encode() + hashlib.sha256(data).digest())
    return found.hexdigest()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    found = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    found.start()
    host, port = found.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # No file of the machine's user counts.
        patch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        yield f"http://{host}:{port}"
    found.stop()


@pytest.fixture(scope="session")
def client(server: str) -> Iterator[Any]:
    found = boto3.client("s3", endpoint_url=server)
    yield found
    found.close()


@pytest.fixture
def bucket(client: Any) -> Bucket:
    return Bucket(client, f"bucket-{uuid4().hex[:12]}")


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for copies, as of a machine that has fetched nothing yet."""
    monkeypatch.setenv("XAFSFLOW_SCRATCH", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Phantom(size=(24, 20), energies=30, seed=3)
    folder = write_phantom(made, tmp_path_factory.mktemp("data") / "scan")
    shutil.rmtree(folder / "foil")  # no step of the recipe reads it
    return folder


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def call() -> Callable[..., Result]:
    """The command line in this process."""

    def called(*words: str | Path) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    return called


@pytest.fixture(scope="session")
def local_digest(call: Any, scan: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a run from folder to folder."""
    out = tmp_path_factory.mktemp("local") / "run"
    done = call("run", recipe, "--data", scan, "--references", scan / "references", "--out", out)
    assert done.exit_code == 0, done.output
    paths = [path for part in KEPT for path in [out / part, *(out / part).rglob("*")] if path.is_file()]
    return digest_of({path.relative_to(out).as_posix(): path.read_bytes() for path in paths})


@pytest.fixture
def remote(bucket: Bucket, scan: Path) -> Bucket:
    """A bucket with the measurement below `scan` and the spectra below `spectra`."""
    bucket.upload(scan, "scan")
    bucket.upload(scan / "references", "spectra")
    return bucket


@pytest.fixture
def words(remote: Bucket, recipe: Path) -> list[str]:
    """A run from the bucket into the bucket."""
    url = remote.url
    told = ["--data", f"{url}/scan", "--references", f"{url}/spectra/", "--out", f"{url}/out/run"]
    return ["run", str(recipe), *told]
