"""A change becomes law: drawn from the law that it is to replace, proposed whole, and approved."""

import datetime as dt
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from ledger import store as ledger_store
from ledger.people.store import StoredProposal
from rulebook import store as rulebook_store
from rulebook.changes import store
from rulebook.changes.basing import moved_findings, rebased
from rulebook.changes.breaches import breaches
from rulebook.changes.life import Life, Wanted, next_event
from rulebook.changes.records import RevisionRow, draft_of_revision
from rulebook.changes.steps import Kind, State
from rulebook.digest import document_body
from rulebook.drafting import Draft
from rulebook.law import rules_at
from rulebook.versions import instant_shown
from settlement.enactment.changes import Validity, acting, actor_of, find, revise
from settlement.enactment.propose import propose_publication


def rebase(session: Session, number: int, *, reason: str, now: dt.datetime) -> Life:
    """Draw the last revision of a change anew from the law of its first day, as known now.

    Raises:
        Refused: the law has not moved, both changed the same, or whoever acts may not revise.
    """
    ledger_store.lock(session)
    life = find(session, number)
    revision, draft = last_draft(life)
    rules = rules_at(session, life.change.market, revision.valid_from, now)
    law = {document.instrument: document_body(document) for document in rules.documents}
    drawn, findings = rebased(draft, law, revision.valid_from)
    if not findings and drawn.base == draft.base:
        findings = [
            Finding(
                "base-not-moved",
                f"change {number}",
                f"the law of {instant_shown(revision.valid_from)}, as it was drawn from",
                "what is rebased was drawn from law that is another by now",
                "leave it as it stands",
            )
        ]
    refuse_any(findings)
    validity = Validity(revision.valid_from, revision.valid_to)
    return revise(session, number, drawn, revision.number, validity, reason=reason, now=now)


def propose_change(
    session: Session, number: int, *, reason: str, now: dt.datetime, saw: int | None = None
) -> tuple[Life, StoredProposal]:
    """Propose the last revision of a change as law, whole, for the validity that it wants.

    Returns:
        The change, which waits for approval, and the proposal.

    Raises:
        Refused: with every finding: of the change, and of what forbids publishing it now.
    """
    life = find(session, number)
    wanted = Wanted(Kind.PROPOSE, reason, saw=saw)
    findings = list(breaches(life, wanted, actor_of(acting(session)), now))
    revision, draft = last_draft(life)
    # What moved is known before the law is locked, and asked again by what publishes.
    refuse_any([*findings, *_moved(session, revision, draft, now)])
    # The law's lock before the ledger's: every command has this order.
    _, proposal = propose_publication(
        session, draft.documents, valid_from=revision.valid_from, valid_to=revision.valid_to,
        now=now, reason=reason.strip(),
    )  # fmt: skip
    if proposal is None:
        raise Refused([_stands_already(number)])
    named = Wanted(Kind.PROPOSE, reason, proposal=proposal.number, saw=saw)
    return _take(session, number, named, now), proposal


def is_base_moved(session: Session, life: Life, now: dt.datetime) -> bool:
    """Return whether the law that the last revision was drawn from is another by now.

    What cannot be read is not said to have moved: `propose_change` names it.
    """
    try:
        revision, draft = last_draft(life)
    except Refused:
        return False
    return any(_moved(session, revision, draft, now))


def _moved(
    session: Session, revision: RevisionRow, draft: Draft, now: dt.datetime
) -> Iterator[Finding]:
    law = rulebook_store.versions_known(
        session, draft.market, now, revision.valid_from, revision.valid_to
    )
    return moved_findings(draft, law, revision.valid_from)


def check_of_change(session: Session, stored: StoredProposal) -> Iterator[Finding]:
    """Find that a proposal is of a text of a change that is not the one that waits."""
    number = store.change_of_proposal(session, stored.number)
    if number is None:
        return
    life = find(session, number)
    if life.state is not State.WAITING or life.proposal != stored.number:
        yield Finding(
            "proposal-of-older-revision",
            f"proposal {stored.number}",
            f"change {number} is {life.state}",
            f"the proposal that waits of a change is that of its last revision, "
            f"{f'proposal {life.proposal}' if life.proposal else 'of which none waits'}",
            f"read what came after it in change {number}",
        )


def tell_approval(
    session: Session, approved: StoredProposal, now: dt.datetime, reason: str = ""
) -> None:
    """Append the step of a change whose proposal was approved, in the same transaction.

    Who gives no reason, as the command asks for none, has read it and approved it.

    Raises:
        Refused: whoever approved wrote the text.
    """
    number = store.change_of_proposal(session, approved.number)
    if number is None:
        return
    why = reason or f"Read and approved as proposal {approved.number}"
    _take(session, number, Wanted(Kind.APPROVE, why, proposal=approved.number), now)


def _take(session: Session, number: int, wanted: Wanted, now: dt.datetime) -> Life:
    """Append a step that names a proposal, judged once more under the lock that it was made in."""
    rights, life = acting(session), find(session, number)
    refuse_any(breaches(life, wanted, actor_of(rights), now))
    store.append_event(session, next_event(life, wanted, rights.account, now))
    return find(session, number)


def last_draft(life: Life) -> tuple[RevisionRow, Draft]:
    """Return the last revision of a change, and its draft.

    Raises:
        Refused: there is none, or its text was altered.
    """
    if life.revision is None:
        raise Refused(
            [
                Finding(
                    "change-without-revision",
                    f"change {life.change.number}",
                    "no text",
                    "law is made of a text",
                    "save a revision first",
                )
            ]
        )
    return life.revision, draft_of_revision(life.change.market, life.revision)


def _stands_already(number: int) -> Finding:
    return Finding(
        "draft-changes-nothing",
        f"change {number}",
        "every document stands so already",
        "what is proposed changes the law",
        "revise it, or withdraw the change",
    )
