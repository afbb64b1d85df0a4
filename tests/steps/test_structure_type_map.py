"""A union mapped over cubes of patterns: as it judges single patterns, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.crystals import PatternSettings
from xafsflow.errors import InputError
from xafsflow.learning.models.model import Model
from xafsflow.learning.models.signature import Signature
from xafsflow.learning.models.targets import Targets
from xafsflow.learning.network.folded_network import FoldedNetwork, shapes
from xafsflow.learning.network.network_file import network_to_bytes
from xafsflow.learning.trust.trust_record import Trust
from xafsflow.learning.union.judged_patterns import judged
from xafsflow.learning.union.known_composition import type_weights
from xafsflow.learning.union.log_spacing import PLACES, aligned_means, largest_shift
from xafsflow.learning.union.union_model import UnionOfNetworks
from xafsflow.phantom import PatternPhantom, as_pattern_cube, pattern_truth
from xafsflow.phantom.pattern_cube import _pure

TYPES = ["rocksalt", "rutile", "spinel"]
RATIOS = ["AB", "AB2", "A2BC4"]
STEP = 0.1
PHANTOM = PatternPhantom(
    size=(11, 14), types=tuple(TYPES), pattern=PatternSettings(step=STEP), counts=5000.0, seed=4
)


def network(types: list[str], seed: int) -> bytes:
    """The file of a network whose weights are drawn."""
    rng, outputs = np.random.default_rng(seed), len(types) + 1
    drawn = [rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in shapes(7, 5, [4, 6], outputs)]
    weights = np.concatenate([one.ravel() for one in drawn]).astype("f4")
    widths, classes = np.array([4, 6]), np.arange(outputs)
    made = FoldedNetwork(np.zeros(PLACES), np.ones(PLACES), 7, 4, 5, widths, weights, True, classes)
    return network_to_bytes(made, {"types": types})


def model_of(two_theta: np.ndarray, patterns: np.ndarray, labels: np.ndarray, score: list[float]) -> Model:
    """A union of drawn networks with the mean patterns of what it is given, and limits of likeness."""
    files = [network(TYPES[:2], 0), network(TYPES[2:], 1)]
    blank: dict[str, Any] = {
        "two_theta": two_theta, "types": TYPES, "ratios": RATIOS, "twins": [[], [], []], "score": np.array([*score, 0.0]),
        "files": np.frombuffer(b"".join(files), np.uint8), "lengths": np.array([len(one) for one in files]),
        "classes": np.arange(3),
    }  # fmt: skip
    shift = largest_shift(two_theta)
    empty = UnionOfNetworks(templates=np.zeros((3, PLACES + 2 * shift), "f4"), **blank)
    union = UnionOfNetworks(templates=aligned_means(empty.sequences(patterns), labels, 3, shift), **blank)
    union.check()
    # A large likeness (feature 7 of the doubts) is no doubt of the first kind; a large second one is of the second.
    doubt = np.zeros((2, 16))
    doubt[0, 7], doubt[1, 8] = -1.0, 1.0
    trust = Trust(set_thresholds=np.array([[0.5, 0.6, 0.7]]), doubt=doubt, doubt_limits=np.array([-0.7, 0.6]))
    signature = Signature("two_theta", "degree", two_theta, "mu", [], None, None, 1.5418366666666668)
    targets = Targets("classes", TYPES, ["1"] * 3, np.eye(3), None, None, None)
    return Model("union", signature, targets, union, trust, None, 0, {})


@pytest.fixture(scope="module")
def cube() -> xr.Dataset:
    return as_pattern_cube(PHANTOM, band=3)


@pytest.fixture(scope="module")
def by_likeness() -> Model:
    """Only the likeness decides: mean patterns are those of the phantom's own compounds."""
    answer = pattern_truth(PHANTOM)
    return model_of(PHANTOM.pattern.two_theta, _pure(PHANTOM)[0], answer["kind"], [0.0, 40.0, 0.0])


@pytest.fixture(scope="module")
def union(by_likeness: Model) -> Model:
    """Confidence and "other" of the drawn networks count as well."""
    answer = pattern_truth(PHANTOM)
    return model_of(PHANTOM.pattern.two_theta, _pure(PHANTOM)[0], answer["kind"], [1.0, 10.0, 0.5])


def test_pure_regions__are_mapped_right(cube: xr.Dataset, by_likeness: Model) -> None:
    maps, answer = xf.classify.model(cube, by_likeness).compute(), pattern_truth(PHANTOM)
    pure = answer["shares"].max(axis=0) > 0.99
    assert len(np.unique(answer["first"][pure])) == 3
    assert (maps.class_index.values == answer["first"])[pure].mean() >= 0.95
    assert maps.reference.values.tolist() == TYPES


@pytest.mark.parametrize("ratio", [None, "AB2", "A2BC4"])
@pytest.mark.parametrize("rows", [1, 4, 11])
def test_map__is_what_single_patterns_are_judged(
    cube: xr.Dataset, union: Model, rows: int, ratio: str | None
) -> None:
    maps = xf.classify.model(cube.chunk(y=rows, x=5), union, ratio=ratio).compute()
    prior = None if ratio is None else type_weights(RATIOS, ratio, None)
    patterns = cube.mu.values.reshape(cube.sizes["two_theta"], -1).T
    for pixel, pattern in enumerate(patterns):
        place = dict(zip("yx", divmod(pixel, cube.sizes["x"]), strict=True))
        one, found = judged(union, pattern[None], prior), maps.isel(place)
        assert int(found.class_index) == one.votes[0].argmax()
        assert float(found.class_vote) == np.float32(one.votes[0].max())
        assert found.in_set.values.tolist() == one.possible[0].astype(float).tolist()
        assert float(found.set_size) == one.possible[0].sum()
        assert (bool(found.outside), bool(found.mixed)) == (one.unlike[0], one.mixed[0])
    if ratio is not None:
        # Nothing else has this ratio.
        assert (maps.class_index == RATIOS.index(ratio)).all()


def test_map__does_not_depend_on_chunks(cube: xr.Dataset, union: Model) -> None:
    whole = xf.classify.model(cube.compute(), union)
    lazy = xf.classify.model(cube.chunk(y=2, x=3), union)
    assert lazy.class_index.chunks is not None
    for name in ("class_index", "class_vote", "set_size", "in_set", "outside", "mixed"):
        np.testing.assert_array_equal(lazy[name].values, whole[name].values, err_msg=name)


def test_pixels_with_a_nan_or_without_sample__have_no_answer(cube: xr.Dataset, union: Model) -> None:
    before = xf.classify.model(cube, union).compute()
    changed = cube.compute().copy(deep=True)
    changed.mu[100, 2, 3] = np.nan
    changed.flags[5, 6] = 1  # no sample here
    after = xf.classify.model(changed, union)
    out = np.zeros(before.class_index.shape, bool)
    out[2, 3] = out[5, 6] = True
    assert (after.class_index.values[out] == -1).all()
    for name in ("class_vote", "set_size", "in_set", "outside", "mixed"):
        assert np.isnan(after[name].values[..., out]).all(), name
        np.testing.assert_array_equal(after[name].values[..., ~out], before[name].values[..., ~out])


def test_pixels_without_peaks__are_none_of_the_types(union: Model) -> None:
    cube = as_pattern_cube(PHANTOM).compute()
    maps = xf.classify.model(cube.assign(mu=xr.full_like(cube.mu, 7.0)), union)
    assert (maps.outside == 1).all()
    assert (maps.mixed == 0).all()


def test_another_wavelength_or_grid__is_refused_by_name(cube: xr.Dataset, union: Model) -> None:
    with pytest.raises(InputError, match=r"wavelength|Angstrom"):
        xf.classify.model(cube.assign(wavelength=0.7), union)
    with pytest.raises(InputError, match=r"wavelength|Angstrom"):
        xf.classify.model(cube.drop_vars("wavelength"), union)
    with pytest.raises(InputError, match="two_theta"):
        xf.classify.model(cube.isel(two_theta=slice(0, 700)), union)
    with pytest.raises(InputError, match="two_theta"):
        xf.classify.model(cube.assign_coords(two_theta=cube.two_theta + 0.03), union)


def test_a_ratio_that_no_type_has__is_refused(cube: xr.Dataset, union: Model) -> None:
    with pytest.raises(InputError, match="AB7"):
        xf.classify.model(cube, union, ratio="AB7")


def test_bin__keeps_the_wavelength_and_the_map_follows(cube: xr.Dataset, by_likeness: Model) -> None:
    binned = xf.correct.bin(cube)
    assert float(binned.wavelength) == float(cube.wavelength)
    maps = xf.classify.model(binned, by_likeness)
    assert maps.class_index.shape == (5, 7)
    assert (maps.class_index >= 0).all()


def test_phantom_patterns__is_the_phantom(cube: xr.Dataset) -> None:
    made = xf.ingest.phantom_patterns(types=TYPES, size=PHANTOM.size, step=STEP, counts=5000.0, seed=4)
    xr.testing.assert_equal(made.compute(), cube.compute())
