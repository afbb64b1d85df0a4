"""Files of other people's programs, read within limits: text, XML without entities, members of a zip."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from xafsflow.errors import InputError
from xafsflow.io.readers.text_columns import HUGE
from xafsflow.kernels.array_types import Doubles

MAX_BYTES = 64 * 2**20  # of a file, and of a member of a zip when it is unpacked
MAX_MEMBERS = 1000
MAX_DEPTH = 100
ZIP = b"PK\x03\x04"


def read_bytes(path: Path) -> bytes:
    """All bytes of a file.

    Raises
    ------
    InputError
        It cannot be read, is empty, or is larger than any pattern.
    """
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: {why}", "a readable file", "check the path") from error
    if not raw:
        raise InputError(f"{path} of {size} bytes", f"1 to {MAX_BYTES}", "check the file")
    return raw


def text_of(raw: bytes, place: str) -> str:
    """Bytes as text: UTF-8, UTF-16 with its mark, else Latin-1, in which numbers and units are the same.

    Raises
    ------
    InputError
        They are no text.
    """
    try:
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return raw.decode("utf-16")
        if b"\0" not in raw:
            return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" not in raw:
            return raw.decode("latin-1")
    raise InputError(
        f"{place}, which is binary",
        "a pattern as text, .xrdml, .ras, .rasx or .brml",
        "export it so from the program that wrote it",
    )


def parsed_xml(raw: bytes, place: str) -> Element:
    """The root of XML; names without their namespaces, since those change with the version of a format.

    Raises
    ------
    InputError
        The XML is broken, has a DOCTYPE (entities may grow without end, or name other files), or is nested too deep.

    Examples
    --------
    >>> parsed_xml(b"<a xmlns='http://b/1.5'><c unit='deg'>7</c></a>", "a.xml").findtext("c")
    '7'
    """
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise InputError(f"{place} with XML {depth} deep", f"{MAX_DEPTH} at most", "check the file")
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(name))

    def doctype(*_: object) -> None:
        raise InputError(
            f"{place} with a DOCTYPE", "plain XML, as instruments write it", "remove the line <!DOCTYPE ...>"
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, doctype
    try:
        parser.Parse(raw, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError) as error:  # an encoding that is not known
        raise InputError(
            f"{place}: {error}", "whole and well-formed XML", "export or copy the file again"
        ) from error


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def zip_names(path: Path) -> list[str]:
    """The names in a zip.

    Raises
    ------
    InputError
        It is broken, or holds more files than any pattern.
    """
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: {error}", "a whole zip", "export or copy the file again") from error
    if len(names) > MAX_MEMBERS:
        raise InputError(f"{path} with {len(names)} files in it", f"{MAX_MEMBERS} at most", "check the file")
    return names


def zip_member(path: Path, name: str) -> bytes:
    """One of the files in a zip, unpacked in memory; whatever the zip says of its size, not more than the limit.

    Raises
    ------
    InputError
        It is broken, encrypted, or grows beyond the limit.
    """
    try:
        with zipfile.ZipFile(path) as file:
            kind = file.getinfo(name).compress_type
            # The other methods may ask for any memory, and no instrument uses them
            if kind not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile(f"compression method {kind}")
            with file.open(name) as member:
                raw = member.read(MAX_BYTES + 1)
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}, {name}: {error}", "a whole zip without a password", "export or copy the file again"
        ) from error
    if len(raw) > MAX_BYTES:
        raise InputError(
            f"{path}, {name} of more than {MAX_BYTES} bytes",
            "a pattern, which is smaller",
            "check the file",
        )
    return raw


def number_in(text: str | None, place: str) -> float | None:
    """A number, None where there is no text.

    Raises
    ------
    InputError
        The text is no finite number.
    """
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < HUGE:
        raise InputError(f"{place}: {text.strip()[:40]!r}", "a number", "mend the file")
    return value


def numbers_in(text: str | None, place: str, mark: str | None = None) -> Doubles:
    """Numbers between blanks, or between marks, of shape (numbers,).

    Raises
    ------
    InputError
        Something is no finite number.
    """
    words = (text or "").split(mark)
    try:
        found = np.array(words, np.float64)
        if (np.abs(found) < HUGE).all():
            return found
    except ValueError:
        pass  # the word is named below
    wrong = next((word for word in words if not _is_number(word)), "")
    raise InputError(f"{place}: {wrong[:40]!r}", "finite numbers", "mend the file")


def _is_number(word: str) -> bool:
    try:
        return abs(float(word)) < HUGE
    except ValueError:
        return False
