"""What an account may be there for, and who may propose and approve what."""

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What an account comes to do. Grants give it, by account."""

    REGULATOR = "regulator"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    PARTICIPANT = "participant"


class Kind(StrEnum):
    """What is proposed."""

    PUBLICATION = "publication"
    ENDING = "ending"
    GRANT = "grant"


class Outcome(StrEnum):
    """How a proposal ends that nobody approves: in the words of a change of law."""

    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


class Deciders(NamedTuple):
    """The roles of which an account needs one to propose, and one to approve."""

    propose: frozenset[Role]
    approve: frozenset[Role]


MANAGERS = frozenset({Role.REGULATOR, Role.OPERATOR})
"""Who makes accounts, proposes, and takes rights away."""

DECIDERS = {
    Kind.PUBLICATION: Deciders(MANAGERS, frozenset({Role.REGULATOR})),
    Kind.ENDING: Deciders(MANAGERS, frozenset({Role.REGULATOR})),
    Kind.GRANT: Deciders(MANAGERS, MANAGERS),
}
"""The database holds proposals and approvals to this table too (migration 0015)."""
