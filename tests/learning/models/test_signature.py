"""A model is used only on what it was made for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.models.signature import Signature

FLAT: dict[str, Any] = {"step": "normalize.flat", "settings": {"e0": 7112.0, "pre1": None}}
DERIVED: dict[str, Any] = {"step": "derive.derivative", "settings": {"window": 8.0}}
MADE_FOR = Signature(
    "energy", "eV", np.arange(7110.0, 7115.0), "norm", [FLAT], 7112.0, np.array([0.01, 0.02])
)


def test_features__are_found_among_more_values_up_to_rounding() -> None:
    places = MADE_FOR.places_on("energy", "eV", np.arange(7100.0, 7120.0, 0.5) + 1e-9)
    assert places.tolist() == [20, 22, 24, 26, 28]
    assert (
        MADE_FOR.places_on("energy", "eV", np.arange(7100.0, 7120.0, 0.5) - 1e-9).tolist() == places.tolist()
    )


@pytest.mark.parametrize(
    ("axis", "unit", "values", "message"),
    [
        (
            "two_theta",
            "degree",
            MADE_FOR.values,
            "Found a cube over two_theta in degree. Expected energy in eV",
        ),
        ("energy", "keV", MADE_FOR.values, "Found a cube over energy in keV. Expected energy in eV"),
        (
            "energy",
            "eV",
            MADE_FOR.values[:3],
            "Found a cube without the model's energy 7114 eV. Expected all 5 values",
        ),
        ("energy", "eV", MADE_FOR.values + 0.1, "without the model's energy"),
    ],
)
def test_another_axis__is_refused(axis: str, unit: str, values: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MADE_FOR.places_on(axis, unit, values)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "Found norm by no further step. Expected normalize.flat"),
        ([FLAT, DERIVED], "Found norm by derive.derivative. Expected no further step"),
        (
            [{**FLAT, "settings": {"e0": 7113.0, "pre1": None}}],
            "with e0 7113.0. Expected normalize.flat with e0 7112",
        ),
        ([{**FLAT, "step": "normalize.area"}], "by normalize.area. Expected normalize.flat"),
    ],
)
def test_another_normalization__is_refused(found: list[Any], message: str) -> None:
    MADE_FOR.check_normalization([FLAT])
    with pytest.raises(InputError, match=message) as refused:
        MADE_FOR.check_normalization(found)
    assert "train a model on this scan" in str(refused.value)


def test_a_scan_that_is_far_noisier__is_refused() -> None:
    for level in (0.001, 0.02, 0.04, np.nan):
        MADE_FOR.check_noise(level)
    with pytest.raises(
        InputError, match=r"noise 0.041 in norm. Expected at most 2 times .* 0.01 to 0.02. Average"
    ):
        MADE_FOR.check_noise(0.041)


ANGLES = Signature("two_theta", "degree", np.linspace(10, 90, 5), "mu", [], None, None, 1.54187)


@pytest.mark.parametrize("found", [1.54187, 1.540593, 1.5418])
def test_angles_at_the_same_wavelength__are_taken(found: float) -> None:
    ANGLES.check()
    ANGLES.check_wavelength(found)
    MADE_FOR.check_wavelength(found)
    MADE_FOR.check_wavelength(None)


@pytest.mark.parametrize(
    ("found", "told"),
    [(None, "angles without a wavelength"), (1.79, r"angles at 1\.79"), (float("nan"), "angles at nan")],
)
def test_angles_at_another_wavelength_or_none__are_refused(found: float | None, told: str) -> None:
    with pytest.raises(InputError, match=rf"Found {told}.* Expected those at 1\.54187 Angstrom"):
        ANGLES.check_wavelength(found)


def test_a_wavelength__is_a_number() -> None:
    with pytest.raises(InputError, match="a damaged signature"):
        Signature("two_theta", "degree", ANGLES.values, "mu", [], None, None, "CuKa").check()  # type: ignore[arg-type]
