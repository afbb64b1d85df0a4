"""Compositions on a simplex grid, and noisy patterns of their spectra."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from xafsflow.errors import InputError

# A table of 2 million patterns of 210 features is 1.7 GB; what is larger does not fit beside a cube.
MOST_PATTERNS = 2_000_000


def simplex_grid(references: int, step: float) -> np.ndarray:
    """All compositions whose parts are multiples of `step` and sum to one: `(class, reference)`.

    With n = 1/step there are (n + r - 1)! / (n! (r - 1)!) of them.

    Raises
    ------
    InputError
        1/step is not a whole number, or there would be more than `MOST_PATTERNS` compositions.

    Examples
    --------
    >>> simplex_grid(3, 0.1).shape
    (66, 3)
    >>> simplex_grid(2, 0.5).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """
    parts = round(1 / step) if 0 < step <= 1 else 0
    if parts < 1 or abs(parts * step - 1) > 1e-6:
        raise InputError(f"step {step:g}", "one over a whole number", "use 0.5, 0.2, 0.1 or 0.05")
    # A composition is a way to set r - 1 bars among n + r - 1 places.
    places = parts + references - 1
    count = comb(places, references - 1)
    check_size(count, 1)
    bars = np.array(list(combinations(range(places), references - 1)), int).reshape(count, references - 1)
    edges = np.concatenate([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), places)], axis=1)
    return (np.diff(edges, axis=1) - 1)[::-1] / parts


def class_names(references: list[str], compositions: np.ndarray) -> list[str]:
    """Readable names of compositions.

    Examples
    --------
    >>> class_names(["Fe", "FeO"], np.array([[1, 0], [0.3, 0.7]]))
    ['Fe', '30 % Fe + 70 % FeO']
    """
    names = []
    for row in compositions:
        present = [(share, name) for share, name in zip(row, references, strict=True) if share > 0]
        names.append(
            present[0][1] if len(present) == 1 else " + ".join(f"{100 * s:.3g} % {n}" for s, n in present)
        )
    return names


def check_size(classes: int, patterns: int) -> None:
    """Refuse a table that does not fit into memory.

    Raises
    ------
    InputError
        More than `MOST_PATTERNS` rows.
    """
    if classes * patterns > MOST_PATTERNS:
        raise InputError(
            f"{classes} classes x {patterns} noise patterns = {classes * patterns} training spectra",
            f"at most {MOST_PATTERNS}",
            "use a larger step, fewer references or fewer noise_patterns",
        )


def noisy_block(
    spectra: np.ndarray, steps: np.ndarray, noise: np.ndarray, patch: int, rng: np.random.Generator
) -> np.ndarray:
    """Absorbance of small fields around each pattern: every pixel of a field has its own noise.

    Parameters
    ----------
    spectra
        Normalized spectra, `(energy, pattern)`.
    steps
        Edge steps, `(pattern,)`.
    noise
        Standard deviation of the absorbance, `(energy, pattern)`.
    patch
        Width of the square field of a pattern, pixels.

    Returns
    -------
    ndarray
        `(energy, patch, pattern * patch)` float32.

    Examples
    --------
    >>> one = np.ones((5, 2))
    >>> noisy_block(one, np.array([1.0, 2.0]), 0 * one, 3, np.random.default_rng(0))[0, 0].tolist()
    [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    """
    mu = np.repeat((spectra * steps).astype(np.float32), patch, axis=1)[:, None, :]
    sigma = np.repeat(noise.astype(np.float32), patch, axis=1)[:, None, :]
    random = rng.standard_normal((mu.shape[0], patch, mu.shape[2]), np.float32)
    random *= sigma
    random += mu
    return random
