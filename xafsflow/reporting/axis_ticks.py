"""Round numbers along an axis, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def nice_ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten from `low` to `high`: about as many as there is room for.

    Parameters
    ----------
    low, high
        Ends of the axis.
    most
        Distances between them that the axis has room for; two numbers are given even where it has room for one.
    whole
        True for whole numbers only.

    Examples
    --------
    >>> nice_ticks(-0.5, 159.5, 5), nice_ticks(0, 1, 6), nice_ticks(7111.8, 7113.1, 4)
    ([0.0, 50.0, 100.0, 150.0], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [7112.0, 7112.5, 7113.0])
    >>> nice_ticks(-0.5, 1.5, 5, whole=True)
    [0.0, 1.0]
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    power = 10.0 ** math.floor(math.log10(span / most))
    steps = [digit * power for digit in (1, 2, 2.5, 5, 10, 20, 25, 50)]
    if whole:
        steps = [step for step in steps if step >= 1 and step == round(step)] or [1.0]
    # The rounding of a quotient must not lose a tick at an end.
    wide = next((i for i, step in enumerate(steps) if span / step <= most * (1 + 1e-9)), len(steps) - 1)
    ticks = _multiples(steps[wide], low, high)
    # One number alone does not say how long the axis is.
    return _multiples(steps[wide - 1], low, high) if len(ticks) < 2 and wide else ticks


def _multiples(step: float, low: float, high: float) -> list[float]:
    digits = max(0, 2 - math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, digits) for i in range(first, last + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """The ticks with as many decimals as tell them apart; very small or large ones with a power of ten.

    Examples
    --------
    >>> tick_labels([0.0, 0.25, 0.5]), tick_labels([7112.0, 7113.0]), tick_labels([-1.0, 0.0])
    (['0.00', '0.25', '0.50'], ['7112', '7113'], ['−1', '0'])
    >>> tick_labels([0.0, 2e-6]), tick_labels([0.0, 5e7])
    (['0', '2e−6'], ['0', '5e7'])
    """
    largest = max(map(abs, ticks), default=0.0)
    step = min((second - first for first, second in pairwise(ticks)), default=largest or 1.0)
    if largest and not 1e-3 <= largest < 1e6:
        precision = 2 + math.ceil(math.log10(max(largest / step, 1.0)))
        return [_with_power(tick, precision) for tick in ticks]
    digits = next((n for n in range(9) if all(abs(tick - round(tick, n)) < 1e-3 * step for tick in ticks)), 9)
    return [f"{tick:.{digits}f}".replace("-", "−") for tick in ticks]


def _with_power(value: float, precision: int) -> str:
    """A number like 2.5e−6, with so many digits at most."""
    if not value:
        return "0"
    digits, power = f"{value:.{precision}e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}".replace("-", "−")


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from `low` to `high`, with 2 and 5 times them where the axis is short.

    Examples
    --------
    >>> log_ticks(0.5, 12), log_ticks(0.5, 2000)
    ([0.5, 1.0, 2.0, 5.0, 10.0], [1.0, 10.0, 100.0, 1000.0])
    """
    digits = (1.0, 2.0, 5.0) if high < 30 * low else (1.0,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{digit * 10.0**power:.3g}") for power in powers for digit in digits]
    return [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]


def log_labels(ticks: Sequence[float]) -> list[str]:
    """Ticks of a logarithmic axis as plain numbers.

    Examples
    --------
    >>> log_labels([0.01, 1.0, 2000.0])
    ['0.01', '1', '2,000']
    """
    return [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks]
