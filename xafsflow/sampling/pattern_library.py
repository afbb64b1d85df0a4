"""A library of patterns with known structure types to samples for a union of networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Integers, Singles
from xafsflow.kernels.diffraction.log_places import log_edges, onto_places
from xafsflow.kernels.diffraction.prepared_pattern import angles_of_means, prepared
from xafsflow.learning.models.signature import SAME_PLACE, Signature
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.learning.union.baselines import PatternTable, pattern_table
from xafsflow.learning.union.log_spacing import PLACES
from xafsflow.learning.union.pattern_samples import BACKGROUND, PatternSamples, parts_of
from xafsflow.learning.union.union_model import FACTOR

LEAST_TYPES = 2


@dataclass(frozen=True, eq=False)
class PatternLibrary:
    """Samples of a library of patterns, and what else is known of them.

    `two_theta` (point,) degrees, `wavelength` in Angstrom, `group` (sample,) species tuples, and `ratios` (class,).
    """

    samples: PatternSamples
    two_theta: Doubles
    wavelength: float
    group: NDArray[np.str_]
    ratios: list[str]
    spectra: xr.Dataset

    def table(self, rows: Integers) -> PatternTable:
        """Some of the patterns as simple methods read them."""
        found = [
            pattern_table(self.two_theta, np.asarray(self.spectra.mu.data[rows[part]]), FACTOR)
            for part in row_blocks(len(rows), len(self.two_theta))
        ]
        return PatternTable(
            found[0].two_theta,
            *(
                np.concatenate([getattr(one, name) for one in found])
                for name in ("prepared", "places", "heights")
            ),
        )


def pattern_library(spectra: xr.Dataset, label: str, types: list[str] | None, seed: int) -> PatternLibrary:
    """Samples of a library, read in blocks of patterns.

    Parameters
    ----------
    label
        The label of the structure type.
    types
        Those that are known, in this order; None: all that are no `background`, in the order in which they come.
    seed
        Of the split by species tuple.

    Raises
    ------
    InputError
        It is no library of patterns, has no such label or no wavelength, or knows fewer than two types.
    """
    check_patterns(spectra, label)
    two_theta = spectra.two_theta.values.astype(np.float64)
    kind = spectra[label].values.astype(str)
    aside = (
        spectra["background"].values.astype(bool) if "background" in spectra else np.zeros(len(kind), bool)
    )
    known = list(dict.fromkeys(kind[~aside].tolist())) if types is None else types
    if len(known) < LEAST_TYPES:
        raise InputError(f"{len(known)} structure types", "two or more", "give a library of more types")
    number = {name: place for place, name in enumerate(known)}
    labels = np.array([number.get(name, BACKGROUND) for name in kind.tolist()], np.int64)
    group = spectra.group.values.astype(str)
    samples = PatternSamples(
        sequences=_sequences(spectra, two_theta),
        types=known,
        labels=labels,
        part=parts_of(group, kind, labels == BACKGROUND, seed),
        kind=kind,
    )
    return PatternLibrary(
        samples, two_theta, float(spectra.wavelength), group, _ratios(spectra, kind, known), spectra
    )


def check_patterns(spectra: xr.Dataset, label: str | None = None) -> None:
    """Refuse a library that is none of diffraction patterns at a wavelength, or has not that label.

    Raises
    ------
    InputError
        It is none.
    """
    if "two_theta" not in spectra.coords or "mu" not in spectra:
        raise InputError(
            "a library of spectra",
            "one of patterns over two_theta",
            "make it with ingest.structure_patterns or ingest.patterns",
        )
    if "wavelength" not in spectra:
        raise InputError(
            "patterns without a wavelength",
            "a scalar variable `wavelength`, Angstrom",
            "tell it where they are read",
        )
    if label is not None and label not in spectra:
        others = [str(name) for name, one in spectra.data_vars.items() if one.attrs.get("role") == "label"]
        raise InputError(
            f"patterns without the label {label}",
            f"one of {', '.join(others)}" if others else "a label with the structure type of each",
            "name the label, or a table with it in ingest.patterns",
        )


def check_fits(signature: Signature, spectra: xr.Dataset, label: str | None) -> None:
    """Refuse patterns that a model may not be asked about.

    Raises
    ------
    InputError
        They are no patterns, lack the label, or are at another wavelength or over other angles than those of the training.
    """
    check_patterns(spectra, label)
    signature.check_wavelength(float(spectra.wavelength))
    on_the_grid_of(signature, spectra)


def on_the_grid_of(signature: Signature, spectra: xr.Dataset) -> None:
    """Refuse patterns over other angles than those of a model.

    Raises
    ------
    InputError
        They are.
    """
    own, wanted = spectra.two_theta.values, signature.values
    if len(own) != len(wanted) or np.abs(own - wanted).max() > SAME_PLACE:
        step = wanted[1] - wanted[0]
        raise InputError(
            f"{len(own)} angles from {own[0]:g} to {own[-1]:g} degrees",
            f"{len(wanted)} from {wanted[0]:g} to {wanted[-1]:g} in steps of {step:g}, which the model was trained on",
            f"read or make them so: span [{wanted[0]:g}, {wanted[-1]:g}] in ingest.patterns, the same range in "
            f"ingest.structure_patterns, step {step:g}",
        )


def _sequences(spectra: xr.Dataset, two_theta: Doubles) -> Singles:
    edges = log_edges(angles_of_means(two_theta, FACTOR), PLACES)
    found = np.empty((spectra.sizes["sample"], PLACES), np.float32)
    for part in row_blocks(*spectra.mu.shape):
        counts = np.asarray(spectra.mu.data[part], np.float32)
        found[part] = onto_places(prepared(two_theta, counts, FACTOR), edges)
    return found


def _ratios(spectra: xr.Dataset, kind: NDArray[np.str_], types: list[str]) -> list[str]:
    """The ratio of elements of each type; empty where the library does not tell it."""
    if "ratio" not in spectra:
        return ["" for _ in types]
    told = dict(zip(kind.tolist(), spectra.ratio.values.astype(str).tolist(), strict=True))
    return [told[name] for name in types]
