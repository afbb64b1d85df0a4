"""What the entries of a run have made, and how an entry takes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import cast

import xarray as xr

from xafsflow.blocks.field import Later, gathering
from xafsflow.errors import XafsflowError
from xafsflow.findings.record import Finding
from xafsflow.findings.run_findings import RunFindings
from xafsflow.io.folders import Folders
from xafsflow.pipeline.entries import PlannedStep
from xafsflow.pipeline.labelled_variables import has_labels, seen, with_made
from xafsflow.pipeline.run_folder import inverse_file, model_file


class Products:
    """Products by kind and entry, and what belongs to the run as a whole.

    Parameters
    ----------
    data
        The folders of the measurement and of the references.
    run
        The folder of the run; None where nothing is written.

    Attributes
    ----------
    findings
        What the steps found, by entry.
    maps
        The stored maps of the newest cube; None before they are stored.
    """

    def __init__(self, data: Folders, run: Path | None = None) -> None:
        self.data, self.run = data, run
        self.findings = RunFindings()
        self.maps: xr.Dataset | None = None
        self._made: dict[str, dict[str, object]] = {}
        # Variables that entries would have given that were left out
        self._left_out: set[str] = set()

    def of(self, kind: str, entry: str) -> object:
        """The product of a kind that an entry made."""
        return self._made[kind][entry]

    def newest(self, kind: str) -> object:
        """The last product of a kind, or None."""
        made = self._made.get(kind)
        return made[next(reversed(made))] if made else None

    @property
    def cube(self) -> xr.Dataset | None:
        """The newest cube."""
        return self._dataset("cube")

    @property
    def library(self) -> xr.Dataset | None:
        """The newest reference spectra."""
        return self._dataset("library")

    @property
    def page(self) -> Path | None:
        """The path of the newest report."""
        page = self.newest("page")
        return page if isinstance(page, Path) else None

    def _dataset(self, kind: str) -> xr.Dataset | None:
        product = self.newest(kind)
        return product if isinstance(product, xr.Dataset) else None

    def put(self, kind: str, entry: str, product: object) -> None:
        """Keep what an entry made; maps of an older cube are no longer those of the newest."""
        made = self._made.setdefault(kind, {})
        made.pop(entry, None)
        made[entry] = product
        if kind == "cube":
            self.maps = None

    def hand_on(self, planned: PlannedStep) -> None:
        """Let those who use an entry that is left out have what it would have taken, where that is there."""
        for kind in set(planned.step.makes) & set(planned.sources.products):
            made, source = self._made.get(kind, {}), planned.sources.products[kind]
            if source in made:
                self.put(kind, planned.entry, made[source])
        self._left_out |= set(planned.step.filled(planned.step.gives, planned.settings))

    def has(self, planned: PlannedStep) -> bool:
        """Whether all that an entry takes is there."""
        there = all(entry in self._made.get(kind, ()) for kind, entry in planned.sources.products.items())
        return there and ("maps" not in planned.step.takes or self.maps is not None)

    def has_needed(self, planned: PlannedStep) -> bool:
        """Whether no variable of the cube that an entry needs would be made by an entry that was left out."""
        source = planned.sources.products.get("cube")
        cube = self._made.get("cube", {}).get(source or "")
        if not isinstance(cube, xr.Dataset):
            return source is None
        needs = planned.step.filled(planned.step.needs, planned.settings)
        return not self._left_out & {name for name in needs if name not in cube}

    def keep_for(self, plan: Iterable[PlannedStep]) -> None:
        """Forget what none of these entries takes, but the newest of each kind."""
        wanted = {item for planned in plan for item in planned.sources.products.items()}
        for kind, made in self._made.items():
            for entry in list(made)[:-1]:
                if (kind, entry) not in wanted:
                    del made[entry]

    def advance(self, planned: PlannedStep) -> None:
        """Take the products through an entry; a model is stored in the folder of the run, where there is one."""
        from xafsflow.learning.inverse.inverse_model import save_inverse
        from xafsflow.learning.models.model import save_model

        step, sources = planned.step, planned.sources
        cube = cast(xr.Dataset, self._taken("cube", planned)) if "cube" in step.takes else xr.Dataset()
        labelled = bool(sources.labels) or bool(planned.maps and (sources.label or has_labels(cube)))
        view = cube
        if labelled:
            hidden = planned.maps if sources.label else ()
            view = seen(cube, sources.labels, hidden, step.filled(step.needs, planned.settings))
        taken = [view if kind == "cube" else self._taken(kind, planned) for kind in step.takes]
        # What only findings come of can wait for the pass over the field that stores the maps.
        with _told_at(planned), gathering() if step.makes == ("findings",) else nullcontext():
            result = step.run(*taken, **planned.settings)
        for kind, product in zip(step.makes, result if len(step.makes) > 1 else (result,), strict=True):
            if kind == "findings":
                self.findings.entries[planned.entry] = product
            elif kind == "cube" and labelled:
                product = with_made(cube, view, product, sources.labels, planned.maps, sources.label)
                self.put(kind, planned.entry, product)
            elif kind == "model" and self.run is not None:
                self.put(kind, planned.entry, save_model(product, model_file(self.run, planned.entry)))
            else:
                if kind == "inverse" and self.run is not None:
                    save_inverse(product, inverse_file(self.run, planned.entry))
                self.put(kind, planned.entry, product)

    def refuse(self, planned: PlannedStep) -> None:
        """Let an entry that would compute refuse what it can without.

        Raises
        ------
        InputError
            What its step refuses.
        """
        refuses, sources = planned.step.refuses, planned.sources.products
        both = [self._made.get(kind, {}).get(sources.get(kind, "")) for kind in ("cube", "library")]
        if refuses is not None and all(isinstance(one, xr.Dataset) for one in both):
            with _told_at(planned):
                refuses(cast(xr.Dataset, both[0]), cast(xr.Dataset, both[1]), planned.settings)

    def wanted_of_the_field(self) -> dict[str, xr.DataArray]:
        """Arrays over the field that findings wait for."""
        return {
            f"{entry} {name}": array for entry, one in self._waiting() for name, array in one.arrays.items()
        }

    def finish_findings(self, values: Mapping[str, object]) -> None:
        """Find what waited for arrays over the field, from their values."""
        for entry, one in self._waiting():
            found = one.finish({name: values[f"{entry} {name}"] for name in one.arrays})
            self.findings.entries[entry] = found

    def _waiting(self) -> list[tuple[str, Later[Finding]]]:
        entries: Mapping[str, object] = self.findings.entries
        return [(entry, one) for entry, one in entries.items() if isinstance(one, Later)]

    def _taken(self, kind: str, planned: PlannedStep) -> object:
        if kind in ("data", "run", "maps", "findings"):
            return getattr(self, kind)
        entry = planned.sources.products.get(kind)
        return None if entry is None else self.of(kind, entry)


@contextmanager
def _told_at(planned: PlannedStep) -> Iterator[None]:
    """Errors name the entry that they come from."""
    try:
        yield
    except XafsflowError as error:
        error.at(planned.place)
        raise
