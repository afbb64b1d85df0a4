"""Which candidate is the absorbance of a table: the only one with an edge, else the user is asked."""

from __future__ import annotations

import warnings

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.spectra.absorbance_candidates import (
    Candidate,
    are_counts,
    computed,
    named,
    quoted,
    ratios,
    references,
    suggestions,
    unknown_columns,
)
from xafsflow.io.readers.spectra.beamline_names import role_of
from xafsflow.io.readers.spectra.column_expression import Name, parse
from xafsflow.io.readers.spectra.edge_check import FEWEST
from xafsflow.io.readers.text_columns import Columns
from xafsflow.kernels.array_types import Doubles

ENOUGH_TRANSMISSION = (
    0.05  # step of absorbance above which transmission is taken although fluorescence has an edge, too
)
FAINT = 0.2  # of the clearest edge over its scatter; what is fainter is no choice
SAY = "say what it is with mu: NAME, or of counts with mu: ln(I0/It) or mu: If/I0"


def told(table: Columns, energy: Doubles, at: int, text: str) -> Candidate:
    """What the user says: a column by name or number, or an expression.

    Raises
    ------
    InputError
        It is the column of the energies, counts alone, or cannot be computed.
    """
    index = table.find(text)
    chosen = Candidate(table, energy, quoted(table, index) if index is not None else text, "absorbance")
    tree = parse(chosen.text)
    used = chosen.used
    if at in used and isinstance(tree, Name):
        raise InputError(
            f"{table.place} and the column of its energies", "one of absorbance", f"choose of {table.listing}"
        )
    if isinstance(tree, Name) and role_of(table.names[used[0]]) in ("i0", "it", "ir"):
        raise InputError(f"{table.place} with counts, {text}, for mu", "absorbance", f"{SAY}")
    _ = chosen.values
    if chosen.edge.clear is False:
        _warn(f"{table.place}: {text} has {chosen.edge.shown}")
    return chosen


def choose(table: Columns, energy: Doubles, at: int) -> Candidate:
    """The absorbance when nothing is said.

    A column that is called so, if it has an edge; else the ratio of counts that has one, transmission before fluorescence
    where its step is above 0.05; else a column that is called so; else the only column beside the energies.

    Raises
    ------
    InputError
        Nothing can be chosen; the message shows what could be, each with its edge.
    """
    by_name = named(table, energy)
    sure = next((one for one in by_name if one.edge.clear is not False), None)
    if sure is not None:
        _refuse_twins(table, sure, by_name)
        return sure
    found = list(ratios(table, energy))
    counts = [one for one in found if one.kind != "reference"]
    if (ratio := _ratio(table, counts)) is not None:
        return ratio
    if by_name:
        _ = by_name[0].values
        _refuse_negative(table, energy, by_name[0])
        _warn(f"{table.place}: {by_name[0].text} has {by_name[0].edge.shown}")
        return by_name[0]
    if other := _only(table, energy, at) or _computed(table, energy, at):
        return other
    raise _question(table, energy, at, [*counts, *(one for one in found if one.kind == "reference")])


def _refuse_negative(table: Columns, energy: Doubles, chosen: Candidate) -> None:
    """Refuse absorbance that falls where an edge rises: a logarithm of It/I0, or a sign for a plot."""
    if (
        chosen.edge.clear is False
        and (turned := Candidate(table, energy, f"-{chosen.text}", chosen.kind)).edge.clear
    ):
        raise InputError(
            f"{table.place}: {chosen.text} falls at {turned.edge.energy:.1f} eV",
            "absorbance, which rises at an edge",
            f"where it is negative say mu: -{chosen.text}",
        )


def _refuse_twins(table: Columns, chosen: Candidate, by_name: list[Candidate]) -> None:
    """Refuse a name that two columns have."""
    name = table.names[chosen.used[0]].lower()
    twins = [one for one in by_name if table.names[one.used[0]].lower() == name]
    if len(twins) > 1:
        shown = " or ".join(one.shown for one in twins)
        raise InputError(f"{table.place} with {len(twins)} columns {name!r}", "one", f"say which: {shown}")


def _ratio(table: Columns, counts: list[Candidate]) -> Candidate | None:
    """The ratio with an edge, or that with much the clearest one; with too few points to tell the first."""
    clear = [one for one in counts if one.edge.clear]
    through = [one for one in clear if one.kind == "transmission"]
    most = max((one.edge.over_scatter for one in clear), default=0.0)
    best = [one for one in through if one.edge.step > ENOUGH_TRANSMISSION] or [
        one for one in clear if one.edge.over_scatter > FAINT * most
    ]
    if len(best) == 1:
        return best[0]
    if best:
        shown = "; ".join(one.shown for one in best)
        raise InputError(
            f"{table.place}, whose absorbance may be {shown}", "one of them", f"write {best[0].shown}"
        )
    few = [one for one in counts if len(one.energy) < FEWEST and one.edge.clear is None]
    return few[0] if few else None


def _only(table: Columns, energy: Doubles, at: int) -> Candidate | None:
    """The one column beside the energies, if it is not known as counts."""
    others = [k for k in range(len(table.names)) if k != at]
    if len(others) != 1 or others != unknown_columns(table, at):
        return None
    only = Candidate(table, energy, quoted(table, others[0]), "unknown")
    values = only.values  # says in which line it cannot be computed
    return None if only.edge.clear is False or are_counts(values) else only


def _computed(table: Columns, energy: Doubles, at: int) -> Candidate | None:
    found = [one for one in computed(table, energy, at) if one.edge.clear]
    return found[0] if len(found) == 1 else None


def _question(table: Columns, energy: Doubles, at: int, tried: list[Candidate]) -> InputError:
    """What to say where nothing can be chosen: what was tried, and what has an edge."""
    options = [one for one in (*references(table, energy), *tried) if one.edge.clear]
    options += suggestions(table, energy, at)
    found = f"{table.place} with {len(table.names)} columns: {table.listing}"
    if without := [one for one in tried if not one.edge.clear]:
        found += f"; no clear edge in {', '.join(one.text for one in without[:4])}"
        if not options:
            _ = without[0].values  # says in which line it cannot be computed
    wanted = "energy and one more, the absorbance"
    if not options:
        return InputError(found, wanted, SAY)
    shown = " or ".join(one.shown for one in options[:4])
    return InputError(found, wanted, f"say what it is: {shown}")


def _warn(text: str) -> None:
    warnings.warn(text, XafsflowWarning, stacklevel=4)
