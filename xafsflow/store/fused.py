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
from dask.base import tokenize
from dask.core import flatten
from dask.highlevelgraph import HighLevelGraph

from xafsflow.store.groups import Key, inputs_first, joined, users_of
from xafsflow.store.parts import computed
from xafsflow.store.schedulers import client_of, scheduler


def compute_blocks(arrays: Mapping[str, xr.DataArray], together: int = 1) -> dict[str, Any]:
    """The values of arrays over y, x or `y_block`, `x_block`; what blocks at one place share is computed once.

    Runs on the active Dask client, in few tasks, else on threads or what the configuration names. `together` tells how many
    of such computations share that client at a time.

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
    results = _results(tasks, list(ends), token, together)
    found |= {name: np.empty(array.shape, array.dtype) for name, array in lazy.items()}
    starts = {name: [np.cumsum([0, *sizes]) for sizes in array.data.chunks] for name, array in lazy.items()}
    for keys, (values,) in zip(places.values(), results, strict=True):
        for (name, key), value in zip(keys, values, strict=True):
            corner = [start[n] for start, n in zip(starts[name], key[1:], strict=True)]
            found[name][tuple(slice(a, a + n) for a, n in zip(corner, value.shape, strict=True))] = value
    return found


def _results(tasks: Mapping[Key, GraphNode], ends: Sequence[Key], token: str, together: int) -> Sequence[Any]:
    """Of the ends: in parts on a cluster, else task by task."""
    from dask import threaded

    get = scheduler()
    client = client_of(get)
    if client is not None:
        return computed(client, tasks, ends, token, together)
    if getattr(get, "func", get) is not threaded.get:
        return tuple(get(tasks, list(ends)))
    from threadpoolctl import threadpool_limits

    # Blocks run side by side: threads of BLAS within them would only wait for each other.
    with threadpool_limits(1, "blas"):
        return tuple(get(tasks, list(ends)))


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
    order = inputs_first({**nodes, **ends}, list(ends))
    # Culling goes by layers and leaves some tasks that nobody needs.
    nodes = {key: ends.get(key) or nodes[key] for key in order}
    users = users_of(nodes)
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
    tasks, _ = joined(nodes, users, ends, [members[::-1] for members in groups], names)
    return tasks


def _joins_blocks(node: GraphNode) -> bool:
    """Whether a task takes several blocks of an array: with all of these in one task, it would hold them all."""
    arrays = [key[0] for key in node.dependencies if isinstance(key, tuple)]
    return len(arrays) > len(set(arrays))


def _together(values: list[Any]) -> tuple[Any, ...]:
    return tuple(values)
