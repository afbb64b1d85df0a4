"""The inverse model: trained on spectra of a formula, stored, refused outside, and turned round."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.inverse.fold_scores import covered, score, verdict
from xafsflow.learning.inverse.inverse_model import InverseModel, read_inverse, save_inverse, to_bytes
from xafsflow.learning.inverse.parameter_fit import fit_parameters
from xafsflow.learning.inverse.prepared_spectra import Preparation, prepared
from xafsflow.learning.inverse.reconstructors import RECONSTRUCTORS
from xafsflow.learning.inverse.train_inverse import (
    Table,
    conformal_half_width,
    fold_of,
    inverse_model,
    learn,
    mean_answers,
    out_of_fold,
)

ENERGY = np.linspace(-20.0, 60.0, 81)
HOW = (("distance", "height", "idle"), ("Angstrom", "1", "1"), Preparation(False, 5, 30, 0), ENERGY)


def spectra_of(table: np.ndarray) -> np.ndarray:
    """An edge, a white line with a height, a wave with a length; the third parameter does nothing."""
    distance, height = table[:, :1], table[:, 1:2]
    above = np.maximum(ENERGY, 0)
    wave = np.exp(-above / 30) * np.sin(np.sqrt(above) * distance)
    return 0.5 + np.arctan(ENERGY) / np.pi + 0.2 * wave + height * np.exp(-(((ENERGY - 4) / 4) ** 2))


def library(count: int, seed: int) -> Table:
    random = np.random.default_rng(seed)
    table = random.uniform([1.8, 0.1, 0.0], [2.4, 0.5, 1.0], (count, 3))
    return Table(table, spectra_of(table) + random.normal(0, 0.004, (count, 81)), np.arange(count) // 3)


@pytest.fixture(scope="module")
def model() -> InverseModel:
    table = library(180, 0)
    fold = fold_of(table.groups, 5, 0)
    answers = out_of_fold(["gaussian_process"], table, fold, "components", 0)["gaussian_process"]
    return inverse_model("gaussian_process", table, fold, answers, HOW, "components", 0.9, 0)


@pytest.mark.parametrize("row", list(RECONSTRUCTORS))
@pytest.mark.parametrize("targets", ["components", "direct"])
def test_every_row__learns_and_is_stored_without_loss(row, targets, tmp_path: Path) -> None:
    table, new = library(90, 1), library(30, 2)
    fold = fold_of(table.groups, 3, 0)
    made = inverse_model(row, table, fold, mean_answers(table, fold), HOW, targets, 0.9, 0)
    wrong = ((made.spectra(new.parameters) - spectra_of(new.parameters)) ** 2).sum()
    apart = ((new.spectra - table.spectra.mean(axis=0)) ** 2).sum()
    assert wrong < 0.2 * apart
    again = read_inverse(save_inverse(made, tmp_path / "inverse.npz"))
    np.testing.assert_array_equal(again.spectra(new.parameters), made.spectra(new.parameters))
    assert to_bytes(again) == to_bytes(made)
    assert (again.names, again.units, again.preparation) == HOW[:3]


def test_damaged_file__is_refused(model: InverseModel, tmp_path: Path) -> None:
    path = save_inverse(model, tmp_path / "inverse.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"inverse\.npz"):
        read_inverse(path)
    with pytest.raises(InputError):
        read_inverse(tmp_path / "nothing.npz")
    other = dataclasses.replace(model, training=model.training[:, :2])
    save_inverse(other, path)
    with pytest.raises(InputError, match="arrays of several models"):
        read_inverse(path)


def test_interval__holds_what_it_says_on_new_spectra(model: InverseModel) -> None:
    new = library(300, 9)
    held = np.abs(model.spectra(new.parameters) - new.spectra) <= model.half_width
    assert held.mean() == pytest.approx(0.9, abs=0.03)


def test_outside__is_refused_by_name(model: InverseModel) -> None:
    inside = {"distance": 2.1, "height": 0.3, "idle": 0.5}
    spectrum, half_width = model.spectrum(inside)
    np.testing.assert_allclose(spectrum, spectra_of(np.array([[2.1, 0.3, 0.5]]))[0], atol=0.02)
    assert half_width.shape == (81,)
    with pytest.raises(InputError, match=r"distance 3 Angstrom \(trained: 1\.8"):
        model.spectrum({**inside, "distance": 3.0})
    with pytest.raises(InputError, match="no value of height"):
        model.spectrum({"distance": 2.0, "idle": 0.0})


def test_hole_in_the_training__is_outside(model: InverseModel) -> None:
    ring = np.random.default_rng(0).normal(size=(300, 2))
    ring /= np.linalg.norm(ring, axis=1)[:, None]
    table = Table(ring, ring @ np.ones((2, 81)), np.arange(300))
    fold = fold_of(table.groups, 3, 0)
    how = (("a", "b"), ("1", "1"), HOW[2], ENERGY)
    made = inverse_model("ridge", table, fold, mean_answers(table, fold), how, "components", 0.9, 0)
    assert made.inside(0.999 * ring).mean() > 0.9
    # Within the range of both, and in the convex hull, but nothing is known there
    assert not made.inside(np.zeros((1, 2)))[0]
    assert made.where(np.zeros(2)) == "no training sample is near"


def test_way_back__finds_what_the_spectrum_was_made_of(model: InverseModel) -> None:
    new = library(30, 5)
    fits = [fit_parameters(model, one, 0.0) for one in new.spectra]
    values = np.array([one.values for one in fits])
    assert np.abs(values - new.parameters)[:, 0].max() < 0.02
    assert np.abs(values - new.parameters)[:, 1].max() < 0.02
    # The third one does nothing, and that is told
    assert all(one.determined.tolist() == [True, True, False] for one in fits)
    low, high = np.array([one.low for one in fits]), np.array([one.high for one in fits])
    held = (low <= new.parameters) & (new.parameters <= high)
    assert 0.45 <= held[:, :2].mean() <= 0.9
    assert sum(one.explained for one in fits) >= 28


def test_strange_spectrum__is_not_explained(model: InverseModel) -> None:
    strange = spectra_of(np.array([[2.1, 0.3, 0.5]]))[0] + 0.1 * np.exp(-(((ENERGY + 10) / 2) ** 2))
    assert not fit_parameters(model, strange, 0.004).explained
    assert not fit_parameters(model, spectra_of(np.array([[3.2, 0.3, 0.5]]))[0], 0.004).explained


def test_folds__hold_whole_groups_of_like_size() -> None:
    groups = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 9, 40))
    fold = fold_of(groups, 5, 0)
    assert all(len(set(fold[groups == one])) == 1 for one in range(40))
    sizes = np.bincount(fold)
    assert len(sizes) == 5
    assert sizes.max() - sizes.min() <= 8


def test_scores__tell_a_better_row_and_one_that_is_not() -> None:
    table = library(60, 3)
    fold = fold_of(table.groups, 3, 0)
    mean = mean_answers(table, fold)
    assert score(mean, table.spectra, mean, fold).r_squared == 0.0
    noise = np.random.default_rng(1).normal(size=table.spectra.shape)
    answers = {
        "radial": table.spectra + 0.01 * noise,
        "ridge": table.spectra + 0.02 * noise,
        "extra_trees": table.spectra - 0.01 * noise,
    }
    text = verdict("radial", answers, table.spectra, fold)
    assert "50% smaller than that of ridge" in text
    assert "no better than extra trees" in text


def test_coverage__is_of_intervals_from_other_folds() -> None:
    errors = np.random.default_rng(0).normal(size=(500, 20))
    assert covered(errors, np.arange(500) % 5, 0.9) == pytest.approx(0.9, abs=0.01)
    # One fold with errors ten times as large is not covered by the others
    errors[::5] *= 10
    assert covered(errors, np.arange(500) % 5, 0.9) < 0.85
    assert conformal_half_width(errors[:3], 0.9).tolist() == np.abs(errors[:3]).max(axis=0).tolist()


def test_preparation__gives_a_step_of_one_and_broadens_a_lorentzian_to_a_wider_one() -> None:
    fine = np.arange(-200.0, 200.0, 0.25)
    how = Preparation(True, 20, 50, 0)
    step = prepared(3 * spectra_of(np.array([[2.0, 0.3, 0]])) + 1, ENERGY, how)[0]
    assert step[ENERGY <= 0].min() >= -0.1
    assert step[ENERGY >= 10].mean() == pytest.approx(1, abs=0.02)
    narrow = 1 / (1 + (fine / 2.0) ** 2)
    wide = prepared(narrow[None], fine, Preparation(False, 5, 30, 2.0))[0]
    # Widths of Lorentzians add: 4 and 2 eV are 6
    middle = np.abs(fine) < 20
    wanted = (2 / 3) / (1 + (fine / 3.0) ** 2)
    np.testing.assert_allclose(wide[middle], wanted[middle], atol=0.005)
    with pytest.raises(InputError, match="1 spectra without an edge step"):
        prepared(np.stack([fine, -fine]), fine, how)


def test_learning__does_not_depend_on_the_unit_of_a_parameter() -> None:
    table = library(60, 4)
    first = learn("gaussian_process", table.parameters, table.spectra, "components", 0)
    factor = np.array([10.0, 1.0, 1e-3])
    second = learn("gaussian_process", table.parameters * factor, table.spectra, "components", 0)
    np.testing.assert_allclose(
        first.spectra(table.parameters), second.spectra(table.parameters * factor), atol=1e-6
    )
