"""Record what Larch makes of spectra, as truth for the tests of the kernels.

Larch (xraylarch, 2 GB) is no dependency of this project. To record again, in an environment of its own:

    python -m venv larch && larch/bin/pip install xraylarch==2026.3.1
    larch/bin/python tests/references/record_larch.py ../shared/data/standards/Fe

`larch.json` holds Larch's version and settings, its numbers for each spectrum (curves at a few energies
only), and the analytic spectra themselves. Of the measured spectra it holds Larch's numbers and no data.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "constant": {"e0": 7112.0, "pre2": -20.0, "norm1": 30.0, "nnorm": 0},
    "line": {"e0": 7112.3, "pre1": -45.0, "pre2": -18.0, "norm1": 40.0, "norm2": 130.0, "nnorm": 1},
    "parabola": {"e0": 7115.1, "pre1": -150.0, "pre2": -30.0, "norm1": 50.0, "nnorm": 2, "nvict": 1},
    "cubic": {"e0": 7112.0, "norm1": 20.0, "norm2": -40.0, "nnorm": 3, "nvict": 2},
    "mean": {"e0": 7113.0, "pre1": -40.0, "pre2": -15.0, "norm1": 15.0, "nnorm": 0, "npre": 0},
}
MBACK = ("Fe2O3_rt_01.xdi", "Fe_metal_rt_01.xdi", "Hansel2001_goethite_xanes_003.xdi")
SAMPLES = 14


def read_mu(path: Path) -> tuple[Any, Any]:
    """Energy and absorbance of an XDI file with the columns energy, i0, itrans in any order."""
    names: dict[str, int] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# Column."):
            number, _, name = line.removeprefix("# Column.").partition(":")
            names[name.split()[0]] = int(number) - 1
    data = np.loadtxt(path)
    return data[:, names["energy"]], -np.log(data[:, names["itrans"]] / data[:, names["i0"]])


def analytic() -> dict[str, tuple[Any, Any]]:
    """Arctangents with a white line on uneven grids: usual, noisy, few points, edge near either end, long."""
    rng = np.random.default_rng(0)

    def edge(energy: Any, e0: float, noise: float = 0.0) -> Any:
        step = 0.5 + np.arctan((energy - e0) / 1.3) / np.pi
        line = 0.35 * np.exp(-(((energy - e0 - 6) / 3) ** 2))
        wave = 0.03 * np.sin((energy - e0) / 11) * (energy > e0)
        slope = 1.1 - 4e-4 * (energy - e0)
        return slope + 0.7 * (step + line + wave) + noise * rng.standard_normal(energy.size)

    coarse, fine, rest = np.arange(7000, 7095, 4.0), np.arange(7095, 7140, 0.35), np.arange(7140, 7310, 2.7)
    usual = np.concatenate([coarse, fine, rest])
    grids = {
        "usual": usual,
        "few": np.array(
            [*range(7040, 7100, 20), 7096, 7104, *range(7108, 7120, 2), 7130, 7140, 7165, 7190.0]
        ),
        "long": np.concatenate([usual[:-50], np.arange(7180, 8000, 5.5)]),
        "high edge": usual[usual < 7121],
    }
    spectra = {name: (grid, edge(grid, 7112.0)) for name, grid in grids.items()}
    spectra["low edge"] = (usual[28:], edge(usual[28:], usual[36]))
    spectra["noisy"] = (usual, edge(usual, 7112.0, 0.02))
    spectra["noise"] = (usual, edge(usual, 7112.0, 1.0))
    return spectra


def larch_numbers(energy: Any, mu: Any, settings: dict[str, Any]) -> dict[str, Any] | None:
    """What `pre_edge` finds, or None where Larch raises an error."""
    from larch import Group
    from larch.xafs import pre_edge

    group = Group(energy=energy.copy(), mu=mu.copy())
    try:
        pre_edge(group, **settings)
    except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
        return None
    names = ("pre1", "pre2", "norm1", "norm2", "nnorm", "nvict")
    ranges = {name: getattr(group.pre_edge_details, name) for name in names}
    curves = {name: sampled(getattr(group, name)) for name in ("norm", "flat", "pre_edge", "post_edge")}
    return {"e0": rounded(group.e0), "edge_step": rounded(group.edge_step), "ranges": ranges, **curves}


def larch_mback(energy: Any, mu: Any) -> dict[str, Any]:
    """What `mback` finds for iron, e0 given."""
    from larch import Group
    from larch.xafs import mback

    full = Group(energy=energy.copy(), mu=mu.copy())
    mback(full, z=26, edge="K", e0=7112.0)
    return {"mback": {"edge_step": rounded(full.edge_step), "norm": sampled(full.norm)}}


def combinations() -> dict[str, Any]:
    """Three references that differ in place and white line, and noisy mixtures of them."""
    rng = np.random.default_rng(1)
    energy = np.arange(7092.0, 7172.0, 1.6)

    def edge(e0: float, line: float) -> Any:
        x = energy - e0
        return 0.5 + np.arctan(x / 1.3) / np.pi + line * np.exp(-(((x - 6) / 3) ** 2))

    references = np.array([edge(7111.0, 0.05), edge(7114.0, 0.3), edge(7117.0, 0.6)])
    made = {
        "inside": (0.5, 0.3, 0.2),
        "more than one": (0.8, 0.3, 0.2),
        "two": (0.6, 0.4, 0.0),
        "one": (0.0, 1.0, 0.0),
    }
    noise = 0.01 * rng.standard_normal((len(made), energy.size))
    rows = {
        name: [rounded(v) for v in np.array(parts) @ references + own]
        for (name, parts), own in zip(made.items(), noise, strict=True)
    }
    return {
        "energy": energy.tolist(),
        "references": [[rounded(v) for v in row] for row in references],
        "data": rows,
    }


def larch_combinations(given: dict[str, Any]) -> dict[str, Any]:
    """What `lincombo_fit` finds with fractions from zero upward, with their sum held at one and not."""
    from larch import Group
    from larch.math.lincombo_fitting import lincombo_fit

    energy = np.array(given["energy"])
    parts = [
        Group(energy=energy, norm=np.array(row), filename=f"part {k}")
        for k, row in enumerate(given["references"])
    ]
    found: dict[str, Any] = {}
    for name, data in given["data"].items():
        for sum_to_one in (False, True):
            group = Group(energy=energy, norm=np.array(data), filename="data")
            fit = lincombo_fit(group, parts, minvals=[0.0] * 3, sum_to_one=sum_to_one)
            found[f"{name}, {'one' if sum_to_one else 'free'}"] = {
                "fraction": [rounded(fit.weights[part.filename]) for part in parts],
                "error": [fit.params[part.filename].stderr for part in parts],
                "r_factor": rounded(fit.rfactor),
                "reduced_chi_square": rounded(fit.redchi),
            }
    return found


def sampled(values: Any) -> list[float]:
    """A few values from the first to the last."""
    return [rounded(v) for v in np.asarray(values)[np.linspace(0, len(values) - 1, SAMPLES).astype(int)]]


def rounded(value: float) -> float:
    """Twelve digits."""
    return float(f"{value:.12g}")


def record(folder: Path) -> dict[str, Any]:
    """Larch's numbers for the analytic and the measured spectra."""
    import larch
    from larch.xafs import find_e0

    spectra = {name: (x, y, True) for name, (x, y) in analytic().items()}
    for path in sorted(folder.iterdir()):
        spectra[path.name] = (*read_mu(path), False)
    found: dict[str, Any] = {}
    for name, (energy, mu, ours) in spectra.items():
        row: dict[str, Any] = {"find_e0": rounded(find_e0(energy.copy(), mu.copy()))}
        row["cases"] = {case: larch_numbers(energy, mu, settings) for case, settings in CASES.items()}
        if ours:
            row |= {"energy": energy.tolist(), "mu": [rounded(v) for v in mu]}
        if name in MBACK or name == "usual":
            row |= larch_mback(energy, mu)
        found[name] = row
    given = combinations()
    sums = {**given, "larch": larch_combinations(given)}
    return {
        "larch": larch.__version__,
        "samples": SAMPLES,
        "cases": CASES,
        "combinations": sums,
        "spectra": found,
    }


if __name__ == "__main__":
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        numbers = record(Path(sys.argv[1]))
    target = Path(__file__).with_name("larch.json")
    target.write_text(json.dumps(numbers, indent=None).replace('}, "', '},\n"') + "\n", encoding="utf-8")
