"""Pixels that the references cannot explain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.learning.samples.sample_table import signature_of
from xafsflow.learning.trust import unknown_limits as learn
from xafsflow.provenance import history, with_history
from xafsflow.sampling import replay
from xafsflow.sampling.noisy_patterns import finite
from xafsflow.sampling.signature_check import places_in
from xafsflow.step_table import STEPS, step, steps_done
from xafsflow.steps.classify.map_model import chosen, pixels, usable
from xafsflow.vocabulary import MAP, Flag, cube_dims


@step(
    makes="cube",
    needs=["flags", "confidence"],
    gives=["flags", "unknown_score", "confidence"],
    example={"false_alarm": 0.1},
    axis="energy",
)
def unknown(
    cube: xr.Dataset,
    library: xr.Dataset,
    samples: xr.Dataset,
    /,
    *,
    false_alarm: Annotated[float, Field(gt=0, lt=1)] = 0.01,
    method: Literal["residual", "mahalanobis", "isolation"] = "residual",
) -> xr.Dataset:
    """Flag the pixels whose misfit noise alone cannot give: they hold something that is not among the references.

    The limit is learnt on the check patterns of `train.mixtures`: mixtures of the references with the noise of the
    scan's pixels, put through the same steps and the same fit. So it knows that averaging, interpolation and
    normalization correlate noise, and what the calibration left uncertain; what it cannot know is where a measured
    reference differs from the same phase in the sample.

    Parameters
    ----------
    false_alarm
        Share of the pixels with known mixtures that are flagged all the same.
    method
        `residual`: reduced chi-square of `classify.combination`, the most powerful; `mahalanobis`: distance of the
        classifier's features to the nearest class, in units of the scatter within classes; `isolation`: an
        isolation forest of the features. These two need no combination fit.

    Returns
    -------
    Dataset
        The cube with `unknown_score` (y, x), the misfit over its limit; `flags` with the bit `unknown`, and
        `confidence` NaN, where it is above one.

    Raises
    ------
    InputError
        There is no combination fit to judge by; the samples do not know the noise, or are too few for the rate.
    """
    output = Output("unknown_score", MAP)
    if method == "residual":
        limit = learn.limit_of(_fitted_checks(cube, library, samples), false_alarm)
        score = over_blocks(_over_limit, [cube.reduced_chi_square], [output], limit=limit)
    else:
        misfit, null = _feature_misfit(samples, method)
        limit, name = learn.limit_of(null, false_alarm), samples.attrs["features"]
        places = places_in(cube, signature_of(samples))
        arrays = [cube[name], cube.flags]
        score = over_blocks(_features_over_limit, arrays, [output], limit=limit, misfit=misfit, places=places)
    outputs = [Output("flags", MAP, np.uint8), Output("confidence", MAP)]
    found = over_blocks(_flagged, [cube.flags, cube.confidence, score["unknown_score"]], outputs)
    return cube.assign({**score, **found})


def _fitted_checks(cube: xr.Dataset, library: xr.Dataset, samples: xr.Dataset) -> np.ndarray:
    """Reduced chi-square of the check patterns by the very fit that the cube went through."""
    if "reduced_chi_square" not in cube:
        raise InputError(
            "a cube without a combination fit", "reduced_chi_square", "run classify.combination before it"
        )
    fit = history(cube.reduced_chi_square)[-1]
    weighted = fit["settings"]["weights"] is not None
    if weighted and "check_noise" not in samples:
        do = "run derive.noise before train.mixtures, and leave its noise as measured"
        raise InputError("check patterns without noise", "check_noise among the samples", do)
    samples = finite(samples, "check")
    arrays: dict[str, Any] = {
        "norm": (cube_dims(), samples.check_norm.values.T[:, None]),
        "flags": (MAP, np.zeros((1, samples.sizes["check"]), np.uint8)),
    }
    if weighted:
        arrays["norm_noise"] = (cube_dims(), samples.check_noise.values.T[:, None])
    if "broadening" in cube:
        arrays["broadening"] = cube.broadening
    small = xr.Dataset(arrays, {"energy": samples.reference_energy.values})
    small = small.map(lambda array: array.copy(data=np.asarray(array.values, order="C")))
    if not np.array_equal(small.energy.values, cube.energy.values):
        raise InputError(
            "samples of other energies than the cube's", "samples of this scan", "train on this scan"
        )
    # What steps on the normalized spectra give, such as a derivative, is made of the check patterns anew.
    steps = [one for one in replay.on_spectra(steps_done(cube)) if "norm" not in one.gives]
    small = replay.advance(small, steps)
    small = with_history(small, history(cube), (str(name) for name in small.data_vars))
    fitted = STEPS[fit["step"]].function(small, library, **fit["settings"])
    return np.asarray(fitted.reduced_chi_square.values[0])


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


def _over_limit(misfit: Any, limit: float) -> Any:
    return misfit / np.float32(limit)


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
