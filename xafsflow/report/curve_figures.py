"""Spectra, feature importances and confusion of a trained model as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xafsflow.report.figure_style import INK, QUIET, category_colors, short, styled
from xafsflow.report.map_layers import file_names, names_along
from xafsflow.report.map_statistics import Facts
from xafsflow.report.model_view import ModelView
from xafsflow.report.picture import Picture
from xafsflow.report.wording import counted, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
WIDTH = 4.2
# More classes than this are shown as an image without their names.
NAMED_CLASSES = 12


def curve_pictures(maps: xr.Dataset, facts: Facts, view: ModelView | None) -> Iterator[Picture]:
    """Measured means beside the references, then what the model looks at and what it confuses.

    Parameters
    ----------
    maps
        `mean_norm` and `mean_pixels` are read.
    facts
        Of the same maps.
    view
        The model, or None: then the measured means stand alone.
    """
    if (
        "mean_norm" in maps
        and {"reference", "energy"} == set(maps["mean_norm"].dims)
        and "energy" in maps.coords
    ):
        yield from _mean_pictures(maps, facts, view)
    if view is None:
        return
    if view.importances is not None and view.importances.size:
        yield _importance_picture(view, view.importances)
    if view.confusion is not None and np.sum(view.confusion) > 0:
        counts = np.asarray(view.confusion, np.float64)
        yield _confusion_picture(view, counts)
        if len(view.class_names) > len(view.references) > 1:
            yield _dominant_picture(view, counts)


def _mean_pictures(maps: xr.Dataset, facts: Facts, view: ModelView | None) -> Iterator[Picture]:
    means = maps["mean_norm"].transpose("reference", "energy")
    names = names_along(means, "reference")
    keys = file_names(f"mean_{name}" for name in names)
    count = maps["mean_pixels"].values if "mean_pixels" in maps else np.full(len(names), np.nan)
    energy, order = np.sort(maps["energy"].values), np.argsort(maps["energy"].values)
    for i, (name, key) in enumerate(zip(names, keys, strict=True)):
        mean = means[i].values[order].astype(np.float64)
        if np.isfinite(mean).any():
            yield _mean_picture(name, key, energy, mean, float(count[i]), facts, view)


@styled
def _mean_picture(
    name: str, key: str, energy: Array, mean: Array, pixels: float, facts: Facts, view: ModelView | None
) -> Picture:
    from matplotlib.figure import Figure

    known = list(view.references) if view else list(facts.references)
    color = category_colors(len(known))[known.index(name)] if name in known else QUIET
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    top.plot(energy, mean, color=color, linewidth=2.2, label="measured mean")
    text = f"Mean over the {counted(int(pixels), 'pixel')}" if np.isfinite(pixels) else "Mean over the pixels"
    text += f" where {name} dominates."
    if view is not None and name in known:
        text += _compare(top, low, energy, mean, known.index(name), facts, view)
        low.axhline(0, color=INK, linewidth=0.5)
        low.set_ylabel("residual")
    else:
        low.remove()
        top.tick_params(labelbottom=True)
    figure.axes[-1].set_xlabel("energy (eV)")
    top.set_ylabel("normalized absorption")
    top.legend(loc="lower right")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    alt = f"Mean spectrum of the pixels where {name} dominates, its reference, and the residual."
    return Picture(key, "spectra", name, text, alt, figure)


def _compare(top: Axes, low: Axes, energy: Array, mean: Array, i: int, facts: Facts, view: ModelView) -> str:
    """Add the reference, the mixture that the map claims, and what is left; say how much that is."""
    on_scan = np.array(
        [np.interp(energy, view.reference_energy, y, np.nan, np.nan) for y in view.reference_norm]
    )
    top.plot(energy, on_scan[i], color=INK, linewidth=1, linestyle=(0, (4, 2)), label="reference")
    low.plot(energy, mean - on_scan[i], color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    text = f" R factor against the reference {number(_r_factor(mean, on_scan[i]), 2)}"
    if facts.references != tuple(view.references) or not np.isfinite(facts.mixture[i]).all():
        return f"{text}."
    expected = facts.mixture[i] @ on_scan
    top.plot(energy, expected, color=INK, linewidth=0.9, label="mixture as mapped")
    low.plot(energy, mean - expected, color=top.lines[0].get_color(), linewidth=1.3)
    return (
        f"{text}, against the mixture that is mapped there {number(_r_factor(mean, expected), 2)}."
        " Residuals: dashed from the reference, in color from the mixture."
    )


def _r_factor(data: Array, fit: Array) -> float:
    """sum((data-fit)^2)/sum(data^2) where both are known."""
    both = np.isfinite(data) & np.isfinite(fit)
    scale = float(np.sum(data[both] ** 2))
    return float(np.sum((data[both] - fit[both]) ** 2)) / scale if scale > 0 else float("nan")


@styled
def _importance_picture(view: ModelView, importances: Array) -> Picture:
    from matplotlib.figure import Figure

    order = np.argsort(view.energy)
    energy, importance = view.energy[order], importances[order]
    peak = float(energy[np.argmax(importance)])
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    colors = category_colors(len(view.references))
    for name, color, norm in zip(view.references, colors, view.reference_norm, strict=True):
        top.plot(view.reference_energy, norm, color=color, linewidth=1.2, label=short(name))
    top.plot(view.reference_energy, view.reference_norm.mean(axis=0), color=INK, linewidth=1.8, label="mean")
    low.fill_between(energy, importance, step="mid", color=QUIET, linewidth=0)
    if energy[-1] > energy[0]:
        top.set_xlim(energy[0], energy[-1])
    low.set_ylim(bottom=0)
    low.set(xlabel="energy (eV)", ylabel="importance")
    top.set_ylabel("normalized absorption")
    top.legend(loc="lower right", ncols=1 + len(view.references) // 5)
    for axes in figure.axes:
        axes.axvline(peak, color=INK, linewidth=0.6, linestyle=(0, (2, 2)))
        axes.spines[["top", "right"]].set_visible(False)
    what = "the derivative" if view.feature_name == "dmude" else "the normalized spectrum"
    text = f"How much the classifier uses each energy of {what}; importances sum to one."
    text += f" The dashed line marks the largest, at {number(peak)} eV."
    alt = "Feature importances below the reference spectra and their mean."
    return Picture("importances", "model", "Which energies decide", text, alt, figure)


def _rates(counts: Array) -> Array:
    """Each row divided by its sum; NaN where a class was never tested."""
    total = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


@styled
def _confusion_picture(view: ModelView, counts: Array) -> Picture:
    """All classes, in the order of their dominant reference and its share."""
    rank = np.argmax(view.compositions, axis=1)
    order = np.lexsort((-view.compositions.max(axis=1), rank))
    rates = _rates(counts)[np.ix_(order, order)]
    names = [view.class_names[i] for i in order]
    text = "Rows are the true classes of held-out spectra, columns the answers; each row sums to one."
    if len(names) <= NAMED_CLASSES:
        return _matrix_picture(rates, names, "confusion", "Confusion of the classes", text)
    starts = np.flatnonzero(np.diff(rank[order], prepend=-1))
    labels = [view.references[rank[order][i]] for i in starts]
    middles = (starts + np.append(starts[1:], len(order)) - 1) / 2
    picture = _matrix_picture(rates, None, "confusion", "Confusion of all classes", text)
    axes = picture.figure.axes[0]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(middles, [short(label, 14) for label in labels])
    for start in starts[1:]:
        axes.axhline(start - 0.5, color="white", linewidth=0.6)
        axes.axvline(start - 0.5, color="white", linewidth=0.6)
    return picture


@styled
def _dominant_picture(view: ModelView, counts: Array) -> Picture:
    """Classes taken together by their dominant reference."""
    count, dominant = len(view.references), view.dominant
    names = list(view.references)
    if np.any(dominant < 0):
        names.append("no single one")
    groups = np.where(dominant < 0, count, dominant)
    member = (groups[:, None] == np.arange(len(names))).astype(np.float64)
    rates = _rates(member.T @ counts @ member)
    text = "The classes taken together by the reference with the largest share; rows are the truth, sum one."
    return _matrix_picture(rates, names, "confusion_dominant", "Confusion of the dominant reference", text)


def _matrix_picture(rates: Array, names: list[str] | None, key: str, title: str, text: str) -> Picture:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("#8b929b")
    image = axes.imshow(rates, vmin=0, vmax=1, cmap="cividis", interpolation="none")
    axes.set(xlabel="answer", ylabel="truth")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if names is None:
        bar = figure.colorbar(image, cax=axes.inset_axes((1.03, 0, 0.045, 1)))
        bar.outline.set_visible(False)
    else:
        ticks = [short(name, 16) for name in names]
        axes.set_xticks(range(len(names)), ticks, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), ticks)
        for (row, column), rate in np.ndenumerate(rates):
            if rate >= 0.005:
                color = "black" if rate > 0.5 else "white"
                axes.text(column, row, f"{rate:.2f}", ha="center", va="center", fontsize=8, color=color)
    right = np.diag(rates)[np.isfinite(np.diag(rates))].tolist()
    alt = f"{title}. On the diagonal {number(min(right), 2)} to {number(max(right), 2)}." if right else title
    return Picture(key, "model", title, text, alt, figure)
