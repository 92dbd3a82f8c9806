"""A version of a document: what it says, when it applies, when it was known, and who decided.

Valid time says when the rule applies; recorded time says when it was known. Both are half-open,
and an end of None has not come. A version is never edited: the end of its recorded time is set
once, when another takes its place.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rulebook.digest import canonical_bytes

VERSION_PREFIX = b"tallystick/rulebook/version/2\n"
"""Opens the bytes that a row digest is taken over."""

IN_FORCE = "in force"


@dataclass(frozen=True)
class Version:
    """One row of `rulebook.version`.

    Attributes:
        author: the account that proposed it.
        approver: the account, of another person, that approved it.
        approval: number of the proposal that was approved, and that says so.
        supersedes: versions whose recorded time ended when this one was recorded.
        origin: for a piece that remained when another version took part of its place, the version
            that was published; who decided, and why, is as of that publication.
        row_digest: digest over every column but the end of recorded time, which may still come.
    """

    id: uuid.UUID
    market: str
    instrument: str
    kind: str
    body: Mapping[str, Any]
    digest: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_from: dt.datetime
    recorded_to: dt.datetime | None
    status: str
    author: str
    approver: str
    approval: int
    reason: str
    supersedes: tuple[uuid.UUID, ...]
    origin: uuid.UUID | None
    row_digest: bytes

    def valid_at(self, instant: dt.datetime) -> bool:
        """Return whether the version applies at `instant`."""
        return covers(self.valid_from, self.valid_to, instant)

    def known_at(self, instant: dt.datetime) -> bool:
        """Return whether the version was the one recorded at `instant`."""
        return covers(self.recorded_from, self.recorded_to, instant)

    def valid_within(self, start: dt.datetime, end: dt.datetime | None) -> bool:
        """Return whether the version applies at some instant of [start, end)."""
        return overlap(self.valid_from, self.valid_to, start, end)


def covers(start: dt.datetime, end: dt.datetime | None, instant: dt.datetime) -> bool:
    """Return whether `instant` lies in [start, end)."""
    return start <= instant and (end is None or instant < end)


def overlap(
    start: dt.datetime,
    end: dt.datetime | None,
    other_start: dt.datetime,
    other_end: dt.datetime | None,
) -> bool:
    """Return whether [start, end) and [other_start, other_end) share an instant."""
    return (end is None or other_start < end) and (other_end is None or start < other_end)


def row_digest(version: Version) -> bytes:
    """Return the digest over every column of `version` but the end of its recorded time.

    The bytes are a versioned prefix and the RFC 8785 JSON of the columns: the body by its digest,
    instants in UTC to the microsecond, identities and digests in hexadecimal.
    """
    columns = {
        "id": str(version.id),
        "market": version.market,
        "instrument": version.instrument,
        "kind": version.kind,
        "digest": version.digest.hex(),
        "valid_from": instant_text(version.valid_from),
        "valid_to": instant_text(version.valid_to),
        "recorded_from": instant_text(version.recorded_from),
        "status": version.status,
        "author": version.author,
        "approver": version.approver,
        "approval": str(version.approval),
        "reason": version.reason,
        "supersedes": [str(identity) for identity in version.supersedes],
        "origin": str(version.origin) if version.origin else None,
    }
    return hashlib.sha256(VERSION_PREFIX + canonical_bytes(columns)).digest()


def instant_shown(instant: dt.datetime | None) -> str:
    """Return an instant as people read it, without a fraction or seconds that are zero.

    >>> instant_shown(dt.datetime(2024, 1, 1, 9, 30, tzinfo=dt.UTC))
    '2024-01-01T09:30Z'
    """
    if instant is None:
        return "no time"
    utc = instant.astimezone(dt.UTC).replace(tzinfo=None)
    to_the_minute = not (utc.second or utc.microsecond)
    return utc.isoformat(timespec="minutes" if to_the_minute else "auto") + "Z"


def instant_text(instant: dt.datetime | None) -> str | None:
    """Return an instant as digests write it: UTC, to the microsecond.

    >>> instant_text(dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    '2024-01-01T00:00:00.000000Z'
    """
    if instant is None:
        return None
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
