"""Reference spectra to noisy mixtures on the scan's energies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from xafsflow import __version__
from xafsflow.errors import InputError
from xafsflow.learning.models.model_cache import digest_of
from xafsflow.learning.samples import mixtures as mix
from xafsflow.learning.trust.confidence import check_compositions
from xafsflow.sampling import replay
from xafsflow.sampling.noisy_patterns import Maker, later, maker, noise_levels
from xafsflow.sampling.signature_check import normalization_of
from xafsflow.step_table import Span, step
from xafsflow.steps.ingest.reference_spectra import check_cover


def _asked(
    cube: xr.Dataset, library: xr.Dataset, settings: Mapping[str, Any]
) -> tuple[np.ndarray, xr.Dataset, np.ndarray]:
    """Compositions, normalized references, and the places of the energies that become features.

    Raises
    ------
    InputError
        Settings that do not fit the references or the scan.
    """
    compositions = mix.simplex_grid(library.sizes["spectrum"], settings["step"])
    mix.check_size(len(compositions), settings["noise_patterns"])
    mix.check_size(1, settings["check_patterns"])
    energy = cube.energy.values
    check_cover(library, energy)
    reference = replay.normalized_references(cube, library, replay.replayed(cube))
    return compositions, reference, _features(energy, reference, settings["features"], settings["span"])


@step(
    makes="samples",
    needs=["mu", "mu_noise", "flags", "edge_step", "{features}"],
    example={"step": 0.5, "noise_patterns": 20, "check_patterns": 100},
    axis="energy",
    refuses=_asked,
)
def mixtures(
    cube: xr.Dataset,
    library: xr.Dataset,
    /,
    *,
    step: Annotated[float, Field(gt=0, le=1)] = 0.1,
    noise_patterns: Annotated[int, Field(ge=5)] = 1000,
    check_patterns: Annotated[int, Field(ge=100)] = 6000,
    features: Literal["norm", "dmude"] = "norm",
    span: Span = (None, None),
    noise: Annotated[float, Field(gt=0, lt=1)] | None = None,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> xr.Dataset:
    """Noisy spectra of all mixtures of the references, treated as the scan was treated; made when they are asked for.

    The references are put on the scan's energies and normalized by the steps that normalized the cube. Every
    composition on a simplex grid is one class; its shares are those of the edge step that a reference has over its own
    whole range, for a scan that ends early finds another one. A pattern takes the edge step and the noise, energy by
    energy, of one pixel drawn from the scan; its noise is put on the absorbance and passes through the same steps as the
    data. Check patterns are made alike, of any composition: what is concluded from the classes is tried on them.

    Parameters
    ----------
    step
        Distance of neighboring compositions, one over a whole number; 0.1 gives 66 classes of 3 references.
    noise_patterns
        Patterns a class.
    check_patterns
        Patterns off the grid: of one, of two, ... of all references in equal numbers, evenly distributed over
        the compositions.
    features
        Variable of the cube that the classifier will read.
    span
        Energies that become features, eV relative to the mean e0 of the references; None is open.
    noise
        Standard deviation of the absorbance before any mean, over the edge step, of all patterns alike and at all energies;
        None: as measured in this scan. With a number, scans of a campaign share one model, which is trained once.
    seed
        Of all that is drawn.

    Returns
    -------
    Dataset
        Lazy: `features` (sample, feature), `label` (sample), `noise` (sample), `composition` (class, reference),
        `class_features` (class, feature), `reference_norm` (reference, reference_energy); `energy` (feature), eV;
        `check_features` (check, feature), `check_composition` (check, reference), `check_norm` (check,
        reference_energy), `check_shift` (check), by how much their energies were moved, and after `derive.noise` their noise
        `check_noise` and `again_features` (check, feature), the same compositions in the same pixels measured again. `noise`
        is NaN without it. A pattern that came out NaN stays, see `patterns.finite`. The attribute `digest` stands for all
        that they are made of.

    Raises
    ------
    InputError
        A reference does not cover the scan or has its edge elsewhere; too many classes.
    """
    patterns = {"noise_patterns": noise_patterns, "check_patterns": check_patterns}
    asked = {"step": step, "features": features, "span": span, **patterns}
    compositions, reference, used = _asked(cube, library, asked)
    energy = cube.energy.values
    make = maker(cube, library, reference, seed, noise)
    shift = make.pixels.shift
    check_cover(library, energy[[0, -1]] + [min(0.0, shift.min()), max(0.0, shift.max())])
    still = replay.Mixer(cube, library, reference, np.zeros(1))(compositions, np.zeros(len(compositions)))
    clean = replay.through(cube, replay.on_spectra(make.plan), still, None, None)[features].values
    labels = np.repeat(np.arange(len(compositions)), noise_patterns)
    table, level = later(_training(make, features, used), compositions[labels], [seed, 1], [used.size, None])
    names = [str(name) for name in library.spectrum.values]
    settings = [__version__, step, noise_patterns, check_patterns, seed, features, names]
    return xr.Dataset(
        {
            "features": (("sample", "feature"), table),
            "label": ("sample", labels),
            "noise": ("sample", level),
            "composition": (("class", "reference"), compositions),
            "class_features": (("class", "feature"), clean[used, 0].T),
            "reference_norm": (("reference", "reference_energy"), reference.norm.values[:, 0].T),
            **_checks(make, features, used, check_patterns, seed),
        },
        coords={"energy": ("feature", energy[used]), "reference": names, "reference_energy": energy},
        attrs={
            "features": features,
            "normalization": json.dumps(normalization_of(cube, features)),
            "e0": float(np.nanmean(reference.e0)),
            "seed": seed,
            "median_noise": float(np.median(make.pixels.noise / make.pixels.edge_step)),
            "digest": digest_of(settings, used, energy, replay.record(make.plan), *make.arrays),
        },
    )


def _training(make: Maker, features: str, used: np.ndarray) -> Any:
    def chunk(compositions: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        found, drawn = make(compositions, rng)
        return np.asarray(found[features].values[used, 0].T, np.float32), noise_levels(drawn)

    return chunk


def _checks(make: Maker, features: str, used: np.ndarray, patterns: int, seed: int) -> dict[str, Any]:
    """Patterns off the grid, with their whole spectra and the noise that `derive.noise` gives their pixels."""
    n_energy, references = make.cube.sizes["energy"], make.mixer.table.shape[-1]
    compositions = check_compositions(references, patterns, np.random.default_rng([seed, 2]))

    def chunk(part: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        found, drawn = make(part, rng)
        spectra = [found[features].values[used, 0], found.norm.values[:, 0]]
        if drawn.norm_noise is not None:
            spectra += [drawn.norm_noise, make.measured(part, drawn, rng)[features].values[used, 0]]
        return drawn.shift, *(np.asarray(one.T, np.float32) for one in spectra)

    more: list[int | None] = [n_energy, used.size] if make.pixels.norm_noise is not None else []
    shift, table, norm, *known = later(chunk, compositions, [seed, 3], [None, used.size, n_energy, *more])
    whole = ("check", "reference_energy")
    return {
        "check_features": (("check", "feature"), table),
        "check_composition": (("check", "reference"), compositions),
        "check_norm": (whole, norm),
        "check_shift": ("check", shift),
        **(
            {"check_noise": (whole, known[0]), "again_features": (("check", "feature"), known[1])}
            if known
            else {}
        ),
    }


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
