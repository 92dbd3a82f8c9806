"""Publication: documents become law, all or none, and what they replace stays on record."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook import store
from rulebook.digest import body_digest, document_body
from rulebook.documents import Document
from rulebook.folders import read_files
from rulebook.publication import (
    Change,
    Decision,
    Placed,
    Request,
    changes_of,
    recording_findings,
    request_findings,
    sealed_findings,
    unending_findings,
    validity_of,
    zone_of,
)
from rulebook.resulting_law import law_findings
from rulebook.versions import IN_FORCE, Version, row_digest

_UNSEALED = bytes(32)


@dataclass(frozen=True)
class PublishedVersion:
    """A document as it now stands in the record.

    Attributes:
        appended: whether this publication appended it; False when it already stood so.
        closed: versions that it took the place of, in whole or in part.
        remainders: versions appended for the parts of those that go on applying.
    """

    id: uuid.UUID
    instrument: str
    title: str
    digest: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_from: dt.datetime
    appended: bool
    closed: tuple[uuid.UUID, ...]
    remainders: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class Plan:
    """What a publication would do: the changes that it makes, for the validity [start, end)."""

    request: Request
    changes: tuple[Change, ...]
    start: dt.datetime
    end: dt.datetime | None

    @property
    def market(self) -> str:
        """Whose law it changes."""
        return self.request.markets[0]

    @property
    def is_needed(self) -> bool:
        """Whether any document would be appended, or all stand so already."""
        return any(change.unchanged is None for change in self.changes)

    def as_standing(self) -> list[PublishedVersion]:
        """Return how the documents stand that need not be appended."""
        return [
            published(change.unchanged, change, False, ())
            for change in self.changes
            if change.unchanged is not None
        ]


def plan(
    session: Session,
    files_or_documents: Sequence[Path | Document | Placed],
    *,
    valid_from: dt.date | dt.datetime,
    valid_to: dt.date | dt.datetime | None = None,
    known: dt.datetime,
    reason: str = "",
    sealed: Mapping[str, Sequence[tuple[dt.datetime, dt.datetime]]] = MappingProxyType({}),
    locks: bool = True,
) -> Plan:
    """Return what a publication would do, all or none; nothing is written.

    Older versions that the validity touches would be closed at `known`, and the parts of them
    outside the validity appended again, so what was known before stays as it was. A document that
    already stands so is not appended again; one that stands beyond `valid_to` is refused, as
    publishing it again would not end it (`rulebook.ending` does).

    Args:
        session: inside the caller's transaction.
        files_or_documents: files, folders, or documents.
        valid_from: first day of validity, or the instant at which that day begins.
        valid_to: first day on which the documents no longer apply; None for no end.
        known: when this is recorded; the shell passes the time of its clock.
        reason: why; must be stated where validity begins before `known`.
        sealed: the instants between which each sealed day lies, by market; their law stands.
        locks: whether others who publish wait for the transaction; who only asks keeps nobody.

    Raises:
        Refused: with every finding.
    """
    documents, findings = _gather_documents(files_or_documents)
    request = Request(tuple(documents), valid_from, valid_to, known, reason.strip())
    unread = bool(findings)
    if not documents and not unread:
        findings.append(_nothing_to_publish())
    findings.extend(request_findings(request))
    # Documents that were not read, or are of two markets, make no law that could be looked at
    # whole; what each of them shows by itself has been found.
    if unread or not request.is_one_law:
        raise Refused(findings)
    closed = sealed.get(request.markets[0], ())
    if locks:  # before the law is read: of two at once, the second amends what the first recorded
        store.lock_market(session, request.markets[0])
    changes, start, end = _plan_changes(session, request, findings, closed)
    return Plan(request, tuple(changes), start, end)


def standing_after(current: Sequence[Version], planned: Plan) -> tuple[Version, ...]:
    """Return the open versions of a market as they would be once a plan is law.

    Nobody has decided it yet: the versions that it would append name nobody.
    """
    closed = {version.id for change in planned.changes for version in change.closes}
    standing = [version for version in current if version.id not in closed]
    # Recorded before whatever is asked about the law after it.
    request = replace(planned.request, known=planned.request.known - dt.timedelta.resolution)
    nobody = Decision(0, "", "")
    for change in planned.changes:
        if change.unchanged is None:
            standing += [
                replace(each.of, valid_from=each.valid_from, valid_to=each.valid_to)
                for each in change.remainders
            ]
            identity = uuid.uuid5(uuid.NAMESPACE_OID, change.document.instrument)
            version = _new_version(identity, request, nobody, change, planned.start, planned.end)
            standing.append(version)
    return tuple(standing)


def publish(session: Session, planned: Plan, decision: Decision) -> list[PublishedVersion]:
    """Let a plan become law, as two people decided, in the transaction in which it was made.

    Raises:
        Refused: the law of a day would change that was sealed meanwhile.
    """
    return record(session, planned.request, decision, planned.changes, planned.start, planned.end)


def _nothing_to_publish() -> Finding:
    return Finding(
        "nothing-to-publish",
        "publication",
        "no document",
        "a publication holds at least one document",
        "name a file or a folder",
    )


def _gather_documents(
    files_or_documents: Sequence[Path | Document | Placed],
) -> tuple[list[tuple[str, Document]], list[Finding]]:
    documents: list[tuple[str, Document]] = []
    findings: list[Finding] = []
    for entry in files_or_documents:
        if isinstance(entry, Document):
            documents.append((entry.instrument, entry))
        elif isinstance(entry, Placed):
            documents.append(entry)
        else:
            read, wrong = read_files([entry])
            documents.extend(read)
            findings.extend(wrong)
    return documents, findings


def _plan_changes(
    session: Session,
    request: Request,
    findings: list[Finding],
    sealed: Sequence[tuple[dt.datetime, dt.datetime]],
) -> tuple[list[Change], dt.datetime, dt.datetime | None]:
    """Return what the request changes; refuse with every finding."""
    market = request.markets[0]
    current = store.open_versions(session, market)
    zone, wrong = zone_of(request, current)
    findings.extend(wrong)
    if zone is None:
        raise Refused(findings)
    validity, wrong = validity_of(request, zone)
    if validity is None:
        raise Refused([*findings, *wrong])
    start, end = validity
    changes = changes_of(request, current, start, end)
    last_recorded = store.last_recorded(session, market)
    findings.extend(recording_findings(request, changes, start, last_recorded))
    findings.extend(unending_findings(changes, end, zone))
    findings.extend(sealed_findings(changes, sealed, start, end))
    findings.extend(law_findings(changes, current, start, end, zone))
    if findings:
        raise Refused(findings)
    return changes, start, end


def record(
    session: Session,
    request: Request,
    decision: Decision,
    changes: Sequence[Change],
    start: dt.datetime,
    end: dt.datetime | None,
) -> list[PublishedVersion]:
    """Close and append what `changes` say, and return how each document now stands.

    Raises:
        Refused: the law of a day would change that was sealed meanwhile.
    """
    found: list[PublishedVersion] = []
    appended: list[Version] = []
    count = sum(1 + len(change.remainders) for change in changes if change.unchanged is None)
    identities = iter(store.new_identities(session, count))
    for change in changes:
        if change.unchanged is not None:
            found.append(published(change.unchanged, change, False, ()))
            continue
        version = _new_version(next(identities), request, decision, change, start, end)
        remainders = [
            _with_row_digest(
                replace(
                    remainder.of,
                    id=next(identities),
                    valid_from=remainder.valid_from,
                    valid_to=remainder.valid_to,
                    recorded_from=request.known,
                    recorded_to=None,
                    supersedes=(remainder.of.id,),
                    origin=remainder.of.origin or remainder.of.id,
                )
            )
            for remainder in change.remainders
        ]
        appended += [version, *remainders]
        found.append(published(version, change, True, tuple(r.id for r in remainders)))
    # Closed first: until then the exclusion constraint refuses what takes their place.
    store.close(session, [v.id for change in changes for v in change.closes], request.known)
    store.append(session, appended)
    return found


def _new_version(
    identity: uuid.UUID,
    request: Request,
    decision: Decision,
    change: Change,
    start: dt.datetime,
    end: dt.datetime | None,
) -> Version:
    document = change.document
    body = document_body(document)
    return _with_row_digest(
        Version(
            id=identity,
            market=document.market,
            instrument=document.instrument,
            kind=document.kind,
            body=body,
            digest=body_digest(body),
            valid_from=start,
            valid_to=end,
            recorded_from=request.known,
            recorded_to=None,
            status=IN_FORCE,
            author=decision.author,
            approver=decision.approver,
            approval=decision.approval,
            reason=request.reason,
            supersedes=tuple(version.id for version in change.closes),
            origin=None,
            row_digest=_UNSEALED,
        )
    )


def _with_row_digest(version: Version) -> Version:
    return replace(version, row_digest=row_digest(version))


def published(
    version: Version, change: Change, appended: bool, remainders: tuple[uuid.UUID, ...]
) -> PublishedVersion:
    """Return how the document of a change stands as a version."""
    return PublishedVersion(
        id=version.id,
        instrument=version.instrument,
        title=change.document.title,
        digest=version.digest,
        valid_from=version.valid_from,
        valid_to=version.valid_to,
        recorded_from=version.recorded_from,
        appended=appended,
        closed=tuple(closed.id for closed in change.closes),
        remainders=remainders,
    )
