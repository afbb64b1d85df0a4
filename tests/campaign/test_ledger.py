"""The ledger: one writer, whole transactions, and a clear word about any other file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xafsflow.campaign.ledger import SILENT_SECONDS, Ledger, Row, counts
from xafsflow.errors import BusyError, ComputationError, InputError
from xafsflow.locks import Process, is_alive, started, this_process

ROWS = [Row("A", 2, "data/A", "runs/A", "waiting"), Row("B", 3, "data/B", "runs/B", "waiting")]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite", new=True)
    yield made
    made.close()


@pytest.fixture
def other(ledger: Ledger) -> Iterator[Ledger]:
    opened = Ledger(ledger.path)
    yield opened
    opened.close()


def test_only_the_owner__writes(ledger: Ledger) -> None:
    with pytest.raises(ComputationError, match="taken over by nobody"):
        ledger.plan(ROWS)
    ledger.claim()
    ledger.plan(ROWS)
    ledger.release()
    with pytest.raises(ComputationError):
        ledger.end("A", "done")
    assert [row.state for row in ledger.rows()] == ["waiting", "waiting"]


def test_others__may_look_while_the_owner_works(ledger: Ledger, other: Ledger) -> None:
    ledger.claim()
    ledger.plan(ROWS)
    ledger.start("A", "0123", '{"xafsflow": "1"}', this_process())
    row = other.rows()[0]
    assert (row.state, row.attempts, row.digest, row.worker) == ("running", 1, "0123", this_process())
    owner = other.owner()
    assert owner is not None
    assert owner.at_work


def test_an_attempt__leaves_its_time_and_error(ledger: Ledger) -> None:
    ledger.claim()
    ledger.plan(ROWS)
    for error in ("Found one", "Found two"):
        ledger.start("A", "0123", "{}", this_process())
        ledger.end("A", "waiting", error)
    row = ledger.rows()[0]
    assert (row.attempts, row.failures, row.error) == (2, 2, "Found two")
    assert row.seconds is not None
    assert row.seconds >= 0
    ledger.start("A", "0123", "{}", this_process())
    assert ledger.rows()[0].seconds is None
    ledger.end("A", "done")
    assert (ledger.rows()[0].failures, ledger.rows()[0].error) == (2, "")


def test_release__lets_what_was_running_wait(ledger: Ledger) -> None:
    ledger.claim()
    ledger.plan(ROWS)
    ledger.start("A", "0123", "{}", this_process())
    ledger.release()
    row = ledger.rows()[0]
    assert (row.state, row.attempts, row.failures) == ("waiting", 1, 0)
    assert ledger.owner() is None


def test_plan__keeps_digest_and_times_and_unlists_what_is_gone(ledger: Ledger) -> None:
    ledger.claim()
    ledger.plan(ROWS)
    ledger.start("A", "0123", "{}", this_process())
    ledger.end("A", "done")
    ledger.plan([replace(ROWS[0], line=7, state="done")])
    first, last = ledger.rows()
    assert (first.name, first.line, first.digest) == ("A", 7, "0123")
    assert (last.name, last.line) == ("B", None)
    assert counts(ledger.rows())["done"] == 1
    assert counts(ledger.rows())["waiting"] == 0


def owned_by(ledger: Ledger, process: Process, seen: float) -> None:
    ledger.claim()
    ledger._base.execute(
        "UPDATE owner SET place = ?, pid = ?, mark = ?, seen = ?",
        (process.place, process.pid, process.mark, seen),
    )


def test_an_owner_that_is_dead__is_followed(ledger: Ledger, other: Ledger) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process(this_process().place, child.pid, started(child.pid) or "")
    owned_by(ledger, process, time.time())
    with pytest.raises(BusyError, match=f"process {child.pid} on"):
        other.claim()
    child.kill()
    # Not waited for: a process that is dead and not yet buried has a number still
    until = time.monotonic() + 5
    while is_alive(process):
        assert time.monotonic() < until
    before = other.claim()
    assert before is not None
    assert before.process == process
    child.communicate()


def test_a_number_that_was_given_anew__is_not_the_owner(ledger: Ledger, other: Ledger) -> None:
    owned_by(ledger, replace(this_process(), mark="1"), time.time())
    assert other.claim() is not None


def test_an_owner_on_another_machine__counts_as_gone_after_long_silence(
    ledger: Ledger, other: Ledger
) -> None:
    owned_by(ledger, Process("elsewhere 0 0", 1, "1"), time.time() - SILENT_SECONDS + 60)
    with pytest.raises(BusyError, match=r"on elsewhere.*15 minutes"):
        other.claim()
    ledger._base.execute("UPDATE owner SET seen = ?", (time.time() - SILENT_SECONDS - 1,))
    assert other.claim() is not None
    ledger._base.execute("UPDATE owner SET pid = pid + 1")  # as another process would have it
    with pytest.raises(ComputationError, match="taken over by process"):
        ledger.plan(ROWS)


def test_beat__says_now_and_then_that_the_owner_lives(ledger: Ledger) -> None:
    ledger.claim()
    ledger._base.execute("UPDATE owner SET seen = 0")
    ledger.beat()
    assert ledger.owner().seen == 0  # type: ignore[union-attr]
    ledger._last_beat -= 60
    ledger.beat()
    assert time.time() - ledger.owner().seen < 5  # type: ignore[union-attr]


def test_a_busy_file__is_a_clear_error(ledger: Ledger, other: Ledger) -> None:
    ledger.claim()
    ledger._base.execute("PRAGMA busy_timeout = 50")
    other._base.execute("BEGIN IMMEDIATE")
    with pytest.raises(ComputationError, match="locked"):
        ledger.plan(ROWS)
    other._base.execute("ROLLBACK")
    ledger.plan(ROWS)
    assert len(other.rows()) == 2


def test_texts_of_any_bytes__are_kept_readable(ledger: Ledger) -> None:
    ledger.claim()
    ledger.plan([replace(ROWS[0], data="scan_\udcff")])
    ledger.end("A", "failed", "no \udcff")
    assert (ledger.rows()[0].data, ledger.rows()[0].error) == ("scan_\\udcff", "no \\udcff")


def test_a_missing_ledger__is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ledger"):
        Ledger(tmp_path / "ledger.sqlite")
    assert not list(tmp_path.iterdir())


def test_another_data_base__is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE mine (x)")
    base.close()
    before = path.read_bytes()
    for new in (True, False):
        with pytest.raises(InputError, match="of format 0"):
            Ledger(path, new=new)
    assert path.read_bytes() == before


@given(content=st.binary(min_size=1, max_size=300), head=st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes__are_no_ledger(tmp_path: Path, content: bytes, head: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"SQLite format 3\0" * head + content)
    with pytest.raises((InputError, ComputationError)):
        Ledger(path)
    path.unlink()


@given(place=st.integers(0, 20000), value=st.integers(0, 255))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_ledger__is_an_error_of_this_program_or_readable(
    tmp_path: Path, place: int, value: int
) -> None:
    path = tmp_path / "damaged.sqlite"
    path.unlink(missing_ok=True)
    made = Ledger(path, new=True)
    made.claim()
    made.plan(ROWS)
    made.close()
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(bytes(content))
    try:
        opened = Ledger(path)
        try:
            opened.rows()
            opened.owner()
        finally:
            opened.close()
    except (InputError, ComputationError):
        pass
