"""A band on a cluster: few tasks, each with all that some rows of blocks need, in place of two or three a block.

The one scheduler of a cluster needs about 2 ms a task, and what goes from task to task may go from worker to worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from dask._task_spec import GraphNode, Task
from dask.base import tokenize

from xafsflow.store.groups import Key, inputs_first, joined, users_of

# A thread that is done early, or comes late, finds another part or leaves it to the others.
PARTS_A_THREAD = 2


def bands_at_once(threads: int, rows: int, bands: int) -> int:
    """How many bands to compute at a time, so that all threads have parts of a row of blocks or more.

    Parameters
    ----------
    threads
        Of the cluster.
    rows
        Of blocks in a band.
    bands
        That are left.

    Examples
    --------
    >>> bands_at_once(2, 8, 60), bands_at_once(100, 8, 60), bands_at_once(100, 8, 7)
    (1, 25, 7)
    """
    return max(1, min(bands, -(-PARTS_A_THREAD * threads // rows)))


def parts_of_a_band(threads: int, together: int) -> int:
    """In how many parts a band goes to so many threads, which work on several bands together.

    Examples
    --------
    >>> parts_of_a_band(2, 1), parts_of_a_band(100, 25)
    (4, 8)
    """
    return max(1, -(-PARTS_A_THREAD * threads // together))


def computed(
    client: Any, tasks: Mapping[Key, GraphNode], ends: Sequence[Key], token: str, together: int
) -> list[Any]:
    """The results of the ends, from the workers of a cluster.

    Parameters
    ----------
    client
        Of the cluster.
    tasks, ends, token
        As of `in_parts`.
    together
        How many bands are computed at a time.
    """
    parts, held = in_parts(tasks, ends, parts_of_a_band(threads_of(client), together), token)
    found: dict[Key, Any] = {}
    for keys, results in zip(held.values(), client.get(parts, list(held)), strict=True):
        found.update(zip(keys, results, strict=True))
    return [found[end] for end in ends]


def threads_of(client: Any) -> int:
    """All threads of a cluster's workers, one at least: they may still be on their way."""
    return max(1, sum(client.nthreads().values()))


def in_parts(
    tasks: Mapping[Key, GraphNode], ends: Sequence[Key], count: int, token: str
) -> tuple[dict[Key, GraphNode], dict[Key, list[Key]]]:
    """A graph of parts, and of borders that two parts share.

    What one part alone needs is done in it. What two neighbors need (blocks within each other's halo, a reading of rows
    of both) is done once, in the task of their border: in both, parts of four rows would do half as much again of all
    that comes before a halo. What more of them need stays a task of its own: a sum over all blocks in one task would be
    work for one worker, with the others waiting. But images that all need, such as dark ones, are read by each: a
    scheduler gives a task to the worker that holds what it takes, and one worker would get all parts.

    Parameters
    ----------
    tasks
        As `fused` makes them.
    ends
        Those whose results are wanted, with their places along y and x behind the first entry of their keys.
    count
        Parts wanted. There are fewer where there are fewer blocks; they are of whole rows of blocks where these suffice.
    token
        Names the graph, for the keys of the new tasks.

    Returns
    -------
    tuple
        The graph, and for each of its parts the ends that it holds; its result has theirs in this order.
    """
    runs = _runs(ends, count)
    part_of = {end: number for number, run in enumerate(runs) for end in run}
    # From the last to the first, for the order begins with the last.
    order = inputs_first(tasks, [end for run in reversed(runs) for end in reversed(run)])
    users = users_of({key: tasks[key] for key in order})
    parts: dict[Key, frozenset[int]] = {}
    for key in reversed(order):
        own = {part_of[key]} if key in part_of else set()
        parts[key] = frozenset(own.union(*(parts[user] for user in users[key])))
    # A task needs what at least as many parts need, so no group of these needs what needs it.
    token = tokenize(token, len(runs))
    groups: dict[Key, list[Key]] = {(f"band-{token}", number): [] for number in range(len(runs))}
    common = {key for key in order if len(parts[key]) == len(runs) > 1 and _only_reads(tasks[key])}
    for number, key in enumerate(order):
        if key in common:
            continue
        few, last = sorted(parts[key]), max(parts[key])
        if len(few) == 1:
            name = (f"band-{token}", last)
        elif few == [last - 1, last]:
            name = (f"border-{token}", last)
        else:
            name = (f"blocks-{token}", number)
        group = groups.setdefault(name, [])
        group += [needed for needed in tasks[key].dependencies if needed in common and needed not in group]
        group.append(key)
    graph, given = joined(tasks, users, part_of, list(groups.values()), list(groups))
    return graph, dict(zip(list(groups)[: len(runs)], given, strict=False))


def _only_reads(task: GraphNode) -> bool:
    """Whether a task of `fused` takes nothing, and does nothing with what it gives; arrays in memory are none."""
    steps = task.args[0] if isinstance(task, Task) else ()
    return all(isinstance(node, Task) and not node.dependencies for node, _ in steps)


def _runs(ends: Sequence[Key], count: int) -> list[list[Key]]:
    """The ends in so many runs of about one length: of whole rows, else of blocks, row by row."""
    rows: dict[tuple[int, ...], list[Key]] = {}
    for end in sorted(ends, key=lambda key: tuple(key[1:])):
        rows.setdefault(end[1:2], []).append(end)
    units = list(rows.values())
    if len(units) < count:
        units = [[end] for row in units for end in row]
    count = min(count, len(units))
    edges = [number * len(units) // count for number in range(count + 1)]
    return [[end for unit in units[a:b] for end in unit] for a, b in pairwise(edges)]
