"""How far a run or a batch is, in lines of text, and the page of a batch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from xafsflow.campaign.ledger import STATES, Ledger, Row, counts
from xafsflow.errors import InputError
from xafsflow.locks import LOCK, is_alive, lock_owner

if TYPE_CHECKING:
    from xafsflow.findings.overall_verdict import Verdict

LEDGER, RUNS, INDEX = "ledger.sqlite", "runs", "index.html"


def status(path: Path) -> list[str]:
    """How far the run or the batch in a folder is.

    Parameters
    ----------
    path
        Of a run: its state, the steps with their times and the warnings. Of a batch: how many measurements are
        in each state, which are running, and which failed with what. Nothing is changed.

    Raises
    ------
    InputError
        The folder holds neither.
    """
    path = Path(path)
    if (path / LEDGER).is_file():
        return _of_batch(path)
    if (path / "run.json").is_file():
        return _of_run(path)
    found = f"{path} without {LEDGER} or run.json" if path.is_dir() else f"no folder {path}"
    raise InputError(found, "the folder of a run or of a batch", "check the path")


def _of_run(path: Path) -> list[str]:
    record = _json(path / "run.json")
    lines = [
        f"{record.get('name', path.name)}: {record.get('state', 'unknown')}, started {record.get('started')}"
    ]
    if (path / LOCK).is_file():
        lines.append(_at_work(path / LOCK))
    timings, steps = _mapping(record.get("timings")), record.get("steps")
    planned = [_mapping(step).get("step") for step in steps] if isinstance(steps, list) else []
    names = list(dict.fromkeys([*timings, *(str(name) for name in planned if name)]))
    width = max((len(name) for name in names), default=0)
    for name in names:
        spent = timings.get(name)
        lines.append(f"  {name:<{width}}  {f'{spent:9.1f} s' if isinstance(spent, int | float) else '-':>11}")
    if (path / "findings.json").is_file():
        found = _json(path / "findings.json")
        warnings, verdict = found.get("warnings"), _verdict(found)
        lines.append(f"{len(warnings) if isinstance(warnings, list) else 0} warnings")
        lines += [f"verdict: {verdict.text}"] if verdict else []
    if "peak_memory_mb" in record:
        lines.append(f"{record['peak_memory_mb']} MB of memory at most")
    return lines


def _at_work(lock: Path) -> str:
    try:
        owner = lock_owner(lock.read_bytes(), lock)
    except (OSError, InputError):
        return f"{lock} cannot be read"
    states = {
        True: "running: ",
        False: "interrupted, the same command continues; it was ",
        None: "running or interrupted: ",
    }
    return f"{states[is_alive(owner)]}process {owner.pid} on {owner.host}"


def _of_batch(path: Path) -> list[str]:
    ledger = Ledger(path / LEDGER)
    try:
        rows, owner = ledger.rows(), ledger.owner()
    finally:
        ledger.close()
    lines = [summary(rows)]
    if owner is not None:
        lines.append(
            f"running: {owner}"
            if owner.at_work
            else f"interrupted: {owner}, has ended; the same command continues"
        )
    lines += [
        f"running: {row.name}, for {time.time() - row.started:.0f} s, attempt {row.attempts}"
        for row in rows
        if row.line is not None and row.state == "running" and row.started is not None
    ]
    for row in rows:
        if row.line is not None and row.error:
            first, *others = row.error.rstrip().splitlines()
            lines += [f"{row.state}: {row.name}: {first}", *(f"  {other}" for other in others)]
    return lines


def summary(rows: Iterable[Row]) -> str:
    """How many measurements are in each state.

    Examples
    --------
    >>> summary([Row("A", 1, "", "", "done"), Row("B", 2, "", "", "set aside")])
    '2 measurements: 1 done, 1 set aside'
    """
    number = counts(rows)
    parts = ", ".join(f"{number[state]} {state}" for state in STATES if number[state])
    return f"{sum(number.values())} measurements: {parts or 'nothing to do'}"


def table(out: Path, rows: Sequence[Row], worked: Iterable[str]) -> list[str]:
    r"""A table of the measurements that were computed, with the verdicts on them, and of those that are not done, with why.

    Then how many are in each state.

    Examples
    --------
    >>> rows = [Row("A", 1, "", "runs/A", "done"), Row("B", 2, "", "runs/B", "failed", 1, 1, error="Found x.")]
    >>> print(*table(Path("night"), rows, []), sep="\n")
    name  state   attempts   seconds  verdict
    B     failed         1            Found x.
    2 measurements: 1 done, 1 failed
    night/index.html
    """
    names = set(worked)
    shown = [row for row in rows if row.line is not None and (row.name in names or row.state != "done")]
    lines = []
    if shown:
        name, state = (max(len(text) for text in texts) for texts in zip(*_texts(shown), strict=True))
        lines.append(f"{'name':<{name}}  {'state':<{state}}  attempts  {'seconds':>8}  verdict")
        for row in shown:
            spent = "" if row.seconds is None else f"{row.seconds:.1f}"
            verdict = run_verdict(out / row.run) if row.state == "done" else None
            last = verdict.light if verdict else brief(row.error)
            line = f"{row.name:<{name}}  {row.state:<{state}}  {row.attempts:>8}  {spent:>8}  {last}"
            lines.append(line.rstrip())
    return [*lines, summary(rows), str(out / INDEX)]


def _texts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return [("name", "state"), *((row.name, row.state) for row in rows)]


def brief(error: str) -> str:
    r"""An error in one line: its first, or the last of a traceback.

    Examples
    --------
    >>> brief("recipe.yaml:1:2: found a\nrecipe.yaml:2:2: found b"), brief("Traceback (...):\n  f()\nKeyError: 1")
    ('recipe.yaml:1:2: found a (and 1 more)', 'KeyError: 1')
    """
    lines = error.strip().splitlines()
    if len(lines) < 2:
        return error.strip()
    return lines[-1] if lines[0].startswith("Traceback") else f"{lines[0]} (and {len(lines) - 1} more)"


def write_index(out: Path, rows: Iterable[Row]) -> Path:
    """Write `index.html` of a batch; its path."""
    from xafsflow.reporting.batch_index import Entry, build_index

    entries = []
    for row in rows:
        if row.line is not None:
            verdict = run_verdict(out / row.run) if row.state == "done" else None
            about = (verdict.light, verdict.text) if verdict else ("", "")
            times = row.attempts, row.seconds, row.ended
            entries.append(Entry(row.name, row.state, *times, row.error, _link(out, row.run), *about))
    return build_index(entries, STATES, out.resolve().name, out / INDEX)


def _link(out: Path, run: str) -> str | None:
    """The report of a run, else its folder, else nothing."""
    for name in (f"{run}/report.html", run):
        if (out / name).exists():
            return quote(name)
    return None


def run_verdict(run: Path) -> Verdict | None:
    """What a finished run says as a whole; None where it says nothing that can be read."""
    try:
        return _verdict(_json(run / "findings.json"))
    except InputError:
        return None


def _verdict(found: Mapping[str, object]) -> Verdict | None:
    # They bring numpy, which a batch that has nothing to show does not wait for.
    from xafsflow.findings.overall_verdict import Verdict
    from xafsflow.findings.record import from_json

    return from_json(Verdict, found["verdict"]) if found.get("verdict") is not None else None


def _json(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}", "a file that a run wrote", "check the path") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} without a record", "a file that a run wrote", "check the path")
    return found


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
