"""One recipe on many measurements: after a kill the next start continues; one that fails stops no other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.campaign.catalog import Measurement
from xafsflow.campaign.cluster_executor import DaskExecutor
from xafsflow.campaign.executors import ProcessExecutor, Task
from xafsflow.campaign.fingerprint import Digests
from xafsflow.campaign.ledger import Ledger, Row
from xafsflow.campaign.measurement_queue import REMOVED, MeasurementQueue, remove_run
from xafsflow.campaign.measurement_run import (
    check,
    override_texts,
    record_of,
    run_measurement,
)
from xafsflow.campaign.run_status import LEDGER, RUNS, write_index
from xafsflow.errors import ComputationError, InputError
from xafsflow.files import behind_link, refuse_links
from xafsflow.locks import Process, is_alive
from xafsflow.pipeline.strict_yaml import MAX_BYTES, read_yaml
from xafsflow.progress import ProgressCallback, no_progress

if TYPE_CHECKING:
    from distributed import Client

KILLED_SECONDS = 10.0


@dataclass(frozen=True)
class Batch:
    """What a start of a batch has done: all rows of the ledger, and the names of the measurements it computed."""

    out: Path
    rows: tuple[Row, ...]
    worked: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether every measurement of the catalog is done."""
        return all(row.state == "done" for row in self.rows if row.line is not None)


def run_batch(
    catalog: Sequence[Measurement],
    recipe: Path,
    out: Path,
    *,
    at_most: int = 1,
    retries: int = 1,
    report_progress: ProgressCallback = no_progress,
    client: Client | None = None,
) -> Batch:
    """Run a recipe on every measurement of a catalog that is not done yet.

    Parameters
    ----------
    catalog
        As `read_catalog` gives it.
    recipe
        The file.
    out
        New, empty, or of an earlier start. It gets `ledger.sqlite`, `index.html` and a run folder each in `runs/`.
    at_most
        Measurements at a time. Processes share the cores of this machine.
    retries
        How often one that failed is tried again before it is set aside. Wrong input is not tried again.
    report_progress
        Called with a line for each measurement that ended.
    client
        Of a Dask cluster whose workers see the same paths; None for processes of this machine.

    Returns
    -------
    Batch

    Raises
    ------
    InputError
        The recipe or an override is wrong, `out` holds something else or a link, or another process is at work on it.
    ComputationError
        The ledger cannot be written, or another process took it over.
    """
    if at_most < 1 or retries < 0:
        raise InputError(
            f"--at-most {at_most} --retries {retries}", "at least 1, and at least 0", "change them"
        )
    out, recipe = behind_link(Path(out)), Path(recipe)
    text, steps = _read(recipe)
    _open(out, catalog)
    ledger = Ledger(out / LEDGER, new=True)
    try:
        before = ledger.claim()
        try:
            if before is not None:
                report_progress(f"{before}, has ended; this process continues its batch", None)
            _clear(ledger, out)
            todo = _planned(ledger, catalog, Digests(steps), retries)
            if todo:
                check(text, str(recipe), [one for one, _ in todo])
                executor = (
                    ProcessExecutor(at_most, run_measurement)
                    if client is None
                    else DaskExecutor(client, run_measurement)
                )
                tasks = {one.name: (_task(one, text, str(recipe), out), digest) for one, digest in todo}
                MeasurementQueue(ledger, executor, tasks, report_progress).work_off(at_most, retries)
        finally:
            with suppress(ComputationError):  # taken over: it is not this process's any more
                ledger.release()
                write_index(out, ledger.rows())
        return Batch(out, tuple(ledger.rows()), frozenset(one.name for one, _ in todo))
    finally:
        ledger.close()


def _read(recipe: Path) -> tuple[str, object]:
    """The text of a recipe and the steps in it, by a reader that imports nothing heavy."""
    problems: list[str] = []
    try:
        with recipe.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode("utf-8-sig")
        root = read_yaml(text, str(recipe), problems)
    except (OSError, UnicodeDecodeError):
        root = None
    if root is None or problems or not isinstance(root.value, dict) or "steps" not in root.value:
        from xafsflow.pipeline.recipe import load_recipe

        load_recipe(recipe)  # says what is wrong
        raise InputError(f"{recipe}, which changes while it is read", "a recipe", "start again")
    return text, root.value["steps"].plain()


def _open(out: Path, catalog: Sequence[Measurement]) -> None:
    """Make the folder of the batch, or accept one."""
    for one in catalog:
        if out.resolve().is_relative_to(one.data):
            raise InputError(
                f"{out} within {one.data}, the data of {one.name}", "a folder outside, or results would be input",
                "choose another --out",
            )  # fmt: skip
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}, which is a file", "a folder for the batch", "choose another --out")
    held = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if held and not held & {LEDGER, f"{LEDGER}-journal"}:
        raise InputError(
            f"{out}, which holds {min(held)} and no {LEDGER}", "a new or empty folder, or one of a batch",
            "choose another --out",
        )  # fmt: skip
    # The run folders are checked when their turn comes.
    refuse_links(out, 2)
    out.mkdir(parents=True, exist_ok=True)


def _clear(ledger: Ledger, out: Path) -> None:
    """End what a process that is gone has left at work, and remove what it was removing."""
    for row in ledger.rows():
        if row.state == "running" and row.worker is not None:
            _end(row.worker)
    (out / RUNS).mkdir(exist_ok=True)
    for path in (out / RUNS).glob(f"{REMOVED}*"):
        remove_run(path)


def _end(worker: Process) -> None:
    """Processes end with the one that started them, but not at once while they compute."""
    begun = time.monotonic()
    while is_alive(worker):
        waited = time.monotonic() - begun
        if waited > 2 * KILLED_SECONDS:
            raise ComputationError(
                f"process {worker.pid} of an earlier start, which does not end", "no such process", "end it"
            )
        if waited > KILLED_SECONDS:
            os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.05)


def _planned(
    ledger: Ledger, catalog: Sequence[Measurement], digests: Digests, retries: int
) -> list[tuple[Measurement, str]]:
    """Bring the ledger to the catalog; what is to be done, with its digest, those of most attempts last."""
    before = {row.name: row for row in ledger.rows()}
    todo, rows = [], []
    for one in catalog:
        ledger.beat()
        digest = digests.of(one)
        row = _row(one, digest, before.get(one.name), retries, ledger.path.parent)
        rows.append(row)
        if row.state == "waiting":
            todo.append((row.attempts, row.line, one, digest))
    ledger.plan(rows)
    return [(one, digest) for _, _, one, digest in sorted(todo, key=lambda entry: entry[:2])]


def _row(one: Measurement, digest: str, old: Row | None, retries: int, out: Path) -> Row:
    new = Row(one.name, one.line, str(one.data), f"{RUNS}/{one.name}", "waiting")
    if old is None or old.digest != digest or (old.state == "done" and record_of(out / old.run) is None):
        return new
    again = old.state == "running" or (old.state == "set aside" and old.failures <= retries)
    return replace(old, line=one.line, data=new.data, run=new.run, state="waiting" if again else old.state)


def _task(one: Measurement, text: str, source: str, out: Path) -> Task:
    references = None if one.references is None else str(one.references)
    run = str(out.resolve() / RUNS / one.name)
    return Task(one.name, text, source, override_texts(one.overrides), str(one.data), references, run)
