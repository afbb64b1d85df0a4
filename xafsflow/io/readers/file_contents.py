"""What files hold, told from their headers: images without their pixels, spectra and patterns by their points."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError, XafsflowWarning
from xafsflow.io.folders import natural_key
from xafsflow.io.readers import ImageStack, format_name, list_inside, open_scan, read_spectra
from xafsflow.io.readers.energy_names import energies_from_names
from xafsflow.io.readers.image_scan import ImageScan, Inside
from xafsflow.io.readers.patterns import pattern_format, read_pattern
from xafsflow.io.readers.stack_energies import read_energies
from xafsflow.kernels.array_types import Doubles

NUMBERS = re.compile(r"[0-9]+(?:[.,p][0-9]+)*")
# Spectra, and other things of which a file may hold thousands, that are told one by one.
MOST_TOLD = 20
# A folder with more groups of files is no measurement.
MOST_GROUPS = 200


@dataclass
class Contents:
    """What a file or a group of files holds.

    Parameters
    ----------
    place
        The file, or a pattern of several.
    kind
        `images`, `spectra`, `pattern`, `energies`, or `unknown`.
    format
        The name of the format.
    facts
        What is told, by its name, in the order in which it is shown; numbers as they are, for JSON.
    inside
        What can be named behind `::`.
    notes
        What the user must know.
    refused
        Why it cannot be read as this kind; empty where it can.
    """

    place: str
    kind: str
    format: str
    facts: dict[str, object] = field(default_factory=dict)
    inside: list[Inside] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: str = ""


def contents_of(path: Path, inside: str | None = None) -> list[Contents]:
    """What a file holds: one entry for each kind of data that it can be read as.

    Parameters
    ----------
    path
        The file, or a folder that is one thing (Zarr).
    inside
        The path within it.

    Raises
    ------
    InputError
        It cannot be read as anything (says why not, for each kind that it looks like).

    Examples
    --------
    >>> import tifffile
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     tifffile.imwrite(f"{folder}/fe_7112.5_eV.tif", np.zeros((4, 5), np.uint16))
    ...     contents_of(Path(folder, "fe_7112.5_eV.tif"))[0].facts["images"]
    1
    """
    kinds: list[tuple[str, str | None, Callable[[Contents], None]]] = [
        ("images", format_name(path, "images"), lambda told: _images(told, [path], inside)),
    ]
    if inside is None:
        kinds += [
            ("spectra", format_name(path, "spectra"), lambda told: _spectra(told, path)),
            ("pattern", pattern_format(path), lambda told: _pattern(told, path)),
        ]
    found = [_told(Contents(str(path), kind, name), tell) for kind, name, tell in kinds if name is not None]
    good = [one for one in found if not one.refused or one.inside]
    table = format_name(path, "energies")
    if not good and table is not None and inside is None:
        found.append(_told(Contents(str(path), "energies", table), lambda told: _table(told, path)))
        good = [one for one in found if not one.refused]
    if good:
        return good
    if not found:
        raise InputError(
            f"{path}, of no format that is known",
            "images, spectra, a diffraction pattern or a table of energies",
            "see the pages on formats, or export the file in another one",
        )
    raise InputError(
        "\n".join(one.refused if len(found) == 1 else f"As {one.kind}: {one.refused}" for one in found)
    )


def groups_of(folder: Path) -> list[Contents]:
    """What the files of a folder are, one entry for each group whose names differ by numbers only.

    Raises
    ------
    InputError
        There is no such folder, it may not be listed, or holds no file.
    """
    try:
        files = [one for one in folder.iterdir() if not one.name.startswith(".")]
        folders = [one for one in files if one.is_dir() and not _is_stack(one)]
        files += [two for one in folders for two in one.iterdir() if not two.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}", "a readable folder", "check the path") from None
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in sorted(files, key=lambda one: natural_key(one.relative_to(folder))):
        if path.is_file() or _is_stack(path):
            groups.setdefault((path.parent, NUMBERS.sub("#", path.name)), []).append(path)
    if not groups:
        raise InputError(f"{folder} without a file", "a folder with files", "name another folder")
    return [_group(folder, paths) for paths in list(groups.values())[:MOST_GROUPS]]


def energies_of(scan: ImageScan, paths: Sequence[Path]) -> tuple[Doubles, str]:
    """The energies of a scan, eV, and where they stand: in the files, else in their names.

    Raises
    ------
    InputError
        Neither tells them, or there is one image only.
    """
    count = scan.images.shape[0]
    if count == 1:
        raise InputError(
            f"{paths[0]} with one image, a map and not a stack",
            "one image an energy",
            "name all files of the scan",
        )
    if scan.energies is not None:
        return scan.energies, "file"
    if len(paths) != count:
        flat = ", no flat field" if scan.flat_field is None and scan.quantity == "counts" else ""
        raise InputError(
            f"{paths[0]} with {count} images, no energies{flat}",
            "one energy an image",
            "give a file of energies with the header energy_eV",
        )
    return energies_from_names([path.name for path in paths]).values, "names"


def pattern_of_names(paths: Sequence[Path], folder: Path) -> str:
    """A pattern for files whose names differ by numbers, which a recipe can have.

    Examples
    --------
    >>> pattern_of_names([Path("a/s1_7112.5.tif"), Path("a/s1_7113.0.tif")], Path("a"))
    's1_[0-9]*.tif'
    """
    names = [str(path.relative_to(folder)) for path in paths]
    if len(names) == 1:
        return names[0]
    parts = [NUMBERS.split(name) for name in names]
    numbers = [NUMBERS.findall(name) for name in names]
    shown = parts[0][0]
    for place, behind in enumerate(parts[0][1:]):
        values = {one[place] for one in numbers}
        shown += (values.pop() if len(values) == 1 else "[0-9]*") + behind
    return shown


def _told(told: Contents, tell: Callable[[Contents], None]) -> Contents:
    """Warnings become notes, and an error the reason of a refusal."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XafsflowWarning)
        try:
            tell(told)
        except InputError as error:
            told.refused = str(error)
    told.notes += list(dict.fromkeys(str(one.message) for one in caught if one.category is XafsflowWarning))
    return told


def _images(told: Contents, paths: Sequence[Path], inside: str | None) -> None:
    if inside is None:
        told.inside = list_inside(paths[0])
    scan = open_scan(paths, inside)
    count, rows, columns = scan.images.shape
    told.facts |= {"layout": scan.layout, "inside": scan.inside, "images": count, "rows": rows}
    told.facts |= {"columns": columns, "dtype": scan.images.dtype.name}
    try:
        energies, where = (scan.energies, "file") if count == 1 else energies_of(scan, paths)
    except InputError as error:
        energies, where = None, ""
        told.notes.append(f"no stack over energy as it is: {error}")
    if energies is not None:
        different = len(np.unique(energies))
        told.facts |= {"energies": different, "first_energy": float(energies[0])}
        told.facts |= {"last_energy": float(energies[-1]), "energy_unit_in_file": scan.energy_unit}
        if different < count:
            told.notes.append(f"{different} energies in {count} images: some were taken more than once")
        told.facts["energies_from"] = where
    told.facts |= {"quantity": scan.quantity, "pixel_size_um": scan.pixel_size_um}
    told.facts |= {"flat_field_images": _count(scan.flat_field), "dark_images": _count(scan.dark)}
    told.facts["beam_monitor"] = scan.counter is not None
    told.notes += _missing(scan, energies)


def _count(stack: ImageStack | None) -> int:
    return 0 if stack is None else stack.shape[0]


def _table(told: Contents, path: Path) -> None:
    energies = read_energies(path)
    told.facts |= {"energies": len(energies), "first_energy": float(energies[0])}
    told.facts |= {"last_energy": float(energies[-1]), "energy_unit_in_file": None, "energies_from": "file"}


def _missing(scan: ImageScan, energies: Doubles | None) -> list[str]:
    """What counts lack to become absorbance."""
    if scan.quantity != "counts":
        return []
    notes = []
    if scan.dark is None:
        notes.append("no dark images in the file: the detector's level without beam stays in the counts")
    if scan.flat_field is None:
        notes.append("no images without sample in the file: name a flat field, or a region without sample")
    elif energies is not None and scan.flat_field.shape[0] == 1 < len(energies):
        notes.append("one flat image for all energies: the beam's change with energy stays in the counts")
    return notes


def _spectra(told: Contents, path: Path) -> None:
    spectra = read_spectra(path)
    if not spectra:
        raise InputError(f"{path} without a spectrum", "a column beside the energies", "name another file")
    told.facts["spectra"] = len(spectra)
    told.facts["columns"] = list(spectra[0].columns)
    for spectrum in spectra[:MOST_TOLD]:
        told.facts[spectrum.name] = {
            "element": spectrum.element,
            "edge": spectrum.edge,
            "points": len(spectrum.energy),
            "first_energy": float(spectrum.energy[0]),
            "last_energy": float(spectrum.energy[-1]),
            "lowest": float(np.min(spectrum.mu)),
            "highest": float(np.max(spectrum.mu)),
        }


def _pattern(told: Contents, path: Path) -> None:
    pattern = read_pattern(path)
    told.facts["points"] = len(pattern.two_theta)
    told.facts["first_two_theta"] = float(pattern.two_theta[0])
    told.facts["last_two_theta"] = float(pattern.two_theta[-1])
    told.facts["wavelength_angstrom"] = pattern.wavelength


def _is_stack(path: Path) -> bool:
    """Whether a folder is one stack, such as a Zarr array."""
    try:
        return format_name(path, "images") is not None
    except InputError:
        return False


def _group(folder: Path, paths: Sequence[Path]) -> Contents:
    place = pattern_of_names(paths, folder)
    files: dict[str, object] = {"files": len(paths)}
    if (headers := _headers_of(paths[0])) is not None:
        return Contents(place, "images", f"pixels of {headers.name}", files)
    try:
        name = format_name(paths[0], "images")
        if name is not None:
            return _told(Contents(place, "images", name, files), lambda told: _images(told, paths, None))
        first = contents_of(paths[0])[0]
    except InputError as error:
        return Contents(place, "unknown", "", files, refused=str(error))
    return Contents(place, first.kind, first.format, {**files, **first.facts}, notes=first.notes)


def _headers_of(path: Path) -> Path | None:
    """The header that a file of pixels belongs to: `scan_a000.xim` to `scan.hdr`."""
    if path.suffix.lower() != ".xim":
        return None
    header = path.with_name(path.stem.rpartition("_")[0] + ".hdr")
    return header if header.is_file() else None
