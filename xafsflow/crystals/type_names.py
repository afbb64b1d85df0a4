"""Structure types by the other names that people give them."""

from __future__ import annotations

from functools import cache

from xafsflow.crystals.prototypes import all_types, prototype

# Minerals, compounds and Strukturbericht symbols that are written for a type, by its name.
OTHERS: dict[str, tuple[str, ...]] = {
    "rocksalt": ("rock salt", "halite", "NaCl", "B1", "periclase", "MgO"),
    "fcc": ("A1", "cubic close packed", "ccp", "face-centered cubic"),
    "bcc": ("A2", "body-centered cubic"),
    "hcp": ("A3", "hexagonal close packed"),
    "diamond": ("A4",),
    "CsCl": ("B2", "cesium chloride", "caesium chloride"),
    "sphalerite": ("zincblende", "zinc blende", "B3", "ZnS cubic"),
    "wurtzite": ("B4", "zincite", "ZnO"),
    "NiAs": ("nickeline", "B8_1", "B81"),
    "fluorite": ("CaF2", "C1", "antifluorite"),
    "pyrite": ("FeS2", "C2"),
    "rutile": ("C4", "cassiterite"),
    "anatase": ("C5",),
    "CdI2": ("C6", "brucite", "trigonal CdI2"),
    "quartz": ("alpha-quartz", "low quartz", "alpha quartz"),
    "corundum": ("hematite", "haematite", "Al2O3", "alpha-Al2O3", "D5_1", "D51"),
    "ilmenite": ("FeTiO3", "E2_2"),
    "perovskite": ("cubic perovskite", "E2_1", "SrTiO3"),
    "orthorhombic perovskite": ("GdFeO3", "CaTiO3"),
    "spinel": ("MgAl2O4", "H1_1", "magnetite"),
    "calcite": ("CaCO3", "G0_1"),
    "chalcopyrite": ("CuFeS2", "E1_1"),
    "AuCu3": ("Cu3Au", "L1_2", "L12"),
    "Heusler": ("L2_1", "L21", "full Heusler"),
    "half-Heusler": ("half Heusler", "C1_b", "C1b", "MgAgAs"),
    "A15": ("Cr3Si", "beta-W"),
    "Laves MgCu2": ("MgCu2", "C15"),
    "Laves MgZn2": ("MgZn2", "C14"),
    "Laves MgNi2": ("MgNi2", "C36"),
    "zircon": ("ZrSiO4",),
    "bixbyite": ("Mn2O3", "C-type sesquioxide", "In2O3"),
    "UCl3": ("La(OH)3",),
    "baddeleyite": ("monoclinic ZrO2", "ZrO2"),
    "cuprite": ("Cu2O", "C3"),
    "molybdenite": ("MoS2", "C7"),
    "BiF3": ("DO3", "D0_3", "D03"),
    "NaTl": ("B32",),
    "AuCu": ("L1_0", "L10"),
    "layered NaFeO2": ("alpha-NaFeO2", "NaFeO2", "LiCoO2"),
}


def type_named(text: str) -> str:
    """The name of the structure type that a text means; the text itself where it means none.

    Case, blanks, underscores and hyphens at its words, and the AFLOW label count as the name.

    Examples
    --------
    >>> type_named("Zinc-Blende"), type_named("B1"), type_named("AB_cF8_225_a_b"), type_named("my phase")
    ('sphalerite', 'rocksalt', 'rocksalt', 'my phase')
    """
    return _names().get(_plain(text), text.strip())


def _plain(text: str) -> str:
    return text.casefold().strip().replace("_", " ").replace("-", " ").replace(" ", "")


@cache
def _names() -> dict[str, str]:
    known = all_types()
    labels = [prototype(name).aflow for name in known]
    found: dict[str, str] = {}
    for name, label in zip(known, labels, strict=True):
        if label and labels.count(label) == 1:
            found[_plain(label)] = name
    for name, others in OTHERS.items():
        if name in known:
            found |= {_plain(other): name for other in others}
    return found | {_plain(name): name for name in known}
