"""Where a recipe is computed: threads, processes, SLURM, Kubernetes, or a running scheduler."""

from xafsflow.cluster.cluster_kinds import KINDS, open_cluster
from xafsflow.cluster.worker_size import WorkerNeed, WorkerSizes, worker_sizes

__all__ = ["KINDS", "WorkerNeed", "WorkerSizes", "open_cluster", "worker_sizes"]
