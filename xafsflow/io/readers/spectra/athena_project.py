"""Athena projects (`.prj`): Perl's text of data, or JSON, packed with gzip or not; each group is an entry."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.spectra.perl_data import Value, statements
from xafsflow.io.readers.text_columns import HUGE, MAX_BYTES, Columns
from xafsflow.kernels.array_types import Doubles

FORMAT = "an Athena project (.prj)"
GZIP = b"\x1f\x8b"
MARK = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:# Athena (?:project file|record file)|\{\s*\"_____)")
MOST_GROUPS = 5000
EXPORT = "save the project again with Athena, or export its groups as mu(E)"


def detect(start: bytes) -> bool:
    """Whether a file that begins so is a project, or packed."""
    return start.startswith(GZIP) or MARK.match(start) is not None


def read_tables(path: Path) -> list[Columns]:
    """The groups of a project that hold absorbance over energy, `energy`, `mu` and `i0` where it is there.

    Energies are as they were measured; the shift of a group stays in the header, as `athena.bkg_eshift`, and is told when a
    spectrum is made of it.

    Raises
    ------
    InputError
        The file is damaged, or no project, or holds no group with absorbance.
    """
    text = _text(path)
    groups = list(_json_groups(text, path) if text.lstrip().startswith("{") else _perl_groups(text, path))
    if len(groups) > MOST_GROUPS:
        raise InputError(f"{path} with {len(groups)} groups", f"at most {MOST_GROUPS}", "split the project")
    labels = Counter(_label(name, args) for name, args, _ in groups)
    tables = [
        _table(path, label if labels[label := _label(name, args)] == 1 else f"{label} ({name})", args, arrays)
        for name, args, arrays in groups
        if _is_mu(args) and arrays.get("x")
    ]
    if not tables:
        found = f"{path}, an Athena project with {len(groups)} groups"
        raise InputError(found, "a group with mu(E)", EXPORT)
    return tables


Group = tuple[str, Mapping[str, str], Mapping[str, Value]]


def _text(path: Path) -> str:
    """The text of a project, unpacked, whatever its size says not more than the limit."""
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", "a readable file", "check the path") from error
    if raw.startswith(GZIP):
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            text = unpacker.decompress(raw, MAX_BYTES + 1)
        except zlib.error as error:
            raise InputError(f"{path}, damaged gzip ({error})", "a whole file", "copy it again") from error
        if len(text) <= MAX_BYTES and not unpacker.eof:
            raise InputError(f"{path}, gzip that ends too early", "a whole file", "copy it again")
        raw = text
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"{path} of more than {MAX_BYTES} bytes", "a project, which is smaller", "check the file"
        )
    if not MARK.match(raw):
        raise InputError(f"{path}, packed and no Athena project", FORMAT, "unpack the file first")
    return raw.decode("utf-8-sig", errors="replace")


def _perl_groups(text: str, path: Path) -> Iterator[Group]:
    """A group begins with its name, has its arrays behind, and ends with the next name."""
    name, args, arrays = "", dict[str, str](), dict[str, Value]()
    for key, value in statements(text, str(path)):
        if key == "$old_group":
            if arrays:
                yield name, args, arrays
            name, args, arrays = str(value), {}, {}
        elif key == "@args" and isinstance(value, list):
            args = {str(k): v for k, v in zip(value[::2], value[1::2], strict=False) if isinstance(v, str)}
        elif key.startswith("@") and name:
            arrays[key[1:]] = value
    if arrays:
        yield name, args, arrays


def _json_groups(text: str, path: Path) -> Iterator[Group]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}, an Athena project with broken JSON ({error})", "a whole file", EXPORT
        ) from error
    for name, group in content.items() if isinstance(content, dict) else ():
        if isinstance(group, dict) and isinstance(args := group.get("args"), dict):
            yield name, {key: str(value) for key, value in args.items()}, group


def _label(name: str, args: Mapping[str, str]) -> str:
    return args.get("label") or name


def _is_mu(args: Mapping[str, str]) -> bool:
    """Whether a group is absorbance, normalized or not, over energy, as far as it says."""
    told = args.get("datatype", "").lower()
    if told:
        return told in ("xmu", "xanes", "norm", "detector")
    return args.get("is_chi", "0") in ("0", "") and args.get("not_data", "0") in ("0", "")


def _table(path: Path, label: str, args: Mapping[str, str], arrays: Mapping[str, Value]) -> Columns:
    columns = {"energy": _numbers(path, label, arrays["x"]), "mu": _numbers(path, label, arrays.get("y", []))}
    if len(incident := arrays.get("i0", [])) == len(columns["energy"]):
        columns["i0"] = _numbers(path, label, incident)
    sizes = {len(column) for column in columns.values()}
    if len(sizes) > 1:
        found = f"{path}, {label}: {len(columns['energy'])} energies and {len(columns['mu'])} values"
        raise InputError(found, "as many of both", EXPORT)
    header = {
        f"athena.{key}": value for key, value in args.items() if key in ("bkg_e0", "bkg_eshift", "datatype")
    }
    header |= {"element.symbol": args.get("bkg_z", ""), "element.edge": args.get("fft_edge", "")}
    values = np.column_stack(list(columns.values()))
    rows = np.arange(1, len(values) + 1)
    units = ("eV",) + ("",) * (len(columns) - 1)
    return Columns(path, tuple(columns), units, values, rows, header, entry=label, row="point")


def _numbers(path: Path, label: str, value: Value) -> Doubles:
    try:
        found = np.array(value, np.float64)
    except (ValueError, TypeError):
        found = np.array([np.nan])
    if found.ndim != 1 or not (np.abs(found) < HUGE).all():
        raise InputError(f"{path}, {label}, with something that is no number", "finite numbers", EXPORT)
    return found
