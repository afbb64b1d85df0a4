"""What all the steps of a run found: `findings.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from xafsflow.findings.maps_findings import MapFindings
from xafsflow.findings.normalization_findings import NormalizationFindings
from xafsflow.findings.overall_verdict import Verdict
from xafsflow.findings.record import F, Finding, Json, not_as_written, read_value, to_json

# What else `findings.json` holds beside the entries; no entry may have these names.
RESERVED = ("warnings", "normalization", "maps", "verdict")


@dataclass(eq=False)
class RunFindings:
    """What the steps of a run found.

    Parameters
    ----------
    entries
        What each step of the recipe found, by the entry's name.
    warnings
        Texts of what the user must know, in the order in which they came.
    maps
        What the stored maps say in numbers; None before they are stored.
    normalization
        Where the spectra were normalized; None before the maps are stored, and where nothing was.
    verdict
        What the run says as a whole, see `xafsflow.findings.run_verdict`; None before the maps are stored.

    Examples
    --------
    >>> from xafsflow.findings.calibrate_findings import OffsetFindings
    >>> found = RunFindings({"calibrate.offset": OffsetFindings(0.2, 0.01, "Fe", None)})
    >>> found.to_json()
    {'warnings': [], 'calibrate.offset': {'offset': 0.2, 'error': 0.01, 'standard': 'Fe', 'e0': None}}
    >>> list(found.of(OffsetFindings))
    ['calibrate.offset']
    """

    entries: dict[str, Finding] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    maps: MapFindings | None = None
    normalization: NormalizationFindings | None = None
    verdict: Verdict | None = None

    def of(self, kind: type[F]) -> dict[str, F]:
        """The findings of one kind, by entry, in the order of the recipe."""
        return {name: found for name, found in self.entries.items() if isinstance(found, kind)}

    def to_json(self) -> dict[str, Json]:
        """All of it: `{"warnings": [...], "<entry>": {...}, "normalization": {...}, "maps": {...}, "verdict": {...}}`."""
        found: dict[str, Json] = {"warnings": list(self.warnings)}
        found |= {name: to_json(one) for name, one in self.entries.items()}
        whole = {"normalization": self.normalization, "maps": self.maps, "verdict": self.verdict}
        return found | {name: to_json(one) for name, one in whole.items() if one is not None}

    @classmethod
    def from_json(cls, content: object, kinds: Mapping[str, type[Finding]]) -> RunFindings:
        """The findings of a finished run.

        Parameters
        ----------
        content
            As `to_json` gave it.
        kinds
            The class of each entry that finds something, by name.

        Raises
        ------
        InputError
            It is something else, or of other entries.
        """
        if not isinstance(content, dict):
            raise not_as_written("findings", content, "what a run found, by entry")
        unknown = sorted(set(content) - set(kinds) - set(RESERVED))
        if unknown:
            raise not_as_written("findings", f"entries {', '.join(unknown)}", f"those of {', '.join(kinds)}")
        entries = {
            name: cast(Finding, read_value(kinds[name], one, name))
            for name, one in content.items()
            if name not in RESERVED
        }
        texts = cast(tuple[str, ...], read_value(tuple[str, ...], content.get("warnings"), "warnings"))
        whole: dict[str, type[Finding]] = {
            "maps": MapFindings,
            "normalization": NormalizationFindings,
            "verdict": Verdict,
        }
        found = {name: read_value(kind | None, content.get(name), name) for name, kind in whole.items()}
        return cls(entries, list(texts), **cast(dict[str, Any], found))
