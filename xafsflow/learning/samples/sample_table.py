"""What a table of samples says of itself: the signature and the targets of a model that learns from it."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.kernels.array_types import Doubles, Singles
from xafsflow.learning.models.feature_map import FeatureMap
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Kind, Targets
from xafsflow.learning.samples.augmentation import NoiseResponse, Response
from xafsflow.learning.samples.spectrum_features import feature_map
from xafsflow.vocabulary import attributes

# Between these lies the noise that a model was trained for.
NOISE_QUANTILES = (0.1, 0.9)


def signature_of(samples: xr.Dataset) -> Signature:
    """The signature of models of a table.

    Parameters
    ----------
    samples
        With `features` (sample, feature) and one coordinate over feature, the spectral axis, such as `energy`. Its
        attributes are `features` (the variable of a cube that they are), `normalization` (JSON: the steps that made it,
        with all their settings), and `e0` (eV) where there is an edge. `noise` (sample,) is that of `norm`.

    Raises
    ------
    InputError
        An attribute or the axis is missing.

    Examples
    --------
    >>> table = xr.Dataset({"features": (("sample", "feature"), np.ones((3, 2)))}, {"energy": ("feature", [7112.0, 7113])})
    >>> signature_of(table.assign_attrs(features="norm", normalization="[]")).unit
    'eV'
    """
    axes = [str(name) for name, array in samples.coords.items() if array.dims == ("feature",)]
    missing = [name for name in ("features", "normalization") if name not in samples.attrs]
    if missing or len(axes) != 1:
        raise InputError(
            f"samples with {len(axes)} axes over feature and without {' and '.join(missing) or 'nothing else'}",
            "one coordinate over feature, and the attributes features and normalization",
            "say what the features are: see xafsflow.learning.samples.sample_table",
        )
    axis = axes[0]
    unit = samples[axis].attrs.get("units") or attributes(axis).get("units", "")
    e0 = samples.attrs.get("e0")
    return Signature(
        axis=axis,
        unit=str(unit),
        values=samples[axis].values.astype(np.float64),
        variable=str(samples.attrs["features"]),
        normalization=json.loads(samples.attrs["normalization"]),
        e0=None if e0 is None else float(e0),
        noise=_noise_range(samples),
    )


def feature_map_of(samples: xr.Dataset, training: Singles) -> FeatureMap | None:
    """What a learner of these samples reads of a spectrum; None for the spectrum itself.

    Parameters
    ----------
    samples
        With the attributes `feature_rows` (JSON: names of features), `window` and `noise_variance`
        (of the noise that is taken out, mean over the samples), where `train.spectra` made them.
    training
        `(sample, feature)`: those that are trained on.
    """
    names = json.loads(samples.attrs.get("feature_rows", '["spectrum"]'))
    window = float(samples.attrs.get("window", 1.0))
    noise = _noise_covariance(samples, training)
    return feature_map(names, signature_of(samples).values, training, window, noise)


def _noise_covariance(samples: xr.Dataset, training: Singles) -> Doubles | None:
    """Of the noise in the spectra `(energy, energy)`, mean over them; None where none is taken out."""
    variance, response = float(samples.attrs.get("noise_variance", 0.0)), response_of(samples)
    if variance == 0:
        return None
    if response is None:
        return variance * np.eye(training.shape[1])
    mean = training.mean(axis=0, dtype=np.float64)
    if response == "poisson":
        return np.diag(variance * np.maximum(mean, 0))
    source = response.values + np.multiply.outer(response.step, mean)
    return np.asarray(variance * source.T @ source, np.float64)


def response_of(samples: xr.Dataset) -> Response:
    """How noise comes into the spectra: by `noise_response` (source, feature) and `step_response`, or by `noise_kind`."""
    if samples.attrs.get("noise_kind") == "poisson":
        return "poisson"
    if "noise_response" not in samples:
        return None
    return NoiseResponse(samples.noise_response.values, samples.step_response.values)


def _noise_range(samples: xr.Dataset) -> Doubles | None:
    """Quantiles of the noise of `norm`: that of the pixels, or the scatter of the check patterns."""
    if "noise" in samples and np.isfinite(samples.noise.values).any():
        level = samples.noise.values
    elif "check_norm" in samples:
        clean = samples.check_composition.values @ samples.reference_norm.values
        level = np.nanstd(samples.check_norm.values - clean, axis=1)
    else:
        return None
    # Not its extremes: a pixel with hardly an edge step is as noisy as it likes.
    return np.asarray(np.nanquantile(level, NOISE_QUANTILES), np.float64)


def class_targets(samples: xr.Dataset) -> Targets:
    """What models of a table with `label` answer.

    Parameters
    ----------
    samples
        With `composition` (class, reference), `class_features` (class, feature), and `reference_norm` (reference,
        reference_energy). Where each class is a reference of its own, they are plain classes.

    Raises
    ------
    InputError
        The samples hold properties.
    """
    if "composition" not in samples:
        raise InputError(
            f"samples with {', '.join(map(str, samples.data_vars))}",
            "samples with classes: label and composition",
            "use train.regression for properties",
        )
    shares = samples.composition.values.astype(np.float64)
    kind: Kind = "classes" if np.array_equal(shares, np.eye(len(shares))) else "compositions"
    names = [str(name) for name in samples.reference.values]
    return Targets(
        kind=kind,
        names=names,
        units=["1"] * len(names),
        compositions=shares,
        class_features=samples.class_features.values.astype(np.float64),
        spectrum_axis=samples.reference_energy.values.astype(np.float64),
        spectra=samples.reference_norm.values.astype(np.float64),
    )


def property_targets(samples: xr.Dataset) -> Targets:
    """What models of a table with properties answer.

    Parameters
    ----------
    samples
        With `target` (sample, property) and the coordinates `property` and `unit` (property,).

    Raises
    ------
    InputError
        There are none, a name cannot be that of a variable, or a value is not finite.

    Examples
    --------
    >>> table = xr.Dataset({"target": (("sample", "property"), np.ones((3, 1)))},
    ...                    {"property": ["distance"], "unit": ("property", ["angstrom"])})
    >>> property_targets(table).units
    ['angstrom']
    """
    if "target" not in samples or not {"property", "unit"} <= set(samples.coords):
        raise InputError(
            f"samples with {', '.join(map(str, samples.data_vars))}",
            "target (sample, property) with the coordinates property and unit",
            "use train.fit for samples with classes",
        )
    names = [str(name) for name in samples.property.values]
    wrong = [name for name in names if not name.isidentifier()]
    if wrong or len(set(names)) < len(names) or not np.isfinite(samples.target.values).all():
        raise InputError(
            f"properties {', '.join(names)}" + ("" if wrong else " with values that are not finite"),
            "different names of letters, digits and underscores, and finite values",
            "rename the properties, or leave out samples without a value",
        )
    units = [str(unit) for unit in samples.unit.values]
    return Targets("properties", names, units, None, None, None, None)
