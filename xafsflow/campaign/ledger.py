"""The ledger of a batch: one row per measurement in SQLite, and the process that works on it.

The journal is SQLite's default one, since a write-ahead log needs memory shared between processes, which file
systems over a network do not have (https://www.sqlite.org/wal.html). One process at a time writes, in short
transactions; every process may read.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from xafsflow.errors import BusyError, ComputationError, InputError
from xafsflow.files import atomic_file
from xafsflow.locks import Process, is_alive, this_process

State = Literal["waiting", "running", "done", "failed", "set aside"]
STATES: tuple[State, ...] = ("waiting", "running", "done", "failed", "set aside")
FORMAT = 1
BUSY_SECONDS = 60.0
# How often an owner says that it lives, and after how long in silence one counts as ended that cannot be seen from here.
BEAT_SECONDS, SILENT_SECONDS = 30.0, 900.0

SCHEMA = """
CREATE TABLE measurement (
  name TEXT PRIMARY KEY, line INTEGER, data TEXT NOT NULL, run TEXT NOT NULL, state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  started REAL, ended REAL, seconds REAL,
  digest TEXT NOT NULL DEFAULT '', versions TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
  place TEXT NOT NULL DEFAULT '', pid INTEGER NOT NULL DEFAULT 0, mark TEXT NOT NULL DEFAULT ''
);
CREATE TABLE owner (
  one INTEGER PRIMARY KEY CHECK (one = 1), place TEXT NOT NULL, pid INTEGER NOT NULL, mark TEXT NOT NULL,
  since REAL NOT NULL, seen REAL NOT NULL
);
"""


@dataclass(frozen=True)
class Row:
    """One measurement in the ledger.

    Parameters
    ----------
    line
        In the catalog; None for one that the catalog no longer has.
    state
        `waiting`; `running`; `done`; `failed`: its input is wrong; `set aside`: it failed in every attempt.
    attempts, failures
        Under this digest; an attempt that was interrupted is no failure.
    started, ended, seconds
        Of the last attempt; seconds since 1970, and how long it took.
    digest
        What the run folder was made from, empty before the first attempt.
    """

    name: str
    line: int | None
    data: str
    run: str
    state: State
    attempts: int = 0
    failures: int = 0
    started: float | None = None
    ended: float | None = None
    seconds: float | None = None
    digest: str = ""
    versions: str = ""
    error: str = ""
    worker: Process | None = None


@dataclass(frozen=True)
class Owner:
    """The process that writes a ledger, since when, and its last sign of life, in seconds since 1970."""

    process: Process
    since: float
    seen: float

    @property
    def at_work(self) -> bool:
        """Whether it lives, as far as can be seen from here."""
        alive = is_alive(self.process)
        return time.time() - self.seen < SILENT_SECONDS if alive is None else alive

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"process {self.process.pid} on {self.process.host}, since {since}"


class Ledger:
    """A ledger; every change needs `claim` first.

    Parameters
    ----------
    path
        Of the file.
    new
        Make the file if there is none.

    Raises
    ------
    InputError
        There is no such file, or it is something else.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     ledger = Ledger(Path(folder, "ledger.sqlite"), new=True)
    ...     gone = ledger.claim()
    ...     ledger.plan([Row("A", 2, "data/A", "runs/A", "waiting")])
    ...     ledger.start("A", "0123", "{}", this_process())
    ...     ledger.end("A", "done")
    ...     ledger.release()
    ...     print(gone, [(row.name, row.state, row.attempts) for row in ledger.rows()])
    ...     ledger.close()
    None [('A', 'done', 1)]
    """

    def __init__(self, path: Path, *, new: bool = False) -> None:
        self.path = Path(path)
        self.me: Process | None = None
        self._last_beat = 0.0
        if not new and not self.path.is_file():
            raise InputError(f"no ledger {self.path}", "the folder of a batch", "check the path")
        if new and not self.path.exists():
            self._make()
        # As a URI, since a ledger that is only read must not be made.
        address = f"{self.path.resolve().as_uri()}?mode={'rwc' if new else 'rw'}"
        self._base = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        self._base.text_factory = lambda content: content.decode("utf-8", "backslashreplace")
        try:
            self._check_format(new)
        except BaseException:
            self._base.close()
            raise

    def _make(self) -> None:
        """An empty ledger, made beside its place: who reads meanwhile finds none, or a whole one."""
        with (
            contextlib.suppress(FileExistsError),
            atomic_file(self.path, replace=False) as temporary,
            contextlib.closing(sqlite3.connect(temporary)) as base,
        ):
            base.executescript(SCHEMA + f";PRAGMA user_version = {FORMAT};")

    def _check_format(self, new: bool) -> None:
        with self._translated_errors(), self._transaction(checked=False, write=new):
            (found,) = self._base.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in self._base.execute("SELECT name FROM sqlite_master")}
            if found != FORMAT or not {"measurement", "owner"} <= tables:
                raise InputError(
                    f"{self.path} of format {found}", f"a ledger of format {FORMAT}", "choose another --out"
                )

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def claim(self) -> Owner | None:
        """Become the process that writes; returns the owner before, if one ended without releasing the ledger.

        Raises
        ------
        BusyError
            Another process is at work.
        """
        me, now = this_process(), time.time()
        with self._transaction(checked=False):
            before = self.owner()
            if before is not None and before.at_work:
                unseen = (
                    "" if is_alive(before.process) else
                    f", or {SILENT_SECONDS / 60:.0f} minutes from its last sign of life if it has ended"
                )  # fmt: skip
                raise BusyError(
                    f"{self.path.parent}, on which {before} is at work",
                    "a batch on which no other process works",
                    f"wait until it ends{unseen}",
                )
            self._base.execute(
                "INSERT OR REPLACE INTO owner VALUES (1, ?, ?, ?, ?, ?)",
                (me.place, me.pid, me.mark, now, now),
            )
        self.me, self._last_beat = me, time.monotonic()
        return before

    def owner(self) -> Owner | None:
        """The process that writes, whether it lives or not."""
        with self._translated_errors():
            found = self._base.execute("SELECT place, pid, mark, since, seen FROM owner").fetchone()
        return None if found is None else Owner(Process(*found[:3]), *found[3:])

    def beat(self) -> None:
        """Say that the owner lives, if it is time to."""
        if time.monotonic() - self._last_beat > BEAT_SECONDS:
            with self._transaction():
                self._base.execute("UPDATE owner SET seen = ?", (time.time(),))
            self._last_beat = time.monotonic()

    def release(self) -> None:
        """Let other processes write; what was running is waiting again."""
        with self._transaction():
            self._base.execute("UPDATE measurement SET state = 'waiting' WHERE state = 'running'")
            self._base.execute("DELETE FROM owner")
        self.me = None

    def rows(self) -> list[Row]:
        """All measurements, in the order of the catalog; those that it no longer has come last."""
        with self._translated_errors():
            found = self._base.execute(
                "SELECT name, line, data, run, state, attempts, failures, started, ended, seconds, digest, versions,"
                " error, place, pid, mark FROM measurement ORDER BY line IS NULL, line, name"
            ).fetchall()
        return [replace(Row(*one[:13]), worker=Process(*one[13:]) if one[14] else None) for one in found]

    def plan(self, rows: Iterable[Row]) -> None:
        """Make the ledger hold what a catalog has; of a row that is there, `digest`, times and worker are kept."""
        with self._transaction():
            self._base.execute("UPDATE measurement SET line = NULL")
            self._base.executemany(
                "INSERT INTO measurement (name, line, data, run, state, attempts, failures, error)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET line = excluded.line,"
                " data = excluded.data, run = excluded.run, state = excluded.state, attempts = excluded.attempts,"
                " failures = excluded.failures, error = excluded.error",
                [
                    (r.name, r.line, _text(r.data), r.run, r.state, r.attempts, r.failures, r.error)
                    for r in rows
                ],
            )

    def start(self, name: str, digest: str, versions: str, worker: Process) -> None:
        """An attempt begins."""
        with self._transaction():
            self._base.execute(
                "UPDATE measurement SET state = 'running', attempts = attempts + 1, started = ?, ended = NULL,"
                " seconds = NULL, digest = ?, versions = ?, place = ?, pid = ?, mark = ? WHERE name = ?",
                (time.time(), digest, versions, worker.place, worker.pid, worker.mark, name),
            )

    def end(self, name: str, state: State, error: str = "") -> None:
        """An attempt ended; with an error it is a failure, whatever comes next."""
        now = time.time()
        with self._transaction():
            self._base.execute(
                "UPDATE measurement SET state = ?, error = ?, failures = failures + ?, ended = ?,"
                " seconds = ? - started WHERE name = ?",
                (state, _text(error), int(bool(error)), now, now, name),
            )

    @contextmanager
    def _transaction(self, *, checked: bool = True, write: bool = True) -> Iterator[None]:
        """All of it or nothing; refused to a process that is not the owner, or not any more."""
        with self._translated_errors():
            self._base.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                if checked:
                    owner = self.owner()
                    if self.me is None or owner is None or owner.process != self.me:
                        now = "nobody" if owner is None else str(owner)
                        raise ComputationError(
                            f"{self.path}, taken over by {now}",
                            "a ledger of this process alone",
                            "look at that process",
                        )
                yield
                self._base.execute("COMMIT")
            finally:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn errors of SQLite into errors of this program."""
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, disk full, not writable
            raise ComputationError(
                f"{self.path}: {error}", "a file that can be written", "check the disk, and start again"
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter from its messages on damage
            raise InputError(
                f"{self.path}: {error}", "the ledger of a batch", "choose another --out"
            ) from error


def _text(found: str) -> str:
    """A path may hold bytes that are no text; they become their numbers."""
    return found.encode("utf-8", "backslashreplace").decode("utf-8")


def counts(rows: Iterable[Row]) -> Mapping[State, int]:
    """How many measurements of the catalog are in each state.

    Examples
    --------
    >>> counts([Row("A", 1, "", "", "done"), Row("B", None, "", "", "failed")])["done"]
    1
    """
    states = [row.state for row in rows if row.line is not None]
    return {state: states.count(state) for state in STATES}
