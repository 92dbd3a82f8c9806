"""The operations of a campaign, each in a savepoint of its own, and what was expected of each.

`Books` keeps its own small record of what should stand in the ledger. An operation either does what
the record says, or is refused with the code that the record foresees; anything else fails.
"""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger import invoice_queries
from ledger.disputes.claims import Claim
from ledger.disputes.course import Action, Role
from ledger.disputes.records import Actor
from ledger.disputes.steps import StepRequest, open_dispute, take_step
from ledger.disputes.terms import DisputeTerms
from ledger.invoice import Family, InvoiceLine
from ledger.issuing import issue
from ledger.journal import Account, JournalDraft, Posting
from ledger.payments.allocate import allocate
from ledger.payments.import_file import BankAccount, import_file
from ledger.posting import post_many
from ledger.seal import DayToSeal, SealRequest
from ledger.sealing import seal_days
from tests.campaign.auditor import audit
from tests.ledger import drafts
from tests.ledger.bank import IBAN, Entry, File, payment
from tests.worlds.published_runs import cause_of, run_of

MARKET = drafts.MARKET
MONTHS = (dt.date(2024, 1, 1), dt.date(2024, 2, 1))
DAYS = tuple(month + dt.timedelta(days=day) for month in MONTHS for day in range(3))
KINDS = ("II", "SF", "R1", "RF")
SUPPLIERS = ("lumen-supply", "cedar-supply")
GENERATOR = "northern-power"
START = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
TERMS = DisputeTerms(bytes(range(32)), "Europe/London", 90, 15, 20, 30)
BANK = BankAccount(MARKET, IBAN, "GBP", {})
ACTORS = {
    Role.PARTICIPANT: "Petra Participant",
    Role.OPERATOR: "bea",
    Role.REGULATOR: "Rae Regulator",
}


class Crash(Exception):
    """What a campaign throws in the middle of an operation."""


@dataclass
class Books:
    """A session, a clock, and the record of what should stand in the ledger."""

    session: Session
    now: dt.datetime = START
    balances: Counter = field(default_factory=Counter)
    posted: dict = field(default_factory=dict)
    sealed: set = field(default_factory=set)
    documents: Counter = field(default_factory=Counter)
    due: dict = field(default_factory=dict)
    owner: dict = field(default_factory=dict)
    paid: Counter = field(default_factory=Counter)
    payments: list = field(default_factory=list)
    bank_minor: int = 100_000
    statements: int = 0
    disputes: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)

    def tick(self, days: int = 0) -> None:
        self.now += dt.timedelta(days=days, seconds=1)

    @contextmanager
    def all_or_nothing(self):
        """Run an operation in a savepoint, its deferred checks included."""
        with self.session.begin_nested():
            yield
            self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            self.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))

    def refused(self, operation) -> set[str]:
        """Return the codes with which an operation is refused; none when it was done."""
        try:
            with self.all_or_nothing():
                operation()
        except Refused as error:
            return {refusal.code for refusal in error.findings}
        return set()

    # Journals

    def draft(self, day: dt.date, kind: str, amounts: dict[str, int]) -> JournalDraft:
        """The journal of a day: a charge of each supplier, the generator's payment, the rest."""
        moved = {
            Account(MARKET, "GBP", supplier, "charge.fuel", f"P-{supplier}"): amounts[supplier]
            for supplier in SUPPLIERS
        }
        moved[Account(MARKET, "GBP", GENERATOR, "payment.fuel", "U1")] = -amounts[GENERATOR]
        rest = Account(MARKET, "GBP", None, "equalisation", "market")
        moved[rest] = -sum(moved.values())
        postings = tuple(Posting(one, amount) for one, amount in moved.items() if amount)
        inputs = repr((day, kind, sorted(amounts.items()))).encode()
        return JournalDraft(
            key=f"{MARKET}:{day}:{kind}",
            market=MARKET,
            settlement_day=day,
            run_id=run_of(kind),
            run_kind=kind,
            reason=f"settlement {kind} of {day}",
            input_digest=inputs.ljust(32, b"\0")[:16] + inputs[-16:],
            cause=cause_of(kind),
            postings=postings,
        )

    def post(self, day: dt.date, kind: str, amounts: dict[str, int], *, crash: bool = False) -> str:
        draft = self.draft(day, kind, amounts)
        same = self.posted.get((day, kind)) == draft.input_digest
        expected = set()
        if (day, kind) in self.posted and not same:
            expected = {"KEY_HAS_OTHER_INPUT"}
        elif day in self.sealed and not same:
            expected = {"DAY_IS_SEALED"}

        def operation() -> None:
            post_many(self.session, [draft], self.now)
            if crash:
                raise Crash

        try:
            found = self.refused(operation)
        except Crash:
            return "crashed"
        assert found == expected
        if not found and not same:
            self.posted[day, kind] = draft.input_digest
            for posting in draft.postings:
                self.balances[posting.account.code] += posting.amount
        return "refused" if found else "repeated" if same else "posted"

    def post_unbalanced(self, day: dt.date) -> None:
        draft = self.draft(day, "RF", dict.fromkeys((*SUPPLIERS, GENERATOR), 7))
        first, *others = draft.postings
        draft = replace(draft, postings=(replace(first, amount=first.amount + 1), *others))
        assert self.refused(lambda: post_many(self.session, [draft], self.now)) == {
            "JOURNAL_IS_UNBALANCED"
        }

    # Seals

    def seal(self, day: dt.date) -> str:
        begins = dt.datetime.combine(day, dt.time(), dt.UTC)
        request = SealRequest(
            MARKET,
            (DayToSeal(day, begins, begins + dt.timedelta(days=1)),),
            "bea",
            "the last run is posted",
        )
        has_journal = any(posted == day for posted, _ in self.posted)
        found = self.refused(lambda: seal_days(self.session, request, self.now))
        assert found == (set() if has_journal else {"SEAL_IS_UNFOUNDED"})
        if not found:
            self.sealed.add(day)
        return "refused" if found else "sealed"

    # Documents

    def invoice(self, month: dt.date, *, falsify: bool = False, crash: bool = False) -> str:
        unbilled = invoice_queries.unbilled(self.session, MARKET, month)
        lines = defaultdict(list)
        for participant, moved in sorted(unbilled.items()):
            for account, amount in moved.items():
                family = Family.INVOICE if account.kind.startswith("charge") else Family.SELF_BILLED
                lines[participant, family].append(drafts.line(account, amount))
        made = [
            replace(
                drafts.invoice(*of_family, participant=participant, family=family),
                billing_month=month,
            )
            for (participant, family), of_family in lines.items()
        ]
        if falsify and made:
            made[0] = replace(made[0], lines=(_raised(made[0].lines[0]), *made[0].lines[1:]))

        issued = []

        def operation() -> None:
            issued.extend(issue(self.session, made, self.now).invoices)
            if crash:
                raise Crash

        try:
            found = self.refused(operation)
        except Crash:
            return "crashed"
        assert found == ({"LINES_DIFFER_FROM_LEDGER"} if falsify and made else set())
        if found:
            return "refused"
        assert len(issued) == len(made)
        for one in issued:
            row = one.row
            self.documents[row.series] += 1
            assert row.number == self.documents[row.series]
            self.due[f"{row.series}-{row.number:06d}"] = row.due_minor
            self.owner[f"{row.series}-{row.number:06d}"] = row.participant
            self._book_rounding(row)
            self.lines += [
                (row.id, line.line, row.participant, row.issued_at) for line in one.lines
            ]
        return "issued" if issued else "nothing"

    def _book_rounding(self, row) -> None:
        family = row.series.removeprefix(f"{MARKET}-")
        for owner, sign in ((row.participant, 1), ("-", -1)):
            self.balances[f"{MARKET}:GBP:{owner}:rounding:{family}"] += sign * row.rounding_micro

    # Payments

    def pay(
        self, name: str, amount_minor: int, *, names_it: bool, is_reversal: bool = False
    ) -> str:
        """Receive (or, below zero, send) money that names a document, or one that is not there.

        A reversal takes back what was paid of the document that it names, whole or not at all.
        """
        if not amount_minor:
            return "nothing"
        self._import_payment(name if names_it else "gb12-invoice-999999", amount_minor, is_reversal)
        still, paid = self.due[name] - self.paid[name], self.paid[name]
        if is_reversal:
            applies = names_it and paid * amount_minor < 0 and abs(amount_minor) <= abs(paid)
            # It may be of what waits: all payments of the campaign come from one account.
            rests = (amount - sum(held.values()) for _, amount, held in self.payments)
            applies = applies and not any(
                rest * amount_minor < 0 and abs(rest) >= abs(amount_minor) for rest in rests
            )
            taken = amount_minor
        else:
            applies = names_it and still * amount_minor > 0
            taken = min(abs(still), abs(amount_minor)) * (1 if amount_minor > 0 else -1)
        self.payments.append((f"{MARKET}-bank-{self.statements:06d}/1", amount_minor, {}))
        if applies:
            self.payments[-1][2][name] = taken
            self.paid[name] += taken
        return "queued" if not applies else "taken back" if is_reversal else "paid"

    def _import_payment(self, text: str, amount_minor: int, is_reversal: bool) -> None:
        self.statements += 1
        opening, self.bank_minor = self.bank_minor, self.bank_minor + amount_minor
        side = "CRDT" if amount_minor > 0 else "DBIT"
        entry = Entry(
            amount=_pounds(abs(amount_minor)),
            side=side,
            reversal="<RvslInd>true</RvslInd>" if is_reversal else "",
            details=payment(text=text, side="Dbtr" if side == "CRDT" else "Cdtr"),
        )
        number = self.statements
        file = File(
            [entry],
            opening=_pounds(opening),
            closing=_pounds(self.bank_minor),
            head=f"<Id>S-{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb>",
        )
        content = file.xml()

        def operation() -> None:
            import_file(self.session, BANK, "bank.xml", content, received_by="bea", now=self.now)

        assert self.refused(operation) == set()
        assert self.refused(operation) == set()  # once more: the original, and nothing moves

    def allocate(self, place: int, amounts: dict[str, int]) -> str:
        """Let a person give a payment to documents, or to none; refused where it does not fit.

        It fits where every document is then paid between nothing and what is due, those that it
        gets to and those that it leaves, and where no participant pays for another.
        """
        payment_name, amount, held = self.payments[place]
        amounts = {name: part for name, part in amounts.items() if part}
        total = sum(amounts.values())
        fits = total * amount >= 0 and abs(total) <= abs(amount)
        for owner in {self.owner[name] for name in amounts}:
            of_owner = sum(part for name, part in amounts.items() if self.owner[name] == owner)
            fits = fits and of_owner * amount >= 0
        for name in amounts.keys() | held.keys():
            due, paid = self.due[name], self.paid[name] - held.get(name, 0) + amounts.get(name, 0)
            fits = fits and min(0, due) <= paid <= max(0, due)
        changes = held != amounts

        def operation() -> None:
            allocate(
                self.session,
                payment_name,
                amounts,
                decided_by="bea",
                reason="it belongs there",
                now=self.now,
            )

        found = self.refused(operation)
        assert bool(found) == (not fits or not changes), found
        if found:
            return "refused"
        for other, taken in held.items():
            self.paid[other] -= taken
        held.clear()
        held.update(amounts)
        for name, part in amounts.items():
            self.paid[name] += part
        return "allocated" if amounts else "returned"

    # Disputes

    def open_dispute(self, place: int, claim_micro: int) -> str:
        invoice_id, line, participant, issued_at = self.lines[place]
        actor = Actor(ACTORS[Role.PARTICIPANT], Role.PARTICIPANT, participant)
        request = StepRequest(Action.OPEN, actor, f"the meter says otherwise, {self.now}")

        def operation() -> None:
            record = open_dispute(
                self.session,
                MARKET,
                participant,
                (invoice_id, line),
                Claim(amount_micro=claim_micro),
                TERMS,
                request,
                self.now,
            )
            self.disputes[record.row.number] = [participant, "open", (invoice_id, line)]

        count = len(self.disputes)
        found = self.refused(operation)
        too_late = self.now.date() > issued_at.date() + dt.timedelta(days=91)
        if too_late:
            assert "RAISED_TOO_LATE" in found
        assert len(self.disputes) == count + (not found)
        return "refused" if found else "opened"

    def step(self, number: int, action: Action, role: Role) -> str:
        participant, before, _ = self.disputes[number]
        own = participant if role is Role.PARTICIPANT else None
        actor = Actor(ACTORS[role], role, own)
        request = StepRequest(action, actor, f"{action} at {self.now}")
        found = self.refused(lambda: take_step(self.session, MARKET, number, request, self.now))
        if not found:
            self.disputes[number][1] = action.value
        return "refused" if found else f"{before} to {action}"

    def settle(self, number: int, kind: str, note_id: uuid.UUID | None) -> str:
        """Link a dispute to the run of a kind, and perhaps to a document."""
        before = self.disputes[number][1]
        request = StepRequest(
            Action.SETTLE,
            Actor(ACTORS[Role.OPERATOR], Role.OPERATOR),
            f"run {kind} corrected it, {self.now}",
            run_id=run_of(kind),
            note_id=note_id,
        )
        found = self.refused(lambda: take_step(self.session, MARKET, number, request, self.now))
        if not found:
            assert before in ("accept", "uphold")
            self.disputes[number][1] = "settle"
        return "refused" if found else f"{before} to settle"

    # The judge

    def audit(self) -> None:
        """Let the auditor look, and hold its figures to the record."""
        connection = self.session.connection().connection.driver_connection
        found = audit(connection)
        assert found.wrong == []
        kinds = ("charge.fuel", "payment.fuel", "equalisation", "rounding")
        booked = {
            code: amount for code, amount in found.balances.items() if code.split(":")[3] in kinds
        }
        assert booked == {code: amount for code, amount in self.balances.items() if amount}
        assert found.documents == dict(self.documents)
        paid = {name: amount for name, amount in found.paid_minor.items() if amount}
        assert paid == {name: amount for name, amount in self.paid.items() if amount}
        assert found.last_steps == {number: last for number, (_, last, _) in self.disputes.items()}


def _raised(line: InvoiceLine) -> InvoiceLine:
    return replace(line, amount_micro=line.amount_micro + 1)


def _pounds(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"
