"""The first paragraph of a report and its numbers."""

from __future__ import annotations

import numpy as np

from xafsflow.reporting.model_view import ModelView
from xafsflow.reporting.summary import summary, tiles


def test_a_union__is_told_in_words_of_structure_types() -> None:
    names, nothing = ["rocksalt", "fluorite"], np.zeros((2, 0))
    view = ModelView(
        names, names, np.eye(2), "two_theta", np.arange(3.0), "mu", np.zeros(0), nothing, None, None, 0.93, "union"
    )  # fmt: skip
    text = " ".join(summary(None, view))
    assert "The union of networks knows 2 structure types, and finds the right one for 93" in text
    assert "reference" not in text
    assert ("93.0 %", "of held-out patterns of the right type") in list(tiles(None, view, {}))
