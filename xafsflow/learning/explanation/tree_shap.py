"""TreeSHAP of boosted trees by LightGBM's and XGBoost's own: what each feature adds to the answer for a spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Floats

# Bands over an axis where nobody says how wide they are.
BANDS = 20


@dataclass(frozen=True, eq=False)
class Contributions:
    """What features add.

    Parameters
    ----------
    base
        `(output,)`: the mean answer.
    values
        `(sample, feature, output)`: with the base they add up to the raw score of a class (the logarithm of its odds, or
        what goes into the softmax), or to the property.
    """

    base: Doubles
    values: Doubles

    @property
    def answers(self) -> Doubles:
        """`(sample, output)`: the raw scores that they add up to."""
        return self.base + self.values.sum(axis=1)


def tree_shap(booster: Any, features: Floats) -> Contributions:
    """Exact TreeSHAP, path-dependent (S. M. Lundberg and others, Nature Mach. Intell. 2, 56 (2020)).

    LightGBM adds up to 1e-9 and better; XGBoost works in single precision and adds up to about 1e-5 of its scores.

    Parameters
    ----------
    booster
        A `Booster` of LightGBM or XGBoost, or an estimator of theirs, fitted.
    features
        `(sample, feature)`.

    Raises
    ------
    InputError
        It is something else.
    """
    table = np.ascontiguousarray(features)
    known = getattr(booster, "booster_", None) or _booster_of(booster)
    library = type(known).__module__.partition(".")[0]
    if library == "lightgbm":
        raw = np.asarray(known.predict(table, pred_contrib=True, num_threads=1), np.float64)
        raw = raw.reshape(len(table), -1, table.shape[1] + 1)
    elif library == "xgboost":
        import xgboost

        found = known.predict(xgboost.DMatrix(table), pred_contribs=True)
        raw = np.asarray(found, np.float64).reshape(len(table), -1, table.shape[1] + 1)
    else:
        raise InputError(
            f"a {type(booster).__name__}",
            "a model of LightGBM or XGBoost, which know TreeSHAP",
            "use band_importance, which takes any model",
        )
    return Contributions(raw[0, :, -1].copy(), raw[:, :, :-1].transpose(0, 2, 1))


def _booster_of(model: Any) -> Any:
    return model.get_booster() if hasattr(model, "get_booster") else model


@dataclass(frozen=True, eq=False)
class Bands:
    """What bands of energies add to one answer.

    Parameters
    ----------
    edges
        `(band + 1,)`, eV: a band holds the energies from its edge to below the next; the last one its end, too.
    effect
        `(band,)`: mean over the samples of what the band adds.
    size
        `(band,)`: mean of its absolute value.
    spectrum
        `(energy,)`: mean of the samples' features, to be drawn over the bands.
    samples
        How many.
    """

    edges: Doubles
    effect: Doubles
    size: Doubles
    spectrum: Doubles
    samples: int


def band_edges(energy: Doubles, width: float | None = None) -> Doubles:
    """Edges of bands of one width over an axis, `(band + 1,)`; every band holds a value of the axis.

    The first band begins and the last one ends with the axis; a rest of less than half a width belongs to the last one.

    Parameters
    ----------
    energy
        `(energy,)`, rising.
    width
        In the unit of the axis; None: about twenty bands, of a width with one digit.

    Examples
    --------
    >>> band_edges(np.arange(7100.0, 7111.0), 5.0).tolist()
    [7100.0, 7105.0, 7110.0]
    >>> band_edges(np.arange(7092.5, 7212.0))[:4].tolist()
    [7092.5, 7098.0, 7104.0, 7110.0]
    """
    low, high = float(energy.min()), float(energy.max())
    step = width or float(f"{max((high - low) / BANDS, np.finfo(float).tiny):.0e}")
    start = np.floor(low) if step >= 1 else low
    inside = start + step * np.arange(1, max(1, round((high - start) / step)))
    edges = np.array([low, *inside, high])
    # Where the points of a scan lie farther apart than the edges
    full = np.histogram(energy, edges)[0] > 0
    return np.append(edges[:-1][full], high)


def band_of(energy: Doubles, edges: Doubles) -> NDArray[np.int64]:
    """`(energy,)`: the band of each energy; -1 outside of all."""
    found = np.searchsorted(edges, energy, side="right") - 1
    found[energy == edges[-1]] = len(edges) - 2
    return np.where((found >= 0) & (found < len(edges) - 1), found, -1)


def explained_bands(
    told: Contributions,
    features: Floats,
    energy: Doubles,
    edges: Doubles,
    output: int = 0,
    members: NDArray[np.bool_] | None = None,
) -> Bands:
    """Contributions to one output added up over bands: for all samples, those of a class or region, or one spectrum.

    Within a band contributions are added: neighboring energies carry the same information, and trees choose among them by
    chance.

    Parameters
    ----------
    told
        Of the samples, by `tree_shap`.
    features, energy
        `(sample, feature)` and `(feature,)`: where on the axis each feature is; a feature may be a derivative, too.
    edges
        As of `band_edges`.
    output
        The class, or the property.
    members
        `(sample,)`: those of a class or region; None for all.

    Raises
    ------
    InputError
        No sample.

    Examples
    --------
    >>> told = Contributions(np.zeros(1), np.array([[[1.0], [2.0], [-4.0]]]))
    >>> bands = explained_bands(told, np.zeros((1, 3)), np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.5, 2.0]))
    >>> bands.effect.tolist(), bands.size.tolist()
    ([3.0, -4.0], [3.0, 4.0])
    """
    some = np.ones(len(features), bool) if members is None else members
    if not some.any():
        raise InputError("no sample to explain", "one or more", "choose another class or region")
    band, count = band_of(energy, edges), len(edges) - 1
    values = told.values[some, :, output]
    by_band = np.stack([values[:, band == one].sum(axis=1) for one in range(count)], axis=1)
    return Bands(
        edges=edges,
        effect=by_band.mean(axis=0),
        size=np.abs(by_band).mean(axis=0),
        spectrum=np.asarray(features[some].mean(axis=0, dtype=np.float64)),
        samples=int(some.sum()),
    )
