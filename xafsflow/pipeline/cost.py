"""What a run will read, hold, write and take, from the lazy cube and a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.cluster.worker_size import Need, Sizes, sizes
from xafsflow.io.readers.lazy_stack import SHARED_BYTES
from xafsflow.pipeline.recipe import Recipe
from xafsflow.pipeline.rehearsal import SAMPLED_ROWS, Rehearsed, rehearse
from xafsflow.store import bands
from xafsflow.vocabulary import CUBE

# The process with all that it imports, until the first step.
START_SECONDS = 1.5
# Worker processes of this machine; jobs and pods come when their queue lets them.
CLUSTER_SECONDS = 4.0
# Tables of patterns that training holds at once, as float32: features, spectra, and what linear discriminant analysis makes
# of them in float64. Measured: 480 MB for 66 classes of 1000 at 210 energies.
TRAINING_COPIES = 9
# What one scheduler of Dask needs for a task.
TASK_SECONDS = 0.002
# Storage that is neither the fastest nor in trouble; the cost says what the run asks of it.
READ_BYTES_A_SECOND = 1e9


@dataclass(frozen=True)
class Cost:
    """What a run of a recipe on a measurement costs on a cluster.

    `workers` processes of `threads` with `worker_bytes` of memory; `read_bytes` from the files, `write_bytes` before
    compression; `blocks` in `bands`, `tasks` in all; seconds to `start`, `train`, and for the `field`. `stopped` names what
    could not be foreseen, `passes` how often the field is read.
    """

    workers: int
    threads: int
    worker_bytes: int
    read_bytes: int
    write_bytes: int
    blocks: int
    bands: int
    tasks: int
    start: float
    train: float
    field: float
    stopped: str = ""

    @property
    def seconds(self) -> float:
        """From the command to its end, with nothing in a queue and a model that has to be trained."""
        return self.start + self.train + self.field


def estimate(products: Mapping[str, Any]) -> list[str]:
    """Lines that tell the size of a measurement and of its run.

    Examples
    --------
    >>> cube = xr.Dataset({"sample": (CUBE, np.zeros((5, 8, 6), "u2"))}, {"energy": np.arange(7110.0, 7115)})
    >>> estimate({"cube": cube.chunk(y=4)})[0]
    '5 energies from 7110 to 7114 eV, 8 x 6 pixels'
    """
    cube: xr.Dataset | None = products.get("cube")
    if cube is None:
        return ["no measurement is read"]
    n_energy, rows, columns = (cube.sizes[dim] for dim in CUBE)
    energy = cube.energy.values
    names = _images(cube)
    read = sum(cube[name].nbytes for name in names)
    lines = [
        f"{n_energy} energies from {energy[0]:g} to {energy[-1]:g} eV, {rows} x {columns} pixels",
        f"{_size(read)} of images ({', '.join(names)})",
    ]
    if "library" in products:
        known = [str(name) for name in np.asarray(products["library"].spectrum)]
        lines.append(f"references {', '.join(known)} cover the scan")
    return lines


def foresee(
    recipe: Recipe, products: Mapping[str, Any], kind: str = "threads", workers: int | None = None
) -> Cost | None:
    """What a run will cost, from a rehearsal on this machine; None where no measurement is read.

    Seconds are `start + train + field`, with `field` the larger of computing (core seconds of a block x blocks / cores, at
    least one block's), scheduling (2 ms a task, on clusters) and reading at 1 GB/s. Nothing is submitted, no pixel is read.

    Parameters
    ----------
    recipe
        Checked.
    products
        As `flow.preview` gives them.
    kind
        A cluster as of `--cluster`. Workers of other machines count as fast as this one's cores.
    workers
        As of `--workers`.

    Raises
    ------
    InputError
        The memory of this machine is too small for the workers of `local`.
    """
    cube: xr.Dataset | None = products.get("cube")
    need = need_of(products)
    if cube is None or need is None:
        return None
    size = _workers(kind, workers, need)
    if kind == "threads":
        # Elsewhere it is the process that starts the workers which trains.
        size = replace(size, memory=size.memory + _training_bytes(recipe, products))
    threads = 0 if kind == "threads" else size.workers * size.threads
    return _priced(cube, recipe, need, rehearse(recipe, products, threads=threads), kind, size)


def _priced(cube: xr.Dataset, recipe: Recipe, need: Need, found: Rehearsed, kind: str, size: Sizes) -> Cost:
    from dask.system import CPU_COUNT

    count = len(list(bands(cube)))
    cores = min(size.workers * size.threads, need.tasks)
    across = max((len(a.chunksizes["x"]) for a in cube.data_vars.values() if "x" in a.chunksizes), default=1)
    images = sum(cube[name].nbytes for name in _images(cube))
    passes = found.block / found.maps if found.maps else 1.0
    tasks = count * found.band_tasks or need.tasks * found.tasks
    alike = CPU_COUNT / cores
    times = [found.block * need.tasks * alike, passes * images / READ_BYTES_A_SECOND]
    if kind != "threads":
        times.append(tasks * TASK_SECONDS)
    stored = sum(planned.step.name == "ingest.store" for planned in recipe.plan) * images
    started = START_SECONDS + (CLUSTER_SECONDS if kind == "local" else 0.0)
    # The few rows are read in this process on threads, and by the workers on a cluster.
    sampled = found.sampled * min(need.tasks, SAMPLED_ROWS * across) * alike
    return Cost(
        workers=size.workers,
        threads=size.threads,
        worker_bytes=size.memory,
        read_bytes=round(passes * images),
        write_bytes=round(found.map_bytes * cube.sizes["y"] * cube.sizes["x"]) + stored,
        blocks=need.tasks,
        bands=count,
        tasks=tasks,
        start=started + found.once + sampled,
        train=found.training,
        field=max(times),
        stopped=found.stopped,
    )


def _training_bytes(recipe: Recipe, products: Mapping[str, Any]) -> int:
    """What training holds beside the blocks, at most; nothing where no model is trained."""
    from math import comb

    told = [planned.settings for planned in recipe.plan if planned.step.name == "train.mixtures"]
    if not told or "library" not in products:
        return 0
    count, parts = products["library"].sizes["spectrum"], round(1 / told[0]["step"])
    patterns = comb(parts + count - 1, count - 1) * told[0]["noise_patterns"] + told[0]["check_patterns"]
    return int(TRAINING_COPIES * 4 * patterns * products["cube"].sizes["energy"])


def _workers(kind: str, workers: int | None, need: Need) -> Sizes:
    """As the cluster would have them; one process with a thread a core for threads, and for what somebody else started."""
    from dask.system import CPU_COUNT

    if kind == "local":
        from distributed.system import MEMORY_LIMIT

        return sizes(need, workers=workers, cores=CPU_COUNT, memory=MEMORY_LIMIT)
    if kind in ("slurm", "kubernetes"):
        return sizes(need, workers=workers)
    return Sizes(1, CPU_COUNT, need.process_bytes + CPU_COUNT * need.task_bytes)


def lines_of(cost: Cost, kind: str = "threads") -> list[str]:
    r"""A cost as it is told.

    Examples
    --------
    >>> cost = Cost(4, 1, 2**30, 6 * 10**9, 10**8, 1000, 60, 9000, 3.0, 6.0, 20.0)
    >>> print(*lines_of(cost, "slurm"), sep="\n")
    slurm: 4 workers of 1 thread, 1074 MB of memory each
    reads 6.0 GB, writes 100 MB of results before compression
    1000 blocks in 60 bands of rows, 9000 tasks
    takes about 29 s: 3 s to start, 6 s to train (none with a kept model), 20 s for the field
    the field asks 300 MB/s of the storage, slower storage makes it slower
    """
    many, threads = "s" * (cost.workers > 1), "s" * (cost.threads > 1)
    place = f"{kind}: {cost.workers} worker{many} of {cost.threads} thread{threads}, "
    if kind == "threads":
        place = f"threads: {cost.threads}, "
    elif kind not in ("local", "slurm", "kubernetes"):
        place = f"{kind}, which is not asked: as on this machine, {cost.threads} threads, "
    lines = [
        f"{place}{_size(cost.worker_bytes)} of memory{'' if kind == 'threads' else ' each'}",
        f"reads {_size(cost.read_bytes)}, writes {_size(cost.write_bytes)} of results before compression",
        f"{cost.blocks} blocks in {cost.bands} bands of rows, {cost.tasks} tasks",
    ]
    if cost.stopped:
        lines.append(f"the time is not known: the rehearsal stopped at {cost.stopped}")
        return lines
    training = f"{cost.train:.0f} s to train (none with a kept model), " if cost.train else ""
    lines.append(
        f"takes about {cost.seconds:.0f} s: {cost.start:.0f} s to start, {training}{cost.field:.0f} s for the field"
    )
    rate = cost.read_bytes / max(cost.field, 1e-3)
    lines.append(f"the field asks {_size(rate)}/s of the storage, slower storage makes it slower")
    return lines


def _images(cube: xr.Dataset) -> list[str]:
    return [name for name in ("sample", "flat_field", "foil") if name in cube and cube[name].dims == CUBE]


def _size(count: float) -> str:
    return f"{count / 1e6:.0f} MB" if count < 2e9 else f"{count / 1e9:.1f} GB"


def need_of(products: Mapping[str, Any]) -> Need | None:
    """What a worker must hold, and how many blocks there are; None where no measurement is read."""
    cube: xr.Dataset | None = products.get("cube")
    if cube is None:
        return None
    lazy = [a for a in cube.data_vars.values() if a.dims == CUBE and a.chunks]
    blocks = max((a.data.npartitions for a in lazy), default=1)
    largest = max((4 * int(np.prod(a.data.chunksize)) for a in lazy), default=0)
    # Absorbance, its noise, means, normalized and derived spectra of one block, and the reading that blocks share.
    return Need(task_bytes=12 * largest + 2 * SHARED_BYTES, tasks=blocks)
