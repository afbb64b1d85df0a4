"""Networks of a union, each trained by itself for a group of types and for "other"."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xafsflow import __version__
from xafsflow.errors import InputError
from xafsflow.files import cache_folder, write_atomically
from xafsflow.kernels.array_types import Indices, Singles
from xafsflow.kernels.diffraction.log_places import best_cosines, highest_one
from xafsflow.learning.models.model_cache import digest_of
from xafsflow.learning.network.folded_network import FoldedNetwork
from xafsflow.learning.network.network_file import network_from_bytes, network_to_bytes
from xafsflow.learning.network.network_training import Course, Training, train
from xafsflow.learning.network.torch_network import (
    Shape,
    folded_arrays,
    new_network,
    reproducible,
    torch_library,
)
from xafsflow.learning.union.log_spacing import template_lengths
from xafsflow.learning.union.pattern_doubt import mixture
from xafsflow.learning.union.pattern_samples import STOP, TRAIN, PatternSamples

# Another number for another way of training, or of what is told beside the weights.
MAKING = 2
# The stem looks at four peaks' widths and goes on by one; 80,000 weights.
SHAPE = Shape(stem=15, taps=5, widths=(24, 32, 48, 64), stride=4)
# Samples of "other" for each of the own types: of types that other networks know, and of background types. Of few of the
# first a network takes the types of the others for its own.
OTHERS = (0.5, 0.25)
# The same for a network that is added: those before have not seen its types, so that it alone can tell them apart.
OTHERS_OF_ADDED = (2.0, 0.25)
# Shares of the patterns that begin late and that end early in training; by how much of the places at most: from 10 to 90
# degrees, up to 29 degrees and from 60 degrees on.
IN_PART, LATEST, EARLIEST = 0.25, 0.5, 0.17
# Share of the patterns that are mixed with another one in training; of the intensity the pattern keeps half or more.
MIXED, LEAST_KEPT = 0.3, 0.5


def groups_by_likeness(templates: Singles, count: int) -> list[list[int]]:
    """Classes `(class, place)` in so many groups of like size, those with like mean patterns together.

    A network that knows two types tells them apart better than two that each know one.

    Examples
    --------
    >>> peaks = np.zeros((4, 60), "f4")
    >>> peaks[[0, 2], 30] = peaks[[1, 3], 30] = peaks[[1, 3], 45] = 1.0
    >>> groups_by_likeness(peaks, 2)
    [[0, 2], [1, 3]]
    """
    from scipy.cluster.hierarchy import average, leaves_list
    from scipy.spatial.distance import squareform

    if len(templates) < 3:
        order = np.arange(len(templates))
    else:
        shift = templates.shape[1] // 10
        inner = np.ascontiguousarray(templates[:, shift:-shift])
        alike = best_cosines(inner, templates, template_lengths(templates, inner.shape[1])).astype(float)
        apart = 1 - np.minimum((alike + alike.T) / 2, 1.0)
        np.fill_diagonal(apart, 0)
        order = leaves_list(average(squareform(apart, checks=False)))
    return [sorted(one.tolist()) for one in np.array_split(order, min(count, len(templates)))]


def rows_for(
    samples: PatternSamples,
    own: Sequence[int],
    part: int,
    seed: int,
    others: tuple[float, float] = OTHERS,
) -> tuple[Indices, Indices]:
    """Samples of a part that a network for the types `own` sees, and its outputs for them, the last one being "other".

    Of the types of other networks, and of the background, so many are drawn as `others` tells for each own one, the same
    number of each type.
    """
    output = np.full(len(samples.types) + 1, len(own))
    output[list(own)] = np.arange(len(own))
    of = output[samples.labels]  # the last one for the background, -1
    here = samples.part == part
    mine = np.flatnonzero(here & (of < len(own)))
    rows = [mine]
    for number, (share, known) in enumerate(zip(others, (True, False), strict=True)):
        rest = np.flatnonzero(here & (of == len(own)) & ((samples.labels >= 0) == known))
        rows.append(evenly_drawn(rest, samples.kind[rest], round(share * len(mine)), [seed, 21, number]))
    found = np.concatenate(rows)
    return found, of[found]


def evenly_drawn(rows: Indices, kind: NDArray[np.str_], count: int, seed: list[int]) -> Indices:
    """So many of the rows, or all: the first of each kind in an order that is drawn, then the second of each, and so on.

    Examples
    --------
    >>> evenly_drawn(np.arange(6), np.array(list("aaaabb")), 4, [0]).size
    4
    """
    _, of = np.unique(kind, return_inverse=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    turn = np.empty(len(rows), np.int64)
    for number in range(of.max(initial=-1) + 1):
        places = order[of[order] == number]
        turn[places] = np.arange(len(places))
    return rows[np.argsort(turn + rng.random(len(rows)), kind="stable")[:count]]


def measured_in_part(sequences: Singles, rng: np.random.Generator) -> Singles:
    """Sequences `(sample, place)` of which a quarter begins later and a quarter ends earlier, as measured patterns may.

    Examples
    --------
    >>> part = measured_in_part(np.ones((400, 100), "f4"), np.random.default_rng(0))
    >>> bool(0.2 < (part[:, 0] == 0).mean() < 0.3), bool((part[:, 60] == 1).all())
    (True, True)
    """
    count, places = sequences.shape
    ends = rng.random((4, count))
    first = np.where(ends[0] < IN_PART, ends[1] * LATEST, 0.0) * places
    last = np.where(ends[2] < IN_PART, 1 - ends[3] * EARLIEST, 1.0) * places
    place = np.arange(places)
    return highest_one(np.where((place >= first[:, None]) & (place < last[:, None]), sequences, 0))


def mixed_in_part(
    sequences: Singles, outputs: Indices, count: int, rng: np.random.Generator
) -> tuple[Singles, Singles]:
    """Sequences `(sample, place)` of which some are mixed with another one, and the share of each of `count` outputs.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found, share = mixed_in_part(np.eye(2, 30, dtype="f4")[[0, 1] * 50], np.array([0, 1] * 50), 2, rng)
    >>> mixed = (share > 0).all(axis=1)
    >>> bool(0 < mixed.sum() < 50), bool((found[mixed, :2] > 0).all()), bool((found[~mixed, :2].sum(axis=1) == 1).all())
    (True, True, True)
    """
    shares = np.eye(count, dtype=np.float32)[outputs]
    rows = np.flatnonzero(rng.random(len(sequences)) < MIXED)
    partner = rng.integers(len(sequences), size=len(rows))
    share = rng.uniform(LEAST_KEPT, 1, size=(len(rows), 1)).astype(np.float32)
    found = sequences.copy()
    found[rows] = mixture(sequences[rows], sequences[partner], share)
    shares[rows] = share * shares[rows] + (1 - share) * shares[partner]
    return found, shares


def as_measured(
    count: int, sequences: Singles, outputs: Indices, rng: np.random.Generator
) -> tuple[Singles, Singles]:
    """What a step of training sees of sequences `(sample, place)`: some are mixtures, some are measured in part."""
    mixed, shares = mixed_in_part(sequences, outputs, count, rng)
    return measured_in_part(mixed, rng), shares


def trained_network(
    samples: PatternSamples,
    own: Sequence[int],
    training: Training,
    seed: int,
    name: str,
    others: tuple[float, float] = OTHERS,
) -> bytes:
    """The file of a network for the types `own`; found again where it was trained before, or gone on with.

    Parameters
    ----------
    name
        What progress is told of.
    """
    types = [samples.types[one] for one in own]
    drawn = [rows_for(samples, own, part, seed, others) for part in (TRAIN, STOP)]
    rows, truth = (np.concatenate(both) for both in zip(*drawn, strict=True))
    held = samples.part[rows] == STOP
    table = samples.sequences[rows]
    kept = _kept(digest_of(__version__, MAKING, table, truth, held, types, vars(training), vars(SHAPE), seed))
    if kept is not None:
        with suppress(OSError, InputError):  # missing or damaged: trained again
            return _checked(kept.read_bytes(), types)
    torch = torch_library()
    with reproducible(torch, seed):
        module = new_network(torch, SHAPE, training.dropout, len(own) + 1)
        change = partial(as_measured, len(own) + 1)
        course = Course(torch, module, training, table, truth, held, change)
        train(course, name, None if kept is None else kept.with_suffix(".part"))
        beside = [one for one in samples.types if one not in types]
        about = {
            "types": types,
            "others": beside,
            "seed": seed,
            "epochs": course.epoch,
            "loss": float(course.best),
        }
        places = table.shape[1]
        found = FoldedNetwork.of_arrays(
            folded_arrays(module), SHAPE, np.zeros(places), np.ones(places), np.arange(len(own) + 1)
        )
        content = network_to_bytes(found, about)
    if kept is not None:
        with suppress(OSError):  # a folder that cannot be written to: nothing is cached
            write_atomically(kept, content)
    return content


def _kept(key: str) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / "networks" / f"{key}.safetensors"


def _checked(content: bytes, types: list[str]) -> bytes:
    if network_from_bytes(content)[1].get("types") != types:
        raise InputError("a network of other types", ", ".join(types), "train it again")
    return content
