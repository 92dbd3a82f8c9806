"""What each kind of act does, under the rights that its person has when it is done.

The page asked whether they may before it stored the request. Here it is asked again: a right may be
gone, and whoever could write a request into the table has none by that.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, shown
from ledger.disputes import queries as disputes
from ledger.disputes.course import ROLE_OF, Action
from ledger.disputes.course import Role as Party
from ledger.disputes.records import Actor, Record
from ledger.disputes.steps import StepRequest, take_step
from ledger.payments import queries as payments
from ledger.payments.allocate import allocate, find_transaction
from ledger.payments.statements import statement_name
from portal import audit, dispute_words
from portal.access import viewer_of
from portal.acts import bookings, changes, law_changes, law_proposals, people, settling
from portal.acts.requests import Done, Entry, Execute
from portal.dispute_forms import StepForm, kept_form
from portal.dispute_rights import may_act
from portal.models import Act
from portal.payment_words import allocation_words
from portal.queries.invoices import invoice_owner
from settlement.accounts.bank_statements import import_statements
from settlement.billing.disputing import dispute_line


def import_file(session: Session, act: Act, now: dt.datetime) -> Done:
    """Import a bank's file."""
    _refuse_unless(viewer_of(act.user).allocates_payments, act)
    market, name = act.arguments["market"], act.arguments["name"]
    imported = import_statements(
        session,
        market,
        name,
        bytes(act.content or b""),
        received_by=act.user.get_username(),
        now=now,
        missing=act.arguments["missing"],
    )
    notes = list(map(str, imported.notes))
    if imported.is_repeat:
        notes.append(f"All of {name} was imported before; nothing changed.")
        return Done("", ["payments"], notes, appended=False)
    names = [statement_name(market, row.number) for row in imported.statements]
    told = f"Imported {len(names)} statement{'s' if len(names) > 1 else ''} of {name}."
    entries = [Entry(audit.Action.STATEMENT, each) for each in names]
    return Done(told, ["payments"], notes, entries)


def decide_payment(session: Session, act: Act, now: dt.datetime) -> Done:
    """Allocate a payment, or return it to the queue."""
    _refuse_unless(viewer_of(act.user).allocates_payments, act)
    name, reason = act.subject, act.arguments["reason"]
    amounts = {} if act.kind == Act.Kind.RETURN else act.arguments["amounts"]
    posted = allocate(
        session, name, amounts, decided_by=act.user.get_username(), reason=reason, now=now
    )
    found = find_transaction(session, name).transaction
    currency = payments.statement(session, found.market, found.statement_number).currency
    rest = found.amount_minor - sum(amounts.values())
    told = f"{allocation_words(name, amounts, rest, currency)} Posted as journal {posted.number}."
    action = audit.Action.RETURN if act.kind == Act.Kind.RETURN else audit.Action.ALLOCATION
    statement, _, line = name.rpartition("/")
    return Done(told, ["payment", statement, line], entries=[Entry(action, name, reason)])


def open_dispute(session: Session, act: Act, now: dt.datetime) -> Done:
    """Open a dispute on a line of a document."""
    number, line = act.arguments["number"], act.arguments["line"]
    owner = invoice_owner(session, number)
    _refuse_unless(owner in viewer_of(act.user).acts_for, act)
    actor = Actor(act.user.get_username(), Party.PARTICIPANT, owner[1] if owner else None)
    form = kept_form(act.arguments, _content(act))
    record = dispute_line(
        session, number, line, form.claim, actor, form.reason, now, form.attachment
    )
    claimed = dispute_words.claim_in_words(record.row.claim, record)
    told = f"Dispute {record.row.number} is open: you claim {claimed}. The operator answers next."
    return _step_done(record, Action.OPEN, form, told, now)


def take_dispute_step(session: Session, act: Act, now: dt.datetime) -> Done:
    """Take the next step of a dispute."""
    market, number = act.arguments["market"], act.arguments["number"]
    action = Action(act.arguments["action"])
    form = kept_form(act.arguments, _content(act))
    found = disputes.find(session, market, number)
    _refuse_unless(found is not None and may_act(viewer_of(act.user), found, action), act)
    record = take_step(session, market, number, _step_request(act, found, action, form), now)
    upheld = record.upheld if action in (Action.ACCEPT, Action.UPHOLD) else None
    of_claim = f": {dispute_words.claim_in_words(upheld, record)}" if upheld else ""
    told = f"{dispute_words.DONE_WORDS[action]}{of_claim}. It stands in the timeline."
    return _step_done(record, action, form, told, now)


def _step_request(act: Act, record: Record | None, action: Action, form: StepForm) -> StepRequest:
    party = ROLE_OF[action]
    owner = record.row.participant if record and party is Party.PARTICIPANT else None
    run_id, note_id = form.links if action is Action.SETTLE else (None, None)
    asks_for_part = action is Action.UPHOLD and (form.amount or form.quantity)
    return StepRequest(
        action,
        Actor(act.user.get_username(), party, owner),
        form.reason,
        award=form.claim if asks_for_part else None,
        run_id=run_id,
        note_id=note_id,
        attachment=form.attachment,
    )


def _step_done(record: Record, action: Action, form: StepForm, told: str, now: dt.datetime) -> Done:
    # A step that was taken before, as by a form that was sent twice, has its entry.
    is_new = record.events[-1].taken_at == now
    entry = Entry(audit.Action.DISPUTE, f"{record.name}: {action.value}", form.reason.strip())
    market, number = record.key
    where = ["dispute", market, str(number)]
    return Done(told, where, entries=[entry] if is_new else [], appended=is_new)


def _content(act: Act) -> bytes | None:
    return None if act.content is None else bytes(act.content)


def _refuse_unless(is_entitled: bool, act: Act) -> None:
    if not is_entitled:
        raise Refused(
            [
                Finding(
                    "act-not-entitled",
                    f"{act.get_kind_display()} {act.subject}",
                    shown(act.user.get_username()),
                    "who asks for it has the right to it when it is done",
                    "ask somebody who has, or the operator for the right",
                )
            ]
        )


EXECUTORS: Mapping[str, Execute] = MappingProxyType(
    {
        Act.Kind.IMPORT: import_file,
        Act.Kind.ALLOCATE: decide_payment,
        Act.Kind.RETURN: decide_payment,
        Act.Kind.DISPUTE: open_dispute,
        Act.Kind.STEP: take_dispute_step,
        Act.Kind.ACCOUNT: people.make_account,
        Act.Kind.INVITE: people.invite_account,
        Act.Kind.GRANT: people.propose_right,
        Act.Kind.APPROVE: people.approve_right,
        Act.Kind.WITHDRAW: people.withdraw_right,
        Act.Kind.ANSWER: changes.answer_change,
        Act.Kind.SETTLE: settling.settle_days,
        Act.Kind.ISSUE: settling.issue_documents,
        Act.Kind.CHANGE: law_changes.open_law_change,
        Act.Kind.CHANGE_STEP: law_changes.take_law_step,
        Act.Kind.REVISE: law_changes.save_law_revision,
        Act.Kind.END: law_proposals.end_registration,
        Act.Kind.PROPOSE_LAW: law_proposals.propose_copy,
        Act.Kind.APPROVE_LAW: law_proposals.approve_law,
        Act.Kind.GIVE_UP: law_proposals.give_up_law,
        Act.Kind.QUOTE: bookings.quote_energy,
        Act.Kind.BOOK: bookings.book_energy,
        Act.Kind.REBOOK: bookings.change_booking,
        Act.Kind.CANCEL: bookings.cancel_booking,
    }
)
"""By kind of act."""
