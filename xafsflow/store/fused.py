"""Maps computed with two or three tasks a block, however many steps and maps there are.

Dask would make a task of every step, or fuse some and sort each of these anew whenever it runs: 20 ms a block, where the
kernels need 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask._task_spec import GraphNode, List, Task, TaskRef, convert_legacy_graph
from dask.base import get_scheduler, tokenize
from dask.core import flatten
from dask.highlevelgraph import HighLevelGraph

Key = Any


def compute_blocks(arrays: Mapping[str, xr.DataArray]) -> dict[str, Any]:
    """The values of arrays over y, x or `y_block`, `x_block`; what blocks at one place share is computed once.

    Runs on the active Dask client, else on threads or what the configuration names.

    Examples
    --------
    >>> image = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x")).chunk(x=2)
    >>> compute_blocks({"more": image + 1, "less": image - 1})["less"]
    array([[-1.,  0.,  1.],
           [ 2.,  3.,  4.]])
    """
    lazy = {name: array for name, array in arrays.items() if isinstance(array.data, da.Array)}
    found = {name: array.values for name, array in arrays.items() if name not in lazy}
    if not lazy:
        return found
    places: dict[tuple[int, ...], list[tuple[str, Key]]] = {}
    for name, array in lazy.items():
        for key in flatten(array.data.__dask_keys__()):
            places.setdefault(_place(array.dims, key), []).append((name, key))
    graph = HighLevelGraph.merge(*(array.data.__dask_graph__() for array in lazy.values()))
    nodes = convert_legacy_graph(graph.cull({key for keys in places.values() for _, key in keys}).to_dict())
    token = tokenize(*(array.data.name for array in lazy.values()))
    ends = {}
    for place, keys in places.items():
        end = (f"maps-{token}", *place)
        ends[end] = Task(end, _together, List(*(TaskRef(key) for _, key in keys)))
    tasks = fused(nodes, ends, token)
    results = _scheduler()(tasks, list(ends))
    found |= {name: np.empty(array.shape, array.dtype) for name, array in lazy.items()}
    starts = {name: [np.cumsum([0, *sizes]) for sizes in array.data.chunks] for name, array in lazy.items()}
    for keys, (values,) in zip(places.values(), results, strict=True):
        for (name, key), value in zip(keys, values, strict=True):
            corner = [start[n] for start, n in zip(starts[name], key[1:], strict=True)]
            found[name][tuple(slice(a, a + n) for a, n in zip(corner, value.shape, strict=True))] = value
    return found


def _scheduler() -> Any:
    from dask import threaded

    chosen = get_scheduler() or threaded.get
    return _on_threads if chosen is threaded.get else chosen


def _on_threads(tasks: Mapping[Key, GraphNode], ends: Sequence[Key]) -> Any:
    from dask import threaded
    from threadpoolctl import threadpool_limits

    # Blocks run side by side: threads of BLAS within them would only wait for each other.
    with threadpool_limits(1, "blas"):
        return threaded.get(tasks, ends)


def _place(dims: Sequence[Any], key: Key) -> tuple[int, ...]:
    """Where a block lies along y and x."""
    return tuple(n for dim, n in zip(dims, key[1:], strict=True) if dim in ("y", "x", "y_block", "x_block"))


def fused(nodes: Mapping[Key, GraphNode], ends: Mapping[Key, GraphNode], token: str) -> dict[Key, GraphNode]:
    """A graph with few tasks: each does everything whose results go to it alone, or to the same tasks as it.

    Parameters
    ----------
    nodes
        A graph; tasks that the ends do not need are left out.
    ends
        What takes its results; their tasks keep their keys and return a tuple of one.
    token
        Names the graph, for the keys of the new tasks.
    """
    order = _inputs_first({**nodes, **ends}, ends)
    # Culling goes by layers and leaves some tasks that nobody needs.
    nodes = {key: ends.get(key) or nodes[key] for key in order}
    users: dict[Key, list[Key]] = {key: [] for key in nodes}
    for key, node in nodes.items():
        for needed in node.dependencies:
            users[needed].append(key)
    joins = {key for key in nodes if key not in ends and _joins_blocks(nodes[key])}
    home: dict[Key, int] = {}
    groups: list[list[Key]] = []
    alike: dict[Any, int] = {}
    for key in reversed(order):
        homes = frozenset(home[user] for user in users[key])
        if len(homes) == 1 and joins.isdisjoint(users[key]):
            (number,) = homes
        else:
            # A group takes from groups that come after it only, so that there is no circle.
            place = key[-2:] if homes and isinstance(key, tuple) else key
            number = alike.setdefault((homes, place), len(groups))
        if number == len(groups):
            groups.append([])
        groups[number].append(key)
        home[key] = number
    names = [members[0] if members[0] in ends else (f"blocks-{token}", n) for n, members in enumerate(groups)]
    given: list[list[Key]] = [[] for _ in groups]
    for key, number in home.items():
        if key in ends or any(home[user] != number for user in users[key]):
            given[number].append(key)
    return {
        names[number]: _task(number, [nodes[key] for key in reversed(members)], home, names, given)
        for number, members in enumerate(groups)
    }


def _joins_blocks(node: GraphNode) -> bool:
    """Whether a task takes several blocks of an array: with all of these in one task, it would hold them all."""
    arrays = [key[0] for key in node.dependencies if isinstance(key, tuple)]
    return len(arrays) > len(set(arrays))


def _inputs_first(nodes: Mapping[Key, GraphNode], ends: Mapping[Key, GraphNode]) -> list[Key]:
    """Every task after all that it takes, and as soon after these as can be."""
    order: dict[Key, None] = {}
    waiting = list(ends)
    while waiting:
        key = waiting[-1]
        missing = [needed for needed in nodes[key].dependencies if needed not in order]
        if missing:
            waiting += missing
        else:
            order[waiting.pop()] = None
    return list(order)


def _task(
    number: int,
    members: Sequence[GraphNode],
    home: Mapping[Key, int],
    names: Sequence[Key],
    given: Sequence[Sequence[Key]],
) -> Task:
    """One task that runs its members in turn, and forgets what is needed no more."""
    last = {needed: node.key for node in members for needed in node.dependencies}
    kept = set(given[number])
    steps = []
    for node in members:
        done = [key for key in node.dependencies if last[key] == node.key and key not in kept]
        steps.append((node, [key for key in done if home[key] == number]))
    sources = list(dict.fromkeys(home[key] for key in last if home[key] != number))
    inputs = [TaskRef(names[source]) for source in sources]
    return Task(names[number], _run, steps, [given[source] for source in sources], given[number], *inputs)


def _run(
    steps: Sequence[tuple[GraphNode, Sequence[Key]]],
    received: Sequence[Sequence[Key]],
    wanted: Sequence[Key],
    *inputs: tuple[Any, ...],
) -> tuple[Any, ...]:
    values: dict[Key, Any] = {}
    for keys, results in zip(received, inputs, strict=True):
        values.update(zip(keys, results, strict=True))
    for node, done in steps:
        values[node.key] = node(values)
        for key in done:
            del values[key]
    return tuple(values[key] for key in wanted)


def _together(values: list[Any]) -> tuple[Any, ...]:
    return tuple(values)
