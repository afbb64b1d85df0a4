"""Run a checked recipe: products pass through steps, and the run folder tells what was done."""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.plan import PlannedStep
from xafsflow.readers.folders import Folders
from xafsflow.recipe import Recipe

# Everything that a run may write into its folder; `--fresh` removes these and nothing else.
PARTS = (
    "recipe.yaml", "run.json", "findings.json", "report.html", "model.skops",
    "cube.zarr", "cube.zarr.partial", "maps.zarr", "maps.zarr.partial",
)  # fmt: skip
PACKAGES = ("xafsflow", "numpy", "numba", "dask", "xarray", "zarr", "scikit-learn", "tifffile")
# Larger files are told by size and time: to read a measurement twice would double the time of a run.
HASHED_BYTES = 2**20

# Called with the name of what is done, and the share that is done or None.
Watch = Callable[[str, float | None], None]


def silent(name: str, share: float | None) -> None:
    """A watch that shows nothing."""


@dataclass(frozen=True)
class ReadFolders(Folders):
    """Folders that remember which files were asked for."""

    files: set[Path] = field(default_factory=set, compare=False)

    def resolve(self, name: str) -> Path:
        """See `Folders.resolve`."""
        path = super().resolve(name)
        self.files.add(path)
        return path

    def glob(self, pattern: str) -> tuple[Path, ...]:
        """See `Folders.glob`."""
        paths = super().glob(pattern)
        self.files.update(paths)
        return paths


def run(
    recipe: Recipe, folders: Folders, out: Path, *, fresh: bool = False, watch: Watch = silent
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
    watch
        Told of every step.

    Returns
    -------
    dict
        The products, by name.

    Raises
    ------
    InputError
        The folder holds something else, or a step refuses its input.
    """
    out = Path(out)
    _claim(recipe, folders, out, fresh)
    recorded = ReadFolders(folders.data, folders.references)
    record: dict[str, Any] = {
        "name": recipe.name or recipe.source,
        "state": "unfinished",
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        **_identity(recipe, folders),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "recipe": recipe.to_yaml(),
        "steps": [{"step": planned.step.name, "settings": planned.settings} for planned in recipe.plan],
        "timings": {},
    }
    (out / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    write_json(out / "run.json", record)
    products: dict[str, Any] = {"data": recorded, "run": out, "findings": {"warnings": []}}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XafsflowWarning)
        for planned in [*recipe.plan, None]:
            _keep_warnings(caught, products["findings"]["warnings"], watch)
            if (
                "cube" in products
                and "maps" not in products
                and (planned is None or "maps" in planned.step.takes)
            ):
                _timed(record, "maps", watch, lambda: _make_maps(products, out, watch))
                record["inputs"] = _inputs(recorded)
                record["peak_memory_mb"] = round(_peak_memory())
                write_json(out / "run.json", record)
            if planned is not None:
                _timed(record, planned.step.name, watch, lambda step=planned: _advance(step, products, out))  # type: ignore[misc]
    record |= {"state": "finished", "peak_memory_mb": round(_peak_memory()), "inputs": _inputs(recorded)}
    write_json(out / "findings.json", products["findings"])
    write_json(out / "run.json", record)
    return products


def preview(recipe: Recipe, folders: Folders) -> dict[str, Any]:
    """Take a recipe as far as headers and small files lead, without reading a pixel; the products so far.

    Raises
    ------
    InputError
        What a run would refuse.
    """
    from xafsflow.steps.ingest import check_cover

    products: dict[str, Any] = {"data": folders, "findings": {}}
    for planned in recipe.plan:
        step = planned.step
        if set(step.takes) <= set(products) and set(step.makes) <= {"cube", "library"}:
            _advance(planned, products, None)
        elif step.station != "calibrate" and "run" not in step.takes:
            # A calibration or a stored cube leaves the variables as they are: what follows can be looked at.
            break
    if "cube" in products and "library" in products:
        check_cover(products["library"], products["cube"].energy.values)
    return products


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=1, default=_plain), encoding="utf-8")
    temporary.replace(path)


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _timed(record: dict[str, Any], name: str, watch: Watch, work: Callable[[], None]) -> None:
    watch(name, None)
    start = time.perf_counter()
    work()
    spent = record["timings"].get(name, 0.0) + time.perf_counter() - start
    record["timings"][name] = round(spent, 3)
    watch(name, 1.0)


def _advance(planned: PlannedStep, products: dict[str, Any], out: Path | None) -> None:
    from xafsflow.learn.model import Model, save_model

    step = planned.step
    result = step.run(*(products[name] for name in step.takes), **planned.settings)
    for name, product in zip(step.makes, result if len(step.makes) > 1 else (result,), strict=True):
        if name == "findings":
            products["findings"][step.name] = product
        elif isinstance(product, Model) and out is not None:
            products[name] = save_model(product, out / "model.skops")
        else:
            products[name] = product
        if name == "cube":
            products.pop("maps", None)


def _make_maps(products: dict[str, Any], out: Path, watch: Watch) -> None:
    from xafsflow.report.findings import findings_of
    from xafsflow.store import is_map, write_maps

    cube = products["cube"]
    if not any(is_map(str(name), array) for name, array in cube.data_vars.items()):
        return
    path = out / "maps.zarr"
    if path.exists():
        shutil.rmtree(path)
    products["maps"] = write_maps(cube, path, progress=lambda done, total: watch("maps", done / total))
    products["findings"]["maps"] = findings_of(products["maps"])


def _keep_warnings(caught: list[warnings.WarningMessage], kept: list[str], watch: Watch) -> None:
    for entry in caught:
        text = str(entry.message)
        if issubclass(entry.category, XafsflowWarning):
            if text not in kept:
                kept.append(text)
                watch(f"warning: {text}", None)
        else:
            warnings.showwarning(entry.message, entry.category, entry.filename, entry.lineno)
    caught.clear()


def _identity(recipe: Recipe, folders: Folders) -> dict[str, str]:
    """What makes two runs the same."""
    references = "" if folders.references is None else str(folders.references.resolve())
    return {"recipe_digest": recipe.digest, "data": str(folders.data.resolve()), "references": references}


def _claim(recipe: Recipe, folders: Folders, out: Path, fresh: bool) -> None:
    """Make the run folder, or accept one that holds an unfinished run of the same recipe and data."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", "a folder for the run", "choose another --out")
    held = sorted(entry.name for entry in out.iterdir()) if out.is_dir() else []
    # A file that was being written when its process was killed has a point before its name and a number behind.
    strange = [
        name
        for name in held
        if name not in PARTS and not name.startswith(tuple(f".{part}." for part in PARTS))
    ]
    if strange:
        raise InputError(
            f"{out} holds {', '.join(strange[:3])}{' ...' if len(strange) > 3 else ''}",
            "a new or empty folder, or one of an earlier run",
            "choose another --out",
        )
    if held and fresh:
        for name in held:
            path = out / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif held:
        _check_same(recipe, folders, out)
    out.mkdir(parents=True, exist_ok=True)


def _check_same(recipe: Recipe, folders: Folders, out: Path) -> None:
    try:
        record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    do = "choose another --out, or replace it with --fresh"
    if any(record.get(key) != value for key, value in _identity(recipe, folders).items()):
        raise InputError(f"{out} holds a run of another recipe or of other data", "a run of the same", do)
    if record.get("state") == "finished":
        raise InputError(f"{out} holds this run, finished", "a new folder", do)
    for name in ("cube.zarr", "maps.zarr"):
        if (out / name).exists():
            shutil.rmtree(out / name)


def _inputs(folders: ReadFolders) -> list[dict[str, Any]]:
    """Small files with their SHA-256; images by folder, with a digest over names, sizes and times."""
    import hashlib

    groups: dict[Path, Any] = {}
    found: list[dict[str, Any]] = []
    for path in sorted(folders.files):
        status = path.stat()
        if path.suffix.lower() in (".tif", ".tiff") or status.st_size > HASHED_BYTES:
            digest, count, size = groups.get(path.parent, (hashlib.sha256(), 0, 0))
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
            groups[path.parent] = (digest, count + 1, size + status.st_size)
        else:
            sha = hashlib.sha256(path.read_bytes()).hexdigest()
            found.append({"path": str(path), "bytes": status.st_size, "sha256": sha})
    for folder, (digest, count, size) in groups.items():
        found.append({"path": str(folder), "files": count, "bytes": size, "digest": digest.hexdigest()})
    return found


def _peak_memory() -> float:
    """Megabytes; Linux counts in kilobytes, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if platform.system() == "Darwin" else peak / 2**10


def finished_maps(out: Path) -> Any:
    """The maps of a finished run, lazily.

    Raises
    ------
    InputError
        The folder holds no finished run.
    """
    from xafsflow.store import open_maps

    if not (out / "maps.zarr").is_dir():
        raise InputError(
            f"{out} without maps.zarr", "the folder of a finished run", "check the path, or run the recipe"
        )
    return open_maps(out / "maps.zarr")


def report_again(out: Path) -> Path:
    """Write the report of a finished run anew; its path."""
    from xafsflow.learn.model import read_model
    from xafsflow.steps.report import page

    maps = finished_maps(out)
    try:
        findings = json.loads((out / "findings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{out / 'findings.json'}: {error}", "the findings of a finished run", "run again"
        ) from error
    return page(maps, read_model(out / "model.skops"), findings, out)
