"""Whether a proposal still meets the law that it was made for.

An approver approves what was shown: documents beside the law of their days. Where that became
another while the proposal waited, its texts would undo unseen what was decided in between. Law of
other documents, or of other days, moves nothing of it.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from common.refusals import Finding
from ledger.people.roles import Kind
from ledger.people.store import StoredProposal
from rulebook import store
from rulebook.changes.store import change_of_proposal
from rulebook.moves import Move, first_move
from rulebook.standing import Record, Span
from rulebook.versions import instant_shown
from settlement.enactment.proposed import ending_after, handover_of


def check_moved(session: Session, stored: StoredProposal) -> Iterator[Finding]:
    """Find each document of a proposal whose law became another on the days that it is for.

    Under the lock of the law, what is found stands until the transaction ends.
    """
    if stored.kind is Kind.GRANT:
        return
    histories = store.records(session, stored.market or "", wanted_law(stored)[0])
    remedy = ""
    for instrument, move in moves_of(stored, histories, shown_at(session, stored)):
        remedy = remedy or _remedy(session, stored)
        yield _finding(stored, instrument, move, remedy)


def moves_of(
    stored: StoredProposal,
    histories: Mapping[str, Sequence[Record]],
    since: dt.datetime,
    known: dt.datetime | None = None,
) -> Iterator[tuple[str, Move]]:
    """Yield each document of a proposal whose law became another, and by what.

    Args:
        stored: a publication or an ending.
        histories: every version of its documents, by instrument.
        since: the moment whose law it is for.
        known: the moment as of which it is compared; None for what stands.
    """
    instruments, span = wanted_law(stored)
    for instrument in instruments:
        move = first_move(histories.get(instrument, ()), span, since, known)
        if move is not None:
            yield instrument, move


def wanted_law(stored: StoredProposal) -> tuple[list[str], Span]:
    """Return the documents of a proposal, and the instants for which it says what is law."""
    content = json.loads(stored.content)
    if stored.kind is Kind.ENDING:
        return [content["instrument"]], (dt.datetime.fromisoformat(content["ends"]), None)
    ends = content["valid_to"]
    starts = dt.datetime.fromisoformat(content["valid_from"])
    return sorted(content["documents"]), (starts, dt.datetime.fromisoformat(ends) if ends else None)


def shown_at(session: Session, stored: StoredProposal) -> dt.datetime:
    """Return the moment whose law the proposal is for.

    An end is for the law as what is handed over before it makes it, in the same act.
    """
    handover = handover_of(session, stored) if stored.kind is Kind.ENDING else None
    return (handover and handover.approved_at) or stored.proposed_at


def move_words(instrument: str, move: Move) -> str:
    """Return what made a document another, when, and from which instant on."""
    by = f"proposal {move.approval}" if move.approval else "what was decided"
    return (
        f"{by} made {instrument} another at {instant_shown(move.at)}, "
        f"from {instant_shown(move.starts)}"
    )


def _finding(stored: StoredProposal, instrument: str, move: Move, remedy: str) -> Finding:
    return Finding(
        "law-has-moved",
        f"proposal {stored.number}: {instrument}",
        move_words(instrument, move),
        "what is approved is what was shown: texts beside the law of their days, which is no other "
        "by then",
        remedy,
    )


def _remedy(session: Session, stored: StoredProposal) -> str:
    change = change_of_proposal(session, stored.number)
    if change is not None:
        return f"rebase change {change}, and propose it again"
    pair = handover_of if stored.kind is Kind.ENDING else ending_after
    if pair(session, stored) is not None:
        return "withdraw or reject what waits of both, and propose the end again"
    return "withdraw or reject it, and propose anew what is still wanted of it"
