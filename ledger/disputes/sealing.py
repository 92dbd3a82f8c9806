"""The explicit bytes of disputes, their events and attachments, in the layout of `ledger.chain`.

    tallystick.dispute.1        the columns of `DisputeRow`
    tallystick.dispute-event.1  the columns of `EventRow`
    tallystick.attachment.1     sha256, media_type

The digest of each is the leaf hash of its bytes. An event names the digest before it in its
dispute: that of the event before, or for the opening that of the dispute itself. An attachment's
content is sealed by its SHA-256, which the event that brought it names.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ledger.chain import encode
from ledger.disputes.claims import Claim
from ledger.disputes.course import Action, Step
from ledger.disputes.terms import DisputeTerms
from ledger.tree import leaf_hash

DISPUTE_TAG = "tallystick.dispute.1"
EVENT_TAG = "tallystick.dispute-event.1"
ATTACHMENT_TAG = "tallystick.attachment.1"


class DisputeRow(NamedTuple):
    """The sealed columns of `ledger.dispute`: the line, the claim, and the rule it keeps."""

    market: str
    number: int
    participant: str
    invoice_id: UUID
    line: int
    line_digest: bytes
    claimed_micro: int | None
    claimed_quantity: int | None
    terms_digest: bytes
    time_zone: str
    raise_within_days: int
    answer_within_days: int
    escalate_within_days: int
    decide_within_days: int

    @property
    def claim(self) -> Claim:
        """What is claimed of the line."""
        return Claim(self.claimed_micro, self.claimed_quantity)

    @property
    def terms(self) -> DisputeTerms:
        """The rule of its deadlines."""
        return DisputeTerms(
            self.terms_digest,
            self.time_zone,
            self.raise_within_days,
            self.answer_within_days,
            self.escalate_within_days,
            self.decide_within_days,
        )


class EventRow(NamedTuple):
    """The sealed columns of `ledger.dispute_event`: who did what, for whom, when and why.

    `number` counts the events of the market, `step` those of the dispute. What is upheld is on the
    event that upholds; run, journals and note are on the event that settles.
    """

    market: str
    number: int
    dispute_number: int
    step: int
    action: str
    actor: str
    role: str
    taken_at: datetime
    reason: str
    upheld_micro: int | None
    upheld_quantity: int | None
    run_id: UUID | None
    journal_numbers: tuple[int, ...]
    note_id: UUID | None
    note_line: int | None
    attachment_name: str | None
    attachment_sha256: bytes | None
    previous_digest: bytes

    @property
    def as_step(self) -> Step:
        """The event as the machine sees it."""
        return Step(Action(self.action), self.actor, self.taken_at)


class AttachmentRow(NamedTuple):
    """The sealed columns of `ledger.attachment`, without the content that `sha256` seals."""

    sha256: bytes
    media_type: str


def dispute_digest(row: DisputeRow) -> bytes:
    """Return the digest of a dispute."""
    return leaf_hash(encode(DISPUTE_TAG, row))


def event_digest(row: EventRow) -> bytes:
    """Return the digest of an event of a dispute."""
    return leaf_hash(encode(EVENT_TAG, row))


def attachment_digest(row: AttachmentRow) -> bytes:
    """Return the digest of an attachment."""
    return leaf_hash(encode(ATTACHMENT_TAG, row))
