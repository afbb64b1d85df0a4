"""Elements and edges as headers write them."""

from __future__ import annotations

import re
from functools import lru_cache

ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}


def element_symbol(text: str) -> str:
    """The symbol of an element by its symbol, name or atomic number; empty for anything else, as where nothing is set.

    Examples
    --------
    >>> [element_symbol(text) for text in ("fe", "Iron", "26", "nan", "?", "Fe2O3", "")]
    ['Fe', 'Fe', 'Fe', '', '', '', '']
    """
    return _symbols().get(text.strip().lower(), "")


def edge_name(text: str) -> str:
    """The name of an edge, K, L1 to L3 or M1 to M5; empty for anything else.

    Examples
    --------
    >>> [edge_name(text) for text in ("k", "L3", "LIII", "L_3", "nan", "")]
    ['K', 'L3', 'L3', 'L3', '', '']
    """
    found = re.fullmatch(r"([klm])[_ -]?(i{1,3}|iv|v|[1-5])?", text.strip().lower())
    if not found:
        return ""
    number = ROMAN.get(found[2] or "", found[2] or "")
    name = f"{found[1].upper()}{number}"
    return name if name == "K" or (number and (name[0] == "M" or number <= "3") and name[0] != "K") else ""


@lru_cache(maxsize=1)
def _symbols() -> dict[str, str]:
    """Symbols by symbols, names and numbers in small letters."""
    import xraydb

    found = {"aluminium": "Al", "caesium": "Cs", "sulphur": "S"}
    for number in range(3, 99):  # H is what programs write where nothing was set, and it has no edge to scan
        symbol = xraydb.atomic_symbol(number)
        found.update(
            {symbol.lower(): symbol, xraydb.atomic_name(number).lower(): symbol, str(number): symbol}
        )
    return found
