"""Where a recipe is computed: threads, processes, SLURM, Kubernetes, or a scheduler that is there."""

from xafsflow.cluster.open_cluster import KINDS, opened
from xafsflow.cluster.worker_size import Need, Sizes, sizes

__all__ = ["KINDS", "Need", "Sizes", "opened", "sizes"]
