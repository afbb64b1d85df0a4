"""The lock of a folder, and the process that owns it: seen by others as alive, dead, or out of sight."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from xafsflow.errors import BusyError, InputError
from xafsflow.files import refuse_links, write_atomically
from xafsflow.progress import ProgressCallback, no_progress

PROC = Path("/proc")
# The file that says which process works in the folder of a run.
LOCK = "run.lock"


@dataclass(frozen=True)
class Process:
    """A process: where it runs, its number, and when it was started, for the system uses numbers again.

    Parameters
    ----------
    place
        See `place`.
    pid
        Its number.
    mark
        See `started`.
    """

    place: str
    pid: int
    mark: str

    @property
    def host(self) -> str:
        """The name of its machine."""
        return self.place.partition(" ")[0]


def this_process() -> Process:
    """The process that asks.

    Examples
    --------
    >>> this_process().pid == os.getpid()
    True
    """
    return Process(place(), os.getpid(), started(os.getpid()) or "")


def place() -> str:
    """The name of this machine, and what tells it from others of its name and from containers on it."""
    parts = [socket.gethostname().replace(" ", "_")]
    try:
        parts.append((PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        # Containers on one machine number their processes each for themselves.
        parts.append(os.readlink(PROC / "self/ns/pid"))
    except OSError:
        pass  # not Linux: the name must do
    return " ".join(parts)


def started(pid: int) -> str | None:
    """When a process of this machine was started, in units of the system; None where none lives.

    Examples
    --------
    >>> started(os.getpid()) == started(os.getpid()) is not None
    True
    >>> started(2**22 + 1) is None
    True
    """
    if (PROC / "self/stat").exists():
        # Not `psutil.Process(pid).create_time()`, which adds the time of the boot by the clock: when the clock is set,
        # a living process would look like another one, and its lock would be taken from it. Ticks since boot stay.
        try:
            text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The name of the command, in brackets, may hold anything; after it come the state and the numbers.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None


def is_alive(process: Process) -> bool | None:
    """Whether a process lives; None where that cannot be seen from here.

    Examples
    --------
    >>> is_alive(this_process()), is_alive(Process("elsewhere", 1, ""))
    (True, None)
    """
    if process.place != place():
        return None
    return started(process.pid) == process.mark


def lock_text(process: Process) -> str:
    """What a lock holds: the process that owns it, as JSON."""
    return json.dumps(asdict(process))


def lock_owner(content: str | bytes, lock: Path | str) -> Process:
    """The process that owns a lock with this content.

    Raises
    ------
    InputError
        It is no lock; names `lock`.
    """
    try:
        return Process(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{lock}: {error}", "a lock of xafsflow", "remove it if no run is at work"
        ) from error


def refuse_living(owner: Process, where: str, lock: Path | str) -> None:
    """Refuse to work where another process does, or may: only a process seen to be dead has lost its lock.

    Parameters
    ----------
    owner
        Of the lock.
    where
        Said of it, as `in FOLDER`.
    lock
        The path or URL of the lock.

    Raises
    ------
    BusyError
        Says which process owns the lock.
    """
    alive = is_alive(owner)
    if alive is not False:
        seen = f"works {where}" if alive else f"may work {where} (it cannot be seen from here)"
        raise BusyError(
            f"process {owner.pid} on {owner.host}, which {seen}",
            "a place in which no other run is at work",
            f"wait for it, choose another --out, or remove {lock} if that process is gone",
        )


@contextmanager
def locked_folder(folder: Path, report_progress: ProgressCallback = no_progress) -> Iterator[None]:
    """Be the only process that works in a folder, which is made; the lock of a process that has died is taken over.

    The lock is a file that names its owner. A lock of the system (`flock`, as `filelock` has it) would end with its
    process, too, but on file systems over a network it may hold on one machine only, and this one is seen on all.

    Raises
    ------
    BusyError
        Another process works there or may.
    InputError
        It is no folder, or what is written there would go through a link.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, locked_folder(Path(folder)):
    ...     lock_owner(Path(folder, LOCK).read_text(), LOCK) == this_process()
    True
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}, which is a file", "a folder for the run", "choose another --out")
    refuse_links(folder)
    lock = folder / LOCK
    while True:
        try:
            # Whole when it has its name: a lock that can be read is complete.
            write_atomically(lock, lock_text(this_process()), replace=False)
            break
        except FileExistsError:
            _take_over(lock, report_progress)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _take_over(lock: Path, report_progress: ProgressCallback) -> None:
    try:
        content = lock.read_bytes()
    except FileNotFoundError:
        return  # just given back
    except OSError as error:
        raise InputError(
            f"{lock}: {error}", "a lock of xafsflow", "remove it if no run is at work"
        ) from error
    owner = lock_owner(content, lock)
    refuse_living(owner, f"in {lock.parent}", lock)
    report_progress(f"takes up the run of process {owner.pid}, which has died", None)
    lock.unlink(missing_ok=True)
