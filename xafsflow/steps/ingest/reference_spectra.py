"""Reference spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xafsflow.errors import InputError
from xafsflow.step_table import step


@step(makes="library", example={"files": {"Fe": "references/Fe.xdi", "FeO": "references/FeO.xdi"}})
def references(
    data: Any,
    /,
    *,
    files: dict[str, str],
    energy: str | int | dict[str, str | int] | None = None,
    mu: str | int | dict[str, str | int] | None = None,
    entry: dict[str, str | int] = {},  # noqa: B006
    offsets: dict[str, float] = {},  # noqa: B006
) -> xr.Dataset:
    """Reference spectra as a library.

    Parameters
    ----------
    files
        Name of each reference, and its file: XDI, columns of text as beamlines write them, an Athena project, SPEC, 9809,
        HDF5. Relative to the data folder, or to the references folder with the prefix `references:`.
    energy
        The column of energies, by name or by number from 1: one for all files, or by name of a reference. By default it is
        found by the names that beamlines use.
    mu
        The absorbance, as `energy`: a column, or an expression of columns such as `ln(I0/It)`, `If/I0` or
        `(If1 + If2)/I0`, with `ln`, `+ - * /`, parentheses and numbers; a name with other signs stands in quotes, as
        `ln('I0-32'/'It-32')`, and `$3` is the third column. By default it is a column that is called so, or the ratio of
        counts that has an edge.
    entry
        By name of a reference, which spectrum of a file with several: an Athena group, a SPEC scan, an HDF5 group.
    offsets
        By name of a reference, eV to be added to its energies.

    Returns
    -------
    Dataset
        `energy` and `mu` (spectrum, point), NaN behind the end of a spectrum; names in `spectrum`.

    Raises
    ------
    InputError
        A file is missing or holds no spectrum, or it cannot be told what its columns are: the message shows what they may
        be, each with its edge. References of different elements.
    """
    from dataclasses import replace

    from xafsflow.io.folders import Folders
    from xafsflow.io.readers import read_spectrum
    from xafsflow.io.readers.spectrum_library import library_of
    from xafsflow.vocabulary import nearest

    folders = Folders.of(data)
    for setting, given in (("energy", energy), ("mu", mu), ("entry", entry), ("offsets", offsets)):
        for name in given if isinstance(given, dict) else ():
            if name not in files:
                raise InputError(
                    f"{name!r} in {setting}",
                    f"one of {', '.join(files)}",
                    f"mend the name{nearest(name, files)}",
                )
    spectra = []
    for name, file in files.items():
        said = {key: _for(name, value) for key, value in (("energy", energy), ("mu", mu), ("entry", entry))}
        one = read_spectrum(folders.resolve(file), **said)
        spectra.append(replace(one, name=name, energy=one.energy + offsets.get(name, 0.0)))
    elements = {one.element for one in spectra if one.element}
    if len(elements) > 1:
        told = ", ".join(f"{one.name}: {one.element or 'unknown'}" for one in spectra)
        raise InputError(
            f"references of different elements ({told})", "one element", "check the files of the references"
        )
    return library_of(spectra)


def _for(name: str, given: str | int | dict[str, str | int] | None) -> str | None:
    """What is said of one reference."""
    value = given.get(name) if isinstance(given, dict) else given
    return None if value is None else str(value)


@step(makes="candidates", example={"files": ["references/*.xdi"]})
def candidates(
    data: Any, /, *, files: list[str], energy: str | int | None = None, mu: str | int | None = None
) -> xr.Dataset:
    """A whole collection of spectra that might be in the sample, for the judging steps.

    Odd files of the collection are left out and told. The spectra need not cover the scan's energies.

    Parameters
    ----------
    files
        Files or patterns, of all formats of `ingest.references`; every entry of a file counts, and every column of a table
        of many named spectra. Relative to the data folder, or to the references folder with the prefix `references:`.
    energy, mu
        What the columns of all the files are, as for `ingest.references`.

    Returns
    -------
    Dataset
        As of `ingest.references`; names are those of the files, or of the columns of a table.

    Raises
    ------
    InputError
        No file has a spectrum.
    """
    from xafsflow.io.folders import Folders
    from xafsflow.io.readers.spectrum_collection import read_collection
    from xafsflow.io.readers.spectrum_library import library_of

    folders = Folders.of(data)
    paths = dict.fromkeys(path for pattern in files for path in folders.glob(pattern))
    return library_of(read_collection(list(paths), energy=_for("", energy), mu=_for("", mu)))


def check_cover(library: xr.Dataset, energy: np.ndarray) -> None:
    """Refuse references that do not span the scan's energies.

    Raises
    ------
    InputError
        Names each reference and its range.
    """
    low, high = library.energy.min("point").values, library.energy.max("point").values
    for name, first, last in zip(library.spectrum.values, low, high, strict=True):
        if first > energy[0] + 1e-6 or last < energy[-1] - 1e-6:
            apart = first > energy[-1] or last < energy[0]
            do = (
                "give references of the scan's edge"
                if apart
                else "crop the scan's energies with correct.crop"
            )
            raise InputError(
                f"reference {name} from {first:.1f} to {last:.1f} eV",
                f"{energy[0]:.1f} to {energy[-1]:.1f} eV as the scan has",
                do,
            )
