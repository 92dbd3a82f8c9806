"""Small drafts that keep every rule; a test breaks the one it is about with `replace`."""

import datetime as dt

from sqlalchemy.orm import Session

from ledger.invoice import Family, InvoiceDraft, InvoiceLine, Tax
from ledger.journal import ENERGY, Account, JournalDraft, Posting
from ledger.parties import Party
from tests.worlds.published_runs import cause_of, publish_runs, run_of

MARKET = "gb12"
DAY = dt.date(2024, 1, 10)
MONTH = dt.date(2024, 1, 1)
KINDS = ("II", "SF", "R1", "RF")
RUN = run_of(KINDS[0])
"""The run of the first kind."""
SUPPLIER = "lumen-supply"
GENERATOR = "northern-power"
REVERSE_CHARGE = Tax("AE", 0)
VAT = Tax("S", 200_000)

CHARGE = Account(MARKET, "GBP", SUPPLIER, "charge.fuel", "N0-P1")
PAYMENT = Account(MARKET, "GBP", GENERATOR, "payment.fuel", "U1")
EQUALISATION = Account(MARKET, "GBP", None, "equalisation", "market")
DEMAND = Account(MARKET, ENERGY, SUPPLIER, "demand", "N0-P1")
GENERATION = Account(MARKET, ENERGY, GENERATOR, "generation", "U1")
IMBALANCE = Account(MARKET, ENERGY, None, "imbalance", "market")

OPERATOR = Party(
    "Market Operator Limited",
    "GB 987 6543 21",
    "2 Scale Lane\nCoventry",
    "AB2 3CD",
    "GB",
    "Settlement desk",
    "desk@operator.example",
    "GB82WEST12345698765432",
)
PARTY = Party(
    "Lumen Supply Limited",
    "GB123456789",
    "1 High Street",
    "AB1 2CD",
    "GB",
    "Desk",
    "desk@lumen.example",
    None,
)


def publish_drafted_runs(session: Session) -> None:
    """Make the runs known that the journals here name."""
    publish_runs(session, MARKET, KINDS)


def journal(
    day: dt.date = DAY, kind: str = "II", *, charge: int = 5_003_000, payment: int = 4_900_100
) -> JournalDraft:
    """A day's journal: a charge, a payment, equalisation between them, and its energy."""
    amounts = {
        CHARGE: charge,
        PAYMENT: -payment,
        EQUALISATION: payment - charge,
        DEMAND: 61_000,
        GENERATION: -60_500,
        IMBALANCE: -500,
    }
    return JournalDraft(
        key=f"{MARKET}:{day}:{kind}",
        market=MARKET,
        settlement_day=day,
        run_id=run_of(kind),
        run_kind=kind,
        reason=f"settlement {kind} of {day}",
        input_digest=bytes(range(32)),
        cause=cause_of(kind),
        postings=tuple(Posting(account, amount) for account, amount in amounts.items() if amount),
    )


def line(account: Account, amount_micro: int) -> InvoiceLine:
    return InvoiceLine(
        kind=account.kind,
        subject=account.subject,
        description=f"{account.kind} of {account.subject}",
        quantity=61_000,
        quantity_unit="Wh",
        amount_micro=amount_micro,
        tax=REVERSE_CHARGE,
        tax_note="Reverse charge applies.",
        quality="estimated",
        estimated_quantity=1_000,
        clauses=("AP-2.1", "MR-4.2"),
        rule_digests=(bytes([1] * 32), bytes([2] * 32)),
    )


def invoice(
    *lines: InvoiceLine, participant: str = SUPPLIER, family: Family = Family.INVOICE
) -> InvoiceDraft:
    return InvoiceDraft(
        market=MARKET,
        participant=participant,
        billing_month=MONTH,
        family=family,
        seller=OPERATOR,
        buyer=PARTY,
        currency="GBP",
        run_id=RUN,
        payment_term_days=14,
        lines=lines,
    )
