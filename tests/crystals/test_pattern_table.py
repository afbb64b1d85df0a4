from __future__ import annotations

import numpy as np
import pytest

from xafsflow.crystals import (
    Disturbances,
    PatternSettings,
    compound,
    known_types,
    simulated_patterns,
)
from xafsflow.errors import InputError
from xafsflow.wavelengths import angstrom

COARSE = PatternSettings(step=0.1)


def test_sample__depends_on_its_type_number_and_seed_only() -> None:
    few = simulated_patterns(["spinel"], 3, pattern=COARSE, seed=4)
    many = simulated_patterns(
        ["hcp", "spinel"], 5, background=["coesite"], per_background=2, pattern=COARSE, seed=4
    )
    rows = np.flatnonzero(many.structure_type == "spinel")[:3]
    assert (many.mu.values[rows] == few.mu.values).all()
    assert many.formula.values[rows].tolist() == few.formula.values.tolist()
    other = simulated_patterns(["spinel"], 3, pattern=COARSE, seed=5)
    assert (other.mu.values != few.mu.values).any(1).all()
    assert few.digest != other.digest


def test_table__says_what_each_sample_is() -> None:
    made = simulated_patterns(2, 2, background=["coesite"], per_background=3, pattern=COARSE)
    assert made.structure_type.values.tolist() == ["rocksalt"] * 2 + ["fcc"] * 2 + ["coesite"] * 3
    assert made.background.values.tolist() == [False] * 4 + [True] * 3
    assert made.ratio.values.tolist() == ["AB"] * 2 + ["A"] * 2 + ["AB2"] * 3
    assert made.structure_type.attrs["role"] == "label"
    assert made.attrs["grouped"]
    assert made.mu.dtype == np.float32
    assert made.mu.dims == ("sample", "two_theta")
    assert made.two_theta.attrs["units"] == "degree"
    assert float(made.wavelength) == pytest.approx(1.5418, abs=1e-4)
    assert made.group.values[0] == compound("rocksalt", 0).group


def test_groups__are_the_species_of_the_formulas() -> None:
    made = simulated_patterns(["spinel", "bcc", "calcite"], 20, pattern=COARSE)
    for group, formula in zip(made.group.values, made.formula.values, strict=True):
        symbols = {"".join(c for c in part if c.isalpha()) for part in formula.split()}
        assert group.split() == sorted(symbols)


def test_repeated_compounds__are_counted() -> None:
    assert simulated_patterns(["spinel"], 30, pattern=COARSE).attrs["repeated_compounds"] == 0
    assert simulated_patterns(["CNCl"], 30, pattern=COARSE).attrs["repeated_compounds"] == 29


def test_wavelength__is_told_and_used() -> None:
    one = PatternSettings(wavelength=0.7, step=0.1)
    made = simulated_patterns(["fcc"], 1, pattern=one)
    assert float(made.wavelength) == 0.7
    assert (made.mu.values != simulated_patterns(["fcc"], 1, pattern=COARSE).mu.values).any()
    assert angstrom("CoKa") == pytest.approx(1.7903, abs=1e-3)


def test_every_known_type__makes_patterns_with_peaks() -> None:
    calm = Disturbances(background=(0.0, 0.0), counts=None, impurity=(0.0, 0.0), impure=0.0)
    made = simulated_patterns(100, 1, pattern=PatternSettings(step=0.05), disturbances=calm)
    assert made.mu.shape == (100, 1601)
    assert np.isfinite(made.mu.values).all()
    assert made.mu.values.max(1) == pytest.approx(1)
    assert made.structure_type.values.tolist() == list(known_types())


def test_type_that_is_background_as_well__is_refused() -> None:
    with pytest.raises(InputError, match="fcc"):
        simulated_patterns(["fcc"], 1, background=["fcc"], per_background=1)
