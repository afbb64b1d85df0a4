"""Run the recipes on the measured data beside the project and print how right they are.

python tests/benchmarks/accuracy.py [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from xafsflow.cli.demonstration import compare
from xafsflow.findings.judge_findings import ComponentFindings, MissingFindings
from xafsflow.findings.reference_set_findings import ReferenceSetFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.io.folders import Folders
from xafsflow.learning.models.model import Model
from xafsflow.pipeline.entry_order import order
from xafsflow.pipeline.execution import run
from xafsflow.pipeline.recipe import load_recipe

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"


def iron_oxides(data: Path, out: Path) -> list[str]:
    """The scan with a known answer."""
    folders = Folders(data / "scan_fe", data / "standards" / "Fe")
    recipe = load_recipe(WORKFLOWS / "iron_oxides.yaml")
    apart = ("calibrate", "judge", "report")
    uncalibrated = order([planned for planned in recipe.plan if planned.step.station not in apart], [])
    lines = []
    with np.load(data / "scan_fe" / "truth.npz") as truth:
        for name, plan in (("as it stands", recipe.plan), ("without calibration", uncalibrated)):
            products = run(replace(recipe, plan=plan), folders, out.with_name(f"{out.name}-{len(plan)}"))
            lines += [f"{name}:", *compare(products.maps, dict(truth)), *_verdicts(products.findings)]
    return lines


def _verdicts(findings: RunFindings) -> list[str]:
    verdicts = findings.of(ReferenceSetFindings) | findings.of(MissingFindings)
    lines = [f"{entry}: {found.verdict}" for entry, found in verdicts.items()]
    lines += [
        f"{entry}: {found.number_by_noise} above the noise, IND {found.number_by_indicator}"
        for entry, found in findings.of(ComponentFindings).items()
    ]
    return lines


def iron_l_edge(data: Path, out: Path) -> list[str]:
    """The measured stack: are the two halves of the map distinguishable, and which reference is each?"""
    products = run(load_recipe(WORKFLOWS / "iron_l_edge.yaml"), Folders(data / "als_fe2p"), out)
    return halves(products.maps, products.of("model", "train.fit").load())


def halves(maps: xr.Dataset, model: Model) -> list[str]:
    """Correlation of the mean spectrum of the pixels each reference leads with each reference, over the features."""
    inside = np.isin(maps.energy.values, model.signature.values)
    measured, known = maps.mean_norm.values[:, inside], model.targets.spectra[:, inside]
    lines = [
        f"{'mean of pixels led by':<24}{'pixels':>8}"
        + "".join(f"{f'r with {n}':>18}" for n in model.targets.names)
    ]
    for name, mean, count in zip(model.targets.names, measured, maps.mean_pixels.values, strict=True):
        likeness = [np.corrcoef(mean, one)[0, 1] for one in known]
        lines.append(f"{name:<24}{count:8d}" + "".join(f"{r:18.3f}" for r in likeness))
    apart, references_apart = (np.sqrt(np.mean((a[0] - a[1]) ** 2)) for a in (measured, known))
    lines.append(
        f"distance of the two means {apart:.3f}, of the two references {references_apart:.3f} (rms of norm)"
    )
    return lines


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=WORKFLOWS.parents[1] / "shared" / "data")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        for name, work in (("iron_oxides", iron_oxides), ("iron_l_edge", iron_l_edge)):
            print(f"workflows/{name}.yaml")
            print("\n".join(f"  {line}" for line in work(data, Path(folder) / name)))


if __name__ == "__main__":
    main()
