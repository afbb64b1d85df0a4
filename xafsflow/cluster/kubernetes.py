"""Workers as pods, by the operator of Dask for Kubernetes.

Image and namespace are read where dask-kubernetes reads them (`kubernetes.image`, `kubernetes.namespace` of
Dask's configuration, or `DASK_KUBERNETES__IMAGE`), the claim of the volume with data and runs beside them:
`kubernetes.xafsflow.claim` and `kubernetes.xafsflow.mount`.

The operator speaks with schedulers without TLS. What keeps strangers away is a network policy, see `deploy/kubernetes`.
"""

from __future__ import annotations

import contextlib
import getpass
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xafsflow.cluster.cluster_settings import (
    ClusterRequest,
    as_environment_variables,
    scheduler_settings,
    worker_environment,
)
from xafsflow.cluster.worker_size import MEBIBYTE, WorkerSizes, worker_sizes
from xafsflow.errors import ComputationError, InputError

if TYPE_CHECKING:
    from dask_kubernetes.operator import KubeCluster
    from distributed import Client

# What Kubernetes is given, as nested mappings and lists.
Manifest = dict[str, Any]

# The operator removes a cluster whose scheduler has had nothing to do for so many seconds: the run was killed.
IDLE_SECONDS = 1800
# A scheduler holds tasks, not data.
SCHEDULER = {"cpu": "1", "memory": "1Gi"}
# The process that watches a worker needs its own memory beside the worker's.
NANNY_BYTES = 256 * MEBIBYTE


@dataclass(frozen=True)
class Site:
    """Where pods run: image with this program, namespace, claim of the volume and its path in the pods."""

    image: str
    namespace: str | None = None
    claim: str | None = None
    mount: str = "/data"


def site_settings() -> Site:
    """The site's settings, from Dask's configuration.

    Raises
    ------
    InputError
        No image is named: that of Dask does not hold this program.
    """
    import dask
    import dask_kubernetes  # noqa: F401  (its import declares its settings)

    image = dask.config.get("kubernetes.image", None)
    if not image or image.startswith("ghcr.io/dask/dask:"):
        raise InputError(
            "no image for the pods",
            "one that holds xafsflow (see deploy/Dockerfile)",
            "set DASK_KUBERNETES__IMAGE, or kubernetes.image in ~/.config/dask/kubernetes.yaml",
        )
    return Site(
        image,
        dask.config.get("kubernetes.namespace", None),
        dask.config.get("kubernetes.xafsflow.claim", None),
        dask.config.get("kubernetes.xafsflow.mount", "/data"),
    )


def cluster_manifest(name: str, size: WorkerSizes, place: Site) -> Manifest:
    """The `DaskCluster` that the operator is given.

    Parameters
    ----------
    name
        Of the cluster, lowercase letters, digits and `-`.
    size
        Number of workers, and of each the threads and the bytes of memory.
    place
        Image and volume.

    Examples
    --------
    >>> made = cluster_manifest("xafsflow", WorkerSizes(4, 2, 2**30), Site("registry.example.org/xafsflow:1"))
    >>> made["kind"], made["spec"]["worker"]["replicas"]
    ('DaskCluster', 4)
    """
    from dask_kubernetes.operator import make_cluster_spec

    made = make_cluster_spec(
        name=name,
        image=place.image,
        n_workers=size.workers,
        env=worker_environment() | as_environment_variables(scheduler_settings("kubernetes")),
        worker_command=[
            "dask", "worker", "--nthreads", str(size.threads), "--memory-limit", str(size.memory),
            "--death-timeout", "60",
        ],
        idle_timeout=IDLE_SECONDS,
    )  # fmt: skip
    spec = made["spec"]
    [scheduler], [worker] = spec["scheduler"]["spec"]["containers"], spec["worker"]["spec"]["containers"]
    # Its template calls `dask-scheduler`, which distributed does not install any more.
    scheduler["args"] = ["dask", "scheduler", "--host", "0.0.0.0"]
    memory = f"{-(-(size.memory + NANNY_BYTES) // MEBIBYTE)}Mi"
    worker["resources"] = _bounded({"cpu": str(size.threads), "memory": memory})
    scheduler["resources"] = _bounded(SCHEDULER)
    for part in ("scheduler", "worker"):
        _confine(spec[part]["spec"])
    if place.claim:
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": place.claim}}
        spec["worker"]["spec"]["volumes"] = [volume]
        worker["volumeMounts"] = [{"name": "data", "mountPath": place.mount}]
    return _without_none(made)


def _bounded(amounts: dict[str, str]) -> dict[str, dict[str, str]]:
    """ClusterRequest for what is also the limit: then the pod is among the last that a full node ends."""
    return {"requests": dict(amounts), "limits": dict(amounts)}


def _confine(pod: Manifest) -> None:
    """No root, no rights to gain, no key to the cluster's own interface."""
    pod["automountServiceAccountToken"] = False
    pod["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in pod["containers"]:
        container["securityContext"] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _without_none(value: Any) -> Any:
    """Leave out what the template left open: the operator's schema has no null."""
    if isinstance(value, dict):
        return {key: _without_none(entry) for key, entry in value.items() if entry is not None}
    return [_without_none(entry) for entry in value] if isinstance(value, list) else value


@contextlib.contextmanager
def kubernetes_cluster(request: ClusterRequest) -> Iterator[Client]:
    """A client of workers that are pods; the operator replaces pods that end.

    Raises
    ------
    InputError
        A package, the image, the cluster or its operator is missing.
    ComputationError
        Pods were asked for, and no worker came.
    """
    try:
        import kr8s
        from dask_kubernetes.operator import KubeCluster
        from dask_kubernetes.operator.kubecluster.kubecluster import CreateMode
    except ImportError as error:
        raise InputError(
            "no package `dask-kubernetes`",
            "this package, for Kubernetes",
            "run `pip install 'xafsflow[cluster]'`",
        ) from error
    from distributed import Client

    place, size = site_settings(), worker_sizes(request.need, workers=request.workers)
    made = cluster_manifest(_name(), size, place)
    request.report_progress(f"starts {size.workers} pods on Kubernetes", None)
    failures = (OSError, RuntimeError, ValueError, TimeoutError, kr8s.ServerError, kr8s.APITimeoutError)
    with contextlib.ExitStack() as stack:
        # Made in two moves: one that fails on its way is still there to be closed.
        cluster = KubeCluster.__new__(KubeCluster)
        stack.callback(_close, cluster, failures)
        try:
            cluster.__init__(
                namespace=place.namespace,
                custom_cluster_spec=made,
                resource_timeout=int(request.timeout),
                create_mode=CreateMode.CREATE_ONLY,
                shutdown_on_close=True,
                quiet=True,
            )
        except failures as error:
            raise InputError(
                f"no cluster on Kubernetes ({type(error).__name__}: {error})",
                "a reachable Kubernetes with the operator of Dask",
                "check `kubectl get daskclusters`, and see deploy/README.md",
            ) from error
        client = stack.enter_context(Client(cluster, timeout=request.timeout))
        try:
            client.wait_for_workers(1, timeout=request.timeout)
        except TimeoutError as error:
            raise ComputationError(
                f"no worker of {made['metadata']['name']} within {request.timeout:g} s",
                "a pod that runs",
                "check the image, the volume and the free memory with `kubectl describe pods`",
            ) from error
        yield client


def _close(cluster: KubeCluster, failures: tuple[type[Exception], ...]) -> None:
    """Remove a cluster; where Kubernetes cannot be reached its operator does, see `IDLE_SECONDS`."""
    with contextlib.suppress(*failures):
        cluster.close(timeout=60)


def _name() -> str:
    """A name that no other cluster has."""
    user = re.sub(r"[^a-z0-9]+", "-", getpass.getuser().lower()).strip("-")[:20]
    return f"xafsflow-{user or 'user'}-{uuid.uuid4().hex[:8]}"
