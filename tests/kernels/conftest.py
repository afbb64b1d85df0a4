"""Spectra with Larch's numbers for them, and blocks made from one spectrum."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest

REFERENCES = Path(__file__).resolve().parents[1] / "references"


class Spectrum(NamedTuple):
    name: str
    energy: Any
    mu: Any
    larch: dict[str, Any]


@pytest.fixture(autouse=True)
def numbers_as_in_compiled_code() -> Iterator[None]:
    """Without the compiler, numpy warns where a compiled kernel makes a NaN in silence."""
    quiet = {"divide": "ignore", "over": "ignore", "invalid": "ignore"}
    with np.errstate(**quiet) if numba.config.DISABLE_JIT else contextlib.nullcontext():
        yield


@pytest.fixture(scope="session")
def recorded() -> dict[str, Any]:
    return json.loads((REFERENCES / "larch.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def analytic(recorded: dict[str, Any]) -> list[Spectrum]:
    rows = recorded["spectra"].items()
    return [Spectrum(n, np.array(r["energy"]), np.array(r["mu"]), r) for n, r in rows if "energy" in r]


@pytest.fixture(scope="session")
def measured(recorded: dict[str, Any], shared: Path) -> list[Spectrum]:
    spec = importlib.util.spec_from_file_location("record_larch", REFERENCES / "record_larch.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = shared / "standards" / "Fe"
    rows = recorded["spectra"].items()
    return [Spectrum(n, *script.read_mu(folder / n), r) for n, r in rows if "energy" not in r]


@pytest.fixture(params=["analytic", "measured"])
def spectra(request: pytest.FixtureRequest) -> list[Spectrum]:
    """All spectra with Larch's numbers: those made by a formula, then those measured."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def energy() -> Any:
    """An uneven grid over the Fe K edge."""
    parts = np.arange(7040, 7096, 8.0), np.arange(7100, 7126, 1.3), np.arange(7130, 7260, 9.0)
    return np.concatenate(parts)


@pytest.fixture(scope="session")
def block(energy: Any) -> Callable[..., Any]:
    """A block `(energy, y, x)` of noisy spectra whose edges differ in height and place."""

    def make(shape: tuple[int, int] = (3, 4), dtype: Any = np.float64, seed: int = 0) -> Any:
        rng = np.random.default_rng(seed)
        e0, step = rng.uniform(7108, 7116, shape), rng.uniform(0.3, 2, shape)
        x = energy[:, None, None] - e0
        mu = 1 - 1e-3 * x + step * (0.5 + np.arctan(x / 1.5) / np.pi + 0.4 * np.exp(-(((x - 6) / 4) ** 2)))
        return (mu + 0.005 * rng.standard_normal(mu.shape)).astype(dtype)

    return make
