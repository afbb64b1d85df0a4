"""Rules of the verdict on a run: do calibration, normalization and noise bear an answer?

A rule is a function of the findings: None, or what it holds against the answer. Limits stand with their reasons; none is
fitted to a scan.
"""

from __future__ import annotations

from xafsflow.findings.calibrate_findings import (
    AlignFindings,
    CheckFindings,
    DistanceFindings,
    OffsetFindings,
    ShiftFieldFindings,
)
from xafsflow.findings.judge_findings import UnknownFindings
from xafsflow.findings.overall_verdict import Reservation
from xafsflow.findings.run_findings import RunFindings

SHIFT, SHIFT_REFUSED = 0.1, 1.0
STANDARD_MISFIT = 0.02
BLUNT = 1.0
NOISE_LOW, NOISE_HIGH = 0.67, 1.5
EDGE_BEFORE, EDGE_AFTER = 8.0, 16.0
# eV that a post-edge polynomial of degree 0, 1, 2 needs.
POST_EDGE = (0.0, 30.0, 300.0)


def shift_error(found: RunFindings) -> Reservation | None:
    """The energy shift is not known well enough.

    Oxidation states lie some eV apart: 0.1 eV moves shares by about 0.02, which is what fits are good for; 1 eV by 0.2.
    """
    errors = [one.error_range[1] for one in found.of(ShiftFieldFindings).values()]
    errors += [one.error for one in found.of(OffsetFindings).values()]
    errors += [one.error for one in found.of(AlignFindings).values()]
    errors += [one.offset_error for one in found.of(DistanceFindings).values()]
    worst = max(errors, default=0.0)
    if worst <= SHIFT:
        return None
    text = f"the energy calibration is uncertain by up to {worst:.2g} eV"
    return Reservation("shift_error", text, "refusal" if worst > SHIFT_REFUSED else "reservation")


def calibration_check(found: RunFindings) -> Reservation | None:
    """`calibrate.check`, the last one, finds E0 off the standard, or still tilted, by more than twice its own error.

    The limits are those of `shift_error`; what tilts from border to border is off by half of it at the borders.
    """
    checks = list(found.of(CheckFindings).values())
    if not checks:
        return None
    after = checks[-1].after
    slopes = [(after.slope_x, after.slope_x_error), (after.slope_y, after.slope_y_error)]
    off = [abs(after.mean) - 2 * after.mean_error, *((abs(one) - 2 * error) / 2 for one, error in slopes)]
    worst = max((one for one in off if one == one), default=0.0)
    if worst <= SHIFT:
        return None
    text = f"after the calibration energies are still off by {worst:.2g} eV or more somewhere in the field"
    return Reservation("calibration_check", text, "refusal" if worst > SHIFT_REFUSED else "reservation")


def standard_misfit(found: RunFindings) -> Reservation | None:
    """The standard does not explain the spectra that the shift was found on.

    2 % of the edge step in the typical tile is far above noise (0.4 % on a simulated scan of 19,000 counts): foil and
    standard have another resolution, thickness or phase, which moves the shift by more than its stated error.
    """
    fits = [one.misfit for one in found.of(ShiftFieldFindings).values()]
    worst = max([*fits, *(one.misfit for one in found.of(CheckFindings).values())], default=0.0)
    if worst <= STANDARD_MISFIT:
        return None
    text = f"the calibration's standard leaves {worst:.1%} of the edge step unexplained: another resolution or phase"
    return Reservation("standard_misfit", text)


def resolution(found: RunFindings) -> Reservation | None:
    """The scan is so blunt against its references that phases which differ in narrow features look alike.

    1 eV of Gaussian (2.4 eV full width) is as wide as the core hole of a 3d metal's K edge: pre-edge peaks and shoulders,
    which tell phases of one oxidation state apart, are gone. References get what was found, so shares stay right.
    """
    widths = [one.broadening for one in found.of(ShiftFieldFindings).values()]
    worst = max((one.used for one in widths), default=0.0)
    if worst < BLUNT:
        return None
    text = f"the scan is blunter than its references by {worst:.2g} eV (sigma): narrow features of phases are lost"
    return Reservation("resolution", text)


def noise_check(found: RunFindings) -> Reservation | None:
    """The scatter of the data is not the noise that `derive.noise` states.

    A factor of 1.5 is one of 2.25 in chi-square, on which `misfit` rests. The ratio itself is known to some 10 %, less
    where few energies let neighboring spectra differ by more than noise (1.4 on a simulated scan of 50 energies).
    """
    ratio = None if found.maps is None else found.maps.noise_ratio
    if ratio is None or NOISE_LOW <= ratio <= NOISE_HIGH:
        return None
    text = f"the data scatter by {ratio:.2g} times the stated noise: chi-square and stated errors are off by as much"
    return Reservation("noise_check", text)


def edge_place(found: RunFindings) -> Reservation | None:
    """The windows are relative to an e0 that is not at the edge of the sample.

    A tabulated e0 is that of the metal; the steepest point of oxides lies up to 16 eV above it. Where an oxide's edge was
    given, that of the metal lies up to 8 eV below.
    """
    one = found.normalization
    if one is None or not (one.edge - one.e0 < -EDGE_BEFORE or one.edge - one.e0 > EDGE_AFTER):
        return None
    text = f"e0 of {one.step} is {one.e0:.1f} eV, and the spectra rise at {one.edge:.1f} eV"
    return Reservation("edge_place", f"{text}: chemistry does not move an edge so far")


def pre_edge(found: RunFindings) -> Reservation | None:
    """A pre-edge window with no more points than its curve has terms: Larch fits a constant there, and says nothing."""
    one = found.normalization
    if one is None or one.pre_degree is None or one.pre_points >= one.pre_degree + 2:
        return None
    text = (
        f"the pre-edge of {one.step} is fitted to {one.pre_points} energies: its noise tilts every spectrum"
    )
    return Reservation("pre_edge", text)


def post_edge(found: RunFindings) -> Reservation | None:
    """A post-edge window that does not bear its polynomial.

    Larch fits a line from 30 eV on and a quadratic from 300 eV on (`pre_edge`, version 2026.3.1): what is shorter follows
    the first oscillations, which differ between phases. Each degree more needs another 300 eV; points must be two more
    than terms.
    """
    one = found.normalization
    if one is None or one.post_degree is None:
        return None
    degree = one.post_degree
    needed = POST_EDGE[degree] if degree < len(POST_EDGE) else POST_EDGE[2] * (degree - 1)
    where = f"the post-edge of {one.step}, a polynomial of degree {degree},"
    if one.post_points < degree + 3:
        return Reservation("post_edge", f"{where} is fitted to {one.post_points} energies: too few")
    # A window that ends with the scan may lack its last step.
    if one.post_span < 0.95 * needed:
        text = f"{where} has {one.post_span:.0f} eV and needs {needed:.0f}: it bends with the phase, and so do shares"
        return Reservation("post_edge", text)
    return None


def warned(found: RunFindings) -> Reservation | None:
    """A step has warned: what it found may make an answer wrong in ways that no number here shows.

    What spoils the rate of unknown pixels has a rule of its own.
    """
    known = {text for one in found.of(UnknownFindings).values() for text in one.spoiled_by}
    texts = [text for text in found.warnings if text not in known]
    if not texts:
        return None
    others = f" (and {len(texts) - 1} more warnings)" if len(texts) > 1 else ""
    return Reservation("warned", f"a step has warned: {texts[0].rstrip('.')}{others}")
