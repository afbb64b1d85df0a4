"""A library of spectra to samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow import __version__
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.learning.models.model_cache import digest_of
from xafsflow.learning.samples.augmentation import Augmentation, Copies, NoiseResponse, Response
from xafsflow.learning.samples.group_split import check_groups, held_out
from xafsflow.learning.samples.library_targets import Answers, chosen_label, chosen_properties
from xafsflow.learning.samples.row_blocks import row_blocks
from xafsflow.learning.samples.spectrum_features import NAMES, feature_map
from xafsflow.sampling.library_normalization import noise_response, on_cube, scan_noise
from xafsflow.sampling.signature_check import normalization_of
from xafsflow.step_table import step

if TYPE_CHECKING:
    Feature: TypeAlias = str
else:  # the names in the tables, so that recipes and help know them
    Feature: TypeAlias = Literal[NAMES]
Level = Annotated[float, Field(ge=0, lt=1)]
Kind = Literal["gaussian", "poisson"]
Least = Annotated[float, Field(ge=0)]
# Shares of the groups that are kept for checks.
CHECKS = 0.2


@step(makes="samples")
def spectra(
    spectra: xr.Dataset,
    cube: xr.Dataset | None = None,
    /,
    *,
    label: str | None = None,
    properties: list[str] | None = None,
    keep: list[str | int] | None = None,
    features: list[Feature] = ["spectrum"],  # noqa: B006
    window: Annotated[float, Field(gt=0)] = 5.0,
    denoise: bool = True,
    span: tuple[float | None, float | None] = (None, None),
    zero_over: tuple[float, float] | None = None,
    unit_over: tuple[float, float] | None = None,
    noise: Level | list[Level] | None = None,
    noise_kind: Kind = "gaussian",
    broadening: tuple[Least, Least] = (0.0, 0.0),
    shift: tuple[float, float] = (0.0, 0.0),
    copies: Annotated[int, Field(ge=1)] = 1,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """Samples of a library of spectra with known labels or properties: normalized, with noise, split by material.

    With a cube, the spectra come onto its energies and through the steps that normalized it, so that the model may be mapped
    over it. One in five groups is kept for checks; no spectrum of these is trained on.

    Parameters
    ----------
    label
        The label that is learnt, for `train.fit`.
    properties
        The properties that are learnt, for `train.regression`; spectra without one of them are left out.
    keep
        Classes of the label that are learnt; by default all with 10 spectra or more.
    features
        What a learner reads of a spectrum: itself; its first and second derivative; its integral up to each energy
        (`cumulative`); polynomials of the third degree over eight windows; its first 20 principal components, learnt from
        the training; where it crosses half of the step (`edge_position`); height and energy of the `white_line`. Several
        are read one behind the other.
    window
        Width of the window of derivatives, eV.
    denoise
        Read the features but `edge_position` and `white_line` of the likeliest spectrum without noise, as the scatter of the
        library and the noise of the training tell it (Wiener's filter); without noise nothing changes.
    span
        Energies that are read, eV; None is open.
    zero_over, unit_over
        Without a cube: energies before and behind the edge, eV, over which the mean of each spectrum is made zero and one;
        None leaves them as they are. Measured spectra need both.
    noise
        Standard deviation of the noise, over the edge step; of a list, copies take one in turn. None: each copy has the
        noise of a pixel of the cube, drawn, or none without a cube. Behind `derive.noise` it comes into the spectra as it
        does in the cube: what the fitted curves make of it is shared by all energies.
    noise_kind
        Without a cube: `gaussian`, alike at all energies, or `poisson`, of counts as in fluorescence: the standard deviation
        is `noise` where a spectrum is one, and goes by its root.
    broadening
        Smallest and largest standard deviation, eV, of a Gaussian that broadens each copy.
    shift
        Smallest and largest energy offset of each copy, eV.
    copies
        Of each spectrum; with a list of noises as many at least.
    seed
        Of all that is drawn.

    Returns
    -------
    Dataset
        `features` (sample, feature): the spectra; `label` (sample) or `target` (sample, property), `group`, `noise` and for
        labels `stable` (sample); the same of other groups as `check_features` and so on, and `check_clean`, without noise.
        For labels `composition` (a unit matrix), `class_features` and `reference_norm`: the mean spectrum of each class.

    Raises
    ------
    InputError
        No label and no properties, or both; none of that name; fewer than two classes or ten groups; a library that does not
        cover the cube.

    Examples
    --------
    >>> from xafsflow.phantom import simulated_library
    >>> samples = spectra(simulated_library(60), label="polyhedron", noise=[0.0, 0.03], copies=2)
    >>> dict(samples.sizes)["class"], sorted(set(samples.noise.values.tolist()))
    (3, [0.0, 0.03])
    """
    drawn = noise is None and cube is not None
    levels = scan_noise(cube) if drawn and cube is not None else _levels(noise, copies)
    if (label is None) == (properties is None):
        raise InputError("label and properties", "one of the two", "name what is to be learnt")
    if cube is not None:
        _check_that_the_cube_tells(zero_over or unit_over, noise_kind)
    answers = chosen_label(spectra, label, keep) if label else chosen_properties(spectra, properties or [])
    axis, table, e0 = _normalized(spectra.mu.isel(sample=answers.rows), cube, span, (zero_over, unit_over))
    check_groups(answers.group, 10)
    feature_map(features, axis, table[:1], window)  # refuse names before anything is trained
    check = held_out(answers.group, CHECKS, [seed, 1])
    response: Response = None if noise_kind == "gaussian" else noise_kind
    response = response if cube is None else noise_response(cube, axis)
    made = Augmentation(levels, response, drawn, broadening, shift, copies)
    parts = [
        made(axis, table, np.random.default_rng([seed, n]), rows=np.flatnonzero(where), keep_clean=n == 3)
        for n, where in ((2, ~check), (3, check))
    ]
    wanted = [__version__, label, properties, keep, features, window, denoise, zero_over]
    settings: list[Any] = [*wanted, levels, noise_kind, broadening, shift, copies, seed]
    groups = [answers.group.tolist(), answers.stable]
    known = [response.values, response.step] if isinstance(response, NoiseResponse) else []
    normalization = "[]" if cube is None else json.dumps(normalization_of(cube, "norm"))
    found = xr.Dataset(
        {
            **_part(parts[0], answers, ""),
            **_part(parts[1], answers, "check_"),
            **_classes(table, answers),
            **_response(response),
        },
        {"energy": ("feature", axis)},
        {
            "features": "norm",
            "normalization": normalization,
            "feature_rows": json.dumps(list(features)),
            "window": window,
            "noise_variance": float(np.mean(parts[0].level ** 2)) if denoise else 0.0,
            "noise_kind": noise_kind,
            "seed": seed,
            "median_noise": float(np.median(parts[0].level)),
            "digest": digest_of(settings, axis, table, answers.truth, *groups, normalization, *known),
            **({} if e0 is None else {"e0": e0}),
        },
    )
    return found.assign_coords(_names(axis, answers))


def _check_that_the_cube_tells(over: tuple[float, float] | None, noise_kind: Kind) -> None:
    if over is not None:
        found = "zero_over or unit_over with a cube"
        raise InputError(found, "the normalization of the cube", "remove them")
    if noise_kind != "gaussian":
        raise InputError(f"noise_kind {noise_kind} with a cube", "the noise of the cube", "remove noise_kind")


def _levels(noise: float | list[float] | None, copies: int) -> list[float]:
    if not isinstance(noise, list):
        return [noise or 0.0]
    if not noise:
        raise InputError("an empty list of noises", "one or more", "give levels, or leave noise out")
    if len(noise) > copies:
        raise InputError(
            f"{len(noise)} levels of noise and {copies} copies", "a copy for each", "raise copies"
        )
    return noise


def _response(response: Response) -> dict[str, Any]:
    if not isinstance(response, NoiseResponse):
        return {}
    return {
        "noise_response": (("source", "feature"), response.values),
        "step_response": ("source", response.step),
    }


def _normalized(
    mu: xr.DataArray,
    cube: xr.Dataset | None,
    span: tuple[float | None, float | None],
    zero_and_unit_over: tuple[tuple[float, float] | None, ...],
) -> tuple[Doubles, Singles, float | None]:
    """The axis, the spectra `(sample, energy)` on it, and their mean edge."""
    axis, e0 = mu.energy.values.astype(np.float64), None
    if cube is not None:
        axis, table, e0 = on_cube(axis, mu.data, cube)
    else:
        table = np.empty(mu.shape, np.float32)
        for part in row_blocks(*mu.shape):
            table[part] = mu.data[part]
    zero_over, unit_over = zero_and_unit_over
    if zero_over is not None:
        table -= _means(axis, table, zero_over, "zero_over")
    if unit_over is not None:
        step_height = _means(axis, table, unit_over, "unit_over")
        if not (step_height > 0).all():
            found = f"spectra with means over unit_over that are not above zero, first number {np.argmax(step_height <= 0)}"
            do = "change unit_over, or take the background off with zero_over"
            raise InputError(found, "energies behind the edge, of spectra that rise there", do)
        table /= step_height
    low, high = (end if one is None else one for one, end in zip(span, (-np.inf, np.inf), strict=True))
    used = (axis >= low) & (axis <= high) & np.isfinite(table).all(axis=0)
    if used.sum() < 5:
        found = f"{used.sum()} energies in span that all spectra have, of {axis[0]:g} to {axis[-1]:g}"
        raise InputError(found, "5 or more", "widen span")
    return axis[used], table if used.all() else np.ascontiguousarray(table[:, used]), e0


def _means(axis: Doubles, table: Singles, over: tuple[float, float], name: str) -> Singles:
    """`(sample, 1)` over the energies from `over[0]` to `over[1]`."""
    inside = (axis >= over[0]) & (axis <= over[1])
    if not inside.any():
        found = f"no energy in {name} from {over[0]:g} to {over[1]:g}"
        raise InputError(found, f"some of {axis[0]:g} to {axis[-1]:g}", f"change {name}")
    return np.asarray(table[:, inside].mean(axis=1, keepdims=True))


def _part(made: Copies, answers: Answers, name: str) -> dict[str, Any]:
    """The variables of the samples (name empty) or of the checks."""
    dim = "check" if name else "sample"
    places = made.origin
    found: dict[str, Any] = {
        f"{name}features": ((dim, "feature"), made.noisy),
        f"{name}group": (dim, answers.group[places]),
    }
    if name:
        found["check_clean"] = ((dim, "feature"), made.clean)
    else:
        found["noise"] = (dim, made.level)
    if answers.units:
        return found | {f"{name}target": ((dim, "property"), answers.truth[places])}
    found |= {f"{name}label": (dim, answers.truth[places]), f"{name}stable": (dim, answers.stable[places])}
    if name:
        shares = np.eye(len(answers.names))[answers.truth[places]]
        found |= {"check_composition": (("check", "reference"), shares)}
        found |= {"check_norm": (("check", "reference_energy"), made.noisy)}
    return found


def _classes(table: Singles, answers: Answers) -> dict[str, Any]:
    if answers.units:
        return {}
    count = len(answers.names)
    means = np.array([table[answers.truth == one].mean(axis=0, dtype=np.float64) for one in range(count)])
    return {
        "composition": (("class", "reference"), np.eye(count)),
        "class_features": (("class", "feature"), means),
        "reference_norm": (("reference", "reference_energy"), means),
    }


def _names(axis: Doubles, answers: Answers) -> dict[str, Any]:
    if answers.units:
        return {"property": answers.names, "unit": ("property", answers.units)}
    return {"reference": answers.names, "reference_energy": axis}
