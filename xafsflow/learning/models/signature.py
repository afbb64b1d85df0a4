"""What a model was made for: the axis, the variable, the normalization and the noise of its training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles
from xafsflow.wavelengths import alike

# Values of an axis are the same up to this, in the axis' unit.
SAME_PLACE = 1e-6
# The typical noise of a scan may be so many times the upper end of the training's before the model is refused.
NOISE_FACTOR = 2.0


class NormalizingStep(TypedDict):
    """A step that made a normalized variable: its name, and all its settings, defaults too."""

    step: str
    settings: dict[str, object]


@dataclass(frozen=True, eq=False)
class Signature:
    """What a model was made for.

    Parameters
    ----------
    axis, unit
        The spectral axis of the features: its name in the vocabulary, and its unit.
    values
        `(feature,)`: where on the axis the features are.
    variable
        The variable of a cube that the model reads, such as `norm`.
    normalization
        The steps that made this variable, in their order.
    e0
        eV: the edge that the training was normalized at, None where there is none.
    noise
        `(2,)`: from where to where nearly all standard deviations of `norm` lie in the training, None where they are not
        known.
    wavelength
        Angstrom: that the scattering angles belong to, None over other axes.
    """

    axis: str
    unit: str
    values: Doubles
    variable: str
    normalization: list[NormalizingStep]
    e0: float | None
    noise: Doubles | None
    wavelength: float | None = None

    def check(self) -> None:
        """Refuse a signature that no training writes.

        Raises
        ------
        InputError
            A field has another type or shape.
        """
        texts = all(isinstance(one, str) for one in (self.axis, self.unit, self.variable))
        values = self.values.ndim == 1 and self.values.dtype == np.float64 and self.values.size > 0
        steps = all(isinstance(one, dict) and set(one) == {"step", "settings"} for one in self.normalization)
        edge = self.e0 is None or isinstance(self.e0, float)
        noise = self.noise is None or (self.noise.shape == (2,) and bool(self.noise[0] <= self.noise[1]))
        light = self.wavelength is None or isinstance(self.wavelength, float)
        if not (texts and values and steps and edge and noise and light):
            raise InputError("a damaged signature", "axis, variable, normalization, noise", "train again")

    def places_on(self, axis: str, unit: str, values: Doubles) -> NDArray[np.int64]:
        """Indices of the features among the values of a cube's spectral axis.

        Raises
        ------
        InputError
            It is another axis, another unit, or a feature is not among its values.

        Examples
        --------
        >>> made_for = Signature("energy", "eV", np.array([7112.0, 7113.0]), "norm", [], 7112.0, None)
        >>> made_for.places_on("energy", "eV", np.arange(7110.0, 7115.0)).tolist()
        [2, 3]
        """
        if (axis, unit) != (self.axis, self.unit):
            raise InputError(
                f"a cube over {axis} in {unit}",
                f"{self.axis} in {self.unit}, which the model was trained on",
                f"give a model that was trained on {axis}, or a cube over {self.axis}",
            )
        places = np.minimum(np.searchsorted(values, self.values - SAME_PLACE), len(values) - 1)
        apart = np.abs(values[places] - self.values)
        if apart.max() > SAME_PLACE:
            raise InputError(
                f"a cube without the model's {axis} {self.values[apart.argmax()]:g} {unit}",
                f"all {len(self.values)} values of the training, "
                f"from {self.values[0]:g} to {self.values[-1]:g} {unit}",
                "train on this scan, or resample it to the values of the training",
            )
        return places

    def check_wavelength(self, found: float | None) -> None:
        """Refuse scattering angles at another wavelength than those of the training, or at none that is told.

        Raises
        ------
        InputError
            They are.

        Examples
        --------
        >>> Signature("two_theta", "degree", np.ones(1), "mu", [], None, None, 1.5418).check_wavelength(1.5406)
        """
        if self.wavelength is None or (found is not None and alike(found, self.wavelength)):
            return
        raise InputError(
            "angles without a wavelength" if found is None else f"angles at {found:g} Angstrom",
            f"those at {self.wavelength:g} Angstrom, which the model was trained on",
            "tell the wavelength of the measurement, and convert it with derive.resample and `wavelength`",
        )

    def check_normalization(self, found: list[NormalizingStep]) -> None:
        """Refuse a variable that other steps made than that of the training.

        Raises
        ------
        InputError
            Names the first step that differs, with its settings.

        Examples
        --------
        >>> flat = [NormalizingStep(step="normalize.flat", settings={"e0": 7112.0})]
        >>> Signature("energy", "eV", np.ones(1), "norm", flat, 7112.0, None).check_normalization(flat)
        """
        if found == self.normalization:
            return
        pairs = ((a, b) for a, b in zip(found, self.normalization, strict=False) if a != b)
        ours, trained = next(pairs, (found[len(self.normalization) :], self.normalization[len(found) :]))
        raise InputError(
            f"{self.variable} by {_sentence(ours, trained)}",
            f"{_sentence(trained, ours)}, as the model was trained",
            "normalize the cube as in the training, or train a model on this scan",
        )

    def check_noise(self, level: float) -> None:
        """Refuse a scan that is far noisier than the training: votes and confidence would mean nothing.

        Parameters
        ----------
        level
            The typical standard deviation of the scan's `norm`; NaN where it is not known.

        Raises
        ------
        InputError
            It is more than `NOISE_FACTOR` times the upper end of the training's.

        Examples
        --------
        >>> Signature("energy", "eV", np.ones(1), "norm", [], 7112.0, np.array([0.005, 0.01])).check_noise(0.01)
        """
        if self.noise is not None and level > NOISE_FACTOR * self.noise[1]:
            raise InputError(
                f"a scan with noise {level:.3g} in norm",
                f"at most {NOISE_FACTOR:g} times the noise of the model's training, "
                f"{self.noise[0]:.3g} to {self.noise[1]:.3g}",
                "average more pixels (correct.average), or train a model with the noise of this scan",
            )


def normalized_as(steps: list[NormalizingStep]) -> list[NormalizingStep]:
    """Steps as a model's file gives them back: lists for tuples.

    Examples
    --------
    >>> normalized_as([NormalizingStep(step="a.b", settings={"span": (1.0, None)})])
    [{'step': 'a.b', 'settings': {'span': [1.0, None]}}]
    """
    found: list[NormalizingStep] = json.loads(json.dumps(steps))
    return found


def _sentence(one: NormalizingStep | list[NormalizingStep], other: object) -> str:
    """A step with the settings in which it differs from the other, or the names of several steps."""
    if isinstance(one, list):
        return " and ".join(step["step"] for step in one) or "no further step"
    if not isinstance(other, dict) or other["step"] != one["step"]:
        return one["step"]
    differ = {k: v for k, v in one["settings"].items() if other["settings"].get(k, ...) != v}
    return f"{one['step']} with {', '.join(f'{k} {v}' for k, v in differ.items())}"
