"""Runs at URLs: made in a folder of this machine, then put where they belong, and seen there as finished when whole."""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from xafsflow.errors import ComputationError, InputError
from xafsflow.files import refuse_links
from xafsflow.io.folders import Folders
from xafsflow.io.remote.mirror import fetched, scratch
from xafsflow.io.remote.object_lock import owned_at
from xafsflow.io.remote.object_store import Object, Place, at_once, is_content, opened
from xafsflow.locks import LOCK
from xafsflow.pipeline import execution as flow
from xafsflow.pipeline.recipe import Recipe
from xafsflow.pipeline.run_folder import PARTS, check_parts, check_same, identity, written_by
from xafsflow.progress import ProgressCallback, no_progress
from xafsflow.store.verify import METADATA

RECORD = "run.json"


def run(
    recipe: Recipe,
    folders: Folders,
    url: str,
    *,
    fresh: bool = False,
    report_progress: ProgressCallback = no_progress,
) -> str:
    """Run a recipe, and put the run at a URL when it is finished.

    It is made in a folder below `XAFSFLOW_SCRATCH`, where a run that was interrupted is taken up. While it is made, and
    until all of it is there, the URL has a `run.json` that says "unfinished"; the one that says "finished" comes last.

    Parameters
    ----------
    recipe, folders, fresh, report_progress
        See `xafsflow.pipeline.execution.run`.
    url
        Empty, or of an unfinished run of the same recipe and data.

    Returns
    -------
    str
        The URL of the report, or of the run where it has none.

    Raises
    ------
    InputError
        The URL holds something else, another process works there, or a step refuses its input.
    ComputationError
        The server is gone, or does not keep what was put there; the same command goes on.
    """
    place = opened(url, write=True)
    with owned_at(place, report_progress) as check:
        work = scratch() / place.key / "run"
        refuse_links(work.parent)
        record = _claim(recipe, folders, place, fresh, report_progress)
        if record is None:
            place.write(RECORD, json.dumps(_begun(recipe, folders), indent=1).encode())
            _clear(place)
        if record is None or not _is_done(work, recipe, folders):
            # Without a record at the URL, what is left in the folder is of a run that nobody waits for.
            flow.run(recipe, folders, work, fresh=record is None, report_progress=report_progress)
        check()
        put(work, place, (*PARTS, *written_by(recipe)), report_progress)
        shutil.rmtree(work)
    return place.url + ("/report.html" if "report.html" in place.objects() else "")


def _claim(
    recipe: Recipe, folders: Folders, place: Place, fresh: bool, report_progress: ProgressCallback
) -> dict[str, object] | None:
    """Accept a URL as `run_folder.claim` does a folder; the record of the run there, None where one is to begin."""
    held = sorted({name.partition("/")[0] for name in place.objects()} - {LOCK})
    check_parts(held, recipe, place.url)
    if held and fresh:
        report_progress(f"removes from {place.url}: {', '.join(held)}", None)
    if not held or fresh:
        return None
    record = record_at(place)
    check_same(record, recipe, folders, place.url)
    return record


def record_at(place: Place) -> dict[str, object]:
    """The record of the run at a URL; empty where there is none that can be read."""
    try:
        record = json.loads(place.read(RECORD) or b"")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _begun(recipe: Recipe, folders: Folders) -> dict[str, object]:
    return {
        "name": recipe.name or recipe.source,
        "state": "unfinished",
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        **identity(recipe, folders),
    }


def _clear(place: Place) -> None:
    """Remove all but the record, which says that what is removed was of this run, and the lock."""
    place.remove([name for name in place.objects() if name not in (LOCK, RECORD)])


def _is_done(work: Path, recipe: Recipe, folders: Folders) -> bool:
    """Whether an earlier call has made this run and was interrupted while it put it at its URL."""
    try:
        record = json.loads((work / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    same = all(record.get(key) == value for key, value in identity(recipe, folders).items())
    return same and record.get("state") == "finished"


def put(folder: Path, place: Place, parts: tuple[str, ...] | None, report_progress: ProgressCallback) -> None:
    """Put a finished run at a URL, several objects at a time, and look at what arrived.

    What is there already with the same bytes is left, what is no part of the run is removed. What makes an array store
    one that opens goes after its chunks, and the record of the run last.

    Parameters
    ----------
    folder
        The run.
    place
        Its URL, of which this process is the owner.
    parts
        Names in the folder that belong to a run; None for all.
    report_progress
        Told how far it is.

    Raises
    ------
    ComputationError
        The server is gone, or does not have what was put there.
    """
    own = _files(folder, parts)
    before = place.objects()
    name = f"puts {len(own)} files at {place.url}"
    report_progress(name, None)
    last = [one for one in own if one in (f"maps.zarr/{METADATA}", f"cube.zarr/{METADATA}")]
    first = [one for one in own if one not in last and one != RECORD]
    _put(place, own, first, before, lambda share: report_progress(name, share))
    place.remove([one for one in before if one not in own and one != LOCK])
    for names in (last, [RECORD]):
        _put(place, own, names, before, lambda share: None)


def _files(folder: Path, parts: tuple[str, ...] | None) -> dict[str, Path]:
    found = {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()
    }
    # A file that was being written when its process was killed is no part of a run.
    return {
        name: path
        for name, path in found.items()
        if name != LOCK and (parts is None or name.partition("/")[0] in parts)
    }


def _put(
    place: Place,
    own: Mapping[str, Path],
    names: list[str],
    before: Mapping[str, Object],
    report_share: Callable[[float], None],
) -> None:
    """Put files that are not there yet, and check all of them by what the server lists then."""

    def one(name: str) -> None:
        if not _is_there(own[name], before.get(name)):
            place.put(name, own[name])

    at_once(one, names, report_share)
    after = place.objects()
    for name in names:
        there = after.get(name)
        if _is_there(own[name], there) or (
            there is not None and _reads_the_same(place, name, own[name], there)
        ):
            continue
        raise ComputationError(
            f"{place.url}/{name}, which is not as it was put there", "a server that keeps what it is given",
            "the same command goes on",
        )  # fmt: skip


def _is_there(path: Path, there: Object | None) -> bool:
    return there is not None and there.size == path.stat().st_size and bool(is_content(path, there.tag))


def _reads_the_same(place: Place, name: str, path: Path, there: Object) -> bool:
    """Read an object back whose ETag is no MD5, as of storage that encrypts."""
    if there.size != path.stat().st_size:
        return False
    back = path.with_name(f".{path.name}.back")
    try:
        place.get(name, back)
        return filecmp.cmp(back, path, shallow=False)
    finally:
        back.unlink(missing_ok=True)


@contextmanager
def glimpsed(url: str) -> Iterator[Path]:
    """The files that say how the run at a URL stands, in a folder for a moment.

    Raises
    ------
    InputError
        There is no run.
    """
    place = opened(url)
    if not record_at(place):
        raise InputError(f"{place.url} without {RECORD}", "the URL of a run", "check it")
    with TemporaryDirectory(prefix="xafsflow-") as folder:
        for name in (RECORD, "findings.json", LOCK):
            content = place.read(name)
            if content is not None:
                Path(folder, name).write_bytes(content)
        yield Path(folder)


@contextmanager
def finished_at(url: str, report_progress: ProgressCallback = no_progress) -> Iterator[Path]:
    """A copy of the finished run at a URL, to be read.

    Raises
    ------
    InputError
        There is none.
    """
    _check_finished(opened(url))
    with fetched(url, report_progress, leave_out={LOCK}) as copy:
        yield copy


@contextmanager
def changed_at(url: str, report_progress: ProgressCallback = no_progress) -> Iterator[Path]:
    """A copy of the finished run at a URL, to be changed; what has changed is put back.

    Raises
    ------
    InputError
        There is none, or another process works there.
    """
    place = opened(url, write=True)
    _check_finished(place)
    with (
        owned_at(place, report_progress) as check,
        fetched(url, report_progress, leave_out={LOCK}) as copy,
    ):
        yield copy
        check()
        put(copy, place, None, report_progress)


def _check_finished(place: Place) -> None:
    state = record_at(place).get("state", "none")
    if state != "finished":
        found = "an unfinished run" if state == "unfinished" else "no run"
        raise InputError(f"{place.url} with {found}", "a finished run", "check the URL, or end the run")
