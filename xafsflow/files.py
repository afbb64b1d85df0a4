"""Which process is at work: told so that another one can see whether it still lives."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# The file that says which process works in the folder of a run.
LOCK = "run.lock"


@dataclass(frozen=True)
class Process:
    """A process: where it runs, its number, and when it was started, for numbers are given anew."""

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
        try:
            text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The name of the command, in brackets, may hold anything; after it come the state and the numbers.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    # No shell; `ps` stands on every Unix.
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


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


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection inside: modules make objects that stay, and looking through them took a fifth of the imports."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
