"""The report's section on the target transformation: which candidates can be in the sample at all."""

from __future__ import annotations

from collections.abc import Iterator

from xafsflow.findings.judge_findings import TargetFindings
from xafsflow.reporting.panel import Cell, Panel, Table
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.wording import counted, fixed, listed, number

OPEN_ROWS = 10
# Malinowski's grades with their limits, for the note below the table.
GRADES = "below 1.5 excellent, 3 good, 4.5 fair, 6 acceptable"


@section(
    "target_test",
    title="Which candidates can be in the sample at all",
    intro="Every candidate spectrum, tested against the principal components of the scan (target transformation).",
    order=54,
    drawn=("components", "energy", "candidates", "spectra_shown", "left_out"),
)
def target_test(part: Part) -> Iterator[Block]:
    """The table of the candidates with SPOIL and Malinowski's grades."""
    found = part.finding
    if not isinstance(found, TargetFindings):
        return
    rows = [
        (
            one.name,
            fixed(one.spoil),
            one.grade if one.grade == "unacceptable" else Cell(one.grade, bold=True),
            number(one.rms, 2),
            number(one.r_factor, 2),
        )
        for one in found.candidates
    ]
    note = (
        f"Target transformation with {counted(found.components, 'component')}: what their sums miss of a candidate, "
        f"compared with what the noise of the data explains (SPOIL: {GRADES}). A candidate that passes need not be in the "
        "sample: sums of spectra that pass do so as well. The misfit (rms) is in units of the edge step."
    )
    if found.left_out:
        note += f" Not tested, since they do not cover the energies: {listed(found.left_out)}."
    head = ["candidate", "SPOIL", "grade", "rms misfit", "R factor"]
    content = Table(head, rows, [1, 3, 4], OPEN_ROWS, whole_width=False)
    yield Panel("Candidates against the components", content=content, notes=[note])
