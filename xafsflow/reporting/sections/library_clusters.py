"""The report's section on groups of similar spectra in a library: dendrogram, mean spectra, and rules on structures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xafsflow.findings.hierarchy_findings import DendrogramFindings, ExplanationFindings, HierarchyFindings
from xafsflow.reporting.curve_figure import CurveFigure, Plot
from xafsflow.reporting.curve_marks import Band, Curve, CurveMark, Rule
from xafsflow.reporting.figure_style import QUIET, SIGNAL, category_colors
from xafsflow.reporting.map_statistics import axis_label
from xafsflow.reporting.panel import Cell, Content, Panel, Table
from xafsflow.reporting.picture import Picture
from xafsflow.reporting.section_table import Block, Part, section
from xafsflow.reporting.sections.regions import branches
from xafsflow.reporting.wording import capitalized, counted, listed, number, percent, readable, with_unit

WIDTH = 4.6
# Mean spectra stand one above the other where there are this many or more.
APART = 3
UNITS = {"euclidean": "absorption", "cityblock": "absorption"}


@section(
    "library_clusters",
    title="Groups of similar spectra",
    intro="Spectra of the library that are alike, found without labels, and what their structures have in common.",
    order=24,
    drawn=(
        "sizes",
        "energy",
        "mean",
        "spread",
        "dendrogram",
        "by_label",
        "explanation",
        "number",
        "samples",
    ),
)
def library_clusters(part: Part) -> Iterator[Block]:
    """Dendrogram, mean spectra, sizes with the classes of each cluster, and the rules."""
    found = part.finding
    if not isinstance(found, HierarchyFindings):
        return
    colors = category_colors(found.number)
    yield _dendrogram(found, colors)
    yield _means(found, colors)
    yield _sizes(found, colors)
    if found.explanation is not None:
        yield _rules(found.explanation, colors)


def _dendrogram(found: HierarchyFindings, colors: Sequence[str]) -> Picture:
    shown = found.dendrogram
    of_join = _clusters_of_joins(shown)
    lines = branches(shown.linkage, shown.leaves.tolist())
    marks: list[CurveMark] = [Rule(found.height, True, SIGNAL, 0.9, (3, 2))]
    for (across, down), cluster in zip(lines, of_join, strict=True):
        color = QUIET if cluster < 0 else colors[cluster]
        marks.append(Curve(np.array(across), np.array(down), color, 1.2))
    for place, leaf in enumerate(shown.leaves.tolist()):
        color = colors[int(shown.clusters[leaf])]
        marks.append(Curve(np.zeros(1), np.array([float(place)]), color, 0, marker="s", size=5))
    names = [counted(int(shown.sizes[leaf]), "spectrum") for leaf in shown.leaves]
    last = float(shown.linkage[-1, 2])
    figure = CurveFigure(
        WIDTH,
        0.7 + 0.155 * max(len(names), 8),
        [Plot(marks, rows=names)],
        with_unit(f"{found.distance} distance", UNITS.get(found.distance, "")),
        (0, 1.05 * max(last, found.height)),
    )
    cut = f"The tree is cut at {number(found.height, 3)} (dashed) into {counted(found.number, 'cluster')}."
    text = f"Spectra that are alike are joined at the left ({found.linkage} linkage). {cut}"
    if found.linked < found.samples:
        text += f" It is of {found.linked:,} spectra drawn at random; the others went to the nearest mean."
    alt = f"Dendrogram of {counted(len(names), 'branch')}, joined at {number(last, 3)} at last. {cut}"
    return Picture("library_dendrogram", "Which spectra are alike", text, alt, figure)


def _clusters_of_joins(shown: DendrogramFindings) -> list[int]:
    """The cluster that a join lies within; -1 for one of several clusters."""
    below = shown.clusters.tolist()
    for first, second in shown.linkage[:, :2].astype(int).tolist():
        below.append(below[first] if below[first] == below[second] else -1)
    return below[len(shown.clusters) :]


def _means(found: HierarchyFindings, colors: Sequence[str]) -> Picture:
    step = 0.0
    if found.number >= APART:
        step = 0.3 * float(np.ptp(found.mean))
    marks: list[CurveMark] = []
    for k, color in enumerate(colors):
        up = step * (found.number - 1 - k)
        mean, spread = found.mean[k] + up, found.spread[k]
        marks.append(Band(found.energy, mean + spread, mean - spread, color, 0.25))
        marks.append(Curve(found.energy, mean, color, name=f"cluster {k}"))
    name = "absorption" + (" (shifted upwards)" if step else "")
    plot = Plot(marks, name, legend="lower right", columns=1 + found.number // 9)
    figure = CurveFigure(WIDTH, 3.2 + 0.25 * found.number, [plot], axis_label("energy"))
    text = "Mean spectrum of each cluster, and one standard deviation to both sides."
    alt = f"Mean spectra of {counted(found.number, 'cluster')} over the energy."
    return Picture("library_cluster_means", "Mean spectra of the clusters", text, alt, figure)


def _sizes(found: HierarchyFindings, colors: Sequence[str]) -> Panel:
    rows: list[Sequence[Content]] = []
    for k, (size, color) in enumerate(zip(found.sizes.tolist(), colors, strict=True)):
        classes = [_most_frequent(found, label, k) for label in found.by_label]
        shares = (f"{size:,}", percent(size, found.samples))
        rows.append((Cell(f"cluster {k}", color=color), *shares, *classes))
    head = ["", "spectra", "share", *(readable(label) for label in found.by_label)]
    return Panel("Clusters and the classes of their structures", content=Table(head, rows, numeric=[1, 2]))


def _most_frequent(found: HierarchyFindings, label: str, cluster: int) -> str:
    """The classes of a label in a cluster, the most frequent three."""
    counts = {kind: int(one[cluster]) for kind, one in found.by_label[label].items() if one[cluster]}
    first = sorted(counts, key=lambda kind: -counts[kind])[:3]
    return ", ".join(f"{kind} {percent(counts[kind], sum(counts.values()))}" for kind in first)


def _rules(found: ExplanationFindings, colors: Sequence[str]) -> Panel:
    rows = [
        (
            Cell(capitalized(readable(rule.words)), wide=True),
            Cell(f"cluster {rule.cluster}", color=colors[rule.cluster]),
            f"{rule.samples:,}",
            percent(rule.right, rule.samples),
        )
        for rule in sorted(found.rules, key=lambda rule: (rule.cluster, -rule.samples))
    ]
    better = "better than" if found.accuracy > found.largest else "no better than"
    # Where each sample is a group of its own, nobody may know what is of one material
    known = found.groups < found.samples
    lead = (
        f"Rules on the structure name the cluster of {percent(found.accuracy)} of the spectra "
        f"{'of materials ' if known else ''}that they were not made of, {better} naming always the largest cluster "
        f"({percent(found.largest)})."
    )
    groups = f" of {counted(found.groups, 'material')}" if known else ""
    folds = counted(found.folds, "fold") + (" by material" if known else "")
    notes = [
        f"Decision tree on {counted(found.samples, 'sample')}{groups}; {folds}, macro-F1 {number(found.macro_f1, 3)}."
    ]
    if found.without_value:
        notes.append(f"Left out: {counted(found.without_value, 'sample')} without one of the values.")
    asked = sorted({found.tree.names[c].partition(" = ")[0] for c in found.tree.condition.tolist() if c >= 0})
    if asked:
        notes.append(f"The rules ask for {listed([readable(name) for name in asked])}.")
    content = Table(["structure", "spectrum", "samples", "right"], rows, numeric=[2, 3])
    return Panel("Which structures have which spectrum", lead=lead, content=content, notes=notes)
