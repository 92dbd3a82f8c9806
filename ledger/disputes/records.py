"""A dispute as it is read back: the line, the claim, the steps taken, and who acts in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from ledger.disputes.claims import Claim
from ledger.disputes.course import Action, Course, Role
from ledger.disputes.sealing import DisputeRow, EventRow
from ledger.disputes.terms import DisputeTerms


@dataclass(frozen=True)
class Actor:
    """Who takes a step: an account, for whom, and as a participant for which one."""

    account: str
    role: Role
    participant: str | None = None


@dataclass(frozen=True)
class DisputedLine:
    """The line and the document it stands on; amounts keep the ledger's sign."""

    document: str
    series: str
    issued_at: datetime
    due_on: date
    billing_month: date
    currency: str
    last_journal_number: int
    kind: str
    subject: str
    description: str
    quantity: int | None
    quantity_unit: str | None
    amount_micro: int
    digest: bytes

    @property
    def is_self_billed(self) -> bool:
        """Whether the document states what the market pays."""
        return self.series.endswith("self-billed")


@dataclass(frozen=True)
class Record:
    """A dispute, its events in order, their digests at their places, and whose accounts acted."""

    row: DisputeRow
    digest: bytes
    line: DisputedLine
    events: tuple[EventRow, ...]
    event_digests: tuple[bytes, ...]
    persons: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How people and refusals name it."""
        return name_of(self.market, self.number)

    @property
    def market(self) -> str:
        """Market of the document."""
        return self.row.market

    @property
    def number(self) -> int:
        """Number within the market."""
        return self.row.number

    @property
    def key(self) -> tuple[str, int]:
        """Market and number."""
        return self.market, self.number

    @property
    def billing_month(self) -> date:
        """Month of the document."""
        return self.line.billing_month

    @property
    def line_kind(self) -> str:
        """Kind of the disputed line."""
        return self.line.kind

    @property
    def terms(self) -> DisputeTerms:
        """The rule of its deadlines."""
        return self.row.terms

    @property
    def course(self) -> Course:
        """Its steps under its terms."""
        return Course(self.terms, tuple(event.as_step for event in self.events), self.persons)

    @property
    def upheld(self) -> Claim | None:
        """What of the claim holds: all once accepted, what was upheld; None before that."""
        for event in self.events:
            if event.action == Action.ACCEPT:
                return self.row.claim
            if event.action == Action.UPHOLD:
                return Claim(event.upheld_micro, event.upheld_quantity)
        return None

    @property
    def settlement(self) -> EventRow | None:
        """The event that settled it, if it is settled."""
        last = self.events[-1]
        return last if last.action == Action.SETTLE else None


def name_of(market: str, number: int) -> str:
    """Return how people and refusals name a dispute.

    >>> name_of("gb12", 3)
    'gb12 dispute 3'
    """
    return f"{market} dispute {number}"
