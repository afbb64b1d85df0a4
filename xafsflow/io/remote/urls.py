"""What a URL of a folder may be."""

from __future__ import annotations

import re
from pathlib import Path

from xafsflow.errors import InputError

BEGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# What Path makes of one, and what is left of a slash that was forgotten.
CUT = re.compile(r"s3a?:/(?!/)")
WANTED = "a URL such as s3://bucket/folder"


def is_url(where: str | Path) -> bool:
    """Whether a text means a URL, be it right or wrong; a path never does.

    Examples
    --------
    >>> is_url("s3://bucket/scan"), is_url("scans/s3"), is_url(Path("scan"))
    (True, False, False)
    """
    return isinstance(where, str) and (BEGIN.match(where) or CUT.match(where)) is not None


def checked(url: str) -> str:
    """A URL in the one form that it is recorded and compared in: no slash at its end.

    Raises
    ------
    InputError
        It names no folder, leaves it, or has in it what would be recorded and must not be.

    Examples
    --------
    >>> checked("s3://bucket/scan/")
    's3://bucket/scan'
    """
    begin = BEGIN.match(url)
    if begin is None:
        raise InputError(f"the URL {url!r}", WANTED, "write two slashes after the colon")
    if any(ord(letter) < 32 for letter in url) or "::" in url:
        raise InputError(
            f"the URL {url!r}", WANTED, "leave out line ends, other signs without a shape, and '::'"
        )
    inner = url[begin.end() :].rstrip("/")
    bucket, *parts = inner.split("/")
    if "@" in bucket:
        raise InputError(
            "a URL with a name or key before its bucket",
            WANTED,
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: a URL is recorded",
        )
    if not bucket:
        raise InputError(
            f"the URL {url!r} without a bucket", WANTED, "write the bucket after the two slashes"
        )
    if re.search(r"[?#*\[\]]", inner) or {"", ".", ".."} & set(parts):
        raise InputError(f"the URL {url!r}", f"{WANTED}; no '..', '//', '?', '#' or pattern", "mend the URL")
    return begin.group().lower() + inner


def last_part(url: str) -> str:
    """What a folder for it would be called.

    Examples
    --------
    >>> last_part("s3://bucket/runs/night")
    'night'
    """
    return url.rpartition("/")[2]
