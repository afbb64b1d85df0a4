"""Reference spectra to noisy mixtures on the scan's energies, and mixtures to a model."""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow.contract import STEPS, Span, history, step
from xafsflow.errors import ComputationError, InputError
from xafsflow.learn import classifiers, mixtures as mix
from xafsflow.learn.model import Model
from xafsflow.names import Flag
from xafsflow.readers.spectra import on_grid
from xafsflow.steps.ingest import check_cover

Plan = list[tuple[str, dict[str, Any]]]
# Pixels of the scan whose edge step and noise the patterns take on.
SAMPLED_ROWS = 12
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
    check_cover(library, cube.energy.values)
    plan = _replayed(cube)
    reference = _reference_norm(cube, library, plan)
    used = _features(cube, reference, features, span)
    edge_steps, noise = _sampled_pixels(cube, seed)
    patch = _patch(plan)
    spectra = reference.norm.values[:, 0, :]
    clean = _through(cube, plan, spectra @ compositions.T, np.ones(len(compositions)), None, patch, None)
    labels = np.repeat(np.arange(len(compositions)), noise_patterns)

    def one_chunk(number: int) -> np.ndarray:
        rng = np.random.default_rng([seed, 1, number])
        rows = labels[number * CHUNK : (number + 1) * CHUNK]
        drawn = rng.integers(len(edge_steps), size=len(rows))
        mu = spectra @ compositions[rows].T
        return _through(cube, plan, mu, edge_steps[drawn], noise[:, drawn], patch, rng)[features].values[used, 0].T

    with ThreadPoolExecutor() as pool:
        table = np.concatenate(list(pool.map(one_chunk, range(-(-len(labels) // CHUNK)))))
    good = np.isfinite(table).all(axis=1)
    if good.mean() < 0.5:
        raise ComputationError(
            f"{1 - good.mean():.0%} of the training spectra came out NaN",
            "noise below the edge step",
            "flag pixels without sample first (correct.background), or average more pixels",
        )
    return xr.Dataset(
        {
            "features": (("sample", "feature"), table[good].astype(np.float32)),
            "label": ("sample", labels[good]),
            "composition": (("class", "reference"), compositions),
            "class_features": (("class", "feature"), clean[features].values[used, 0].T),
            "reference_norm": (("reference", "reference_energy"), spectra.T),
        },
        coords={
            "energy": ("feature", cube.energy.values[used]),
            "reference": [str(name) for name in library.spectrum.values],
            "reference_energy": cube.energy.values,
        },
        attrs={"features": features, "seed": seed, "median_noise": float(np.median(noise / edge_steps))},
    )


def _replayed(cube: xr.Dataset) -> Plan:
    """The steps that training spectra must pass: those after the absorbance that change a pixel's spectrum."""
    done = [(entry["step"], entry["settings"]) for entry in history(cube)]
    return [(name, settings) for name, settings in done if STEPS[name].replayed]


def _patch(plan: Plan) -> int:
    """Width of the field around a pattern whose pixels enter its means."""
    return 1 + sum(settings.get("window", 3) - 1 for name, settings in plan if name == "correct.average")


def _through(
    cube: xr.Dataset,
    plan: Plan,
    spectra: np.ndarray,
    steps: np.ndarray,
    noise: np.ndarray | None,
    patch: int,
    rng: np.random.Generator | None,
) -> xr.Dataset:
    """Spectra `(energy, pattern)`, with noise, after the steps of the plan; one pixel a pattern along x."""
    quiet = np.zeros_like(spectra) if noise is None else noise
    mu = mix.noisy_block(spectra, steps, quiet, patch, rng or np.random.default_rng(0))
    small = xr.Dataset(
        {
            "mu": (("energy", "y", "x"), mu),
            "mu_noise": (("energy", "y", "x"), np.zeros_like(mu)),
            "flags": (("y", "x"), np.zeros(mu.shape[1:], np.uint8)),
        },
        coords={"energy": cube.energy.values},
    )
    spatial = [i for i, (name, _) in enumerate(plan) if name == "correct.average"]
    last = spatial[-1] + 1 if spatial else 0
    for name, settings in plan[:last]:
        small = STEPS[name].function(small, **settings)
    half = patch // 2
    small = small.isel(y=slice(half, half + 1), x=slice(half, None, patch))
    small = small.map(lambda array: array.copy(data=np.ascontiguousarray(array.values)))
    for name, settings in plan[last:]:
        small = STEPS[name].function(small, **settings)
    return small


def _reference_norm(cube: xr.Dataset, library: xr.Dataset, plan: Plan) -> xr.Dataset:
    """The references normalized by the steps that normalized the cube; what averages or mends pixels is left out."""
    treat = [(name, settings) for name, settings in plan if not name.startswith("correct.")]
    spectra = on_grid(library, cube.energy.values).mu.values.T
    found = _through(cube, treat, spectra, np.ones(spectra.shape[1]), None, 1, None)
    bad = [str(n) for n, s in zip(library.spectrum.values, found.norm.values[:, 0].T, strict=True) if not np.isfinite(s).all()]
    if bad:
        raise InputError(
            f"{', '.join(bad)} cannot be normalized as the scan was", "an edge step above zero on the scan's energies",
            "check the reference's element and edge, and e0, pre and post of the normalization",
        )
    return found


def _features(cube: xr.Dataset, reference: xr.Dataset, features: str, span: Span) -> np.ndarray:
    """Indices of the energies that become features: inside the span, and finite in the references' features."""
    energy, e0 = cube.energy.values, float(np.nanmean(reference.e0)) if "e0" in reference else 0.0
    low, high = (-np.inf if span[0] is None else e0 + span[0]), (np.inf if span[1] is None else e0 + span[1])
    finite = np.isfinite(reference[features].values).all(axis=(1, 2))
    used = np.flatnonzero((energy >= low) & (energy <= high) & finite)
    if used.size < 3:
        raise InputError(f"{used.size} energies between {low:g} and {high:g} eV", "3 or more features", "widen span")
    return used


def _sampled_pixels(cube: xr.Dataset, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Edge steps `(pixel,)` and noise `(energy, pixel)` of pixels with sample from rows spread over the scan."""
    import dask

    rows = np.unique(np.linspace(0, cube.sizes["y"] - 1, SAMPLED_ROWS + 2).astype(int)[1:-1])
    some = cube[["edge_step", "flags", "mu_noise"]].isel(y=rows)
    steps, flags, noise = dask.compute(some.edge_step.data, some.flags.data, some.mu_noise.data)
    out = int(Flag.BACKGROUND | Flag.DEAD | Flag.SATURATED | Flag.LOW_STEP)
    good = (flags & out == 0) & (steps > 0) & np.isfinite(noise).all(axis=0)
    if good.sum() < 20:
        raise ComputationError(
            f"{good.sum()} usable pixels in {len(rows)} rows of the scan", "20 or more pixels with sample",
            "check correct.background and the normalization: too many pixels are flagged",
        )
    places = np.flatnonzero(good.ravel())
    places = np.random.default_rng([seed, 0]).permutation(places)[:4000]
    return steps.ravel()[places].astype(float), noise.reshape(len(noise), -1)[:, places].astype(float)


@step(makes=("model", "findings"), example={"trees": 10})
def fit(
    samples: xr.Dataset,
    /,
    *,
    classifier: Literal["random_forest", "extra_trees", "linear_discriminant", "k_nearest"] = "random_forest",
    trees: Annotated[int, Field(ge=1)] = 100,
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> tuple[Model, dict[str, Any]]:
    """Train a classifier on a part of the samples, and score it on the others.

    Parameters
    ----------
    classifier
        A row of the table in `xafsflow.learn.classifiers`.
    trees
        Number of trees of a forest; without meaning for the others.
    held_out
        Share of the patterns that are kept for the score.
    seed
        Of the split and of the classifier.

    Returns
    -------
    model, findings
        The model, and its held-out accuracy, fraction error, confusion and importances.
    """
    table, labels = samples.features.values, samples.label.values
    order = np.random.default_rng(seed).permutation(len(labels))
    n_held = max(1, round(held_out * len(labels)))
    held, known = order[:n_held], np.sort(order[n_held:])
    if len(np.unique(labels[known])) < 2:
        raise InputError("one class", "two or more", "give more references or a smaller step")
    estimator, importances = classifiers.fit(classifier, table[known], labels[known], trees, seed)
    model = Model(
        classifier=classifier,
        estimator=estimator,
        features=samples.attrs["features"],
        energy=samples.energy.values,
        references=[str(name) for name in samples.reference.values],
        compositions=samples.composition.values,
        class_features=samples.class_features.values,
        reference_energy=samples.reference_energy.values,
        reference_norm=samples.reference_norm.values,
        importances=importances,
        seed=seed,
        versions={"python": platform.python_version()} | {n: version(n) for n in ("xafsflow", "scikit-learn", "numpy")},
    )
    score = classifiers.held_out_score(model.votes(table[held].T), labels[held], model.compositions)
    findings = {
        "classifier": classifier, "classes": len(model.compositions), "training_patterns": len(known),
        "held_out_patterns": len(held), "noise": samples.attrs["median_noise"], **score,
        "importances": None if importances is None else importances.tolist(),
    }
    return model, findings
