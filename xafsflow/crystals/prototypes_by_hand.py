"""Structure types that the AFLOW set of pymatgen lacks: space group, cell, and one atom of each orbit.

Coordinates are those of the named compounds, from the textbooks of structure types and the mineralogists' refinements.
"""

from __future__ import annotations

from typing import NamedTuple

Site = tuple[str, float, float, float]


class ByHand(NamedTuple):
    """A prototype as it is written down: `cell` is a, b, c in Angstrom and alpha, beta, gamma in degrees."""

    name: str
    group: str
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]


def _cubic(a: float) -> tuple[float, float, float, float, float, float]:
    return (a, a, a, 90.0, 90.0, 90.0)


def _tetragonal(a: float, c: float) -> tuple[float, float, float, float, float, float]:
    return (a, a, c, 90.0, 90.0, 90.0)


def _hexagonal(a: float, c: float) -> tuple[float, float, float, float, float, float]:
    return (a, a, c, 90.0, 90.0, 120.0)


def _box(a: float, b: float, c: float, beta: float = 90.0) -> tuple[float, float, float, float, float, float]:
    return (a, b, c, 90.0, beta, 90.0)


THIRD = 1 / 3
CUBIC = (
    ByHand("skutterudite", "Im-3", _cubic(8.204), (("Co", 0.25, 0.25, 0.25), ("As", 0, 0.3431, 0.1503))),
    ByHand(
        "garnet",
        "Ia-3d",
        _cubic(11.85),
        (("Ca", 0.125, 0, 0.25), ("Al", 0, 0, 0), ("Si", 0.375, 0, 0.25), ("O", 0.0382, 0.0449, 0.6514)),
    ),
    ByHand(
        "sodalite",
        "P-43n",
        _cubic(8.88),
        (
            ("Na", 0.178, 0.178, 0.178),
            ("Al", 0.25, 0, 0.5),
            ("Si", 0.25, 0.5, 0),
            ("O", 0.139, 0.149, 0.438),
            ("Cl", 0, 0, 0),
        ),
    ),
    ByHand(
        "pyrochlore",
        "Fd-3m:2",
        _cubic(10.09),
        (("Y", 0.5, 0.5, 0.5), ("Ti", 0, 0, 0), ("O", 0.329, 0.125, 0.125), ("O", 0.375, 0.375, 0.375)),
    ),
    ByHand(
        "bixbyite",
        "Ia-3",
        _cubic(10.117),
        (("In", 0.25, 0.25, 0.25), ("In", 0.466, 0, 0.25), ("O", 0.39, 0.154, 0.382)),
    ),
    ByHand("Th3P4", "I-43d", _cubic(8.653), (("Th", 0.375, 0, 0.25), ("P", 0.083, 0.083, 0.083))),
    ByHand(
        "K2PtCl6", "Fm-3m", _cubic(9.755), (("K", 0.25, 0.25, 0.25), ("Pt", 0, 0, 0), ("Cl", 0.238, 0, 0))
    ),
    ByHand(
        "elpasolite",
        "Fm-3m",
        _cubic(8.093),
        (("K", 0.25, 0.25, 0.25), ("Na", 0.5, 0.5, 0.5), ("Al", 0, 0, 0), ("F", 0.219, 0, 0)),
    ),
    ByHand(
        "NaZn13",
        "Fm-3c",
        _cubic(12.284),
        (("Na", 0.25, 0.25, 0.25), ("Zn", 0, 0, 0), ("Zn", 0, 0.1806, 0.1192)),
    ),
)
# Anatase, brookite, skutterudite, tenorite, MgNi2, FeB and PtS have wrong distances in the AFLOW set of pymatgen.
TETRAGONAL = (
    ByHand("anatase", "I4_1/amd", _tetragonal(3.785, 9.514), (("Ti", 0, 0, 0), ("O", 0, 0, 0.2081))),
    ByHand("PtS", "P4_2/mmc", _tetragonal(3.47, 6.11), (("Pt", 0, 0.5, 0), ("S", 0, 0, 0.25))),
    ByHand(
        "scheelite",
        "I4_1/a",
        _tetragonal(5.243, 11.374),
        (("Ca", 0, 0, 0.5), ("W", 0, 0, 0), ("O", 0.2413, 0.1511, 0.0861)),
    ),
    ByHand(
        "ThCr2Si2",
        "I4/mmm",
        _tetragonal(4.043, 10.577),
        (("Th", 0, 0, 0), ("Cr", 0, 0.5, 0.25), ("Si", 0, 0, 0.374)),
    ),
)
HEXAGONAL = (
    ByHand(
        "Laves MgNi2",
        "P6_3/mmc",
        _hexagonal(4.824, 15.826),
        (
            ("Mg", 0, 0, 0.094),
            ("Mg", THIRD, 2 * THIRD, 0.844),
            ("Ni", 0.5, 0, 0),
            ("Ni", 0.164, 0.328, 0.25),
            ("Ni", THIRD, 2 * THIRD, 0.125),
        ),
    ),
    ByHand(
        "delafossite",
        "R-3m",
        _hexagonal(3.035, 17.166),
        (("Cu", 0, 0, 0), ("Fe", 0, 0, 0.5), ("O", 0, 0, 0.1066)),
    ),
    ByHand("CdCl2", "R-3m", _hexagonal(3.846, 17.479), (("Cd", 0, 0, 0), ("Cl", 0, 0, 0.252))),
    ByHand(
        "Th2Zn17",
        "R-3m",
        _hexagonal(9.03, 13.2),
        (
            ("Th", 0, 0, 0.331),
            ("Zn", 0, 0, 0.097),
            ("Zn", 0.5, 0, 0.5),
            ("Zn", 0.291, 0, 0),
            ("Zn", 0.502, 0.498, 0.155),
        ),
    ),
    ByHand(
        "dolomite",
        "R-3",
        _hexagonal(4.807, 16.002),
        (("Ca", 0, 0, 0), ("Mg", 0, 0, 0.5), ("C", 0, 0, 0.2429), ("O", 0.2478, -0.0353, 0.2440)),
    ),
    ByHand(
        "UCl3",
        "P6_3/m",
        _hexagonal(7.443, 4.321),
        (("U", THIRD, 2 * THIRD, 0.25), ("Cl", 0.3858, 0.3011, 0.25)),
    ),
    ByHand(
        "A-type La2O3",
        "P-3m1",
        _hexagonal(3.938, 6.136),
        (("La", THIRD, 2 * THIRD, 0.2467), ("O", THIRD, 2 * THIRD, 0.647), ("O", 0, 0, 0)),
    ),
    ByHand(
        "Mn5Si3",
        "P6_3/mcm",
        _hexagonal(6.91, 4.814),
        (("Mn", THIRD, 2 * THIRD, 0), ("Mn", 0.236, 0, 0.25), ("Si", 0.599, 0, 0.25)),
    ),
    ByHand(
        "BaNiO3",
        "P6_3/mmc",
        _hexagonal(5.629, 4.811),
        (("Ba", THIRD, 2 * THIRD, 0.75), ("Ni", 0, 0, 0), ("O", 0.1495, 0.299, 0.25)),
    ),
    ByHand(
        "apatite",
        "P6_3/m",
        _hexagonal(9.367, 6.884),
        (
            ("Ca", 2 * THIRD, THIRD, 0.001),
            ("Ca", -0.0071, 0.2423, 0.25),
            ("P", 0.3985, 0.369, 0.25),
            ("O", 0.3273, 0.4849, 0.25),
            ("O", 0.5875, 0.4651, 0.25),
            ("O", 0.3421, 0.2568, 0.0705),
            ("F", 0, 0, 0.25),
        ),
    ),
)
ORTHORHOMBIC = (
    ByHand(
        "brookite",
        "Pbca",
        _box(9.184, 5.447, 5.145),
        (("Ti", 0.1289, 0.0972, 0.8628), ("O", 0.0095, 0.1491, 0.1835), ("O", 0.2314, 0.111, 0.5366)),
    ),
    ByHand("FeB", "Pnma", _box(5.495, 2.946, 4.053), (("Fe", 0.18, 0.25, 0.125), ("B", 0.036, 0.25, 0.61))),
    ByHand(
        "olivine",
        "Pnma",
        _box(10.19, 5.978, 4.753),
        (
            ("Mg", 0, 0, 0),
            ("Mg", 0.2774, 0.25, 0.9915),
            ("Si", 0.094, 0.25, 0.4262),
            ("O", 0.0913, 0.25, 0.7657),
            ("O", 0.4474, 0.25, 0.2215),
            ("O", 0.1628, 0.0331, 0.2777),
        ),
    ),
    ByHand(
        "barite",
        "Pnma",
        _box(8.884, 5.457, 7.157),
        (
            ("Ba", 0.1845, 0.25, 0.1584),
            ("S", 0.4375, 0.75, 0.1908),
            ("O", 0.587, 0.75, 0.1068),
            ("O", 0.3175, 0.75, 0.0493),
            ("O", 0.4194, 0.9706, 0.312),
        ),
    ),
    ByHand(
        "aragonite",
        "Pnma",
        _box(5.741, 4.961, 7.967),
        (
            ("Ca", 0.2405, 0.25, 0.415),
            ("C", 0.0852, 0.25, 0.7622),
            ("O", 0.0956, 0.25, 0.9225),
            ("O", 0.0873, 0.4735, 0.6806),
        ),
    ),
    ByHand(
        "V2O5",
        "Pmmn:2",
        _box(11.512, 3.564, 4.368),
        (
            ("V", 0.1012, 0.25, 0.8917),
            ("O", 0.1043, 0.25, 0.531),
            ("O", 0.9311, 0.25, 0.003),
            ("O", 0.25, 0.25, 0.001),
        ),
    ),
    ByHand(
        "columbite",
        "Pbcn",
        _box(14.266, 5.733, 5.05),
        (
            ("Fe", 0, 0.331, 0.25),
            ("Nb", 0.161, 0.18, 0.737),
            ("O", 0.096, 0.104, 0.062),
            ("O", 0.08, 0.414, 0.6),
            ("O", 0.258, 0.12, 0.084),
        ),
    ),
    ByHand(
        "alpha-PbO2", "Pbcn", _box(4.947, 5.951, 5.497), (("Pb", 0, 0.178, 0.25), ("O", 0.276, 0.41, 0.425))
    ),
    ByHand(
        "goethite",
        "Pnma",
        _box(9.95, 3.01, 4.62),
        (("Fe", 0.1459, 0.25, 0.9514), ("O", 0.8011, 0.25, 0.288), ("O", 0.947, 0.25, 0.802)),
    ),
    ByHand(
        "TiNiSi",
        "Pnma",
        _box(6.148, 3.669, 7.017),
        (("Ti", 0.021, 0.25, 0.18), ("Ni", 0.142, 0.25, 0.561), ("Si", 0.765, 0.25, 0.623)),
    ),
    ByHand(
        "pseudobrookite",
        "Cmcm",
        _box(3.739, 9.779, 9.978),
        (
            ("Ti", 0, 0.187, 0.25),
            ("Fe", 0, 0.1353, 0.5645),
            ("O", 0, 0.765, 0.25),
            ("O", 0, 0.0486, 0.1143),
            ("O", 0, 0.312, 0.0676),
        ),
    ),
)
MONOCLINIC = (
    ByHand(
        "tenorite", "C2/c", _box(4.683, 3.421, 5.129, 99.54), (("Cu", 0.25, 0.25, 0), ("O", 0, 0.4184, 0.25))
    ),
    ByHand(
        "zabuyelite",
        "C2/c",
        _box(8.359, 4.977, 6.194, 114.72),
        (
            ("Li", 0.1965, 0.4487, 0.8342),
            ("C", 0, 0.0658, 0.25),
            ("O", 0, 0.3216, 0.25),
            ("O", 0.1459, -0.0662, 0.3128),
        ),
    ),
    ByHand(
        "wolframite",
        "P2/c",
        _box(4.753, 5.72, 4.968, 90.08),
        (
            ("Fe", 0.5, 0.6785, 0.25),
            ("W", 0, 0.1808, 0.25),
            ("O", 0.2167, 0.1017, 0.5833),
            ("O", 0.2583, 0.39, 0.09),
        ),
    ),
    ByHand(
        "monazite",
        "P2_1/c",
        _box(6.831, 7.071, 8.28, 130.14),
        (
            ("La", 0.1808, 0.1607, -0.1007),
            ("P", -0.3073, 0.163, -0.6121),
            ("O", -0.1974, 0.0077, -0.4477),
            ("O", -0.1165, 0.3315, -0.4964),
            ("O", -0.3273, 0.107, -0.8018),
            ("O", -0.584, 0.2164, -0.7108),
        ),
    ),
)
BY_HAND = CUBIC + TETRAGONAL + HEXAGONAL + ORTHORHOMBIC + MONOCLINIC
