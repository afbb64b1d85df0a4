"""Images of phantoms: noise, truth, independence of blocks."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xafsflow.errors import InputError
from xafsflow.phantom import Phantom, Reference, counts, dark, exact_mu, spectrum, truth

SMALL = {"size": (37, 53), "energies": 12, "dead_share": 0.01}
KINDS = ("sample", "flat", "foil")


def band_of(phantom, what, rows):
    """Everything a phantom can tell of a band of rows, as one array."""
    if what == "dark":
        return dark(phantom, 2, rows)
    if what == "truth":
        answer = truth(phantom, rows)
        names = ("thickness", "shift", "background", "dead")
        return np.concatenate([*answer["fractions"], *(answer[name] for name in names)], axis=1)
    return counts(phantom, what, 7, rows)


@pytest.mark.parametrize("pattern", ["grains", "smooth", "ramp"])
@pytest.mark.parametrize("drift", [(0.0, 0.0), (3.3, -1.7)])
@given(cuts=st.sets(st.integers(1, 99), max_size=5))
@settings(max_examples=4, deadline=None)
def test_any_band__has_the_bytes_of_the_whole(pattern, drift, cuts):
    phantom = Phantom(size=(100, 19), energies=12, pattern=pattern, drift=drift, dead_share=0.01)
    edges = [0, *sorted(cuts), 100]
    for what in ("sample", "flat", "dark", "truth"):
        parts = [band_of(phantom, what, band) for band in itertools.pairwise(edges)]
        np.testing.assert_array_equal(np.concatenate(parts), band_of(phantom, what, None))


@pytest.mark.parametrize("kind", KINDS)
def test_counts__are_reproducible_and_differ_by_seed_energy_and_kind(kind):
    phantom = Phantom(**SMALL)
    image = counts(phantom, kind, 3)
    np.testing.assert_array_equal(image, counts(Phantom(**SMALL), kind, 3))
    live = ~truth(phantom)["dead"]
    for other in (counts(Phantom(**SMALL, seed=1), kind, 3), counts(phantom, kind, 4)):
        assert (image != other)[live].mean() > 0.9


def test_counts__noise_is_that_of_photons_and_readout():
    given_settings = {"size": (100, 120), "energies": 10, "dead_share": 0.0, "flux_jitter": 0.0}
    noisy, exact = (Phantom(**given_settings, noise=noise) for noise in (True, False))
    for kind in KINDS:
        expected = counts(exact, kind, 6).astype(float)
        residual = (counts(noisy, kind, 6) - expected) / np.sqrt(expected - 100 + 4 + 1 / 12)
        n = residual.size
        assert residual.mean() == pytest.approx(0, abs=5 / np.sqrt(n))
        assert residual.std() == pytest.approx(1, abs=5 / np.sqrt(2 * n))


def test_counts__noise_of_images_and_of_neighbors_is_independent():
    given_settings = {"size": (60, 80), "energies": 10, "dead_share": 0.0, "flux_jitter": 0.0}
    noisy, exact = (Phantom(**given_settings, noise=noise) for noise in (True, False))
    noise = {
        (kind, index): counts(noisy, kind, index) - counts(exact, kind, index).astype(float)
        for kind in KINDS
        for index in (2, 3)
    }
    limit = 5 / np.sqrt(4800)
    fields = [field.ravel() for field in noise.values()]
    assert abs(np.corrcoef(fields) - np.eye(6)).max() < limit
    one = noise["flat", 2]
    assert abs(np.corrcoef(one[1:].ravel(), one[:-1].ravel())[0, 1]) < limit
    assert abs(np.corrcoef(one[:, 1:].ravel(), one[:, :-1].ravel())[0, 1]) < limit


def test_counts__without_noise_give_the_exact_absorbance():
    phantom = Phantom(size=(60, 70), energies=40, noise=False, flux_jitter=0.0, counts=30000, dead_share=0.0)
    level = dark(phantom, 0).astype(float)
    for index in (0, 10, 20, 39):
        flat = counts(phantom, "flat", index) - level
        for kind in ("sample", "foil"):
            image = counts(phantom, kind, index) - level
            # Each of the three images is rounded by up to half a count.
            rounding = 1.0 / image + 1.0 / flat
            found = -np.log(image / flat) - exact_mu(phantom, kind, index)
            assert (abs(found) < rounding + 1e-4).all()


def test_counts__flux_jitters_from_shot_to_shot():
    phantom = Phantom(size=(40, 40), energies=200, noise=False, flux_jitter=0.01, dead_share=0.0)
    flux = np.array([counts(phantom, "flat", index, (19, 21)).mean() - 100 for index in range(200)])
    jitter = np.diff(flux, 2) / np.sqrt(6) / flux.mean()
    assert jitter.std() == pytest.approx(0.01, rel=0.2)
    assert counts(phantom, "flat", 50).mean() - 100 == pytest.approx(19000, rel=0.05)


def test_counts__dead_pixels_and_full_ones_hold_the_limit():
    phantom = Phantom(**SMALL)
    dead = truth(phantom)["dead"]
    assert dead.any()
    for image in (counts(phantom, "sample", 0), counts(phantom, "flat", 5), dark(phantom, 1)):
        np.testing.assert_array_equal(image == 65535, dead)
    assert (counts(Phantom(**SMALL, counts=2e5), "flat", 0) == 65535).mean() > 0.9


def test_counts__the_sample_moves_by_the_drift():
    still = {"size": (80, 90), "energies": 5, "tilt": 0.0, "tilt_x": 0.0, "curvature": 0.0}
    fixed, moving = Phantom(**still), Phantom(**still, drift=(6.0, -4.0))
    np.testing.assert_array_equal(exact_mu(moving, "sample", 0), exact_mu(fixed, "sample", 0))
    moved, where = exact_mu(moving, "sample", 4), exact_mu(fixed, "sample", 4)
    np.testing.assert_allclose(moved[6:, :-4], where[:-6, 4:], atol=1e-5)
    assert truth(moving)["drift"][[0, 2, 4]].tolist() == [[0, 0], [3, -2], [6, -4]]
    # The camera stays: what does not belong to the sample does not move.
    np.testing.assert_array_equal(counts(moving, "flat", 4), counts(fixed, "flat", 4))


def test_counts__a_foil_edge_lies_at_nominal_energy_minus_shift():
    phantom = Phantom(size=(64, 20), tilt=3.0, noise=False, dead_share=0.0, flux_jitter=0.0)
    # Where the absorbance passes a given value on the first rise.
    rise = range(22, 46)
    crossing, shift = [], []
    for rows in ((0, 1), (63, 64)):
        level = dark(phantom, 0, rows).astype(float)
        foil, flat = (
            np.array([counts(phantom, kind, i, rows) - level for i in rise]) for kind in ("foil", "flat")
        )
        crossing.append(np.interp(0.6, -np.log(foil / flat).mean(axis=(1, 2)), phantom.energy[rise]))
        shift.append(truth(phantom, rows)["shift"].mean())
    assert crossing[1] - crossing[0] == pytest.approx(shift[0] - shift[1], abs=0.02)
    assert shift[1] - shift[0] == pytest.approx(3.0, abs=0.1)


def test_dark__frames_share_a_pattern_and_differ_by_readout_noise():
    phantom = Phantom(size=(100, 120), dead_share=0.0)
    frames = np.array([dark(phantom, frame) for frame in range(5)], float)
    assert frames.mean() == pytest.approx(100, abs=0.2)
    assert frames.var(axis=0, ddof=1).mean() == pytest.approx(4 + 1 / 12, rel=0.05)
    assert frames.mean(axis=0).std() == pytest.approx(np.sqrt(9 + 4 / 5), rel=0.05)


def test_phantom__can_be_made_from_measured_spectra_of_another_edge():
    energy = np.arange(8900.0, 9200.0)
    first = Reference("Cu", energy, 0.5 + np.arctan(energy - 8979) / np.pi)
    second = Reference("CuO", energy, 0.5 + np.arctan(energy - 8984) / np.pi)
    phantom = Phantom(
        size=(20, 24), energies=20, references=(first, second), foil=first, e0=8979.0, element="Cu"
    )
    answer = truth(phantom)
    true = phantom.energy[9] + answer["shift"].astype(float)
    mixture = answer["fractions"][0] * spectrum(first, true) + answer["fractions"][1] * spectrum(second, true)
    expected = (answer["thickness"] * mixture + 0.55 * ~answer["background"]) * (true / 8979.0) ** -3
    np.testing.assert_allclose(exact_mu(phantom, "sample", 9), expected, atol=1e-6)
    assert counts(phantom, "foil", 19).shape == (20, 24)


def test_counts__absorbance_between_knots_is_exact_enough_for_the_steepest_edge():
    phantom = Phantom(size=(97, 31), energies=[7112.0], tilt=5.0, counts=60000, noise=False, hole_share=0.0)
    flat = counts(phantom, "flat", 0) - dark(phantom, 0).astype(float)
    foil = counts(phantom, "foil", 0) - dark(phantom, 0).astype(float)
    live = (flat > 5000) & (flat < 65000)
    jitter = np.median((-np.log(foil / flat) - exact_mu(phantom, "foil", 0))[live])
    found = (-np.log(foil / flat) - exact_mu(phantom, "foil", 0) - jitter)[live]
    assert abs(found).max() < 1.5e-4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: counts(p, "foil", 0), "without foil"),
        (lambda p: counts(p, "flats", 0), "did you mean 'flat'"),
        (lambda p: counts(p, "flat", 12), "0 to 11"),
        (lambda p: exact_mu(p, "flat", -1), "0 to 11"),
        (lambda p: counts(p, "flat", 0, (30, 38)), "0 to 37"),
        (lambda p: dark(p, 5), "0 to 4"),
    ],
)
def test_images__refuse_what_the_phantom_does_not_have(call, words):
    with pytest.raises(InputError, match=words):
        call(Phantom(**SMALL, foil=None))
