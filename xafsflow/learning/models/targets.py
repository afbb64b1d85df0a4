"""What a model answers: classes, compositions of references, or properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles

Kind = Literal["classes", "compositions", "properties"]


@dataclass(frozen=True, eq=False)
class Targets:
    """What a model answers.

    Parameters
    ----------
    kind
        `classes`: one of several; `compositions`: a mixture of references, each class one composition; `properties`:
        numbers, such as a coordination number or a distance.
    names
        Of the classes, of the references, or of the properties.
    units
        `(name,)`: of the properties; "1" for classes and references.
    compositions
        `(class, name)`: shares of the references in each class, a unit matrix for plain classes; None for properties.
    class_features
        `(class, feature)`: features of each class without noise; None for properties, and for structure types, of which
        no pattern is like another.
    spectrum_axis, spectra
        `(point,)` and `(name, point)`: normalized spectra of the references or classes, for people to look at; None where
        there are none.
    """

    kind: Kind
    names: list[str]
    units: list[str]
    compositions: Doubles | None
    class_features: Doubles | None
    spectrum_axis: Doubles | None
    spectra: Doubles | None

    @property
    def count(self) -> int:
        """How many columns an answer has: classes, or properties."""
        return len(self.names) if self.compositions is None else len(self.compositions)

    @property
    def shares(self) -> Doubles:
        """`(class, name)`: the compositions.

        Raises
        ------
        InputError
            The model answers with properties.
        """
        if self.compositions is None:
            raise self._no_classes()
        return self.compositions

    @property
    def centers(self) -> Doubles:
        """`(class, feature)`: features without noise.

        Raises
        ------
        InputError
            The model answers with properties, or with structure types.
        """
        if self.class_features is None:
            raise self._no_classes()
        return self.class_features

    def _no_classes(self) -> InputError:
        return InputError(
            f"a model of {', '.join(self.names)}",
            "classes with a spectrum each",
            "use one that train.fit made",
        )

    def check(self, features: int) -> None:
        """Refuse targets that no training writes.

        Raises
        ------
        InputError
            A field has another type or shape.
        """
        names = all(isinstance(one, str) for one in [*self.names, *self.units])
        fits = names and self.kind in get_args(Kind) and len(self.names) == len(self.units) > 0
        classes = () if self.compositions is None else self.compositions.shape[:1]
        shapes = (
            (self.compositions, (*classes, len(self.names))),
            (self.class_features, (*classes, features)),
            (self.spectra, (len(self.names), -1 if self.spectrum_axis is None else self.spectrum_axis.size)),
        )
        fits &= all(array is None or array.shape == shape for array, shape in shapes)
        of_classes = self.kind != "properties"
        fits &= (self.compositions is not None) == of_classes >= (self.class_features is not None)
        fits &= (self.spectrum_axis is None) == (self.spectra is None)
        if not fits:
            raise InputError(
                "damaged targets", "names, units, compositions and spectra that agree", "train again"
            )
