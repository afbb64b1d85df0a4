"""Workers as jobs of SLURM; the scheduler in this process.

What differs from site to site (queue, account, walltime, interface, python) is read where dask-jobqueue
reads it: `~/.config/dask/jobqueue.yaml`, or variables such as `DASK_JOBQUEUE__SLURM__QUEUE`.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xafsflow.cluster.cluster_settings import LOOPBACK, ClusterRequest, worker_environment
from xafsflow.cluster.security import key_files
from xafsflow.cluster.worker_size import MEBIBYTE, WorkerSizes, worker_sizes
from xafsflow.errors import ComputationError, InputError
from xafsflow.files import refuse_links

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster
    from distributed import Client

# The site's settings of dask-jobqueue, and what its cluster is called with: values of YAML.
SiteSettings = Mapping[str, Any]
JobOptions = dict[str, Any]

# The process that watches a worker and starts it again needs its own memory beside the worker's.
NANNY_BYTES = 256 * MEBIBYTE
# Reasons of SLURM for which waiting does not help.
HOPELESS = ("BadConstraints", "PartitionNodeLimit", "PartitionTimeLimit", "InvalidAccount", "InvalidQOS")
POLL_SECONDS = 1.0


def site_settings() -> SiteSettings:
    """The site's settings for jobs, as dask-jobqueue finds them."""
    import dask
    import dask_jobqueue  # noqa: F401  (its import declares its settings)

    return dict(dask.config.get("jobqueue.slurm"))


def slurm_cluster_options(size: WorkerSizes, folder: Path, site: SiteSettings) -> JobOptions:
    """What `dask_jobqueue.SLURMCluster` is called with.

    Parameters
    ----------
    size
        Memory of a worker; its threads, unless the site's settings name `cores` for a job.
    folder
        For logs and keys, on a file system that the nodes share.
    site
        Settings of the site, which these extend.

    Raises
    ------
    InputError
        The folder's path has characters that SLURM's scripts cannot hold.

    Examples
    --------
    >>> made = slurm_cluster_options(WorkerSizes(4, 2, 2**30), Path("/scratch/run-cluster"), {})
    >>> made["cores"], made["memory"], made["job_mem"]
    (2, 1073741824, '1280M')
    """
    if re.search(r"[^\w./+@:=,-]", str(folder)):
        raise InputError(
            f"the path {str(folder)!r}", "letters, digits and ._-+@:=, in it", "choose another --out"
        )
    processes = site.get("processes") or 1
    job = processes * (size.memory + NANNY_BYTES)
    exports = [f"export {name}={shlex.quote(value)}" for name, value in worker_environment().items()]
    return {
        "cores": site.get("cores") or size.threads * processes,
        "processes": processes,
        "memory": processes * size.memory,
        "job_mem": site.get("job-mem") or f"{math.ceil(job / MEBIBYTE)}M",
        "job_name": "xafsflow",
        "log_directory": str(folder),
        "job_script_prologue": [*site.get("job-script-prologue", ()), *exports],
        "worker_extra_args": [*site.get("worker-extra-args", ()), "--dashboard-address", LOOPBACK],
        "scheduler_options": {"dashboard_address": LOOPBACK} | dict(site.get("scheduler-options", {})),
    }


def job_script(made: JobOptions, scheduler: str = "tls://SCHEDULER:8786") -> str:
    """The script of one job, as text: what `sbatch` is given.

    Parameters
    ----------
    made
        From `slurm_cluster_options`.
    scheduler
        Its address.
    """
    from dask_jobqueue.slurm import SLURMJob

    job = {name: value for name, value in made.items() if name != "scheduler_options"}
    return str(SLURMJob(scheduler, name="xafsflow-0", **job).job_script())


@contextlib.contextmanager
def slurm_cluster(request: ClusterRequest) -> Iterator[Client]:
    """A client of workers that are jobs of SLURM; a job that ends or is cancelled is replaced.

    Raises
    ------
    InputError
        SLURM is not here or refuses such a job, or a package is missing.
    ComputationError
        Jobs started, and no worker came.
    """
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError(
            "no package `dask-jobqueue`", "this package, for SLURM", "run `pip install 'xafsflow[cluster]'`"
        ) from error
    from distributed import Client

    size = worker_sizes(request.need, workers=request.workers)
    made = slurm_cluster_options(size, request.folder.resolve(), site_settings())
    refuse_links(request.folder)
    request.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_job_script(job_script(made))
    request.report_progress(f"submits {size.workers} jobs to SLURM", None)
    with contextlib.ExitStack() as stack:
        security = stack.enter_context(key_files(request.folder / f"keys-{os.getpid()}"))
        try:
            cluster = stack.enter_context(SLURMCluster(**made, security=security))
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(
                f"a scheduler that did not start ({error})",
                "a scheduler on this machine",
                "check jobqueue.slurm.interface and scheduler-options in ~/.config/dask/jobqueue.yaml",
            ) from error
        client = stack.enter_context(Client(cluster, timeout=request.timeout))
        # Scaling to a number never replaces a job that was cancelled; adapting to that number does.
        cluster.adapt(minimum_jobs=size.workers, maximum_jobs=size.workers)
        _wait(cluster, request)
        yield client
    _remove_logs(request.folder)


def check_job_script(script: str) -> None:
    """Ask SLURM whether it would accept a job, before anything is submitted.

    Raises
    ------
    InputError
        It refuses the job, or it is not installed on this machine.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(script)
        file.flush()
        answer = run_slurm_command("sbatch", "--test-only", file.name)
    if answer.returncode:
        raise InputError(
            f"a job that SLURM refuses ({' '.join(answer.stderr.split())})",
            "a job that the queue accepts",
            "check `sinfo`, and queue, account and walltime under jobqueue.slurm in ~/.config/dask/jobqueue.yaml",
        )


def run_slurm_command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one of SLURM's commands.

    Raises
    ------
    InputError
        SLURM is not installed on this machine.
    """
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise InputError(
            f"no command {words[0]} on this machine",
            "SLURM's commands",
            "start from a login node of the cluster",
        ) from error


def _wait(cluster: SLURMCluster, request: ClusterRequest) -> None:
    """Wait for the first worker: in the queue without limit, with a machine for `request.timeout` at most."""
    shown, since = "", time.monotonic()
    while not cluster.scheduler.workers:
        time.sleep(POLL_SECONDS)
        jobs = [str(job.job_id) for job in list(cluster.workers.values()) if job.job_id]
        states = job_states(jobs)
        waiting = [reason for state, reason in states.values() if state == "PENDING"]
        hopeless = [reason for reason in waiting if reason in HOPELESS]
        if hopeless:
            raise InputError(
                f"a job that SLURM will not start ({hopeless[0]})",
                "a job that can start",
                "change the job's settings",
            )
        if waiting and len(waiting) == len(states):
            text, since = f"waiting in the queue ({waiting[0]})", time.monotonic()
            if text != shown:
                request.report_progress(text, None)
            shown = text
        if (jobs and not states) or time.monotonic() - since > request.timeout:
            raise ComputationError(
                f"{len(jobs)} jobs without a worker: {last_log_line(request.folder, jobs)}",
                f"a worker within {request.timeout:g} s of a job's start",
                f"read the logs in {request.folder}, and check python, interface and prologue under jobqueue.slurm",
            )


def job_states(jobs: Sequence[str]) -> dict[str, tuple[str, str]]:
    """State and reason of each of the jobs that SLURM still knows and that have not ended."""
    answer = (
        run_slurm_command("squeue", "--noheader", "--format=%A %T %r", f"--jobs={','.join(jobs)}")
        if jobs
        else None
    )
    # Squeue fails when none of the jobs is known any more.
    lines = [] if answer is None or answer.returncode else answer.stdout.splitlines()
    found = {job: (state, reason) for job, state, reason in (line.split(maxsplit=2) for line in lines)}
    return {job: entry for job, entry in found.items() if entry[0] in ("PENDING", "CONFIGURING", "RUNNING")}


def last_log_line(folder: Path, jobs: Sequence[str]) -> str:
    """The last line of the newest log that has one."""
    logs = [path for job in jobs for path in folder.glob(f"*-{job}.err")]
    for path in sorted(logs, key=lambda p: p.stat().st_mtime, reverse=True):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if lines:
            return lines[-1].strip()
    return "no log was written"


def _remove_logs(folder: Path) -> None:
    """Remove the logs of a run that went well."""
    for path in (*folder.glob("xafsflow-*.err"), *folder.glob("xafsflow-*.out")):
        path.unlink()
    with contextlib.suppress(OSError):
        # Files of others may lie there too.
        folder.rmdir()
