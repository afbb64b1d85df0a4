"""Read a catalog, a CSV file with a header or a pattern of folders: checked as a whole before anything runs."""

from __future__ import annotations

import csv
import glob
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from xafsflow.errors import InputError, sentences
from xafsflow.io.folders import MAGIC, natural_key
from xafsflow.io.remote.urls import checked, is_url
from xafsflow.vocabulary import nearest

MAX_BYTES = 10_000_000
MAX_LINES = 100_000
MOST_PROBLEMS = 50
LONGEST_NAME = 100
COLUMNS = ("name", "data", "references")
# `entry.setting`; an entry is called like its step, with a point, or by a name of its own.
SETTING = re.compile(r"[a-z]\w*(?:\.[a-z]\w*)?\.[a-zA-Z_]\w*", re.ASCII)
# A name becomes the name of a folder and part of a link.
NAME = re.compile(r"\w(?:[\w .+=,()@#-]*[\w+=)@#-])?")


@dataclass(frozen=True)
class Measurement:
    """One line of a catalog: folders that exist, and settings that differ from the recipe's.

    Parameters
    ----------
    name
        Fit to be the name of a folder, and unlike all others of its catalog.
    data, references
        Absolute paths, or URLs as text.
    overrides
        `step.setting` and its value in YAML.
    line
        Of the file, from 1; of a pattern's matches, the number.
    """

    name: str
    data: Path | str
    references: Path | str | None
    overrides: tuple[tuple[str, str], ...] = ()
    line: int = 0


class Problems(list[str]):
    """What is wrong with a catalog, one line each."""

    def add(self, place: str, found: str, expected: str = "", action: str = "") -> None:
        """A problem at a place such as `FILE:LINE: COLUMN`."""
        self.append(f"{place}: {sentences(found, expected, action)}")


class CatalogError(InputError):
    """All the problems of a catalog, one a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = len(problems) - MOST_PROBLEMS
        shown = problems[:MOST_PROBLEMS] + ([f"and {more} more problems"] if more > 0 else [])
        super().__init__("\n".join(shown))


def read_catalog(
    where: str | Path, references: Path | str | None = None, leave_out: Path | None = None
) -> tuple[Measurement, ...]:
    r"""Read a catalog.

    Parameters
    ----------
    where
        A CSV file with the columns `name`, `data`, if wanted `references`, and any `step.setting`; an empty cell
        of the latter two leaves the default. Paths are relative to the file's folder, which they must not
        leave, or absolute, or URLs. Or a pattern such as `scans/*` whose matches are folders; the names are those of the
        folders, for more than one varying part joined by `_`.
    references
        The folder of references where the catalog names none.
    leave_out
        A folder that is no measurement though a pattern matches it: that of the batch.

    Returns
    -------
    tuple of Measurement
        In the order of the lines, or of the names with numbers by value; one at least.

    Raises
    ------
    InputError
        There is no such file, it is too large, or nothing matches.
    CatalogError
        With every problem of the catalog, each with its line.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("scan_10", "scan_9"):
    ...         Path(folder, name).mkdir()
    ...     _ = Path(folder, "catalog.csv").write_text("name,data,derive.derivative.window\nA,scan_9,4\n")
    ...     [one] = read_catalog(Path(folder, "catalog.csv"))
    ...     [m.name for m in read_catalog(f"{folder}/scan_*")], one.name, one.overrides
    (['scan_9', 'scan_10'], 'A', (('derive.derivative.window', '4'),))
    """
    where = str(where)
    if isinstance(references, Path):
        if not references.is_dir():
            raise InputError(f"no folder {references}", "the folder of the references", "check --references")
        references = references.resolve()
    if is_url(where):
        action = "copy the file here, or write one with one URL per line"
        raise InputError(
            f"the catalog {where}", "a CSV file on this machine; its columns may have URLs", action
        )
    problems = Problems()
    try:
        if Path(where).is_file():
            found = _from_csv(Path(where), references, problems)
        else:
            found = _from_pattern(where, references, leave_out, problems)
    except (OSError, ValueError) as error:
        # A file that may not be read, a NUL or a name too long in the path
        raise InputError(f"{where}: {error}", "a readable catalog", "check the path") from error
    _check_names(where, found, problems)
    if problems:
        raise CatalogError(problems)
    return tuple(found)


def _from_pattern(
    pattern: str, references: Path | str | None, leave_out: Path | None, problems: Problems
) -> list[Measurement]:
    if not MAGIC.search(pattern):
        if Path(pattern).is_dir():
            found, action = f"the folder {pattern}", f'give "{pattern.rstrip("/")}/*" for the folders in it'
        else:
            found, action = f"no file {pattern}", f"check the path{_near(Path(pattern))}"
        raise InputError(found, "a CSV file, or a pattern that folders match", action)
    fixed = len(_unvarying(Path(pattern)))
    out = None if leave_out is None else leave_out.resolve()
    matches = (Path(match) for match in glob.iglob(pattern, recursive=True))
    folders = [path for path in islice(matches, MAX_LINES * 10) if path.is_dir() and path.resolve() != out]
    if not folders:
        raise InputError(
            f"no folder {pattern}", "at least one", "check the pattern; files alone are no measurement"
        )
    if len(folders) > MAX_LINES:
        problems.add(pattern, f"{len(folders)} folders", f"at most {MAX_LINES}")
        return []
    ordered = sorted(folders, key=natural_key)
    return [
        Measurement("_".join(path.parts[fixed:]), path.resolve(), references, (), number)
        for number, path in enumerate(ordered, 1)
    ]


def _unvarying(pattern: Path) -> list[str]:
    """The parts of a pattern before the first that varies.

    Examples
    --------
    >>> _unvarying(Path("archive/2026-*/scan"))
    ['archive']
    """
    parts = list(pattern.parts)
    return parts[: next(i for i, part in enumerate(parts) if MAGIC.search(part))]


def _from_csv(path: Path, references: Path | str | None, problems: Problems) -> list[Measurement]:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path} of {size} bytes", f"a catalog of at most {MAX_BYTES}", "split it")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}, byte {error.start} not UTF-8", "UTF-8", "save it as UTF-8") from error
    lines = _lines(text, str(path), problems)
    first = next(lines, None)
    if first is None:
        problems.add(f"{path}:1", "no header", f"{', '.join(COLUMNS)} and settings")
        return []
    number, header = first
    if not _check_header(header, f"{path}:{number}", problems):
        return []
    base, found = path.resolve().parent, []
    for number, cells in lines:
        place = f"{path}:{number}"
        if len(cells) != len(header):
            problems.add(
                place,
                f"{len(cells)} cells",
                f"{len(header)} as in the header",
                "put a text with commas in quotes",
            )
            continue
        found.append(
            _measurement(dict(zip(header, cells, strict=True)), base, references, place, number, problems)
        )
    if not found and not problems:
        problems.add(f"{path}", "no measurement", "one line per measurement below the header")
    return found


def _lines(text: str, source: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with the number of each; cells without blanks around them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number, count = 1, 0
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                count += 1
                if count > MAX_LINES + 1:
                    problems.add(f"{source}:{number}", "more lines", f"at most {MAX_LINES}")
                    return
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        problems.add(f"{source}:{number}", f"text that is not CSV ({error})", action="check its quotes")


def _check_header(header: list[str], place: str, problems: Problems) -> bool:
    """Whether the columns can be used."""
    before = len(problems)
    for column in dict.fromkeys(header):
        if column not in COLUMNS and not SETTING.fullmatch(column):
            near = nearest(column, COLUMNS)
            problems.add(
                place,
                f"the column {_shown(column)}{near}",
                f"{', '.join(COLUMNS)}, or station.step.setting such as normalize.edge_step.e0",
            )
        if header.count(column) > 1:
            problems.add(place, f"the column {_shown(column)} {header.count(column)} times", "it once")
    for column in COLUMNS[:2]:
        if column not in header:
            problems.add(place, f"no column '{column}'", "name and data, separated by a comma")
    return len(problems) == before


def _measurement(
    cells: Mapping[str, str],
    base: Path,
    references: Path | str | None,
    place: str,
    line: int,
    problems: Problems,
) -> Measurement:
    data = _folder(cells["data"], base, f"{place}: data", problems)
    if cells.get("references"):
        references = _folder(cells["references"], base, f"{place}: references", problems)
    overrides = tuple((key, cell) for key, cell in cells.items() if cell and key not in COLUMNS)
    return Measurement(cells["name"], data, references, overrides, line)


def _folder(cell: str, base: Path, place: str, problems: Problems) -> Path | str:
    """The existing folder that a cell names, or its URL, which is not looked at yet; appends its problems."""
    if is_url(cell):
        try:
            return checked(cell)
        except InputError as error:
            problems.append(f"{place}: {error}")
            return cell
    path, expected = base / cell, "a folder of a measurement or of references"
    if not cell:
        problems.add(place, "nothing", expected)
        return base
    try:
        whole = path.resolve()
        if not (Path(cell).is_absolute() or whole.is_relative_to(base)):
            problems.add(
                place,
                f"{_shown(cell)}, which leaves {base}",
                "a path below that folder",
                "write an absolute path, or move the catalog",
            )
        elif not whole.is_dir():
            what = "a file" if whole.is_file() else "no folder"
            problems.add(place, f"{what} {_shown(cell)}", expected, f"check it{_near(path)}")
        return whole
    # A NUL, a name too long, no permission, a ring of links
    except (OSError, ValueError, RuntimeError) as error:
        problems.add(place, f"{_shown(cell)} ({error})", expected)
        return base


def _check_names(source: str, found: list[Measurement], problems: Problems) -> None:
    seen: dict[str, Measurement] = {}
    for one in found:
        place = f"{source}:{one.line}: name"
        if not NAME.fullmatch(one.name) or len(one.name) > LONGEST_NAME or len(one.name.encode()) > 200:
            allowed = "letters, digits and ' .+-=,()@#_', a letter or digit first"
            problems.add(place, _shown(one.name), f"a name of a folder: {allowed}, {LONGEST_NAME} at most")
            continue
        # Some disks hold names that differ in case only for one.
        key = unicodedata.normalize("NFC", one.name).casefold()
        if key in seen:
            like = "" if seen[key].name == one.name else f", like {seen[key].name!r}"
            problems.add(place, f"{one.name!r} again{like}, of line {seen[key].line}", "a name of its own")
        seen.setdefault(key, one)


def _near(path: Path) -> str:
    with suppress(OSError, ValueError):
        return nearest(path.name, (entry.name for entry in islice(path.parent.iterdir(), 10_000)))
    return ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
