"""Proof that the stored law is what was published: every row hashed again, and the rows together.

Pure: it judges versions that a store has read.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import Any

import rfc8785

from common.refusals import Finding
from rulebook.digest import body_digest
from rulebook.versions import Version, instant_shown, overlap, row_digest

_RESTORE = "restore the row from a backup; a published version never changes"


def audit_version(version: Version) -> Iterator[Finding]:
    """Find whether a row is other than it was when it was appended, and in which columns."""
    body_holds = _body_digest(version.body) == version.digest
    row_holds = row_digest(version) == version.row_digest
    if not body_holds and row_holds:
        yield _altered(version, "body", "the body", version.digest)
    elif not body_holds:
        yield _altered(version, "digest", "the digest, or several columns", version.row_digest)
    elif not row_holds:
        columns = (
            "one of id, market, instrument, kind, valid, recorded (from), status, author, "
            "approver, approval, reason, supersedes, origin, row_digest"
        )
        yield _altered(version, "row_digest", columns, version.row_digest)


def audit_closures(versions: Sequence[Version]) -> Iterator[Finding]:
    """Find closures that no successor explains, and successors whose closures are missing."""
    by_identity = {version.id: version for version in versions}
    explained: dict[uuid.UUID, Version] = {}
    for successor in versions:
        for identity in successor.supersedes:
            closed = by_identity.get(identity)
            if closed is None or closed.instrument != successor.instrument:
                yield _finding(
                    successor,
                    "superseded-version-missing",
                    "supersedes",
                    str(identity),
                    f"a version of {successor.instrument}",
                )
                continue
            explained[identity] = successor
            if closed.recorded_to != successor.recorded_from:
                yield _finding(
                    closed,
                    "closure-does-not-match",
                    "recorded",
                    f"ends at {instant_shown(closed.recorded_to)}",
                    f"version {successor.id} took its place at "
                    f"{instant_shown(successor.recorded_from)}",
                )
    for version in versions:
        if version.recorded_to is not None and version.id not in explained:
            yield _finding(
                version,
                "closed-without-successor",
                "recorded",
                f"ends at {instant_shown(version.recorded_to)}",
                "a version is closed by one that takes its place",
            )


def audit_origins(versions: Sequence[Version]) -> Iterator[Finding]:
    """Find remaining pieces that do not say what the version they came from said."""
    by_identity = {version.id: version for version in versions}
    # A remainder may reach back without a stated reason, as it says what its origin said.
    for piece in versions:
        if piece.origin is None:
            continue
        origin = by_identity.get(piece.origin)
        if origin is None or origin.digest != piece.digest:
            yield _finding(
                piece,
                "origin-does-not-match",
                "origin",
                str(piece.origin),
                "a remaining piece has the digest of the version it came from",
            )


def audit_overlaps(versions: Sequence[Version]) -> Iterator[Finding]:
    """Find two versions of an instrument that apply at one time and were known at one time."""
    ordered = sorted(versions, key=lambda version: version.instrument)
    for _, group in groupby(ordered, key=lambda version: version.instrument):
        for first, second in combinations(group, 2):
            in_validity = overlap(
                first.valid_from, first.valid_to, second.valid_from, second.valid_to
            )
            in_record = overlap(
                first.recorded_from, first.recorded_to, second.recorded_from, second.recorded_to
            )
            if in_validity and in_record:
                yield _finding(
                    first,
                    "versions-overlap",
                    "valid, recorded",
                    f"both it and version {second.id}",
                    "one version of an instrument is in force at a time",
                )


def audit_versions(versions: Sequence[Version]) -> Iterator[Finding]:
    """Find what is wrong among all stored versions; their bodies are not looked at."""
    yield from audit_closures(versions)
    yield from audit_origins(versions)
    yield from audit_overlaps(versions)


def _body_digest(body: Mapping[str, Any]) -> bytes | None:
    """Return the digest of a stored body, or None if it holds what no document can hold."""
    if _holds_fraction(body):
        return None
    try:
        return body_digest(body)
    except rfc8785.CanonicalizationError:
        return None


def _holds_fraction(value: Any) -> bool:
    """Return whether a stored body has a number that was not written as an integer, like 1.0."""
    if isinstance(value, Mapping):
        return any(_holds_fraction(part) for part in value.values())
    if isinstance(value, list):
        return any(_holds_fraction(part) for part in value)
    return isinstance(value, float)


def _altered(version: Version, column: str, value: str, expected: bytes) -> Finding:
    limit = f"the row matches its {column} {expected.hex()}"
    return _finding(version, "version-altered", column, f"{value} was changed", limit)


def _finding(version: Version, code: str, column: str, value: str, limit: str) -> Finding:
    place = f"rulebook.version {version.instrument} {version.id} {column}"
    return Finding(code, place, value, limit, _RESTORE)
