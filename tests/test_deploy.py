"""What lies in deploy/: each file read by what it is for, as far as a machine without that can."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from xafsflow.cli.main import main
from xafsflow.cluster import WorkerSizes
from xafsflow.cluster.kubernetes import Site, cluster_manifest

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
ROOT = DEPLOY.parent
SCRIPTS = [*sorted((DEPLOY / "slurm").glob("*.sbatch")), ROOT / "tests" / "slurm" / "slurm.sh"]


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")))


def check_call(words: list[str]) -> None:
    """A call of the program, as its command line knows it; nothing is run."""
    assert words[0].rpartition("/")[2] == "xafsflow"
    command = main.commands[words[1]]
    # Every argument stands for something that need not be there now.
    command.make_context(words[1], list(words[2:]))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts__are_read_by_bash(script):
    subprocess.run(["bash", "-n", str(script)], check=True)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts__please_shellcheck(script):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    subprocess.run(["shellcheck", str(script)], check=True)


@pytest.mark.parametrize("script", sorted((DEPLOY / "slurm").glob("*.sbatch")), ids=lambda path: path.name)
def test_sbatch_scripts__call_the_program_as_it_is(script):
    text = script.read_text(encoding="utf-8").replace("\\\n", " ")
    [call] = re.findall(r"^(?:exec )?(xafsflow run .*)$", text, re.MULTILINE)
    known = {
        "$recipe": "recipe.yaml",
        "$data": "data",
        "$references": "references",
        "$out": "out",
        "$workers": "4",
    }
    check_call([known.get(word, word.replace("$cluster", "cluster")) for word in shlex.split(call)])


@pytest.mark.parametrize("script", sorted((DEPLOY / "slurm").glob("*.sbatch")), ids=lambda path: path.name)
def test_sbatch_scripts__ask_before_their_first_command(script):
    # SLURM reads no directive below the first command.
    lines = script.read_text(encoding="utf-8").splitlines()
    first = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    asked = [n for n, line in enumerate(lines) if line.startswith("#SBATCH")]
    assert asked
    assert max(asked) < first
    assert {"--mem", "--mem-per-cpu"} & {lines[n].split()[1].partition("=")[0] for n in asked}


def test_cluster_manifest__is_the_one_that_the_program_makes():
    pytest.importorskip("dask_kubernetes.operator", reason="the extra `cluster` is not installed")
    [found] = documents("cluster.yaml")
    place = Site("registry.example.org/xafsflow:1", claim="measurements")
    made = cluster_manifest("xafsflow", WorkerSizes(4, 2, 2**31), place)
    # This one stays when it has nothing to do. That the operator takes it is shown in test_cluster.py.
    made["spec"]["idleTimeout"] = 0
    assert found == made


# By which names the models of Kubernetes' client are called.
MODELS = {
    "ServiceAccount": "V1ServiceAccount",
    "Role": "V1Role",
    "RoleBinding": "V1RoleBinding",
    "CronJob": "V1CronJob",
    "NetworkPolicy": "V1NetworkPolicy",
}


def check_model(value: Any, kind: str, where: str) -> None:
    """Compare an object with the model of Kubernetes' own client: no unknown key, none missing, types as told."""
    client = pytest.importorskip("kubernetes.client")
    if match := re.fullmatch(r"[Ll]ist\[(.*)\]", kind):
        assert isinstance(value, list), where
        for number, entry in enumerate(value):
            check_model(entry, match[1], f"{where}[{number}]")
    elif match := re.fullmatch(r"[Dd]ict[\[(]str, (.*)[\])]", kind):
        for key, entry in value.items():
            check_model(entry, match[1], f"{where}.{key}")
    elif kind in ("str", "int", "bool", "float"):
        assert type(value).__name__ == kind, f"{where}: {value!r} for {kind}"
    elif kind != "object":
        model = getattr(client, kind)
        names = {json: name for name, json in model.attribute_map.items()}
        assert isinstance(value, dict), where
        assert not set(value) - set(names), f"{where}: {sorted(set(value) - set(names))} unknown to {kind}"
        for key, entry in value.items():
            check_model(entry, model.openapi_types[names[key]], f"{where}.{key}")
        # The model itself refuses what lacks a required key.
        model(**{names[key]: entry for key, entry in value.items()})


@pytest.mark.parametrize("name", ["nightly.yaml", "network.yaml"])
def test_manifests__are_what_kubernetes_takes(name):
    for document in documents(name):
        check_model(document, MODELS[document["kind"]], document["kind"])


@pytest.mark.parametrize("change", [{"schedul": ""}, {"suspend": "no"}, {"jobTemplate": None}])
def test_this_test__finds_what_kubernetes_would_refuse(change):
    cron = documents("nightly.yaml")[-1]
    cron["spec"] |= change
    with pytest.raises((AssertionError, ValueError)):
        check_model(cron, "V1CronJob", "CronJob")


def test_nightly_job__calls_the_program_as_it_is():
    cron = documents("nightly.yaml")[-1]
    template = cron["spec"]["jobTemplate"]["spec"]["template"]
    [container] = template["spec"]["containers"]
    check_call([*container["command"], *container["args"]])
    # Who runs is who may start clusters, and is let through by the network policy.
    account, role, binding, _ = documents("nightly.yaml")
    assert template["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    [policy] = documents("network.yaml")
    labels = [
        p["podSelector"].get("matchLabels")
        for p in policy["spec"]["ingress"][0]["from"]
        if "podSelector" in p
    ]
    assert template["metadata"]["labels"] in labels


def ini(name: str) -> list[tuple[str, str]]:
    """Keys and values of a unit of systemd."""
    lines = (DEPLOY / "schedule" / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and line[0] not in "#["]
    return [(key, value) for key, _, value in pairs]


def test_service__calls_the_program_as_it_is():
    check_call(shlex.split(dict(ini("xafsflow.service"))["ExecStart"]))


def test_timer__is_what_systemd_takes(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    for name in ("xafsflow.service", "xafsflow.timer"):
        text = (DEPLOY / "schedule" / name).read_text(encoding="utf-8")
        # The program is not installed there on this machine.
        (tmp_path / name).write_text(text.replace("/opt/xafsflow/bin/xafsflow", "/bin/true"))
    units = [str(tmp_path / name) for name in ("xafsflow.service", "xafsflow.timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "xafsflow" in line]
    times = dict(ini("xafsflow.timer"))["OnCalendar"]
    subprocess.run(["systemd-analyze", "calendar", times], check=True, capture_output=True)


def test_crontab__is_one_line_with_five_times():
    lines = (DEPLOY / "schedule" / "crontab").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if not line.startswith("#")]
    *times, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*/,-]+", time) for time in times)
    # Cron reads % as the end of the line.
    assert "%" not in command
    subprocess.run(["bash", "-n"], input=command, text=True, check=True)
    check_call(shlex.split(command.partition(" >>")[0]))


def test_dockerfile__builds_from_what_is_there_and_runs_as_nobody():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    steps = [
        line.partition(" ") for line in text.replace("\\\n", " ").splitlines() if line and line[0] != "#"
    ]
    known = ("FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "CMD")
    assert {word for word, _, _ in steps} <= set(known)
    assert steps[0][0] == "FROM"
    assert steps[0][2].endswith("-slim")
    for word, _, rest in steps:
        if word == "COPY":
            assert all((ROOT / name).exists() for name in rest.split()[:-1]), rest
        if word == "RUN":
            subprocess.run(["bash", "-n"], input=rest, text=True, check=True)
    users = [rest for word, _, rest in steps if word == "USER"]
    assert users[-1].isdigit()
    assert int(users[-1]) > 0
    installs = [rest for word, _, rest in steps if word == "RUN" and "pip install" in rest]
    assert all("--constraint constraints.txt" in rest for rest in installs)


def test_readme__names_every_file():
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    names = [
        p.relative_to(DEPLOY).as_posix() for p in DEPLOY.rglob("*") if p.is_file() and p.name != "README.md"
    ]
    assert not [name for name in names if name not in text and name != "SCALING.md"]
