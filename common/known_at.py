"""What was known at a moment can be asked of the past and the present alone; pure.

What will be known then, nobody can say: whoever asked would be answered with what is known now, and
take it for more.
"""

import datetime as dt
from collections.abc import Iterator

from common.refusals import Finding, refuse_any


def check_known_at(known_at: dt.datetime, now: dt.datetime) -> Iterator[Finding]:
    """Find a moment of knowledge that has not come yet."""
    if known_at > now:
        yield Finding(
            "known-at-in-future",
            "known_at",
            known_at.isoformat(),
            f"at most the present, {now.isoformat()}",
            "ask for what is known by now, or for what was known then",
        )


def refuse_future(known_at: dt.datetime, now: dt.datetime) -> None:
    """Refuse a moment of knowledge that has not come yet.

    Raises:
        Refused: `known_at` lies after `now`.
    """
    refuse_any(check_known_at(known_at, now))
