"""Pixels with something else are found, the others are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.phantom import Phantom, as_dataset, truth
from xafsflow.vocabulary import Flag

CHAIN = {"e0": 7112.0, "pre2": -15.0, "norm1": 40.0, "nnorm": 1}
KNOWN = ("Fe", "FeO", "Fe2O3")
METHODS = ("residual", "mahalanobis", "isolation")
# A phase in half of the pixels, or what all share, moves what is typical; the step then says that its rate is in doubt.
TYPICAL_IS_TOLD = pytest.mark.filterwarnings("ignore:even the better pixels:xafsflow.errors.XafsflowWarning")


def scan(library: xr.Dataset, *names: str, seed: int, **settings: Any) -> dict[str, Any]:
    """A calibrated, averaged scan of these phases, fitted with the three known ones, and what it holds."""
    phantom = Phantom(size=(64, 80), energies=100, seed=seed, references=names, **settings)
    cube = xf.correct.flux(xf.correct.background(xf.correct.absorbance(as_dataset(phantom)), e0=7112.0))
    shift = truth(phantom)["shift"]
    calibration = xf.calibrate.constant(cube, shift=0.0).assign(energy_shift=(("y", "x"), shift))
    cube = xf.correct.average(xf.calibrate.apply(cube, calibration))
    cube = xf.derive.noise(xf.normalize.flat(cube, **CHAIN)).compute()
    samples = xf.train.mixtures(
        cube, library, step=0.25, noise_patterns=20, check_patterns=4000, span=(-20.0, 100.0)
    )
    model, _ = xf.train.fit(samples, trees=10)
    fitted = xf.classify.combination(xf.classify.model(cube, model), library)
    return {"products": (fitted, library, samples), "truth": truth(phantom)}


@pytest.fixture(scope="module")
def known(measured_references: Any) -> dict[str, Any]:
    return scan(measured_references(*KNOWN), *KNOWN, seed=1)


@pytest.fixture(scope="module")
def surprising(measured_references: Any) -> dict[str, Any]:
    return scan(measured_references(*KNOWN), *KNOWN, "FeS2", seed=2)


def flagged(cube: xr.Dataset) -> Any:
    return cube.flags.values & int(Flag.UNKNOWN) != 0


@pytest.mark.long
@pytest.mark.parametrize("false_alarm", [0.01, 0.1])
def test_known_mixtures__are_flagged_at_the_rate_asked_for(known: dict[str, Any], false_alarm: float) -> None:
    cube = xf.judge.unknown(*known["products"], false_alarm=false_alarm)[0]
    share = flagged(cube)[np.isfinite(cube.reduced_chi_square)].mean()
    # Averaged pixels share noise: 4000 of them count as 500.
    assert share == pytest.approx(false_alarm, abs=max(0.008, 0.4 * false_alarm))


@pytest.mark.parametrize("method", METHODS[1:])
def test_other_methods__keep_to_the_rate_roughly(known: dict[str, Any], method: Any) -> None:
    cube = xf.judge.unknown(*known["products"], method=method)[0]
    assert flagged(cube)[np.isfinite(cube.reduced_chi_square)].mean() < 0.04


@pytest.mark.long
@TYPICAL_IS_TOLD
def test_a_phase_that_is_no_reference__is_found(surprising: dict[str, Any]) -> None:
    cube = xf.judge.unknown(*surprising["products"])[0]
    much = (surprising["truth"]["fractions"][3] >= 0.3) & np.isfinite(cube.reduced_chi_square.values)
    assert much.sum() > 500
    assert flagged(cube)[much].mean() >= 0.95


@pytest.mark.parametrize("method", METHODS[1:])
def test_other_methods__find_what_is_mostly_another_phase(surprising: dict[str, Any], method: Any) -> None:
    cube = xf.judge.unknown(*surprising["products"], method=method)[0]
    mostly = (surprising["truth"]["fractions"][3] >= 0.95) & np.isfinite(cube.reduced_chi_square.values)
    assert flagged(cube)[mostly].mean() > 0.5


@pytest.mark.parametrize("method", METHODS)
@TYPICAL_IS_TOLD
def test_score_flags_and_confidence__say_the_same(surprising: dict[str, Any], method: Any) -> None:
    before = surprising["products"][0]
    cube = xf.judge.unknown(*surprising["products"], method=method)[0]
    above = cube.unknown_score.values > 1
    np.testing.assert_array_equal(flagged(cube), above)
    np.testing.assert_array_equal(cube.flags.values & ~np.uint8(Flag.UNKNOWN), before.flags.values)
    wanted = np.where(above, np.nan, before.confidence.values)
    np.testing.assert_array_equal(cube.confidence.values, wanted)
    np.testing.assert_array_equal(np.isnan(cube.unknown_score), np.isnan(before.class_vote))


def test_confidence__is_none_where_the_fit_is_bad_also_without_this_step(surprising: dict[str, Any]) -> None:
    before = surprising["products"][0]
    chi_square = before.reduced_chi_square.values
    bad, good = chi_square > 4, chi_square < 1
    assert bad.sum() > 500
    assert good.sum() > 500
    assert np.isnan(before.confidence.values[bad]).mean() > 0.98
    assert np.isfinite(before.confidence.values[good]).mean() > 0.98


@pytest.mark.parametrize("method", METHODS)
@TYPICAL_IS_TOLD
def test_flags__do_not_depend_on_chunking(surprising: dict[str, Any], method: Any) -> None:
    cube, *others = surprising["products"]
    whole, parts = (
        xf.judge.unknown(one, *others, method=method)[0] for one in (cube, cube.chunk(y=19, x=33))
    )
    np.testing.assert_array_equal(whole.flags, parts.flags)
    np.testing.assert_allclose(whole.unknown_score, parts.unknown_score, rtol=1e-5)


def test_residuals__are_judged_by_the_fit_that_was_made(known: dict[str, Any]) -> None:
    cube, library, samples = known["products"]
    bent = xf.classify.combination(cube, library, background=True, span=(-10.0, 60.0), sum_to_one=False)
    found = xf.judge.unknown(bent, library, samples, false_alarm=0.05)[0]
    share = flagged(found)[np.isfinite(found.reduced_chi_square)].mean()
    assert share == pytest.approx(0.05, abs=0.03)


def test_a_cube_without_fit__is_refused(known: dict[str, Any]) -> None:
    cube, library, samples = known["products"]
    with pytest.raises(InputError, match=r"Run classify\.combination before it"):
        xf.judge.unknown(cube.drop_vars("reduced_chi_square"), library, samples)
    found, told = xf.judge.unknown(
        cube.drop_vars("reduced_chi_square"), library, samples, method="mahalanobis"
    )
    assert "unknown_score" in found
    assert told.detection == ()


def test_samples_without_noise__are_refused(known: dict[str, Any]) -> None:
    cube, library, samples = known["products"]
    with pytest.raises(InputError, match=r"Run derive\.noise before train\.mixtures"):
        xf.judge.unknown(cube, library, samples.drop_vars("check_noise"))
    unweighted = xf.classify.combination(cube, library, weights=None)
    xf.judge.unknown(unweighted, library, samples.drop_vars("check_noise"))


def test_samples_of_another_scan__are_refused(known: dict[str, Any]) -> None:
    cube, library, samples = known["products"]
    other = samples.assign_coords(reference_energy=samples.reference_energy + 1.0)
    with pytest.raises(InputError, match="Train on this scan"):
        xf.judge.unknown(cube, library, other)


def test_a_rate_that_the_patterns_cannot_tell__is_refused(known: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Raise check_patterns"):
        xf.judge.unknown(*known["products"], false_alarm=0.0001)


# Scans unlike the default: another resolution, thickness, number of photons.
OTHERS = {
    "sharp_and_bright": {"broadening": 0.2, "counts": 24000.0, "thickness": (0.8, 1.6), "pure_share": 1.0},
    "thin_and_dim": {"counts": 2000.0, "thickness": (0.3, 0.6), "pattern": "smooth"},
}


@pytest.fixture(scope="module", params=OTHERS)
def unlike(request: Any, measured_references: Any) -> dict[str, Any]:
    made = scan(measured_references(*KNOWN), *KNOWN, seed=5, **OTHERS[request.param])
    return made | {"judged": xf.judge.unknown(*made["products"])}


def rate_within(flags: Any, least: float = 0.99) -> bool:
    """Whether a rate of 1 % can give so many; means over 3 x 3 make nine pixels count as one."""
    from scipy.stats import binom

    low, high = binom.interval(least, max(1, flags.size // 9), 0.01)
    return bool(low <= flags.sum() / 9 <= high + 1)


@pytest.mark.long
def test_the_rate__holds_on_other_scans_at_their_edges_and_in_pure_pixels(unlike: dict[str, Any]) -> None:
    cube, _ = unlike["judged"]
    known = np.isfinite(cube.reduced_chi_square.values)
    edge = np.ones_like(known)
    edge[2:-2, 2:-2] = False
    pure = unlike["truth"]["fractions"].max(axis=0) > 0.98
    unknown = flagged(cube)
    assert known.sum() > 4000
    assert unknown[known].mean() == pytest.approx(0.01, abs=0.01)
    for part in (known, known & edge, known & pure):
        assert part.sum() > 300
        assert rate_within(unknown[part])


@pytest.mark.long
def test_nothing_is_said_to_spoil_the_rate__where_nothing_does(unlike: dict[str, Any]) -> None:
    _, found = unlike["judged"]
    assert found.spoiled_by == ()
    assert max(found.typical_misfit.values()) < 1.1
    assert max(found.shared.values()) < 0.5


@pytest.mark.long
@TYPICAL_IS_TOLD
def test_a_phase__is_found_from_the_share_that_is_stated(
    surprising: dict[str, Any], measured_references: Any
) -> None:
    cube, found = xf.judge.unknown(*surprising["products"], measured_references("FeS2", "FeO"))
    by_name = {(one.kind, one.name): one for one in found.detection}
    assert {kind for kind, _ in by_name} == {"peak", "reference left out", "candidate"}
    # A candidate that is a reference is not tried twice
    assert ("candidate", "FeO") not in by_name
    for one in found.detection:
        assert (np.diff(one.found) >= 0).all()
    stated = by_name["candidate", "FeS2"].detected_share
    assert 0.02 < stated < 0.3
    curve = by_name["candidate", "FeS2"]
    share, good = neighbors_mean(surprising["truth"]), np.isfinite(cube.reduced_chi_square.values)
    for low, high in ((0.02, 0.2), (stated, 1.01)):
        part = good & (share >= low) & (share < high)
        assert part.sum() > 300
        predicted = np.interp(share[part], curve.shares, curve.found).mean()
        assert flagged(cube)[part].mean() == pytest.approx(predicted, abs=0.1)
    assert flagged(cube)[good & (share > stated)].mean() > 0.95


def neighbors_mean(answer: dict[str, Any]) -> Any:
    """The share of the last phase in what a pixel averages: 3 x 3 pixels, by their edge steps."""
    from scipy.ndimage import uniform_filter

    step = answer["thickness"] * ~answer["background"]
    return uniform_filter(answer["fractions"][-1] * step, 3) / np.maximum(uniform_filter(step, 3), 1e-9)


@pytest.mark.long
def test_what_moves_all_spectra_alike__is_told(known: dict[str, Any]) -> None:
    cube, library, samples = known["products"]
    wave = 0.02 * np.sin(cube.energy / 5.0).astype(np.float32)
    bent = xf.classify.combination(
        cube.assign(norm=(cube.norm + wave).assign_attrs(cube.norm.attrs)), library
    )
    with pytest.warns(XafsflowWarning, match="even the better pixels fit worse"):
        _, found = xf.judge.unknown(bent, library, samples)
    assert min(found.typical_misfit.values()) > 2


def with_wave(products: Any, height: float) -> xr.Dataset:
    """The cube fitted anew with a wave on all spectra, its height in units of the noise."""
    cube, library, _ = products
    wave = height * float(cube.noise.median()) * np.sin(cube.energy / 5.0).astype(np.float32)
    return xf.classify.combination(
        cube.assign(norm=(cube.norm + wave).assign_attrs(cube.norm.attrs)), library
    )


@pytest.mark.long
def test_what_is_shared_and_small__costs_no_false_alarms(known: dict[str, Any]) -> None:
    found, told = xf.judge.unknown(with_wave(known["products"], 0.4), *known["products"][1:])
    assert all(0.15 < one < 0.5 for one in told.shared.values())
    assert told.spoiled_by == ()
    assert rate_within(flagged(found)[np.isfinite(found.reduced_chi_square)])


@pytest.mark.long
@TYPICAL_IS_TOLD
def test_what_is_shared_and_not_small__is_told(known: dict[str, Any]) -> None:
    with pytest.warns(XafsflowWarning, match="what pixels of a reference share"):
        _, told = xf.judge.unknown(with_wave(known["products"], 1.2), *known["products"][1:])
    assert min(told.shared.values()) > 0.5


@pytest.mark.long
def test_a_drift_that_nobody_corrected__is_told(measured_references: Any) -> None:
    made = scan(measured_references(*KNOWN), *KNOWN, seed=5, drift=(2.0, -1.5))
    with pytest.warns(XafsflowWarning, match=r"images moved \(correct\.drift\)"):
        cube, found = xf.judge.unknown(*made["products"])
    assert found.typical_misfit["beside places without sample"] > 1.1
    assert flagged(cube)[np.isfinite(cube.reduced_chi_square)].mean() > 0.03
