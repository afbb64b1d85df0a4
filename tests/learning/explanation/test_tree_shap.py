"""TreeSHAP of boosted trees, and bands over the energy axis."""

from __future__ import annotations

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.explanation.band_importance import (
    band_importance,
    error_over_spread,
    mean_square,
    wrong_share,
)
from xafsflow.learning.explanation.tree_shap import band_edges, band_of, explained_bands, tree_shap

RANDOM = np.random.default_rng(0)
ENERGY = np.arange(7100.0, 7140.0)
# Spectra whose class hangs on the white line at 7120 eV alone, and in the other direction on a shoulder at 7132 eV
HEIGHT, SHOULDER = RANDOM.normal(size=600), RANDOM.normal(size=600)
SPECTRA = (
    HEIGHT[:, None] * np.exp(-(((ENERGY - 7120) / 2) ** 2))
    + SHOULDER[:, None] * np.exp(-(((ENERGY - 7132) / 2) ** 2))
    + RANDOM.normal(0, 0.05, (600, 40))
).astype("f4")
EDGES = band_edges(ENERGY, 8.0)
WHITE_LINE, AT_SHOULDER = band_of(np.array([7120.0, 7132.0]), EDGES)
CLASS = (HEIGHT > 0.5).astype(int) + (HEIGHT > -0.5)
SETTINGS = {"n_estimators": 40, "n_jobs": 1, "random_state": 0}


def lightgbm(kind: str, truth: np.ndarray):
    library = pytest.importorskip("lightgbm")
    return getattr(library, kind)(**SETTINGS, verbose=-1).fit(SPECTRA, truth)


def xgboost(kind: str, truth: np.ndarray):
    library = pytest.importorskip("xgboost")
    return getattr(library, kind)(**SETTINGS).fit(SPECTRA, truth)


@pytest.mark.parametrize(
    ("kind", "truth"),
    [("LGBMRegressor", HEIGHT), ("LGBMClassifier", CLASS), ("LGBMClassifier", CLASS > 0)],
)
def test_contributions_of_lightgbm__add_up_to_its_raw_scores(kind, truth) -> None:
    model = lightgbm(kind, truth)
    told = tree_shap(model, SPECTRA[:50])
    raw = model.predict(SPECTRA[:50], raw_score=True, num_threads=1).reshape(50, -1)
    np.testing.assert_allclose(told.answers, raw, atol=1e-9, rtol=0)
    assert told.values.shape == (50, 40, raw.shape[1])
    # A booster alone gives the same
    np.testing.assert_array_equal(tree_shap(model.booster_, SPECTRA[:50]).values, told.values)


@pytest.mark.parametrize(("kind", "truth"), [("XGBRegressor", HEIGHT), ("XGBClassifier", CLASS)])
def test_contributions_of_xgboost__add_up_in_single_precision(kind, truth) -> None:
    model = xgboost(kind, truth)
    told = tree_shap(model, SPECTRA[:50])
    raw = model.predict(SPECTRA[:50], output_margin=True).reshape(50, -1)
    np.testing.assert_allclose(told.answers, raw, atol=1e-5)


def test_bands__show_where_the_answer_comes_from() -> None:
    told = tree_shap(lightgbm("LGBMRegressor", HEIGHT - SHOULDER), SPECTRA)
    bands = explained_bands(told, SPECTRA, ENERGY, EDGES)
    assert set(np.argsort(-bands.size)[:2]) == {WHITE_LINE, AT_SHOULDER}
    assert bands.size[[WHITE_LINE, AT_SHOULDER]].sum() > 0.85 * bands.size.sum()
    np.testing.assert_allclose(bands.effect.sum() + told.base[0], told.answers.mean(), atol=1e-9)
    # A region with high white lines, and one spectrum of it
    high = explained_bands(told, SPECTRA, ENERGY, EDGES, members=HEIGHT > 1)
    assert high.effect[WHITE_LINE] > 0.8
    assert high.samples == (HEIGHT > 1).sum()
    np.testing.assert_allclose(high.spectrum, SPECTRA[HEIGHT > 1].mean(axis=0), atol=1e-5)
    shoulder = explained_bands(told, SPECTRA, ENERGY, EDGES, members=np.arange(600) == SHOULDER.argmax())
    assert shoulder.effect[AT_SHOULDER] < -1
    with pytest.raises(InputError, match="no sample"):
        explained_bands(told, SPECTRA, ENERGY, EDGES, members=np.zeros(600, bool))


def test_bands__of_a_class_are_of_its_own_score() -> None:
    told = tree_shap(lightgbm("LGBMClassifier", CLASS), SPECTRA)
    for output in range(3):
        own = explained_bands(told, SPECTRA, ENERGY, EDGES, output, output == CLASS)
        assert own.effect.argmax() == WHITE_LINE
        assert own.effect[WHITE_LINE] > 0


def test_other_models__are_refused() -> None:
    with pytest.raises(InputError, match="a dict"):
        tree_shap({}, SPECTRA)


def test_every_energy__is_in_one_band() -> None:
    assert band_of(ENERGY, EDGES).tolist() == np.repeat(np.arange(5), 8).tolist()
    assert band_of(np.array([7099.0, 7140.0]), EDGES).tolist() == [-1, -1]


def test_band_importance__finds_what_a_model_needs() -> None:
    def predict(table):
        return table[:, 18:23].mean(axis=1)

    found = band_importance(predict, SPECTRA, predict(SPECTRA), ENERGY, EDGES, mean_square)
    assert found.loss == 0
    assert found.growth.argmax() == WHITE_LINE
    assert found.growth[WHITE_LINE] > 10 * found.error[WHITE_LINE] > 0
    others = np.arange(5) != WHITE_LINE
    assert (found.growth[others] == 0).all()
    # Of one energy alone the neighbors tell: the band is shuffled as a whole
    single = band_importance(
        predict, SPECTRA, predict(SPECTRA), ENERGY, np.array([7119.5, 7120.5]), mean_square
    )
    assert single.growth[0] < 0.2 * found.growth[WHITE_LINE]


def test_bands__are_of_round_width_and_none_is_empty() -> None:
    edges = band_edges(np.arange(9640.0, 9760.0))
    assert edges[:3].tolist() == [9640, 9646, 9652]
    assert edges[-2:].tolist() == [9754, 9759]
    # A scan with few points after the edge
    coarse = np.concatenate([np.arange(7100.3, 7130.0), [7150.0, 7170.0, 7200.0]])
    edges = band_edges(coarse, 5.0)
    assert (np.bincount(band_of(coarse, edges), minlength=len(edges) - 1) > 0).all()
    assert edges[[0, -1]].tolist() == [7100.3, 7200.0]
    assert np.diff(band_edges(np.linspace(10.0, 11.0, 101))).round(9).tolist() == [0.05] * 20


def test_band_importance__takes_a_loss_for_each_property() -> None:
    truth = np.column_stack([HEIGHT, 10 * SHOULDER])

    def predict(table):
        return np.column_stack([table[:, 20], 10 * table[:, 32]])

    found = band_importance(predict, SPECTRA, truth, ENERGY, EDGES, error_over_spread)
    assert found.loss.shape == (2,)
    assert found.growth.shape == found.error.shape == (5, 2)
    assert found.growth.argmax(axis=0).tolist() == [WHITE_LINE, AT_SHOULDER]
    # Of two unlike spectra: the square root of two spreads
    assert found.growth.max(axis=0) + found.loss == pytest.approx([np.sqrt(2)] * 2, rel=0.1)


def test_band_importance__takes_classes_and_votes() -> None:
    truth = (HEIGHT > 0).astype(int)

    def votes(table):
        share = 1 / (1 + np.exp(-20 * table[:, 20]))
        return np.column_stack([1 - share, share])

    first = band_importance(votes, SPECTRA, truth, ENERGY, EDGES, wrong_share)
    second = band_importance(lambda x: votes(x).argmax(axis=1), SPECTRA, truth, ENERGY, EDGES, wrong_share)
    np.testing.assert_array_equal(first.growth, second.growth)
    # Without the white line it guesses
    assert first.loss + first.growth[WHITE_LINE] == pytest.approx(0.5, abs=0.06)
