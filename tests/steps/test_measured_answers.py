"""judge.patterns: the type of each pattern, what else is possible, and how often that is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import xafsflow as xf
from xafsflow.errors import InputError
from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.union_findings import PatternAnswers
from xafsflow.learning.models.model import Model, save_model
from xafsflow.learning.models.predictors import Linear
from xafsflow.learning.union.union_model import UnionOfNetworks

TYPES = ("rocksalt", "CsCl", "fluorite", "spinel")


@pytest.fixture(scope="module")
def few(known_patterns: xr.Dataset) -> xr.Dataset:
    """Three patterns of each known type."""
    rows = [np.flatnonzero(known_patterns.structure_type == name)[:3] for name in TYPES]
    return known_patterns.isel(sample=np.concatenate(rows))


def measured(spectra: xr.Dataset, **labels: list[str]) -> xr.Dataset:
    """As `ingest.patterns` gives them: with files, and labels of a table."""
    names = [f"{number}.xy" for number in range(spectra.sizes["sample"])]
    columns = {"file": names, **labels}
    plain = spectra.drop_vars([name for name in spectra.data_vars if name not in ("mu", "wavelength")])
    return plain.assign(
        {name: ("sample", np.array(texts), {"role": "label"}) for name, texts in columns.items()}
    )


def test_patterns__are_answered_and_scored(union_model: Model, few: xr.Dataset) -> None:
    found = xf.judge.patterns(few, union_model)
    answers = [one.answer for one in found.answers]
    assert found.labelled == 12
    assert found.unknown_labelled == 0
    assert np.isnan(found.refused)
    right = np.array(answers) == few.structure_type.values
    assert found.top1 == pytest.approx(right.mean())
    assert 0.5 < found.top1 <= found.top3  # by chance .25
    for one, votes in zip(found.answers, union_model.predict(few.mu.values.T), strict=True):
        order = np.argsort(-votes)
        assert one.candidates == tuple(TYPES[place] for place in order)
        np.testing.assert_allclose(one.votes, votes[order])
        assert one.vote == one.votes[0]
        assert one.answer == one.candidates[0]
        assert one.answer in one.possible
        assert one.likeness > 0
    assert from_json(PatternAnswers, to_json(found)) == found


def test_an_answer__does_not_depend_on_other_patterns(union_model: Model, few: xr.Dataset) -> None:
    together = xf.judge.patterns(few, union_model).answers
    alone = [
        xf.judge.patterns(few.isel(sample=[row]), union_model).answers[0] for row in range(len(together))
    ]
    for one, other in zip(together, alone, strict=True):
        assert replace(one, name="") == replace(other, name="")


def test_a_stored_model__answers_alike(union_model: Model, few: xr.Dataset, tmp_path) -> None:
    stored = save_model(union_model, tmp_path / "union.npz")
    assert xf.judge.patterns(few, stored) == xf.judge.patterns(few, union_model)


def test_labels__may_be_missing_or_unknown(union_model: Model, few: xr.Dataset) -> None:
    truth = ["rocksalt", "", "nan", "?", "None", "garnet", *["rocksalt"] * 6]
    found = xf.judge.patterns(measured(few, kind=truth), union_model, label="kind")
    assert found.labelled == 7
    assert found.unknown_labelled == 1
    assert found.refused in (0.0, 1.0)
    assert [one.truth for one in found.answers] == [
        "rocksalt",
        "",
        "",
        "",
        "",
        "garnet",
        *["rocksalt"] * 6,
    ]
    assert [one.name for one in found.answers][:2] == ["0.xy", "1.xy"]
    assert [one.known for one in found.answers][4:7] == [False, False, True]
    without = xf.judge.patterns(measured(few), union_model)
    assert without.labelled == without.unknown_labelled == 0
    assert np.isnan(without.top1)
    with pytest.raises(InputError, match=r"without the label structure_type\. Expected one of file, kind"):
        xf.judge.patterns(measured(few, kind=truth), union_model)
    assert xf.judge.patterns(measured(few, kind=truth), union_model, label=None).labelled == 0


def test_a_ratio__leaves_types_out(union_model: Model, few: xr.Dataset) -> None:
    found = xf.judge.patterns(few, union_model, ratio="TiO2")
    assert {one.answer for one in found.answers} == {"fluorite"}
    for one in found.answers:
        np.testing.assert_allclose(one.votes, [1, 0, 0, 0], atol=1e-9)
        assert one.possible == ("fluorite",)
    with pytest.raises(InputError, match=r"ratio AB3, which no type of the model has.*AB, AB2, AB2C4"):
        xf.judge.patterns(few, union_model, ratio="AB3")


def test_a_ratio_of_a_pattern__is_for_that_one_alone(union_model: Model, few: xr.Dataset) -> None:
    plain = xf.judge.patterns(measured(few), union_model).answers
    ratios = ["AB", "", "AB2", "Al2O3", *[""] * 8]
    found = xf.judge.patterns(measured(few, ratio=ratios), union_model, label=None).answers
    assert found[1] == plain[1]
    assert found[0].answer in ("rocksalt", "CsCl")
    assert found[2].answer == "fluorite"
    # No type has two of three: that is none of the known ones, whatever the pattern looks like
    assert found[3].unlike
    assert found[3].answer == plain[3].answer
    assert [one.unlike for one in found[4:]] == [one.unlike for one in plain[4:]]
    # What is said of all compounds stands in the place of the table
    all_alike = xf.judge.patterns(measured(few, ratio=ratios), union_model, label=None, ratio="Fe3O4")
    assert {one.answer for one in all_alike.answers} == {"spinel"}
    assert [one.unlike for one in all_alike.answers] == [one.unlike for one in plain]
    # Of simulated patterns the ratio would tell the answer
    assert xf.judge.patterns(few, union_model).answers[0].votes.min() > 0
    with pytest.raises(InputError, match=r"ratio 'Fe0\.9O' of 2\.xy"):
        xf.judge.patterns(measured(few, ratio=["", "", "Fe0.9O", *[""] * 9]), union_model, label=None)


def test_elements__make_types_with_more_sites_less_likely(union_model: Model, few: xr.Dataset) -> None:
    plain = xf.judge.patterns(measured(few), union_model).answers
    for settings in ({"elements": ["Mg", "Al"]}, {}):
        table = {} if settings else {"elements": ["Mg Al"] * 12}
        found = xf.judge.patterns(measured(few, **table), union_model, label=None, **settings).answers
        for one, other in zip(found, plain, strict=True):
            votes = dict(zip(one.candidates, one.votes, strict=True))
            before = dict(zip(other.candidates, other.votes, strict=True))
            wanted = 0.1 * before["spinel"] / (1 - 0.9 * before["spinel"])
            assert votes["spinel"] == pytest.approx(wanted, rel=1e-6, abs=1e-11)


def test_twins__are_in_the_set(union_model: Model, few: xr.Dataset) -> None:
    union = union_model.predictor
    assert isinstance(union, UnionOfNetworks)
    narrow = replace(union_model.trust, set_thresholds=np.zeros((1, 4)))
    # Weights so small that every type has a vote above .01
    alike = replace(union, score=np.array([0.0, 1.0, 0.0, 0.0]), twins=[[2], [], [0], []])
    model = replace(union_model, predictor=alike, trust=narrow)
    for one in xf.judge.patterns(few, model).answers:
        twin = {"rocksalt": ["fluorite"], "fluorite": ["rocksalt"]}.get(one.answer, [])
        assert sorted(one.possible) == sorted([one.answer, *twin])
        assert len(one.possible) == 1 + len(twin)


def test_a_pattern_without_peaks__is_none_of_these(union_model: Model, few: xr.Dataset) -> None:
    empty = few.isel(sample=slice(2)).copy(deep=True)
    empty["mu"][0] = np.nan
    empty["mu"][1] = 7.0
    found = xf.judge.patterns(empty, union_model).answers
    assert [one.unlike for one in found] == [True, True]
    assert [one.mixed for one in found] == [False, False]
    assert [one.likeness for one in found] == [0.0, 0.0]


def test_what_does_not_fit__is_refused(
    union_model: Model, few: xr.Dataset, known_patterns: xr.Dataset
) -> None:
    with pytest.raises(InputError, match=r"angles at 0\.7107 Angstrom"):
        xf.judge.patterns(few.assign(wavelength=0.7107), union_model)
    with pytest.raises(InputError, match="patterns without a wavelength"):
        xf.judge.patterns(few.drop_vars("wavelength"), union_model)
    with pytest.raises(InputError, match=r"801 angles from 10 to 90 degrees.* 1601 from 10 to 90 in steps"):
        xf.judge.patterns(few.isel(two_theta=slice(None, None, 2)), union_model)
    with pytest.raises(InputError, match="a library of spectra"):
        xf.judge.patterns(few.rename(two_theta="energy"), union_model)
    linear = Linear(np.zeros((1601, 4)), np.zeros(4), True, np.arange(4))
    with pytest.raises(InputError, match="a model of ridge"):
        xf.judge.patterns(few, replace(union_model, predictor=linear, learner="ridge"))
