"""Regions of the scan itself as training spectra."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.scan_numbers import values_at
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Indices
from xafsflow.sampling.pixel_sample import rows_for
from xafsflow.sampling.signature_check import normalization_of
from xafsflow.step_table import Span, step

# Pixels of each region that are kept for checks, at most a third of what there is.
CHECKS = 500


@step(
    makes="samples",
    needs=["cluster_index", "{features}", "norm", "noise", "norm_noise", "e0"],
    example={"patterns": 20},
    axis="energy",
)
def regions(
    cube: xr.Dataset,
    /,
    *,
    features: Literal["norm", "dmude"] = "norm",
    patterns: Annotated[int, Field(ge=5)] = 1000,
    span: Span = (-20.0, 100.0),
    pixels: Annotated[int, Field(ge=100)] = 30_000,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """Measured spectra of the regions that derive.clusters found, as samples: each region is a reference of its own.

    A model of them carries the regions of one scan over to the next, whose clusters would come out otherwise. Fractions are
    votes for regions, not chemistry.

    Parameters
    ----------
    features
        Variable of the cube that the classifier will read.
    patterns
        Pixels of each region, at most.
    span
        Energies that become features, eV relative to the median e0; None is open.
    pixels
        About so many are looked at, in rows spread over the scan.
    seed
        Of the draw.

    Returns
    -------
    Dataset
        As train.mixtures gives it, but for `check_shift` and `again_features`, with references "region 1", "region 2", ...
        in the order of `cluster_index`; the check patterns are other pixels of the same regions.

    Raises
    ------
    InputError
        Fewer than two regions with 10 or more pixels each, or too few energies that all pixels have.
    """
    table, labels = _pixels(cube, features, pixels)
    energy = cube.energy.values
    known = [int(k) for k in np.unique(labels) if (labels == k).sum() >= 10]
    if len(known) < 2:
        raise InputError(
            f"{len(known)} regions with 10 or more of the {len(labels)} pixels looked at",
            "two or more",
            "look at more pixels, or find more clusters",
        )
    used, whole = _energies(energy, table, features, span)
    train, check = _split(labels, known, patterns, np.random.default_rng(seed))
    norm = [table["norm"][np.r_[a, b]].mean(axis=0, dtype=float) for a, b in zip(train, check, strict=True)]
    values = table[features][:, used]
    mean = [values[np.r_[a, b]].mean(axis=0, dtype=float) for a, b in zip(train, check, strict=True)]
    ours, others = np.concatenate(train), np.concatenate(check)
    one = np.eye(len(known))
    return xr.Dataset(
        {
            "features": (("sample", "feature"), values[ours]),
            "label": ("sample", np.repeat(np.arange(len(known)), [len(places) for places in train])),
            "noise": ("sample", table["noise"][ours].astype(float)),
            "composition": (("class", "reference"), one),
            "class_features": (("class", "feature"), np.array(mean)),
            "reference_norm": (("reference", "reference_energy"), np.array(norm)[:, whole]),
            "check_features": (("check", "feature"), values[others]),
            "check_composition": (("check", "reference"), np.repeat(one, [len(p) for p in check], axis=0)),
            "check_norm": (("check", "reference_energy"), table["norm"][others][:, whole]),
            "check_noise": (("check", "reference_energy"), table["norm_noise"][others][:, whole]),
        },
        coords={
            "energy": ("feature", energy[used]),
            "reference": [f"region {region + 1}" for region in known],
            "reference_energy": energy[whole],
        },
        attrs={
            "features": features,
            "normalization": json.dumps(normalization_of(cube, features)),
            "e0": float(np.nanmedian(table["e0"])),
            "seed": seed,
            "median_noise": float(np.median(table["noise"])),
        },
    )


def _pixels(cube: xr.Dataset, features: str, pixels: int) -> tuple[dict[str, Any], np.ndarray]:
    """Variables `(pixel, ...)` of pixels that have a region, and which one `(pixel,)`."""
    names = sorted({"norm", "norm_noise", "noise", "e0", "cluster_index", features})
    found = values_at({name: cube[name] for name in names}, rows_for(cube, pixels))
    labels = np.asarray(found.pop("cluster_index"))
    inside = labels >= 0
    table = {name: np.ascontiguousarray(np.asarray(array)[..., inside].T) for name, array in found.items()}
    return table, labels[inside]


def _split(
    labels: Indices, known: list[int], patterns: int, rng: np.random.Generator
) -> tuple[list[Indices], list[Indices]]:
    """Indices of the pixels of each region to train on, and of others to check on."""
    train, check = [], []
    for region in known:
        places = rng.permutation(np.flatnonzero(labels == region))
        checks = min(CHECKS, len(places) // 3)
        check.append(places[:checks])
        train.append(places[checks : checks + patterns])
    return train, check


def _energies(
    energy: np.ndarray, table: dict[str, Any], features: str, span: Span
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the energies that become features, and of those at which every pixel has `norm`."""
    whole = np.flatnonzero(np.isfinite(table["norm"] + table["norm_noise"]).all(axis=0))
    e0 = float(np.nanmedian(table["e0"]))
    low, high = (
        (end if limit is None else e0 + limit) for limit, end in zip(span, (-np.inf, np.inf), strict=True)
    )
    finite = np.isfinite(table[features]).all(axis=0)
    used = np.flatnonzero(finite & (energy >= low) & (energy <= high))
    if used.size < 3:
        problem = f"{used.size} energies between {low:g} and {high:g} eV that all pixels have"
        raise InputError(problem, "3 or more features", "widen span")
    return used, whole
