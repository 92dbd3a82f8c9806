"""A change, its revisions and its events as they are stored, and the digests over them; pure.

Each digest is taken over a versioned prefix and the RFC 8785 JSON of every column: instants in UTC
to the microsecond, digests in hexadecimal, whole numbers as texts, and the draft of a revision by
the digest of its own canonical bytes.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from common.refusals import Finding, Refused
from rulebook.changes.steps import Kind
from rulebook.digest import body_digest, canonical_bytes, document_body, document_digest
from rulebook.drafting import Draft
from rulebook.publication import Placed
from rulebook.reading import document_of
from rulebook.versions import instant_text

CHANGE_PREFIX = b"tallystick/rulebook/change/1\n"
REVISION_PREFIX = b"tallystick/rulebook/revision/1\n"
EVENT_PREFIX = b"tallystick/rulebook/change-event/1\n"
"""Each opens the bytes that the digest of a row is taken over."""


class ChangeRow(NamedTuple):
    """What somebody wants of the law, and why; it never changes.

    Attributes:
        number: for good, without gaps.
        do_nothing: what follows where the law stays as it is, which is always an option.
        options: the others, each in words.
        urgency: why it cannot wait for a consultation; empty where it can.
        participant: for which whoever opened it acts; None of those who oversee the market.
    """

    number: int
    market: str
    title: str
    problem: str
    objectives: str
    do_nothing: str
    options: tuple[str, ...]
    urgency: str
    opened_by: str
    participant: str | None
    opened_at: dt.datetime

    @property
    def is_urgent(self) -> bool:
        """Whether nobody is consulted, for reasons of its own."""
        return bool(self.urgency)

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return _digest(CHANGE_PREFIX, self._asdict())


class RevisionRow(NamedTuple):
    """A text of a change, for good.

    Attributes:
        parent: the revision that it was made from, the last before it; None of the first.
        drawn_from: the instant whose law its documents were drawn from.
        valid_from, valid_to: the validity that is wanted.
        draft: documents by instrument, each with its place, body and digest; and of each the body
            that it was drawn from, in `base`.
        draft_digest: of the draft, by which trials name it.
    """

    change: int
    number: int
    parent: int | None
    drawn_from: dt.datetime
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    draft: Mapping[str, Any]
    draft_digest: bytes
    author: str
    made_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        text = hashlib.sha256(canonical_bytes(self.draft)).digest()
        return _digest(REVISION_PREFIX, self._asdict() | {"draft": text})


class EventRow(NamedTuple):
    """A step that somebody took.

    Attributes:
        sequence: of the change, without gaps from 1.
        state: where the change stands after it.
        participant: for which whoever took it acts; None where for none.
        reason: why, or what was said.
        revision_digest: of the last revision as it was taken; None while there is none.
        answers: the event that it answers.
        proposal: that it makes, or approves.
        body: what else the step states.
        previous_digest: of the event before it; None of the first.
    """

    change: int
    sequence: int
    kind: str
    state: str
    account: str
    participant: str | None
    at: dt.datetime
    reason: str
    revision_digest: bytes | None
    answers: int | None
    proposal: int | None
    body: Mapping[str, Any]
    previous_digest: bytes | None

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return _digest(EVENT_PREFIX, self._asdict() | {"body": dict(self.body)})

    @property
    def is_opening(self) -> bool:
        """Whether it is the first."""
        return self.kind == Kind.OPEN


def draft_as_json(draft: Draft) -> dict[str, Any]:
    """Return a draft as a revision holds it."""
    return {
        "documents": {
            document.instrument: {
                "place": place,
                "body": document_body(document),
                "digest": document_digest(document).hex(),
            }
            for place, document in draft
        },
        "base": {instrument: dict(body) for instrument, body in draft.base.items()},
    }


def draft_from_json(market: str, stored: Mapping[str, Any], drawn_from: dt.datetime) -> Draft:
    """Return a draft as `draft_as_json` wrote it, its texts held to their digests.

    Raises:
        Refused: a text is not the one that was written, or is no document.
    """
    return _draft_of(market, stored, drawn_from, _changed_on_the_way)


def draft_of_revision(market: str, revision: RevisionRow) -> Draft:
    """Return the draft of a revision, its texts held to their digests.

    Raises:
        Refused: a text is not the one that was saved.
    """
    draft = _draft_of(
        market, revision.draft, revision.drawn_from, lambda what: _altered(revision, what)
    )
    if draft.digest != revision.draft_digest:
        raise Refused([_altered(revision, "draft")])
    return draft


def _draft_of(
    market: str,
    stored: Mapping[str, Any],
    drawn_from: dt.datetime,
    altered: Callable[[str], Finding],
) -> Draft:
    documents, findings = [], []
    for instrument, text in sorted(stored["documents"].items()):
        if body_digest(text["body"]).hex() != text["digest"]:
            findings.append(altered(instrument))
            continue
        document, wrong = document_of(text["body"], text["place"])
        findings += wrong
        if document is not None:
            documents.append(Placed(text["place"], document))
    if findings:
        raise Refused(findings)
    return Draft(market, tuple(documents), stored["base"], drawn_from)


def _changed_on_the_way(what: str) -> Finding:
    return Finding(
        "draft-altered",
        what,
        "another text",
        "a draft holds the texts that its digests name",
        "save it again",
    )


def _altered(revision: RevisionRow, what: str) -> Finding:
    return Finding(
        "revision-altered",
        f"rulebook.revision {revision.change}/{revision.number} {what}",
        "another text",
        "a revision holds the text that was saved",
        "restore the row from a backup; a revision never changes",
    )


def _digest(prefix: bytes, columns: Mapping[str, Any]) -> bytes:
    written = {name: _written(value) for name, value in columns.items()}
    return hashlib.sha256(prefix + canonical_bytes(written)).digest()


def _written(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return instant_text(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
