from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xafsflow.crystals import (
    UNDISTURBED,
    Compound,
    Disturbances,
    PatternSettings,
    all_types,
    compound,
    pattern_of,
    peak_list,
    reference_compound,
    species_table,
)
from xafsflow.errors import InputError
from xafsflow.wavelengths import K_ALPHA

RECORD = json.loads(Path(__file__).with_name("pymatgen_peaks.json").read_text("utf-8"))
ALONE = PatternSettings(wavelength=1.54056)


def recorder() -> Any:
    """The script that wrote the record."""
    path = Path(__file__).with_name("record_pymatgen.py")
    spec = importlib.util.spec_from_file_location("record_pymatgen", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def by_pymatgen(symbol: str, coefficients: list[list[float]]) -> Any:
    """A form factor as pymatgen calculates it."""
    s = np.arange(0, species_table.FACTOR_END, species_table.FACTOR_STEP)
    terms = sum(a * np.exp(-b * s**2) for a, b in coefficients)
    return species_table.elements()[symbol].z - 41.78214 * s**2 * terms


@pytest.fixture
def pymatgen_factors(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Form factors as pymatgen has them, in place of ours."""
    table = dict(RECORD["form_factors"])
    species_table.mean_form_factor.cache_clear()
    monkeypatch.setattr(species_table, "form_factor", lambda symbol: by_pymatgen(symbol, table[symbol]))
    yield table
    species_table.mean_form_factor.cache_clear()


def same_peaks(own: Compound, angles: Any, heights: Any) -> None:
    """Peaks of .5 and more lie within .01 degrees, and are as high within .1 of 100."""
    found = peak_list(own, RECORD["wavelength"], 90.0)
    for angle, height in zip(angles, heights, strict=True):
        if height > 0.5:
            assert abs(found.two_theta - angle).min() < 0.01
            # Two of them may lie closer than either program separates.
            near = abs(found.two_theta - angle) < 0.02
            expected = sum(h for a, h in zip(angles, heights, strict=True) if abs(a - angle) < 0.02)
            assert found.intensity[near].sum() == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("row", RECORD["compounds"], ids=lambda row: row["type"])
def test_peaks__are_those_that_pymatgen_gave(row: dict[str, Any], pymatgen_factors: Any) -> None:
    species = tuple(tuple((symbol, share) for symbol, share in shares) for shares in row["species"])
    shift = tuple(tuple(one) for one in row["shift"])
    own = Compound(row["type"], species, tuple(row["cell"]), shift, (0.0,) * len(species))
    assert max(height for _, height in row["peaks"]) == 100
    same_peaks(own, *zip(*row["peaks"], strict=True))


@pytest.mark.parametrize("name", all_types()[::13])
def test_peaks__are_those_of_pymatgen(name: str, pymatgen_factors: dict[str, Any]) -> None:
    pytest.importorskip("pymatgen", reason="pymatgen is the oracle of peak positions and intensities")
    script = recorder()
    for number in (None, 1):
        own = script.chosen_compound(name, number)
        for shares in own.species:
            pymatgen_factors |= {symbol: script.scattering(symbol) for symbol, _ in shares}
        same_peaks(own, *script.pymatgen_peaks(own))


def test_rocksalt__has_reflections_of_all_odd_or_all_even_indices() -> None:
    hkl = peak_list(reference_compound("rocksalt")).hkl
    assert len(hkl) > 5
    assert (hkl % 2 == hkl[:, :1] % 2).all()


@pytest.mark.parametrize(
    ("name", "strongest", "second", "height"),
    [
        # The powder diffraction file's lines of the minerals, copper K alpha 1.
        ("anatase", 25.28, 48.05, 28),
        ("rutile", 27.45, 54.3, 56),
        ("quartz", 26.64, 20.86, 20),
        ("calcite", 29.4, 48.5, 20),
        ("zircon", 27.0, 35.6, 52),
        ("hausmannite", 36.1, 32.3, 75),
        ("litharge", 28.6, 31.8, 35),
    ],
)
def test_minerals__have_their_known_strongest_lines(
    name: str, strongest: float, second: float, height: float
) -> None:
    peaks = peak_list(reference_compound(name))
    assert peaks.two_theta[peaks.intensity.argmax()] == pytest.approx(strongest, abs=0.25)
    near = abs(peaks.two_theta - second) < 0.3
    assert peaks.intensity[near].max() == pytest.approx(height, abs=10)


def test_potassium_chloride__hides_odd_indices() -> None:
    # K+ and Cl- scatter alike; atoms of 18 and 17 electrons nearly do.
    own = replace(reference_compound("rocksalt"), species=((("Cl", 1.0),), (("K", 1.0),)))
    peaks = peak_list(own)
    odd = peaks.hkl[:, 0] % 2 == 1
    assert peaks.intensity[odd].max() < 2
    assert peaks.intensity[~odd].max() == 100


def test_fcc_and_hcp__have_the_spacings_of_their_lattices() -> None:
    a = 3.6
    own = replace(reference_compound("fcc"), cell=(a, a, a, 90.0, 90.0, 90.0))
    squares = (a * peak_list(own, highest=150.0).inverse_d) ** 2
    assert squares[:5] == pytest.approx([3, 4, 8, 11, 12])
    c = a * np.sqrt(8 / 3)
    close = peak_list(replace(reference_compound("hcp"), cell=(a, a, c, 90.0, 90.0, 120.0)))
    expected = [
        np.sqrt(4 / 3 * (h * h + h * k + k * k) / a**2 + (m / c) ** 2)
        for h, k, m in [(1, 0, 0), (0, 0, 2), (1, 0, 1), (1, 0, 2)]
    ]
    assert close.inverse_d[:4] == pytest.approx(expected)


def test_intensity_of_equal_scatterers__is_multiplicity_times_lorentz_and_polarization() -> None:
    own = replace(reference_compound("bcc"), species=((("H", 1.0),),), damping=(0.0,))
    peaks = peak_list(own)
    theta = np.radians(peaks.two_theta / 2)
    factor = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    s = peaks.inverse_d / 2
    grid = np.arange(0, species_table.FACTOR_END, species_table.FACTOR_STEP)
    electrons = np.interp(s, grid, species_table.form_factor("H"))
    multiplicity = {(1, 1, 0): 12, (2, 0, 0): 6, (2, 1, 1): 24, (2, 2, 0): 12}
    expected = [multiplicity[tuple(sorted(map(abs, h), reverse=True))] for h in peaks.hkl[:4].tolist()]
    ratio = peaks.intensity[:4] / (factor * electrons**2)[:4]
    assert ratio / ratio[0] == pytest.approx(np.array(expected) / expected[0], rel=1e-6)


def test_width__is_that_of_scherrer() -> None:
    size = 20.0
    only_size = replace(UNDISTURBED, size=(size, size), instrument=(1e-3, 1e-3))
    grid = replace(ALONE, low=25.0, high=35.0, step=0.002)
    y = pattern_of(reference_compound("rocksalt"), grid, only_size, np.random.default_rng(0))
    middle = grid.two_theta[y.argmax()]
    above = grid.two_theta[y > 0.5]
    expected = np.degrees(0.9 * 1.54056 / (10 * size * np.cos(np.radians(middle / 2))))
    assert np.ptp(above) == pytest.approx(expected, abs=0.006)


def test_shifts__move_peaks_as_their_formulas_say() -> None:
    own, rng = reference_compound("rocksalt"), np.random.default_rng(0)
    true = peak_list(own).two_theta[1]
    grid = replace(ALONE, low=30.0, high=33.0, step=0.005)

    def found(**changed: Any) -> float:
        y = pattern_of(own, grid, replace(UNDISTURBED, **changed), rng)
        return float(grid.two_theta[y.argmax()])

    assert found() == pytest.approx(true, abs=0.003)
    assert found(zero_shift=(0.1, 0.1)) == pytest.approx(true + 0.1, abs=0.003)
    moved = 0.3 * np.cos(np.radians(true / 2))
    assert found(displacement=(0.3, 0.3)) == pytest.approx(true + moved, abs=0.003)


def test_wavelength__moves_peaks_by_braggs_law() -> None:
    own = reference_compound("rocksalt")
    for wavelength in (0.7093, 1.0, 1.54056):
        peaks = peak_list(own, wavelength)
        assert wavelength == pytest.approx(2 * np.sin(np.radians(peaks.two_theta / 2)) / peaks.inverse_d)
        grid = PatternSettings(wavelength=wavelength, low=5.0, high=60.0)
        y = pattern_of(own, grid, UNDISTURBED, np.random.default_rng(0))
        assert grid.two_theta[y.argmax()] == pytest.approx(
            peaks.two_theta[peaks.intensity.argmax()], abs=0.02
        )


def test_doublet__has_a_second_line_half_as_strong() -> None:
    grid = PatternSettings(low=80.0, high=86.0, step=0.005)
    sharp = replace(UNDISTURBED, instrument=(0.01, 0.01), size=(1e4, 1e4))
    own = reference_compound("rocksalt")
    y = pattern_of(own, grid, sharp, np.random.default_rng(0))
    first, second = (peak_list(own, one).two_theta for one in K_ALPHA["Cu"])
    line = int(np.flatnonzero((first > 80) & (first < 86))[0])
    one, two = (y[abs(grid.two_theta - x[line]).argmin()] for x in (first, second))
    assert two / one == pytest.approx(0.5, abs=0.05)


def test_counts__are_poisson_about_the_pattern_without_noise() -> None:
    own, settings = reference_compound("rocksalt"), replace(UNDISTURBED, background=(0.2, 0.2))
    clean = 1000 * pattern_of(own, ALONE, settings, np.random.default_rng(3)).astype(float)
    noisy = replace(settings, counts=(1000.0, 1000.0))
    y = pattern_of(own, ALONE, noisy, np.random.default_rng(3))
    assert (y == np.round(y)).all()
    chi_square = np.mean((y - clean) ** 2 / clean)
    assert chi_square == pytest.approx(1, abs=0.1)
    assert np.mean((y - clean) / np.sqrt(clean)) == pytest.approx(0, abs=0.06)


def test_few_counts__are_poisson_as_well() -> None:
    own, settings = reference_compound("rocksalt"), replace(UNDISTURBED, background=(0.3, 0.3))
    clean = 30 * pattern_of(own, ALONE, settings, np.random.default_rng(3)).astype(float)
    y = pattern_of(own, ALONE, replace(settings, counts=(30.0, 30.0)), np.random.default_rng(3))
    assert np.mean((y - clean) ** 2 / clean) == pytest.approx(1, abs=0.1)
    assert y.min() >= 0


def test_texture__strengthens_the_planes_in_the_surface() -> None:
    # Mica-like layers along c: 00l grow when r is below 1; the axis is drawn.
    own = reference_compound("CdI2")
    textured = replace(UNDISTURBED, texture=(0.5, 0.5))
    made = [pattern_of(own, ALONE, textured, np.random.default_rng(seed)) for seed in range(40)]
    plain = pattern_of(own, ALONE, UNDISTURBED, np.random.default_rng(0))
    first = abs(ALONE.two_theta - peak_list(own).two_theta[0]).argmin()
    assert max(y[first] for y in made) > 2 * plain[first]


def test_impurity__adds_its_peaks_at_its_share() -> None:
    own, other = reference_compound("rocksalt"), reference_compound("fluorite")
    settings = replace(UNDISTURBED, impurity=(0.1, 0.1), impure=1.0)
    plain = pattern_of(own, ALONE, UNDISTURBED, np.random.default_rng(0))
    with_it = pattern_of(own, ALONE, settings, np.random.default_rng(0), other)
    added = with_it - plain
    assert added.max() == pytest.approx(0.1, abs=0.002)
    strongest = peak_list(other)
    assert ALONE.two_theta[added.argmax()] == pytest.approx(
        strongest.two_theta[strongest.intensity.argmax()], abs=0.02
    )


def test_disturbances__have_all_their_effects_within_their_ranges() -> None:
    rng = np.random.default_rng(0)
    y = np.stack([pattern_of(compound("spinel", n), ALONE, Disturbances(), rng) for n in range(40)])
    highest = y.max(1)
    assert (highest > 250).all()
    assert (highest < 30000 * 1.5).all()
    assert (y >= 0).all()
    lowest = np.percentile(y, 5, axis=1) / highest
    assert lowest.min() < 0.06
    assert 0.1 < lowest.max() < 0.4


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 90.0, "high": 10.0},
        {"step": 0.0},
        {"high": 180.0},
        {"wavelength": "CuKb"},
        {"wavelength": 8048.0},
    ],
)
def test_settings__that_make_no_pattern_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        PatternSettings(**wrong)
