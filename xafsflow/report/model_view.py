"""A trained model, reduced to what a report shows of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError

Array = NDArray[np.float64]


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
        Shapes (energy,) in eV and (reference, energy): the normalized reference spectra.
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
    compositions: Array
    axis: str
    energy: Array
    feature_name: str
    reference_energy: Array
    reference_norm: Array
    importances: Array | None
    confusion: Array | None
    accuracy: float | None
    classifier: str

    def __post_init__(self) -> None:
        n_ref, n_class = len(self.references), len(self.class_names)
        wanted: list[tuple[str, Array | None, tuple[int, ...]]] = [
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
