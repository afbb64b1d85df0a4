"""Reference spectra to noisy mixtures on the scan's energies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.contract import Span, step
from xafsflow.errors import ComputationError, InputError
from xafsflow.learn import mixtures as mix
from xafsflow.steps import replay
from xafsflow.steps.ingest import check_cover

# Patterns that go through the chain at once: with 210 energies and 3 x 3 fields 8 MB.
CHUNK = 1024


@step(
    makes="samples",
    needs=["mu", "mu_noise", "flags", "edge_step", "{features}"],
    example={"step": 0.5, "noise_patterns": 20},
)
def mixtures(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    step: Annotated[float, Field(gt=0, le=1)] = 0.1,
    noise_patterns: Annotated[int, Field(ge=5)] = 1000,
    features: Literal["norm", "dmude"] = "norm",
    span: Span = (None, None),
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """Noisy spectra of all mixtures of the references, treated as the scan was treated.

    The references are put on the scan's energies and normalized by the steps that normalized the cube. Every
    composition on a simplex grid is one class. A pattern takes the edge step and the noise, energy by energy, of one
    pixel drawn from the scan; its noise is put on the absorbance and passes through the same steps as the data.

    Parameters
    ----------
    step
        Distance of neighboring compositions, one over a whole number; 0.1 gives 66 classes of 3 references.
    noise_patterns
        Patterns a class.
    features
        Variable of the cube that the classifier will read.
    span
        Energies that become features, eV relative to the mean e0 of the references; None is open.
    seed
        Of all that is drawn.

    Returns
    -------
    Dataset
        `features` (sample, feature), `label` (sample), `composition` (class, reference), `class_features`
        (class, feature), `reference_norm` (reference, reference_energy); `energy` (feature), eV.

    Raises
    ------
    InputError
        A reference does not cover the scan or has its edge elsewhere; too many classes.
    """
    compositions = mix.simplex_grid(library.sizes["spectrum"], step)
    mix.check_size(len(compositions), noise_patterns)
    energy = cube.energy.values
    check_cover(library, energy)
    plan = replay.replayed(cube)
    reference = replay.normalized_references(cube, library, plan)
    used = _features(energy, reference, features, span)
    pixels = replay.sampled_pixels(cube, seed)
    heights = reference.edge_step.values[0].astype(float)
    check_cover(library, energy[[0, -1]] + [min(0.0, pixels.shift.min()), max(0.0, pixels.shift.max())])
    mixer = replay.Mixer(library, energy, heights, pixels.shift)
    quiet = replay.Mixer(library, energy, heights, np.zeros(1))(compositions, np.zeros(len(compositions)))
    clean = replay.through(cube, replay.normalizing(plan), quiet, None, None)
    labels = np.repeat(np.arange(len(compositions)), noise_patterns)

    def features_of(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        drawn = pixels.take(rng.integers(len(pixels.edge_step), size=len(rows)))
        spectra = mixer(compositions[rows], drawn.shift)
        found = replay.through(cube, plan, spectra, drawn, rng)[features].values
        return np.asarray(found[used, 0].T, np.float32)

    table, good = _in_chunks(features_of, labels, seed)
    return xr.Dataset(
        {
            "features": (("sample", "feature"), table[good]),
            "label": ("sample", labels[good]),
            "composition": (("class", "reference"), compositions),
            "class_features": (("class", "feature"), clean[features].values[used, 0].T),
            "reference_norm": (("reference", "reference_energy"), reference.norm.values[:, 0].T),
        },
        coords={
            "energy": ("feature", energy[used]),
            "reference": [str(name) for name in library.spectrum.values],
            "reference_energy": energy,
        },
        attrs={
            "features": features,
            "seed": seed,
            "median_noise": float(np.median(pixels.noise / pixels.edge_step)),
        },
    )


def _in_chunks(
    features_of: Callable[[np.ndarray, np.random.Generator], np.ndarray], labels: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Features of all patterns, and which are finite; every chunk has its own random numbers, whatever thread it is on."""

    def one_chunk(number: int) -> np.ndarray:
        rows = labels[number * CHUNK : (number + 1) * CHUNK]
        return features_of(rows, np.random.default_rng([seed, 1, number]))

    with ThreadPoolExecutor() as pool:
        table = np.concatenate(list(pool.map(one_chunk, range(-(-len(labels) // CHUNK)))))
    good = np.isfinite(table).all(axis=1)
    if good.mean() < 0.5:
        raise ComputationError(
            f"{1 - good.mean():.0%} of the training spectra came out NaN",
            "noise below the edge step",
            "flag pixels without sample first (correct.background), or average more pixels",
        )
    return table, good


def _features(energy: np.ndarray, reference: xr.Dataset, features: str, span: Span) -> np.ndarray:
    """Indices of the energies that become features: inside the span, and finite in the references' features."""
    e0 = float(np.nanmean(reference.e0))
    low, high = (-np.inf if span[0] is None else e0 + span[0]), (np.inf if span[1] is None else e0 + span[1])
    finite = np.isfinite(reference[features].values).all(axis=(1, 2))
    used = np.flatnonzero((energy >= low) & (energy <= high) & finite)
    if used.size < 3:
        raise InputError(
            f"{used.size} energies between {low:g} and {high:g} eV", "3 or more features", "widen span"
        )
    return used
