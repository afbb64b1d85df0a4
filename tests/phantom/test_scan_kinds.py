"""The catalog of scans unlike the default: what each differs in, and that its recipe is one."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from xafsflow.phantom import Phantom, counts, spectrum, truth
from xafsflow.pipeline.recipe import parse_recipe

SOURCE = Path(__file__).parents[1] / "benchmarks" / "scan_kinds.py"


def loaded():
    """The module of the benchmarks, which are no package."""
    spec = importlib.util.spec_from_file_location("scan_kinds", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


scan_kinds = loaded()


def differing(phantom, other):
    return {name for name, value in vars(phantom).items() if value != getattr(other, name)}


def test_kinds__are_twenty_and_each_differs_in_two_ways_from_the_default_and_from_every_other():
    made = {name: scan_kinds.phantom_of(name) for name in scan_kinds.KINDS}
    assert len(made) == 20
    plain = Phantom(size=scan_kinds.SIZE)
    for name, phantom in made.items():
        assert phantom.size == (64, 80)
        assert len(differing(phantom, plain)) >= 2, name
        for other, theirs in made.items():
            assert other == name or len(differing(phantom, theirs)) >= 2, (name, other)


def test_kinds__span_what_they_are_said_to_span():
    made = [scan_kinds.phantom_of(name) for name in scan_kinds.KINDS]
    assert {0.0, 0.2, 0.5, 0.7} <= {phantom.broadening for phantom in made}
    assert {400, 2000, 24000} <= {phantom.counts for phantom in made}
    assert {(0.1, 0.2), (0.3, 0.6), (0.8, 1.6)} <= {phantom.thickness for phantom in made}
    assert {60, 100, 210, 400} <= {phantom.energy.size for phantom in made}
    assert {"Fe", "Ni", "Cu"} == {phantom.element for phantom in made}
    assert min(phantom.energy[-1] - phantom.e0 for phantom in made) < 62


@pytest.mark.parametrize("name", scan_kinds.KINDS)
def test_kinds__have_a_recipe_that_is_checked_and_a_sample_that_is_seen(name):
    parse_recipe(scan_kinds.recipe_of(name), "kind.yaml")
    phantom = scan_kinds.phantom_of(name, seed=3)
    answer = truth(phantom)
    rows = (28, 32)
    inside = ~answer["background"][slice(*rows)]
    low, high = (
        counts(phantom, "sample", index, rows)[inside].mean() - 100 for index in (0, -1 % phantom.energy.size)
    )
    # The sample absorbs more after the edge than before it, and some light comes through.
    assert 3 < high < low
    for reference in phantom.written:
        known = phantom.reference_energy(reference)
        assert known[0] < phantom.energy[0] < phantom.energy[-1] < known[-1]


@pytest.mark.parametrize("references", ["NICKEL", "COPPER"])
def test_own_spectra__rise_by_one_from_nothing(references):
    for reference in getattr(scan_kinds, references):
        e0 = scan_kinds.NI if references == "NICKEL" else scan_kinds.CU
        before, after = (spectrum(reference, e0 + np.arange(*ends)) for ends in ((-150, -60), (200, 380)))
        assert abs(before).max() < 0.01
        assert after.mean() == pytest.approx(1, abs=0.02)


def test_write_kind__writes_the_scan_and_gives_its_recipe(tmp_path):
    recipe = scan_kinds.write_kind("phase_outside_the_library", 2, tmp_path, size=(8, 10), repeat=1)
    assert recipe == scan_kinds.recipe_of("phase_outside_the_library")
    with np.load(tmp_path / "truth.npz") as answer:
        assert answer["references"].tolist() == ["Fe2O3", "Fe3O4"]
        assert answer["library"].tolist() == ["Fe", "FeO", "Fe2O3"]
    assert {path.stem for path in (tmp_path / "references").iterdir()} == {"Fe", "FeO", "Fe2O3"}
