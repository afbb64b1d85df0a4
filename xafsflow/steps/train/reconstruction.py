"""The inverse model: parameters of structures to spectra."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.findings.reconstruction_findings import ReconstructionFindings
from xafsflow.kernels.array_types import Doubles, Indices
from xafsflow.learning.explanation.shapley_values import Shapley, shapley
from xafsflow.learning.inverse.fold_scores import covered, examples, score, score_by_energy, verdict
from xafsflow.learning.inverse.inverse_model import InverseModel
from xafsflow.learning.inverse.prepared_spectra import Preparation, prepared
from xafsflow.learning.inverse.reconstructors import BASELINES, RECONSTRUCTORS
from xafsflow.learning.inverse.train_inverse import (
    Table,
    TargetKind,
    fold_of,
    inverse_model,
    mean_answers,
    out_of_fold,
)
from xafsflow.learning.samples.group_split import groups_of
from xafsflow.step_table import step

# Samples of the background against which Shapley values are told.
BACKGROUND = 24

if TYPE_CHECKING:
    Row: TypeAlias = str
else:  # the names in the table, so that recipes and help know them
    Row: TypeAlias = Literal[tuple(RECONSTRUCTORS)]


@step(
    makes=("inverse", "findings"), section="reconstruction_score", example={"parameters": ["mean_distance"]}
)
def reconstruction(
    spectra: xr.Dataset,
    /,
    *,
    parameters: list[str],
    rows: list[Row] = list(RECONSTRUCTORS),  # noqa: B006
    targets: TargetKind = "components",
    edge_step: bool = True,
    pre: Annotated[float, Field(gt=0)] = 5.0,
    post: Annotated[float, Field(gt=0)] = 30.0,
    broadening: Annotated[float, Field(ge=0)] = 0.0,
    folds: Annotated[int, Field(ge=2)] = 5,
    level: Annotated[float, Field(gt=0, lt=1)] = 0.9,
    most: Annotated[int, Field(ge=20)] = 5000,
    explained: Annotated[int, Field(ge=2)] = 40,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[InverseModel, ReconstructionFindings]:
    """Learn spectra from properties of their structures, and say how sure, where, and what each property does.

    Rows of the table in `xafsflow.learning.inverse.reconstructors` are compared on materials that they have not seen; the
    one with the least error is trained on all. Ridge and extra trees stand beside them always.

    Parameters
    ----------
    parameters
        Names of properties, or of labels that are numbers.
    rows
        To choose from; one alone is taken as it is.
    targets
        `components`: scores of principal components are learnt; `direct`: the absorption at each energy.
    edge_step
        Whether spectra get an edge step of one first: raw theoretical spectra are of any height.
    pre, post
        eV from the ends of the axis: where the absorption is 0 and one on the mean.
    broadening
        Full width at half maximum of a Lorentzian, eV, by which spectra are broadened first.
    folds
        Of the cross-validation by groups.
    level
        The share of spectra that the interval at each energy is to hold.
    most
        Spectra that are learnt from. Of a larger library these are drawn at random, with a warning.
    explained
        Samples whose Shapley values are worked out.
    seed
        Of the folds and of all that is drawn.

    Returns
    -------
    inverse, findings
        `inverse.spectrum({name: value})` gives the spectrum of a structure with the half width of its interval, and refuses
        structures outside of what was trained.

    Raises
    ------
    InputError
        A name that is no number of the library; fewer than 20 samples or as many groups as folds; spectra without a step.
    """
    table, lost, units = _table(
        spectra, parameters, Preparation(edge_step, pre, post, broadening), most, seed
    )
    groups = len(np.unique(table.groups))
    if groups < folds or len(table.spectra) < 20:
        raise InputError(
            f"{len(table.spectra)} spectra of {groups} materials with all parameters",
            f"20 spectra of {folds} materials or more",
            "give a larger library, or name fewer parameters",
        )
    fold = fold_of(table.groups, folds, seed)
    answers = out_of_fold([*dict.fromkeys([*BASELINES, *rows])], table, fold, targets, seed)
    answers["mean"] = mean_answers(table, fold)
    scores = {name: score(one, table.spectra, answers["mean"], fold) for name, one in answers.items()}
    row = min(rows, key=lambda name: scores[name].rmse)
    how = (tuple(parameters), units, Preparation(edge_step, pre, post, broadening), _energy(spectra))
    model = inverse_model(row, table, fold, answers[row], how, targets, level, seed)
    by_energy = score_by_energy(answers[row], table.spectra, answers["mean"])
    told = _effects(model, table, explained, seed)
    findings = ReconstructionFindings(
        parameters=how[0],
        units=units,
        samples=len(table.spectra),
        groups=groups,
        without_value=lost,
        folds=folds,
        row=row,
        scores=scores,
        verdict=verdict(row, answers, table.spectra, fold),
        energy=model.energy,
        r_squared_by_energy=by_energy[0],
        rmse_by_energy=by_energy[1],
        mean=table.spectra.mean(axis=0),
        level=level,
        half_width=model.half_width,
        coverage=covered(answers[row] - table.spectra, fold, level),
        examples=examples(answers[row], table.spectra),
        effect=np.abs(told[0].values).mean(axis=0),
        slope=_slopes(*told),
        explained=len(told[1]),
        exact=told[0].exact,
    )
    return model, findings


def _energy(spectra: xr.Dataset) -> Doubles:
    return np.asarray(spectra.energy.values, np.float64)


def _table(
    spectra: xr.Dataset, names: list[str], how: Preparation, most: int, seed: int
) -> tuple[Table, int, tuple[str, ...]]:
    """Samples with all parameters, how many others there are, and the units of the parameters."""
    numbers = [
        str(name)
        for name, one in spectra.data_vars.items()
        if one.attrs.get("role") in ("label", "property") and one.dtype.kind in "iuf"
    ]
    wrong = [name for name in names if name not in numbers]
    if wrong or not names or len(set(names)) < len(names):
        raise InputError(
            f"parameters {', '.join(wrong or names) or 'without a name'}",
            f"different numbers of the library: {', '.join(numbers) or 'it has none'}",
            "run derive.structure before, or mend the name",
        )
    values = np.column_stack([np.asarray(spectra[name].values, np.float64) for name in names])
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    lost = len(values) - len(known)
    if lost:
        _warn(f"leaves out {lost:,} of {len(values):,} spectra without one of the parameters")
    if len(known) > most:
        _warn(f"learns from {most:,} of {len(known):,} spectra, drawn at random")
        known = np.sort(np.random.default_rng(seed).permutation(known)[:most])
    mu = prepared(spectra.mu.isel(sample=known).values, _energy(spectra), how)
    units = tuple(str(spectra[name].attrs.get("units", "1")) for name in names)
    return Table(values[known], mu, groups_of(spectra)[known]), lost, units


def _warn(text: str) -> None:
    warnings.warn(XafsflowWarning(f"train.reconstruction {text}"), stacklevel=4)


def _effects(model: InverseModel, table: Table, count: int, seed: int) -> tuple[Shapley, Doubles]:
    """Shapley values of some samples, and the parameters of these."""
    order: Indices = np.random.default_rng(seed).permutation(len(table.parameters))
    some = table.parameters[order[:count]]
    background = table.parameters[order[::-1][:BACKGROUND]]
    return shapley(model.spectra, some, background, orders=8, seed=seed), some


def _slopes(told: Shapley, samples: Doubles) -> Doubles:
    """`(parameter, energy)`: correlation of each parameter with what it adds; 0 where one of them is constant."""
    x = samples - samples.mean(axis=0)
    y: Any = told.values - told.values.mean(axis=0)
    size = np.sqrt((x**2).sum(axis=0))[:, None] * np.sqrt((y**2).sum(axis=0))
    both = np.einsum("np,npe->pe", x, y)
    return np.divide(both, size, out=np.zeros_like(both), where=size > 1e-12)
