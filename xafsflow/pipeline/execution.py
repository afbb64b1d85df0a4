"""Run a checked recipe: products pass through steps, and the run folder tells what was done."""

from __future__ import annotations

import json
import platform
import resource
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.files import behind_link, refuse_links, write_atomically, write_json
from xafsflow.findings.run_findings import RunFindings
from xafsflow.io.folders import Folders
from xafsflow.locks import locked_folder
from xafsflow.pipeline.plan import PlannedStep, table
from xafsflow.pipeline.recipe import Recipe
from xafsflow.pipeline.run_folder import ReadFolders, check_sources, claim, identity, inputs_of
from xafsflow.progress import ProgressCallback, no_progress
from xafsflow.store.verify import named

PACKAGES = ("xafsflow", "numpy", "numba", "dask", "xarray", "zarr", "scikit-learn", "tifffile")


def run(
    recipe: Recipe,
    folders: Folders,
    out: Path,
    *,
    fresh: bool = False,
    report_progress: ProgressCallback = no_progress,
) -> dict[str, Any]:
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
        Told of every step.

    Returns
    -------
    dict
        The products, by name.

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
        earlier: Mapping[str, Any],
        report_progress: ProgressCallback,
    ) -> None:
        self.recipe, self.out, self.earlier, self.report_progress = recipe, out, earlier, report_progress
        self.folders = ReadFolders(folders.data, folders.references)
        self.products: dict[str, Any] = {"data": self.folders, "run": out, "findings": RunFindings()}
        self.record: dict[str, Any] = {
            "name": recipe.name or recipe.source,
            "state": "unfinished",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            **identity(recipe, folders),
            "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
            "recipe": recipe.to_yaml(),
            "steps": [{"step": planned.step.name, "settings": planned.settings} for planned in recipe.plan],
            "inputs": list(earlier.get("inputs", [])),
            "timings": {},
        }

    def go(self) -> dict[str, Any]:
        """Run all steps, and store the maps before a step that takes them, or at the end."""
        write_atomically(self.out / "recipe.yaml", self.recipe.to_yaml())
        write_json(self.out / "run.json", self.record)
        with _own_warnings() as caught:
            for planned in self.recipe.plan:
                takes = planned.step.takes
                if "maps" in takes:
                    self._store_maps()
                elif "run" in takes:
                    self._note_inputs()
                self._timed(planned.step.name, lambda step=planned: advance(step, self.products, self.out))  # type: ignore[misc]
                self._keep_warnings(caught)
            self._store_maps()
            self._keep_warnings(caught)
        self.record |= {"state": "finished", "peak_memory_mb": round(_peak_memory())}
        write_json(self.out / "findings.json", self.products["findings"].to_json())
        self._note_inputs()
        return self.products

    def _store_maps(self) -> None:
        if "cube" in self.products and "maps" not in self.products:
            self._note_inputs()
            self._timed("maps", lambda: _make_maps(self.products, self.out, self.report_progress))
            # The report tells both.
            self.record["peak_memory_mb"] = round(_peak_memory())
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
        work()
        timings = self.record["timings"]
        timings[name] = round(timings.get(name, 0.0) + time.perf_counter() - start, 3)
        self.report_progress(name, 1.0)

    def _keep_warnings(self, caught: list[str]) -> None:
        findings: RunFindings = self.products["findings"]
        while caught:
            text = caught.pop(0)
            if text not in findings.warnings:
                findings.warnings.append(text)
                self.report_progress(f"warning: {text}", None)


@contextmanager
def _own_warnings() -> Iterator[list[str]]:
    """A list that gets the texts of xafsflow's own warnings; those of other libraries are shown as they were before."""
    caught: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", XafsflowWarning)
        before = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, XafsflowWarning):
                caught.append(str(message))
            else:
                before(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield caught


def preview(recipe: Recipe, folders: Folders) -> dict[str, Any]:
    """Take a recipe as far as headers and small files lead, without reading a pixel; the products so far.

    Raises
    ------
    InputError
        What a run would refuse.
    """
    from xafsflow.steps.ingest.reference_spectra import check_cover

    products: dict[str, Any] = {"data": folders, "findings": RunFindings()}
    for planned in recipe.plan:
        step = planned.step
        if set(step.takes) <= set(products) and set(step.makes) <= {"cube", "library"}:
            advance(planned, products, None)
        elif step.station != "calibrate" and "run" not in step.takes:
            # A calibration or a stored cube leaves the variables as they are: what follows can be looked at.
            break
    if "cube" in products and "library" in products:
        check_cover(products["library"], products["cube"].energy.values)
    return products


def advance(planned: PlannedStep, products: dict[str, Any], out: Path | None) -> None:
    """Take the products through one step; a model is kept in the run folder, where there is one."""
    from xafsflow.learning.models.model import Model, save_model

    step = planned.step
    result = step.run(*(products[name] for name in step.takes), **planned.settings)
    for name, product in zip(step.makes, result if len(step.makes) > 1 else (result,), strict=True):
        if name == "findings":
            products["findings"].entries[step.name] = product
        elif isinstance(product, Model) and out is not None:
            products[name] = save_model(product, out / "model.skops")
        else:
            products[name] = product
        if name == "cube":
            products.pop("maps", None)


def _make_maps(products: dict[str, Any], out: Path, report_progress: ProgressCallback) -> None:
    from xafsflow.report.map_findings import findings_of
    from xafsflow.store import is_complete, is_map, run_identity, write_maps

    cube = products["cube"]
    if not any(is_map(str(name), array) for name, array in cube.data_vars.items()):
        return
    path, identity = out / "maps.zarr", run_identity(out, cube)
    if path.exists() and not is_complete(path, identity):
        # Of a step before in this recipe: now there is more to tell.
        shutil.rmtree(path)
    products["maps"] = write_maps(
        cube, path, identity=identity, progress=lambda done, total: report_progress("maps", done / total)
    )
    products["findings"].maps = findings_of(products["maps"])


def _peak_memory() -> float:
    """Megabytes that this process held at most."""
    try:
        # Not by getrusage, which counts what the process that started this one held.
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    except (OSError, StopIteration):
        # macOS, which counts in bytes, and others.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if platform.system() == "Darwin" else peak / 2**10


def finished_maps(out: Path) -> Any:
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
        kinds = {one["step"]: steps[one["step"]].finds for one in record["steps"]}
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
    maps = finished_maps(out)
    findings = read_findings(out)
    with named(out):
        return page(maps, read_model(out / "model.skops"), findings, out)
