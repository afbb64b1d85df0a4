"""What can be read: one file a format, which is asked whether a file is of its format.

A format is a module with `FORMAT`, its name for messages; `detect`, which is given the first bytes of a file; and what its
kind asks for, see the protocols below. To add one, write the module and put its name into `READERS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast, runtime_checkable

from xafsflow.errors import InputError
from xafsflow.io.folders import ZARR

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xafsflow.io.readers.image_scan import ImageScan, Inside
    from xafsflow.io.readers.spectrum_library import Spectrum
    from xafsflow.io.readers.text_columns import Columns

Kind = Literal["images", "spectra", "energies"]

# By kind; asked in this order.
READERS: dict[Kind, tuple[str, ...]] = {
    "images": (
        "xafsflow.io.readers.tiff_stack",
        "xafsflow.io.readers.images.hdf5.hdf5_images",
        "xafsflow.io.readers.images.xradia_images",
        "xafsflow.io.readers.images.itex_images",
        "xafsflow.io.readers.images.edf_images",
        "xafsflow.io.readers.images.stxm_images",
        "xafsflow.io.readers.images.zarr_images",
    ),
    "spectra": (
        "xafsflow.io.readers.spectra.athena_project",
        "xafsflow.io.readers.spectra.hdf5_spectra",
        "xafsflow.io.readers.spectra.spec_scans",
        "xafsflow.io.readers.spectra.photon_factory",
        "xafsflow.io.readers.spectrum_text",
    ),
    "energies": ("xafsflow.io.readers.energy_table",),
}
START_BYTES = 512


class ImageStack(Protocol):
    """Images of one shape and type: small, picklable, without open files, read by rows."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Images, rows, columns."""
        ...

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of the pixels, in the byte order of this machine."""
        ...

    @property
    def row_quantum(self) -> int:
        """Rows that cannot be read apart, 1 where each row lies by itself."""
        ...

    def take(self, order: Sequence[int]) -> ImageStack:
        """The images with these numbers (from 0), in this order."""
        ...

    def read_rows(
        self,
        start: int,
        stop: int,
        out: NDArray[np.generic] | None = None,
        columns: slice | None = None,
        threads: int = 1,
    ) -> NDArray[np.generic]:
        """A band of rows of every image, (images, stop - start, columns)."""
        ...

    def read_bands(
        self, bands: Sequence[tuple[int, int]], columns: slice | None = None
    ) -> list[NDArray[np.generic]]:
        """Several bands of rows, from one row to before another; one after the other where nothing is gained otherwise."""
        return [self.read_rows(start, stop, columns=columns) for start, stop in bands]


class Format(Protocol):
    """What every module of a format has."""

    FORMAT: str

    def detect(self, start: bytes) -> bool:
        """Whether a file that begins so is of this format."""
        ...


class ImageFormat(Format, Protocol):
    """Files of images."""

    def open_scan(self, paths: Sequence[Path], inside: str | None = None) -> ImageScan:
        """The images of all the files and what is told of them; only headers are read.

        `inside` is the path of the images within a file, for formats that hold more than one thing.
        """
        ...


@runtime_checkable
class HoldsSeveral(Protocol):
    """What a format of images has beside, whose files hold more than one thing."""

    def list_inside(self, path: Path) -> list[Inside]:
        """What can be named behind `::`; only headers are read."""
        ...


class SpectrumFormat(Format, Protocol):
    """Files of spectra."""

    def read_tables(self, path: Path) -> Sequence[Columns]:
        """The tables of the file, one at least; which column is what is decided for all formats in one place."""
        ...


class EnergyFormat(Format, Protocol):
    """Tables of energies."""

    def read_column(self, path: Path) -> tuple[list[float], str | None]:
        """The energies as they stand there, and their unit where the file names it."""
        ...

    def read_beside(self, path: Path) -> dict[str, list[str]]:
        """What stands in each line beside the energy, by the names of the columns."""
        ...


def open_scan(paths: Sequence[Path], inside: str | None = None) -> ImageScan:
    """The images of files of one format, in the order of the files and of the images in them, and what is told of them.

    Parameters
    ----------
    paths
        The files.
    inside
        The path of the images within a file, for formats that hold more than one thing.

    Raises
    ------
    InputError
        There is no file, the first is of no format that can be read, or a file is damaged (names file and page).

    Examples
    --------
    >>> import numpy, tifffile
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     tifffile.imwrite(f"{folder}/scan.tif", numpy.zeros((3, 4, 5), numpy.uint16), photometric="minisblack")
    ...     open_scan([Path(folder, "scan.tif")]).images.shape
    (3, 4, 5)
    """
    if not paths:
        raise InputError(
            "no files for a stack", "one file of images at least", "check the pattern or the list of files"
        )
    return cast(ImageFormat, _format_of(paths[0], "images")).open_scan(paths, inside)


def list_inside(path: Path) -> list[Inside]:
    """What can be named behind `::` for the images of a file; empty where its format holds one thing only.

    Raises
    ------
    InputError
        The file is of no format of images, or damaged.
    """
    known = _format_of(path, "images")
    return known.list_inside(path) if isinstance(known, HoldsSeveral) else []


def format_name(path: Path, kind: Kind) -> str | None:
    """What the format of a file is called, None where it is none of this kind.

    Raises
    ------
    InputError
        There is no such file.
    """
    start = _start(path)
    return next((module.FORMAT for module in _formats(kind) if module.detect(start)), None)


def read_spectrum(
    path: Path, energy: str | None = None, mu: str | None = None, entry: str | None = None
) -> Spectrum:
    r"""One spectrum of a file, sorted by energy; what was measured at one energy is averaged, with a warning.

    Parameters
    ----------
    path
        The file; its suffix does not matter.
    energy
        The column of energies, by name or by number from 1. By default by the names that beamlines use.
    mu
        The absorbance: a column by name or number, or an expression such as `ln(I0/It)`, `If/I0` or `(If1 + If2)/I0`. By
        default a column that is called so, or the ratio of counts that has an edge.
    entry
        Which of several: an Athena group, a SPEC scan, an HDF5 group.

    Raises
    ------
    InputError
        The file is of no format that can be read, or holds no such spectrum, or it cannot be told which column is what: the
        message lists what could be meant, each with its edge.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "foil.dat")
    ...     rows = "\n".join(f"{7110 + k} 1.0 {np.exp(-0.1 * k)}" for k in range(6))
    ...     _ = path.write_text("# Energy I0 It\n" + rows)
    ...     spectrum = read_spectrum(path)
    >>> spectrum.name, spectrum.columns, spectrum.mu.round(3).tolist()
    ('foil', ('Energy', 'I0', 'It'), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    """
    from xafsflow.io.readers.spectra.table_spectra import Told, of_tables

    return of_tables(_tables(path), Told(energy, mu, entry))


def read_spectra(
    path: Path, energy: str | None = None, mu: str | None = None, entry: str | None = None
) -> list[Spectrum]:
    """Every spectrum of a file: of each entry, and of each column where a table holds many named spectra.

    Raises
    ------
    InputError
        The file is of no format that can be read, or holds no spectrum.
    """
    from xafsflow.io.readers.spectra.table_spectra import Told, all_of_tables

    return all_of_tables(_tables(path), Told(energy, mu, entry))


def _tables(path: Path) -> Sequence[Columns]:
    return cast(SpectrumFormat, _format_of(path, "spectra")).read_tables(path)


def read_energy_column(path: Path) -> tuple[list[float], str | None]:
    """The energies of a table as they stand there, and their unit where the table names it.

    Raises
    ------
    InputError
        The file is of no format that can be read, or holds no energies.
    """
    return cast(EnergyFormat, _format_of(path, "energies")).read_column(path)


def read_beside_energies(path: Path) -> dict[str, list[str]]:
    """What a table has in each line beside the energy, such as the names of files, by the names of its columns.

    Raises
    ------
    InputError
        The file is of no format that can be read, or holds no energies.
    """
    return cast(EnergyFormat, _format_of(path, "energies")).read_beside(path)


def is_readable(path: Path, kind: Kind) -> bool:
    """Whether a file is of a format of this kind.

    Raises
    ------
    InputError
        There is no such file.
    """
    return format_name(path, kind) is not None


def _formats(kind: Kind) -> list[Format]:
    return [cast(Format, import_module(name)) for name in READERS[kind]]


def _format_of(path: Path, kind: Kind) -> Format:
    start, formats = _start(path), _formats(kind)
    for module in formats:
        if module.detect(start):
            return module
    raise InputError(
        f"{path}, which starts with {start[:8]!r} and is of no known format of {kind}",
        f"one of these formats: {'; '.join(module.FORMAT for module in formats)}",
        "check the path, or export the file in one of these formats",
    )


def _start(path: Path) -> bytes:
    """The first bytes of a file; of a folder that is one thing, the name of the file that marks it."""
    try:
        if path.is_dir() and (marker := next((name for name in ZARR if (path / name).is_file()), None)):
            return marker.encode()
        with open(path, "rb") as file:
            return file.read(START_BYTES)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {why}", "a readable file", "check the path and its spelling") from None
