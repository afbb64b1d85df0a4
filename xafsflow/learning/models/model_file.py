"""Files of skops that hold nothing but numbers, texts, lists, mappings and arrays, read without skops.

To import skops, and scikit-learn with it, takes longer than a run on a small scan.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np


class OtherContentError(ValueError):
    """The file holds something else, such as an estimator."""


def read_plain(content: bytes) -> Any:
    """What a skops file holds.

    Raises
    ------
    OtherContentError
        Something that needs skops.

    Examples
    --------
    >>> from skops.io import dumps
    >>> read_plain(dumps({"a": [1, "text", None], "b": np.arange(3)}))
    {'a': [1, 'text', None], 'b': array([0, 1, 2])}
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return _value(json.loads(archive.read("schema.json")), archive)


def _value(node: Any, archive: zipfile.ZipFile) -> Any:
    loader = node.get("__loader__")
    if loader == "JsonNode":
        return json.loads(node["content"])
    if loader == "ListNode" and node["__class__"] == "list":
        return [_value(one, archive) for one in node["content"]]
    if loader == "DictNode" and node["__class__"] == "dict":
        if any(key.get("__class__") != "str" for key in node["key_types"]["content"]):
            raise OtherContentError("keys that are no texts")
        return {key: _value(one, archive) for key, one in node["content"].items()}
    if loader == "NdArrayNode" and node["type"] == "numpy" and node["__class__"] == "ndarray":
        return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
    raise OtherContentError(f"a {loader} of {node.get('__module__')}.{node.get('__class__')}")
