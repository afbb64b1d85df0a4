"""What the columns of a scan are called at beamlines and in their programs, and what such a column is."""

from __future__ import annotations

import re
from typing import Literal

Role = Literal["energy", "angle", "other", "mu", "reference_mu", "i0", "it", "ir", "if", "yield", ""]

# A name counts as a whole, or by its end behind a device's name: `XMAP4:DT Corr I0`, `BL9:i0`. The first that fits.
FRONT = r"(?:.*[:/. ])?"
BACK = r"(?:[-_ .:#(\[].*)?"  # a number or a hutch behind: I0-32, i0_eh1, I0 (nA)
PATTERNS: tuple[tuple[Role, str], ...] = (
    # Never an energy nor a spectrum: relative energies, wavenumbers, times, positions, rates of a detector
    ("other", r"(?:e(?:nergy)?)\s*-\s*e_?0.*|k|k[-_ ]?value|chi|chi\W?k.*|r|q|2?[-_ ]?two[-_ ]?theta|.*:k"),
    (
        "other",
        r".*(?:offset|delta|relative|loss|transfer|emission|emitted|shift|error|width|resolution).*energ.*|de",
    ),
    ("other", r".*energ\w*[-_ ]*(?:offset|loss|transfer|shift|error|width|resolution|step).*"),
    (
        "other",
        r".*(?:steps?|time|seconds?|epoch|clock|timer|scaler|preset|dwell|delay|settl\w*)(?:[-_ .:].*)?",
    ),
    (
        "other",
        r"sec|t|dt|ms|pt_?no?|points?|pixels?|index|event-?id|.*scaler\d*\.tp?|channel|nr|no|#|n|mono_?steps",
    ),
    ("other", r".*(?:icr|ocr|dead_?-?time|dt_?factor|input_?count\w*|output_?count\w*|slow|fast)[-_.]?\w*"),
    ("other", r".*(?:current|gap|harmonic|temperature|ring_?current|:ma(?::\w+)?|scale|error)|std(?:_?dev)?"),
    (
        "other",
        r"pre_?-?edge|post_?-?edge|n?bkg\w*|fbkg|der\w*|secder|background|residual|fit|weight|counts?|counter",
    ),
    ("energy", r"e[-_ ]?bragg.*|bragg_?e(?:nergy)?(?:_?ev)?"),
    ("angle", r"(?:.*[:_ ])?(?:angle|theta|bragg(?:_?angle)?|hhtheta)(?:[-_ /(\[].*)?"),
    ("energy", r"en?|k?ev|(?:x-?ray|photon|nominal|mono|requested|set)?[-_ ]*energ(?:y|ies).*|omega"),
    ("energy", r".*energy|.*[:/_ ]energy(?:[:_ ].*)?|.*[:/_]eng|eng\w*"),
    ("energy", r"mono|(?:nominal|mono)_?ev|\d*_?energy|dcm_?e\w*|e_?mono|qexafs_energy|energy_?readback"),
    ("energy", r"e_?(?:achieved|readback|actual|set|sp|rbv)|encoder_?energy"),
    ("reference_mu", r"mu_?ref\w*|murefer|(?:x?mu_?)?ref(?:erence)?|ref_?x?mu|ln\W?\(?i_?t\W?i_?ref\W?|mur"),
    (
        "mu",
        r"(?:norm_?)?x?mu(?:_?(?:e|x|trans\w*|fluo\w*|t|f|raw|sample))?|xmu_\w+|mu\W?\(e\)|mux|(?:norm|flat)_?x?mu",
    ),
    (
        "mu",
        r"norm|normali[sz]ed.*|nor|norm_?(?:trans|fluor|mu)|n?flat|flattened.*|absorbance|absorption|abs|od",
    ),
    (
        "mu",
        r"optical[-_ ]?density|-?(?:ln|log)\s*\(.+/.+\)|ln_?i_?0_?(?:it|i_?1)|ff_?i_?0|intensity_?norm\w*",
    ),
    ("mu", r"(?:ff|i_?f+|fluo\w*|[tpai]*[ef]y)\s*/\s*i_?[0o]"),
    ("i0", rf"{FRONT}(?:i_?[0o]|i_?zero\w*|io|mon(?:itor)?|i0detector|flux){BACK}|.*[_ ]i_?0"),
    ("it", rf"{FRONT}(?:i_?t|itrans\w*|i_?1|trans(?:mitted)?|it_?\d?){BACK}"),
    ("ir", rf"{FRONT}(?:i_?r|i_?ref\w*|i_?2|ireference){BACK}"),
    ("yield", rf"{FRONT}(?:tey|pey|aey|tfy|pfy|ipfy){BACK}"),
    (
        "if",
        rf"{FRONT}(?:i_?ff?|ifluor\w*|fluo\w*|fy(?:_?c(?:orr)?)?|ff|iff|ifch){BACK}|if(?:ch)?_?\d+|i?pips",
    ),
    ("if", rf"{FRONT}(?:sca|dtc|roi|mca|vortex|ge|lytle|ff|fluo\w*)[-_.]?\d[\d.]*{BACK}|lytle"),
    ("if", rf"{FRONT}[A-Z][a-z]?[-_ ]?[KL][-_ ]?(?:a|b|alpha|beta)\d?{BACK}"),
)
ROLES = [(role, re.compile(rf"(?:{pattern})\Z", re.IGNORECASE)) for role, pattern in PATTERNS]
LINE = re.compile(rf"{FRONT}([A-Z][a-z]?)[-_ ]?([KL])[-_ ]?(?:a|b|alpha|beta)", re.IGNORECASE)
LONGEST = 120
CORRECTED = re.compile(r"corr|dtc|fy_?c\b|_c\b", re.IGNORECASE)

# Of several columns of absorbance the first that is there: XDI's, then raw ones before normalized ones
PREFERRED = ("mutrans", "mufluor", "xmu", "mu", "normtrans", "normfluor", "norm", "flat", "absorbance", "od")


def role_of(name: str) -> Role:
    """What a column of this name is; empty where the name does not say.

    Examples
    --------
    >>> [role_of(name) for name in ("mono1_energy_acs", "I0_EH1", "It-32", "FY_c", "Mn_Ka_mca1", "mono_steps", "Pyrite")]
    ['energy', 'i0', 'it', 'if', 'if', 'other', '']
    """
    plain = name.strip(" *\t\"'")
    if len(plain) > LONGEST:  # no name, and long texts take long to match
        return ""
    return next((role for role, pattern in ROLES if pattern.match(plain)), "")


def line_element(name: str) -> str:
    """The element whose emission line a column is named after, else an empty text.

    Examples
    --------
    >>> line_element("XMAP4:AsKa_Sum"), line_element("Mn_Ka_mca1"), line_element("I0")
    ('As', 'Mn', '')
    """
    found = LINE.match(name)
    return found[1].capitalize() if found else ""


def stem_of(name: str) -> str:
    """The name of one of several detector elements without its number, in small letters.

    Examples
    --------
    >>> stem_of("SCA1.12"), stem_of("Mn_Ka_mca4"), stem_of("FY_c"), stem_of("FF2_corr")
    ('sca1', 'mn_ka_mca', 'fy_c', 'ff_corr')
    """
    return re.sub(r"[-_. ]?\d+(?=(?:[-_. ]?(?:corr\w*|dtc?|c))?$)", "", name.lower())


def rank(name: str) -> int:
    """The place of a name of absorbance in the order of preference."""
    return PREFERRED.index(name.lower()) if name.lower() in PREFERRED else len(PREFERRED)
