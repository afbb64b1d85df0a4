"""Where a recipe is computed: threads, processes, SLURM, Kubernetes, or a scheduler that is there."""

from xafsflow.cluster.opened import KINDS, opened
from xafsflow.cluster.sizes import Need, Sizes, sizes

__all__ = ["KINDS", "Need", "Sizes", "opened", "sizes"]
