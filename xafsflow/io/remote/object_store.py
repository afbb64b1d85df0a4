"""The storage that answers for a URL: its listing, its objects, and its errors as one message each."""

from __future__ import annotations

import errno
import hashlib
import mmap
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from xafsflow.errors import ComputationError, InputError, XafsflowError
from xafsflow.io.remote.urls import checked

T = TypeVar("T")
# Requests at a time: small files wait for the answer, not for the line.
AT_ONCE = 16
# Larger files travel in parts of this size, and their ETag is made of those of the parts.
PART_BYTES = 50 * 2**20
# Storage whose refusal to write over an object was tried; a run must be alone at its URL.
WRITABLE = ("s3", "s3a", "memory")
# A condition does not hold; another writes at this moment.
UNMET = ("PreconditionFailed", "ConditionalRequestConflict")
MD5 = re.compile(r"[0-9a-f]{32}")
CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL unless it is Amazon's"


@dataclass(frozen=True)
class Object:
    """One object below a URL: its name there, its bytes, when it was written in ns, and its ETag."""

    name: str
    size: int
    modified: int
    tag: str

    @property
    def stamp(self) -> int:
        """The time that its copy gets, in ns, which depends on the content, too.

        Listings give whole seconds, and two versions may be of one second: the fraction is made of the ETag.

        Examples
        --------
        >>> one, other = Object("a", 1, 10**9, "x"), Object("a", 1, 10**9, "y")
        >>> one.stamp // 10**9, one.stamp == other.stamp
        (1, False)
        """
        if not self.tag:
            return self.modified
        fraction = int(hashlib.sha256(self.tag.encode()).hexdigest(), 16) % 10**9
        return self.modified // 10**9 * 10**9 + fraction


@dataclass(frozen=True)
class Place:
    """An opened URL."""

    url: str
    files: Any
    root: str
    endpoint: str

    @property
    def key(self) -> str:
        """Digest of the URL and of the server that answers for it."""
        return hashlib.sha256(f"{self.url}\n{self.endpoint}".encode()).hexdigest()[:32]

    def objects(self) -> dict[str, Object]:
        """Everything below the URL, by name."""
        with answered(self.url):
            found = self.files.find(self.root, detail=True)
        objects = {}
        for path, info in sorted(found.items()):
            name = path.removeprefix(self.root).removeprefix("/")
            # Some tools leave an empty object for a folder.
            if name and not path.endswith("/") and info.get("type") != "directory":
                objects[name] = _object(name, info)
        return objects

    def get(self, name: str, path: Path) -> None:
        """Copy an object to a file."""
        with answered(self.url):
            self.files.get_file(f"{self.root}/{name}", str(path))

    def put(self, name: str, path: Path) -> None:
        """Copy a file to an object."""
        parts = {"chunksize": PART_BYTES} if self.url.startswith("s3") else {}
        with answered(self.url):
            self.files.put_file(str(path), f"{self.root}/{name}", **parts)

    def read(self, name: str) -> bytes | None:
        """The bytes of a small object; None where there is none."""
        with answered(self.url):
            try:
                content: bytes = self.files.cat_file(f"{self.root}/{name}")
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes, **only_if: str) -> bool:
        """Write a small object; False where a condition does not hold, such as `mode="create"` or `IfMatch`."""
        with answered(self.url):
            try:
                self.files.pipe_file(f"{self.root}/{name}", content, **only_if)
            except FileExistsError:
                return False
            except FileNotFoundError:
                if "IfMatch" not in only_if:
                    raise
                return False  # removed since its tag was read
            except OSError as error:
                if _code(error) not in UNMET:
                    raise
                return False
            return True

    def tag(self, name: str) -> str:
        """The ETag of an object; empty where there is none."""
        with answered(self.url):
            try:
                return _object(name, self.files.info(f"{self.root}/{name}")).tag
            except FileNotFoundError:
                return ""

    def encrypted(self, name: str) -> bool:
        """Whether the storage keeps it under a key of its own, so that its ETag is not its MD5."""
        with answered(self.url):
            info = self.files.info(f"{self.root}/{name}")
        return "kms" in str(info.get("ServerSideEncryption", "")) or "SSECustomerAlgorithm" in info

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        with answered(self.url):
            at_once(self._remove, names, lambda share: None)

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            # Not `rm`, which takes a name with a star for a pattern.
            self.files.rm_file(f"{self.root}/{name}")


def _code(error: BaseException) -> str:
    """What the server calls an error that came as one of Python's."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _object(name: str, info: Mapping[str, Any]) -> Object:
    modified = info.get("LastModified") or info.get("mtime") or info.get("created") or 0
    seconds = modified.timestamp() if isinstance(modified, datetime) else float(modified)
    return Object(
        name, int(info.get("size") or 0), round(seconds * 1e6) * 1000, str(info.get("ETag", "")).strip('"')
    )


def opened(url: str, *, write: bool = False) -> Place:
    """The storage of a URL; credentials and endpoint are those of the environment.

    Parameters
    ----------
    url
        As `checked` takes it.
    write
        A run is to be put there.

    Raises
    ------
    InputError
        The URL is wrong, its kind is not known, or a package is missing.

    Examples
    --------
    >>> opened("memory://shelf/scan").objects()
    {}
    """
    url = checked(url)
    kind = url.partition(":")[0]
    if write and kind not in WRITABLE:
        raise InputError(
            f"{url} as the place of a run", "a folder, or a URL that begins with s3://", "change it"
        )
    with answered(url):
        import fsspec

        # As it is now: another process may have written, or the environment may name another server.
        files = fsspec.filesystem(kind, skip_instance_cache=True, use_listings_cache=False)
        endpoint = ""
        if kind.startswith("s3"):
            endpoint = str(files.connect().meta.endpoint_url)
        return Place(url, files, files._strip_protocol(url), endpoint)


@contextmanager
def answered(url: str) -> Iterator[None]:
    """Whatever the storage answers that is no result, as one message.

    Raises
    ------
    InputError
        No such bucket, no or refused credentials, a package that is missing.
    ComputationError
        The server is gone, or fails.
    """
    try:
        yield
    except (XafsflowError, MemoryError, TypeError, AttributeError):
        raise  # not of the storage
    except ImportError as error:
        raise InputError(
            f"{url}: {error}", "the package for it", "run `pip install 'xafsflow[s3]'`"
        ) from error
    except Exception as error:
        if _is_local(error):
            raise
        raise _as_ours(url, error) from error


def _is_local(error: Exception) -> bool:
    """Whether it is this machine's disk that failed."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return isinstance(error, OSError) and (error.filename is not None or error.errno in full)


def _as_ours(url: str, error: Exception) -> XafsflowError:
    kind, text = type(error).__name__, " ".join(str(error).split())[:300]
    if isinstance(error, PermissionError) or "Credentials" in kind:
        return InputError(f"{url}: refused ({text or kind})", "credentials that may use it", CREDENTIALS)
    if isinstance(error, FileNotFoundError):
        return InputError(f"{url}: {text}", "a bucket that exists, with objects", "check the URL")
    if isinstance(error, ValueError):
        return InputError(
            f"{url}: {text}", "a URL such as s3://bucket/folder", "check the URL and the endpoint"
        )
    return ComputationError(
        f"{url}: the server does not answer or fails ({kind}: {text})",
        "a server that answers",
        "check AWS_ENDPOINT_URL and the network; the same command goes on",
    )


def at_once(work: Callable[[T], object], items: Iterable[T], report_share: Callable[[float], None]) -> None:
    """Do work on items, several at a time; the first error ends what has not begun.

    Examples
    --------
    >>> shares = []
    >>> at_once(print, ["a"], shares.append), shares
    a
    (None, [1.0])
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = [pool.submit(work, item) for item in items]
        try:
            for number, one in enumerate(as_completed(pending), 1):
                one.result()
                report_share(number / len(pending))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def is_content(path: Path, tag: str) -> bool | None:
    """Whether a file has the content that an ETag says; None where the ETag is no MD5 of that.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a")
    ...     _ = path.write_bytes(b"hello")
    ...     is_content(path, "5d41402abc4b2a76b9719d911017c592"), is_content(path, "0" * 32), is_content(path, "v1")
    (True, False, None)
    """
    digest, _, parts = tag.partition("-")
    size = path.stat().st_size
    # Other programs cut an object into other parts.
    if not MD5.fullmatch(digest) or (parts and parts != str(-(-size // PART_BYTES))):
        return None
    with path.open("rb") as file:
        if not parts:
            return hashlib.file_digest(file, _md5).hexdigest() == digest
        found = _md5()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
            for start in range(0, size, PART_BYTES):
                with view[start : start + PART_BYTES] as part:
                    found.update(_md5(part).digest())
    return found.hexdigest() == digest


def _md5(content: bytes | memoryview = b"") -> hashlib._Hash:
    return hashlib.md5(content, usedforsecurity=False)
