"""The sealed rows of people, in the layout of `ledger.chain`; each is a leaf of the log.

    tallystick.person.1       number, name, salt, recorded_at, recorded_by
    tallystick.principal.1    id, person, recorded_at, recorded_by
    tallystick.founding.1     operator, regulator, is_demonstration, founded_at
    tallystick.proposal.1     number, kind, market, content_digest, proposed_by, proposed_at
    tallystick.approval.1     proposal, content_digest, approved_by, approved_at
    tallystick.proposal-end.1 proposal, outcome, ended_by, ended_at, reason
    tallystick.answer.1       number, proposal, content_digest, market, participant, agrees,
                              answered_by, answered_at
    tallystick.grant.1        number, account, role, market, participant, approval, granted_at
    tallystick.withdrawal.1   grant_number, withdrawn_by, withdrawn_at, reason

The digest of each is the leaf hash of its bytes. A person's has a salt, as a name could be guessed.
"""

import datetime as dt
from typing import NamedTuple

from ledger.chain import encode
from ledger.tree import leaf_hash


class PersonRow(NamedTuple):
    """The sealed columns of `people.person`: a human being."""

    number: int
    name: str
    salt: bytes
    recorded_at: dt.datetime
    recorded_by: str | None

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.person.1", self))


class AccountRow(NamedTuple):
    """The sealed columns of `people.account`: who acts, under a name that is never given again.

    Without a person it is a service, such as a timer, which never approves.
    """

    id: str
    person: int | None
    recorded_at: dt.datetime
    recorded_by: str | None

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.principal.1", self))


class FoundingRow(NamedTuple):
    """The sealed columns of `people.founding`: the first two accounts, and whether it is play."""

    operator: str
    regulator: str
    is_demonstration: bool
    founded_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column; true is sealed as 1."""
        fields = (self.operator, self.regulator, int(self.is_demonstration), self.founded_at)
        return leaf_hash(encode("tallystick.founding.1", fields))


class ProposalRow(NamedTuple):
    """The sealed columns of `people.proposal`; the digest of its content stands for it."""

    number: int
    kind: str
    market: str | None
    content_digest: bytes
    texts: str
    proposed_by: str
    proposed_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.proposal.1", self))


class ApprovalRow(NamedTuple):
    """The sealed columns of `people.approval`."""

    proposal: int
    content_digest: bytes
    approved_by: str
    approved_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.approval.1", self))


class ProposalEndRow(NamedTuple):
    """The sealed columns of `people.proposal_end`: how a proposal that is no law was given up."""

    proposal: int
    outcome: str
    ended_by: str
    ended_at: dt.datetime
    reason: str

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.proposal-end.1", self))


class AnswerRow(NamedTuple):
    """The sealed columns of `people.answer`: a participant's word on a change of its payee."""

    number: int
    proposal: int
    content_digest: bytes
    market: str
    participant: str
    agrees: bool
    answered_by: str
    answered_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column; true is sealed as 1."""
        fields = (*self[:5], int(self.agrees), *self[6:])
        return leaf_hash(encode("tallystick.answer.1", fields))


class GrantRow(NamedTuple):
    """The sealed columns of `people.account_grant`.

    Market and participant are named of the role of a participant alone. Only the two grants of the
    founding have no approval.
    """

    number: int
    account: str
    role: str
    market: str | None
    participant: str | None
    approval: int | None
    granted_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.grant.1", self))


class WithdrawalRow(NamedTuple):
    """The sealed columns of `people.withdrawal`: the end of a grant."""

    grant_number: int
    withdrawn_by: str
    withdrawn_at: dt.datetime
    reason: str

    @property
    def digest(self) -> bytes:
        """The digest over every column."""
        return leaf_hash(encode("tallystick.withdrawal.1", self))
