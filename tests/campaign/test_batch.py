"""Batches: one bad measurement stops no other, killed at any moment the next start goes on, and done is done."""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType

import pytest

from xafsflow.campaign import batch, executors, fingerprint, measurement_run
from xafsflow.campaign.batch import Batch
from xafsflow.campaign.catalog import Measurement, read_catalog
from xafsflow.campaign.executors import Outcome, Task
from xafsflow.campaign.ledger import Ledger
from xafsflow.campaign.run_status import LOCK, status, table
from xafsflow.errors import BusyError, ComputationError, InputError, RecipeError
from xafsflow.locks import Process, started, this_process
from xafsflow.phantom import Phantom, write_phantom
from xafsflow.pipeline import execution as flow
from xafsflow.pipeline import run_folder as runfolder

HERE = Path(__file__).resolve().parent
RECIPE = "recipe: 1\nsteps:\n  - a.b: {c: 1, files: {x: references:x.xdi}}\n  - d.e\n"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The stub, in this process and by its name in others."""
    monkeypatch.syspath_prepend(str(HERE))
    module = importlib.import_module("batch_stub")
    # A new process would import the script that started the tests, which takes longer than they do.
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    monkeypatch.setattr(batch, "run_measurement", module.run_measurement)
    monkeypatch.setattr(batch, "check", module.check)
    return module


class Archive:
    """Measurements with orders, a recipe, and a folder for the batch."""

    def __init__(self, root: Path) -> None:
        self.root, self.out, self.recipe = root, root / "out", root / "recipe.yaml"
        self.recipe.write_text(RECIPE)
        (root / "references").mkdir()
        (root / "references" / "x.xdi").write_text("# XDI/1.0")
        self.cells: dict[str, str] = {}

    def add(self, **orders: str) -> Archive:
        for name, order in orders.items():
            (self.root / "scans" / name).mkdir(parents=True, exist_ok=True)
            (self.root / "scans" / name / "orders.txt").write_text(order)
        return self

    def catalog(self) -> tuple[Measurement, ...]:
        names = sorted(path.name for path in (self.root / "scans").iterdir())
        lines = [f"{name},scans/{name},{self.cells.get(name, '')}\n" for name in names]
        (self.root / "catalog.csv").write_text("name,data,a.b.c\n" + "".join(lines))
        return read_catalog(self.root / "catalog.csv", self.root / "references")

    def run(
        self, at_most: int = 2, retries: int = 1, print_line: Callable[[str], None] = lambda line: None
    ) -> Batch:
        return batch.run_batch(
            self.catalog(),
            self.recipe,
            self.out,
            at_most=at_most,
            retries=retries,
            report_progress=lambda line, _: print_line(line),
        )

    def calls(self, name: str) -> list[str]:
        path = self.root / "scans" / name / ".calls"
        return path.read_text().splitlines() if path.exists() else []

    def states(self) -> dict[str, str]:
        ledger = Ledger(self.out / "ledger.sqlite")
        found = {row.name: row.state for row in ledger.rows()}
        ledger.close()
        return found


@pytest.fixture
def archive(tmp_path: Path, stub: ModuleType) -> Archive:
    return Archive(tmp_path)


def states(found: Batch) -> dict[str, str]:
    return {row.name: row.state for row in found.rows}


def test_bad_measurements__are_named_and_stop_no_other(archive: Archive) -> None:
    told: list[str] = []
    archive.add(a="done", b="wrong", c="fail", d="die", e="leave", f="fail once", g="die once", h="done")
    found = archive.run(print_line=told.append)
    assert states(found) == {
        "a": "done", "b": "failed", "c": "set aside", "d": "set aside", "e": "set aside", "f": "done",
        "g": "done", "h": "done",
    }  # fmt: skip
    rows = {row.name: row for row in found.rows}
    assert [len(archive.calls(name)) for name in "abcdefgh"] == [1, 1, 2, 2, 2, 2, 2, 1]
    assert [rows[name].attempts for name in "abcdefgh"] == [1, 1, 2, 2, 2, 2, 2, 1]
    assert "SIGKILL" in rows["d"].error
    assert "status 3" in rows["e"].error
    assert "ValueError: call 2" in rows["c"].error
    assert rows["f"].error == rows["g"].error == ""
    assert not found.complete
    assert "[8/8]" in told[-1]
    assert len(told) == 8 + 5
    page = (archive.out / "index.html").read_text()
    assert page.count('href="runs/a/report.html"') == 1
    assert "&lt;b&gt;no image" in page
    lines = table(archive.out, found.rows, found.worked)
    assert lines[-2] == "8 measurements: 4 done, 1 failed, 3 set aside"
    assert lines[3].endswith("ValueError: call 2")


def test_a_second_start__does_nothing(archive: Archive) -> None:
    archive.add(a="done", b="wrong", c="fail").run()
    before = [archive.calls(name) for name in "abc"]
    found = archive.run()
    assert not found.worked
    assert [archive.calls(name) for name in "abc"] == before
    assert states(found) == {"a": "done", "b": "failed", "c": "set aside"}


def test_more_retries__take_up_what_was_set_aside(archive: Archive) -> None:
    archive.add(a="fail").run(retries=0)
    assert len(archive.calls("a")) == 1
    archive.run(retries=2)
    assert len(archive.calls("a")) == 3


def test_a_change__reprocesses_only_what_it_affects(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.cells = {"b": "2"}
    archive.add(a="done", b="done", c="wrong").run()

    def worked() -> str:
        return "".join(sorted(archive.run().worked))

    archive.recipe.write_text("# a comment\nname: told\n" + RECIPE)
    assert worked() == ""
    archive.recipe.write_text(RECIPE.replace("c: 1", "c: 3"))
    assert worked() == "ac"  # b has a setting of its own
    archive.cells = {"b": "2", "a": "5"}
    assert worked() == "a"
    archive.add(c="done")
    assert worked() == "c"
    (archive.root / "references" / "y.xdi").write_text("a reference that the recipe does not name")
    assert worked() == ""
    (archive.root / "references" / "x.xdi").write_text("# XDI/1.0 mended")
    assert worked() == "abc"
    (archive.root / "scans" / "a" / "image.tif").write_bytes(b"II")
    assert worked() == "a"
    archive.add(d="done")
    assert worked() == "d"
    monkeypatch.setattr(fingerprint, "__version__", "99")
    assert worked() == "abcd"
    assert set(archive.states().values()) == {"done"}


def test_a_changed_measurement__starts_in_an_empty_folder(archive: Archive) -> None:
    archive.add(a="done", b="fail once").run()
    assert [line.split()[1] for line in archive.calls("b")] == ["False", "True"]  # a retry goes on
    archive.recipe.write_text(RECIPE.replace("c: 1", "c: 3"))
    archive.run()
    assert [line.split()[1] for line in archive.calls("a")] == ["False", "False"]


def test_a_run_folder_that_was_removed__is_made_again(archive: Archive) -> None:
    archive.add(a="done").run()
    for path in (archive.out / "runs" / "a").iterdir():
        path.unlink()
    assert archive.run().worked == {"a"}


def test_a_measurement_that_left_the_catalog__is_kept_and_not_counted(archive: Archive) -> None:
    archive.add(a="done", b="wrong").run()
    (archive.root / "scans" / "b").rename(archive.root / "b")
    found = archive.run()
    assert found.complete
    assert "1 measurements: 1 done" in status(archive.out)[0]
    assert states(found) == {"a": "done", "b": "failed"}


def test_processes__are_used_for_many_measurements(archive: Archive) -> None:
    archive.add(**{f"m{i}": "done" for i in range(12)}).run(at_most=2)
    assert len({archive.calls(f"m{i}")[0].split()[0] for i in range(12)}) <= 2


def test_processes__are_replaced_after_some_measurements(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "TASKS_A_PROCESS", 2)
    found = archive.add(**{f"m{i}": "done" for i in range(5)}).run(at_most=1)
    assert found.complete
    assert len({archive.calls(f"m{i}")[0].split()[0] for i in range(5)}) == 3


def test_a_second_start_while_the_first_runs__is_refused(archive: Archive) -> None:
    archive.add(a="done").run()
    other = Ledger(archive.out / "ledger.sqlite")
    other.claim()
    with pytest.raises(BusyError, match=f"process {os.getpid()} on .* is at work"):
        archive.run()
    assert status(archive.out)[1].startswith("running: process")
    other.release()
    other.close()
    assert archive.run().complete


def test_an_owner_that_is_gone__is_told_and_its_processes_are_ended(archive: Archive) -> None:
    archive.add(a="done", b="done").run()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    batch_seconds, batch.KILLED_SECONDS = batch.KILLED_SECONDS, 1.0
    try:
        me, ledger = this_process(), Ledger(archive.out / "ledger.sqlite")
        ledger.claim()
        worker = Process(me.place, sleeper.pid, started(sleeper.pid) or "")
        ledger.start("a", ledger.rows()[0].digest, "", worker)
        # The number of a process that lives, but that was started at another time
        ledger._base.execute("UPDATE owner SET mark = '1'")
        ledger.close()
        told: list[str] = []
        assert archive.run(print_line=told.append).worked == {"a"}
        assert sleeper.wait(5) == -signal.SIGKILL
        assert f"process {os.getpid()}" in told[0]
        assert "has ended" in told[0]
    finally:
        batch.KILLED_SECONDS = batch_seconds
        sleeper.kill()
        sleeper.wait()


def test_a_lock_of_another_machine__goes_with_the_attempt_that_made_it(archive: Archive) -> None:
    archive.add(a="done", b="done").run()
    gone = Process("elsewhere 0 0", 7, "1")
    ledger = Ledger(archive.out / "ledger.sqlite")
    ledger.claim()
    for row in ledger.rows():
        ledger.start(row.name, row.digest, "", gone)
    locks = {name: archive.out / "runs" / name / LOCK for name in "ab"}
    locks["a"].write_text(json.dumps(asdict(gone)))
    locks["b"].write_text(json.dumps(asdict(replace(gone, pid=8))))
    ledger._base.execute("UPDATE owner SET place = 'elsewhere 0 0', seen = 0")
    ledger.close()
    assert archive.run().worked == {"a", "b"}
    assert not locks["a"].exists()
    assert locks["b"].exists()  # somebody else's: the run itself refuses


def test_the_name_of_the_lock__is_that_of_a_run() -> None:
    assert runfolder.LOCK == LOCK


PROGRAM = """
import sys
from pathlib import Path
import batch_stub
from xafsflow.campaign import batch
from xafsflow.campaign.catalog import read_catalog
batch.run_measurement, batch.check = batch_stub.run_measurement, batch_stub.check
root = Path(sys.argv[1])
if __name__ == "__main__":
    catalog = read_catalog(root / "catalog.csv", root / "references")
    try:
        batch.run_batch(catalog, root / "recipe.yaml", root / "out", at_most=3)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def begin(archive: Archive, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a batch in a process of its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        archive.catalog()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
        started.append(
            subprocess.Popen([sys.executable, program, tmp_path], env=environment, start_new_session=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def calls_of_all(archive: Archive) -> int:
    return sum(len(archive.calls(path.name)) for path in (archive.root / "scans").iterdir())


def workers(archive: Archive) -> list[Process]:
    ledger = Ledger(archive.out / "ledger.sqlite")
    found = [row.worker for row in ledger.rows() if row.state == "running" and row.worker]
    ledger.close()
    return found


@pytest.mark.long
def test_a_batch_killed_at_random_moments__goes_on_and_ends_the_same(
    archive: Archive, begin: Callable[[], subprocess.Popen[bytes]]
) -> None:
    archive.add(**{f"m{i:02}": "slow 0.05" for i in range(40)}).add(wrong="wrong", aside="fail")
    moments, left = random.Random(4), 0
    for _ in range(5):
        process, before = begin(), calls_of_all(archive)
        more = moments.randint(1, 7)
        wait_for(lambda: calls_of_all(archive) >= before + more)  # noqa: B023
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.wait()
        left += len(workers(archive))
    assert left > 5
    found = archive.run(at_most=3)
    expected = {f"m{i:02}": "done" for i in range(40)} | {"wrong": "failed", "aside": "set aside"}
    assert states(found) == expected
    assert not archive.run().worked
    # What was done when a kill came is not done again: at most the three that were running are.
    assert sum(len(archive.calls(f"m{i:02}")) for i in range(40)) <= 40 + 5 * 3


def test_processes__end_when_the_first_one_is_killed(
    archive: Archive, begin: Callable[[], subprocess.Popen[bytes]]
) -> None:
    archive.add(a="slow 30", b="slow 30")
    process = begin()
    wait_for(lambda: (archive.out / "ledger.sqlite").exists() and len(archive.states()) == 2)
    wait_for(lambda: len(archive.calls("a") + archive.calls("b")) == 2)
    wait_for(lambda: len(workers(archive)) == 2)
    at_work = workers(archive)
    process.kill()
    process.wait()
    wait_for(lambda: not any(started(worker.pid) == worker.mark for worker in at_work), 5)
    assert any("has ended; the same command continues" in line for line in status(archive.out))


def test_ctrl_c__ends_all_and_the_same_call_goes_on(
    archive: Archive, begin: Callable[[], subprocess.Popen[bytes]]
) -> None:
    archive.add(a="slow 30", b="done")
    process = begin()
    wait_for(lambda: (archive.out / "ledger.sqlite").exists() and len(archive.states()) == 2)
    wait_for(lambda: len(archive.calls("a")) == 1 and archive.states() == {"a": "running", "b": "done"})
    at_work = workers(archive)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    assert process.wait(40) == 130
    assert not any(started(worker.pid) == worker.mark for worker in at_work)
    assert archive.states() == {"a": "waiting", "b": "done"}
    archive.add(a="done")
    found = archive.run()
    assert found.complete
    assert found.worked == {"a"}


@pytest.mark.parametrize("held", ["notes.txt", "runs"])
def test_a_folder_with_something_else__is_refused(archive: Archive, held: str) -> None:
    archive.add(a="done")
    (archive.out / held).mkdir(parents=True)
    with pytest.raises(InputError, match=held):
        archive.run()
    assert [path.name for path in archive.out.iterdir()] == [held]


def test_results_within_data__are_refused(archive: Archive) -> None:
    archive.add(a="done")
    archive.out = archive.root / "scans" / "a" / "out"
    with pytest.raises(InputError, match="the data of a"):
        archive.run()
    assert not archive.out.exists()


@pytest.mark.parametrize(("at_most", "retries"), [(0, 1), (1, -1)])
def test_numbers_out_of_range__are_refused(archive: Archive, at_most: int, retries: int) -> None:
    with pytest.raises(InputError, match="at least 1, and at least 0"):
        archive.add(a="done").run(at_most, retries)


def names_of(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies in a folder, with sizes and times."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("name", ["runs/a", "runs/.removed-a", "runs/other", "runs", "index.html"])
@pytest.mark.parametrize("recipe", ["c: 1", "c: 3"], ids=["same", "other"])
def test_a_link_in_the_folder_of_a_batch__is_refused_and_what_it_leads_to_stays(
    archive: Archive, name: str, recipe: str
) -> None:
    archive.add(a="done", b="done").run()
    link, somebodys = archive.out / name, archive.root / "somebodys"
    if link.exists():
        link.rename(somebodys)
    else:
        somebodys.mkdir()
        (somebodys / "notes.txt").write_text("of somebody")
    link.symlink_to(somebodys)
    before = names_of(archive.out), names_of(somebodys)
    archive.recipe.write_text(RECIPE.replace("c: 1", recipe))
    with pytest.raises(InputError, match=rf"{name}, a link to .*somebodys. Expected .*. "):
        archive.run()
    assert (names_of(archive.out), names_of(somebodys)) == before


def test_a_link_in_a_run_folder__fails_its_measurement_only(archive: Archive) -> None:
    archive.add(a="done", b="done").run()
    somebodys = archive.root / "somebodys"
    somebodys.mkdir()
    (somebodys / "notes.txt").write_text("of somebody")
    (archive.out / "runs" / "a" / "maps.zarr").symlink_to(somebodys)
    archive.recipe.write_text(RECIPE.replace("c: 1", "c: 3"))
    archive.run()
    assert archive.states() == {"a": "failed", "b": "done"}
    assert [path.name for path in somebodys.iterdir()] == ["notes.txt"]
    assert (archive.out / "runs" / "a" / "maps.zarr").is_symlink()


def test_a_batch_folder_that_is_a_link_itself__is_worked_in(archive: Archive) -> None:
    archive.add(a="done")
    (archive.root / "disk").mkdir()
    archive.out.symlink_to(archive.root / "disk")
    found = archive.run()
    assert found.complete
    assert (archive.root / "disk" / "runs" / "a" / "report.html").exists()


def test_nothing_heavy__is_imported_where_nothing_is_to_be_done(archive: Archive) -> None:
    archive.add(a="done").run()
    code = (
        "import sys; from pathlib import Path; from xafsflow.campaign import batch;"
        " from xafsflow.campaign.catalog import read_catalog;"
        f"root = Path({str(archive.root)!r});"
        "catalog = read_catalog(root / 'catalog.csv', root / 'references');"
        "found = batch.run_batch(catalog, root / 'recipe.yaml', root / 'out');"
        "assert found.complete and not found.worked;"
        "print([name for name in ('numba', 'dask', 'xarray', 'sklearn', 'zarr') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_ledger_that_was_taken_over__is_left_alone(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add(a="done", b="done")

    def rob(line: str) -> None:
        thief = Ledger(archive.out / "ledger.sqlite")
        thief._base.execute("UPDATE owner SET pid = pid + 1")
        thief.close()

    with pytest.raises(ComputationError, match="taken over by process"):
        archive.run(at_most=1, print_line=rob)
    assert sorted(archive.states().values()) == ["done", "waiting"]


def test_wrong_recipes__are_told_before_anything_is_worked_on(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.add(a="done")
    for text in ("", "steps: {", "recipe: 1\n", "recipe: 1\nsteps: &a []"):
        archive.recipe.write_text(text)
        with pytest.raises(InputError, match=r"recipe\.yaml"):
            archive.run()
    archive.recipe.unlink()
    with pytest.raises(InputError, match="no recipe file"):
        archive.run()
    assert not archive.calls("a")
    assert not archive.out.exists()


def test_status__tells_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(
        '{"name": "iron", "state": "unfinished", "started": "now", "timings": {"a.b": 1.25},'
        ' "steps": [{"step": "a.b"}, {"step": "c.d"}]}'
    )
    assert status(tmp_path) == ["iron: unfinished, started now", "  a.b        1.2 s", "  c.d            -"]
    (tmp_path / LOCK).write_text(json.dumps(asdict(this_process())))
    assert status(tmp_path)[1].startswith(f"running: process {os.getpid()} on ")
    (tmp_path / LOCK).write_text(json.dumps(asdict(replace(this_process(), mark="1"))))
    assert status(tmp_path)[1].startswith("interrupted")
    (tmp_path / "findings.json").write_text('{"warnings": ["one"]}')
    assert "1 warnings" in status(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 5000, "\xff"])
def test_status__of_something_else_is_an_input_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="without"):
        status(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        status(tmp_path / "none")
    (tmp_path / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"run\.json"):
        status(tmp_path)


def test_dask__does_the_same_on_its_workers(archive: Archive) -> None:
    distributed = pytest.importorskip("distributed")
    archive.add(a="done", b="wrong", c="fail once")
    with distributed.Client(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as client:
        found = batch.run_batch(archive.catalog(), archive.recipe, archive.out, at_most=2, client=client)
    assert states(found) == {"a": "done", "b": "failed", "c": "done"}


SMALL = """\
recipe: 1
steps:
  - ingest.tiff_stack: {flat_field: flat/*.tif, dark: dark/*.tif, energies: energies.csv}
  - correct.absorbance
  - normalize.edge_step: {e0: 7112.0, pre2: -12.0, norm1: 40.0, nnorm: 1}
"""


def test_check__tells_every_wrong_override_with_its_line(tmp_path: Path) -> None:
    overrides = [(), (("normalize.edge_step.e0", "7113"),), (("normalize.edge_step.e0", "high"),)]
    overrides += [(("normalize.edge_step.order", "1"),), (("train.fit.trees", "[1"),)]
    catalog = [Measurement(f"m{i}", tmp_path, None, one, i + 2) for i, one in enumerate(overrides)]
    measurement_run.check(SMALL, "recipe.yaml", catalog[:2])
    with pytest.raises(RecipeError) as caught:
        measurement_run.check(SMALL, "recipe.yaml", catalog)
    assert [line[:22] for line in caught.value.problems] == [f"line {i} of the catalog:" for i in (4, 5, 6)]


def test_measure__makes_every_error_an_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = write_phantom(Phantom(size=(16, 16), energies=40, foil=None), tmp_path / "scan")
    task = Task(
        "a", SMALL, "recipe.yaml", ("normalize.edge_step.pre1=-60",), str(scan), None, str(tmp_path / "a")
    )
    assert measurement_run.run_measurement(task) == Outcome("done")
    before = (tmp_path / "a" / "run.json").read_bytes()
    assert b"-60" in before
    assert measurement_run.run_measurement(task) == Outcome(
        "done"
    )  # finished by an attempt whose end nobody heard
    assert (tmp_path / "a" / "run.json").read_bytes() == before
    outcome = measurement_run.run_measurement(
        replace(task, data=str(tmp_path / "none"), run=str(tmp_path / "b"))
    )
    assert outcome.kind == "wrong"
    assert "no folder" in outcome.error
    for error, shown in ((OSError("disk full"), "OSError: disk full"), (KeyError("x"), "Traceback")):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(flow, "run", fail)
        outcome = measurement_run.run_measurement(replace(task, run=str(tmp_path / "c")))
        assert outcome.kind == "failed"
        assert outcome.error.startswith(shown)
