"""Copies of what lies at URLs, on this machine: each object fetched once, and again when it is another."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from xafsflow.errors import ComputationError, InputError
from xafsflow.files import refuse_links, write_json
from xafsflow.io.folders import FETCHED, ORIGIN, Folders
from xafsflow.io.remote.object_store import Object, Place, at_once, is_content, opened
from xafsflow.io.remote.urls import is_url
from xafsflow.progress import ProgressCallback, no_progress

SCRATCH = "XAFSFLOW_SCRATCH"
# What must be left when all is fetched: a run writes its own on the same disk.
SPARE_BYTES = 100 * 2**20
ATTEMPTS = 3


def scratch() -> Path:
    """The folder of all copies and of runs on their way: the environment's `XAFSFLOW_SCRATCH`, else in the user's cache."""
    chosen = os.environ.get(SCRATCH)
    if chosen:
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "xafsflow" / "remote"


@contextmanager
def fetched(
    url: str, report_progress: ProgressCallback = no_progress, *, leave_out: Collection[str] = ()
) -> Iterator[Path]:
    """A copy of everything below a URL, that nobody changes while it is in use.

    What is there already is not fetched again, unless size, time or ETag of its object are others now. What has
    vanished from the URL vanishes from the copy.

    Parameters
    ----------
    url
        Of a folder of objects.
    report_progress
        Told what is fetched.
    leave_out
        Names of objects that are not copied.

    Yields
    ------
    Path
        The folder. Times of its files are those of the objects, so that a source that has changed is seen.

    Raises
    ------
    InputError
        Nothing is there, a name leaves the folder, the disk is too small, the copy holds a link, or the server refuses.
    ComputationError
        The server is gone, or what came is not what was listed.

    Examples
    --------
    >>> place = opened("memory://fetched-in-an-example/scan")
    >>> _ = place.write("sample/1.tif", b"an image")
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     os.environ[SCRATCH] = folder
    ...     with fetched(place.url) as copy:
    ...         (copy / "sample/1.tif").read_bytes()
    ...     del os.environ[SCRATCH]
    b'an image'
    """
    place = opened(url)
    own = scratch() / place.key
    refuse_links(own)
    own.mkdir(parents=True, exist_ok=True)
    with (own / "lock").open("a") as lock:
        _hold_current(place, own, lock.fileno(), frozenset(leave_out), report_progress)
        yield own / FETCHED


def forget(url: str) -> None:
    """Remove the copy of what lies at a URL, unless somebody reads it."""
    own = scratch() / opened(url).key
    if not own.is_dir():
        return
    refuse_links(own)
    with (own / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(own / FETCHED, ignore_errors=True)


@contextmanager
def folders_of(
    data: str | Path, references: str | Path | None, report_progress: ProgressCallback = no_progress
) -> Iterator[Folders]:
    """The folders of a run, wherever they lie; those at URLs are fetched."""
    with ExitStack() as stack:

        def local(where: str | Path) -> Path:
            return stack.enter_context(fetched(where, report_progress)) if is_url(where) else Path(where)  # type: ignore[arg-type]

        found = local(data)
        if references is None:
            yield Folders(found)
        else:
            # One copy held twice would wait for itself if it had to be renewed.
            yield Folders(found, found if references == data else local(references))


@contextmanager
def sources_of(
    run: Path,
    data: str | Path | None,
    references: str | Path | None,
    report_progress: ProgressCallback = no_progress,
) -> Iterator[tuple[Path | None, Path | None]]:
    """Where the folders of a run lie if not where its record has them: as called, or fetched from the URLs it has."""
    try:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        recorded = [record["data"], record["references"]]
    except (OSError, ValueError, KeyError, TypeError):
        recorded = ["", ""]  # the repair says what is wrong with the record
    chosen = [
        one or (url if is_url(url) else None) for one, url in zip((data, references), recorded, strict=True)
    ]
    with ExitStack() as stack:
        found = [
            one
            if one is None or isinstance(one, Path)
            else stack.enter_context(fetched(one, report_progress))
            for one in chosen
        ]
        yield found[0], found[1]


def _hold_current(
    place: Place, own: Path, lock: int, leave_out: Collection[str], report_progress: ProgressCallback
) -> None:
    """Bring the copy to what is at its URL, and hold it shared; the system gives a lock back however a process ends."""
    for _ in range(ATTEMPTS):
        fcntl.flock(lock, fcntl.LOCK_SH)
        if _is_current(own, _listed(place, leave_out)):
            return
        _alone(lock, place.url, report_progress)
        # Listed again: while this process waited, another may have fetched what was newer.
        _renew(place, own, _listed(place, leave_out), report_progress)
    raise ComputationError(
        f"{place.url}, which differs from its copy in {own} after {ATTEMPTS} attempts",
        "objects that stay as they are, and a disk that keeps the times of files",
        f"wait until nobody writes there, or name another folder by {SCRATCH}",
    )


def _listed(place: Place, leave_out: Collection[str]) -> dict[str, Object]:
    listed = {name: one for name, one in place.objects().items() if name not in leave_out}
    if not listed:
        raise InputError(f"{place.url} without an object", "a folder with files", "check the URL")
    _check_names(place.url, listed)
    return listed


def _check_names(url: str, listed: Mapping[str, Object]) -> None:
    """Refuse what cannot be files below a folder."""
    folders = {str(parent) for name in listed for parent in PurePosixPath(name).parents}
    for name in listed:
        parts = name.split("/")
        if {"", ".", ".."} & set(parts) or "\0" in name:
            raise InputError(
                f"{url} with an object {name!r}",
                "names that stay below a folder",
                "rename or remove the object",
            )
        if name in folders:
            raise InputError(
                f"{url} with {name!r} and objects below that name", "a file or a folder", "rename one of them"
            )


def _is_current(own: Path, listed: Mapping[str, Object]) -> bool:
    """Whether the copy has every object as it is now, and nothing else."""
    copy = own / FETCHED
    held = {path.relative_to(copy).as_posix() for path in _files(copy)}
    return (own / ORIGIN).is_file() and held == set(listed) and not _wanted(copy, listed)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _wanted(copy: Path, listed: Mapping[str, Object]) -> list[Object]:
    return [one for one in listed.values() if not _is_same(copy / one.name, one)]


def _is_same(path: Path, one: Object) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    # Some file systems keep whole seconds.
    times = (one.stamp, one.stamp // 10**9 * 10**9)
    return status.st_size == one.size and status.st_mtime_ns in times


def _alone(lock: int, url: str, report_progress: ProgressCallback) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report_progress(f"waits for another process that reads the copy of {url}", None)
        fcntl.flock(lock, fcntl.LOCK_EX)


def _renew(place: Place, own: Path, listed: Mapping[str, Object], report_progress: ProgressCallback) -> None:
    """Bring the copy to what is listed."""
    copy, arriving = own / FETCHED, own / "arriving"
    copy.mkdir(exist_ok=True)
    # Written first: a copy whose URL is not known would be taken for a folder of this machine.
    write_json(own / ORIGIN, {"url": place.url})
    for path in _files(copy):
        if path.relative_to(copy).as_posix() not in listed:
            path.unlink()
    for parent, _, _ in os.walk(copy, topdown=False):
        if Path(parent) != copy and not os.listdir(parent):
            os.rmdir(parent)
    shutil.rmtree(arriving, ignore_errors=True)
    wanted = _wanted(copy, listed)
    if not wanted:
        return
    _check_room(own, place.url, sum(one.size for one in wanted))
    arriving.mkdir()
    for folder in {(copy / one.name).parent for one in wanted}:
        folder.mkdir(parents=True, exist_ok=True)
    name = f"fetches {len(wanted)} of {len(listed)} objects of {place.url}"
    report_progress(name, None)
    numbered = list(enumerate(wanted))
    at_once(
        lambda item: _fetch(place, item[1], arriving / str(item[0]), copy / item[1].name),
        numbered,
        lambda share: report_progress(name, share),
    )
    arriving.rmdir()


def _check_room(folder: Path, url: str, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size + SPARE_BYTES > free:
        raise InputError(
            f"{size / 1e6:.0f} MB at {url} to fetch, and {free / 1e6:.0f} MB free in {folder.parent}",
            "room for them, and some more",
            f"make room, or name another folder by {SCRATCH}",
        )


def _fetch(place: Place, one: Object, arriving: Path, path: Path) -> None:
    """Fetch an object whole; its file gets its name when size and checksum are right."""
    place.get(one.name, arriving)
    size = arriving.stat().st_size
    right = size == one.size and is_content(arriving, one.tag)
    if size != one.size or (right is False and not place.encrypted(one.name)):
        raise ComputationError(
            f"{place.url}/{one.name} of {size} bytes, or with other content than its ETag says",
            f"the {one.size} bytes that were listed",
            "run the same command again when nobody writes there",
        )
    os.utime(arriving, ns=(one.stamp, one.stamp))
    arriving.replace(path)
