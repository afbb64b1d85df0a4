"""The vocabulary: every dimension and variable with its dims, unit and meaning, and the flag bits.

Everything that checks, stores or prints a variable reads it from here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

from xafsflow.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Axis:
    """A dimension that may have the role of the spectral axis."""

    unit: str
    meaning: str


AXES: dict[str, Axis] = {
    "energy": Axis("eV", "photon energy"),
    "two_theta": Axis("degree", "scattering angle"),
}
# Stands for whichever of the axes the data have, in the dims of variables and of what kernels return.
SPECTRAL = "spectral"
CUBE = (SPECTRAL, "y", "x")
MAP = ("y", "x")


@dataclass(frozen=True)
class Variable:
    """One word of the vocabulary."""

    dims: tuple[str, ...]
    unit: str
    meaning: str

    def dims_on(self, axis: str) -> tuple[str, ...]:
        """The dims on data over this spectral axis."""
        return tuple(axis if dim == SPECTRAL else dim for dim in self.dims)


VARIABLES: dict[str, Variable] = {
    "sample": Variable(CUBE, "counts", "transmitted intensity with the sample"),
    "flat_field": Variable(CUBE, "counts", "intensity without the sample"),
    "foil": Variable(CUBE, "counts", "transmitted intensity with the calibration foil"),
    "dark": Variable(MAP, "counts", "detector without beam"),
    "counter": Variable(("energy",), "counts", "reading of a beam monitor at each image of the sample"),
    "flat_counter": Variable(("energy",), "counts", "reading of the same monitor at each flat field"),
    "exposures": Variable(("energy",), "1", "images of the sample that were averaged"),
    "flat_exposures": Variable(("energy",), "1", "images of the flat field that were averaged"),
    "mu": Variable(
        CUBE,
        "1",
        "absorbance, -ln(I/I0), or fluorescence over I0; over another axis than energy, the measured spectrum",
    ),
    "wavelength": Variable((), "Angstrom", "wavelength that the angles two_theta belong to"),
    "mu_noise": Variable(
        CUBE,
        "1",
        "standard deviation of mu as it was measured: from photon statistics, or from its own scatter",
    ),
    "foil_mu": Variable(CUBE, "1", "the foil's absorbance"),
    "energy_shift": Variable(MAP, "eV", "a pixel's true energy minus the nominal energy"),
    "energy_shift_error": Variable(MAP, "eV", "standard error of energy_shift"),
    "broadening": Variable(
        (),
        "eV",
        "standard deviation of the Gaussian by which the scan is blunter than its references; below 0: sharper",
    ),
    "broadening_error": Variable((), "eV", "standard error of broadening"),
    "drift": Variable((SPECTRAL, "axis"), "pixel", "where the sample lay in each image"),
    "drift_error": Variable((SPECTRAL, "axis"), "pixel", "standard error of drift"),
    "flux_offset": Variable(
        ("energy",), "1", "offset of mu from a flux other than the flat field's, taken off"
    ),
    "flux_offset_error": Variable(("energy",), "1", "standard error of flux_offset"),
    "e0": Variable(MAP, "eV", "absorption edge"),
    "edge_step": Variable(MAP, "1", "height of the edge"),
    "norm": Variable(CUBE, "1", "pre-edge removed, divided by the edge step"),
    "dmude": Variable(CUBE, "1/eV", "derivative of norm"),
    "noise": Variable(MAP, "1", "standard deviation of norm at one point of its axis"),
    "norm_noise": Variable(CUBE, "1", "standard deviation of norm"),
    "noise_ratio": Variable((), "1", "measured scatter of norm over norm_noise"),
    "noise_level": Variable((), "1", "median noise of norm, without that of the curves that normalize it"),
    "typical_noise": Variable(
        (SPECTRAL,), "1", "standard deviation of norm in a typical pixel, its median being one"
    ),
    "noise_response": Variable(
        ("source", SPECTRAL),
        "1",
        "change of norm by a standard deviation of each measured value, in the unit of typical_noise, but for step_response",
    ),
    "step_response": Variable(
        ("source",), "1", "such a change as a part of norm itself, by the edge step that norm is divided by"
    ),
    "white_line": Variable(MAP, "1", "height of the white line in norm"),
    "white_line_energy": Variable(MAP, "eV", "energy of the white line"),
    "flags": Variable(MAP, "bits", "why a pixel is out or in doubt"),
    "class_index": Variable(MAP, "1", "index into the model's classes, -1 where there is none"),
    "class_vote": Variable(MAP, "1", "vote for that class"),
    "fraction": Variable(("reference", "y", "x"), "1", "composition by the classifier"),
    "fraction_error": Variable(
        ("reference", "y", "x"), "1", "standard deviation of fraction by the pixel's noise"
    ),
    "property": Variable(
        MAP, "1", "by a model of properties: property_<name>, and with _low and _high its interval"
    ),
    "set_size": Variable(MAP, "1", "number of classes in the set that holds the true one"),
    "in_set": Variable(("reference", "y", "x"), "1", "whether a class is in that set"),
    "mixed": Variable(MAP, "1", "whether the pattern looks like two of the structure types that are known"),
    "outside": Variable(MAP, "1", "whether the spectrum is unlike those that the model was trained on"),
    "lcf_fraction": Variable(("reference", "y", "x"), "1", "composition by linear combination fit"),
    "lcf_error": Variable(("reference", "y", "x"), "1", "standard error of lcf_fraction by noise"),
    "lcf_systematic_error": Variable(
        ("reference", "y", "x"), "1", "standard error of lcf_fraction that all measurements of a sample share"
    ),
    "step_ratio": Variable(
        ("reference",),
        "1",
        "a reference's edge step over its whole range, over that by the scan's normalization",
    ),
    "step_ratio_error": Variable(("reference",), "1", "scatter of step_ratio over windows of the post-edge"),
    "lcf_shift": Variable(MAP, "eV", "energy by which the combination fit moved the references"),
    "r_factor": Variable(MAP, "1", "sum((data-fit)^2)/sum(data^2) of the combination fit"),
    "reduced_chi_square": Variable(MAP, "1", "chi-square of the combination fit per degree of freedom"),
    "disagreement": Variable(MAP, "1", "half the sum of |fraction - lcf_fraction| over the references"),
    "unknown_score": Variable(
        MAP, "1", "misfit over the limit that noise alone exceeds at the false-alarm rate"
    ),
    "cluster_index": Variable(MAP, "1", "region found without references, -1 where there is none"),
    "component_residual": Variable(
        MAP, "1", "rms of what the principal components leave, in units of the noise"
    ),
    "distance": Variable(("metric", "y", "x"), "1", "between the pixel's features and its class"),
    "distance_expected": Variable(("metric", "y", "x"), "1", "median distance that noise alone gives"),
    "confidence": Variable(MAP, "1", "calibrated probability that the dominant reference is right"),
    "mean_norm": Variable(
        ("reference", SPECTRAL), "1", "mean norm of the pixels where the reference dominates"
    ),
    "mean_pixels": Variable(("reference",), "1", "number of pixels in mean_norm"),
}

COORDINATES: dict[str, Variable] = {
    **{name: Variable((name,), axis.unit, axis.meaning) for name, axis in AXES.items()},
    "y": Variable(("y",), "pixel", "row"),
    "x": Variable(("x",), "pixel", "column"),
}


class Flag(IntFlag):
    """Bits of the variable `flags`: why a pixel is out or in doubt."""

    BACKGROUND = 1
    DEAD = 2
    SATURATED = 4
    NOT_FINITE = 8
    ENERGY_RANGE = 16
    LOW_STEP = 32
    UNKNOWN = 64


# A pixel with one of these is no part of the sample: no class, no fraction.
OUT = Flag.BACKGROUND
# Bits of pixels that enter no mean over neighbors, and of those from which nothing is learned of the whole scan. A low
# edge step is one: its noise is divided by nearly nothing.
OUT_OF_MEANS = int(Flag.BACKGROUND | Flag.DEAD | Flag.SATURATED)
LEFT_OUT = OUT_OF_MEANS | int(Flag.LOW_STEP)
# What `derive.noise` tells of the noise of different energies together.
RESPONSE = ("typical_noise", "noise_response", "step_response")

FLAG_MEANINGS: dict[Flag, str] = {
    Flag.BACKGROUND: "no sample here",
    Flag.DEAD: "dead detector pixel",
    Flag.SATURATED: "counts at the detector's limit",
    Flag.NOT_FINITE: "NaN, zero or negative counts, or no result from finite input",
    Flag.ENERGY_RANGE: "some energies are not covered after the energy shift",
    Flag.LOW_STEP: "edge step too small against the noise",
    Flag.UNKNOWN: "the classes do not explain the spectrum",
}


def axis_of(dims: Iterable[Hashable]) -> str | None:
    """The spectral axis among dims, None where there is none.

    Raises
    ------
    InputError
        There are two.

    Examples
    --------
    >>> axis_of(("two_theta", "y", "x")), axis_of(("y", "x"))
    ('two_theta', None)
    """
    present = set(dims)
    found = [name for name in AXES if name in present]
    if len(found) > 1:
        raise InputError(
            f"data over {' and '.join(found)}", "one spectral axis", "take what is over one of them"
        )
    return found[0] if found else None


def spectral_axis(data: xr.Dataset | xr.DataArray) -> str:
    """The name of the spectral axis of data: `energy`, `two_theta`.

    Raises
    ------
    InputError
        There is none, or there are two.
    """
    found = axis_of(data.dims)
    if found is None:
        dims = ", ".join(map(str, data.dims)) or "no dimension"
        raise InputError(
            f"data over {dims}",
            f"a spectral axis: {' or '.join(AXES)}",
            "name the dimension of the spectra so",
        )
    return found


def cube_dims(axis: str = "energy") -> tuple[str, str, str]:
    """The dims of a cube over this spectral axis.

    Examples
    --------
    >>> cube_dims("two_theta")
    ('two_theta', 'y', 'x')
    """
    return axis, "y", "x"


def is_cube(array: xr.DataArray) -> bool:
    """Whether a variable has a spectrum for each pixel, in the order spectral axis, y, x."""
    return array.ndim == 3 and array.dims[0] in AXES and array.dims[1:] == MAP


def variable_of(name: str) -> str | None:
    """The variable of the vocabulary that a name means: itself, or what stands before the label of a recipe's entry.

    In a cube and in maps a labelled variable has both as `attrs["variable"]` and `attrs["label"]`.

    Examples
    --------
    >>> variable_of("fraction"), variable_of("fraction_linear"), variable_of("energy_shift_error")
    ('fraction', 'fraction', 'energy_shift_error')
    >>> variable_of("linear") is None
    True
    """
    parts = name.split("_")
    starts = ("_".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((start for start in starts if start in VARIABLES), None)


def attributes(name: str) -> dict[str, object]:
    """The stored attributes of a variable: its unit and meaning, and for `flags` its bits (CF conventions).

    Examples
    --------
    >>> attributes("e0")
    {'units': 'eV', 'long_name': 'absorption edge'}
    """
    word = VARIABLES.get(name) or COORDINATES.get(name)
    if word is None:
        return {}
    found: dict[str, object] = {"units": word.unit, "long_name": word.meaning}
    if name == "flags":
        found["flag_masks"] = [int(flag) for flag in Flag]
        found["flag_meanings"] = " ".join(str(flag.name).lower() for flag in Flag)
    return found


def nearest(name: str, choices: Iterable[str]) -> str:
    """A hint that names the nearest of the choices, or an empty text.

    Examples
    --------
    >>> nearest("ordr", ["order", "window"])
    " (did you mean 'order'?)"
    """
    import difflib

    close = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""
