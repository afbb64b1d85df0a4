"""What `judge.explanation` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xafsflow.findings.record import Doubles, Finding


@dataclass(frozen=True, eq=False)
class BandEffect(Finding):
    """What bands of energies add to one answer of a model, by TreeSHAP.

    Parameters
    ----------
    name
        Of the spectra that are explained: all checks, one of them, a pixel, or a part of the image.
    output
        The class or property.
    sentence
        What is seen, in words.
    samples
        How many spectra.
    spectrum
        `(energy,)`: their mean.
    effect, size
        `(band,)`: mean of what a band adds, and of its absolute value: for a property in its unit, for a class to its score,
        the logarithm of its probability over the geometric mean of those of all classes.
    base, answer
        The mean score or property in the training, and the mean of these spectra: the base and the effects of all bands.
    """

    name: str
    output: str
    sentence: str
    samples: int
    spectrum: Doubles
    effect: Doubles
    size: Doubles
    base: float
    answer: float


@dataclass(frozen=True, eq=False)
class BandLoss(Finding):
    """What a model loses when a band of energies is exchanged among spectra that it was not trained on.

    Parameters
    ----------
    measure
        What the loss is.
    names, sentences
        `(row,)`: one row for all classes, or one for each property; what is seen, in words.
    loss
        `(row,)`: with all bands as they are.
    growth, error
        `(row, band)`: by how much it grows, and the standard error of that over the repetitions.
    samples
        How many spectra.
    """

    measure: str
    names: tuple[str, ...]
    sentences: tuple[str, ...]
    loss: Doubles
    growth: Doubles
    error: Doubles
    samples: int


@dataclass(frozen=True, eq=False)
class ModelExplanation(Finding):
    """What `judge.explanation` finds.

    Parameters
    ----------
    learner
        Its name in the table of classifiers or regressors.
    kind
        What it answers.
    axis
        The spectral axis.
    energy
        `(energy,)`: the values on the axis that the model reads.
    edges
        `(band + 1,)`: a band holds the energies from its edge to below the next; the last one its end, too.
    mean
        `(energy,)`: mean spectrum of the checks.
    permutation
        Permutation importance of the bands; None where the samples have no checks.
    overall
        By class or property, over the checks; empty where TreeSHAP does not know the model.
    single
        Of the spectrum and of the pixel that were asked for.
    image
        Of pixels that get the same answer, or of regions.
    gap
        Largest difference between what the energies add up to and the model's own raw answers (for classes, what goes into
        the softmax); NaN without TreeSHAP.
    notes
        What is left out, and why.
    """

    learner: str
    kind: Literal["classes", "compositions", "properties"]
    axis: str
    energy: Doubles
    edges: Doubles
    mean: Doubles
    permutation: BandLoss | None
    overall: tuple[BandEffect, ...]
    single: tuple[BandEffect, ...]
    image: tuple[BandEffect, ...]
    gap: float
    notes: tuple[str, ...]
