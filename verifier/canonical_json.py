"""Canonical JSON, as RFC 8785 defines it."""

import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return the JSON of RFC 8785 of what documents hold: no number in them has a fraction."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise ValueError(f"{value} has no canonical form")
        return str(value)
    if isinstance(value, str):
        return quote_text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_json, value)) + "]"
    if isinstance(value, dict):
        # Keys are in the order of their UTF-16 code units.
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        members = (f"{quote_text(key)}:{canonical_json(value[key])}" for key in keys)
        return "{" + ",".join(members) + "}"
    raise ValueError(f"{value!r} has no canonical form here")


def quote_text(text: str) -> str:
    """Return a text as canonical JSON writes it."""
    text.encode()  # a lone surrogate has no UTF-8, and no canonical form
    # Without escapes for what is not ASCII, Python's writing of a text is that of RFC 8785.
    return json.dumps(text, ensure_ascii=False)
