"""Rules of the verdict on maps of structure types: are the patterns of the types that the model knows?

A rule is a function of the findings: None, or what it holds against the answer. Limits stand with their reasons; none is
fitted to a sample.
"""

from __future__ import annotations

from xafsflow.findings.overall_verdict import Reservation
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.union_findings import UnionFindings

# One known pattern in twenty is called none of the known types, and one in twenty two of them; four times that is no chance.
SOME, MOST = 0.2, 0.5


def unlike_types(found: RunFindings) -> Reservation | None:
    """Many pixels have patterns of none of the types that the model knows.

    Beyond one half the sample as a whole has no answer.
    """
    share = None if found.maps is None else found.maps.unlike_types_share
    if share is None or share <= SOME:
        return None
    text = f"{share:.1%} of the pixels have patterns of none of the structure types that the model knows"
    return Reservation("unlike_types", text, "refusal" if share > MOST else "reservation")


def mixed_types(found: RunFindings) -> Reservation | None:
    """Many pixels have patterns of two types, of which the answer names one."""
    share = None if found.maps is None else found.maps.mixed_types_share
    if share is None or share <= SOME:
        return None
    text = f"{share:.1%} of the pixels look like two structure types at once: the map shows the likelier one"
    return Reservation("mixed_types", text)


def type_model(found: RunFindings) -> Reservation | None:
    """The model is often wrong on compounds that it has not seen: the map can be no better.

    The limits are those of a model of a library of spectra: with fewer than four of five right, a pixel among its four
    neighbors is likely to be wrong or to have a wrong neighbor; with fewer than one half the map is more wrong than right.
    """
    for one in found.of(UnionFindings).values():
        right = one.table["union"].top1
        if right < 1 - SOME:
            text = f"the model names the right structure type for {right:.0%} of the patterns that it has not seen"
            return Reservation("type_model", text, "refusal" if right < MOST else "reservation")
    return None
