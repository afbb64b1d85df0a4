"""What the absorbance of a table may be made of: columns that hold it, and ratios of counts, each with its edge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.spectra.beamline_names import CORRECTED, line_element, rank, role_of, stem_of
from xafsflow.io.readers.spectra.column_expression import evaluate, names_in, parse
from xafsflow.io.readers.spectra.edge_check import Edge, edge_of
from xafsflow.io.readers.text_columns import Columns
from xafsflow.kernels.array_types import Doubles

Kind = Literal["absorbance", "transmission", "fluorescence", "reference", "unknown"]
DIVIDED = re.compile(r"(?:divided|normali[sz]ed)\s+(?:by|to|with)\s+i_?0", re.IGNORECASE)
MOST_PAIRED = 24
SMALLEST_MU, LARGEST_MU = 1e-3, 20.0  # columns of unknown meaning beyond are currents and counts
FEWEST_COUNTS = 100.0
PLAIN_NAME = re.compile(r"[^\W\d][\w.:@\[\]]*\Z")


@dataclass(frozen=True, eq=False)
class Candidate:
    """An expression over a table's columns, and what is made of it; `used` are its columns."""

    table: Columns
    energy: Doubles
    text: str
    kind: Kind

    @cached_property
    def used(self) -> tuple[int, ...]:
        """The indices of its columns."""
        return tuple(self.table.index(name.text) for name in names_in(parse(self.text)))

    @cached_property
    def values(self) -> Doubles:
        """Its values, of shape (rows).

        Raises
        ------
        InputError
            A column is not there, or a value cannot be computed; the message names the line.
        """
        tree = parse(self.text)
        made = evaluate(tree, lambda name: self.table.numbers(self.table.index(name.text)))
        values = np.array(np.broadcast_to(made, len(self.energy)), np.float64)
        wrong = ~np.isfinite(values)
        for at in self.used if wrong.any() else ():
            column = self.table.values[:, at]
            self.table.refuse(wrong & (column <= 0), column, f"{self.table.shown(at)} above zero")
        self.table.refuse(wrong, values, f"{self.text} that can be computed")
        return values

    @cached_property
    def edge(self) -> Edge:
        """Its edge in the data; none where it cannot be computed."""
        try:
            energy, values = in_order(self.energy, self.values)
        except InputError:
            return Edge(float("nan"), float("nan"), False)
        return edge_of(energy, values)

    @property
    def shown(self) -> str:
        """What to write for it, and its edge, for a message."""
        return f"`mu: {self.text}` ({self.edge.shown})"


def in_order(energy: Doubles, values: Doubles) -> tuple[Doubles, Doubles]:
    """Sorted by energy, with the mean of what was measured at one energy."""
    unique, place, times = np.unique(energy, return_inverse=True, return_counts=True)
    return unique, np.bincount(place, weights=values) / times


def quoted(table: Columns, index: int) -> str:
    """A column as it is written in an expression."""
    name = table.names[index]
    same = [other for other in table.names if other.lower() == name.lower()]
    if not name or len(same) > 1 or ("'" in name and '"' in name):
        return f"${index + 1}"
    if PLAIN_NAME.match(name) and name.lower() not in ("ln", "log"):
        return name
    return f"'{name}'" if "'" not in name else f'"{name}"'


def named(table: Columns, energy: Doubles) -> list[Candidate]:
    """The columns that hold absorbance by their names, the likeliest first."""
    found = [at for at, name in enumerate(table.names) if role_of(name) == "mu" or _is_divided(table, at)]
    found.sort(key=lambda at: (rank(table.names[at]), at))
    return [Candidate(table, energy, quoted(table, at), "absorbance") for at in found]


def _is_divided(table: Columns, at: int) -> bool:
    """Whether the header says of a column of fluorescence that it is divided by I0 already."""
    name = table.names[at]
    if role_of(name) != "if":
        return False
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    return any(DIVIDED.search(line) and word.search(line) for line in table.notes)


def ratios(table: Columns, energy: Doubles) -> Iterator[Candidate]:
    """Ratios of counts by their names: ln(I0/It), sums of fluorescence over I0, and the reference ln(It/Ir)."""
    incident = _of_role(table, "i0")
    for it in _of_role(table, "it"):
        for i0 in _monitors(table, incident, it):
            yield Candidate(table, energy, f"ln({quoted(table, i0)}/{quoted(table, it)})", "transmission")
        for ir in _of_role(table, "ir"):
            yield Candidate(table, energy, f"ln({quoted(table, it)}/{quoted(table, ir)})", "reference")
    for group in _fluorescence(table, energy):
        for i0 in _monitors(table, incident, group[0]):
            total = " + ".join(quoted(table, at) for at in group)
            above = f"({total})" if len(group) > 1 else total
            yield Candidate(table, energy, f"{above}/{quoted(table, i0)}", "fluorescence")


def references(table: Columns, energy: Doubles) -> list[Candidate]:
    """The columns that hold the absorbance of a reference by their names."""
    found = [at for at, name in enumerate(table.names) if role_of(name) == "reference_mu"]
    return [Candidate(table, energy, quoted(table, at), "reference") for at in found]


def _of_role(table: Columns, role: str) -> list[int]:
    """Columns of a role that are not zero, and change if they are no monitor."""
    found = [at for at, name in enumerate(table.names) if role_of(name) == role]
    columns = {at: table.values[:, at][np.isfinite(table.values[:, at])] for at in found}
    return [at for at, column in columns.items() if column.any() and (role == "i0" or np.ptp(column) > 0)]


def _monitors(table: Columns, incident: list[int], signal: int) -> list[int]:
    """The monitors of a signal: of its own device where there is one, those with corrected counts before others."""
    device = table.names[signal].rpartition(":")[0]
    own = [at for at in incident if table.names[at].rpartition(":")[0] == device]
    return own or incident


def _fluorescence(table: Columns, energy: Doubles) -> list[list[int]]:
    """Groups of detector elements: of lines of an element whose edge was scanned, dead time corrected, if there are."""
    groups: dict[str, list[int]] = {}
    for at in (*_of_role(table, "if"), *_of_role(table, "yield")):
        groups.setdefault(stem_of(table.names[at]), []).append(at)
    found = list(groups.values())
    lines = [group for group in found if line_element(table.names[group[0]])]
    scanned = [group for group in lines if _has_edge(line_element(table.names[group[0]]), energy)]
    if lines:
        return scanned
    corrected = [group for group in found if CORRECTED.search(table.names[group[0]])]
    return corrected or found


def _has_edge(element: str, energy: Doubles) -> bool:
    """Whether an edge of an element lies among energies, or at their end."""
    import xraydb

    try:
        edges = xraydb.xray_edges(element)
    except ValueError:
        return False
    low, high = float(energy.min()), float(energy.max())
    return any(low < edge.energy < high * 1.002 for edge in edges.values())


def unknown_columns(table: Columns, at: int) -> list[int]:
    """The columns beside the energies whose names say nothing."""
    return [k for k, name in enumerate(table.names) if k != at and role_of(name) == ""]


def computed(table: Columns, energy: Doubles, at: int) -> list[Candidate]:
    """Columns of unknown meaning that are the logarithm of a ratio of two others: they hold absorbance.

    Those of a reference by name are left out.
    """
    count = len(table.names)
    columns = table.values
    usable = [k for k in range(count) if k != at and (columns[:, k] > 0).all() and np.ptp(columns[:, k]) > 0]
    usable = usable[:MOST_PAIRED]
    found = []
    for k in unknown_columns(table, at)[:MOST_PAIRED]:
        scale = np.ptp(columns[:, k])
        with np.errstate(all="ignore"):
            logs = {j: np.log(columns[:, j]) for j in usable if j != k}
        pairs = ((i, j) for i in logs for j in logs if i != j)
        if scale > 0 and any(
            np.abs(logs[i] - logs[j] - columns[:, k]).max() < 1e-4 * scale for i, j in pairs
        ):
            found.append(Candidate(table, energy, quoted(table, k), "absorbance"))
    return found


def are_counts(values: Doubles) -> bool:
    """Whether numbers are whole, and too large for a coarse absorbance."""
    return bool(np.abs(values).max() >= FEWEST_COUNTS and (values == np.round(values)).all())


def suggestions(table: Columns, energy: Doubles, at: int) -> list[Candidate]:
    """What has an edge among columns of unknown meaning that are no counts, and ratios of such columns; four at most."""
    columns = unknown_columns(table, at)[:MOST_PAIRED]
    texts = [quoted(table, k) for k in columns]
    pairs = [f"ln({a}/{b})" for a, b in pairwise(texts)]
    monitors = [quoted(table, k) for k in _of_role(table, "i0")[:2]]
    over = [text for i0 in monitors for a in texts for text in (f"ln({i0}/{a})", f"{a}/{i0}")]
    small = [
        text
        for text, k in zip(texts, columns, strict=True)
        if SMALLEST_MU < np.abs(table.values[:, k]).max() < LARGEST_MU
    ]
    found = [Candidate(table, energy, text, "unknown") for text in (*small, *over, *pairs)]
    return [one for one in found if one.edge.clear][:4]
