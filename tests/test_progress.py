"""What long work tells goes to whoever watches, and to nobody else."""

from __future__ import annotations

from threading import Thread

import pytest

from xafsflow.progress import tell, told_to


def test_what_is_told__goes_to_the_innermost_watch() -> None:
    outer, inner = [], []
    tell("nobody listens")
    with told_to(lambda *told: outer.append(told)):
        tell("a")
        with told_to(lambda *told: inner.append(told)):
            tell("b", 0.5)
        tell("c", 1.0)
    tell("nobody listens", 1.0)
    assert outer == [("a", None), ("c", 1.0)]
    assert inner == [("b", 0.5)]


def test_a_step_that_fails__leaves_the_watch_before() -> None:
    told = list[str]()
    with told_to(lambda name, share: told.append(name)):
        with pytest.raises(ZeroDivisionError), told_to(lambda name, share: told.append("inner")):
            raise ZeroDivisionError
        tell("outer")
    assert told == ["outer"]


def test_another_thread__is_not_watched() -> None:
    told = list[str]()
    with told_to(lambda name, share: told.append(name)):
        thread = Thread(target=tell, args=("elsewhere",))
        thread.start()
        thread.join()
    assert told == []
