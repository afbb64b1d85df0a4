"""Models are trained once: cached by the digest of all that made them."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from xafsflow.errors import InputError
from xafsflow.files import cache_folder, refuse_links, write_atomically
from xafsflow.findings.record import from_json, to_json
from xafsflow.findings.train_findings import FitFindings
from xafsflow.learning.models.model import Model, StoredModel, save_model

# A forest takes some MB. Beyond this number those go that were not used for longest.
MOST = 64


def digest_of(*parts: Any) -> str:
    """SHA-256 over arrays, texts, numbers and JSON.

    Examples
    --------
    >>> digest_of("a", np.arange(3), {"b": 1}) == digest_of("a", np.arange(3), {"b": 1})
    True
    >>> digest_of(np.arange(3)) == digest_of(np.arange(3.0))
    False
    """
    found = hashlib.sha256()
    for part in parts:
        if hasattr(part, "tobytes"):
            found.update(f"{part.dtype} {part.shape} ".encode())
            found.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        else:
            found.update(json.dumps(part, sort_keys=True, default=str).encode())
        found.update(b"\n")
    return found.hexdigest()


def place() -> Path | None:
    """The folder of cached models: that of the environment's `XAFSFLOW_CACHE`, else one in the user's cache folder."""
    folder = cache_folder()
    return None if folder is None else folder / "models"


def find(digest: str) -> tuple[Model, FitFindings] | None:
    """A model and its findings, if they are cached and undamaged.

    Nothing is run from the folder: a model is arrays and JSON, findings are JSON.
    """
    folder = place()
    if folder is None:
        return None
    path = folder / f"{digest}.npz"
    try:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        findings = from_json(FitFindings, record["findings"])
        model = StoredModel(str(path), record["digest"]).load()
        path.touch()
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None
    return model, findings


def keep(digest: str, model: Model, findings: FitFindings) -> None:
    """Cache a model; where the folder cannot be written to or holds links, nothing is cached."""
    folder = place()
    if folder is None:
        return
    path = folder / f"{digest}.npz"
    with contextlib.suppress(OSError, InputError):
        refuse_links(folder, 1)
        stored = save_model(model, path)
        text = json.dumps({"digest": stored.digest, "findings": to_json(findings)})
        write_atomically(path.with_suffix(".json"), text)
        by_use = sorted(folder.glob("*.npz"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in by_use[MOST:]:
            old.with_suffix(".json").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
