"""What is damaged of a run's cube and maps, computed again from the sources by the recipe that the run keeps."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow import __version__
from xafsflow.blocks.scan_numbers import values_at
from xafsflow.errors import ComputationError, InputError
from xafsflow.files import behind_link, write_atomically
from xafsflow.locks import locked_folder
from xafsflow.pipeline.entries import PlannedStep
from xafsflow.pipeline.products import Products
from xafsflow.pipeline.recipe import Recipe, load_recipe
from xafsflow.pipeline.run_folder import ReadFolders, inputs_of, model_file, within
from xafsflow.progress import ProgressCallback, no_progress
from xafsflow.store import open_cube, write_maps
from xafsflow.store.chunk_files import Target, check, checking_codecs, files
from xafsflow.store.verify import METADATA, Damage, metadata
from xafsflow.store.zarr_groups import storable

STORE = "ingest.store"
AGAIN = "run the recipe again with --fresh, or into another folder"


def repair(
    run: Path,
    found: Sequence[Damage],
    *,
    data: Path | None = None,
    references: Path | None = None,
    report_progress: ProgressCallback = no_progress,
) -> None:
    """Compute again what is damaged, and only that; what is written is equal to what was there, bit for bit.

    A damaged chunk of the cube costs its tile, one of the maps its band of rows. Where a tile or band has variables
    that are whole, they are computed too, and compared: nothing is written where a bit differs.

    Parameters
    ----------
    run
        The folder of the run.
    found
        What `xafsflow.store.verify.damages` found there.
    data, references
        Where the folders of the run have moved to.
    report_progress
        Called with what is computed.

    Raises
    ------
    InputError
        Recipe, version or sources are not those of the run, another process works in its folder, or it holds a link; or
        metadata are lost.
    ComputationError
        This machine computes other bits.
    """
    for one in found:
        if not one.variable:
            raise InputError(str(one), "metadata that tell what the chunks are", AGAIN)
    with locked_folder(behind_link(run), report_progress):
        again = _Again(run, data, references)
        for store in sorted({one.store for one in found}):
            own = [one for one in found if one.store == store]
            report_progress(f"computes {len(own)} damaged files of {store.name} again", None)
            _rebuild(store, again.cube_of(store), own)


class _Again:
    """The recipe of a run on its sources, taken to where a store was written."""

    def __init__(self, run: Path, data: Path | None, references: Path | None) -> None:
        self.run = run
        try:
            self.record = json.loads((run / "run.json").read_text(encoding="utf-8"))
            before = Path(self.record["data"]), Path(self.record["references"] or self.record["data"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{run / 'run.json'}: {error}", "the record of the run", AGAIN) from error
        self.recipe: Recipe = load_recipe(run / "recipe.yaml")
        if self.recipe.digest != self.record.get("recipe_digest"):
            raise InputError(f"{run / 'recipe.yaml'}, which has changed", "the recipe of the run", AGAIN)
        if self.record.get("version") != __version__:
            both = f"xafsflow {__version__} and a run of {self.record.get('version')}"
            raise InputError(both, "the version of the run", f"install that version, or {AGAIN}")
        self.known = within(self.record.get("inputs", []), *before)
        spectra = references or (before[1] if self.record["references"] else None)
        self.folders = ReadFolders(data or before[0], spectra)

    def cube_of(self, store: Path) -> xr.Dataset:
        """The lazy cube that a store was written from.

        Raises
        ------
        InputError
            The sources are not those of the run.
        """
        from xafsflow.learning.models.model import read_model

        cubes = [one for one in self.recipe.plan if "cube" in one.step.makes]
        last = cubes[-1].entry
        if store.name == "cube.zarr":
            stored = next(one for one in cubes if one.step.name == STORE)
            last = stored.sources.products["cube"]
        products = Products(self.folders, self.run)
        for planned in _needed(self.recipe.plan, last):
            if planned.step.name == STORE:
                products.put("cube", planned.entry, open_cube(self.run / "cube.zarr"))
            elif "model" in planned.step.makes:
                products.put("model", planned.entry, read_model(model_file(self.run, planned.entry)))
            elif "run" in planned.step.takes:
                # What only writes a file hands on what it takes
                products.hand_on(planned)
            else:
                products.advance(planned)
        self._check_sources()
        return cast(xr.Dataset, products.of("cube", last))

    def _check_sources(self) -> None:
        folders = self.folders
        found = within(inputs_of(folders), folders.data, folders.references or folders.data)
        for one in [*found, *self.known]:
            if one not in found or one not in self.known:
                raise InputError(
                    f"{one['path']}, which is not as the run has read it",
                    "the sources of the run, with their times",
                    f"give them with --data and --references, or {AGAIN}",
                )


def _needed(plan: Sequence[PlannedStep], cube: str) -> list[PlannedStep]:
    """The entries that lead to the cube of one of them, and those that read sources, which are checked; models are there."""
    wanted, found = {("cube", cube)}, list[PlannedStep]()
    for planned in reversed(plan):
        step = planned.step
        if "data" in step.takes or any((kind, planned.entry) in wanted for kind in step.makes):
            found.append(planned)
            if step.name != STORE and "model" not in step.makes:
                wanted |= set(planned.sources.products.items())
    return found[::-1]


def _rebuild(store: Path, cube: xr.Dataset, found: Sequence[Damage]) -> None:
    known = metadata(store)
    for one in found:
        if not one.place:
            _write_metadata(one.file, known[one.variable])
    chunks = [one for one in found if one.place or one.file.name != METADATA]
    fields, others = dict[tuple[tuple[str, int, int], ...], set[str]](), set[str]()
    for one in chunks:
        if "y" in one.dims and one.variable in cube.data_vars:
            place = zip(one.dims, one.place, strict=True)
            key = tuple((dim, part.start, part.stop) for dim, part in place if dim in ("y", "x"))
            fields.setdefault(key, set()).add(one.variable)
        else:
            others.add(one.variable)
    for key, damaged in fields.items():
        part = {dim: slice(start, stop) for dim, start, stop in key}
        names = [name for name in known if name in cube.data_vars and set(part) <= set(cube[name].dims)]
        _rebuild_part(store, cube[names], part, damaged)
    if others:
        _rebuild_others(store, cube, sorted(others))
    for one in chunks:
        with checking_codecs():
            check(Target(store, one.variable).checked, one.file, one.place)


def _write_metadata(file: Path, content: Mapping[str, object]) -> None:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        write_atomically(file, json.dumps(content, indent=2))
    else:
        # Either of them may be the one that is right.
        raise InputError(
            f"{file}, which differs from what {METADATA} of all variables has", "the same", AGAIN
        )


def _rebuild_part(store: Path, cube: xr.Dataset, part: Mapping[str, slice], damaged: set[str]) -> None:
    """Write the damaged variables of a tile or band, if the whole ones come out as they are."""
    arrays = {str(name): array for name, array in cube.data_vars.items()}
    values = values_at(arrays, part.get("y"), part.get("x", slice(None)))
    for name, computed in values.items():
        target = Target(store, name)
        region = tuple(part.get(str(dim), slice(None)) for dim in cube[name].dims)
        if name not in damaged:
            stored = target.checked[region]
            if stored.tobytes() != np.ascontiguousarray(computed, stored.dtype).tobytes():
                raise ComputationError(
                    f"{name} of {part}, which is computed otherwise than it is stored in {store}",
                    "the same bits as when it was written",
                    "use the machine and the versions that run.json names",
                )
    for name in sorted(damaged):
        _replace(store, name, tuple(part.get(str(d), slice(None)) for d in cube[name].dims), values[name])


def _replace(store: Path, name: str, region: tuple[slice, ...], values: NDArray[np.generic]) -> None:
    target = Target(store, name)
    for file, _ in files(target.checked, region):
        # A chunk at the border would be read before it is written over.
        file.unlink(missing_ok=True)
    target[region] = values


def _rebuild_others(store: Path, cube: xr.Dataset, names: Sequence[str]) -> None:
    """What has no rows, or is a coordinate: in the cube as it is, in the maps made with all of them."""
    if store.name == "cube.zarr":
        wanted = {name: cube[name].variable for name in names if name in cube.data_vars}
        ready = storable(xr.Dataset(wanted, cube.coords))
        for name in names:
            values = ready[name].values
            _replace(store, name, (slice(None),) * values.ndim, values)
        return
    with tempfile.TemporaryDirectory(dir=store.parent, prefix=f".{store.name}.") as folder:
        made = Path(folder, store.name)
        write_maps(cube, made)
        for name in names:
            # Its metadata are in order by now; these do not know that a stored cube was stored.
            (store / name / METADATA).replace(made / name / METADATA)
            shutil.rmtree(store / name)
            (made / name).rename(store / name)
