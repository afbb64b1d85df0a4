"""The linear combination fit of every pixel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.blocks.outputs import Output
from xafsflow.blocks.over_blocks import over_blocks
from xafsflow.errors import InputError
from xafsflow.kernels.mixtures.active_support import dependent_columns
from xafsflow.kernels.mixtures.combination import Fit, fit_combination
from xafsflow.kernels.mixtures.share_errors import NoiseSources, share_errors
from xafsflow.kernels.mixtures.shifted_combination import fit_moved_combination
from xafsflow.kernels.mixtures.systematic_errors import answer_to, systematic_errors
from xafsflow.kernels.mixtures.typical_misfit import freedom_over_noise
from xafsflow.sampling import replay
from xafsflow.sampling.moved_references import moved_references
from xafsflow.sampling.reference_steps import StepRatios, step_ratios
from xafsflow.step_table import Span, step
from xafsflow.steps.ingest.reference_spectra import check_cover
from xafsflow.vocabulary import MAP, OUT, RESPONSE

# eV between the shifts at which the references are computed: a cubic between them is good to 1e-4 of the edge step.
SPACING = 0.25


@step(
    makes="cube",
    needs=["flags", "{features}", "{weights}=norm_noise"],
    gives=[
        "lcf_fraction",
        "lcf_error",
        "lcf_systematic_error",
        "r_factor",
        "reduced_chi_square",
        "step_ratio",
        "step_ratio_error",
        "{shift}=lcf_shift",
    ],
    example={"weights": None},
    axis="energy",
)
def combination(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    features: Literal["norm", "dmude"] = "norm",
    span: Span = (-20.0, 100.0),
    sum_to_one: bool = True,
    background: bool = False,
    shift: Annotated[float, Field(gt=0, le=10)] | None = None,
    weights: Literal["noise"] | None = "noise",
) -> xr.Dataset:
    """Fit every pixel by a sum of the references, with fractions that are not negative.

    The references are normalized by the steps that normalized the cube; fractions are shares of the edge step that a
    reference has over its own whole range, since the step that a scan finds which ends early is off by up to 15 %, for each
    compound by another part. The fit minimizes chi-square,
    `sum(((data - fit)/sigma)^2)` over the energies of the span, and finds its minimum exactly. `r_factor` is
    `sum((data - fit)^2)/sum(data^2)` without weights; the degrees of freedom of the reduced chi-square are the energies less
    what may vary: the references (less one where they sum to one), two for the background, one for the shift. With weights a
    reduced chi-square near one says that noise explains the residual; far above it, references are missing, or something
    moves the spectra beside the noise of photons: another flux than the flat field's (`correct.flux`), references that
    are not as flat as the data (`normalize.flat`).

    With weights `lcf_error` is how far the shares of one sample would scatter if it were measured again: by the covariance
    of the whole spectrum, `M A'W C W A M`, with the photons of each energy, means over neighbors, what the curves and the
    step of the normalization do to all energies together (`derive.noise`), and by `energy_shift_error`; near zero, where
    a share is not free to scatter, the standard deviation of `max(0, x)` with x normal about it. Not in it is
    `flux_offset_error`, which all pixels share, and what is wrong in the same way each time.

    `lcf_systematic_error` is that: by the edge steps of the references, known to `e = step_ratio_error/step_ratio`,
    `f_k^2 ((1 - f_k)^2 e_k^2 + sum_(j != k) f_j^2 e_j^2)`, and, where a calibration has fitted the resolution, by
    references that are blunter or sharper by `broadening_error`, refitted. Both are added in squares, as if no share were
    bounded. References of another sample, or off in energy against each other, are in neither.

    Neighbors share noise after a mean over them: their errors are no independent ones. Energies do, too, where the
    normalization moves them together; after `derive.noise` the reduced chi-square is therefore over what noise alone leaves
    of a typical pixel, the median of simulated spectra, in place of the degrees of freedom. Where energies lie so far apart
    that the interpolation of `calibrate.apply` misses some of the edge, the references of each pixel are those that its own
    shift makes.

    Larch's `lincombo_fit` with bounds of zero finds the same where it leaves none of the references out. Where its last
    one is at the bound, its fractions do not sum to one; these do. Fractions without `sum_to_one` are as fitted: there is
    no upper bound, which Athena sets at one.

    Parameters
    ----------
    features
        What is fitted: `norm`, or its derivative `dmude`, without weights.
    span
        Energies, eV relative to the mean e0 of the references; None is open. A pixel with a NaN in it gets NaN.
    sum_to_one
        Hold the sum of the fractions at one.
    background
        Add a straight line, of either sign, to the references.
    shift
        The most, eV, by which the references may be moved along the energies, all together; None: not moved.
    weights
        `noise`: one over the squares of `norm_noise`; standard errors are as that noise says. None: all energies alike and
        independent; standard errors are scaled by the square root of the reduced chi-square, which then is the variance of
        the residual.

    Returns
    -------
    Dataset
        The cube with `lcf_fraction`, `lcf_error` and `lcf_systematic_error` (reference, y, x; the last is NaN where a
        reference is too short to tell the error of its step), `r_factor`, `reduced_chi_square` and, with a shift,
        `lcf_shift` (y, x); `step_ratio` and `step_ratio_error` (reference): what coefficients were multiplied by to become
        shares of the true step, and how far that depends on the window of the post-edge. Without weights the standard error
        of a reference at zero is the one that it would have beside the others. NaN where a pixel is flagged background or
        has a NaN.

    Raises
    ------
    InputError
        References do not cover the scan, cannot be told apart, or are others than the cube's; too few energies in the span.

    Examples
    --------
    >>> import xafsflow as xf
    >>> cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 16), energies=60))
    >>> cube = xf.derive.noise(xf.normalize.edge_step(cube, e0=7112.0, norm1=40.0, nnorm=1))
    >>> fitted = combination(cube, xf.ingest.phantom_references())
    >>> fitted.lcf_fraction.dims
    ('reference', 'y', 'x')
    >>> bool(abs(fitted.lcf_fraction.sum("reference", skipna=False) - 1).max() < 1e-6)
    True
    """
    if features == "dmude" and weights is not None:
        raise InputError(
            "features dmude with weights noise",
            "weights null",
            "the noise of dmude is not known: fit norm, or set weights",
        )
    library = _in_the_cubes_order(cube, library)
    shifts = _shifts(shift)
    energy = cube.energy.values
    check_cover(library, energy[[0, -1]] + shifts[[0, -1]])
    table, still, steps = _references(cube, library, features, shifts)
    e0 = float(np.nanmean(still.e0))
    places = _places(energy, e0, span, table, library.sizes["spectrum"] + 2 * background + 1)
    line = (energy[places] - energy[places].mean()) / np.ptp(energy[places])
    free = np.stack([np.ones_like(line), line])[: 2 * background]
    names = [str(name) for name in library.spectrum.values]
    _check_apart(
        np.concatenate([free, table[len(shifts) // 2][:, places]]), ["background"] * len(free) + names
    )
    settings: dict[str, Any] = {
        "table": table[:, :, places],
        "shifts": shifts,
        "free": free,
        "sum_to_one": sum_to_one,
        "places": places,
        "ratio": steps.ratio.astype(np.float32),
        "step_error": steps.error,
        "blunter": _blunter(cube, library, features, places),
    }
    arrays = [cube[features], cube.flags, *([cube.norm_noise] if weights else [])]
    seen = None if shift else moved_references(cube, library, still, features)
    if seen is not None:
        settings |= {"table": seen.table[:, :, places], "shifts": seen.shifts, "given": True}
    if weights and "noise_response" in cube:
        slopes = np.gradient(table[len(shifts) // 2][:, places], energy[places], axis=1)
        settings |= {"slopes": slopes, "group": (energy > e0).astype(np.int64)}
        arrays += [cube[name] for name in (*RESPONSE, "energy_shift_error") if name in cube]
    if seen is not None:
        arrays.append(cube.energy_shift)
    told = {"step_ratio": ("reference", steps.ratio), "step_ratio_error": ("reference", steps.error)}
    found = cube.assign(over_blocks(_fit, arrays, _outputs(len(names), shift), **settings)).assign(told)
    return found.assign_coords(reference=names)


def _outputs(references: int, shift: float | None) -> list[Output]:
    by_reference = ("lcf_fraction", "lcf_error", "lcf_systematic_error")
    others = ("r_factor", "reduced_chi_square", *(["lcf_shift"] if shift else []))
    found = [Output(name, ("reference", *MAP), sizes={"reference": references}) for name in by_reference]
    return found + [Output(name, MAP) for name in others]


def _shifts(shift: float | None) -> np.ndarray:
    half = 0 if shift is None else max(2, int(np.ceil(shift / SPACING)))
    return np.linspace(-1, 1, 2 * half + 1) * shift if shift else np.zeros(1)


def _in_the_cubes_order(cube: xr.Dataset, library: xr.Dataset) -> xr.Dataset:
    """The references in the order that the cube has them already, if it has."""
    names = [str(name) for name in library.spectrum.values]
    known = [str(name) for name in cube.reference.values] if "reference" in cube.coords else names
    if sorted(known) != sorted(names):
        raise InputError(
            f"a library of {', '.join(names)}",
            f"{', '.join(known)}, as the cube has been classified by",
            "fit with those",
        )
    return library.isel(spectrum=[names.index(name) for name in known])


def _references(
    cube: xr.Dataset, library: xr.Dataset, features: str, shifts: np.ndarray
) -> tuple[np.ndarray, xr.Dataset, StepRatios]:
    """The normalized references `(shift, reference, energy)`, and unmoved as a cube, and their steps."""
    plan = replay.replayed(cube)
    moved = [
        replay.normalized_references(cube, library.assign(energy=library.energy + by), plan) for by in shifts
    ]
    table = np.stack([one[features].values[:, 0].T for one in moved]).astype(np.float64)
    still = moved[len(shifts) // 2]
    return table, still, step_ratios(library, still, plan)


def _blunter(cube: xr.Dataset, library: xr.Dataset, features: str, places: np.ndarray) -> np.ndarray | None:
    """What a resolution that is off by its standard error does to the references; None where it was not fitted."""
    if "broadening_error" not in cube or not np.isfinite(float(cube.broadening_error)):
        return None
    width, error = float(cube.broadening), float(cube.broadening_error)
    one, other = (
        _references(cube.assign(broadening=width + by), library, features, np.zeros(1))[0][0][:, places]
        for by in (error, -error)
    )
    return np.asarray((one - other) / 2)


def _places(energy: np.ndarray, e0: float, span: Span, table: np.ndarray, least: int) -> np.ndarray:
    """Indices of the energies inside the span at which all references are finite."""
    low, high = (-np.inf if span[0] is None else e0 + span[0]), (np.inf if span[1] is None else e0 + span[1])
    places = np.flatnonzero((energy >= low) & (energy <= high) & np.isfinite(table).all(axis=(0, 1)))
    if places.size <= least:
        raise InputError(
            f"{places.size} energies from {low:g} to {high:g} eV", f"more than {least}", "widen span"
        )
    return places


def _check_apart(columns: np.ndarray, names: list[str]) -> None:
    bad = dependent_columns(columns)
    if bad:
        raise InputError(
            f"{', '.join(names[k] for k in bad)} within the span a sum of the other references",
            "references that differ",
            "leave it out, or widen span",
        )


def _fit(
    values: Any,
    flags: Any,
    *noise: Any,
    table: Any,
    shifts: Any,
    free: Any,
    sum_to_one: bool,
    places: Any,
    ratio: Any,
    step_error: Any,
    blunter: Any,
    slopes: Any = None,
    group: Any = None,
    given: bool = False,
) -> tuple[Any, ...]:
    """With `given`, the shift of each pixel is the last of the arrays."""
    # The energies of a span lie side by side: a slice of a block is no copy.
    inside = slice(places[0], places[-1] + 1) if np.ptp(places) + 1 == len(places) else places
    own, noise = (noise[-1], noise[:-1]) if given else (None, noise)
    sigma, free_shift = noise[0][inside] if noise else None, len(shifts) > 1 and not given
    found: Fit
    if len(shifts) > 1:
        found = fit_moved_combination(values[inside], sigma, table, shifts, free, sum_to_one, own)
    else:
        found = fit_combination(values[inside], sigma, table[0], free, sum_to_one)
    told = None
    if slopes is not None:
        columns = np.concatenate([table[len(shifts) // 2], free, slopes])
        # Spectra whose errors nobody asks for, such as check patterns, come without the response of the step.
        step, *lost = noise[3:] or (np.zeros(len(noise[2])),)
        found.reduced_chi_square[:] *= freedom_over_noise(
            columns[: len(ratio)], free, noise[1], noise[2], step, places, sum_to_one
        )
        if len(noise) > 3:
            known = NoiseSources(noise[1], noise[2], step, group)
            spectra = (columns, places, known, ratio, sum_to_one, free_shift)
            told = share_errors(found.fraction, noise[0], lost[0] if lost else None, *spectra)
    _in_true_steps(found, ratio, sum_to_one)
    found = found if told is None else found._replace(error=told)
    fraction, error, *rest = found if free_shift else found[:-1]
    answer = None
    if blunter is not None:
        # For all with the weights of a typical pixel, where they are known.
        typical = np.ones(len(places)) if slopes is None else noise[1][places]
        answer = answer_to(np.concatenate([table[len(shifts) // 2], free]), blunter, typical, sum_to_one)
    systematic = systematic_errors(fraction, ratio, step_error, answer, sum_to_one)
    out = (flags & np.uint8(int(OUT))) != 0
    parts = (fraction, error, systematic, *rest)
    for part in parts:
        part[..., out] = np.nan
    return parts


def _in_true_steps(found: Fit, ratio: Any, sum_to_one: bool) -> None:
    """Make coefficients and their errors shares of the true step; what the errors share by the sum is left out."""
    scale = ratio[:, None, None]
    if sum_to_one:
        scale = scale / np.einsum("k,kyx->yx", ratio, found.fraction)
    for part in (found.fraction, found.error):
        part *= scale
