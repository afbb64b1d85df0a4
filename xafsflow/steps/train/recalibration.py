"""A union held against a user's own measured patterns: sets and limits that are right for them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.crystals import type_named
from xafsflow.errors import InputError
from xafsflow.learning.models.model import Model, StoredModel
from xafsflow.learning.union.assembly import thresholds_by_class, with_limits
from xafsflow.learning.union.judged_patterns import doubts, union_in
from xafsflow.learning.union.union_model import votes_of
from xafsflow.sampling.pattern_library import check_fits
from xafsflow.step_table import step

Share = Annotated[float, Field(gt=0, lt=1)]


@step(makes="model")
def recalibrate(
    model: Model | StoredModel,
    spectra: xr.Dataset,
    /,
    *,
    label: str = "structure_type",
    coverage: Share = 0.95,
    refuse: Share = 0.05,
) -> Model:
    """Learn the sets of possible types, and the limits of doubt, on measured patterns whose types are known.

    Simulated patterns are not like those of a diffractometer in all respects: sets that hold the true type of 95 % of the
    first may hold less of the second. One threshold is learnt for all types, since measured patterns are few; networks and
    weights stay.

    Parameters
    ----------
    label
        The label that holds the structure type; patterns of unknown types are left out.
    coverage
        How often the true type is to be in the set of possible types.
    refuse
        Share of the patterns of known types that may be called none of these, or two types.

    Raises
    ------
    InputError
        The model is no union; the patterns are on another grid or at another wavelength; they are too few.
    """
    known = model.load() if isinstance(model, StoredModel) else model
    union = union_in(known)
    check_fits(known.signature, spectra, label)
    told = spectra[label].values.astype(str).tolist()
    kind = np.array([one if one in union.types else type_named(one) for one in told])
    rows = np.flatnonzero(np.isin(kind, union.types))
    least = math.ceil(max(coverage / (1 - coverage), (1 - refuse) / refuse) - 1e-9)
    if len(rows) < least:
        raise InputError(
            f"{len(rows)} patterns whose type the model knows",
            f"{least} or more for coverage {coverage:g} and refuse {refuse:g}",
            "give more patterns, or ask for less",
        )
    sequences = union.sequences(np.asarray(spectra.mu.data[rows], np.float32))
    parts = union.parts(sequences)
    votes = votes_of(parts, union.score)
    labels = np.array([union.types.index(name) for name in kind[rows].tolist()])
    own = votes[np.arange(len(rows)), labels]
    threshold = thresholds_by_class(own[:, None], np.zeros(len(rows), np.int64), coverage)
    trust = replace(known.trust, set_thresholds=np.repeat(threshold, len(union.types))[None])
    return replace(known, trust=with_limits(trust, doubts(trust, parts, votes, sequences), refuse))
