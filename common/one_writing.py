"""The one writing of plain values as JSON, over which digests are taken."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(body: Mapping[str, Any]) -> str:
    """Return the one writing of a body: keys sorted, no space, whole numbers of any size.

    RFC 8785 would refuse the sums of money of a country's month, which pass 2^53 micro.

    >>> canonical({"b": 2**60, "a": [None]})
    '{"a":[null],"b":1152921504606846976}'
    """
    return canonical_value(body)


def canonical_value(value: object) -> str:
    """Return the one writing of a plain value that need not be a body.

    >>> canonical_value(True), canonical_value(1), canonical_value("a")
    ('true', '1', '"a"')
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
