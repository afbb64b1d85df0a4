"""A union of networks, as the report shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xafsflow.findings.union_findings import NetworkRecord, Twins, TypeScore, UnionFindings
from xafsflow.reporting.matrix_figure import MatrixFigure
from xafsflow.reporting.page_parts import NO_MAPS
from xafsflow.reporting.panel import Panel
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Part
from xafsflow.reporting.sections.structure_types import structure_types


def score(top1: float) -> TypeScore:
    return TypeScore(top1, 0.987, np.array([top1 - 0.006, top1 + 0.005]))


def union(count: int = 4, **changes: object) -> UnionFindings:
    """Types 0, 1, ... by turns in two networks."""
    types = tuple(f"type {number}" for number in range(count))
    found = UnionFindings(
        types=types,
        networks=(NetworkRecord(types[::2], 900, 30, 0.2), NetworkRecord(types[1::2], 800, 28, 0.31)),
        training_patterns=12_000,
        check_patterns=2_000,
        weights=np.array([1.125, 6.0, 0.5, 0.75]),
        table={
            "union": score(0.931),
            "published_rule": score(0.874),
            "one_network": score(0.94),
            "forest_peaks": score(0.72),
        },
        better=None,
        confusion=100 * np.eye(count, dtype=np.int64) + np.arange(count),
        twins=(Twins("type 3", "type 1", 0.25),),
        coverage=0.95,
        observed_coverage=0.947,
        class_coverage=np.array([0.91, np.nan, 0.96, 0.93, *[0.97] * (count - 4)]),
        set_size=1.234,
        refused_known=0.05,
        refused_unknown=0.56,
        near_copies={"type 0": ("bixbyite", "C15"), "type 1": ()},
        refused_others=float("nan"),
        mixed_known=0.03,
        mixed_found=0.42,
        places=np.linspace(0.1, 1.0, 50),
        means=np.tile(np.linspace(0, 1, count)[:, None], 50),
    )
    return replace(found, **changes)


def blocks(found: UnionFindings) -> dict[str, Panel | Picture]:
    made = list(structure_types(Part("train.union", NO_MAPS, finding=found)))
    return {
        f"{one.title} {n}" if one.title in [m.title for m in made[:n]] else one.title: one
        for n, one in enumerate(made)
    }


def test_scores__stand_with_their_intervals_and_roles() -> None:
    panel = blocks(union())["How often the type is right"]
    assert panel.lead == "No other method in the table is better than the union."
    name, role, share, between, top3 = panel.content.rows[0]
    assert (name.text, role, share.text, between, top3) == (
        "union", "this model", "93.1 %", "92.5 to 93.6", "98.7 %",
    )  # fmt: skip
    assert [row[0].text for row in panel.content.rows] == [
        "union",
        "published rule",
        "one network",
        "forest peaks",
    ]
    assert [row[0].bold for row in panel.content.rows] == [True, False, False, False]
    assert "2,000 simulated patterns" in panel.notes[0]
    assert "confidence^1.12 × likeness^6.00 / other^0.50 × later^0.75" in panel.notes[1]
    assert "added later" in panel.notes[1]


def test_what_is_better__stands_first() -> None:
    found = union(better="one_network is better than the union: by 0.9 +- 0.4 points")
    first, panel = next(iter(blocks(found).items()))
    assert first == "How often the type is right"
    assert panel.lead == "One network is better than the union: by 0.9 ± 0.4 points."


def test_sets_and_refusals__are_told_with_the_near_copies(html) -> None:
    panel = blocks(union())["Sets, refusals and mixtures"]
    rows = {row[0]: row[1:] for row in panel.content.rows}
    assert rows["The set of possible types holds the true one"] == ("95.0 %", "94.7 %")
    assert rows["Mean number of types in the set"] == ("", "1.23")
    assert rows["Patterns of types never seen answered with “none of these”"] == ("", "56.0 %")
    assert rows["The same without near copies of known types"] == ("", "none")
    assert panel.notes[0].endswith("bixbyite and C15 (of type 0).")
    assert panel.notes[1].endswith("type 0 91.0 %, type 3 93.0 %.")
    assert "42.0 %" in html(panel)
    (note,) = blocks(union(near_copies={}))["Sets, refusals and mixtures"].notes
    assert "least often" in note


def test_twins_and_networks__are_listed() -> None:
    shown = blocks(union())
    assert shown["Twins: types that are told apart badly"].content.rows == [("type 3 and type 1", "25.0 %")]
    assert shown["The networks"].content.rows[1] == ("2", "type 1, type 3", "800", 28, "0.31")
    assert "No two types" in blocks(union(twins=()))["Twins"].texts[0]


@pytest.mark.parametrize(
    ("count", "names", "numbered"),
    [
        (4, ["type 0", "type 2", "type 1", "type 3"], True),
        (12, [f"type {one}" for one in (*range(0, 12, 2), *range(1, 12, 2))], False),
        (30, ["network 1", "network 2"], False),
    ],
)
def test_confusion__has_the_types_of_a_network_together(count: int, names: list[str], numbered: bool) -> None:
    found = union(count)
    figure = blocks(found)["Confusion of the types"].figure
    assert isinstance(figure, MatrixFigure)
    assert (list(figure.names), figure.numbered, list(figure.cuts)) == (names, numbered, [(count + 1) // 2])
    np.testing.assert_allclose(figure.shares.sum(axis=1), 1)
    # The second row is that of type 2, its third column that of type 4, or of type 1 with four types
    row, column = found.confusion[2], 4 if count > 4 else 1
    assert figure.shares[1, 2] == pytest.approx(row[column] / row.sum())
    assert figure.scene().width > 0


def test_a_type_without_check_patterns__leaves_a_gap() -> None:
    confusion = union().confusion.copy()
    confusion[2] = 0
    shares = blocks(union(confusion=confusion))["Confusion of the types"].figure.shares
    assert np.isnan(shares[1]).all()
    assert np.isfinite(np.delete(shares, 1, axis=0)).all()


def test_mean_patterns__are_a_dozen_at_most_with_the_twins_first() -> None:
    found = union(30)
    pictures = [one for name, one in blocks(found).items() if name.startswith("Mean patterns")]
    rows = [plot.marks[0] for picture in pictures for plot in picture.figure.plots]
    assert [len(one.figure.plots) for one in pictures] == [6, 6]
    assert [one.name for one in rows[:4]] == ["type 3", "type 1", "type 0", "type 2"]
    for row in rows:
        assert row.y[0] == found.means[found.types.index(row.name), 0]
    assert "12 of 30 types, twins first" in pictures[0].text
    (only,) = [one for name, one in blocks(union()).items() if name.startswith("Mean patterns")]
    assert len(only.figure.plots) == 4
    assert "twins first" not in only.text
    assert only.figure.scene().height > 0
