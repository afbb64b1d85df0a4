"""Spectra of tables of columns: energies and absorbance as they are told or found, checked, sorted and named."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers.column_roles import energies_of, scans_of
from xafsflow.io.readers.spectra.absorbance_candidates import (
    LARGEST_MU,
    Candidate,
    in_order,
    quoted,
    unknown_columns,
)
from xafsflow.io.readers.spectra.absorbance_choice import choose, told
from xafsflow.io.readers.spectra.beamline_names import role_of
from xafsflow.io.readers.spectra.element_names import edge_name, element_symbol
from xafsflow.io.readers.spectrum_library import Spectrum, tabulated_edge
from xafsflow.io.readers.text_columns import Columns
from xafsflow.kernels.array_types import Doubles
from xafsflow.vocabulary import nearest

MIN_POINTS = 5
MOST_LISTED = 20
NEAR = 0.01  # of the energy; monochromators are off by less
FAR = 0.03  # of the energy; an element's edge farther from the scan contradicts it


@dataclass(frozen=True)
class Told:
    """What the user says of a file: its column of energies, its absorbance, and which of several entries."""

    energy: str | None = None
    mu: str | None = None
    entry: str | None = None


Scan: TypeAlias = tuple[Columns, int, Doubles]  # a table, the index of its energies, and these in eV


def _scan(table: Columns, said: Told) -> Scan:
    return table, *energies_of(table, said.energy)


def _scans(tables: Sequence[Columns], said: Told) -> list[Columns]:
    return [scan for table in tables for scan in scans_of(table, said.energy)]


def _spectrum(scan: Scan, said: Told) -> Spectrum:
    """The spectrum of a table over its energies."""
    table, at, energy = scan
    mu = told(table, energy, at, said.mu) if said.mu is not None else choose(table, energy, at)
    return _made(table, at, energy, mu)


def _spectra(scan: Scan, said: Told) -> list[Spectrum]:
    """Every spectrum of a table: one, or those of all columns where each has an edge and none is a detector."""
    table, at, energy = scan
    if said.mu is None and (columns := _of_many(table, energy, at)):
        return [_made(table, at, energy, one) for one in columns]
    return [_spectrum(scan, said)]


def _of_many(table: Columns, energy: Doubles, at: int) -> list[Candidate]:
    """The columns of a table of many named spectra, empty where it is none."""
    others = [k for k in range(len(table.names)) if k != at]
    if len(others) < 2 or others != unknown_columns(table, at) or not all(table.names[k] for k in others):
        return []
    if np.abs(table.values[:, others]).max() > LARGEST_MU:
        return []
    found = [Candidate(table, energy, quoted(table, k), "absorbance") for k in others]
    return found if all(one.edge.clear is not False for one in found) else []


def of_tables(tables: Sequence[Columns], said: Told) -> Spectrum:
    """The spectrum of a file with several tables: of the entry that is told, or of the only one with a spectrum.

    Raises
    ------
    InputError
        No entry has that name, none holds a spectrum, or several do; the message lists them.
    """
    tables = _scans(tables, said)
    chosen = _entry(tables, said.entry) if said.entry is not None else tables
    if len(chosen) == 1:
        return _spectrum(_scan(chosen[0], said), said)
    path, scans, problems = tables[0].path, list[Scan](), list[InputError]()
    for table in chosen:
        try:
            scans.append(_scan(table, said))
        except InputError as error:
            problems.append(error)
    if len(scans) == 1:
        return _spectrum(scans[0], said)
    if scans:
        listed = "; ".join(
            f"{table.entry} ({_span(table, energy)})" for table, _, energy in scans[:MOST_LISTED]
        )
        found = f"{path} with {len(scans)} scans of the energy: {listed}"
        raise InputError(found, "one spectrum", f"say which with entry: {scans[0][0].entry}")
    listed = ", ".join(table.entry for table in chosen[:MOST_LISTED])
    found = f"{path} with {len(chosen)} entries ({listed}), none of them over the energy"
    raise InputError(found, problems[0].expected, problems[0].action)


def all_of_tables(tables: Sequence[Columns], said: Told) -> list[Spectrum]:
    """Every spectrum of a file with several tables.

    Raises
    ------
    InputError
        None holds a spectrum; the message is that of the first over the energy, else of the first.
    """
    found: list[Spectrum] = []
    without, asking = list[InputError](), list[InputError]()
    tables = _scans(tables, said)
    for table in _entry(tables, said.entry) if said.entry is not None else tables:
        try:
            scan = _scan(table, said)
        except InputError as error:
            without.append(error)
            continue
        try:
            found += _spectra(scan, said)
        except InputError as error:
            asking.append(error)
    if not found:
        raise [*asking, *without][0]
    return found


def _span(table: Columns, energy: Doubles) -> str:
    edge = f"{element_symbol(table.header.get('element.symbol', ''))} {edge_name(table.header.get('element.edge', ''))}"
    return f"{edge}, {energy.min():.1f} to {energy.max():.1f} eV".lstrip(" ,")


def _entry(tables: Sequence[Columns], wanted: str) -> list[Columns]:
    """The tables of an entry, by its name in any case."""
    key = wanted.strip().strip("/").lower()
    found = [table for table in tables if table.entry.strip("/").lower() == key]
    if not found:
        names = [table.entry for table in tables]
        if names == [""]:
            raise InputError(f"{tables[0].path} with one table", "no entry", "leave entry out")
        raise InputError(
            f"{tables[0].path} without an entry {wanted!r}",
            f"one of {', '.join(names[:40])}",
            f"mend the name{nearest(wanted, names)}",
        )
    if len(found) > 1:
        raise InputError(f"{tables[0].path} with {len(found)} entries {wanted!r}", "one", "split the file")
    return found


def _made(table: Columns, at: int, energy: Doubles, mu: Candidate) -> Spectrum:
    repeated = len(energy) - len(np.unique(energy))
    sorted_energy, values = in_order(energy, mu.values)
    if repeated:
        _tell_repeated(table, energy)
    _tell_shift(table)
    if len(sorted_energy) < MIN_POINTS:
        found = f"{table.place} with {len(sorted_energy)} energies"
        raise InputError(found, f"{MIN_POINTS} or more", "give a whole spectrum")
    element = element_symbol(table.header.get("element.symbol", ""))
    edge = edge_name(table.header.get("element.edge", ""))
    if element and edge:
        _check_edge(table, sorted_energy, mu, f"{element} {edge}", tabulated_edge(element, edge))
    return Spectrum(
        name=_name(table, mu),
        energy=sorted_energy,
        mu=values,
        element=element,
        edge=edge if element else "",
        columns=(table.shown(at), *(table.shown(k) for k in mu.used)),
        source=table.path,
        metadata=table.header,
    )


def _name(table: Columns, mu: Candidate) -> str:
    """That of the entry, or of a column that is called as a compound, or of the file."""
    stem = table.path.stem
    if inner := table.entry.strip("/"):
        return f"{stem} {inner}" if inner.isdecimal() else inner
    own = table.names[mu.used[0]] if len(mu.used) == 1 else ""
    only = len(table.names) == 2
    return own if own and not only and role_of(own) == "" else stem


def _check_edge(table: Columns, energy: Doubles, mu: Candidate, name: str, place: float) -> None:
    """Refuse a header whose element has its edge far from the energies; say if the spectrum rises elsewhere."""
    low, high = energy[0], energy[-1]
    if not low * (1 - FAR) < place < high * (1 + FAR):
        found = f"{table.place}: the header says {name} ({place:.1f} eV), the energies go from {low:.1f} to"
        raise InputError(
            f"{found} {high:.1f} eV", "energies around that edge", "mend the header or the energies"
        )
    if mu.edge.clear and abs(mu.edge.energy - place) > NEAR * place:
        found = f"{table.place}: the header says {name} ({place:.1f} eV), {mu.text} has its {mu.edge.shown}"
        if mu.kind == "unknown":
            raise InputError(found, "an edge there", f"say which column is the absorbance with mu: {mu.text}")
        warnings.warn(found, XafsflowWarning, stacklevel=4)


def _tell_repeated(table: Columns, energy: Doubles) -> None:
    unique, times = np.unique(energy, return_counts=True)
    repeated = unique[times > 1]
    first = f"the first {repeated[0]:.10g} eV"
    text = f"{table.place}: {len(repeated)} energies repeat ({first}), their means are taken"
    warnings.warn(text, XafsflowWarning, stacklevel=4)


def _tell_shift(table: Columns) -> None:
    """Say that the energies are without the shift that somebody gave them in Athena."""
    try:
        shift = float(table.header.get("athena.bkg_eshift", "0"))
    except ValueError:
        return
    if shift:
        text = f"{table.place}: the energies are as measured, without the shift of {shift:+g} eV that Athena adds"
        warnings.warn(f"{text}; export the group as mu(E) to have it in them", XafsflowWarning, stacklevel=4)
