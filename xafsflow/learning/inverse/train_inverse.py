"""Inverse models are trained, and scored on groups that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.learning.inverse.inverse_model import InverseModel, whitener_of
from xafsflow.learning.inverse.prepared_spectra import Preparation
from xafsflow.learning.inverse.reconstructors import RECONSTRUCTORS, Reconstructor

TargetKind = Literal["components", "direct"]
# Components of the spectra that hold this share of their variance.
EXPLAINED = 0.9999
# Limits hold for this share of the training samples, each against those of other folds.
NEAR = 0.99


@dataclass(frozen=True, eq=False)
class Table:
    """Parameters `(sample, parameter)`, prepared spectra `(sample, energy)` and groups `(sample,)`."""

    parameters: Doubles
    spectra: Doubles
    groups: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Learnt:
    """A reconstructor with what stands before and behind it; see `InverseModel`."""

    center: Doubles
    scale: Doubles
    mean: Doubles
    basis: Doubles
    reconstructor: Reconstructor

    def spectra(self, parameters: Doubles) -> Doubles:
        """`(sample, energy)`."""
        scaled = (parameters - self.center) / self.scale
        return self.mean + self.reconstructor.predict(scaled) @ self.basis


def learn(row: str, parameters: Doubles, spectra: Doubles, targets: TargetKind, seed: int) -> Learnt:
    """Train one row of the table; see `learn_rows`.

    Examples
    --------
    >>> place = np.random.default_rng(0).normal(size=(60, 1))
    >>> found = learn("ridge", place, place * np.arange(5.0), "components", 0)
    >>> found.basis.shape, found.spectra(np.array([[2.0]])).round(1).tolist()
    ((1, 5), [[0.0, 2.0, 4.0, 6.0, 8.0]])
    """
    return learn_rows([row], parameters, spectra, targets, seed)[row]


def learn_rows(
    rows: Sequence[str], parameters: Doubles, spectra: Doubles, targets: TargetKind, seed: int
) -> dict[str, Learnt]:
    """Train rows of the table on the same samples.

    Parameters
    ----------
    rows
        Of `RECONSTRUCTORS`.
    parameters, spectra
        `(sample, parameter)` and `(sample, energy)`.
    targets
        `components`: a row learns scores of principal components; `direct`: the absorption at each energy.
    seed
        Of all that is drawn.
    """
    from threadpoolctl import threadpool_limits

    center, scale = parameters.mean(axis=0), parameters.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    mean = spectra.mean(axis=0)
    basis = np.eye(len(mean)) if targets == "direct" else components_of(spectra - mean)
    scores, scaled = (spectra - mean) @ basis.T, (parameters - center) / scale
    # Matrices of some hundred rows: several threads of BLAS wait for each other, four times as long on a busy machine
    with threadpool_limits(1):
        made = {row: RECONSTRUCTORS[row](scaled, scores, seed) for row in rows}
    return {row: Learnt(center, scale, mean, basis, one) for row, one in made.items()}


def components_of(apart: Doubles) -> Doubles:
    """`(component, energy)`: orthonormal, as many as hold nearly all of the variance of `apart` (sample, energy)."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        _, size, basis = np.linalg.svd(apart, full_matrices=False)
    held = np.cumsum(size**2) / max((size**2).sum(), np.finfo(float).tiny)
    return np.asarray(basis[: int(np.searchsorted(held, EXPLAINED)) + 1])


def fold_of(groups: NDArray[Any], folds: int, seed: int) -> Indices:
    """`(sample,)`: the fold of each sample; whole groups, of which each goes where the fewest samples are.

    Examples
    --------
    >>> fold_of(np.array(["a", "a", "b", "c"]), 2, 0).tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])
    True
    """
    names, of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold = np.zeros(folds, np.int64), np.empty(len(names), np.int64)
    for group in order:
        fold[group] = filled.argmin()
        filled[fold[group]] += sizes[group]
    return np.asarray(fold[of])


def out_of_fold(
    rows: Sequence[str], table: Table, fold: Indices, targets: TargetKind, seed: int
) -> dict[str, Doubles]:
    """Spectra `(sample, energy)` of each row, answered by a model that has not seen their group."""
    found = {row: np.empty_like(table.spectra) for row in rows}
    for one in range(int(fold.max()) + 1):
        held = fold == one
        learnt = learn_rows(rows, table.parameters[~held], table.spectra[~held], targets, seed)
        for row, known in learnt.items():
            found[row][held] = known.spectra(table.parameters[held])
    return found


def mean_answers(table: Table, fold: Indices) -> Doubles:
    """`(sample, energy)`: the mean spectrum of the other folds, against which R2 is told."""
    found = np.empty_like(table.spectra)
    for one in range(int(fold.max()) + 1):
        found[fold == one] = table.spectra[fold != one].mean(axis=0)
    return found


def conformal_half_width(errors: Doubles, level: float) -> Doubles:
    """`(energy,)`: the quantile of the absolute errors `(sample, energy)` that holds for one more sample.

    The `ceil((n + 1) level)/n` quantile at each energy; the largest error where there are too few samples.

    Examples
    --------
    >>> conformal_half_width(np.arange(1.0, 11.0)[:, None], 0.8).tolist()
    [9.0]
    """
    count = len(errors)
    place = min(count, int(np.ceil((count + 1) * level))) - 1
    return np.asarray(np.sort(np.abs(errors), axis=0)[place])


def inverse_model(
    row: str,
    table: Table,
    fold: Indices,
    answers: Doubles,
    how: tuple[tuple[str, ...], tuple[str, ...], Preparation, Doubles],
    targets: TargetKind,
    level: float,
    seed: int,
) -> InverseModel:
    """The model of all samples, with the uncertainty that its row had on groups that it had not seen.

    Parameters
    ----------
    row
        Of `RECONSTRUCTORS`.
    table, fold, answers
        Samples, their folds, and what `out_of_fold` gave for the row.
    how
        Names and units of the parameters, the preparation of the spectra, and the energies.
    targets, level, seed
        As of `learn`; the share of spectra that the interval holds.
    """
    names, units, preparation, energy = how
    learnt = learn(row, table.parameters, table.spectra, targets, seed)
    training = (table.parameters - learnt.center) / learnt.scale
    errors = answers - table.spectra
    scores = errors @ learnt.basis.T
    covariance = _covariance_of(scores)
    return InverseModel(
        row=row,
        names=names,
        units=units,
        preparation=preparation,
        energy=energy,
        center=learnt.center,
        scale=learnt.scale,
        mean=learnt.mean,
        basis=learnt.basis,
        reconstructor=learnt.reconstructor,
        training=training,
        reach=_reach(training, fold),
        half_width=conformal_half_width(errors, level),
        level=level,
        score_covariance=covariance,
        misfit_limit=float(np.quantile(((whitener_of(covariance) @ scores.T) ** 2).sum(axis=0), 0.99)),
        left_over=0.0 if targets == "direct" else _left_over(table.spectra, fold),
    )


def _covariance_of(errors: Doubles) -> Doubles:
    """`(component, component)`: shrunk (Ledoit and Wolf), since the last components of few noisy spectra vary too little."""
    from sklearn.covariance import ledoit_wolf

    return np.asarray(ledoit_wolf(errors, assume_centered=True)[0])


def _left_over(spectra: Doubles, fold: Indices) -> float:
    """Root mean square of what the components of the other folds leave of most spectra."""
    left = np.empty(len(spectra))
    for one in range(int(fold.max()) + 1):
        held = fold == one
        mean = spectra[~held].mean(axis=0)
        basis, apart = components_of(spectra[~held] - mean), spectra[held] - mean
        left[held] = np.sqrt(((apart - apart @ basis.T @ basis) ** 2).mean(axis=1))
    return float(np.quantile(left, NEAR))


def _reach(training: Doubles, fold: Indices) -> float:
    """How far the nearest sample of another fold is, for most samples."""
    from scipy.spatial import cKDTree

    apart = np.empty(len(training))
    for one in range(int(fold.max()) + 1):
        held = fold == one
        apart[held] = cKDTree(training[~held]).query(training[held])[0]
    return float(np.quantile(apart, NEAR))
