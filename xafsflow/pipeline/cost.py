"""What a run will read, hold, write and take: from the sizes of the lazy cube and from earlier runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import xarray as xr

from xafsflow.blocks.field import bands_of
from xafsflow.blocks.program import program_of
from xafsflow.cluster.worker_size import WorkerNeed, WorkerSizes, worker_sizes
from xafsflow.pipeline.earlier_runs import EarlierRun, cube_values, earlier_run
from xafsflow.pipeline.entries import PlannedStep
from xafsflow.pipeline.products import Products
from xafsflow.pipeline.recipe import Recipe
from xafsflow.vocabulary import CUBE, VARIABLES, is_cube

# Tables of patterns that training holds at once, as float32: features, spectra, and what linear discriminant analysis makes
# of them in float64. Measured: 480 MB for 66 classes of 1000 at 210 energies.
TRAINING_COPIES = 9
# What a worker that searches settings holds beside: the libraries that learn, and one training. Measured: 410 MB for a
# kernel of 3,900 spectra, which goes by the square of their number, and 200 MB for the library of networks.
SEARCH_BYTES = 2**30
# Rows around a band that recipes reach for, and arrays like a tile's spectra that live at once; measured with `demo.yaml`.
REACH, TILE_COPIES = 6, 16
# Of one value in a map; the few that are whole numbers take less.
MAP_BYTES = 4
# Entries along a dimension of maps whose length only the run knows (metrics of a distance).
FEW = 3


@dataclass(frozen=True)
class Cost:
    """What a run of a recipe on a measurement asks of a machine.

    `workers` processes of `threads` with `worker_bytes` of memory; `read_bytes` of images; `write_bytes` of maps and of a
    stored cube, before compression and at most; in `bands` of rows. `values` are energies x pixels, and
    `earlier` is the run of the same steps from which the time follows, None if there is none.
    """

    workers: int
    threads: int
    worker_bytes: int
    read_bytes: int
    write_bytes: int
    bands: int
    values: int
    earlier: EarlierRun | None = None

    @property
    def seconds(self) -> float | None:
        """As long as the earlier run for each of the values; None if there is none."""
        return None if self.earlier is None else self.earlier.seconds * self.values / self.earlier.values


def estimate_cost(
    recipe: Recipe, products: Products, cluster: str = "threads", workers: int | None = None
) -> Cost | None:
    """What a run will cost; None where no measurement is read. No pixel is read and nothing is computed.

    Parameters
    ----------
    recipe
        Checked.
    products
        As `execution.preview` gives them.
    cluster, workers
        As on the command line.

    Raises
    ------
    InputError
        The memory of this machine is too small for the workers of `local`.
    """
    cube, need = products.cube, worker_need(recipe, products)
    if not isinstance(cube, xr.Dataset) or need is None:
        return None
    size = _worker_sizes(cluster, workers, need)
    if cluster == "threads":
        # On a cluster the process that starts the workers trains.
        size = replace(size, memory=size.memory + _training_bytes(recipe, products))
    return Cost(
        workers=size.workers,
        threads=size.threads,
        worker_bytes=size.memory,
        read_bytes=_image_bytes(cube),
        write_bytes=_map_bytes(recipe, products) + _stored_bytes(recipe, cube),
        bands=need.tasks,
        values=cube_values(cube),
        earlier=earlier_run(recipe, cluster, workers),
    )


def worker_need(recipe: Recipe, products: Products) -> WorkerNeed | None:
    """What a worker must hold, and how many bands there are; None where no measurement is read and nothing is searched."""
    cube, searches = products.cube, any(_searches(planned) for planned in recipe.plan)
    need = WorkerNeed()
    need = replace(need, process_bytes=need.process_bytes + SEARCH_BYTES * searches)
    if cube is None:
        return need if searches else None
    # The foil has been read before bands are.
    program = program_of(
        {name: cube[name] for name in images_of(cube) if name != "foil"} or {"cube": _largest(cube)}
    )
    bands = bands_of(program)
    row_bytes = sum(s.shape[0] * s.shape[2] * s.dtype.itemsize for s in program.stacks.values())
    row_bytes = row_bytes or 4 * program.points * program.shape[1]
    # The rows of a band with those around it; and absorbance, its noise, means, normalized spectra and so on of a tile.
    images = (bands[0].shape[0] + 2 * REACH) * row_bytes
    tile = max(bands[0].tiles(program.points), key=lambda one: math.prod(one.grown(REACH).shape))
    spectra = 4 * program.points * math.prod(tile.grown(REACH).shape)
    return replace(need, task_bytes=images + TILE_COPIES * spectra, tasks=len(bands))


def _searches(planned: PlannedStep) -> bool:
    return planned.step.station == "train" and bool(planned.settings.get("search"))


def _largest(cube: xr.Dataset) -> xr.DataArray:
    return max((array for array in cube.data_vars.values() if "y" in array.dims), key=lambda one: one.size)


def _training_bytes(recipe: Recipe, products: Products) -> int:
    """What training holds beside the blocks, at most; nothing where no model is trained."""
    cube, library = products.cube, products.library
    settings = [planned.settings for planned in recipe.plan if planned.step.name == "train.mixtures"]
    if not settings or library is None or cube is None:
        return 0
    count, parts = library.sizes["spectrum"], round(1 / settings[0]["step"])
    compositions = math.comb(parts + count - 1, count - 1)
    patterns = compositions * settings[0]["noise_patterns"] + settings[0]["check_patterns"]
    return int(TRAINING_COPIES * 4 * patterns * cube.sizes["energy"])


def _map_bytes(recipe: Recipe, products: Products) -> int:
    """All maps that the steps can give, and the flags that every recipe has."""
    cube, library = products.cube, products.library
    assert cube is not None
    lengths = {dim: cube.sizes[dim] for dim in ("y", "x")}
    if library is not None:
        lengths["reference"] = library.sizes["spectrum"]
    names = {"flags"}
    for planned in recipe.plan:
        names.update(planned.step.filled(planned.step.gives, planned.settings))
    dims = [VARIABLES[name].dims for name in names if name in VARIABLES]
    return MAP_BYTES * sum(
        math.prod(lengths.get(dim, FEW) for dim in one)
        for one in dims
        if {"y", "x"} <= set(one) and one != CUBE
    )


def _stored_bytes(recipe: Recipe, cube: xr.Dataset) -> int:
    return _image_bytes(cube) * sum(planned.step.name == "ingest.store" for planned in recipe.plan)


def _worker_sizes(cluster: str, workers: int | None, need: WorkerNeed) -> WorkerSizes:
    """As the cluster starts them; one process with a thread a core for threads, and for a cluster that is there already."""
    from dask.system import CPU_COUNT

    if cluster == "local":
        from distributed.system import MEMORY_LIMIT

        return worker_sizes(need, workers=workers, cores=CPU_COUNT, memory=MEMORY_LIMIT)
    if cluster in ("slurm", "kubernetes"):
        return worker_sizes(need, workers=workers)
    return WorkerSizes(1, CPU_COUNT, need.process_bytes + CPU_COUNT * need.task_bytes)


def describe_cost(cost: Cost, cluster: str = "threads") -> list[str]:
    r"""A cost in lines of text.

    Examples
    --------
    >>> cost = Cost(4, 1, 2**30, 6 * 10**9, 10**8, 60, 10**9, EarlierRun(5 * 10**8, 14.0))
    >>> print(*describe_cost(cost, "slurm"), sep="\n")
    computes on slurm with 4 workers, 1 thread and 1074 MB of memory each
    reads 6.0 GB of images, in 60 bands of rows
    writes at most 100 MB of results, before compression
    takes about 28 s: the last run of these steps took 14 s for a measurement of 0.5 times the size
    """
    threads = f"{cost.threads} thread{'s' * (cost.threads > 1)}"
    memory = f"{size_text(cost.worker_bytes)} of memory"
    if cluster == "threads":
        place = f"computes on this machine with {threads} and {memory}"
    elif cluster in ("local", "slurm", "kubernetes"):
        count = f"{cost.workers} worker{'s' * (cost.workers > 1)}"
        place = f"computes on {cluster} with {count}, {threads} and {memory} each"
    else:
        place = f"computes on {cluster}, which is not asked; this machine would need {threads} and {memory}"
    lines = [
        place,
        f"reads {size_text(cost.read_bytes)} of images, in {cost.bands} band{'s' * (cost.bands > 1)} of rows",
        f"writes at most {size_text(cost.write_bytes)} of results, before compression",
    ]
    if cost.earlier is None or cost.seconds is None:
        lines.append("takes an unknown time: no earlier run of these steps on this machine is known")
    else:
        size = cost.earlier.values / cost.values
        lines.append(
            f"takes about {cost.seconds:.0f} s: the last run of these steps took {cost.earlier.seconds:.0f} s "
            f"for a measurement of {size:.2g} times the size"
        )
    return lines


def images_of(cube: xr.Dataset) -> list[str]:
    """Names of the variables that are read from files of images."""
    return [name for name in ("sample", "flat_field", "foil") if name in cube and is_cube(cube[name])]


def _image_bytes(cube: xr.Dataset) -> int:
    return sum(cube[name].nbytes for name in images_of(cube))


def size_text(count: float) -> str:
    """Bytes, for people."""
    return f"{count / 1e6:.0f} MB" if count < 2e9 else f"{count / 1e9:.1f} GB"
