"""A stored inverse model: parameters of a structure in, a spectrum with its uncertainty out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.files import write_atomically
from xafsflow.kernels.array_types import Doubles, Mask
from xafsflow.learning.forest.exact_layout import FlatForest
from xafsflow.learning.inverse.prepared_spectra import Preparation
from xafsflow.learning.inverse.reconstructors import KINDS, Reconstructor
from xafsflow.learning.models.model_archive import Array, from_archive, to_archive

FORMAT = "xafsflow inverse model 1"
# A range is left when a value is beyond it by more than this share of it.
BEYOND = 0.01


@dataclass(frozen=True, eq=False)
class InverseModel:
    """What makes spectra of parameters.

    Parameters
    ----------
    row
        Of the table of reconstructors.
    names, units
        `(parameter,)`.
    preparation
        Of the spectra that it was trained on, and makes.
    energy
        `(energy,)`, eV.
    center, scale
        `(parameter,)`: mean and standard deviation of the parameters, by which they come to like scale.
    mean, basis
        `(energy,)` and `(component, energy)`: a spectrum is the mean and a sum of components.
    reconstructor
        Gives the scores of the components.
    training
        `(sample, parameter)`, of like scale: where it knows something.
    reach
        How far from the nearest training sample most samples of other groups are, of like scale.
    half_width
        `(energy,)`: a share `level` of true spectra is within this of the answer, at each energy.
    level
        Of `half_width`.
    score_covariance
        `(component, component)`: of the errors of the scores, of spectra that were not trained on.
    misfit_limit
        Chi-square of the scores, with this covariance, that 99 % of these spectra have at most.
    left_over
        What components of other materials leave of 99 % of these spectra at most, as a root mean square over the energies.
    """

    row: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    preparation: Preparation
    energy: Doubles
    center: Doubles
    scale: Doubles
    mean: Doubles
    basis: Doubles
    reconstructor: Reconstructor
    training: Doubles
    reach: float
    half_width: Doubles
    level: float
    score_covariance: Doubles
    misfit_limit: float
    left_over: float

    @cached_property
    def training_scores(self) -> Doubles:
        """What the reconstructor answers for the parameters of the training, `(sample, component)`."""
        return self.reconstructor.predict(self.training)

    def spectra(self, table: Doubles) -> Doubles:
        """Spectra `(sample, energy)` of parameters `(sample, parameter)`, in their units, wherever these lie."""
        return self.mean + self.reconstructor.predict((table - self.center) / self.scale) @ self.basis

    def inside(self, table: Doubles) -> Mask:
        """`(sample,)`: whether parameters lie within the range of each, and near a training sample.

        In many dimensions every new sample lies outside the convex hull; near is as near as samples of other materials are.
        """
        from scipy.spatial import cKDTree

        scaled = (table - self.center) / self.scale
        room = BEYOND * np.ptp(self.training, axis=0)
        low, high = self.training.min(axis=0) - room, self.training.max(axis=0) + room
        near = cKDTree(self.training).query(scaled)[0] <= self.reach
        return np.asarray(((scaled >= low) & (scaled <= high)).all(axis=1) & near)

    def spectrum(self, values: Mapping[str, float]) -> tuple[Doubles, Doubles]:
        """The spectrum `(energy,)` of one structure, and the half width of its interval at each energy.

        Raises
        ------
        InputError
            A parameter is missing, or the structure is outside of what was trained.
        """
        missing = [name for name in self.names if not np.isfinite(values.get(name, np.nan))]
        if missing:
            raise InputError(f"no value of {', '.join(missing)}", "one for each parameter", "give it")
        row = np.array([[values[name] for name in self.names]], np.float64)
        if not self.inside(row)[0]:
            raise InputError(
                f"a structure outside of what was trained: {self.where(row[0])}",
                "parameters in their ranges, near a training sample",
                "train on structures like this one",
            )
        return self.spectra(row)[0], self.half_width

    def where(self, values: Doubles) -> str:
        """How parameters `(parameter,)` lie outside of what was trained, in words."""
        low, high = (edge * self.scale + self.center for edge in _ends(self.training))
        told = [
            f"{name} {value:.4g} {unit if unit != '1' else ''}".rstrip() + f" (trained: {a:.4g} to {b:.4g})"
            for name, value, unit, a, b in zip(self.names, values, self.units, low, high, strict=True)
            if not a - BEYOND * (b - a) <= value <= b + BEYOND * (b - a)
        ]
        return ", ".join(told) or "no training sample is near"


def whitener_of(covariance: Doubles) -> Doubles:
    """`W` with `W' W = covariance^-1`, without scores that would have no error.

    Examples
    --------
    >>> whitener = whitener_of(np.diag([4.0, 1.0]))
    >>> (whitener.T @ whitener).round(6).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    floor = 1e-6 * np.trace(covariance) / len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors / np.sqrt(np.maximum(values, floor))).T)


def save_inverse(model: InverseModel, path: Path) -> Path:
    """Write a model to one file of arrays and JSON, without pickles; equal models make equal files."""
    write_atomically(path, to_bytes(model))
    return path


def read_inverse(path: Path) -> InverseModel:
    """A model that `save_inverse` wrote.

    Raises
    ------
    InputError
        The file is missing, damaged or another one.
    """
    again = "train the inverse model again"
    try:
        header, arrays = from_archive(path.read_bytes())
        if header.pop("format") != FORMAT:
            raise ValueError("another format")
        return _from_parts(header, arrays)
    except InputError:
        raise
    except Exception as error:  # a damaged file fails in zipfile, json or numpy, each in its ways
        raise InputError(
            f"{path}: {type(error).__name__}: {error}", f"a file of the format {FORMAT}", again
        ) from error


def to_bytes(model: InverseModel) -> bytes:
    """The content of the file."""
    header: dict[str, object] = {"format": FORMAT, "kind": type(model.reconstructor).__name__}
    arrays: dict[str, Array] = {}
    reconstructor: Any = model.reconstructor
    inner = getattr(reconstructor, "forest", reconstructor)
    for prefix, part in (("model", model), ("inner", inner)):
        for one in fields(part):
            value = getattr(part, one.name)
            if isinstance(value, np.ndarray):
                arrays[f"{prefix}/{one.name}"] = value
            elif one.name == "preparation":
                header[one.name] = [getattr(value, field.name) for field in fields(value)]
            elif one.name != "reconstructor":
                header[f"{prefix}/{one.name}"] = value
    return to_archive(header, arrays)


def _from_parts(header: dict[str, Any], arrays: dict[str, Any]) -> InverseModel:
    kind, told = KINDS[header.pop("kind")], header.pop("preparation")
    parts: dict[str, dict[str, Any]] = {"model": {}, "inner": {}}
    for name, value in {**header, **arrays}.items():
        prefix, _, key = name.partition("/")
        parts[prefix][key] = tuple(value) if isinstance(value, list) else value
    inner: Any = parts["inner"]
    if "roots" in inner:
        forest = FlatForest(**inner)
        forest.check()
        inner = {"forest": forest}
    model = InverseModel(reconstructor=kind(**inner), preparation=Preparation(*told), **parts["model"])
    answer = model.spectra(model.center[None])
    if answer.shape != (1, len(model.energy)) or model.training.shape[1] != len(model.names):
        raise ValueError("arrays of several models")
    return model


def _ends(table: Doubles) -> Sequence[Doubles]:
    return table.min(axis=0), table.max(axis=0)
