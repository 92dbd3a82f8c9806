"""Notices as pages, commands and messages say them, and which of them somebody has read."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from common import quantities
from ledger.people.roles import Outcome
from portal import amounts
from portal.access import Viewer
from portal.queries.rules import zone_by_market
from settlement.notices.change import OVERSEEN, notice_of_change
from settlement.notices.derivation import derive_notices
from settlement.notices.given_up import notice_of_given_up
from settlement.notices.notice import TAKEN_BACK, Notice, Sort
from settlement.notices.store import TOLD_TO_OVERSEERS, given_up, ledger_state, overseen_steps

Owners = frozenset[tuple[str, str]] | None
"""Markets and participants whose rows a reader sees; None: everybody's."""

_cached: dict[Owners, tuple[tuple[object, ...], tuple[Notice, ...]]] = {}
"""By whose rows a reader sees: a state and hour of theirs, and the notices that follow from it."""
MOST_CACHED = 64


@dataclass(frozen=True)
class ShownNotice:
    """A notice in words."""

    notice: Notice
    zone: str
    title: str
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the notice as plain values for `--json`."""
        notice = self.notice
        return {
            "key": notice.key,
            "sort": notice.sort.value,
            "market": notice.market,
            "participant": notice.participant,
            "at": notice.at,
            "title": self.title,
            "sentences": self.sentences,
            "first_day": notice.days[0],
            "last_day": notice.days[-1],
            "day_count": len(notice.days),
            "changes": [
                {
                    "commodity": change.commodity,
                    "account_kind": change.account_kind,
                    "amount": change.amount,
                }
                for change in notice.changes
            ],
            "documents": notice.documents,
            "original": notice.original,
            "run": notice.run_id,
        }


def notices(session: Session, now: dt.datetime, owners: Owners = None) -> tuple[Notice, ...]:
    """Return every notice of the participants whose rows the session sees, latest first.

    What the clock does to a dispute, it does at the beginning of a local day: within an hour of it
    the notice is there.
    """
    state = (*ledger_state(session), now.replace(minute=0, second=0, microsecond=0))
    known, found = _cached.get(owners, (None, ()))
    if known != state:
        found = tuple(derive_notices(session, now))
        # The ledger only grows and the clock only advances: no earlier state is asked for again.
        if len(_cached) >= MOST_CACHED:
            _cached.clear()
        _cached[owners] = state, found
    return found


def notices_for(session: Session, viewer: Viewer, now: dt.datetime) -> list[Notice]:
    """Return the notices that are open to a user, latest first."""
    found = []
    if viewer.sees_invoices:
        found += [
            notice
            for notice in notices(session, now, viewer.participants)
            if viewer.may_see(notice.market, notice.participant)
            and not (viewer.sees_people and _is_overseen(notice))
        ]
    return sorted([*found, *overseen_notices(session, viewer)], key=lambda each: each.at)[::-1]


def overseen_notices(session: Session, viewer: Viewer) -> list[Notice]:
    """Return the notices to those who oversee markets: each step of a law change, once.

    And each proposal of law that was made without one and given up.
    """
    steps = overseen_steps(session) if viewer.sees_people else []
    ended = given_up(session) if viewer.sees_people else []
    return [*map(notice_of_change, steps), *map(notice_of_given_up, ended)]


def _is_overseen(notice: Notice) -> bool:
    """Return whether an overseer is told the same once, and not as each participant is."""
    return notice.sort is Sort.CHANGE and notice.subject in {
        *TOLD_TO_OVERSEERS,
        "revise",
        "withdraw",
    }


def shown_notices(session: Session, found: Sequence[Notice]) -> list[ShownNotice]:
    """Return notices in words."""
    zones = zone_by_market(session, (notice.market for notice in found))
    return [
        ShownNotice(notice, zones[notice.market], title(notice), sentences(notice))
        for notice in found
    ]


def title(notice: Notice) -> str:
    """Return what happened, in one line."""
    return _WORDS[notice.sort][0](notice)


def sentences(notice: Notice) -> tuple[str, ...]:
    """Return what it is about and by how much, a sentence each."""
    return _WORDS[notice.sort][1](notice)


def _document_title(notice: Notice) -> str:
    return f"{notice.subject.capitalize()} {notice.documents[0]} was issued"


def _document_sentences(notice: Notice) -> tuple[str, ...]:
    owes = "You pay" if notice.due_minor > 0 else "You receive"
    due = f", due on {_days([notice.due_on])}" if notice.due_on else ""
    told = f"{owes} {_minor(notice)} for {notice.days[0]:%B %Y}{due}."
    return (told, f"It corrects {notice.original}.") if notice.original else (told,)


def _payment_title(notice: Notice) -> str:
    if notice.reason == TAKEN_BACK:
        return f"{_minor(notice)} of a payment was taken from your documents"
    came = "received from you" if notice.due_minor > 0 else "paid or returned to you"
    return f"{_minor(notice)} was {came}"


def _payment_sentences(notice: Notice) -> tuple[str, ...]:
    named = " and ".join(notice.documents)
    return (
        f"Bank transaction {notice.subject}, value {_days(notice.days)}.",
        f"So much less of {named} is paid by it; no money came or went."
        if notice.reason == TAKEN_BACK
        else f"It is booked to {named}.",
    )


def _law_title(notice: Notice) -> str:
    return f"{notice.subject}: a version that applies from {_days(notice.days)}"


def _law_sentences(notice: Notice) -> tuple[str, ...]:
    why = f"{notice.reason.rstrip('.')}." if notice.reason else "No reason was stated."
    return (f"{notice.instrument}.", why)


def _seal_title(notice: Notice) -> str:
    return f"{_days(notice.days)} {'was' if len(notice.days) == 1 else 'were'} sealed"


def _seal_sentences(notice: Notice) -> tuple[str, ...]:
    return (
        f"Sealed by {notice.subject}: {notice.reason}.",
        "Nothing more is posted to these days, and no reading or rule is accepted for them.",
    )


def _dispute_title(notice: Notice) -> str:
    return f"{notice.subject}: {notice.reason}"


def _dispute_sentences(notice: Notice) -> tuple[str, ...]:
    return (f"It is of the document for {notice.days[0]:%B %Y}.",)


def _credit_title(notice: Notice) -> str:
    return f"Credit cover: {notice.reason}"


def _credit_sentences(notice: Notice) -> tuple[str, ...]:
    currency = _currency(notice)
    return (
        f"Your exposure is {_money(notice.exposure_micro, currency)}, your cover "
        f"{_money(notice.cover_micro, currency)}.",
        "Pay what is due, or lodge more cover.",
    )


def _payee_title(notice: Notice) -> str:
    return f"A change of who {notice.participant} is, or where it is paid, was {notice.subject}"


def _payee_sentences(notice: Notice) -> tuple[str, ...]:
    applies = "applies" if notice.subject == "approved" else "would apply"
    if notice.subject in set(Outcome):
        return (
            *(f"{words[0].upper()}{words[1:]}." for words in notice.words),
            f"It is {notice.reason}, and would have applied from {_days(notice.days)}.",
            "Nobody can approve it any more: payouts stay as they are.",
        )
    return (
        *(f"{words[0].upper()}{words[1:]}." for words in notice.words),
        f"It is {notice.reason}, and {applies} from {_days(notice.days)}.",
        "It becomes law only if you confirm it. If you did not ask for it, object to it in the "
        "portal, under Payee changes, and call the operator by a number that you know, not by one "
        "of this message."
        if notice.subject == "proposed"
        else "If you did not ask for it, call the operator and the regulator at once.",
    )


def _given_up_title(notice: Notice) -> str:
    return f"Proposal {notice.law_proposal} of law was {notice.subject}"


def _given_up_sentences(notice: Notice) -> tuple[str, ...]:
    what, by = notice.words
    return (
        f"{what.rstrip('.')}.",
        f"{by} gives the reason: {notice.reason.rstrip('.')}.",
        "Nobody can approve it any more.",
    )


def _ending_title(notice: Notice) -> str:
    if notice.subject == "approved":
        return f"The registration of {notice.participant} ends"
    return f"The end of the registration of {notice.participant} was {notice.subject}"


def _ending_sentences(notice: Notice) -> tuple[str, ...]:
    why = f"{notice.reason.rstrip('.')}."
    if notice.subject == "approved":
        return (
            f"Its last day is {_days(notice.days)}, as {notice.words[0]} approved: {why}",
            "Days until then are still settled, billed and corrected. If you do not leave, call "
            "the operator and the regulator at once.",
        )
    if notice.subject != "proposed":
        return (
            f"Its last day would have been {_days(notice.days)}; {notice.words[0]} gives the "
            f"reason: {why}",
            "The registration stands as it stood.",
        )
    return (
        f"Its last day would be {_days(notice.days)}, as {notice.words[0]} proposed: {why}",
        "It ends only if a regulator, who is another person, approves it. If you do not leave, "
        "call the operator and the regulator at once.",
    )


_CHANGE_TITLES = {
    "ask-review": "waits for review",
    "consult": "is open for responses",
    "revise": "is no longer open for responses",
    "reply": "answers your response",
    "accept": "was accepted",
    "propose": "waits for approval",
    "approve": "was approved",
    "reject": "was rejected",
    "withdraw": "was withdrawn",
}
"""What became of a law change, by the kind of its step."""


def _change_title(notice: Notice) -> str:
    return f"Law change {notice.change} {_CHANGE_TITLES[notice.subject]}"


def _change_sentences(notice: Notice) -> tuple[str, ...]:
    title = f"{notice.words[0].rstrip('.')}."
    if notice.subject == "consult":
        if notice.participant == OVERSEEN:
            return (title, f"Responses come until the end of {_days(notice.days)}.")
        return (title, f"Respond by {_days(notice.days)}, in the portal, under Law changes.")
    if notice.subject == "revise":
        return (
            title,
            f"Its consultation ended on {_days(notice.days)}, as a revision was saved: what you "
            "read is no longer its text.",
            "You are told if it is open for responses again. What was said stays in the record.",
        )
    if notice.subject == "approve":
        return (title, f"It applies from {_days(notice.days)}.")
    if notice.subject in ("ask-review", "propose"):
        return (title, "Whoever may take the next step finds it in the portal, under Law changes.")
    return (title, "The whole record of it stands in the portal, under Law changes.")


def _correction_title(notice: Notice) -> str:
    return f"Run {notice.subject} corrected {_days(notice.days)}"


def _correction_sentences(notice: Notice) -> tuple[str, ...]:
    money = [
        f"Your account changed by {_money(abs(micro), currency)} "
        f"{'against you' if micro > 0 else 'in your favour'}."
        for currency, micro in notice.money
        if micro
    ]
    energy = [
        f"Metered {kind} is {quantities.energy(abs(wh))} {'more' if wh > 0 else 'less'}."
        for kind, wh in notice.energy
        if kind in ("generation", "demand")
    ]
    billed = (
        f"It is billed by {' and '.join(notice.documents)}."
        if notice.documents
        else "It is not billed yet."
    )
    return (*(money or ["Your account is as before."]), *energy, billed)


_WORDS: dict[Sort, tuple[Callable[[Notice], str], Callable[[Notice], tuple[str, ...]]]] = {
    Sort.INVOICE: (_document_title, _document_sentences),
    Sort.NOTE: (_document_title, _document_sentences),
    Sort.PAYMENT: (_payment_title, _payment_sentences),
    Sort.LAW: (_law_title, _law_sentences),
    Sort.SEAL: (_seal_title, _seal_sentences),
    Sort.DISPUTE: (_dispute_title, _dispute_sentences),
    Sort.CREDIT: (_credit_title, _credit_sentences),
    Sort.PAYEE: (_payee_title, _payee_sentences),
    Sort.CORRECTION: (_correction_title, _correction_sentences),
    Sort.CHANGE: (_change_title, _change_sentences),
    Sort.ENDING: (_ending_title, _ending_sentences),
    Sort.PROPOSAL: (_given_up_title, _given_up_sentences),
}
"""Title and sentences of every sort of notice."""


def _currency(notice: Notice) -> str:
    if notice.currency is None:
        raise ValueError(f"{notice.key} states an amount without a currency")
    return notice.currency


def _minor(notice: Notice) -> str:
    return amounts.money_minor(abs(notice.due_minor), _currency(notice))


def _money(micro: int, currency: str) -> str:
    return quantities.with_unit(micro, "micro", currency)


def _days(days: Sequence[dt.date]) -> str:
    first, last = days[0], days[-1]
    if first == last:
        return f"{first.day} {first:%B %Y}"
    between = f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
    return between if len(days) == (last - first).days + 1 else f"{len(days)} days of {between}"
