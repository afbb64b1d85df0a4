"""Settings, spectra and truth of phantoms."""

import pickle

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.phantom import SPECTRA, Defects, Exposure, Phantom, Reference, exact_mu, spectrum, truth

FINE = np.arange(6962.0, 7500.0, 0.05)


def fitted_step(mu, edge, low, high, degree):
    """The edge step by a pre-edge line and a post-edge polynomial, in plain numpy."""
    at = FINE - edge
    pre, post = (at > -150) & (at < -30), (at > low) & (at < high)
    rest = mu - np.polyval(np.polyfit(at[pre], mu[pre], 1), at)
    return np.polyfit(at[post], rest[post], degree)[-1]


@pytest.mark.parametrize("name", SPECTRA)
def test_spectrum__is_steepest_at_its_edge(name):
    mu = spectrum(name, FINE)
    assert FINE[np.argmax(np.gradient(mu))] == pytest.approx(SPECTRA[name].edge, abs=0.5)


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize(("low", "high", "degree"), [(15, 190, 1), (25, 190, 2), (75, 380, 2)])
def test_spectrum__has_an_edge_step_of_one(name, low, high, degree):
    assert abs(spectrum(name, FINE)[FINE < 7100]).max() < 0.003
    assert fitted_step(spectrum(name, FINE), SPECTRA[name].edge, low, high, degree) == pytest.approx(
        1, abs=0.04
    )


def test_spectrum__edges_rise_with_the_oxidation_state():
    edges = [SPECTRA[name].edge for name in ("Fe", "FeO", "Fe3O4", "Fe2O3")]
    assert edges == sorted(edges)
    assert edges[0] == 7112.0


def test_spectrum__all_differ_by_more_than_the_noise_of_a_scan():
    values = [spectrum(name, np.arange(7100.0, 7160.0, 0.4)) for name in SPECTRA]
    distance = [np.sqrt(np.mean((a - b) ** 2)) for i, a in enumerate(values) for b in values[:i]]
    assert min(distance) > 0.05


def test_reference__passes_through_the_given_points():
    energy = np.array([7000.0, 7100.0, 7112.5, 7120.0, 7400.0])
    mu = np.array([0.0, 0.01, 0.4, 1.3, 1.0])
    np.testing.assert_allclose(spectrum(Reference("mine", energy, mu), energy), mu, atol=1e-14)


def test_phantom__default_energies_are_those_of_a_typical_scan():
    energy = Phantom().energy
    steps = np.diff(energy)
    assert energy.size == 210
    assert energy[[0, 12, 22, 152, 209]].tolist() == [7050.0, 7098.0, 7108.0, 7160.0, 7302.5]
    for part, step in ((steps[:12], 4), (steps[12:22], 1), (steps[22:152], 0.4), (steps[152:], 2.5)):
        np.testing.assert_allclose(part, step, atol=1e-9)


@pytest.mark.parametrize("number", [4, 31, 500])
def test_phantom__any_number_of_energies_covers_the_same_range(number):
    energy = Phantom(energies=number).energy
    assert energy.size == number
    assert energy[[0, -1]].tolist() == [7050.0, 7302.5]
    assert (np.diff(energy) > 0).all()


def test_phantom__can_be_compared_hashed_and_pickled():
    def make():
        mine = Reference("mine", np.array([7000.0, 7400.0]), [0, 1])
        return Phantom(size=[8, 9], energies=np.array([7100.0, 7110.0]), references=[mine, "Fe"])

    assert make() == make()
    assert hash(make()) == hash(make())
    assert pickle.loads(pickle.dumps(make())) == make()
    assert Phantom(energies=np.int64(20)) == Phantom(energies=20)


SHORT = Reference("short", [7100.0, 7200.0], [0.0, 1.0])
WIDE = Reference("wide", [7110.0, 7200.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": (0, 5)}, "size"),
        ({"size": (5.5, 5)}, "size"),
        ({"size": (5, 5, 5)}, "two numbers"),
        ({"energies": 3}, "4 or more"),
        ({"energies": []}, "0 energies"),
        ({"energies": [7100.0, 7100.0]}, "1 of them different"),
        ({"energies": [7100.0, np.nan]}, "positive"),
        ({"references": ()}, "one or more"),
        ({"references": ("Fe", "Fe")}, "all different"),
        ({"references": ("Fe2O", "Fe")}, "did you mean 'Fe2O3'"),
        ({"references": (SHORT,)}, "from 7100.00 to 7200.00 eV"),
        ({"e0": 8979.0}, "e0=8979"),
        ({"pattern": "dots"}, "grains, smooth, ramp"),
        ({"grain": 1.0}, "2 pixels"),
        ({"seed": -1}, "seed"),
        ({"counts": 0}, "counts"),
        ({"tilt": np.nan}, "not finite"),
        ({"thickness": (1.0, 0.5)}, "thickness"),
        ({"hole_share": 1.0}, "hole_share"),
        ({"dead_share": -0.1}, "dead_share"),
        ({"flux_jitter": 0.5}, "flux_jitter"),
        ({"matrix": -1.0}, "matrix"),
        ({"repeat": -1}, "repeat"),
        ({"pure_share": 1.1}, "pure_share"),
        ({"broadening": -0.1}, "broadening"),
        ({"point_spread": np.inf}, "point_spread"),
        ({"library": ("Fe", "Fe")}, "library"),
        ({"library": ("Fe2O",)}, "did you mean 'Fe2O3'"),
        ({"reference_energies": (7100.0, 7200.0), "references": (WIDE,)}, "wide from 7110.00"),
        ({"references": (WIDE,), "energies": np.arange(7112.0, 7190.0), "broadening": 0.5}, "six sigma"),
        ({"energies": 20, "defects": Defects(blank=[20])}, "energy 20 of a phantom with 20"),
        ({"energies": 20, "defects": Defects(exposure=Exposure(20, 2))}, "0 to 19"),
    ],
)
def test_phantom__refuses_a_setting_out_of_range_and_names_it(settings, words):
    with pytest.raises(InputError, match=words):
        Phantom(**settings)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Exposure(-1, 2), "first"),
        (lambda: Exposure(1, 0), "factor"),
        (lambda: Exposure(1, 2, ("dark",)), "some of sample, flat, foil"),
        (lambda: Defects(zingers=1.5), "zingers"),
        (lambda: Defects(blank=[1.5]), "whole numbers"),
        (lambda: Defects(blank=[-1]), "whole numbers"),
    ],
)
def test_defects__refuse_a_setting_out_of_range_and_name_it(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("name", "energy", "mu", "words"),
    [
        ("a/b", [1, 2], [0, 1], "letters, digits"),
        ("a", [1, 2, 3], [0, 1], "3 energies and 2 values"),
        ("a", [1, 1], [0, 1], "do not rise"),
        ("a", [1, 2], [0, np.nan], "not finite"),
    ],
)
def test_reference__refuses_what_is_no_spectrum(name, energy, mu, words):
    with pytest.raises(InputError, match=words):
        Reference(name, energy, mu)


@pytest.mark.parametrize("pattern", ["grains", "smooth", "ramp"])
def test_truth__is_a_sample_of_known_shares(pattern):
    phantom = Phantom(size=(120, 150), energies=20, pattern=pattern, hole_share=0.2, dead_share=0.02)
    answer = truth(phantom)
    assert {k: v.shape for k, v in answer.items()} == {
        "energy": (20,),
        "references": (3,),
        "fractions": (3, 120, 150),
        "shift": (120, 150),
        "thickness": (120, 150),
        "background": (120, 150),
        "dead": (120, 150),
        "drift": (20, 2),
        "blank": (20,),
        "exposure": (3, 20),
        "broadening": (2,),
        "point_spread": (),
        "library": (3,),
    }
    fractions, hole = answer["fractions"], answer["background"]
    np.testing.assert_allclose(fractions.sum(axis=0), 1, atol=1e-6)
    assert fractions.min() >= 0
    assert hole.mean() == pytest.approx(0.2, abs=0.02)
    assert answer["dead"].mean() == pytest.approx(0.02, abs=0.005)
    assert (answer["thickness"][hole] == 0).all()
    solid = answer["thickness"][~hole]
    assert 0.5 <= solid.min() < 0.6
    assert 1.05 < solid.max() <= 1.15
    # Every reference dominates somewhere.
    assert np.unique(fractions.argmax(axis=0)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("pattern", ["grains", "smooth"])
def test_truth__neighboring_pixels_are_alike(pattern):
    fractions = truth(Phantom(size=(120, 150), energies=20, pattern=pattern, grain=80))["fractions"]
    step = abs(np.diff(fractions, axis=1))
    assert np.median(step) < 0.01
    assert np.quantile(step, 0.999) < 0.4
    assert (fractions.max(axis=0) > 0.99).mean() > 0.15


def test_truth__shift_is_tilt_curvature_and_offset_of_the_field():
    y, x = 50, 80
    flat = {"size": (y, x), "tilt": 0.0, "tilt_x": 0.0, "curvature": 0.0}
    rise = truth(Phantom(**{**flat, "tilt": 2.0}))["shift"]
    assert rise[-1, 0] - rise[0, 0] == pytest.approx(2.0 * (y - 1) / y)
    across = truth(Phantom(**{**flat, "tilt_x": -1.0}))["shift"]
    assert across[0, -1] - across[0, 0] == pytest.approx(-1.0 * (x - 1) / x)
    bent = truth(Phantom(**{**flat, "curvature": 0.3, "offset": -0.7}))["shift"]
    assert bent.mean() == pytest.approx(-0.7, abs=1e-3)
    assert bent[0, 0] == pytest.approx(bent[-1, -1])
    assert bent[0, 0] - bent[y // 2, 0] == pytest.approx(0.3, abs=0.02)


def test_truth__another_seed_is_another_sample():
    one, other = (truth(Phantom(size=(64, 64), seed=seed, dead_share=0.05)) for seed in (1, 2))
    for name in ("fractions", "thickness", "background", "dead"):
        assert (one[name] != other[name]).mean() > 0.05


def test_exact_mu__is_thickness_times_mixture_on_a_background():
    phantom = Phantom(size=(40, 50), energies=30, offset=0.4)
    answer = truth(phantom)
    for index in (0, 8, 14, 29):
        energy = phantom.energy[index] + answer["shift"].astype(float)
        mixture = sum(
            f * spectrum(n, energy) for f, n in zip(answer["fractions"], phantom.names, strict=True)
        )
        expected = (0.55 + answer["thickness"] * mixture) * (energy / 7112) ** -3.0
        expected[answer["background"]] = 0
        np.testing.assert_allclose(exact_mu(phantom, "sample", index), expected, atol=1e-6)
        foil = (0.35 + 1.1 * spectrum("Fe", energy)) * (energy / 7112) ** -3.0
        np.testing.assert_allclose(exact_mu(phantom, "foil", index), foil, atol=1e-6)
        assert (exact_mu(phantom, "flat", index) == 0).all()


@pytest.mark.parametrize("rows", [(-1, 3), (3, 3), (0, 41)])
def test_truth__refuses_rows_that_are_not_there(rows):
    with pytest.raises(InputError, match="a band within 0 to 40"):
        truth(Phantom(size=(40, 50)), rows)
