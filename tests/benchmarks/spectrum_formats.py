"""Spectra of public formats against the values that other programs find in them; see `formats.py`.

A file is first read as it is. Where the program asks what a column is or which entry is meant, it is told what the user of
that beamline would say (`TOLD`), and the message keeps what it asked.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from format_outcome import Outcome

from xafsflow.errors import InputError
from xafsflow.io.readers import read_spectra, read_spectrum
from xafsflow.io.readers.spectra.edge_check import edge_of
from xafsflow.io.readers.spectrum_collection import read_collection
from xafsflow.io.readers.spectrum_library import Spectrum

DATA = Path("../shared/data/formats")
# What a user says where the file does not: which detector is I0, which of several scans, that the foil is the sample
TOLD: dict[str, dict[str, str]] = {
    "spectra/cls/CLSHXMA.dat": {"mu": "ln(Detector1/Detector2)"},
    "spectra/australian/sxr129577.asc": {"mu": "$6/$5"},
    "spectra/nsls2/Mo_foil_0001-r0003.dat": {"mu": "ln(it/ir)"},
    "spectra/spec/33id_scans_1_2_105.dat": {"entry": "105", "mu": "$15 + 0"},
}
CO_FOIL = "ln(albaem02_ch1/albaem02_ch3)"
NEAR_EDGE = 20.0  # eV between the steepest places that two ways of smoothing find
Right = dict[str, Any]
Read = tuple[Any, list[str]]


def outcomes(data: Path = DATA) -> list[Outcome]:
    """What became of each spectrum of the index and of each case of a spectrum."""
    entries = json.loads((data / "index.json").read_text(encoding="utf-8"))["files"]
    spectra = [one for one in entries if one["path"].startswith("spectra/")]
    found = [outcome_of(data, one["path"], one["right"]) for one in spectra]
    return found + [
        guarded(f"cases/{name}", lambda f=check, n=name: f(data / "cases" / n))
        for name, check in CASES.items()
    ]


def outcome_of(data: Path, path: str, right: Right) -> Outcome:
    """What became of one file of the index."""
    if "expect" in right:
        return guarded(path, lambda: must_refuse(data / path))
    if "scans" in right:
        return guarded(path, lambda: scans(data / path, path, right))
    if "spectra" in right or "entries" in right:
        return guarded(path, lambda: many(data / path, right))
    return guarded(path, lambda: single(data / path, path, right))


def guarded(path: str, check: Callable[[], str]) -> Outcome:
    """The outcome of a check, which gives a message, raises AssertionError where the values are wrong."""
    try:
        return Outcome(path, "read right", check())
    except AssertionError as error:
        return Outcome(path, "wrong", str(error))
    except InputError as error:
        return Outcome(path, "refused", str(error))
    except Exception as error:
        return Outcome(path, "failed", f"{type(error).__name__}: {error}")


def quietly(read: Callable[[], Any]) -> Read:
    """What is read, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return read(), [str(one.message) for one in caught]


def single(file: Path, path: str, right: Right) -> str:
    """A file with one spectrum, told what it is where it asks."""
    asked = ""
    try:
        spectrum, told = quietly(lambda: read_spectrum(file))
    except InputError as error:
        if path not in TOLD:
            raise
        asked = f"asked ({error.action}), and told {TOLD[path]}"
        spectrum, told = quietly(lambda: read_spectrum(file, **TOLD[path]))
    note = same(spectrum, right, " ".join(told))
    return "; ".join(part for part in (asked, note, *told) if part)


def same(spectrum: Spectrum, right: Right, told: str = "") -> str:
    """Compare energies, values, edge and element; what stands otherwise in the file's header is said.

    A value at an energy that was measured twice, as a warning says, is the mean of two of the file's.
    """
    assert right["points"] * 0.98 <= len(spectrum.energy) <= right["points"], "points"
    close(spectrum.energy[0], right["min_energy_eV"], "first energy", 1e-6)
    close(spectrum.energy[-1], right["max_energy_eV"], "last energy", 1e-6)
    for key in ("element", "edge"):
        own = getattr(spectrum, key)
        assert not own or right[key] in (None, own), f"{key} {own}"
    note = ""
    try:
        twice = [float(text) for text in re.findall(r"the first ([\d.]+) eV", told)]
        values = [one for one in right["values"] if not np.isclose(one["energy_eV"], twice, atol=1e-3).any()]
        compare(spectrum, values, spectrum.mu)
    except AssertionError:
        note = otherwise_right(spectrum, right)
    edge = edge_of(spectrum.energy, spectrum.mu)
    if right.get("step") is not None and edge.clear:
        assert abs(edge.energy - right["steepest_rise_eV"]) < NEAR_EDGE, f"edge at {edge.energy:.1f}"
    return note


def compare(spectrum: Spectrum, values: list[Right], mu: np.ndarray) -> None:
    """Compare values at their energies."""
    for value in values:
        at = int(np.argmin(np.abs(spectrum.energy - value["energy_eV"])))
        if np.isclose(spectrum.energy[at], value["energy_eV"], rtol=1e-7, atol=1e-3):
            close(
                mu[at], value["value"], f"value at {value['energy_eV']} eV", 2e-3 * float(np.ptp(mu)) * 1e-2
            )


def otherwise_right(spectrum: Spectrum, right: Right) -> str:
    """Readings that the index names beside its values, or that the file's own header asks for."""
    if "with_offset" in right:  # 9809: counts less the dark counts
        energies = {one["index"]: one["energy_eV"] for one in right["values"]}
        for index, value in re.findall(r"point (\d+) = ([\d.]+)", right["with_offset"]):
            at = int(np.argmin(np.abs(spectrum.energy - energies[int(index)])))
            close(spectrum.mu[at], float(value), f"point {index} with the offset", 1e-7)
        return "dark counts are subtracted, as `with_offset` of the index"
    at = next((k for k, line in enumerate(open_lines(spectrum.source)) if "normalised by i0" in line), None)
    if at is not None:  # the header says that the column is divided by I0, which the index divides again
        numbers = np.loadtxt(spectrum.source)
        i0 = numbers[:, 4][np.argsort(numbers[:, 0])]
        compare(spectrum, right["values"], spectrum.mu / i0)
        return f"line {at + 1} of the header says that the column is divided by I0 already; the index divides once more"
    compare(spectrum, right["values"], spectrum.mu)
    return ""


def open_lines(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text(encoding="latin-1").splitlines()


def close(found: float, right: float, what: str, tolerance: float) -> None:
    """Compare two numbers; those of the index have eight digits."""
    assert np.isclose(found, right, rtol=2e-7, atol=max(tolerance, 1e-9)), (
        f"{what}: {found!r}, right is {right!r}"
    )


def must_refuse(file: Path) -> str:
    """A file without a spectrum: every way of reading it must refuse."""
    said = ""
    for read in (read_spectrum, read_spectra):
        try:
            quietly(lambda read=read: read(file))
        except InputError as error:
            said = str(error)
        else:
            raise AssertionError("is read as a spectrum")
    return f"refused: {said}"


def scans(file: Path, path: str, right: Right) -> str:
    """A SPEC file: the program asks which scan, and each that is one is read when it is told."""
    said = ""
    try:
        quietly(lambda: read_spectrum(file))
        raise AssertionError("takes one of several scans in silence")
    except InputError as error:
        said = f"asked ({error.action})"
    for scan in right["scans"]:
        told = TOLD.get(path) or {"entry": scan["scan"], "mu": CO_FOIL}
        if not scan.get("energy_scan", True):
            continue
        spectrum, _ = quietly(lambda told=told: read_spectrum(file, **told))
        if "values" in scan:
            same(spectrum, scan)
        else:
            assert len(spectrum.energy) == scan["points"], "points"
            close(spectrum.energy[0], scan["first_energy_eV"], "first energy", 1e-6)
            close(spectrum.energy[-1], scan["last_energy_eV"], "last energy", 1e-6)
            close(spectrum.mu[0], scan["last_column_first_value"], "last column", 1e-6)
    return said


def many(file: Path, right: Right) -> str:
    """A project, a table of many columns or HDF5: every spectrum, by its name; and one alone when it is told which."""
    spectra, told = quietly(lambda: read_spectra(file))
    found = {one.name: one for one in spectra}
    expected = list(expected_of(right))
    assert len(found) == len(expected), f"{len(found)} spectra of {len(expected)}"
    for label, one in expected:
        name = next(
            key for key in found if key.startswith(label)
        )  # the index cuts labels at a closing parenthesis
        spectrum = found[name]
        low, high = (
            one.get("first_energy_eV", one.get("first_energy")),
            one.get("last_energy_eV", one.get("last_energy")),
        )
        close(spectrum.energy[0], low, f"{name}: first energy", 1e-4)
        close(spectrum.energy[-1], high, f"{name}: last energy", 1e-4)
        assert len(spectrum.energy) == one["points"], f"{name}: points"
        for place, key in ((0, "first"), (one["points"] // 2, "middle"), (-1, "last")):
            value = next(one[k] for k in (f"mu_{key}", f"intensity_{key}", key) if k in one)
            close(spectrum.mu[place], value, f"{name}: {key}", 1e-8)
        if one.get("element"):
            assert (spectrum.element, spectrum.edge) == (one["element"], one["edge"].upper()), (
                f"{name}: element"
            )
    by_mu = "FeLib" in file.name
    alone, _ = quietly(
        lambda: read_spectrum(file, **({"mu": name} if by_mu else {"entry": name} if len(found) > 1 else {}))
    )
    assert np.array_equal(alone.mu, found[name].mu), f"{name}: alone it is another"
    return "; ".join(told)


def expected_of(right: Right) -> Iterator[tuple[str, Right]]:
    """Name and values of each spectrum."""
    if "entries" in right:
        yield from ((one["entry"].strip("/"), one) for one in right["entries"])
    elif isinstance(right["spectra"], dict):
        yield from ((name, {**right, **one}) for name, one in right["spectra"].items())
    else:
        yield from ((one["label"], one) for one in right["spectra"])


def columns_case(name: str, mu: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], str]:
    """A case that is read right when mu is what is made of the file's numbers."""

    def check(folder: Path) -> str:
        numbers = np.loadtxt(folder / name)
        spectrum, told = quietly(lambda: read_spectrum(folder / name))
        assert np.allclose(spectrum.energy, energy_of(numbers)), "energies"
        assert np.allclose(spectrum.mu, mu(numbers), rtol=1e-9), "values"
        return "; ".join(told)

    return check


def energy_of(numbers: np.ndarray) -> np.ndarray:
    """The column of the cases that holds energies."""
    return numbers[:, 1] if numbers[0, 0] < 1000 else numbers[:, 0]


def candidates(folder: Path) -> str:
    """Counters in a folder of candidates: one spectrum, ln(I0/It), or none."""
    numbers = np.loadtxt(folder / "my_foil.dat")
    spectra, told = quietly(lambda: read_collection([folder / "my_foil.dat"]))
    assert len(spectra) == 1, f"{len(spectra)} spectra"
    assert np.allclose(spectra[0].mu, np.log(numbers[:, 1] / numbers[:, 2])), "values"
    return "; ".join(told)


def no_element(folder: Path) -> str:
    """An element that is called nan is unknown."""
    spectrum, _ = quietly(lambda: read_spectrum(folder / "one.xdi"))
    assert (spectrum.element, spectrum.edge) == ("", ""), f"element {spectrum.element}"
    return columns_case("one.xdi", lambda numbers: numbers[:, 1])(folder)


def utf_16(folder: Path) -> str:
    """UTF-16 is read."""
    numbers = np.loadtxt((folder / "mu.csv").read_text(encoding="utf-16").splitlines()[1:], delimiter=",")
    spectrum, _ = quietly(lambda: read_spectrum(folder / "mu.csv"))
    assert np.array_equal(spectrum.energy, numbers[:, 0]), "energies"
    assert np.array_equal(spectrum.mu, numbers[:, 1]), "values"
    return ""


def project(folder: Path) -> str:
    """A tiny project: five points of one group."""
    (spectrum,), _ = quietly(lambda: read_spectra(folder / "foil.prj"))
    assert spectrum.name == "Fe", spectrum.name
    assert spectrum.energy.tolist() == [7000.0, 7010.0, 7020.0, 7030.0, 7040.0], "energies"
    assert spectrum.mu.tolist() == [0.1, 0.1, 0.2, 0.9, 1.0], "values"
    return ""


CASES: dict[str, Callable[[Path], str]] = {
    "01-fluorescence-xdi": columns_case("foil.xdi", lambda numbers: numbers[:, 1]),
    "02-raw-i0-if": columns_case("foil.dat", lambda numbers: numbers[:, 2] / numbers[:, 1]),
    "03-raw-i0-it": columns_case("foil.dat", lambda numbers: np.log(numbers[:, 1] / numbers[:, 2])),
    "04-candidates-counters": candidates,
    "05-spec-header": columns_case("scan.dat", lambda numbers: numbers[:, 3]),
    "07-angle-as-keV": lambda folder: must_refuse(folder / "scan.dat"),
    "09-k-chi": lambda folder: must_refuse(folder / "chi.dat"),
    "11-element-nan": no_element,
    "20-utf16": utf_16,
    "21-athena-project": project,
}
