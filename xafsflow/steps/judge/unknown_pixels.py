"""Pixels that the references cannot explain."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.blocks.scan_numbers import spread_rows, values_at
from xafsflow.errors import XafsflowWarning
from xafsflow.findings.judge_findings import UnknownFindings
from xafsflow.kernels.array_types import Doubles
from xafsflow.learning.samples.sample_table import signature_of
from xafsflow.learning.trust import unknown_limits as learn
from xafsflow.learning.trust.shared_deviation import bounded, shared_deviations
from xafsflow.sampling.foreign_phases import detections
from xafsflow.sampling.judged_fit import ENDS, JudgedFit, group_of, judged_fit
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.sampling.signature_check import places_in
from xafsflow.step_table import step
from xafsflow.steps.classify.chosen_pixels import chosen, pixels, usable
from xafsflow.vocabulary import MAP, OUT_OF_MEANS, Flag

# Rows whose pixels are laid beside the check patterns, and how many pixels of a part make a quantile.
ROWS, LEAST_PIXELS = 64, 100
# What pixels of a reference share, over their noise, up to which the limits allow for it: it adds a quarter to chi-square.
MOST_SHARED = 0.5
# The limits tell which pixels are left out of what is shared, which changes the limits.
TURNS = 2
# By how much the lower quartile of the pixels may be larger than that of known mixtures.
TYPICAL, QUARTILE = 1.1, 0.25
# Columns within which a pixel without sample is near: images that moved mix it in.
NEAR, BESIDE = 2, "beside places without sample"
ENDS_IN_WORDS = (
    "all energies",
    "without the first energies",
    "without the last energies",
    "without either end",
)


@step(
    makes=("cube", "findings"),
    needs=["flags", "confidence"],
    gives=["flags", "unknown_score", "confidence"],
    example={"false_alarm": 0.1},
    axis="energy",
    section="unknown_detection",
)
def unknown(
    cube: xr.Dataset,
    library: xr.Dataset,
    samples: xr.Dataset,
    candidates: xr.Dataset | None = None,
    /,
    *,
    false_alarm: Annotated[float, Field(gt=0, lt=1)] = 0.01,
    method: Literal["residual", "mahalanobis", "isolation"] = "residual",
) -> tuple[xr.Dataset, UnknownFindings]:
    """Flag the pixels whose misfit noise alone cannot give: they hold something that is not among the references.

    The limit is learnt on the check patterns of `train.mixtures`: mixtures of the references with the noise of the
    scan's pixels, put through the same steps and the same fit. So it knows that averaging, interpolation and
    normalization correlate noise, and what the calibration left uncertain. What the pixels of a reference share beside it,
    since it was measured elsewhere, is found by least squares over the pixels within the limits; up to half of the noise the
    limits allow for it. A warning says where it is more, or where even the better pixels fit worse than known mixtures.

    Parameters
    ----------
    false_alarm
        Share of the pixels with known mixtures that are flagged all the same.
    method
        `residual`: reduced chi-square of `classify.combination`, the most powerful, with limits by the number of references
        that take part and by the ends that a pixel's shift left without energies; `mahalanobis`: distance of the
        classifier's features to the nearest class, in units of the scatter within classes; `isolation`: an isolation forest
        of the features. These two need no combination fit.

    Returns
    -------
    cube, findings
        The cube with `unknown_score` (y, x), the misfit over its limit; `flags` with the bit `unknown`, and
        `confidence` NaN, where it is above one. By `residual` the findings tell which share of a phase is found that the
        library lacks: of each reference, left out; of each candidate, where there are some; and of a peak.

    Raises
    ------
    InputError
        There is no combination fit to judge by; the samples do not know the noise, or are too few for the rate.
    """
    output = Output("unknown_score", MAP)
    if method == "residual":
        fit = judged_fit(cube, library, samples)
        findings = _judged(fit, candidates, false_alarm)
        arrays = [cube.reduced_chi_square, cube.lcf_fraction, cube.norm]
        score = over_blocks(_over_limit, arrays, [output], limits=findings.limits)
    else:
        misfit, null = _feature_misfit(samples, method)
        limit, name = learn.limit_of(null, false_alarm), samples.attrs["features"]
        findings = UnknownFindings(method, false_alarm, np.array([limit]), len(null), {}, {}, (), ())
        places = places_in(cube, signature_of(samples))
        arrays = [cube[name], cube.flags]
        score = over_blocks(_features_over_limit, arrays, [output], limit=limit, misfit=misfit, places=places)
    for text in findings.spoiled_by:
        warnings.warn(text, XafsflowWarning, stacklevel=4)
    outputs = [Output("flags", MAP, np.uint8), Output("confidence", MAP)]
    found = over_blocks(_flagged, [cube.flags, cube.confidence, score["unknown_score"]], outputs)
    return cube.assign({**score, **found}), findings


def _judged(fit: JudgedFit, candidates: xr.Dataset | None, false_alarm: float) -> UnknownFindings:
    """The limits of the fit's reduced chi-square, what spoils them, and what they find."""
    names = [str(name) for name in fit.checks.reference.values]
    norm, fractions, chi_square, noise, beside = _some_pixels(fit.cube)
    group, residual = fit.group(norm.T, fractions), fit.residual(norm, fractions)
    null, shared = _misfits(fit, false_alarm), dict[str, float]()
    for _ in range(TURNS if fit.weighted else 0):
        like = chi_square <= null.limits[group]
        deviations = shared_deviations(residual[:, like], fractions[:, like], noise[like])
        allowed, size = bounded(deviations, _typical_noise(fit), MOST_SHARED)
        null = _misfits(fit.deviating(allowed), false_alarm)
        shared = dict(zip(names, size.tolist(), strict=True))
    typical = _typical_misfit(null.misfit, null.leader, chi_square, fractions.argmax(axis=0), names)
    typical |= _typical_misfit(null.misfit, null.group % ENDS, chi_square, group % ENDS, ENDS_IN_WORDS)
    everywhere = np.zeros(len(null.misfit))
    typical |= _typical_misfit(null.misfit, everywhere, chi_square[beside > 0], 0, [BESIDE])
    spoiled = _spoiled(false_alarm, shared, typical)
    # Without what is shared: some of it may be the phase itself, which would be counted twice.
    curves, count = detections(fit, null.limits, candidates), len(null.misfit)
    return UnknownFindings("residual", false_alarm, null.limits, count, shared, typical, spoiled, curves)


class _Null(NamedTuple):
    """Misfits of known mixtures `(pattern,)`, their leading reference and group, and the limits `(group,)`."""

    misfit: Doubles
    leader: np.ndarray
    group: np.ndarray
    limits: Doubles


def _misfits(fit: JudgedFit, false_alarm: float) -> _Null:
    norm = fit.checks.check_norm.values
    misfit, fractions = fit(norm, fit.noise, fit.shift)
    group = fit.group(norm, fractions)
    limits = learn.limits_by_group(misfit, group, ENDS * (len(fractions) + 1), false_alarm)
    return _Null(misfit, fractions.argmax(axis=0), group, limits)


def _some_pixels(cube: xr.Dataset) -> tuple[Doubles, ...]:
    """Of fitted pixels `norm` (energy, pixel), `lcf_fraction` (reference, pixel), and three more `(pixel,)`.

    These are `reduced_chi_square`, `noise`, which is one for all where it is not known, and 1 for pixels that have others
    without sample within `NEAR` columns, else 0.
    """
    names = ("norm", "lcf_fraction", "reduced_chi_square", "flags", *(["noise"] if "noise" in cube else []))
    rows = spread_rows(cube.sizes["y"], ROWS, cube.sizes["x"])
    found = values_at({name: cube[name] for name in names}, rows)
    good = np.isfinite(found["reduced_chi_square"])
    found.setdefault("noise", np.ones(good.shape))
    empty = np.pad(found["flags"] & np.uint8(OUT_OF_MEANS) > 0, ((0, 0), (NEAR, NEAR)))
    found["beside"] = np.any([np.roll(empty, by, axis=1) for by in range(-NEAR, NEAR + 1)], axis=0)[
        :, NEAR:-NEAR
    ]
    wanted = ("norm", "lcf_fraction", "reduced_chi_square", "noise", "beside")
    return tuple(np.asarray(found[name][..., good], float) for name in wanted)


def _typical_noise(fit: JudgedFit) -> Doubles:
    """The median noise of the check patterns `(energy,)`; NaN where it is not known, and outside of the fit."""
    energy, (low, high) = fit.checks.reference_energy.values, fit.span()
    noise = np.asarray(fit.noise, float)
    known = (energy >= low) & (energy <= high) & np.isfinite(noise).any(axis=0)
    found = np.full(len(energy), np.nan)
    found[known] = np.nanmedian(noise[:, known], axis=0)
    return found


def _typical_misfit(
    misfit: Doubles,
    of_check: np.ndarray,
    chi_square: Doubles,
    of_pixel: np.ndarray | int,
    names: Sequence[str],
) -> dict[str, float]:
    """Lower quartile of the pixels' reduced chi-square over that of known mixtures, by part.

    A phase that is in less than half of the pixels hardly moves it; what changes all spectra does.
    """
    ratios = {}
    for k, name in enumerate(names):
        pixels, checks = chi_square[of_pixel == k], misfit[(of_check == k) & np.isfinite(misfit)]
        if min(pixels.size, checks.size) >= LEAST_PIXELS:
            ratios[name] = float(np.quantile(pixels, QUARTILE) / np.quantile(checks, QUARTILE))
    return ratios


def _spoiled(false_alarm: float, shared: dict[str, float], typical: dict[str, float]) -> tuple[str, ...]:
    """What keeps the rate of false alarms from being as it was asked for, each a sentence or two."""
    rate = f"more than {false_alarm:.3g} of the pixels with known mixtures may be called unknown"
    texts = []
    off = {name: size for name, size in shared.items() if size > MOST_SHARED}
    if off:
        named = ", ".join(f"{name} {size:.2f}" for name, size in off.items())
        texts.append(
            f"what pixels of a reference share beside it is not small against their noise ({named} times); {rate}: the "
            "reference is not as the phase in the sample (its background, thickness or resolution), or something is nearly "
            "everywhere"
        )
    off = {name: ratio for name, ratio in typical.items() if ratio > TYPICAL}
    if off:
        named = ", ".join(f"{name} {ratio:.2f}" for name, ratio in off.items())
        texts.append(
            "even the better pixels fit worse than known mixtures with noise (lower quartile of the reduced chi-square: "
            f"{named} times); {rate}: images moved (correct.drift), which shows most beside places without sample, the "
            "references differ from the sample's, or something is in much of the sample"
        )
    return tuple(texts)


def _feature_misfit(samples: xr.Dataset, method: str) -> tuple[Callable[..., Any], np.ndarray]:
    """The misfit as a function of features, and what it is for known mixtures that it was not made from."""
    samples = finite(samples, "sample", "check")
    checks = samples.check_features.values
    if method == "mahalanobis":
        arrays = (samples[name].values for name in ("features", "label", "class_features"))
        distance = learn.learn_mahalanobis(*arrays)
        return distance, distance(checks.T)
    isolation = learn.learn_isolation(checks[::2], samples.attrs["seed"])
    return isolation, isolation(checks[1::2].T)


def _over_limit(misfit: Any, fractions: Any, norm: Any, limits: Doubles) -> Any:
    return misfit / limits.astype(np.float32)[group_of(fractions, norm[0], norm[-1])]


def _features_over_limit(values: Any, flags: Any, limit: float, misfit: Any, places: Any) -> Any:
    features = chosen(values, places)
    good = usable(features, flags)
    score = np.full(good.shape, np.nan, np.float32)
    if good.any():
        score[good] = misfit(pixels(features, good)) / limit
    return score


def _flagged(flags: Any, confidence: Any, score: Any) -> tuple[Any, Any]:
    above = score > 1
    bit = np.uint8(int(Flag.UNKNOWN))
    return np.where(above, flags | bit, flags & ~bit), np.where(above, np.float32(np.nan), confidence)
