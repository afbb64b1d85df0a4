"""A trained model, reduced to what a report shows of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.findings.train_findings import FitFindings
from xafsflow.findings.union_findings import UnionFindings
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.models.model import Model
from xafsflow.learning.samples.mixtures import class_names


@dataclass(frozen=True, eq=False)
class ModelView:
    """A trained model, reduced to what is shown of it.

    Parameters
    ----------
    references
        Names of the reference spectra.
    class_names
        Names of the classes; a class is one mixture of the references.
    compositions
        Shape (class, reference): the share of each reference in each class.
    axis
        Name of the spectral axis.
    energy
        Shape (feature,): where on the axis each feature lies.
    feature_name
        What the features are: `norm` or `dmude`.
    reference_energy, reference_norm
        Shapes (energy,) and (reference, energy): where on the axis, and the normalized reference spectra; empty where the
        model has no spectra.
    importances
        Shape (feature,), or None where the classifier has none.
    confusion
        Shape (true class, predicted class), counts of held-out spectra, or None.
    accuracy
        Share of held-out spectra whose class was named right, or None.
    classifier
        The classifier's name.

    Raises
    ------
    InputError
        If the shapes do not agree with each other.

    Examples
    --------
    >>> view = ModelView(["Fe", "FeO"], ["Fe", "FeO"], np.eye(2), "energy", np.arange(3.0), "norm", np.arange(3.0),
    ...                  np.ones((2, 3)), None, None, 0.9, "random_forest")
    >>> view.dominant.tolist()
    [0, 1]
    """

    references: list[str]
    class_names: list[str]
    compositions: Doubles
    axis: str
    energy: Doubles
    feature_name: str
    reference_energy: Doubles
    reference_norm: Doubles
    importances: Doubles | None
    confusion: Doubles | None
    accuracy: float | None
    classifier: str

    def __post_init__(self) -> None:
        n_ref, n_class = len(self.references), len(self.class_names)
        wanted: list[tuple[str, Doubles | None, tuple[int, ...]]] = [
            ("compositions", self.compositions, (n_class, n_ref)),
            ("reference_norm", self.reference_norm, (n_ref, len(self.reference_energy))),
            ("importances", self.importances, (len(self.energy),)),
            ("confusion", self.confusion, (n_class, n_class)),
        ]
        for name, array, shape in wanted:
            if array is not None and np.shape(array) != shape:
                raise InputError(
                    f"{name} of shape {np.shape(array)}",
                    f"shape {shape}",
                    "give the findings of the fit of this model",
                )

    @property
    def dominant(self) -> NDArray[np.int64]:
        """The reference with the largest share in each class, -1 where several share the first place."""
        best = np.argmax(self.compositions, axis=1)
        highest = np.max(self.compositions, axis=1, keepdims=True)
        alone = np.sum(np.isclose(self.compositions, highest), axis=1) == 1
        return np.where(alone, best, -1)


def model_view(model: Model, score: FitFindings | UnionFindings | None) -> ModelView | None:
    """What a report shows of a model of classes or compositions; None for one of properties, whose findings are shown alone.

    Parameters
    ----------
    model
        The model.
    score
        What its training found, where that is known.
    """
    targets, signature = model.targets, model.signature
    if targets.compositions is None:
        return None
    confusion, accuracy = None, None
    if isinstance(score, UnionFindings):
        # Its confusion stands in a section of its own.
        accuracy = score.table["union"].top1
    elif score is not None:
        confusion, accuracy = score.confusion.astype(np.float64), score.accuracy
    return ModelView(
        references=targets.names,
        class_names=class_names(targets.names, targets.compositions),
        compositions=targets.compositions,
        axis=signature.axis,
        energy=signature.values,
        feature_name=signature.variable,
        reference_energy=np.zeros(0) if targets.spectrum_axis is None else targets.spectrum_axis,
        reference_norm=np.zeros((len(targets.names), 0)) if targets.spectra is None else targets.spectra,
        importances=model.importances,
        confusion=confusion,
        accuracy=accuracy,
        classifier=model.learner,
    )
