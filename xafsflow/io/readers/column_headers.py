"""What the header of a text says of its columns: names and units, as XDI and the programs of beamlines write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xafsflow.errors import InputError
from xafsflow.io.readers.text_blocks import NUMBER

FIELD = re.compile(r"#\s*([A-Za-z]\w*\.[\w-]+)\s*:\s*(.*)")
NAME_AND_UNIT = re.compile(
    r"(?P<name>.*?)(?:[\s_]*[(\[]\s*|[\s_]+)(?P<unit>k?ev|counts|degrees|radians|deg|rad)\s*[)\]]?\Z",
    re.IGNORECASE,
)
USER_COMMENTS = re.compile(r"#\s*///")
LEADING = re.compile(r"^[#%!;/\s]+")
# What names the element where XDI's fields do not: Athena, StepScan, and lines such as "# Element: Molybdenum"
ATHENA = re.compile(r"\bElement\s*=\s*(\w+)\s+Edge\s*=\s*(\w+)")
ELEMENT = re.compile(
    r"^[#%!;\s]*(?:ScanParameters\.)?(?:element|atom|absorber)\s*[:=]\s*(\w+)", re.IGNORECASE
)
EDGE = re.compile(r"^[#%!;\s]*(?:ScanParameters\.)?edge\s*[:=]\s*([A-Za-z]+[_ ]?\d?)\s*$", re.IGNORECASE)

LONGEST, LONGEST_ENTRY, LONGEST_NAME = 20_000, 300, 200  # letters; beyond are no names, and patterns get slow
LABVIEW_WIDTH = 21
NUMBERED = re.compile(r"(?:^|\s)(\d+)\)\s+(\S.*?)(?=\s+\d+\)\s|\s*$)")
FIO = re.compile(
    r"^\s*Col\s+(\d+)\s+(\S+)\s+(?:FLOAT|DOUBLE|BYTE|INTEGER|STRING|BOOLEAN|U?INT\w*)", re.IGNORECASE
)
MDA = re.compile(r"^#\s+(\d+)\s+\[\s*(.*?)\s*\]\s*(.*)$")
EPICS = re.compile(r"^[;#]\s*([PD]\d+)\s*=\s*\{(.*?)\}")


@dataclass(frozen=True)
class ColumnNames:
    """Names and units of the columns, empty where there is none; further names with the index of their column."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    aliases: Mapping[str, int] = field(default_factory=dict)


def header_fields(lines: Sequence[str]) -> dict[str, str]:
    """The fields `# Family.member: value` up to the user's comments, and the element and edge as others write them.

    Examples
    --------
    >>> header_fields(["# Mono.name: Si 111 || PV", "# .  Element=Fe   Edge=K"])
    {'mono.name': 'Si 111', 'element.symbol': 'Fe', 'element.edge': 'K'}
    """
    fields: dict[str, str] = {}
    for line in lines:
        if USER_COMMENTS.match(line):
            break
        if len(line) > LONGEST:
            continue
        if found := FIELD.match(line):  # behind || stands a control system's name
            fields[found[1].lower()] = found[2].partition("||")[0].strip()
        if found := ATHENA.search(line):
            fields["element.symbol"], fields["element.edge"] = found[1], found[2]
        for key, pattern in (("element.symbol", ELEMENT), ("element.edge", EDGE)):
            if found := pattern.match(line):
                fields.setdefault(key, found[1])
    return fields


def named_columns(header: Mapping[str, str], before: Sequence[str], count: int, path: Path) -> ColumnNames:
    """Names and units of the columns by what stands before them.

    Raises
    ------
    InputError
        XDI's header names a column that is not there.
    """
    before = [line[:LONGEST] for line in before]
    ways = (way(before, count) for way in WAYS)
    texts = next((names for names in ways if names), None) or _last_line(before, count)
    for key, text in header.items():
        if key.startswith("column.") and key[7:].isdecimal():
            if not 1 <= int(key[7:]) <= count:
                found = f"{path} with {count} columns and a header for column {key[7:]}"
                raise InputError(found, "a header that fits the numbers", "mend the header")
            texts[int(key[7:]) - 1] = text
    texts = _without_numbers([text if len(text) < LONGEST_NAME else "" for text in texts])
    split = [NAME_AND_UNIT.match(text) for text in texts]
    names = tuple(unit["name"] if unit else text for unit, text in zip(split, texts, strict=True))
    units = tuple(unit["unit"] if unit else "" for unit in split)
    return ColumnNames(names, units, _aliases(before, count))


def words_of(line: str, count: int) -> list[str] | None:
    """The words of a line, by the first separator that gives so many; None where none does.

    Examples
    --------
    >>> words_of("# Energy (eV)  mu", 2), words_of("Energy; mu of foil", 2), words_of("a b c", 2)
    (['Energy (eV)', 'mu'], ['Energy', 'mu of foil'], None)
    """
    text = LEADING.sub("", line).strip()
    text = text.removeprefix("C ") if line.startswith("#C ") else text  # a comment in SPEC's manner
    for separator in (";", ",", r"\t", r"\t+", r"\s{2,}", r"\s+(?![(\[])", r"\s+"):
        words = [word.strip(" \t\"'") for word in re.split(separator, text)]
        if len(words) == count:
            return None if any(NUMBER.match(word) for word in words) else words
    return None


def _without_numbers(texts: list[str]) -> list[str]:
    """Names without their own number before or behind, where all have it: `1_Energy 2_i0`, `Energy_c1 I0_c2`."""
    for pattern in (r"{}[_:](.+)", r"(.+)_c{}"):
        found = [re.fullmatch(pattern.format(number), text) for number, text in enumerate(texts, 1)]
        if all(found) and len(texts) > 1:
            return [one[1] for one in found if one]
    return texts


def _last_line(before: Sequence[str], count: int) -> list[str]:
    """The words of the last line of the header that has letters, where they are as many as the columns."""
    last = next((line for line in reversed(before) if re.search(r"[^\W\d_]", line)), "")
    return words_of(last, count) or [""] * count


def _numbered(before: Sequence[str], count: int) -> list[str] | None:
    """LabVIEW's "readable list of column headings": `1) Mono Energy *   2) I0`."""
    found = {int(number): name for line in before for number, name in _entries(line)}
    return (
        [found[k].rstrip(" *") for k in range(1, count + 1)]
        if set(found) == set(range(1, count + 1))
        else None
    )


def _entries(line: str) -> list[tuple[str, str]]:
    return NUMBERED.findall(line) if len(line) < LONGEST_ENTRY else []


def _labview(before: Sequence[str], count: int) -> list[str] | None:
    """The headings of LabVIEW's scan files, each as wide as a number, which run together where they are longer."""
    if not (before and "LabVIEW" in before[0]):
        return None
    text = before[-1].lstrip("#")
    parts = [text[k * LABVIEW_WIDTH : (k + 1) * LABVIEW_WIDTH].strip(" *") for k in range(count)]
    return parts if all(parts) and len(text) <= count * LABVIEW_WIDTH else None


def _fio(before: Sequence[str], count: int) -> list[str] | None:
    """DESY's `Col N NAME FLOAT`; the name of the scan before the names is left out.

    A column that is called as the scan is: the first is what was scanned, the energy where the comment says EXAFS.
    """
    rows = [found for line in before if (found := FIO.match(line))]
    if [int(row[1]) for row in rows] != list(range(1, count + 1)):
        return None
    names = [row[2] for row in rows]
    scan = names[0]
    if count > 1 and all(name.startswith(scan) for name in names):
        names = [name[len(scan) :].lstrip("_") for name in names]
        if any(re.search(r"exafs|xanes|energy", line, re.IGNORECASE) for line in before):
            names[0] = "energy"
    return names


def _mda(before: Sequence[str], count: int) -> list[str] | None:
    """`mda2ascii`: number, kind, control system's name, description, mode and unit of each column."""
    rows = {int(found[1]): found for line in before if (found := MDA.match(line))}
    if set(rows) != set(range(1, count + 1)):
        return None
    texts = []
    for number in range(1, count + 1):
        parts = [part.strip() for part in rows[number][3].split(",")]
        name = next((part for part in reversed(parts[:2]) if part), rows[number][2])
        texts.append(f"{name} eV" if "eV" in parts else name)
    return texts


def _epics(before: Sequence[str], count: int) -> list[str] | None:
    """The legend of an Epics scan, `D1 = {I0} --> PV`, for the short names in the last line."""
    legend = {found[1]: found[2] for line in before if (found := EPICS.match(line))}
    short = words_of(before[-1], count) if legend else None
    return [legend.get(name, name) for name in short] if short else None


def _one_a_line(before: Sequence[str], count: int) -> list[str] | None:
    """SSRL: behind "Data:" stands one name a line."""
    at = next((k for k, line in enumerate(before) if line == "Data:"), None)
    names = list(before[at + 1 :]) if at is not None else []
    return names if len(names) == count else None


def _quoted(before: Sequence[str], count: int) -> list[str] | None:
    """CLS: a comment with the names in quotes; further such comments give further names."""
    rows = _quoted_rows(before, count)
    return list(rows[0]) if rows else None


def _aliases(before: Sequence[str], count: int) -> dict[str, int]:
    """Further names: those of further comments with quotes, and the short names of an Epics scan."""
    rows = [[re.sub(r"^\$\((.*)\)$", r"\1", name) for name in row] for row in _quoted_rows(before, count)[1:]]
    if any(EPICS.match(line) for line in before) and (short := words_of(before[-1], count)):
        rows.append(short)
    return {name.lower(): at for row in rows for at, name in enumerate(row)}


def _quoted_rows(before: Sequence[str], count: int) -> list[list[str]]:
    rows = [re.findall(r'"([^"]*)"', line) for line in before if line.startswith("#")]
    return [row for row in rows if len(row) == count > 1]


WAYS: tuple[Callable[[Sequence[str], int], list[str] | None], ...] = (
    _numbered,
    _labview,
    _fio,
    _mda,
    _epics,
    _one_a_line,
    _quoted,
)
