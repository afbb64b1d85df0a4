"""Where the spectra of a run were normalized."""

from __future__ import annotations

from dataclasses import dataclass

from xafsflow.findings.record import Finding


@dataclass(frozen=True, eq=False)
class NormalizationFindings(Finding):
    """The windows of the normalization on the energies of the scan, and where its mean spectrum rises.

    Parameters
    ----------
    step
        The step that normalized.
    e0
        The edge that the windows are relative to, eV: as given, else the median over the pixels that were looked at.
    edge
        Energy of the largest derivative of the mean normalized spectrum of some rows, eV; NaN where none is found.
    pre_points, pre_degree
        Number of energies in the pre-edge window, and degree of what is fitted there; the degree is None where the method
        fits nothing.
    post_points, post_span, post_degree
        Number of energies in the post-edge window, how far apart its first and last one are (eV), and the degree of the
        polynomial that is fitted there; the degree is None where the method fits none.
    """

    step: str
    e0: float
    edge: float
    pre_points: int
    pre_degree: int | None
    post_points: int
    post_span: float
    post_degree: int | None
