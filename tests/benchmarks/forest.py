"""The default forest beside scikit-learn's: fit, votes, size, memory and held-out scores.

    python tests/benchmarks/forest.py [--patterns 1000] [--repeats 3] [--json FILE]

66 classes of three references at 210 energies, `--patterns` each. Both sides of a line run in turn in this process; the
figure that counts is the ratio of their medians. Fits are timed by the clock, on all cores; votes in processor time, on
one thread. Diverse pixels are held-out patterns of all classes in random order; smooth ones lie on a slow change of
composition, in order, with a tenth of the noise.
"""

from __future__ import annotations

import argparse
import json
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sklearn.ensemble import RandomForestClassifier

import xafsflow as xf
from xafsflow.learning.forest.exact_layout import flatten
from xafsflow.learning.forest.histogram_forest import HistogramForest
from xafsflow.learning.models.classifiers import held_out_score
from xafsflow.sampling.noisy_patterns import finite

TREES, PIXELS = 100, 4096


def patterns(count: int, seed: int, noise: float) -> Any:
    """Mixtures from a phantom of 210 energies; `noise` more is added to every feature."""
    cube = xf.ingest.phantom(size=(64, 64), energies=210, seed=seed)
    cube = xf.normalize.edge_step(xf.correct.absorbance(cube), e0=7112.0)
    found = xf.train.mixtures(cube, xf.ingest.phantom_references(), noise_patterns=count, seed=seed)
    found = finite(found, "sample")
    rng = np.random.default_rng(seed)
    return found.assign(
        features=found.features + np.float32(noise) * rng.standard_normal(found.features.shape, "f4")
    )


def medians(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median processor seconds of each, in turn: others on the machine do not count."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = time.process_time()
            work()
            spent[name].append(time.process_time() - start)
    return {name: float(np.median(times)) for name, times in spent.items()}


def smooth_pixels(samples: Any) -> np.ndarray:
    """`(pixel, feature)`: from one end of the classes to the other along a line, with little noise."""
    spectra, rng = samples.class_features.values, np.random.default_rng(5)
    place = np.linspace(0, len(spectra) - 1.001, PIXELS)
    first, share = place.astype(int), (place % 1)[:, None]
    line = (1 - share) * spectra[first] + share * spectra[first + 1]
    return (line + 0.1 * samples.attrs["median_noise"] * rng.standard_normal(line.shape)).astype(np.float32)


def measure_fit(train: Any, repeats: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Both forests, fitted on all cores; seconds, and MB by which the process grew."""
    table, labels = train.features.values, train.label.values
    fitted: dict[str, Any] = {}
    peaks: dict[str, float] = {}

    def ours() -> None:
        fitted["ours"] = HistogramForest(TREES, seed=0).fit(table, labels)

    def theirs() -> None:
        fitted["theirs"] = RandomForestClassifier(TREES, n_jobs=-1, random_state=0).fit(table, labels)

    HistogramForest(1).fit(table[:200], labels[:200])  # compile
    works = {"ours": ours, "theirs": theirs}
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            fitted.pop(name, None)
            start = time.perf_counter()
            peaks[name] = growth(work)
            spent[name].append(time.perf_counter() - start)
    seconds = {f"fit_{name}_s": float(np.median(times)) for name, times in spent.items()}
    return fitted, seconds | {f"peak_{name}_mb": peak for name, peak in peaks.items()}


def growth(work: Callable[[], object]) -> float:
    """By how many MB the process is larger while it works, looked at a hundred times a second."""
    process, done = psutil.Process(), threading.Event()
    before = most = process.memory_info().rss

    def report_progress() -> None:
        nonlocal most
        while not done.wait(0.01):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=report_progress)
    watcher.start()
    try:
        work()
    finally:
        done.set()
        watcher.join()
    return (max(most, process.memory_info().rss) - before) / 1e6


def measure_votes(fitted: dict[str, Any], pixels: np.ndarray, kind: str, repeats: int) -> dict[str, float]:
    """Million pixels a second on one thread: ours, scikit-learn's, and its exact flat form."""
    theirs, flat = fitted["theirs"], flatten(fitted["theirs"])
    theirs.n_jobs = 1
    columns = np.ascontiguousarray(pixels.T)
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: fitted["ours"].forest_.predict(columns),
        "flat": lambda: flat.predict(columns),
        "theirs": lambda: theirs.predict_proba(pixels),
    }
    medians(works, 1)
    return {f"{kind}_{n}_mpx_s": len(pixels) / s / 1e6 for n, s in medians(works, max(5, repeats)).items()}


def measure(count: int, repeats: int, noise: float) -> dict[str, Any]:
    """All figures of one run."""
    train, held = patterns(count, 1, noise), patterns(60, 2, noise)
    pixels = held.features.values[np.random.default_rng(4).permutation(held.sizes["sample"])]
    found: dict[str, Any] = {"patterns": train.sizes["sample"], "repeats": repeats, "noise": noise}
    fitted, figures = measure_fit(train, repeats)
    found |= figures
    found |= measure_votes(fitted, pixels[:PIXELS], "diverse", repeats)
    found |= measure_votes(fitted, smooth_pixels(train), "smooth", repeats)
    found["model_ours_mb"] = fitted["ours"].forest_.n_bytes / 1e6
    found["model_theirs_mb"] = len(pickle.dumps(fitted["theirs"])) / 1e6
    for name, forest in fitted.items():
        votes = forest.predict_proba(held.features.values)
        score = held_out_score(votes, held.label.values, held.composition.values)
        found |= {f"{part}_{name}": score[part] for part in ("accuracy", "fraction_error")}
    share = found["accuracy_theirs"]
    found["accuracy_standard_error"] = float(np.sqrt(share * (1 - share) / held.sizes["sample"]))
    return found


LINES = (
    ("fit, s, all cores", "fit_{}_s", True),
    ("votes, Mpx/s, one thread, diverse pixels", "diverse_{}_mpx_s", False),
    ("votes, Mpx/s, one thread, smooth pixels", "smooth_{}_mpx_s", False),
    ("model, MB (scikit-learn's pickled)", "model_{}_mb", True),
    ("peak memory of the fit above the table, MB", "peak_{}_mb", True),
    ("held-out accuracy", "accuracy_{}", False),
    ("held-out fraction error", "fraction_error_{}", True),
)


def main() -> None:
    """Print the table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--patterns", type=int, default=1000, help="of each of the 66 classes")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--noise", type=float, default=0.0, help="added to each feature, to make it harder")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = measure(chosen.patterns, chosen.repeats, chosen.noise)
    print(f"{found['patterns']} patterns, {TREES} trees, medians of {chosen.repeats}")
    print(f"{'':<46}{'ours':>10}{'sklearn':>10}{'ratio':>8}")
    for text, name, less in LINES:
        ours, theirs = found[name.format("ours")], found[name.format("theirs")]
        ratio = theirs / max(ours, 1e-9) if less else ours / theirs
        print(f"{text:<46}{ours:10.4g}{theirs:10.4g}{ratio:8.2f}")
    for kind in ("diverse", "smooth"):
        ratio = found[f"{kind}_flat_mpx_s"] / found[f"{kind}_theirs_mpx_s"]
        print(f"exact flat form of scikit-learn's, {kind}: {ratio:.2f} times predict_proba")
    print(f"standard error of an accuracy: {found['accuracy_standard_error']:.4f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
