"""What a union of networks says of measured patterns, and how often it is right where their types are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.findings.union_findings import PatternAnswer, PatternAnswers
from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.models.model import Model, StoredModel
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.learning.union.judged_patterns import Judged, judged, union_in
from xafsflow.learning.union.known_composition import RatioError, type_weights
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.sampling.pattern_library import check_fits
from xafsflow.step_table import step

# The likeliest types that are told of each pattern.
SHOWN = 5
# Twins of the answer are possible, too, with a vote above this.
TWIN = 0.01


@step(makes="findings", section="pattern_answers")
def patterns(
    spectra: xr.Dataset,
    model: Model | StoredModel,
    /,
    *,
    label: str | None = "structure_type",
    ratio: str | None = None,
    elements: list[str] | None = None,
) -> PatternAnswers:
    """The structure type of each pattern by a union of networks, what else is possible, and whether to believe it.

    Parameters
    ----------
    label
        The label with the types that are known, for the score; patterns without one are answered as well. None, or patterns
        without any labels: no score.
    ratio
        What is known of all compounds beside the patterns: their ratio of elements, such as `AB2`, or a formula, such as
        `TiO2`. Types that do not have it are out. Without it, a label `ratio` of measured patterns tells it for each; one
        with a ratio that no type has is none of the known types.
    elements
        The elements of all compounds; types with more kinds of sites than these count less. Without it, a label `elements`
        of measured patterns, such as `Zn S`, tells them for each.

    Returns
    -------
    PatternAnswers
        For each pattern the type, its vote, the set of possible types, and whether it is none of the known types or two.

    Raises
    ------
    InputError
        The model is no union; the patterns are on another grid or at another wavelength, or have labels without that one; a
        ratio is none, or no type has that of all compounds.
    """
    known = model.load() if isinstance(model, StoredModel) else model
    union = union_in(known)
    check_fits(known.signature, spectra, label if _labels(spectra) else None)
    truth = _texts(spectra, label)
    prior, foreign = _weights(union, spectra, ratio, elements)
    answers = []
    for part in row_blocks(*spectra.mu.shape):
        found = judged(known, np.asarray(spectra.mu.data[part], np.float32), prior[part])
        found = replace(found, unlike=found.unlike | foreign[part])
        rows = range(*part.indices(len(truth)))
        answers += [
            _answer(union, found, place, _name(spectra, row), truth[row]) for place, row in enumerate(rows)
        ]
    return _scored(answers, union)


def _labels(spectra: xr.Dataset) -> list[str]:
    """The labels of patterns, but for the name of their file."""
    return [
        str(name)
        for name, one in spectra.data_vars.items()
        if name != "file" and one.attrs.get("role") == "label"
    ]


def _texts(spectra: xr.Dataset, name: str | None) -> list[str]:
    """A label of each pattern as text; empty where there is none."""
    if name is None or name not in spectra:
        return [""] * spectra.sizes["sample"]
    found = [str(one).strip() for one in spectra[name].values.tolist()]
    return ["" if one.lower() in ("nan", "none", "?") else one for one in found]


def _name(spectra: xr.Dataset, row: int) -> str:
    if "file" in spectra:
        return str(spectra.file.values[row])
    formula = f" {spectra.formula.values[row]}" if "formula" in spectra else ""
    return f"{row}{formula}"


def _weights(
    union: UnionOfNetworks, spectra: xr.Dataset, ratio: str | None, elements: list[str] | None
) -> tuple[Doubles, Mask]:
    """`(sample, class)`: how well each type fits what is known of each pattern; `(sample,)`: its own ratio fits none."""
    count = spectra.sizes["sample"]
    found, foreign = np.ones((count, len(union.types))), np.zeros(count, bool)
    told = "file" in spectra  # labels of measured patterns were written to be used
    ratios = _texts(spectra, "ratio" if told and ratio is None else None)
    lists = _texts(spectra, "elements" if told and elements is None else None)
    for row in range(count):
        own: Any = lists[row].replace(",", " ").split() or elements
        try:
            if ratios[row] or ratio or own:
                found[row] = type_weights(union.ratios, ratios[row] or ratio, own)
        except InputError as error:
            if not ratios[row]:
                raise
            if not isinstance(error, RatioError):
                name = _name(spectra, row)
                raise InputError(f"{error.found} of {name}", error.expected, error.action) from error
            foreign[row] = True
    return found, foreign


def _answer(union: UnionOfNetworks, found: Judged, place: int, name: str, truth: str) -> PatternAnswer:
    votes = found.votes[place]
    order = np.argsort(-votes, kind="stable")
    best = int(order[0])
    possible = found.possible[place].copy()
    possible[best] = True
    possible[[one for one in union.twins[best] if votes[one] > TWIN]] = True
    in_set = [one for one in order if possible[one]]
    return PatternAnswer(
        name=name,
        answer=union.types[best],
        vote=float(votes[best]),
        possible=tuple(union.types[one] for one in in_set),
        candidates=tuple(union.types[one] for one in order[:SHOWN]),
        votes=votes[order[:SHOWN]],
        confidence=float(found.parts.confidence[place, best]),
        likeness=float(found.parts.likeness[place, best]),
        unlike=bool(found.unlike[place]),
        mixed=bool(found.mixed[place]),
        truth=truth,
        known=truth in union.types,
    )


def _scored(answers: list[PatternAnswer], union: UnionOfNetworks) -> PatternAnswers:
    labelled = [one for one in answers if one.truth in union.types]
    foreign = [one for one in answers if one.truth and one.truth not in union.types]

    def share(right: list[bool]) -> float:
        return float(np.mean(right)) if right else float("nan")

    return PatternAnswers(
        answers=tuple(answers),
        labelled=len(labelled),
        top1=share([one.answer == one.truth for one in labelled]),
        top3=share([one.truth in one.candidates[:3] for one in labelled]),
        in_set=share([one.truth in one.possible for one in labelled]),
        unknown_labelled=len(foreign),
        refused=share([one.unlike for one in foreign]),
    )
