"""Only what belongs together is a record of trust."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xafsflow.errors import InputError
from xafsflow.learning.trust.trust_record import Trust

OF_TYPES = Trust(set_thresholds=np.ones((1, 3)), doubt=np.zeros((2, 16)), doubt_limits=np.zeros(2))


def test_sets_and_doubt_of_types__belong_together() -> None:
    OF_TYPES.check(3)
    Trust().check(3)


@pytest.mark.parametrize(
    "changes",
    [
        {"set_thresholds": None},
        {"set_thresholds": np.ones((1, 2))},
        {"set_thresholds": np.ones(3)},
        {"doubt": None},
        {"doubt": np.zeros(16)},
        {"doubt": np.zeros((3, 16))},
        {"doubt_limits": None},
        {"doubt_limits": np.zeros(3)},
        {"doubt_limits": np.zeros((2, 1))},
        {"noise_levels": np.ones(1)},
        {"hull_mean": np.ones(3)},
    ],
)
def test_other_shapes__are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="a damaged record of trust"):
        replace(OF_TYPES, **changes).check(3)
