"""Pixels that the references cannot explain."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Annotated, Any, Literal

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
from xafsflow.sampling.foreign_phases import detections
from xafsflow.sampling.judged_fit import JudgedFit, judged_fit, taking_part
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.sampling.signature_check import places_in
from xafsflow.step_table import step
from xafsflow.steps.classify.map_model import chosen, pixels, usable
from xafsflow.vocabulary import MAP, Flag

# Rows whose pixels are laid beside the check patterns, and how many pixels of a reference make a median.
ROWS, LEAST_PIXELS = 16, 100
# What of a reduced chi-square may be no noise, and by how much the lower quartile of the pixels may be larger than that of
# known mixtures, before the rate of false alarms is doubted.
NO_NOISE, TYPICAL = 0.1, 1.15
QUARTILE = 0.25


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
    normalization correlate noise, and what the calibration left uncertain; what it cannot know is where a measured
    reference differs from the same phase in the sample, or what else moves the spectra. A warning says where even the better
    pixels fit worse than known mixtures, or where what is left even of these is no noise.

    Parameters
    ----------
    false_alarm
        Share of the pixels with known mixtures that are flagged all the same.
    method
        `residual`: reduced chi-square of `classify.combination`, the most powerful, with a limit for each number of
        references that take part; `mahalanobis`: distance of the classifier's features to the nearest class, in units of
        the scatter within classes; `isolation`: an isolation forest of the features. These two need no combination fit.

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
        arrays = [cube.reduced_chi_square, cube.lcf_fraction]
        score = over_blocks(_over_limit, arrays, [output], limits=findings.limits)
    else:
        misfit, null = _feature_misfit(samples, method)
        limit, name = learn.limit_of(null, false_alarm), samples.attrs["features"]
        findings = UnknownFindings(method, false_alarm, np.array([limit]), len(null), 0.0, 0.0, {}, (), ())
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
    misfit, fractions = fit(fit.checks.check_norm.values, fit.noise)
    number, references = taking_part(fractions), fit.library.sizes["spectrum"]
    limits = learn.limits_by_number(misfit, number, references, false_alarm)
    typical = _typical_misfit(fit.cube, misfit, fractions.argmax(axis=0))
    interpolation, windows = fit.without_noise()
    return UnknownFindings(
        "residual",
        false_alarm,
        limits,
        len(misfit),
        interpolation,
        windows,
        typical,
        _spoiled(false_alarm, interpolation, windows, typical),
        detections(fit, limits, candidates),
    )


def _typical_misfit(cube: xr.Dataset, misfit: Doubles, leader: np.ndarray) -> dict[str, float]:
    """Lower quartile of the pixels' reduced chi-square over that of known mixtures, by leading reference.

    A phase that is in less than half of the pixels hardly moves it; what changes all spectra does.
    """
    arrays = {name: cube[name] for name in ("reduced_chi_square", "lcf_fraction")}
    found = values_at(arrays, spread_rows(cube.sizes["y"], ROWS, cube.sizes["x"]))
    chi_square, fractions = found["reduced_chi_square"], found["lcf_fraction"]
    leads = np.where(np.isfinite(chi_square), np.nan_to_num(fractions).argmax(axis=0), -1)
    ratios = {}
    for k, name in enumerate(str(one) for one in cube.reference.values):
        of_pixels, of_checks = chi_square[leads == k], misfit[(leader == k) & np.isfinite(misfit)]
        if min(of_pixels.size, of_checks.size) >= LEAST_PIXELS:
            ratios[name] = float(np.quantile(of_pixels, QUARTILE) / np.quantile(of_checks, QUARTILE))
    return ratios


def _spoiled(
    false_alarm: float, interpolation: float, windows: float, typical: dict[str, float]
) -> tuple[str, ...]:
    """What keeps the rate of false alarms from being as it was asked for, each a sentence or two."""
    rate = f"more or less than {false_alarm:.3g} of the pixels with known mixtures may be called unknown"
    texts = []
    if windows > NO_NOISE:
        texts.append(
            f"pixels that lack energies at an end of the scan are normalized otherwise than the references, which adds "
            f"{windows:.2g} to their reduced chi-square; {rate}: put the windows of the normalization within the energies "
            "that every pixel covers, with 4 points and more in each"
        )
    if interpolation > NO_NOISE:
        texts.append(
            f"the energies are too far apart to be interpolated, which adds {interpolation:.2g} to the reduced chi-square "
            f"of the references themselves; {rate}, and less is found: take more energies at the edge"
        )
    off = {name: ratio for name, ratio in typical.items() if ratio > TYPICAL}
    if off:
        named = ", ".join(f"{name} {ratio:.2f}" for name, ratio in off.items())
        texts.append(
            "even the better pixels fit worse than known mixtures with noise (lower quartile of the reduced chi-square, "
            f"by leading reference: {named} "
            f"times); {rate}: the references differ from the sample's, something is nearly everywhere, or images moved "
            "(correct.drift)"
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


def _over_limit(misfit: Any, fractions: Any, limits: Doubles) -> Any:
    return misfit / limits.astype(np.float32)[taking_part(fractions)]


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
