"""train.reconstruction and classify.parameters, on the simulated library."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.findings.reconstruction_findings import ParameterFindings, ReconstructionFindings
from xafsflow.findings.record import from_json, to_json
from xafsflow.learning.inverse.inverse_model import InverseModel
from xafsflow.phantom import simulated_library

NAMES = ["mean_distance_weighted", "effective_coordination", "electronegativity"]


@pytest.fixture(scope="module")
def library() -> xr.Dataset:
    return xf.derive.structure(simulated_library(160, seed=2))[0]


@pytest.fixture(scope="module")
def made(library: xr.Dataset) -> tuple[InverseModel, ReconstructionFindings]:
    return xf.train.reconstruction(
        library, parameters=NAMES, rows=["radial", "gaussian_process"], explained=10, broadening=2.0
    )


@pytest.fixture(scope="module")
def fitted(made: tuple[InverseModel, ReconstructionFindings]) -> ParameterFindings:
    new, _ = xf.derive.structure(simulated_library(6, seed=50))
    return xf.classify.parameters(made[0], new)


def test_reconstruction__is_better_than_plain_models_and_says_so(made) -> None:
    model, findings = made
    assert set(findings.scores) == {"mean", "ridge", "extra_trees", "radial", "gaussian_process"}
    assert findings.scores["mean"].r_squared == 0
    best = findings.scores[findings.row]
    assert best.r_squared == max(findings.scores[row].r_squared for row in ("radial", "gaussian_process"))
    assert best.r_squared > findings.scores["ridge"].r_squared + 0.1
    assert "smaller than that of ridge" in findings.verdict
    assert findings.units == ("Angstrom", "1", "1")
    assert (model.names, model.row) == (findings.parameters, findings.row)
    assert findings.coverage == pytest.approx(0.9, abs=0.04)


def test_effects__show_that_bonds_move_the_edge(made) -> None:
    _, findings = made
    assert findings.exact
    edge = np.abs(findings.energy - 7112).argmin()
    # A longer bond moves the edge down: more absorption at its foot
    assert findings.slope[0, edge] > 0.9
    assert findings.effect[0, edge] > 5 * findings.effect[0, 0]


def test_findings__survive_json(made, fitted) -> None:
    assert from_json(ReconstructionFindings, to_json(made[1])) == made[1]
    assert from_json(ParameterFindings, to_json(fitted)) == fitted


def test_one_row__is_taken_as_it_is(library) -> None:
    _, findings = xf.train.reconstruction(library, parameters=NAMES, rows=["ridge"], explained=4, folds=3)
    assert findings.row == "ridge"
    assert "no better" in findings.verdict or "smaller" in findings.verdict


def test_result__does_not_depend_on_chunks(library) -> None:
    first, second = (
        xf.train.reconstruction(one, parameters=NAMES, rows=["ridge"], explained=3)[0]
        for one in (library, library.chunk(sample=37))
    )
    np.testing.assert_array_equal(first.half_width, second.half_width)
    np.testing.assert_array_equal(first.basis, second.basis)


def test_missing_values__are_left_out_with_a_warning(library) -> None:
    some = library.copy(deep=True)
    some["mean_distance_weighted"][:5] = np.nan
    with pytest.warns(XafsflowWarning, match="leaves out 5 of 160 spectra"):
        _, findings = xf.train.reconstruction(some, parameters=NAMES, rows=["ridge"], explained=3)
    assert (findings.samples, findings.without_value) == (155, 5)


def test_large_library__is_learnt_from_a_random_part_with_a_warning(library) -> None:
    with pytest.warns(XafsflowWarning, match="learns from 120 of 160 spectra, drawn at random"):
        _, findings = xf.train.reconstruction(
            library, parameters=NAMES, rows=["ridge"], explained=3, most=120
        )
    assert findings.samples == 120


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"parameters": ["valence"]}, "parameters valence"),
        ({"parameters": ["motif"]}, "parameters motif"),
        ({"parameters": []}, "without a name"),
        ({"parameters": [NAMES[0], NAMES[0]]}, "different numbers"),
        ({"parameters": NAMES, "folds": 90}, "materials with all parameters"),
    ],
)
def test_reconstruction__refuses_what_it_cannot_learn_from(library, settings, text) -> None:
    with pytest.raises(InputError, match=text):
        xf.train.reconstruction(library, **settings)


def test_parameters__of_other_materials_are_found(fitted) -> None:
    assert len(fitted.structures) == 6
    held, of = fitted.known["mean_distance_weighted"].tolist()
    assert of == 6
    assert held >= 3
    for one in fitted.structures.values():
        for name in NAMES:
            assert one.low[name] <= one.values[name] + 1e-12 <= one.high[name] + 2e-12


def test_parameters__refuses_other_energies(made, library) -> None:
    with pytest.raises(InputError, match="spectra on 100 energies"):
        xf.classify.parameters(made[0], library.isel(energy=slice(100)))


def test_strange_spectrum__is_doubted(made, library) -> None:
    strange = library.isel(sample=slice(2)).copy(deep=True)
    strange["mu"][1] = 0.4 + 0.4 * np.tanh((strange.energy - 7150) / 5)
    found = xf.classify.parameters(made[0], strange).structures
    assert not any("does not explain" in one for one in found[0].doubts)
    assert "does not explain this spectrum" in found[1].doubts[0]
