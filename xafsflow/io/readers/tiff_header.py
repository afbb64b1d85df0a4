"""The chain of headers in a TIFF file: its pages, read by tifffile, and errors that name file and page.

The chain is followed here, because a broken file must be named: tifffile (2026.3) drops the pages behind a truncation
with no more than a log entry, and does not come back from a chain that closes on a page beyond its hundredth.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xafsflow.errors import InputError

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage


@contextmanager
def tiff_file(path: str) -> Iterator[TiffFile]:
    """Open a file by tifffile, whose log entries on damage would stand beside the error.

    Raises
    ------
    InputError
        It is missing, or no TIFF.
    """
    import tifffile

    log = logging.getLogger("tifffile")
    log.addFilter(_drop)
    try:
        # Not opened by tifffile, which leaves a file open that it does not understand.
        with open(path, "rb") as stream:
            try:
                file = tifffile.TiffFile(stream, name=path)
                file.pages.first  # noqa: B018  # read when it is asked for, and there may be none
            except OSError:
                raise
            except Exception as error:  # of many kinds, where a header is damaged
                raise InputError(
                    f"{path}, page 1: truncated, damaged or no TIFF ({error})",
                    "a TIFF file",
                    "copy the file again, or leave it and its energy out",
                ) from None
            yield file
    except FileNotFoundError:
        raise InputError(f"no file {path}", "a TIFF file", "check the path and its spelling") from None
    except OSError as error:
        what = error.strerror or str(error)
        raise InputError(f"{path}: {what}", "a readable TIFF file", "check the path and its rights") from None
    finally:
        log.removeFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:
    return False


@dataclass(frozen=True)
class Page:
    """One page of a file, counted from 1; `size` is that of the file in bytes."""

    path: str
    number: int
    size: int
    tags: TiffPage

    def error(self, found: str, wanted: str, do: str) -> InputError:
        """An error that names file and page."""
        return InputError(f"{self.path}, page {self.number}: {found}", wanted, do)

    def damaged(self, found: str) -> InputError:
        """An error for a page that contradicts itself."""
        return self.error(
            found, "a readable TIFF page", "write or copy the file again, or leave it and its energy out"
        )

    def check_end(self, end: int, what: str) -> None:
        """Raise InputError where something ends behind the end of the file."""
        if end > self.size:
            raise self.error(
                f"truncated or damaged: {what} ends at byte {end}, the file at byte {self.size}",
                "a whole file",
                "copy the file again from where it was written, or leave it and its energy out",
            )


def pages(path: str, file: TiffFile) -> Iterator[Page]:
    """Follow the chain of headers.

    Raises
    ------
    InputError
        A header lies outside the file, is none, or was met before.
    """
    form, stream, tags = file.tiff, file.filehandle, file.pages.first
    seen: dict[int, int] = {}
    at = tags.offset
    while at:
        page = Page(path, len(seen) + 1, stream.size, tags)
        if at in seen:
            raise page.damaged(f"the chain of pages closes: this is page {seen[at]} again")
        seen[at] = page.number
        page.check_end(at + form.tagnosize, "the header")
        stream.seek(at)
        (items,) = struct.unpack(form.tagnoformat, stream.read(form.tagnosize))
        end = at + form.tagnosize + items * form.tagsize
        page.check_end(end + form.offsetsize, "the header")
        if page.number > 1:
            page = Page(page.path, page.number, page.size, _read_page(file, at, page))
        yield page
        stream.seek(end)
        (at,) = struct.unpack(form.offsetformat, stream.read(form.offsetsize))


def _read_page(file: TiffFile, at: int, page: Page) -> TiffPage:
    import tifffile

    file.filehandle.seek(at)
    try:
        return tifffile.TiffPage(file, page.number - 1)
    except Exception as error:  # of many kinds, where a header is damaged
        raise page.damaged(f"a header that cannot be read ({error})") from None
