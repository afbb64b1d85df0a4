"""Run a checked recipe: products pass through its entries, and the run folder records what was done."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import xarray as xr

from xafsflow.blocks.where import in_this_process
from xafsflow.errors import InputError, RecipeError
from xafsflow.files import behind_link, refuse_links, write_atomically, write_json
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.run_verdict import verdict_of
from xafsflow.io.folders import Folders
from xafsflow.locks import locked_folder
from xafsflow.pipeline.caught_warnings import own_warnings
from xafsflow.pipeline.entries import PlannedStep
from xafsflow.pipeline.memory import give_back_memory, peak_memory
from xafsflow.pipeline.plan import table
from xafsflow.pipeline.products import Products
from xafsflow.pipeline.recipe import Recipe, load_recipe
from xafsflow.pipeline.run_folder import (
    ReadFolders,
    RunRecord,
    check_sources,
    claim,
    identity,
    inputs_of,
    model_file,
)
from xafsflow.progress import VERDICT, WARNING, ProgressCallback, no_progress, told_to
from xafsflow.store.verify import named

# Seconds from which on a step counts as one that has computed something.
COMPUTING = 0.3
PACKAGES = ("xafsflow", "numpy", "numba", "dask", "xarray", "zarr", "scikit-learn", "tifffile")


def run(
    recipe: Recipe,
    folders: Folders,
    out: Path,
    *,
    fresh: bool = False,
    report_progress: ProgressCallback = no_progress,
) -> Products:
    """Run a recipe.

    Parameters
    ----------
    recipe
        Checked.
    folders
        Where its data and references lie.
    out
        The run folder: new, empty, or of an unfinished run of the same recipe and data.
    fresh
        Remove what an earlier run left in the folder.
    report_progress
        Called at every step.

    Returns
    -------
    Products
        What the entries made.

    Raises
    ------
    InputError
        The folder holds something else or a link, or a step refuses its input.
    """
    out = behind_link(Path(out))
    with locked_folder(out, report_progress):
        earlier = claim(recipe, folders, out, fresh, lambda text: report_progress(text, None))
        with named(out):
            return _Run(recipe, folders, out, earlier, report_progress).go()


class _Run:
    """One run: its products, and the record of what was done."""

    def __init__(
        self,
        recipe: Recipe,
        folders: Folders,
        out: Path,
        earlier: RunRecord,
        report_progress: ProgressCallback,
    ) -> None:
        self.recipe, self.out, self.earlier, self.report_progress = recipe, out, earlier, report_progress
        self.folders = ReadFolders(folders.data, folders.references)
        self.timings = dict[str, float]()
        self.products = Products(self.folders, out)
        self.record: dict[str, object] = {
            "name": recipe.name or recipe.source,
            "state": "unfinished",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            **identity(recipe, folders),
            "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
            "recipe": recipe.to_yaml(),
            "steps": [
                {
                    "entry": p.entry,
                    "step": p.step.name,
                    "settings": p.settings,
                    "uses": dict(p.sources.products),
                }
                for p in recipe.plan
            ],
            "inputs": list(earlier.get("inputs", [])),
            "timings": self.timings,
        }

    def go(self) -> Products:
        """Run all steps, and store the maps before a step that takes them, or at the end."""
        write_atomically(self.out / "recipe.yaml", self.recipe.to_yaml())
        write_json(self.out / "run.json", self.record)
        with own_warnings() as caught:
            for number, planned in enumerate(self.recipe.plan):
                takes = planned.step.takes
                if "maps" in takes:
                    self._store_maps()
                    self._judge(caught)
                elif "run" in takes:
                    self._note_inputs()
                with in_this_process() if "maps" in takes else nullcontext():
                    self._timed(planned.entry, partial(self.products.advance, planned))
                self.products.keep_for(self.recipe.plan[number + 1 :])
                self._keep_warnings(caught)
            self._store_maps()
            self._judge(caught)
        self.record |= {"state": "finished", "peak_memory_mb": round(peak_memory())}
        write_json(self.out / "findings.json", self.products.findings.to_json())
        self._note_inputs()
        if self.products.findings.verdict is not None:
            self.report_progress(f"{VERDICT}{self.products.findings.verdict.text}", None)
        return self.products

    def _store_maps(self) -> None:
        cube = self.products.cube
        if cube is not None and self.products.maps is None:
            self._note_inputs()
            self._timed("maps", lambda: _make_maps(cube, self.products, self.out, self.report_progress))
            # The report shows both.
            self.record["peak_memory_mb"] = round(peak_memory())
            write_json(self.out / "run.json", self.record)

    def _note_inputs(self) -> None:
        """Note the sources before anything is made of them, and refuse those that another attempt saw otherwise."""
        inputs = inputs_of(self.folders)
        check_sources(self.earlier, inputs)
        self.record["inputs"] = inputs
        write_json(self.out / "run.json", self.record)

    def _timed(self, name: str, work: Callable[[], None]) -> None:
        self.report_progress(name, None)
        start = time.perf_counter()
        with told_to(self.report_progress):
            work()
        spent = time.perf_counter() - start
        self.timings[name] = round(self.timings.get(name, 0.0) + spent, 3)
        if spent > COMPUTING:
            give_back_memory()
        self.report_progress(name, 1.0)

    def _judge(self, caught: list[str]) -> None:
        """What the run says as a whole, from all that is found so far."""
        self._keep_warnings(caught)
        self.products.findings.verdict = verdict_of(self.products.findings)

    def _keep_warnings(self, caught: list[str]) -> None:
        findings = self.products.findings
        while caught:
            text = caught.pop(0)
            if text not in findings.warnings:
                findings.warnings.append(text)
                self.report_progress(f"{WARNING}{text}", None)


def preview(recipe: Recipe, folders: Folders) -> Products:
    """Take a recipe as far as headers, small files and a few rows lead; the products so far.

    Raises
    ------
    InputError
        What a run would refuse: all of it, where several entries refuse.
    """
    products, problems = Products(folders), list[InputError]()
    for planned in recipe.plan:
        try:
            if _is_cheap(planned) and products.has(planned) and products.has_needed(planned):
                products.advance(planned)
                continue
            if products.has_needed(planned):
                products.refuse(planned)
        except InputError as error:
            problems.append(error)
        # What follows can be looked at without what the entry would have made
        products.hand_on(planned)
    if len(problems) > 1:
        raise RecipeError(map(str, problems))
    if problems:
        raise problems[0]
    return products


def _is_cheap(planned: PlannedStep) -> bool:
    """Whether an entry opens small files and headers, or describes what blocks of a lazy cube become."""
    step = planned.step
    kinds = {"cube", "library", "spectra", "candidates"} if step.station == "ingest" else {"cube", "library"}
    lazy = step.station not in ("calibrate", "train", "report")
    return lazy and set(step.makes) <= kinds and not {"run", "maps", "findings"} & set(step.takes)


def _make_maps(cube: xr.Dataset, products: Products, out: Path, report_progress: ProgressCallback) -> None:
    from xafsflow.blocks.field import values_over_field
    from xafsflow.pipeline.scan_normalization import normalization_of_run
    from xafsflow.reporting.map_findings import findings_of
    from xafsflow.store import is_complete, is_map, run_identity, write_maps_and

    others = products.wanted_of_the_field()
    if not any(is_map(str(name), array) for name, array in cube.data_vars.items()):
        products.finish_findings(values_over_field(others))
        return
    path, identity = out / "maps.zarr", run_identity(out, cube)
    if path.exists() and not is_complete(path, identity):
        # Of a step before in this recipe: now there is more to store
        shutil.rmtree(path)
    products.maps, found = write_maps_and(
        cube,
        path,
        others,
        identity=identity,
        progress=lambda done, total: report_progress("maps", done / total),
    )
    products.finish_findings(found)
    with in_this_process():
        products.findings.maps = findings_of(products.maps)
        products.findings.normalization = normalization_of_run(cube)


def finished_maps(out: Path) -> xr.Dataset:
    """The maps of a finished run, lazily.

    Raises
    ------
    InputError
        The folder holds no finished run.
    ComputationError
        A chunk of its maps is missing.
    """
    from xafsflow.store import open_maps

    if not (out / "maps.zarr").is_dir():
        raise InputError(
            f"{out} without maps.zarr", "the folder of a finished run", "check the path, or run the recipe"
        )
    return open_maps(out / "maps.zarr")


def read_findings(out: Path) -> RunFindings:
    """What the steps of a finished run found.

    Raises
    ------
    InputError
        The files that say so are missing, or hold something else.
    """
    try:
        findings, record = (
            json.loads((out / name).read_text(encoding="utf-8")) for name in ("findings.json", "run.json")
        )
        steps = table()
        kinds = {one["entry"]: steps[one["step"]].finds for one in record["steps"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{out / 'findings.json'}: {error}", "the findings of a finished run", "run again"
        ) from error
    return RunFindings.from_json(findings, {name: kind for name, kind in kinds.items() if kind is not None})


def report_again(out: Path) -> Path:
    """Write the report of a finished run anew; its path.

    Raises
    ------
    InputError
        The folder holds no finished run, or a link.
    """
    from xafsflow.learning.models.model import read_model
    from xafsflow.steps.report import page

    refuse_links(behind_link(out))
    findings = read_findings(out)
    entries = load_recipe(out / "recipe.yaml").plan
    # A run that learns from spectra has no image
    maps = finished_maps(out) if any("cube" in one.step.makes for one in entries) else None
    asked = next((one for one in reversed(entries) if "page" in one.step.makes), None)
    models = [one.entry for one in entries if "model" in one.step.makes]
    model = asked.sources.products.get("model") if asked else next(reversed(models), None)
    settings = asked.settings if asked else {}
    with named(out):
        return page(maps, read_model(model_file(out, model)) if model else None, findings, out, **settings)
