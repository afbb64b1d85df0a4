"""Sizes, scripts, manifests and messages of clusters; what starts processes is in test_cluster_local.py."""

from __future__ import annotations

import json
import shlex
import stat
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import dask
import distributed  # noqa: F401  (its settings must be there before tests set some for a while)
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xafsflow.cluster import WorkerNeed, WorkerSizes, open_cluster, worker_sizes
from xafsflow.cluster.cluster_settings import unset_scheduler_settings, worker_environment
from xafsflow.cluster.failures import explain_failures, task_name
from xafsflow.cluster.kubernetes import Site, cluster_manifest
from xafsflow.cluster.worker_size import FREE_OF_SPILLING
from xafsflow.errors import ComputationError, InputError

MIB = 2**20
needs = st.builds(WorkerNeed, st.integers(1, 2**31), st.integers(1, 2**31), st.integers(1, 10**6))


@given(need=needs, workers=st.none() | st.integers(1, 500), threads=st.integers(1, 64))
def test_sizes__hold_the_need_below_where_dask_spills(need, workers, threads):
    size = worker_sizes(need, workers=workers, threads=threads)
    held = need.process_bytes + threads * need.task_bytes
    assert held <= FREE_OF_SPILLING * size.memory < held + FREE_OF_SPILLING * 65 * MIB
    assert 1 <= size.workers <= (workers or 4)
    # No worker would be without a block.
    assert (size.workers - 1) * threads < need.tasks


@given(need=needs, cores=st.integers(1, 128), memory=st.integers(1, 2**40))
def test_sizes__fit_the_machine_or_are_refused(need, cores, memory):
    try:
        size = worker_sizes(need, cores=cores, memory=memory)
    except InputError:
        assert worker_sizes(need, workers=1).memory > memory
    else:
        assert size.workers * size.memory <= memory
        assert size.workers * size.threads <= cores


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"workers": 8, "memory": 2**31}, "Use --workers 2"),
        ({"workers": 1, "memory": 2**20}, "--cluster threads"),
        ({"workers": 0}, "positive"),
    ],
)
def test_sizes__say_what_would_fit(given_, message):
    with pytest.raises(InputError, match=message):
        worker_sizes(WorkerNeed(), **given_)


def test_configuration__leaves_what_somebody_has_set():
    assert unset_scheduler_settings("slurm")["distributed.comm.timeouts.tcp"] == "15s"
    with dask.config.set({"distributed.comm.timeouts.tcp": "99s"}):
        assert "distributed.comm.timeouts.tcp" not in unset_scheduler_settings("slurm")
        assert "distributed.scheduler.worker-ttl" in unset_scheduler_settings("slurm")


def test_opened__threads_start_nothing():
    with open_cluster() as client:
        assert client is None


def test_opened__uses_the_client_that_is_active():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as mine,
    ):
        with open_cluster("threads") as client:
            assert client is mine
        assert mine.submit(sum, (1, 2)).result() == 3


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("slrum", {}, "did you mean 'slurm'"),
        ("threads", {"workers": 2}, "--workers with --cluster threads"),
        ("local", {"workers": 0}, "positive"),
        ("tcp://127.0.0.1:9", {"timeout": 1}, "no answer from tcp://127.0.0.1:9 within 1 s"),
        ("tcp://127.0.0.1:nine", {"timeout": 1}, "no answer from"),
        ("tls://127.0.0.1:9", {"timeout": 1}, "no certificate"),
        ("file:/nowhere/scheduler.json", {"timeout": 0.3}, "dask scheduler --scheduler-file"),
    ],
)
def test_opened__says_what_is_wrong(kind, settings, message):
    with pytest.raises(InputError, match=message), open_cluster(kind, **settings):
        pass


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"address": 3}', "\x00"])
def test_opened__refuses_the_file_of_something_else(tmp_path, content):
    path = tmp_path / "scheduler.json"
    path.write_text(content)
    with (
        pytest.raises(InputError, match="the file of a scheduler"),
        open_cluster(f"file:{path}", timeout=0.3),
    ):
        pass


@pytest.mark.parametrize("package", ["dask_jobqueue", "dask_kubernetes.operator"])
def test_opened__names_the_extra_to_install(package, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    kind = {"dask_jobqueue": "slurm"}.get(package, "kubernetes")
    with pytest.raises(InputError, match=r"xafsflow\[cluster\]"), open_cluster(kind, folder=tmp_path / "c"):
        pass


def test_block_that_takes_its_workers_down__is_named():
    from distributed.scheduler import KilledWorker

    with (
        pytest.raises(ComputationError, match=r"block \(0, 3\) of forest, which ended 4 workers"),
        explain_failures(),
    ):
        raise KilledWorker(("forest-" + "0" * 32, 0, 3), None, 3)


@pytest.mark.parametrize("error", [ValueError("mine"), InputError("mine"), KeyboardInterrupt()])
def test_errors_of_a_computation__pass_as_they_are(error):
    with pytest.raises(type(error)) as caught, explain_failures():
        raise error
    assert caught.value is error


def test_block_name__takes_names_without_a_token():
    assert task_name("sum") == "the task sum"


@pytest.mark.long
def test_keys__are_for_their_owner_only(tmp_path):
    folder = tmp_path / "my keys"
    made = subprocess.run(
        [sys.executable, "-m", "xafsflow.cluster", str(folder)], capture_output=True, text=True, check=True
    )
    assert not made.stderr
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = dict(shlex.split(line)[1].split("=", 1) for line in made.stdout.splitlines())
    from distributed.security import Security

    settings = {name.removeprefix("DASK_").lower().replace("__", "."): text for name, text in found.items()}
    assert settings.pop("distributed.comm.require_encryption") == "True"
    with dask.config.set(settings):
        security = Security()
        for role in ("scheduler", "worker", "client"):
            # OpenSSL reads the key and the certificate, and they are a pair.
            assert security.get_connection_args(role)["ssl_context"] is not None
    again = subprocess.run(
        [sys.executable, "-m", "xafsflow.cluster", str(folder)], capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stdout) == (2, "")
    assert "a new folder for keys" in again.stderr


class TestSlurm:
    @pytest.fixture
    def slurm(self) -> Any:
        pytest.importorskip("dask_jobqueue", reason="the extra `cluster` is not installed")
        from xafsflow.cluster import slurm

        return slurm

    def test_job_script__is_what_it_was(self, slurm, tmp_path):
        script = slurm.job_script(
            slurm.slurm_cluster_options(WorkerSizes(4, 2, 2**30), tmp_path, slurm.site_settings())
        )
        lines = [line for line in script.splitlines() if line]
        assert lines[0] == "#!/usr/bin/env bash"
        assert {line for line in lines if line.startswith("#SBATCH")} == {
            "#SBATCH -J xafsflow",
            f"#SBATCH -e {tmp_path}/xafsflow-%J.err",
            f"#SBATCH -o {tmp_path}/xafsflow-%J.out",
            "#SBATCH -n 1",
            "#SBATCH --cpus-per-task=2",
            "#SBATCH --mem=1280M",
            "#SBATCH -t 00:30:00",
        }
        assert {f"export {name}={shlex.quote(value)}" for name, value in worker_environment().items()} <= set(
            lines
        )
        assert lines[-1].startswith(f"{sys.executable} -m distributed.cli.dask_worker tls://SCHEDULER:8786")
        for words in ("--nthreads 2", "--memory-limit 1.00GiB", "--nanny", "--death-timeout 60",
                      "--dashboard-address 127.0.0.1:0"):  # fmt: skip
            assert words in lines[-1]
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)

    def test_job_script__takes_the_settings_of_the_site(self, slurm, tmp_path):
        site = {
            "jobqueue.slurm.queue": "short",
            "jobqueue.slurm.account": "beamline",
            "jobqueue.slurm.walltime": "02:00:00",
            "jobqueue.slurm.interface": "lo",
            "jobqueue.slurm.cores": 16,
            "jobqueue.slurm.processes": 4,
            "jobqueue.slurm.python": "python3",
            "jobqueue.slurm.job-script-prologue": ["module load python"],
            "jobqueue.slurm.worker-extra-args": ["--lifetime", "110m"],
            "jobqueue.slurm.job-extra-directives": ["--exclusive"],
        }
        with dask.config.set(site):
            script = slurm.job_script(
                slurm.slurm_cluster_options(WorkerSizes(4, 1, 2**30), tmp_path, slurm.site_settings())
            )
        for line in (
            "-p short",
            "-A beamline",
            "-t 02:00:00",
            "--cpus-per-task=16",
            "--mem=5G",
            "--exclusive",
        ):
            assert f"#SBATCH {line}".replace("5G", "5120M") in script.splitlines()
        assert script.index("module load python") < script.index("export OMP_NUM_THREADS=1")
        last = script.strip().splitlines()[-1]
        for words in ("python3 -m", "--nthreads 4 ", "--nworkers 4", "--memory-limit 1.00GiB", "--interface lo",
                      "--lifetime 110m"):  # fmt: skip
            assert words in last

    @pytest.mark.parametrize("name", ["my run", "run;reboot", "run'", "$HOME", "run\nexit"])
    def test_job_script__holds_no_path_that_a_shell_would_read_otherwise(self, slurm, name):
        with pytest.raises(InputError, match="Choose another --out"):
            slurm.slurm_cluster_options(WorkerSizes(1, 1, 2**30), Path("/scratch") / name, {})

    def test_no_slurm_here__is_said(self, slurm, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        with (
            pytest.raises(InputError, match="no command sbatch on this machine"),
            open_cluster("slurm", folder=tmp_path / "c"),
        ):
            pass

    def test_refusal_of_slurm__is_passed_on(self, slurm, tmp_path, monkeypatch):
        sbatch = tmp_path / "sbatch"
        sbatch.write_text("#!/bin/sh\necho 'allocation failure: Invalid partition' >&2\nexit 1\n")
        sbatch.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        with (
            pytest.raises(InputError, match="Invalid partition"),
            open_cluster("slurm", folder=tmp_path / "c"),
        ):
            pass

    def test_last_log_line__are_of_the_newest_log(self, slurm, tmp_path):
        (tmp_path / "xafsflow-1.err").write_text("one\nModuleNotFoundError: xafsflow\n\n")
        (tmp_path / "xafsflow-2.err").write_text("")
        assert slurm.last_log_line(tmp_path, ["1", "2"]) == "ModuleNotFoundError: xafsflow"
        assert slurm.last_log_line(tmp_path, ["3"]) == "no log was written"


def operator_schema() -> dict[str, Any]:
    """The operator's own schema of a DaskCluster, made strict: a misspelled key is dropped in silence else."""
    operator = pytest.importorskip("dask_kubernetes.operator", reason="the extra `cluster` is not installed")
    crds = Path(operator.__file__).parent / "deployment/helm/dask-kubernetes-operator/crds"
    definition = yaml.safe_load((crds / "daskcluster.yaml").read_text())
    [version] = definition["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]

    def strict(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part and not part.get("x-kubernetes-preserve-unknown-fields"):
                part.setdefault("additionalProperties", False)
            if part.pop("x-kubernetes-int-or-string", False):
                part.pop("type", None)
            for entry in part.values():
                strict(entry)

    strict(schema)
    # The API server knows these of every object.
    for name in ("apiVersion", "kind"):
        schema["properties"].setdefault(name, {"type": "string"})
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


class TestKubernetes:
    PLACE = Site("registry.example.org/xafsflow:1", claim="measurements", mount="/data")

    @pytest.mark.long
    def test_manifest__is_what_the_operator_takes(self):
        jsonschema = pytest.importorskip("jsonschema")
        made = cluster_manifest("xafsflow", WorkerSizes(3, 2, 2**30), self.PLACE)
        jsonschema.validate(made, operator_schema())
        worker = made["spec"]["worker"]
        [container] = worker["spec"]["containers"]
        assert worker["replicas"] == 3
        assert container["resources"]["limits"] == {"cpu": "2", "memory": "1280Mi"}
        assert container["args"][:2] == ["dask", "worker"]
        names = {entry["name"]: entry["value"] for entry in container["env"]}
        assert worker_environment().items() <= names.items()
        assert names["DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL"] == "30s"
        assert json.loads(json.dumps(made)) == made

    @pytest.mark.long
    def test_schema__refuses_what_the_operator_would_drop(self):
        jsonschema = pytest.importorskip("jsonschema")
        made = cluster_manifest("xafsflow", WorkerSizes(3, 2, 2**30), self.PLACE)
        made["spec"]["worker"]["spec"]["containers"][0]["resorces"] = {}
        with pytest.raises(jsonschema.ValidationError, match="resorces"):
            jsonschema.validate(made, operator_schema())

    def test_pods__have_no_rights(self):
        made = cluster_manifest("xafsflow", WorkerSizes(3, 2, 2**30), self.PLACE)
        for part in ("scheduler", "worker"):
            pod = made["spec"][part]["spec"]
            assert pod["securityContext"]["runAsNonRoot"]
            assert pod["automountServiceAccountToken"] is False
            assert not pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"]

    def test_manifest__leaves_out_a_volume_that_is_not_named(self):
        made = cluster_manifest("xafsflow", WorkerSizes(3, 2, 2**30), Site("image"))
        assert "volumes" not in made["spec"]["worker"]["spec"]

    def test_image_of_dask__is_refused(self):
        pytest.importorskip("dask_kubernetes.operator")
        with pytest.raises(InputError, match="DASK_KUBERNETES__IMAGE"), open_cluster("kubernetes"):
            pass

    def test_kubernetes_without_the_operator__is_said(self, tmp_path, monkeypatch):
        pytest.importorskip("dask_kubernetes.operator")
        with api_that_knows_nothing() as address:
            config = tmp_path / "config"
            config.write_text(yaml.safe_dump(kubeconfig(address)))
            monkeypatch.setenv("KUBECONFIG", str(config))
            with (
                dask.config.set({"kubernetes.image": "image", "kubernetes.namespace": "default"}),
                pytest.raises(InputError, match="operator of Dask"),
                open_cluster("kubernetes", timeout=5),
            ):
                pass


def kubeconfig(address: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": address}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": {"token": "none"}}],
    }


class api_that_knows_nothing:  # noqa: N801
    """A Kubernetes to which nobody has told what a DaskCluster is."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            known = {"/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}}
            content = known.get(self.path.split("?")[0].rstrip("/"))
            body = json.dumps(content or {"kind": "Status", "code": 404, "message": "not found"}).encode()
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    def __enter__(self) -> str:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
