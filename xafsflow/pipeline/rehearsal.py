"""How long a recipe takes, from a rehearsal: its own steps on a few simulated blocks of the measurement's shape.

No pixel of the measurement is read. The blocks have its energies, block shape and types; their spectra are mixtures of
the recipe's references with noise, so that kernels and forest do the work that they will do.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import xarray as xr

from xafsflow.errors import ComputationError, XafsflowError, XafsflowWarning
from xafsflow.findings.run_findings import RunFindings
from xafsflow.io.readers.lazy_stack import SHARED_BYTES
from xafsflow.pipeline.plan import PlannedStep
from xafsflow.pipeline.recipe import Recipe
from xafsflow.step_table import STEPS
from xafsflow.vocabulary import CUBE

# For the blocks that are timed; at most so many for each core.
SECONDS, MOST = 2.0, 32
# Patterns a class of the rehearsed training: enough for a forest nearly as deep as it will be.
PATTERNS = 40
# Steps whose answer needs a real field. What they take was measured on two cores: seconds whatever the size, and passes
# over the field, each as long as that to the maps.
ASIDE = {
    "judge.components": (4.0, 0),
    "judge.reference_sets": (3.0, 1),
    "judge.missing": (1.0, 1),
    "report.page": (5.0, 0),
}
# Rows that steps read which look at a sample of the field; each lies in a block of its own.
SAMPLED_ROWS = 40
# Core seconds for one value of the images that a calibration measures tile by tile: 210 energies, 131,000 pixels.
CALIBRATING = 1.5e-7
MEASURING = frozenset({"calibrate.foil", "calibrate.sample", "calibrate.check"})
# Simulated counts without sample and without beam; columns of each composition, and every so many of them empty.
COUNTS, DARK, GRAIN, EMPTY = 20_000.0, 100.0, 40, 8


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal found; times in seconds with all cores of this machine.

    `block` is the time of one block in all passes over the field, `maps` in that to the maps alone, `sampled` that of steps
    that read a few rows, a block, `once` what does not depend on the size: the first use of kernels and libraries, and
    steps that were only measured. `training` is that of the recipe's model. `tasks` are those of a block on threads,
    `band_tasks` those of a band on the cluster asked for, `map_bytes` the bytes of all maps a pixel. `stopped` tells the
    step that cannot be rehearsed and why; those behind it are not counted.
    """

    block: float = 0.0
    maps: float = 0.0
    sampled: float = 0.0
    once: float = 0.0
    training: float = 0.0
    tasks: int = 1
    band_tasks: int = 0
    map_bytes: float = 0.0
    stopped: str = ""


def rehearse(
    recipe: Recipe, products: Mapping[str, Any], *, seconds: float = SECONDS, threads: int = 0
) -> Rehearsed:
    """Run the steps of a recipe on simulated blocks: first to load kernels and train, then to take the time.

    Parameters
    ----------
    recipe
        Checked.
    products
        As `flow.preview` gives them.
    seconds
        About what the timed blocks may take.
    threads
        Of a cluster, whose tasks for a band are counted.

    Examples
    --------
    >>> from xafsflow.pipeline.recipe import parse_recipe
    >>> text = "{recipe: 1, steps: [{ingest.phantom: {energies: 40}}, {correct.absorbance: }, {normalize.edge_step: }]}"
    >>> recipe = parse_recipe(text, "recipe.yaml")
    >>> rehearse(recipe, {"data": None}, seconds=0.1).stopped
    ''
    """
    from dask.system import CPU_COUNT

    first = _Pass(recipe, products, CPU_COUNT, {})
    few = _Pass(recipe, products, CPU_COUNT, first.trained)
    times = int(np.clip(seconds / max(1e-6, few.all_seconds), 4, MOST))
    many = _Pass(recipe, products, times * CPU_COUNT, first.trained)
    # From the difference: what does not depend on the number of blocks is as much of a few as of thousands.
    more = many.blocks - few.blocks
    maps = max(0.0, many.maps - few.maps) / more
    sampled = max(0.0, sum(many.spent.values()) - sum(few.spent.values())) / more
    aside = [ASIDE[planned.step.name] for planned in recipe.plan if planned.step.name in ASIDE]
    calibrations = sum(planned.step.name in MEASURING for planned in recipe.plan)
    return Rehearsed(
        block=maps * (1 + sum(n for _, n in aside)) + calibrations * CALIBRATING * many.values / CPU_COUNT,
        maps=maps,
        sampled=sampled,
        once=max(0.0, first.all_seconds - (maps + sampled) * first.blocks) + sum(s for s, _ in aside),
        training=first.training,
        tasks=-(-many.tasks // many.blocks),
        band_tasks=_tasks_of_a_band(recipe, products, first.trained, threads) if threads else 0,
        map_bytes=many.map_bytes,
        stopped=many.stopped or first.stopped,
    )


def _tasks_of_a_band(
    recipe: Recipe, products: Mapping[str, Any], trained: Mapping[str, Any], threads: int
) -> int:
    """As many as a cluster with so many threads gets: of a band with the blocks and the readings of a real one."""
    from xafsflow.store import bands
    from xafsflow.store.parts import bands_at_once, in_parts, parts_of_a_band

    cube: xr.Dataset = products["cube"]
    lazy = next(a for a in cube.data_vars.values() if a.dims == CUBE)
    plan = list(bands(cube))
    rows, across = plan[0][1].stop, len(lazy.chunksizes.get("x", (0,)))
    parts = parts_of_a_band(threads, bands_at_once(threads, rows, len(plan)))
    reading = lazy[:, : lazy.chunksizes["y"][0]].nbytes if lazy.chunks else SHARED_BYTES
    counted: list[int] = []

    def counting(graph: Any, keys: Any, **settings: Any) -> Any:
        counted.append(len(in_parts(graph, keys, parts, "")[0]))
        # Nothing is to be computed.
        raise ComputationError("the tasks of a band", "no more", "")

    _Pass(recipe, products, rows, trained, (across, max(1, SHARED_BYTES // reading)), counting)
    return sum(counted)


class _Pass:
    """The steps, once, over so many blocks; what an earlier pass has trained is not trained again.

    `layout` are the blocks in a row, and the rows of blocks that are read together; `get` computes the maps.
    """

    def __init__(
        self,
        recipe: Recipe,
        products: Mapping[str, Any],
        blocks: int,
        trained: Mapping[str, Any],
        layout: tuple[int, int] = (1, 1),
        get: Any = None,
    ) -> None:
        self.layout, self.get = layout, get
        self.blocks, self.trained, self.library = blocks, dict(trained), products.get("library")
        self.products: dict[str, Any] = {"data": products["data"], "findings": RunFindings()}
        self.spent: dict[str, float] = {}
        self.maps = self.training = self.map_bytes = 0.0
        self.values = 0
        self.tasks, self.stopped, self.ratio, at = blocks, "", 1.0, "maps"
        self.standard = next(
            (p.settings["standard"] for p in recipe.plan if p.settings.get("standard")), None
        )
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
            warnings.simplefilter("ignore", XafsflowWarning)
            try:
                for planned in recipe.plan:
                    at = planned.step.name
                    self._step(planned)
                at = "maps"
                self._write(Path(folder))
            except (XafsflowError, ValueError, ArithmeticError) as error:
                # Simulated blocks are no field: what fails on them may be well on a measurement.
                self.stopped = f"{at} ({getattr(error, 'found', error)})"

    @property
    def all_seconds(self) -> float:
        """Of everything but training."""
        return self.maps + sum(self.spent.values())

    def _step(self, planned: PlannedStep) -> None:
        step, settings = planned.step, dict(planned.settings)
        if {"maps", "run"} & set(step.takes) or step.makes == ("findings",) or step.name in ASIDE:
            return
        if step.makes == ("calibration", "findings"):
            step, settings = STEPS["calibrate.constant"], {"shift": 0.5}
        if self.trained.keys() >= set(step.makes) - {"findings"} and step.station == "train":
            self.products |= {name: self.trained[name] for name in step.makes if name != "findings"}
            return
        if settings.get("noise_patterns", 0) > PATTERNS:
            self.ratio = settings["noise_patterns"] / PATTERNS
            settings["noise_patterns"] = PATTERNS
        start = time.perf_counter()
        result = step.run(*(self.products[name] for name in step.takes), **settings)
        spent = time.perf_counter() - start
        found = dict(zip(step.makes, result if len(step.makes) > 1 else (result,), strict=True))
        if step.station == "ingest":
            if "cube" in found:
                found["cube"] = self._simulated(found["cube"])
        elif "model" in found:
            self.training += self._full_training(settings, spent)
            self.trained["model"] = found["model"]
        else:
            self.spent[step.name] = self.spent.get(step.name, 0.0) + spent
        if "samples" in found:
            # Nobody will ask for a model of so few patterns: without its digest it is not kept.
            found["samples"] = found["samples"].copy()
            found["samples"].attrs.pop("digest", None)
            self.trained["samples"] = found["samples"]
        found.pop("findings", None)
        self.products |= found

    def _full_training(self, settings: Mapping[str, Any], spent: float) -> float:
        """Seconds of the training with all patterns: making them and growing a forest take time by their number."""
        from xafsflow.learning.models import classifiers

        start = time.perf_counter()
        samples = self.products["samples"].drop_dims("check").compute(scheduler="synchronous")
        good = np.isfinite(samples.features.values).all(axis=1)
        table, labels = samples.features.values[good], samples.label.values[good]
        if "classifier" in settings:
            classifiers.fit(settings["classifier"], table, labels, settings["trees"], settings["seed"])
        by_number = min(spent, time.perf_counter() - start)
        return spent + (self.ratio - 1) * by_number

    def _simulated(self, cube: xr.Dataset) -> xr.Dataset:
        """A cube of as many blocks as this pass has, one below the other, in the types and chunks of a real one."""
        lazy = next(a for a in cube.data_vars.values() if a.dims == CUBE)
        rows, columns = (sizes[0] for sizes in lazy.chunks[1:]) if lazy.chunks else lazy.shape[1:]
        block = (cube.sizes["energy"], rows, columns)
        self.values = int(np.prod(block))
        rng = np.random.default_rng(0)
        sample, foil = _absorbance(self.library, cube.energy.values, columns, self.standard)
        spectra = {"sample": sample, "foil": foil, "flat_field": np.zeros_like(foil)}
        made: dict[str, Any] = {}
        for name, array in cube.data_vars.items():
            if "y" not in array.dims:
                made[str(name)] = array
                continue
            counts = np.full(block, DARK)
            if name in spectra:
                ideal = COUNTS * np.exp(-spectra[name])[:, None, :]
                counts = counts + ideal + np.sqrt(ideal) * rng.standard_normal(block)
            values = counts if "energy" in array.dims else counts[:1].mean(axis=0)
            made[str(name)] = (array.dims, self._repeated(values.astype(array.dtype)))
        coordinates = {k: v for k, v in cube.coords.items() if not {"y", "x"} & set(v.dims)}
        return xr.Dataset(made, coordinates, cube.attrs)

    def _repeated(self, block: np.ndarray) -> Any:
        import dask.array as da

        across, together = self.layout
        *other, rows, columns = block.shape
        read = np.tile(block, (*(1 for _ in other), min(together, self.blocks), across))
        heights = [rows * min(together, self.blocks - n) for n in range(0, self.blocks, together)]

        def images(block_info: Any) -> np.ndarray:
            return read[..., : block_info[None]["chunk-shape"][-2], :]

        # As images are read; an array in memory would be one task, given to all others.
        chunks = (*((n,) for n in other), tuple(heights), (columns * across,))
        name = f"simulated-{uuid4().hex}"
        lazy = da.map_blocks(images, name=name, chunks=chunks, dtype=block.dtype, meta=block[:0])
        return lazy.rechunk((*other, rows, columns), method="tasks")

    def _write(self, folder: Path) -> None:
        import dask
        from dask.threaded import get

        from xafsflow.store import is_map, write_maps

        cube = self.products.get("cube")
        if cube is None:
            return
        maps = [array for name, array in cube.data_vars.items() if is_map(str(name), array)]
        if not maps:
            return
        pixels = cube.sizes["y"] * cube.sizes["x"]
        self.map_bytes = sum(array.nbytes for array in maps) / pixels
        self.tasks = 0

        def counting(graph: Any, keys: Any, **settings: Any) -> Any:
            # What is computed is not the graph of the maps: the blocks' chains are joined on the way.
            self.tasks += len(graph.__dask_graph__() if hasattr(graph, "__dask_graph__") else graph)
            return get(graph, keys, **settings)

        start = time.perf_counter()
        with dask.config.set(scheduler=self.get or counting):
            write_maps(cube, folder / "maps.zarr")
        self.maps = time.perf_counter() - start


def _absorbance(
    library: xr.Dataset | None, energy: np.ndarray, columns: int, standard: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Absorbance `(energy, x)` of a sample whose mixture changes along x, with empty columns, and of a foil."""
    from xafsflow.io.readers.spectrum_library import on_grid

    if library is None:
        mu = 1 / (1 + np.exp(np.mean(energy) - energy))[None]
        pure = 0
    else:
        mu = np.nan_to_num(on_grid(library, energy).mu.values)
        names = [str(name) for name in library.spectrum.values]
        pure = names.index(standard) if standard in names else 0
    low, high = mu.min(axis=1, keepdims=True), mu.max(axis=1, keepdims=True)
    heights = 0.2 + (mu - low) / np.maximum(high - low, 1e-9)
    grains = np.arange(columns) // GRAIN
    shares = np.random.default_rng(0).dirichlet(np.ones(len(mu)), size=grains[-1] + 1)[grains]
    shares[np.arange(columns) % EMPTY == 0] = 0
    return heights.T @ shares.T, np.repeat(heights[pure][:, None], columns, axis=1)
