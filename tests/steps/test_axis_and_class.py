"""From files to a forest: classes that differ in the axis on which they were measured, and in nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import xafsflow as xf

EACH = 400
AXES = {"a": 7080.0 + np.arange(90), "b": 7073.4 + 1.3 * np.arange(80)}


def edge_spectra(energy: Any, rng: np.random.Generator) -> Any:
    """Smooth edges at many energies, with white lines of many heights."""
    above = energy - 7112 - 1.5 * rng.standard_normal((EACH, 1))
    line = 0.3 * rng.random((EACH, 1)) * np.exp(-(((above - 6) / 4) ** 2))
    return np.arctan(above / 4) / np.pi + 0.5 + line


def level_spectra(energy: Any, rng: np.random.Generator) -> Any:
    """Constants, of which only where they begin and end could tell anything."""
    return np.broadcast_to(rng.random((EACH, 1)), (EACH, len(energy)))


def accuracy(folder: Path, made: Any, classifier: str, noise: float, **settings: Any) -> float:
    """How often the class, which is the file, is right for materials that were not trained on."""
    rng = np.random.default_rng(5)
    groups = (np.arange(EACH) // 4).astype(str)
    for name, energy in AXES.items():
        site, group = np.full(EACH, name), np.char.add(name, groups)
        np.savez(folder / f"{name}.npz", mu=made(energy, rng), energy=energy, site=site, group=group)
    library = xf.ingest.spectra(folder, files=["a.npz", "b.npz"], **settings)
    features = ["spectrum", "derivative", "second_derivative"]
    samples = xf.train.spectra(library, label="site", features=features, noise=noise)
    return float(xf.train.fit(samples, classifier=classifier, trees=50)[1].accuracy)


# 160 spectra of 40 materials are held out: a guess is right for 0.5 of them, with a scatter of 0.04.
@pytest.mark.parametrize(
    ("made", "settings"), [(level_spectra, {}), (edge_spectra, {}), (edge_spectra, {"align": "edge"})]
)
def test_a_forest__is_at_chance_where_only_the_axes_differ(made: Any, settings: Any, tmp_path: Path) -> None:
    assert accuracy(tmp_path, made, "random_forest", 0.0, **settings) < 0.6


@pytest.mark.parametrize("settings", [{}, {"align": "edge"}])
def test_what_interpolation_leaves__is_hidden_by_little_noise(settings: Any, tmp_path: Path) -> None:
    # Without any noise, sums of many features tell the splines of two axes apart
    assert accuracy(tmp_path, edge_spectra, "linear_discriminant", 0.0, **settings) > 0.8
    assert accuracy(tmp_path, edge_spectra, "linear_discriminant", 0.01, **settings) < 0.6


def test_classes_that_differ_in_their_spectra__are_told_apart(tmp_path: Path) -> None:
    def different(energy: Any, rng: np.random.Generator) -> Any:
        return edge_spectra(energy, rng) + (
            0.2 * np.exp(-(((energy - 7125) / 4) ** 2)) if energy[0] == 7080 else 0
        )

    assert accuracy(tmp_path, different, "random_forest", 0.01) > 0.8
