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
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
