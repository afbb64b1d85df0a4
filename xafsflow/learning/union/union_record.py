"""What is told of a union: its scores, sets, twins and limits on the check patterns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.crystals import all_types, near_copies
from xafsflow.findings.union_findings import NetworkRecord, Twins, UnionFindings
from xafsflow.kernels.array_types import Doubles, Floats, Mask, Singles
from xafsflow.kernels.diffraction.log_places import highest_one, log_middles
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means
from xafsflow.learning.models.score_intervals import confusion_of
from xafsflow.learning.network.network_file import network_from_bytes
from xafsflow.learning.union.log_spacing import PLACES
from xafsflow.learning.union.pattern_samples import TRAIN, PatternSamples
from xafsflow.learning.union.twin_types import twin_pairs
from xafsflow.learning.union.union_model import FACTOR, UnionOfNetworks
from xafsflow.learning.union.union_scores import Checked, better_than_the_union, type_score


def union_record(
    union: UnionOfNetworks,
    samples: PatternSamples,
    light: float,
    group: NDArray[Any],
    seen: Checked,
    votes: Mapping[str, Floats],
    coverage: float,
    seed: int,
) -> UnionFindings:
    """What the check patterns tell of a union.

    Parameters
    ----------
    light
        Wavelength, Angstrom.
    group
        `(sample,)` species tuples.
    votes
        Of the union and of other methods, by name `(check, class)`.
    coverage
        What sets were asked for.
    """
    labels, tuples = samples.labels[seen.rows], group[seen.rows]
    possible = seen.known.possible
    inside = possible[np.arange(len(labels)), labels]
    confusion = confusion_of(seen.known.votes, labels)
    copies = _copies(union.types, samples.kind[seen.background])
    others = ~np.isin(samples.kind[seen.background], [name for names in copies.values() for name in names])
    return UnionFindings(
        types=tuple(union.types),
        networks=tuple(_network(one, samples) for one in union.contents),
        training_patterns=len(samples.rows(TRAIN)),
        check_patterns=len(labels),
        weights=union.score,
        table={name: type_score(one, labels, tuples, seed) for name, one in votes.items()},
        better=better_than_the_union(votes, labels, tuples, seed),
        confusion=confusion,
        twins=tuple(Twins(union.types[a], union.types[b], share) for a, b, share in twin_pairs(confusion)),
        coverage=coverage,
        observed_coverage=float(inside.mean()),
        class_coverage=np.array([_mean(inside[labels == one]) for one in range(len(union.types))]),
        set_size=float(possible.sum(axis=1).mean()),
        refused_known=float(seen.known.unlike.mean()),
        refused_unknown=_mean(seen.strange.unlike),
        near_copies=copies,
        refused_others=_mean(seen.strange.unlike[others]),
        mixed_known=float(seen.known.mixed.mean()),
        mixed_found=_mean(seen.mixed.mixed),
        places=2 * np.exp(log_middles(angles_of_means(union.two_theta, FACTOR), PLACES)) / light,
        means=_shown(union.templates),
    )


def _network(content: bytes, samples: PatternSamples) -> NetworkRecord:
    about = network_from_bytes(content)[1]
    own = [samples.types.index(name) for name in about["types"]]
    learnt = np.isin(samples.labels[samples.rows(TRAIN)], own).sum()
    return NetworkRecord(tuple(about["types"]), int(learnt), int(about["epochs"]), float(about["loss"]))


def _copies(types: list[str], background: NDArray[np.str_]) -> dict[str, tuple[str, ...]]:
    """Background types that are near copies of known ones, of those whose structure is known."""
    named = set(all_types())
    others = [name for name in dict.fromkeys(background.tolist()) if name in named]
    known = [name for name in types if name in named]
    found = near_copies(known, others) if known and others else {}
    return {name: tuple(copies) for name, copies in found.items()}


def _mean(values: Mask) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _shown(templates: Singles) -> Doubles:
    """Mean patterns over the measured range, the highest point one."""
    shift = (templates.shape[1] - PLACES) // 2
    return highest_one(templates[:, shift : shift + PLACES].astype(np.float64))
