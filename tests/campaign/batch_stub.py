"""Stands for the work on a measurement in tests of batches: as quick as it is told to be, and able to die.

A measurement's folder has `orders.txt`; each call leaves a line in `.calls`, which is hidden from the digest.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from xafsflow.campaign.executors import Outcome, Task


def run_measurement(task: Task) -> Outcome:
    data, run = Path(task.data), Path(task.run)
    run.mkdir(exist_ok=True)
    # As in a run: what is unfinished says so
    (run / "run.json").write_text(json.dumps({"state": "unfinished"}))
    with (data / ".calls").open("a") as file:
        file.write(f"{os.getpid()} {run.joinpath('half').exists()}\n")
    (run / "half").write_text("")
    order, calls = (data / "orders.txt").read_text().strip(), len((data / ".calls").read_text().splitlines())
    if order.startswith("slow"):
        time.sleep(float(order.removeprefix("slow ")))
    if order == "die" or (order == "die once" and calls == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if order == "leave":
        os._exit(3)
    if order == "wrong":
        return Outcome("wrong", "Found <b>no image</b>. Expected some. Look")
    if order == "fail" or (order == "fail once" and calls == 1):
        return Outcome("failed", f"Traceback (most recent call last):\n  here\nValueError: call {calls}")
    (run / "report.html").write_text("<p>report")
    (run / "run.json").write_text(json.dumps({"state": "finished"}))
    return Outcome("done")


def check(text: str, source: str, catalog: object) -> None:
    """Nothing is checked."""
