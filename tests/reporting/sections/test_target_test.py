"""The test of candidates against the components, as the report shows it."""

from __future__ import annotations

from dataclasses import replace


def test_table__has_spoil_and_grades(judged, shown, html) -> None:
    text = html(*shown("target_test", judged.entries["judge.target"]))
    assert "<b>excellent</b>" in text
    assert "<td>unacceptable</td>" in text
    assert "7.25" in text
    assert "Target transformation with 3 components" in text
    assert "do not cover the energies: short." in text


def test_table__escapes_names(judged, shown, html) -> None:
    found = judged.entries["judge.target"]
    nasty = replace(found.candidates[0], name="<script>", grade="<i>")
    text = html(*shown("target_test", replace(found, candidates=(nasty,))))
    assert "<script>" not in text
    assert "<i>" not in text
