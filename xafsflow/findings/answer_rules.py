"""Rules of the verdict on a run: does the answer explain the spectra?

A rule is a function of the findings: None, or what it holds against the answer. Limits stand with their reasons; none is
fitted to a scan.
"""

from __future__ import annotations

from xafsflow.findings.judge_findings import UnknownFindings
from xafsflow.findings.maps_findings import MapFindings
from xafsflow.findings.overall_verdict import Reservation, Severity
from xafsflow.findings.reference_set_findings import ReferenceSetFindings
from xafsflow.findings.run_findings import RunFindings
from xafsflow.findings.train_findings import FitFindings, RegressionFindings

MISFIT, MISFIT_REFUSED = 1.5, 10.0
MANY_PIXELS, MOST_PIXELS = 0.05, 0.5
APART, APART_REFUSED = 0.05, 0.3
RIGHT, RIGHT_REFUSED = 0.8, 0.5
KNOWN, KNOWN_REFUSED = 0.5, 0.0


def misfit(found: RunFindings) -> Reservation | None:
    """The combination fits leave more than noise.

    A median reduced chi-square above 1.5 is a misfit of 0.7 of the noise: below it, curves that the normalization fits
    and interpolation move it (0.85 to 1.3 on simulated scans of known phases); above it the stated errors are too small.
    Above 10 the misfit is three times the noise: errors, confidence and the limit of unknown pixels, which all start from
    the noise, say nothing. A part of the sample is seen by the pixels above 3, which noise alone does not reach from 20
    energies on.
    """
    maps = _maps(found)
    middle, share = maps.median_reduced_chi_square, maps.misfit_share or 0.0
    if middle is None or not maps.fit_knows_noise:
        return None
    text = f"the fits leave more than noise explains: reduced chi-square {middle:.3g} (median), 1 where only noise is left"
    if middle > MISFIT:
        severity: Severity = "refusal" if middle > MISFIT_REFUSED else "reservation"
        return Reservation(
            "misfit", f"{text}; references are missing, or noise or calibration are wrong", severity
        )
    if share > MANY_PIXELS:
        text = f"in {share:.1%} of the pixels the fits leave more than noise explains (reduced chi-square above 3)"
        return Reservation("misfit", f"{text}; a reference is missing there")
    return None


def unknown_pixels(found: RunFindings) -> Reservation | None:
    """`judge.unknown` finds pixels that are no mixture of the references.

    Above 5 %, and above three times the rate of false alarms that was asked for, they are no false alarms. Above one half
    the composition of the sample as a whole is not known.
    """
    maps = _maps(found)
    share = maps.unknown_share
    if share is None or share <= max(MANY_PIXELS, 3 * (maps.unknown_expected or 0.0)):
        return None
    text = f"{share:.1%} of the pixels hold something that is not among the references"
    return Reservation("unknown_pixels", text, "refusal" if share > MOST_PIXELS else "reservation")


def false_alarms(found: RunFindings) -> Reservation | None:
    """More of the known mixtures than was asked for may be called unknown, and `judge.unknown` says why.

    Its limits come from known mixtures with noise. Pixels whose better quarter fits worse than these by more than 10 %, or
    which share more than half of their noise, are no such mixtures, whatever phases they hold.
    """
    for one in found.of(UnknownFindings).values():
        if one.spoiled_by:
            more = len(one.spoiled_by) - 1
            others = f" (and {more} more reason{'s' * (more > 1)})" if more else ""
            return Reservation(
                "false_alarms", f"unknown pixels may be false alarms: {one.spoiled_by[0]}{others}"
            )
    return None


def unlike_classes(found: RunFindings) -> Reservation | None:
    """The spectra of classified pixels are no mixture of the model's classes, and have no confidence.

    One in a hundred loses its confidence by noise alone; the limits are those of `unknown_pixels`.
    """
    share = _maps(found).confident_share
    if share is None or 1 - share <= MANY_PIXELS:
        return None
    text = f"{1 - share:.1%} of the classified pixels have spectra unlike any mixture of the model's classes"
    return Reservation("unlike_classes", text, "refusal" if 1 - share > MOST_PIXELS else "reservation")


def disagreement(found: RunFindings) -> Reservation | None:
    """The model and the combination fit call a part of the sample different names.

    What noise does to the model is known from its check patterns: with n references of the mean error d, two answers as
    wrong as that are apart by at most n d. Beyond it, 0.05 is more than a step of 0.1 between the classes explains; with
    0.3 more, a third of the sample has two names.
    """
    maps = _maps(found)
    apart = maps.mean_disagreement
    if apart is None:
        return None
    scores = [one.controls.get(one.classifier) for one in found.of(FitFindings).values()]
    by_noise = len(maps.mean_fraction or ()) * max((one.fraction_error for one in scores if one), default=0.0)
    if apart <= by_noise + APART:
        return None
    text = f"model and combination fit disagree about {apart:.1%} of the sample (by noise at most {by_noise:.1%})"
    return Reservation("disagreement", text, "refusal" if apart > by_noise + APART_REFUSED else "reservation")


def library_model(found: RunFindings) -> Reservation | None:
    """A model of a library is often wrong on materials that it was not trained on: the map can be no better.

    With fewer than four of five right, a pixel among its four neighbors is likely to be wrong or to have a wrong neighbor;
    with fewer than one half the map is more wrong than right. A property with R2 below 0.5 is known within 0.7 of its
    spread; at 0 its mean would do.
    """
    for one in found.of(FitFindings).values():
        if one.library is not None and one.accuracy < RIGHT:
            text = f"the model names the right class for {one.accuracy:.0%} of the spectra of materials that it has not seen"
            return Reservation(
                "library_model", text, "refusal" if one.accuracy < RIGHT_REFUSED else "reservation"
            )
    for known in found.of(RegressionFindings).values():
        poor = [
            (name, float(value))
            for name, value in zip(known.properties, known.r_squared, strict=True)
            if known.library is not None and not value >= KNOWN
        ]
        if poor:
            told = ", ".join(f"{name} (R2 {value:.2f})" for name, value in poor)
            useless = all(not value > KNOWN_REFUSED for _, value in poor) and len(poor) == len(
                known.properties
            )
            text = f"the model hardly knows {told} of materials that it has not seen"
            return Reservation("library_model", text, "refusal" if useless else "reservation")
    return None


def references(found: RunFindings) -> Reservation | None:
    """`judge.reference_sets` needs references that were not used, finds that none suffice, or cannot tell."""
    for one in found.of(ReferenceSetFindings).values():
        names = dict.fromkeys([*(one.missing or ()), *(m.reference for r in one.regions for m in r.missing)])
        if names:
            return Reservation("references", f"the data need {', '.join(names)} beside the references used")
        if one.outcome == "does not suffice" or any(region.unexplained for region in one.regions):
            where = "" if one.outcome == "does not suffice" else "in a part of the image "
            text = f"{where}no set of the candidates suffices: up to {one.unexplained:.1%} of the edge step is unexplained"
            return Reservation("references", text)
        if one.outcome == "cannot be told":
            return Reservation("references", "whether the references suffice cannot be told")
    return None


def few_answers(found: RunFindings) -> Reservation | None:
    """Most of the sample, or all of it, got no answer: what is left need not stand for it."""
    maps = _maps(found)
    sample = maps.pixels - maps.flagged.get("background", 0)
    if maps.answered == 0:
        return Reservation("few_answers", "no pixel has an answer", "refusal")
    if maps.answered >= MOST_PIXELS * sample:
        return None
    return Reservation(
        "few_answers", f"{maps.answered / sample:.0%} of the pixels with sample have an answer"
    )


def untested(found: RunFindings) -> Reservation | None:
    """Nothing has compared the spectra with what the answer says they are."""
    tested = (_maps(found).unknown_share, _maps(found).unlike_types_share)
    if fitted_against_noise(_maps(found)) or any(one is not None for one in tested):
        return None
    text = "nothing tested the answer against the spectra: there is no weighted classify.combination and no judge.unknown"
    return Reservation("untested", text)


def fitted_against_noise(maps: MapFindings) -> bool:
    """Whether the reduced chi-square of a combination fit is one where noise alone is left."""
    return maps.median_reduced_chi_square is not None and bool(maps.fit_knows_noise)


def _maps(found: RunFindings) -> MapFindings:
    return MapFindings.nothing() if found.maps is None else found.maps
