"""Repeats, spikes, blank images, two exposures, and what never changes."""

import numpy as np
import pytest
from scipy import stats

import xafsflow as xf
from xafsflow.io.folders import Folders
from xafsflow.phantom import Defects, Exposure, Phantom, Reference, counts, dark, truth, write_phantom

QUIET = {"flux_jitter": 0.0, "dead_share": 0.0}
ENERGY = np.arange(7000.0, 7401.0)
MINE = Reference("mine", ENERGY, 0.5 + np.arctan(ENERGY - 7120) / np.pi)
DRIFTING = {"size": (70, 21), "drift": (3.3, -1.7), "pattern": "smooth", "seed": 5, "dead_share": 0.01}
# Every ninth row and eleventh column of the eighth image, as they were before phantoms had an instrument.
GOLDEN = {
    ("default", "sample"): [3377, 4287, 3808, 5540, 3589, 5486, 6409, 4714],
    ("default", "flat"): [12682, 14625, 16994, 16253, 14167, 15419, 19427, 22974],
    ("default", "foil"): [2959, 3404, 4005, 3739, 3256, 3754, 4551, 5502],
    ("default", "dark"): [99, 99, 96, 105, 94, 101, 107, 88],
    ("drifting", "sample"): [2510, 4654, 5114, 3607, 3243, 4680, 4140, 8920],
    ("drifting", "flat"): [12500, 15734, 14444, 19355, 15656, 22525, 18824, 24199],
    ("drifting", "foil"): [2975, 3620, 3314, 4465, 3558, 5347, 4384, 5675],
    ("few counts", "sample"): [104, 109, 98, 98, 109, 93, 105, 102],
    ("few counts", "flat"): [111, 116, 121, 116, 133, 112, 115, 111],
}
MADE = {
    "default": Phantom(size=(37, 53), energies=12),
    "drifting": Phantom(**DRIFTING, energies=12),
    "few counts": Phantom(size=(20, 30), energies=12, counts=20, references=(MINE, "Fe")),
}


@pytest.mark.parametrize(("name", "kind"), GOLDEN)
def test_counts__of_settings_that_were_always_there_never_change(name, kind):
    image = dark(MADE[name], 2) if kind == "dark" else counts(MADE[name], kind, 7)
    # Another processor may round one count otherwise; other random numbers would differ by a hundred.
    np.testing.assert_allclose(image[::9, ::11].ravel()[:8], GOLDEN[name, kind], atol=1)


def test_repeat__is_the_same_sample_with_other_noise():
    one, other, quiet = (
        Phantom(size=(80, 90), energies=10, **QUIET, **more)
        for more in ({"repeat": 1}, {"repeat": 2}, {"repeat": 2, "noise": False})
    )
    for name, values in truth(one).items():
        np.testing.assert_array_equal(values, truth(other)[name])
    for kind in ("sample", "flat", "foil"):
        expected = counts(quiet, kind, 6).astype(float)
        noise = [counts(phantom, kind, 6) - expected for phantom in (one, other)]
        variance = expected - 100 + 4 + 1 / 12
        pulls = (noise[0] - noise[1]) / np.sqrt(2 * variance)
        assert pulls.mean() == pytest.approx(0, abs=5 / np.sqrt(7200))
        assert pulls.var() == pytest.approx(1, abs=5 * np.sqrt(2 / 7200))
        assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 5 / np.sqrt(7200)
    frames = [dark(phantom, 0).astype(float) for phantom in (one, other)]
    assert np.var(frames[0] - frames[1]) == pytest.approx(2 * (4 + 1 / 12), rel=0.1)
    np.testing.assert_array_equal(counts(Phantom(repeat=0), "flat", 0), counts(Phantom(), "flat", 0))


def test_repeat__has_another_flux_jitter():
    flux = []
    for repeat in (0, 1, 2):
        phantom = Phantom(size=(20, 20), energies=60, noise=False, dead_share=0.0, repeat=repeat)
        flux.append([counts(phantom, "flat", index).mean() - 100 for index in range(60)])
    ratio = np.array(flux[1:]) / flux[0]
    assert ratio.std() == pytest.approx(0.003 * np.sqrt(2), rel=0.25)


@pytest.mark.parametrize("kind", ["sample", "flat", "dark"])
def test_zingers__hit_their_share_in_every_image_anew(kind):
    share = 0.02
    plain, hit = (Phantom(size=(100, 120), energies=8, dead_share=0.001, defects=d) for d in (
        Defects(), Defects(zingers=share)))  # fmt: skip
    places = []
    for index in (1, 3):
        without, with_spikes = (
            (dark(p, index) if kind == "dark" else counts(p, kind, index)).astype(float) for p in (plain, hit)
        )
        added = with_spikes - without
        spike = added > 0
        assert stats.binomtest(int(spike.sum()), 12000, share).pvalue > 1e-3
        seen = added[spike & (with_spikes < 65535)]
        assert 19000 - 1 <= seen.min() < 22000
        assert seen.max() <= 57001
        places.append(spike)
    assert (places[0] & places[1]).sum() < 25
    np.testing.assert_array_equal(with_spikes[truth(hit)["dead"]], 65535)


def test_blank__images_hold_dark_level_and_readout_noise():
    phantom = Phantom(size=(90, 100), energies=12, dead_share=0.0, defects=Defects(blank=(4, 9)))
    level = np.mean([dark(phantom, frame) for frame in range(5)], axis=0)
    for index in (4, 9):
        rest = counts(phantom, "sample", index) - level
        assert rest.mean() == pytest.approx(0, abs=5 * 2.2 / np.sqrt(9000))
        # Readout and rounding, of the image and of the mean of five frames.
        assert rest.var() == pytest.approx((4 + 1 / 12) * 1.2, rel=0.1)
        assert counts(phantom, "flat", index).mean() > 10000
    assert counts(phantom, "sample", 5).mean() > 2000
    assert np.flatnonzero(truth(phantom)["blank"]).tolist() == [4, 9]


def test_exposure__multiplies_counts_from_one_energy_on():
    still = {"size": (20, 30), "energies": 12, "noise": False, **QUIET, "counts": 9000}
    plain = Phantom(**still)
    longer = Phantom(**still, defects=Defects(exposure=Exposure(5, 2.5, ("sample", "foil"))))
    level = dark(plain, 0).astype(float)
    for kind, factor in (("sample", 2.5), ("flat", 1.0), ("foil", 2.5)):
        for index in (4, 5, 11):
            before, after = (counts(p, kind, index) - level for p in (plain, longer))
            wanted = factor if index >= 5 else 1.0
            np.testing.assert_allclose(after, wanted * before, atol=wanted + 0.5)
    assert truth(longer)["exposure"][:, [4, 5]].tolist() == [[1, 2.5], [1, 1], [1, 2.5]]


def test_exposure__is_recorded_where_asked_and_the_record_can_be_read(tmp_path):
    made = {"size": (20, 30), "energies": 40, "counts": 9000, "foil": None}
    root = write_phantom(
        Phantom(**made, defects=Defects(exposure=Exposure(12, 3.0, ("sample",), recorded=True))),
        tmp_path / "told",
    )
    cube = xf.ingest.tiff_stack(
        Folders(root), flat_field="flat/*.tif", dark="dark/*.tif", energies="energies.csv",
        counter="exposure/sample.txt", flat_counter="exposure/flat.txt",
    )  # fmt: skip
    np.testing.assert_array_equal(cube.counter, np.where(np.arange(40) < 12, 1.0, 3.0))
    np.testing.assert_array_equal(cube.flat_counter, np.ones(40))
    silent = write_phantom(Phantom(**made, defects=Defects(exposure=Exposure(12, 3.0))), tmp_path / "silent")
    assert not (silent / "exposure").exists()


def test_pure_share__is_the_share_of_grains_of_one_reference():
    pure = []
    for share in (0.0, 0.4, 1.0):
        phantom = Phantom(size=(300, 300), energies=8, grain=12.0, pure_share=share)
        pure.append((truth(phantom)["fractions"].max(axis=0) > 0.999).mean())
    # The rest of the last are borders between grains; there are some 600 grains.
    assert pure[0] < 0.01
    assert pure[2] > 0.5
    assert pure[1] / pure[2] == pytest.approx(0.4, abs=4 * np.sqrt(0.4 * 0.6 / 600))
