"""Which peaks of diffraction patterns spoke for the structure types that a union of networks answers."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.union_findings import PatternExplanation
from xafsflow.kernels.array_types import Singles
from xafsflow.learning.explanation.band_explainer import Group
from xafsflow.learning.explanation.peak_evidence import peak_evidence
from xafsflow.learning.models.model import Model, StoredModel
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.sampling.explained_spectra import SHOWN, By, image_groups, one_pixel
from xafsflow.step_table import step
from xafsflow.vocabulary import attributes, nearest

# Pixels that are looked at for what they have in common; a union takes some milliseconds for each.
LOOKED = 2_000


@step(makes="findings", section="peak_explanation")
def peaks(
    model: Model | StoredModel,
    spectra: xr.Dataset | None = None,
    cube: xr.Dataset | None = None,
    /,
    *,
    patterns: list[int | str] | None = None,
    pixel: tuple[int, int] | None = None,
    by: By = "answer",
    pixels: Annotated[int, Field(ge=1)] = 16,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> PatternExplanation:
    """Which peaks spoke for a structure type: in single patterns, in a pixel, and in parts of an image.

    Each peak that stands out of the noise is taken out of the prepared pattern, the strongest 25 of them; its effect is the
    fall of the logarithm of the vote of the type that is explained, the first answer. Beside it stand the mean pattern of
    the type at the size of the cell that fits best, and both parts of the score: the confidence of the network that knows
    the type, and the likeness to its mean pattern.

    Parameters
    ----------
    patterns
        Which patterns are explained, by their files or by their numbers from 0 on; None: the first eight.
    pixel
        y and x of a pixel of the cube.
    by
        Which pixels of the image are explained together: those that get the same `answer`, or those of the same `region`
        (`cluster_index` of `derive.clusters`).
    pixels
        Of each answer or region, drawn from rows spread over the scan.
    seed
        Of the pixels that are drawn.

    Raises
    ------
    InputError
        A model that is no union of networks; patterns over other angles or of another wavelength than the model's; a pattern
        or pixel that there is not; neither patterns nor a cube.
    """
    known = model.load() if isinstance(model, StoredModel) else model
    union = known.predictor
    if not isinstance(union, UnionOfNetworks):
        raise InputError(
            f"a model of {known.learner} over {known.signature.axis}",
            "a union of networks over two_theta, whose peaks can be taken out",
            "use judge.explanation for this model, or name a union with `use`",
        )
    notes: list[str] = []
    groups = _asked(spectra, known, patterns, notes)
    if pixel is not None:
        groups += _pixel(cube, pixel, known, notes)
    parts, left_out = image_groups(cube, known, by, pixels, seed, LOOKED)
    if not groups and cube is None:
        raise InputError(
            "no patterns to explain", "patterns, or a cube over two_theta", "add ingest.patterns"
        )
    evidence = [
        peak_evidence(union, group.name, group.spectra, group.outputs[0] if group.outputs else None)
        for group in [*groups, *parts]
    ]
    return PatternExplanation(tuple(evidence), (*notes, *left_out))


def _asked(
    spectra: xr.Dataset | None, known: Model, patterns: list[int | str] | None, notes: list[str]
) -> list[Group]:
    """The patterns that are explained one by one; each by its first answer."""
    if spectra is None:
        if patterns is not None:
            raise InputError("patterns by name, without any", "patterns (ingest.patterns)", "remove patterns")
        return []
    table = _patterns(spectra, known)
    names = [str(one) for one in spectra.file.values] if "file" in spectra else [""] * len(table)
    if patterns is None:
        chosen = list(range(min(SHOWN, len(table))))
        if len(table) > SHOWN:
            notes.append(
                f"Of {len(table)} patterns the first {SHOWN} are explained; `patterns` names others."
            )
    else:
        chosen = [_place(names, one) for one in patterns]
    return [Group(names[n] or f"pattern {n}", table[n : n + 1], ()) for n in chosen]


def _patterns(spectra: xr.Dataset, known: Model) -> Singles:
    """Patterns `(sample, point)` on the angles of the model."""
    signature = known.signature
    axis, variable = signature.axis, signature.variable
    if axis not in spectra or variable not in spectra:
        raise InputError(
            f"spectra without {variable} over {axis}", "patterns (ingest.patterns)", "name them with `use`"
        )
    unit = str(spectra[axis].attrs.get("units") or attributes(axis).get("units", ""))
    places = signature.places_on(axis, unit, spectra[axis].values.astype(np.float64))
    signature.check_wavelength(float(spectra.wavelength) if "wavelength" in spectra else None)
    return np.ascontiguousarray(spectra[variable].values[:, places], np.float32)


def _place(names: list[str], chosen: int | str) -> int:
    """The place of a pattern that is named by its number or its file."""
    if isinstance(chosen, int):
        if not 0 <= chosen < len(names):
            raise InputError(f"pattern {chosen}", f"a number from 0 to {len(names) - 1}", "change patterns")
        return chosen
    if chosen not in names or not chosen:
        raise InputError(
            f"the pattern {chosen!r}{nearest(chosen, dict.fromkeys(names))}",
            f"a file of the patterns, or a number below {len(names)}",
            "change patterns",
        )
    return names.index(chosen)


def _pixel(cube: xr.Dataset | None, pixel: tuple[int, int], known: Model, notes: list[str]) -> list[Group]:
    if cube is None:
        raise InputError(f"pixel {pixel} without a cube", "a cube over two_theta", "remove pixel")
    own = one_pixel(cube, pixel, known)
    if own is None:
        notes.append(f"The pixel at y {pixel[0]}, x {pixel[1]} is flagged or has gaps: it gets no answer.")
    return [] if own is None else [own]
