"""What a trained model looks at."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.errors import InputError
from xafsflow.findings.explanation_findings import BandEffect, ModelExplanation
from xafsflow.kernels.array_types import Singles
from xafsflow.learning.explanation.band_explainer import BandExplainer, Group
from xafsflow.learning.models.model import Model, StoredModel
from xafsflow.sampling.explained_spectra import SHOWN, By, checks_of, image_groups, one_of, one_pixel
from xafsflow.step_table import step

Pixel = tuple[int, int]
# Checks whose bands are exchanged, at most.
EXCHANGED = 500


@step(makes="findings", section="model_explanation")
def explanation(
    model: Model | StoredModel,
    samples: xr.Dataset,
    cube: xr.Dataset | None = None,
    /,
    *,
    spectrum: int | str | None = None,
    pixel: Pixel | None = None,
    by: By = "answer",
    width: Annotated[float, Field(gt=0)] | None = None,
    checks: Annotated[int, Field(ge=10)] = 200,
    pixels: Annotated[int, Field(ge=1)] = 64,
    repetitions: Annotated[int, Field(ge=2)] = 5,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> ModelExplanation:
    """Which bands of energies a model answers by: for all classes or properties, for one spectrum, and on the image.

    Of any model: by how much it errs more on spectra that it was not trained on when a band is exchanged among them
    (permutation importance). Of models of `lightgbm` and `xgboost` also what each band adds to an answer, by exact TreeSHAP
    (S. M. Lundberg and others, Nature Mach. Intell. 2, 56 (2020)): over the checks, for one spectrum or pixel, and, with a
    cube, for some pixels of each class or region, since a spectrum takes about a millisecond. What bands add sums up to the
    raw answer of the model: to 1e-9 and better with LightGBM, to 1e-5 with XGBoost, which works in single precision.

    Effects on a class are told of its score against the others: the logarithm of its probability, the mean of these over all
    classes taken off. What a derivative or an integral adds is shared among the energies that it is made of.

    Parameters
    ----------
    spectrum
        A check of the samples by its number from 0 on, or the first one of a group (material) by its name.
    pixel
        y and x of a pixel of the cube.
    by
        Which pixels of the image are explained together: those that get the same `answer` (a class, or the lowest and the
        highest third of a property), or those of the same `region` (`cluster_index` of `derive.clusters`).
    width
        Of a band, in the unit of the axis; None: about twenty bands.
    checks
        Spectra that TreeSHAP explains for the mean over all, drawn from the checks.
    pixels
        Of each class or region, drawn from rows spread over the scan.
    repetitions
        How often a band is exchanged.
    seed
        Of all that is drawn.

    Raises
    ------
    InputError
        Samples of another axis than the model's, or of other classes or properties; a spectrum or pixel that there is not,
        or a pixel without a cube.

    Examples
    --------
    >>> import xafsflow as xf
    >>> from xafsflow.phantom import simulated_library
    >>> samples = xf.train.spectra(simulated_library(200), label="polyhedron")
    >>> found = explanation(xf.train.fit(samples, trees=20)[0], samples)
    >>> found.permutation.measure, found.overall
    ('share of wrong classes', ())
    """
    known = model.load() if isinstance(model, StoredModel) else model
    _check_samples(samples, known)
    drawn, notes = checks_of(samples, known, EXCHANGED, seed), list[str]()
    if drawn is None:
        notes.append(
            "The samples have no checks: what is told is of the training, without permutation importance."
        )
    spectra = samples.features.values.astype(np.float32) if drawn is None else drawn[0]
    explainer = BandExplainer(known, width)
    overall, single, image = list[BandEffect](), list[BandEffect](), list[BandEffect]()
    if explainer.knows_effects:
        some = np.sort(np.random.default_rng([seed, 34]).permutation(len(spectra))[:checks])
        outputs = _most_frequent(known, spectra, notes)
        overall = explainer.overall(Group("checks" if drawn else "samples", spectra[some], outputs))
        asked = _asked(known, samples, cube, spectrum, pixel, notes)
        single = [one for group in asked for one in explainer.effects(group)]
        parts, left_out = image_groups(cube, known, by, pixels, seed)
        notes += left_out
        image = [one for group in parts for one in explainer.effects(group)]
    else:
        notes.append(
            f"What a band adds to an answer (TreeSHAP) is known of lightgbm and xgboost alone, and this is {known.learner}: "
            "neither single spectra nor the image are explained."
        )
    return ModelExplanation(
        learner=known.learner,
        kind=known.targets.kind,
        axis=known.signature.axis,
        energy=known.signature.values,
        edges=explainer.edges,
        mean=spectra.mean(axis=0, dtype=np.float64),
        permutation=None if drawn is None else explainer.lost(*drawn, repetitions, seed),
        overall=tuple(overall),
        single=tuple(single),
        image=tuple(image),
        gap=explainer.gap if explainer.knows_effects else float("nan"),
        notes=tuple(notes),
    )


def _check_samples(samples: xr.Dataset, known: Model) -> None:
    axis, values = known.signature.axis, known.signature.values
    if axis not in samples or not np.array_equal(samples[axis].values, values):
        raise InputError(
            f"samples on another axis than the {len(values)} values of {axis} of the model",
            "the samples that the model was trained on",
            "name the model with `use`, or train it on these samples",
        )
    answers = "property" if "target" in samples else "reference"
    names = (
        [str(one) for one in samples[answers].values] if answers in samples.coords else known.targets.names
    )
    if names != known.targets.names:
        raise InputError(
            f"samples of {', '.join(names)} and a model of {', '.join(known.targets.names)}",
            "the samples that the model was trained on",
            "name the model with `use`, or train it on these samples",
        )


def _most_frequent(known: Model, spectra: Singles, notes: list[str]) -> tuple[int, ...]:
    """The classes that are answered most often, in their order, or all properties."""
    count = known.targets.count
    if known.targets.kind == "properties" or count <= SHOWN:
        return tuple(range(count))
    notes.append(f"Of {count} classes the {SHOWN} that are answered most often are explained.")
    often = np.bincount(known.predict(np.ascontiguousarray(spectra.T)).argmax(axis=1), minlength=count)
    return tuple(sorted(np.argsort(-often, kind="stable")[:SHOWN].tolist()))


def _asked(
    known: Model,
    samples: xr.Dataset,
    cube: xr.Dataset | None,
    spectrum: int | str | None,
    pixel: Pixel | None,
    notes: list[str],
) -> list[Group]:
    """The spectrum and the pixel that the settings name."""
    found = [] if spectrum is None else [one_of(samples, spectrum, known)]
    if pixel is None:
        return found
    if cube is None:
        raise InputError(f"pixel {pixel} without a cube", "a cube, normalized as in training", "remove pixel")
    own = one_pixel(cube, pixel, known)
    if own is None:
        notes.append(f"The pixel at y {pixel[0]}, x {pixel[1]} is flagged or has gaps: it gets no answer.")
    return found if own is None else [*found, own]
