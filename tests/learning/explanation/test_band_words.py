"""Bands of energies in words."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.learning.explanation.band_words import lost_without, raised_by, strongest, told_by

EDGES = np.arange(7100.0, 7131.0, 6.0)


def test_strongest__takes_neighbors_of_half_the_strength_alone() -> None:
    assert strongest(EDGES, np.array([4.0, 10.0, 5.0, 0.0, 9.0])) == (7106, 7118, pytest.approx(15 / 28))
    # What lowers has no strength
    assert strongest(EDGES, np.array([-9.0, -1.0, 0.5, -2.0, 0.0])) == (7112, 7118, 1)


def test_no_effect__is_told_as_none() -> None:
    assert told_by("Class 4", EDGES, np.zeros(5), "eV") == "Class 4 is told by none of the energies."
    assert raised_by(EDGES, np.zeros(5), "eV") == "no band adds anything"
    even = told_by("Class 4", EDGES, np.array([1.0, 1.1, 1.0, 0.9, 1.0]), "eV")
    assert even.endswith("none stands out.")


def test_small_effects_of_the_other_sign__are_not_worth_a_word() -> None:
    told = raised_by(EDGES, np.array([1.0, 0.0, -0.05, 0.0, 0.0]), "eV")
    assert told == "7100 to 7106 eV raise it most (+1)"
    assert "lower it most (-0.2)" in raised_by(EDGES, np.array([1.0, 0.0, -0.2, 0.0, 0.0]), "eV")


def test_a_loss_within_its_error__is_none() -> None:
    growth, error = np.array([0.01, 0.02, 0.0, 0.0, -0.01]), np.full(5, 0.01)
    assert "does not grow" in lost_without("The error", EDGES, 0.1, growth, error, "eV")
    assert "7106 to 7112 eV" in lost_without("The error", EDGES, 0.1, growth, error / 10, "eV")
