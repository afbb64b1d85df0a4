"""A union of networks that tells structure types from diffraction patterns, and more types for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.kernels.array_types import Floats
from xafsflow.learning.models.model import Model, StoredModel
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.network.network_training import Training
from xafsflow.learning.union import baselines as simple
from xafsflow.learning.union.assembly import assembled, check_types, learnt_limits, mean_patterns
from xafsflow.learning.union.group_training import (
    OTHERS,
    OTHERS_OF_ADDED,
    groups_by_likeness,
    rows_for,
    trained_network,
)
from xafsflow.learning.union.judged_patterns import union_in
from xafsflow.learning.union.pattern_samples import TRAIN
from xafsflow.learning.union.union_model import Parts, UnionOfNetworks, votes_of
from xafsflow.learning.union.union_record import union_record
from xafsflow.learning.union.union_scores import Checked, checked, parts_votes
from xafsflow.progress import tell
from xafsflow.sampling.pattern_library import PatternLibrary, check_fits, pattern_library
from xafsflow.step_table import step
from xafsflow.steps.train.train_model import versions

ONE = "one_network"
if TYPE_CHECKING:
    Method: TypeAlias = str
else:  # the names in the table, so that recipes and help know them
    Method: TypeAlias = Literal[(*simple.BASELINES, ONE)]
Share = Annotated[float, Field(gt=0, lt=1)]
# Types for each network where their number is not told.
TYPES_A_NETWORK = 12


@step(makes=("model", "findings"), section="structure_types")
def union(
    spectra: xr.Dataset,
    /,
    *,
    label: str = "structure_type",
    networks: Annotated[int, Field(ge=1)] | list[list[str]] | None = None,
    epochs: Annotated[int, Field(ge=1)] = 15,
    patience: Annotated[int, Field(ge=1)] = 5,
    rate: Share = 0.004,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    coverage: Share = 0.95,
    refuse: Share = 0.05,
    beside: list[Method] = ["nearest_mean", "log_d_correlation", "forest_peaks", "forest_binned"],  # noqa: B006
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[Model, UnionFindings]:
    """Train a union of residual networks that tells the structure type from a diffraction pattern (extra `nets`).

    The types are split into groups, those with like patterns together; each group has a network, which also learns to say
    "other" to patterns of the other groups and of background types, which are never answered. The vote for a type is made
    of the confidence of its network (local) and the likeness to its mean pattern (global), with weights that are learnt.
    After Chen and others, J. Am. Chem. Soc. 146, 8098 (2024).

    Species tuples are split: 65 % are learnt from, 7 % end the training, on 14 % weights, sets and limits are learnt, and
    14 % are for the check alone. Of background types the same, by type. A network is kept in the cache folder by all that
    made it, and found again; one that was killed goes on behind its last epoch.

    Parameters
    ----------
    label
        The label that holds the structure type.
    networks
        How many; or the groups of types, by name; None: one for about twelve types.
    epochs, patience
        Times that all patterns are seen at most, and without a smaller loss of those held out.
    rate, dropout
        Largest learning rate, and the share of values that is dropped.
    coverage
        How often the true type is to be in the set of possible types.
    refuse
        Share of the patterns of known types that may be called none of these, or two types: the limits are set so.
    beside
        Simple methods that are trained and scored beside it; `one_network` is a network for all types that
        sees as many patterns as all networks of the union.
    seed
        Of the split and of the networks.

    Returns
    -------
    Model, UnionFindings
        For `classify.model` and `judge.patterns`, on patterns over the same grid at the same wavelength (`derive.resample`,
        `ingest.patterns`).

    Raises
    ------
    InputError
        Torch is not installed; it is no library of patterns; a type is in no group or in two, or has too few patterns.
    """
    tell("reading patterns")
    library = pattern_library(spectra, label, None, seed)
    check_types(library.samples)
    tell("reading patterns", 1.0)
    training = Training(epochs=epochs, patience=patience, rate=rate, dropout=dropout)
    types = library.samples.types
    named = _named(types, networks) if isinstance(networks, list) else None
    templates = mean_patterns(library.samples, library.two_theta)
    count = -(-len(types) // TYPES_A_NETWORK) if not isinstance(networks, int) else networks
    groups = named or groups_by_likeness(templates, count)
    files = _trained(library, groups, training, seed)
    trained = assembled(library.samples, library.two_theta, files, templates, library.ratios)
    return _finished(library, *trained, (coverage, refuse), groups, beside, training, seed)


@step(makes=("model", "findings"), section="structure_types")
def extend(
    model: Model | StoredModel,
    spectra: xr.Dataset,
    /,
    *,
    label: str = "structure_type",
    epochs: Annotated[int, Field(ge=1)] = 15,
    patience: Annotated[int, Field(ge=1)] = 5,
    rate: Share = 0.004,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    coverage: Share = 0.95,
    refuse: Share = 0.05,
) -> tuple[Model, UnionFindings]:
    """Add structure types to a union by one new network; the others, and the mean patterns of their types, stay as they are.

    Weights of the vote, sets and limits are learnt anew, on patterns of old and new types. The seed is that of the union:
    species tuples are split as they were, and what is checked was never learnt from.

    Parameters
    ----------
    label
        The label that holds the structure type.
    epochs, patience, rate, dropout
        Of the new network, as in `train.union`.
    coverage, refuse
        Of sets and limits, as in `train.union`.

    Raises
    ------
    InputError
        The model is no union, has another grid or wavelength, knows all types of the library, or one that the library lacks;
        a type has too few patterns.
    """
    known = model.load() if isinstance(model, StoredModel) else model
    before, seed = union_in(known), known.seed
    check_fits(known.signature, spectra, label)
    tell("reading patterns")
    library = _with_new_types(before, pattern_library(spectra, label, None, seed))
    check_types(library.samples)
    tell("reading patterns", 1.0)
    training = Training(epochs=epochs, patience=patience, rate=rate, dropout=dropout)
    new = list(range(len(before.types), len(library.samples.types)))
    templates = mean_patterns(library.samples, library.two_theta, kept=before.templates)
    files = [*before.contents, *_trained(library, [new], training, seed, OTHERS_OF_ADDED)]
    trained = assembled(library.samples, library.two_theta, files, templates, library.ratios)
    return _finished(library, *trained, (coverage, refuse), [new], [], training, seed)


def _with_new_types(before: UnionOfNetworks, library: PatternLibrary) -> PatternLibrary:
    """The library with the types of the union first, then its own new ones."""
    found = library.samples.types
    missing = [name for name in before.types if name not in found]
    new = [name for name in found if name not in before.types]
    if missing or not new:
        raise InputError(
            f"a library without {', '.join(missing)}" if missing else "a library of known types alone",
            "all types of the union, and new ones beside them",
            "make it with the old types, too: the new network has to learn that they are others",
        )
    types = [*before.types, *new]
    samples = library.samples.of_types(types)
    ratios = [*before.ratios, *(library.ratios[found.index(name)] for name in new)]
    return replace(library, two_theta=before.two_theta, samples=samples, ratios=ratios)


def _named(types: list[str], networks: list[list[str]]) -> list[list[int]]:
    """The groups of types that are told by name."""
    named = [name for group in networks for name in group]
    wrong = [name for name in named if name not in types or named.count(name) > 1]
    left = [name for name in types if name not in named]
    problems = [f"{name!r} twice or unknown" for name in wrong[:1]]
    problems += [f"{name!r} in none" for name in left[:1]]
    problems += [] if all(networks) else ["an empty group"]
    if problems:
        raise InputError(
            f"networks with {problems[0]}", f"each of {', '.join(types)} in one group", "mend networks"
        )
    return [[types.index(name) for name in group] for group in networks]


def _trained(
    library: PatternLibrary,
    groups: list[list[int]],
    training: Training,
    seed: int,
    others: tuple[float, float] = OTHERS,
) -> list[bytes]:
    """The file of a network for each group."""
    samples = library.samples
    made = []
    for number, group in enumerate(groups, 1):
        name = f"network {number} of {len(groups)} ({len(group)} types)"
        made.append(trained_network(samples, group, training, seed, name, others))
    return made


def _finished(
    library: PatternLibrary,
    trained: UnionOfNetworks,
    parts: Parts,
    wanted: tuple[float, float],
    groups: list[list[int]],
    beside: list[Method],
    training: Training,
    seed: int,
) -> tuple[Model, UnionFindings]:
    """The model with its limits, and what the check patterns tell of it."""
    samples = library.samples
    trust = learnt_limits(trained, samples, parts, *wanted, seed)
    types = list(trained.types)
    model = Model(
        learner="union",
        signature=Signature(
            "two_theta", "degree", library.two_theta, "mu", [], None, None, library.wavelength
        ),
        targets=Targets("classes", types, ["1"] * len(types), np.eye(len(types)), None, None, None),
        predictor=trained,
        trust=trust,
        importances=None,
        seed=seed,
        versions=versions(),
    )
    model.check()
    seen = checked(trained, trust, samples, seed)
    votes: dict[str, Floats] = dict(parts_votes(seen.known))
    simple_ones = [name for name in beside if name != ONE]
    tables = [library.table(rows) for rows in (samples.rows(TRAIN), seen.rows)] if simple_ones else []
    for name in beside:
        tell(name)
        if name == ONE:
            votes[name] = _of_one_network(library, trained, groups, seen, training, seed)
        else:
            votes[name] = simple.baseline_votes(
                name,
                tables[0],
                samples.labels[samples.rows(TRAIN)],
                tables[1],
                n_classes=len(types),
                seed=seed,
            )
        tell(name, 1.0)
    return model, union_record(
        trained, samples, library.wavelength, library.group, seen, votes, wanted[0], seed
    )


def _of_one_network(
    library: PatternLibrary,
    trained: UnionOfNetworks,
    groups: list[list[int]],
    seen: Checked,
    training: Training,
    seed: int,
) -> Floats:
    """Votes for the check patterns of known types by one network, which learns for as long as all of the union."""
    samples = library.samples
    everything = [list(range(len(samples.types)))]
    rows = [sum(len(rows_for(samples, own, TRAIN, seed)[0]) for own in each) for each in (groups, everything)]
    alike = replace(training, epochs=round(training.epochs * rows[0] / rows[1]))
    files = _trained(library, everything, alike, seed)
    whole, _ = assembled(samples, library.two_theta, files, trained.templates, library.ratios)
    return votes_of(whole.parts(samples.sequences[seen.rows]), whole.score)
