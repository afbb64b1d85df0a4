"""What a comparison of sets of references says, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Names of nearly the same spectrum, by name.
NearDuplicates = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Choice:
    """A set and, by reference, others that the data cannot tell from it."""

    names: tuple[str, ...]
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class RegionNeed:
    """What is said of a region: its label, its bins, the references it needs beyond the chosen, and their share."""

    label: int
    bins: int
    enough: tuple[str, ...]
    missing: tuple[Choice, ...] = ()
    share: float = 0.0
    unexplained: bool = False


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names in a row.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def described(choice: Choice, near_duplicates: NearDuplicates) -> str:
    """A set in words, with the references that may take the place of its own.

    Examples
    --------
    >>> described(Choice(("A", "B"), {"B": ("C", "D")}), {"B": ("C",)})
    'A + B (or its near-duplicate C, or D)'
    """
    parts = []
    for name in choice.names:
        near = near_duplicates.get(name, ())
        others = [f"its near-duplicate {one}" if one in near else one for one in choice.instead.get(name, ())]
        parts.append(f"{name} (or {', or '.join(others)})" if others else name)
    return " + ".join(parts)


@dataclass(frozen=True)
class Left:
    """What a set leaves: root mean square in edge steps, the energy (eV) of most of it, and the regions of so many."""

    unexplained: float
    energy: float
    where: Sequence[int]
    regions: int


def enough(choice: Choice, near_duplicates: NearDuplicates) -> str:
    """The first sentence where the noise does not contradict.

    Examples
    --------
    >>> enough(Choice(("A", "B")), {})
    'A + B suffices'
    """
    return f"{described(choice, near_duplicates)} suffices"


def untold(choice: Choice, why: str, near_duplicates: NearDuplicates) -> str:
    """The first sentence where too little is known.

    Examples
    --------
    >>> untold(Choice(("A", "B")), "another phase of less than 30 % would not be seen", {})
    'it cannot be told whether A + B suffices: another phase of less than 30 % would not be seen'
    """
    return f"it cannot be told whether {described(choice, near_duplicates)} suffices: {why}"


def lacking(choice: Choice, left: Left, missing: Sequence[Choice], near_duplicates: NearDuplicates) -> str:
    """The first sentence where the noise contradicts the best of the sets.

    Examples
    --------
    >>> lacking(Choice(("A", "B")), Left(0.012, 7128.4, [0, 3], 6), [Choice(("S",), {"S": ("S2",)})], {"S": ("S2",)})
    'A + B does not suffice: 1.2 % of the edge step is unexplained in regions 0 and 3, most of it at 7128.4 eV; something \
is missing, most like S (or its near-duplicate S2)'
    """
    text = f"{described(choice, near_duplicates)} does not suffice: {100 * left.unexplained:.1f} % of the edge step is "
    text += f"unexplained {_place(left)}, most of it at {left.energy:.1f} eV"
    if missing:
        likely = listed([described(one, near_duplicates) for one in missing])
        text += f"; something is missing, most like {likely}"
    return text


def _place(left: Left) -> str:
    if len(left.where) in (0, left.regions):
        return "over the image" if not left.where else "everywhere"
    return f"in region{'s' * (len(left.where) > 1)} {listed([str(label) for label in left.where])}"


def adding(name: str, gain: float, cost: float) -> str:
    """What the best further reference would bring, which the rule of parsimony did without.

    Examples
    --------
    >>> adding("FeO", 12.3, 3000.0)
    'adding FeO improves the fit by less than its cost (chi-square falls by 12, the cost is 3000)'
    """
    less = f"improves the fit by {'less' if gain <= cost else 'more'} than its cost (chi-square falls by {gain:.0f}, "
    text = f"adding {name} {less}the cost is {cost:.0f})"
    return text if gain <= cost else f"{text}, but does not predict what is held out better"


def of_region(need: RegionNeed, near_duplicates: NearDuplicates) -> str:
    """A sentence on a region.

    Examples
    --------
    >>> of_region(RegionNeed(3, 31, ("A", "B", "C"), (Choice(("C",)),), 0.14), {})
    'in region 3 (31 bins) something is missing, most like C (14 %)'
    >>> of_region(RegionNeed(0, 12, ("A",)), {})
    'in region 0 (12 bins) A suffices'
    """
    where = f"in region {need.label} ({need.bins} bins)"
    if need.missing:
        likely = " and ".join(described(one, near_duplicates) for one in need.missing)
        text = f"{where} something is missing, most like {likely} ({need.share:.0%})".replace("%)", " %)")
    else:
        verb = "does best" if need.unexplained else "suffices"
        text = f"{where} {' + '.join(need.enough)} {verb}"
    if need.unexplained:
        text += ", but no candidate explains all of it"
    return text


def of_used(
    used: Sequence[str], needed: Sequence[str], near_duplicates: NearDuplicates
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Used references that are superfluous, and needed ones that were not used; a near-duplicate stands for the other.

    Examples
    --------
    >>> of_used(["A", "F", "M2"], ["A", "M", "B"], {"M": ("M2",), "M2": ("M",)})
    (('F',), ('B',))
    """

    def stands(name: str, among: Sequence[str]) -> bool:
        return name in among or any(other in among for other in near_duplicates.get(name, ()))

    superfluous = tuple(name for name in used if not stands(name, needed))
    return superfluous, tuple(name for name in needed if not stands(name, used))


def about_used(superfluous: Sequence[str], missing: Sequence[str]) -> str:
    """What `of_used` found, to be added to a sentence.

    Examples
    --------
    >>> about_used(["F"], [])
    '; of the references used F is superfluous'
    """
    text = ""
    if superfluous:
        text += f"; of the references used {listed(superfluous)} {_is(superfluous)} superfluous"
    if missing:
        text += f"; {listed(missing)} {_is(missing)} missing among those used"
    return text


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
