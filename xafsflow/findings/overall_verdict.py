"""What a run says as a whole: whether its answer holds, and what stands against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xafsflow.findings.record import Finding

Severity = Literal["reservation", "refusal"]
Light = Literal["answer holds", "holds with reservations", "do not use"]


@dataclass(frozen=True, eq=False)
class Reservation(Finding):
    """What a rule holds against the answer of a run.

    Parameters
    ----------
    rule
        Name of the rule, see `xafsflow.findings.run_verdict`.
    text
        What was found and what it does to the answer, without a point at its end.
    severity
        `reservation`: the answer holds beside it; `refusal`: the answer is not to be used.
    """

    rule: str
    text: str
    severity: Severity = "reservation"


@dataclass(frozen=True, eq=False)
class Verdict(Finding):
    """Whether the answer of a run holds.

    Parameters
    ----------
    light
        `answer holds` (green), `holds with reservations` (yellow), or `do not use` (red).
    text
        The same in one or two sentences, with what speaks for or against the answer.
    reservations
        What the rules hold against it, refusals first.
    not_tested
        What the recipe did not compute, and the verdict does not know.
    """

    light: Light
    text: str
    reservations: tuple[Reservation, ...]
    not_tested: tuple[str, ...]
