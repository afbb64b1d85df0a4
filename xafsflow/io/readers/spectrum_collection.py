"""Many files of spectra, as collections are: with files that are no spectra among them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.readers import read_spectra
from xafsflow.io.readers.spectra.edge_check import edge_of
from xafsflow.io.readers.spectrum_library import Spectrum, edge_inside, tabulated_edge

NEAR = 0.01  # of the energy; monochromators are off by less


def read_collection(
    paths: Sequence[Path], energy: str | None = None, mu: str | None = None
) -> list[Spectrum]:
    r"""Every spectrum of every file that is one; an XafsflowWarning names what is left out, and why.

    A file gives the spectrum of each of its entries; a table of named spectra beside one energy gives them all. Left out
    are files that cannot be read, spectra without a clear edge, those of another element or edge than most have, and those
    that do not reach below and above their edge.

    Parameters
    ----------
    paths
        The files.
    energy, mu
        As for `read_spectrum`, for all the files.

    Raises
    ------
    InputError
        No spectrum is left.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "iron.dat")
    ...     rows = "\n".join(f"{7100 + 5 * k} {k / 8} {k * k / 64}" for k in range(8))
    ...     _ = path.write_text("# energy rust steel\n" + rows)
    ...     [spectrum.name for spectrum in read_collection([path])]
    ['rust', 'steel']
    """
    found: list[Spectrum] = []
    for path in paths:
        try:
            found += read_spectra(path, energy, mu)
        except InputError as error:
            _warn(f"{path.name} is left out: {error.found}")
    kinds = Counter((one.element, one.edge) for one in found if one.element)
    most = kinds.most_common(1)[0][0] if kinds else ("", "")
    fitting = [one for one in found if _fits(one, most)]
    if not fitting:
        raise InputError(
            f"no spectrum in {len(paths)} files", "one or more", "check the files and their columns"
        )
    return _named(fitting)


def _fits(one: Spectrum, most: tuple[str, str]) -> bool:
    """Whether a spectrum belongs to the edge that most have; the measured edge tells it of one without an element."""
    name, edge = " ".join(most), edge_of(one.energy, one.mu)
    problem = ""
    if one.element and (one.element, one.edge) != most:
        problem = f"the {one.element} {one.edge} edge, where most have {name}"
    elif edge.clear is False:
        problem = edge.shown
    elif all(most):
        place = tabulated_edge(*most)
        if not edge_inside(one.energy, place):
            problem = f"{one.energy[0]:.0f} to {one.energy[-1]:.0f} eV without the {name} edge"
        elif not one.element and edge.clear and abs(edge.energy - place) > NEAR * place:
            problem = f"{edge.shown}, where most have {name}"
    if problem:
        _warn(f"{one.name} is left out: {problem}")
    return not problem


def _named(spectra: list[Spectrum]) -> list[Spectrum]:
    """Names that are there twice get the name of their file behind them."""
    times = Counter(one.name for one in spectra)
    return [
        replace(one, name=f"{one.name} ({one.source.name})") if times[one.name] > 1 else one
        for one in spectra
    ]


def _warn(text: str) -> None:
    warnings.warn(text, XafsflowWarning, stacklevel=3)
