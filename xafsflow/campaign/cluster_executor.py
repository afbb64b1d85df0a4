"""Measurements computed on a Dask cluster: a small one by one worker, the bands of a large one by all workers."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xafsflow.campaign.executors import Outcome, Task, Work
from xafsflow.locks import Process

if TYPE_CHECKING:
    from distributed import Client, Future

# Images of a measurement that all workers of a cluster take up together. At 0.1 core seconds for a block of 6 MB this is
# half a minute on one core: of less, its start is a good part, which no worker shortens; of more, a batch would end with
# one worker at work and the others idle.
LARGE_BYTES = 2 * 10**9


class DaskExecutor:
    """Workers of a Dask cluster: one task a measurement, which hands out the bands of a large one to all of them.

    Parameters
    ----------
    client
        Of the cluster.
    work
        As for `ProcessExecutor`.
    large_bytes
        Measurements with larger files are large.
    """

    def __init__(self, client: Client, work: Work, large_bytes: int = LARGE_BYTES) -> None:
        self._client, self._work, self._large = client, work, large_bytes
        self._futures: dict[Future, Task] = {}

    @property
    def busy(self) -> int:
        """See `Executor`."""
        return len(self._futures)

    def start(self, task: Task) -> Process:
        """See `Executor`."""
        future = self._client.submit(_on_worker, self._work, task, self._large, pure=False, retries=0)
        self._futures[future] = task
        return Process("", 0, "")

    def ended(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """See `Executor`."""
        import distributed

        if not self._futures:
            return []
        try:
            done = distributed.wait(list(self._futures), seconds, "FIRST_COMPLETED").done
        except TimeoutError:
            return []
        found = []
        for future in done:
            if future.status == "finished":
                outcome = future.result()
            else:  # its worker died too often, or the scheduler lost it
                error = future.exception() if future.status == "error" else future.status
                outcome = Outcome("failed", f"The task {future.key} ended with {error!r}.")
            found.append((self._futures.pop(future), outcome))
        return found

    def close(self) -> None:
        """See `Executor`."""
        self._client.cancel(list(self._futures))
        self._futures.clear()


def _on_worker(work: Work, task: Task, large_bytes: int) -> Outcome:
    """A measurement's blocks stay in its task, on this worker's threads; those of a large one go to all workers."""
    from distributed import get_worker, worker_client

    from xafsflow.blocks.where import computing_on

    if larger(Path(task.data), large_bytes):
        # The task leaves its thread to others as long as it waits for its blocks, so they find one on a single worker too.
        with worker_client() as client, computing_on(client):
            return work(task)
    with computing_on(None, get_worker().state.nthreads):
        return work(task)


def larger(folder: Path, size: int) -> bool:
    """Whether the files of a folder have more bytes than that.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     _ = Path(name, "image.tif").write_bytes(bytes(100))
    ...     larger(Path(name), 99), larger(Path(name), 100)
    (True, False)
    """
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it was removed meanwhile; whatever reads it will say so
                total += (Path(parent) / name).stat().st_size
        if total > size:
            return True
    return False
