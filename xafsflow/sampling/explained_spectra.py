"""Spectra whose answers are explained: checks of a table of samples, and pixels of an image by what they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.blocks.scan_numbers import values_at
from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Indices, Singles
from xafsflow.learning.explanation.band_explainer import Group
from xafsflow.learning.models.model import Model
from xafsflow.sampling.pixel_sample import rows_for
from xafsflow.sampling.signature_check import places_in
from xafsflow.vocabulary import OUT, nearest

By = Literal["answer", "region"]
# Pixels that are looked at for what they have in common, in rows spread over the scan, and how many a group needs.
LOOKED, LEAST = 20_000, 8
# Parts of an image, and classes, beyond which the others are left out.
SHOWN = 8


def checks_of(samples: xr.Dataset, model: Model, most: int, seed: int) -> tuple[Singles, NDArray[Any]] | None:
    """Spectra `(check, energy)` that the model was not trained on, drawn, and what is true of them; None without checks.

    The truth is `(check,)` classes, `(check, reference)` fractions or `(check, property)`, as the model answers.
    """
    kind = model.targets.kind
    name = "check_target" if kind == "properties" else "check_composition"
    if "check_features" not in samples or name not in samples:
        return None
    table, truth = samples.check_features.values, samples[name].values
    known = np.flatnonzero(np.isfinite(table).all(axis=1))
    some = np.sort(np.random.default_rng([seed, 31]).permutation(known)[:most])
    if not len(some):
        return None
    truth = truth[some]
    return np.asarray(table[some], np.float32), truth.argmax(axis=1) if kind == "classes" else truth


def one_of(samples: xr.Dataset, chosen: int | str, model: Model) -> Group:
    """A check by its number, or the first check, else the first sample, of a group by its name.

    Its outputs are the class that the model answers, with the true one beside it where that is another, or all properties.

    Raises
    ------
    InputError
        There is none.
    """
    part, place = _place_of(samples, chosen)
    name = f"check {place}" if part else f"sample {place}"
    spectrum = np.asarray(samples[f"{part}features"][place].values, np.float32)[None]
    if not np.isfinite(spectrum).all():
        raise InputError(f"NaN in {name}", "a finite spectrum", "choose another spectrum")
    if f"{part}group" in samples:
        name += f" ({samples[f'{part}group'].values[place]})"
    outputs = _answered(model, spectrum)
    if f"{part}label" in samples:
        truth = int(samples[f"{part}label"].values[place])
        outputs = tuple(dict.fromkeys([*outputs, truth]))
    return Group(name, spectrum, outputs)


def _place_of(samples: xr.Dataset, chosen: int | str) -> tuple[str, int]:
    count = samples.sizes.get("check", 0)
    if isinstance(chosen, int):
        if not 0 <= chosen < count:
            raise InputError(f"spectrum {chosen}", f"a check from 0 to {count - 1}", "change spectrum")
        return "check_", chosen
    names: list[str] = []
    for part in ("check_", ""):
        if f"{part}group" in samples:
            groups = [str(one) for one in samples[f"{part}group"].values]
            if chosen in groups:
                return part, groups.index(chosen)
            names += groups
    raise InputError(
        f"the spectrum {chosen!r}{nearest(chosen, dict.fromkeys(names))}",
        f"a number below {count}, or a group (material) of the samples",
        "change spectrum",
    )


def _answered(model: Model, spectrum: Singles) -> tuple[int, ...]:
    """The class that a model answers to one spectrum, or all its properties."""
    if model.targets.kind == "properties":
        return tuple(range(model.targets.count))
    return (int(model.predict(np.ascontiguousarray(spectrum.T)).argmax()),)


def one_pixel(cube: xr.Dataset, pixel: tuple[int, int], model: Model) -> Group | None:
    """A pixel `(y, x)`; None where the model has no answer for it.

    Raises
    ------
    InputError
        It lies outside of the image, or the model may not be used on the cube.
    """
    y, x = pixel
    if not (0 <= y < cube.sizes["y"] and 0 <= x < cube.sizes["x"]):
        size = f"{cube.sizes['y']} x {cube.sizes['x']} pixels"
        raise InputError(f"pixel {y}, {x} of an image of {size}", "y and x inside", "change pixel")
    spectra, _ = _pixels(cube, model, np.array([y]), slice(x, x + 1))
    if not len(spectra):
        return None
    return Group(f"pixel y {y}, x {x}", spectra, _answered(model, spectra))


def image_groups(
    cube: xr.Dataset | None, model: Model, by: By, pixels: int, seed: int, looked: int = LOOKED
) -> tuple[list[Group], list[str]]:
    """The first parts of an image by what they share, and what is left out; none where the model may not be used on it.

    `looked` is about how many pixels are looked at.
    """
    if cube is None:
        return [], []
    if by == "region" and "cluster_index" not in cube:
        return [], ["The image has no regions: derive.clusters finds some."]
    try:
        found = (groups_by_answer if by == "answer" else groups_by_region)(cube, model, pixels, seed, looked)
    except InputError as error:
        return [], [f"The image is not explained: {error.found}; expected: {error.expected}."]
    if not found:
        return [], ["No part of the image has enough pixels that the model answers for."]
    if len(found) > SHOWN:
        return found[:SHOWN], [f"Of {len(found)} parts of the image the first {SHOWN} are explained."]
    return found, []


def groups_by_answer(
    cube: xr.Dataset, model: Model, pixels: int, seed: int, looked: int = LOOKED
) -> list[Group]:
    """Pixels drawn from those of each class, the most frequent first; of properties from the lowest and highest third.

    Raises
    ------
    InputError
        The model may not be used on the cube.
    """
    spectra, _ = _pixels(cube, model, rows_for(cube, looked))
    if not len(spectra):
        return []
    answers = model.predict(np.ascontiguousarray(spectra.T))
    found = _thirds(answers, model) if model.targets.kind == "properties" else _classes(answers)
    return [
        Group(name, _drawn(spectra, places, pixels, [seed, 32, number]), outputs)
        for number, (name, places, outputs) in enumerate(found)
        if len(places) >= LEAST
    ]


def groups_by_region(
    cube: xr.Dataset, model: Model, pixels: int, seed: int, looked: int = LOOKED
) -> list[Group]:
    """Pixels drawn from each region of `cluster_index`; explained is the class that most of them get, or all properties.

    Raises
    ------
    InputError
        The model may not be used on the cube.
    """
    spectra, regions = _pixels(cube, model, rows_for(cube, looked), names=("cluster_index",))
    found = []
    for region in [int(one) for one in np.unique(regions["cluster_index"]) if one >= 0]:
        places = np.flatnonzero(regions["cluster_index"] == region)
        if len(places) >= LEAST:
            own = _drawn(spectra, places, pixels, [seed, 33, region])
            votes = model.predict(np.ascontiguousarray(own.T))
            every = range(model.targets.count)
            most = (np.bincount(votes.argmax(axis=1)).argmax(),)
            outputs = tuple(map(int, every if model.targets.kind == "properties" else most))
            found.append(Group(f"pixels of region {region + 1}", own, outputs))
    return found


def _classes(votes: NDArray[np.float64]) -> Iterator[tuple[str, Indices, tuple[int, ...]]]:
    index = votes.argmax(axis=1)
    for one in np.argsort(-np.bincount(index), kind="stable").tolist():
        yield "pixels of this class", np.flatnonzero(index == one), (one,)


def _thirds(answers: NDArray[np.float64], model: Model) -> Iterator[tuple[str, Indices, tuple[int, ...]]]:
    third = len(answers) // 3
    for output in range(model.targets.count):
        order = np.argsort(answers[:, output], kind="stable")
        yield "lowest third of the pixels", np.sort(order[:third]), (output,)
        yield "highest third of the pixels", np.sort(order[len(order) - third :]), (output,)


def _drawn(spectra: Singles, places: Indices, pixels: int, seed: list[int]) -> Singles:
    return spectra[np.sort(np.random.default_rng(seed).permutation(places)[:pixels])]


def _pixels(
    cube: xr.Dataset,
    model: Model,
    y: Indices,
    x: slice = slice(None),
    names: tuple[str, ...] = (),
) -> tuple[Singles, dict[str, NDArray[Any]]]:
    """Spectra `(pixel, energy)` of the pixels that a model may answer for, and further variables `(pixel,)` of these."""
    places = places_in(cube, model.signature)
    arrays = {"spectra": cube[model.signature.variable], "flags": cube.flags, **{n: cube[n] for n in names}}
    found = values_at(arrays, y, x)
    spectra = np.asarray(found["spectra"])[places]
    out = np.asarray(found["flags"]) & np.uint8(int(OUT))
    good = (out == 0) & np.isfinite(spectra.sum(axis=0, dtype=np.float32))
    table = np.ascontiguousarray(spectra[:, good].T, np.float32)
    return table, {name: np.asarray(found[name])[good] for name in names}
