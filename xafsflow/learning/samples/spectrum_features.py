"""The table of features of a spectrum, each a matrix over its axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats
from xafsflow.kernels.spectra.derivative import derivative
from xafsflow.learning.models.feature_map import DESCRIPTORS, FeatureMap
from xafsflow.vocabulary import nearest

# Windows over which polynomials of the third degree are fitted, and how many principal components count.
WINDOWS, DEGREE, COMPONENTS = 8, 3, 20
# From the axis (energy,), the training spectra (sample, energy) and the window of derivatives to weights and offset.
Row = Callable[[Doubles, Floats, float], tuple[Doubles, Doubles]]


def _spectrum(axis: Doubles, spectra: Floats, window: float) -> tuple[Doubles, Doubles]:
    return np.eye(len(axis)), np.zeros(len(axis))


def _derivative(axis: Doubles, spectra: Floats, window: float) -> tuple[Doubles, Doubles]:
    return np.asarray(derivative(axis, np.eye(len(axis)), window), np.float64), np.zeros(len(axis))


def _second_derivative(axis: Doubles, spectra: Floats, window: float) -> tuple[Doubles, Doubles]:
    once = _derivative(axis, spectra, window)[0]
    return once @ once, np.zeros(len(axis))


def _cumulative(axis: Doubles, spectra: Floats, window: float) -> tuple[Doubles, Doubles]:
    """The integral from the first energy on, by trapezoids, over the length of the axis."""
    half = np.diff(axis) / 2 / np.ptp(axis)
    steps = np.zeros((len(axis), len(axis)))
    places = np.arange(1, len(axis))
    steps[places, places - 1] = steps[places, places] = half
    return np.cumsum(steps, axis=0), np.zeros(len(axis))


def _polynomials(axis: Doubles, spectra: Floats, window: float) -> tuple[Doubles, Doubles]:
    """Coefficients of Legendre polynomials fitted over windows of equally many energies."""
    rows = []
    for places in np.array_split(np.arange(len(axis)), min(WINDOWS, len(axis) // (DEGREE + 1))):
        scaled = np.interp(axis[places], axis[places[[0, -1]]], [-1.0, 1.0])
        whole = np.zeros((DEGREE + 1, len(axis)))
        whole[:, places] = np.linalg.pinv(np.polynomial.legendre.legvander(scaled, DEGREE))
        rows.append(whole)
    weights = np.concatenate(rows)
    return weights, np.zeros(len(weights))


def _pca(axis: Doubles, spectra: Floats, window: float) -> tuple[Doubles, Doubles]:
    """Scores of the first principal components of the training spectra."""
    middle = spectra.mean(axis=0, dtype=np.float64)
    apart = spectra - middle
    _, vectors = np.linalg.eigh(apart.T @ apart)
    weights = np.ascontiguousarray(vectors[:, ::-1][:, :COMPONENTS].T, np.float64)
    # The sign of a component is free: its largest weight is positive, wherever it is computed.
    weights *= np.sign(weights[np.arange(len(weights)), np.abs(weights).argmax(axis=1)])[:, None]
    return weights, weights @ middle


# A further feature is one line here.
FEATURES: dict[str, Row] = {
    "spectrum": _spectrum,
    "derivative": _derivative,
    "second_derivative": _second_derivative,
    "cumulative": _cumulative,
    "polynomials": _polynomials,
    "pca": _pca,
}
NAMES = (*FEATURES, *DESCRIPTORS)


def feature_map(names: Sequence[str], axis: Doubles, spectra: Floats, window: float) -> FeatureMap | None:
    """What a learner reads of spectra, from names of the tables; None for the spectrum alone, as it is.

    Parameters
    ----------
    names
        Rows of `FEATURES` and `DESCRIPTORS`, in any order.
    axis
        `(energy,)`, increasing.
    spectra
        `(sample, energy)`: those of the training, from which principal components are learnt.
    window
        Width, in the unit of the axis, of the window in which polynomials are fitted for derivatives.

    Raises
    ------
    InputError
        No name, one twice, or one that is in neither table; fewer than 5 energies.

    Examples
    --------
    >>> axis = np.arange(7100.0, 7120.0)
    >>> found = feature_map(["derivative", "white_line"], axis, np.zeros((1, 20)), 3.0)
    >>> found.count, found(np.array(2 * axis[:, None], "f4"))[5].round(2).tolist()
    (22, [2.0])
    """
    wrong = [name for name in names if name not in NAMES]
    if wrong or not names or len(set(names)) < len(names):
        close = nearest(wrong[0], NAMES) if wrong else ""
        raise InputError(
            f"features {', '.join(names) or 'without a name'}{close}",
            f"different ones of {', '.join(NAMES)}",
            "mend the names",
        )
    if list(names) == ["spectrum"]:
        return None
    if len(axis) < 5:
        raise InputError(f"{len(axis)} energies", "5 or more for these features", "widen span")
    linear = {name: FEATURES[name](axis, spectra, window) for name in names if name in FEATURES}
    return FeatureMap(
        axis=np.asarray(axis, np.float64),
        weights=np.concatenate([np.zeros((0, len(axis))), *(one[0] for one in linear.values())]),
        offset=np.concatenate([np.zeros(0), *(one[1] for one in linear.values())]),
        kinds=[name for name, one in linear.items() for _ in one[1]],
        descriptors=[name for name in names if name in DESCRIPTORS],
    )
