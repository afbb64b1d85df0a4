"""Tasks of a graph joined to fewer: each new one runs its members in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dask._task_spec import GraphNode, Task, TaskRef

Key = Any


def inputs_first(nodes: Mapping[Key, GraphNode], ends: Sequence[Key]) -> list[Key]:
    """What the ends need, every task after all that it takes, and as soon after these as can be."""
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


def users_of(nodes: Mapping[Key, GraphNode]) -> dict[Key, list[Key]]:
    """The tasks that take each task's result."""
    users: dict[Key, list[Key]] = {key: [] for key in nodes}
    for key, node in nodes.items():
        for needed in node.dependencies:
            users[needed].append(key)
    return users


def joined(
    nodes: Mapping[Key, GraphNode],
    users: Mapping[Key, Sequence[Key]],
    ends: Mapping[Key, Any],
    groups: Sequence[Sequence[Key]],
    names: Sequence[Key],
) -> tuple[dict[Key, GraphNode], list[list[Key]]]:
    """One task a group, and the members whose results each of them gives, in a tuple.

    Parameters
    ----------
    nodes
        By their keys.
    users
        As `users_of` gives them.
    ends
        Members whose results are wanted.
    groups
        Their members, each after what it takes; no group may need what needs it. A task without inputs can be a member of
        all the groups that take its result.
    names
        The keys of the groups.
    """
    home = {key: number for number, members in enumerate(groups) for key in members}
    held = [set(members) for members in groups]
    given = [
        [key for key in members if key in ends or any(key not in held[home[user]] for user in users[key])]
        for members in groups
    ]
    tasks: dict[Key, GraphNode] = {
        names[number]: _task(
            names[number], [nodes[key] for key in members], given[number], home, names, given
        )
        for number, members in enumerate(groups)
    }
    return tasks, given


def _task(
    name: Key,
    members: Sequence[GraphNode],
    wanted: Sequence[Key],
    home: Mapping[Key, int],
    names: Sequence[Key],
    given: Sequence[Sequence[Key]],
) -> Task:
    """One task that runs its members in turn, and forgets what is needed no more."""
    last = {needed: node.key for node in members for needed in node.dependencies}
    own, kept = {node.key for node in members}, set(wanted)
    steps = []
    for node in members:
        done = [key for key in node.dependencies if last[key] == node.key and key not in kept]
        steps.append((node, [key for key in done if key in own]))
    sources = list(dict.fromkeys(home[key] for key in last if key not in own))
    inputs = [TaskRef(names[source]) for source in sources]
    return Task(name, _run, steps, [given[source] for source in sources], wanted, *inputs)


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
