"""The search of settings: what it finds, that groups stay whole, and that it is the same wherever it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

import xafsflow as xf
from xafsflow.blocks.where import computing_on
from xafsflow.cluster import WorkerNeed, open_cluster
from xafsflow.errors import ComputationError, InputError
from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.train_findings import FitFindings, RegressionFindings, SearchFindings
from xafsflow.io.folders import Folders
from xafsflow.learning.models.model import save_model
from xafsflow.learning.samples import group_split as split
from xafsflow.phantom import simulated_library, write_library
from xafsflow.pipeline.execution import report_again, run
from xafsflow.pipeline.recipe import apply_overrides, parse_recipe
from xafsflow.steps.train.search import lost_workers


def properties(spectra: np.ndarray, target: np.ndarray, group: np.ndarray | None = None) -> xr.Dataset:
    """Samples of a library as `train.regression` takes them."""
    known = {} if group is None else {"group": ("sample", group)}
    return xr.Dataset(
        {
            "features": (("sample", "feature"), spectra.astype("f4")),
            "target": (("sample", "property"), target),
            **known,
        },
        {
            "energy": ("feature", np.arange(float(spectra.shape[1]))),
            "property": [f"p{n}" for n in range(target.shape[1])],
            "unit": ("property", ["angstrom"] * target.shape[1]),
        },
        {"features": "norm", "normalization": "[]"},
    )


@pytest.fixture(scope="module")
def noisy() -> xr.Dataset:
    """Few samples, many features, two properties with noise: too small and too large a ridge are worse than one between."""
    rng = np.random.default_rng(4)
    spectra = rng.standard_normal((70, 40))
    target = spectra[:, :2] + spectra[:, 2:4] + 1.5 * rng.standard_normal((70, 2))
    return properties(spectra, target, np.repeat(np.arange(35), 2))


RIDGES = [1e-3, 30.0, 1e5]


def test_a_search__finds_the_planted_value_with_the_scores_of_scikit_learn(noisy: xr.Dataset) -> None:
    _, findings = xf.train.regression(
        noisy, regressor="ridge", search={"ridge": RIDGES}, held_out=0.2, seed=3
    )
    found = findings.search
    assert found is not None
    assert found.best == {"ridge": 30.0}
    assert found.settings == ("ridge",)
    groups = noisy.group.values
    known = ~split.held_out(groups, 0.2, 3)
    table, truth = noisy.features.values[known], noisy.target.values[known]
    parts = split.folds(groups[known], 5, [3, 11])
    folds = [(np.flatnonzero(~part), np.flatnonzero(part)) for part in parts]
    wanted = [cross_val_score(Ridge(alpha), table, truth, cv=folds, scoring="r2") for alpha in RIDGES]
    np.testing.assert_allclose(found.mean, [one.mean() for one in wanted], atol=1e-3)
    np.testing.assert_allclose(found.spread, [one.std() for one in wanted], atol=1e-3)
    assert found.tried[:, 0].tolist() == RIDGES
    assert found.folds == 5


def test_the_best_one__is_trained(noisy: xr.Dataset) -> None:
    searched, _ = xf.train.regression(noisy, regressor="ridge", search={"ridge": RIDGES})
    given, findings = xf.train.regression(noisy, regressor="ridge", settings={"ridge": 30.0})
    usual, _ = xf.train.regression(noisy, regressor="ridge", settings={"ridge": 1e-3})
    assert searched == given
    assert searched != usual
    assert findings.search is None


def test_classes__are_searched_by_macro_f1(products: dict[str, Any]) -> None:
    samples = products["samples"]
    # As many neighbors as there are patterns of several classes cannot tell a class of twenty.
    model, findings = xf.train.fit(samples, classifier="k_nearest", search={"neighbors": [60, 7]})
    assert findings.search is not None
    assert findings.search.score == "macro_f1"
    assert findings.search.best == {"neighbors": 7}
    assert findings.search.mean[1] > findings.search.mean[0] + 0.02
    assert model.predictor.n_neighbors == 7  # type: ignore[attr-defined]
    assert from_json(FitFindings, to_json(findings)) == findings


def test_trees__are_searched_where_they_count(products: dict[str, Any]) -> None:
    _, findings = xf.train.fit(products["samples"], search={"trees": [1, 12]})
    assert findings.search is not None
    assert findings.search.best == {"trees": 12.0}
    with pytest.raises(InputError, match="the setting 'trees' of k_nearest"):
        xf.train.fit(products["samples"], classifier="k_nearest", search={"trees": [1, 12]})


def test_a_search__reads_what_the_model_reads_of_noisy_spectra() -> None:
    """The filter of the noise hangs on the noise of the samples, which a candidate has to know."""
    library = simulated_library(120, seed=3)
    samples = xf.train.spectra(library, label="polyhedron", features=["spectrum", "derivative"], noise=0.1)
    how: dict[str, Any] = {"classifier": "support_vectors"}
    searched, findings = xf.train.fit(samples, search={"penalty": [1.0]}, **how)
    given, _ = xf.train.fit(samples, settings={"penalty": 1.0}, **how)
    assert findings.search is not None
    assert searched.features is not None
    spectra = samples.check_features.values.T
    np.testing.assert_array_equal(searched.predict(spectra), given.predict(spectra))


def test_a_search__keeps_groups_whole() -> None:
    """Copies of 30 spectra whose properties nothing tells: only who sees a copy in the training knows them."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(30), 6)
    spectra = rng.standard_normal((30, 20))[of] + 0.01 * rng.standard_normal((180, 20))
    target = rng.standard_normal((30, 1))[of]
    how: dict[str, Any] = {"regressor": "kernel_ridge", "search": {"ridge": [1e-3]}, "held_out": 0.1}
    whole = xf.train.regression(properties(spectra, target, of), **how)[1].search
    torn = xf.train.regression(properties(spectra, target), **how)[1].search
    assert whole is not None
    assert torn is not None
    assert torn.mean[0] > 0.9
    assert whole.mean[0] < 0.2


def test_held_out_samples__take_no_part(noisy: xr.Dataset) -> None:
    held = split.held_out(noisy.group.values, 0.2, 0)
    spoilt = noisy.copy(deep=True)
    spoilt.target.values[held] *= -3
    one, other = (
        xf.train.regression(table, regressor="kernel_ridge", search={"ridge": RIDGES})[1]
        for table in (noisy, spoilt)
    )
    assert one.search == other.search
    assert one.r_squared[0] != other.r_squared[0]


def test_tries__are_drawn_from_all_combinations(noisy: xr.Dataset) -> None:
    grid = {"hidden": [4, 8, 12], "epochs": [1, 2, 3]}

    def tried(tries: int | None, seed: int = 0) -> list[tuple[float, ...]]:
        _, findings = xf.train.regression(noisy, regressor="mlp", search=grid, tries=tries, seed=seed)
        assert findings.search is not None
        return [tuple(one) for one in findings.search.tried.tolist()]

    every = {(float(epochs), float(hidden)) for epochs in (1, 2, 3) for hidden in (4, 8, 12)}
    assert set(tried(None)) == set(tried(20)) == every
    assert len(tried(4)) == len(set(tried(4))) == 4
    assert tried(4) == tried(4) != tried(4, seed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"search": {"penalti": [1.0]}}, r"did you mean 'penalty'"),
        ({"settings": {"penalti": 1.0}}, r"did you mean 'penalty'"),
        ({"search": {"penalty": [1.0, -1.0]}}, r"penalty -1 of support_vectors"),
        ({"search": {"penalty": []}}, r"without a value to try"),
        ({"search": {"penalty": [1.0]}, "settings": {"penalty": 2.0}}, r"value of its own in settings"),
        ({"tries": 3}, r"3 tries without a search"),
        ({"search": {"penalty": [1.0]}, "tries": 0}, r"0 tries of a search"),
    ],
)
def test_a_wrong_search__is_refused(products: dict[str, Any], settings: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        xf.train.fit(products["samples"], classifier="support_vectors", **settings)


def test_a_combination_that_cannot_be_trained__is_told(products: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="training patterns for k_nearest"):
        xf.train.fit(products["samples"], classifier="k_nearest", search={"neighbors": [3, 100000]})


def test_too_few_groups__are_refused(noisy: xr.Dataset) -> None:
    # Four samples of one group, and one that is held out.
    few = noisy.isel(sample=slice(0, 8)).assign(group=("sample", [0, 0, 1, 1, 1, 1, 1, 1]))
    with pytest.raises(InputError, match="1 groups of samples"):
        xf.train.regression(few, regressor="ridge", search={"ridge": RIDGES}, held_out=0.5)


def test_a_property_that_is_alike_in_a_part__is_refused(noisy: xr.Dataset) -> None:
    alike = noisy.copy(deep=True)
    alike.target.values[:, 1] = 3.0
    with pytest.raises(InputError, match=r"R2 nan on a part of the training.*not all alike"):
        xf.train.regression(alike, regressor="ridge", search={"ridge": RIDGES})


def test_searches__are_cached_by_what_they_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAFSFLOW_CACHE", str(tmp_path))
    cube = xf.correct.absorbance(xf.ingest.phantom(size=(16, 20), energies=60, tilt=0.0))
    cube = xf.normalize.edge_step(cube, e0=7112.0, norm1=40.0, nnorm=1)
    samples = xf.train.mixtures(
        cube, xf.ingest.phantom_references(), step=0.5, noise_patterns=20, check_patterns=100, noise=0.02
    )
    how: dict[str, Any] = {"classifier": "k_nearest", "search": {"neighbors": [3, 9]}}
    first, told = xf.train.fit(samples, **how)
    again, told_again = xf.train.fit(samples, classifier="k_nearest", search={"neighbors": [3.0, 9.0]})
    assert told_again.cached_model
    assert (again, told_again.search) == (first, told.search)
    for other in (
        {"search": {"neighbors": [3, 8]}},
        {"settings": {"neighbors": 3}, "search": {}},
        {"tries": 1},
    ):
        assert not xf.train.fit(samples, **how | other)[1].cached_model


# With dask-ml and scikit-learn.
NEED = WorkerNeed(process_bytes=700 * 2**20, task_bytes=50 * 2**20)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with open_cluster("local", workers=2, need=NEED) as client:
        yield client


def searched(learner: str, samples: xr.Dataset, path: Path, place: Any, threads: int = 3) -> tuple[str, Any]:
    """The digest of the model that a search ends with, and its findings."""
    search = {"min_samples_leaf": [1, 4, 9]} if learner == "extra_trees" else {"epochs": [1, 3, 6]}
    with computing_on(place, threads=threads):
        model, findings = xf.train.regression(samples, regressor=learner, trees=10, search=search)
    return save_model(model, path).digest, findings


@pytest.mark.parametrize("learner", ["mlp", "residual_network"])
def test_a_search__is_the_same_on_any_number_of_threads(
    learner: str, noisy: xr.Dataset, tmp_path: Path
) -> None:
    one, three = (searched(learner, noisy, tmp_path / f"{n}.npz", None, n) for n in (1, 3))
    assert one == three


@pytest.mark.long
@pytest.mark.parametrize("learner", ["mlp", "extra_trees"])
def test_a_search__is_the_same_on_threads_and_on_a_cluster(
    learner: str, noisy: xr.Dataset, client: Any, tmp_path: Path
) -> None:
    cluster, threads = (
        searched(learner, noisy, tmp_path / f"{n}.npz", one) for n, one in enumerate((client, None))
    )
    assert cluster == threads
    assert any(client.run(lambda: "xafsflow.steps.train.search" in __import__("sys").modules).values())


@pytest.mark.long
def test_what_fails_on_a_cluster__ends_with_its_message(products: dict[str, Any], client: Any) -> None:
    with computing_on(client), pytest.raises(InputError, match="training patterns for k_nearest"):
        xf.train.fit(products["samples"], classifier="k_nearest", search={"neighbors": [3, 100000]})


def test_workers_that_end__are_told_as_such() -> None:
    from distributed.client import FutureCancelledError

    with pytest.raises(ComputationError, match="workers that ended while they trained"), lost_workers():
        raise FutureCancelledError(("candidate", 0, 1), "already forgotten")


RECIPE = """\
recipe: 1
steps:
  - ingest.spectra: {files: [library.npz]}
  - derive.structure
  - train.spectra: {properties: [mean_distance, electronegativity], features: [spectrum, derivative], copies: 2}
  - train.regression: {regressor: kernel_ridge, settings: {}, search: {ridge: [0.01, 1000]}}
  - report.page
"""


@pytest.mark.long
def test_a_recipe__searches_and_reports(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_library(simulated_library(120, seed=1), data / "library.npz")
    recipe = apply_overrides(
        parse_recipe(RECIPE, "search.yaml"), ["train.regression.search={ridge: [0.01, 1000, 1.5]}"]
    )
    assert parse_recipe(recipe.to_yaml(), "again.yaml") == recipe
    products = run(recipe, Folders(data), tmp_path / "run")
    (found,) = products.findings.of(RegressionFindings).values()
    assert isinstance(found.search, SearchFindings)
    assert found.search.tried[:, 0].tolist() == [0.01, 1000.0, 1.5]
    for page in (products.page, report_again(tmp_path / "run")):
        assert page is not None
        assert "Search of the settings" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("setting", "place"),
    [("search: {ridge: []}", "ridge"), ("search: {ridge: 3}", "ridge"), ("settings: [1]", "1")],
)
def test_a_recipe_with_a_wrong_search__is_refused_before_it_runs(setting: str, place: str) -> None:
    text = RECIPE.replace("settings: {}, search: {ridge: [0.01, 1000]}", setting)
    with pytest.raises(InputError, match=place):
        parse_recipe(text, "search.yaml")
