"""A trained model explained by bands of energies, as findings with a sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.findings.explanation_findings import BandEffect, BandLoss
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.learning.explanation import band_importance as importance
from xafsflow.learning.explanation import band_words as words
from xafsflow.learning.explanation.model_contributions import contributions_of, knows_tree_shap, raw_answers
from xafsflow.learning.explanation.tree_shap import Bands, Contributions, band_edges, explained_bands
from xafsflow.learning.models.model import Model
from xafsflow.learning.samples.mixtures import class_names

# What the loss of each kind of model is.
MEASURES = {
    "classes": "share of wrong classes",
    "compositions": "mean absolute error of the fractions",
    "properties": "error over the spread of the property",
}


@dataclass(frozen=True, eq=False)
class Group:
    """Spectra that are explained together.

    `spectra` (sample, energy), their `name`, and `outputs`: which classes or properties are explained.
    """

    name: str
    spectra: Singles
    outputs: tuple[int, ...]


@dataclass(eq=False)
class BandExplainer:
    """Explains answers of a model by bands of its axis.

    Parameters
    ----------
    model
        Any; effects are of models of boosted trees alone.
    width
        Of a band; None: about twenty bands.

    Attributes
    ----------
    gap
        Largest difference so far between what the bands add up to and the model's own raw answer.
    """

    model: Model
    width: float | None = None
    gap: float = 0.0

    @cached_property
    def edges(self) -> Doubles:
        """`(band + 1,)`."""
        return band_edges(self.model.signature.values, self.width)

    @cached_property
    def names(self) -> list[str]:
        """Of the classes or properties."""
        targets = self.model.targets
        if targets.compositions is None:
            return targets.names
        return class_names(targets.names, targets.compositions)

    @property
    def knows_effects(self) -> bool:
        """Whether it is a model of boosted trees, whose libraries know TreeSHAP."""
        return knows_tree_shap(self.model)

    def effects(self, group: Group) -> list[BandEffect]:
        """What each band adds to the answers for some spectra, one for each output that the trees know."""
        told = self._contributions(group.spectra)
        return [
            self._effect(group.name, output, self._bands(told, group.spectra, output), told)
            for output in group.outputs
            if output in self._known
        ]

    def overall(self, group: Group) -> list[BandEffect]:
        """The same for spectra of all kinds: what an answer is told by, be it raised or lowered."""
        told, unit = self._contributions(group.spectra), self.model.signature.unit
        found = []
        for output in (one for one in group.outputs if one in self._known):
            bands = self._bands(told, group.spectra, output)
            sentence = words.told_by(self._called(output), self.edges, bands.size, unit)
            found.append(self._effect(group.name, output, bands, told, sentence))
        return found

    def lost(self, spectra: Singles, truth: NDArray[Any], repetitions: int, seed: int) -> BandLoss:
        """What exchanging a band among spectra `(sample, energy)` that were not trained on costs."""
        kind, energy = self.model.targets.kind, self.model.signature.values
        answers, loss = self._loss()
        found = importance.band_importance(
            answers, spectra, truth, energy, self.edges, loss, repetitions=repetitions, seed=seed
        )
        names = self.model.targets.names if kind == "properties" else ["all classes"]
        whole = np.atleast_1d(found.loss)
        growth, error = (one.T.reshape(len(whole), -1) for one in (found.growth, found.error))
        what = MEASURES[kind]
        rows = enumerate(names)
        sentences = [
            words.lost_without(
                f"The error of {_readable(name)} over its spread" if kind == "properties" else f"The {what}",
                self.edges, float(whole[i]), growth[i], error[i], self.model.signature.unit,
            )
            for i, name in rows
        ]  # fmt: skip
        return BandLoss(what, tuple(names), tuple(sentences), whole, growth, error, len(spectra))

    def _loss(self) -> tuple[importance.Predict, importance.Loss]:
        """What answers to spectra `(sample, energy)`, and how wrong it is."""
        model = self.model

        def answers(table: Any) -> Doubles:
            return model.predict(np.ascontiguousarray(table.T))

        if model.targets.kind == "properties":
            return answers, importance.error_over_spread
        if model.targets.kind == "classes":
            return answers, importance.wrong_share
        shares = model.targets.shares
        return (lambda table: answers(table) @ shares), importance.mean_difference

    @cached_property
    def _known(self) -> list[int]:
        """Classes or properties by the column of the raw answers."""
        return [int(one) for one in self.model.predictor.classes]

    def _contributions(self, spectra: Singles) -> Contributions:
        told = contributions_of(self.model, spectra)
        apart = np.abs(told.answers - raw_answers(self.model, spectra))
        self.gap = max(self.gap, float(apart.max(initial=0.0)))
        if self.model.targets.kind == "properties":
            return told
        # The softmax does not see what is added to the scores of all classes alike.
        middle = told.values.mean(axis=2, keepdims=True)
        return Contributions(told.base - told.base.mean(), told.values - middle)

    def _bands(self, told: Contributions, spectra: Singles, output: int) -> Bands:
        energy = self.model.signature.values
        return explained_bands(told, spectra, energy, self.edges, self._known.index(output))

    def _effect(
        self, name: str, output: int, bands: Bands, told: Contributions, sentence: str = ""
    ) -> BandEffect:
        base = float(told.base[self._known.index(output)])
        answer = base + float(bands.effect.sum())
        if not sentence:
            raised = words.raised_by(self.edges, bands.effect, self.model.signature.unit)
            many = f"{name} ({bands.samples} spectra)" if bands.samples > 1 else name
            sentence = f"{many}: {self._answered(output, answer, base)}; {raised}."
        return BandEffect(
            name, self.names[output], sentence, bands.samples, bands.spectrum, bands.effect, bands.size, base, answer
        )  # fmt: skip

    def _called(self, output: int) -> str:
        if self.model.targets.kind == "properties":
            return _readable(self.names[output])
        return f"Class {self.names[output]}"

    def _answered(self, output: int, answer: float, base: float) -> str:
        targets = self.model.targets
        if targets.kind != "properties":
            return (
                f"class {self.names[output]} scores {answer:+.3g} against the others, on average {base:+.3g}"
            )
        unit = "" if targets.units[output] == "1" else f" {targets.units[output]}"
        return f"{_readable(self.names[output])} is found as {answer:.4g}{unit}, on average {base:.4g}"


def _readable(name: str) -> str:
    return name.replace("_", " ")
