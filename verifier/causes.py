"""Why money moved: the one published fact that each journal names, before it in the log."""

from collections.abc import Mapping

from verifier.leaves import Leaves
from verifier.ledger import JOURNALS, POSTINGS, Ledger
from verifier.report import Report
from verifier.values import Row

RUN_CAUSE = "settlement.run"
DOCUMENT_CAUSE = "ledger.invoice"
ACCOUNTS_OF_CAUSE: Mapping[str, tuple[str, ...]] = {
    RUN_CAUSE: (),
    DOCUMENT_CAUSE: ("rounding", "tax"),
    "ledger.allocation": ("bank", "paid", "unallocated"),
    "ledger.interest": ("charge.interest", "payment.interest", "interest"),
    "ledger.seal": (),
}
"""The tables whose facts move money, with the kinds of account that each alone moves."""


def check_causes(book: Ledger, leaves: Leaves, report: Report) -> None:
    """Hold every journal to a cause of the list that was published before it and moved once."""
    moved: set[tuple[str, str, str | None]] = set()
    for number, row in book.journals.items():
        place = f"journal {number}"
        with report.reading(JOURNALS, place):
            check_cause(row, place, leaves, report)
            key = (row["cause_source"], row["cause_key"], row["settlement_day"])
            if key in moved:
                report.add(JOURNALS, place, "a cause that moved nothing before", key[1])
            moved.add(key)
            for account, _ in book.postings.get(number, []):
                if cause_that_moves(account) != row["cause_source"]:
                    what = f"no account that {row['cause_source']} does not move"
                    report.add(POSTINGS, place, what, account)
            report.count("journals whose cause is published")


def check_cause(row: Row, place: str, leaves: Leaves, report: Report) -> None:
    """Hold what a journal names as its cause to the leaf of that."""
    source, key = row["cause_source"], row["cause_key"]
    if source not in ACCOUNTS_OF_CAUSE:
        report.add(JOURNALS, place, f"a cause of {', '.join(ACCOUNTS_OF_CAUSE)}", source)
        return
    found = leaves.digests.get(source, {}).get(key)
    report.equal(JOURNALS, place, f"of {source} {key}, cause_digest", row["cause_digest"], found)
    own = leaves.places.get(("ledger.journal", str(row["number"])))
    cause = leaves.places.get((source, key))
    if own is not None and cause is not None and cause > own:
        report.add(JOURNALS, place, f"leaf {cause} of its cause before its own", own)
    run = key if source == RUN_CAUSE else None
    report.equal(JOURNALS, place, "the run that is its cause, as run_id", run, row["run_id"])


def cause_that_moves(account: str) -> str:
    """Return the table whose facts move an account, by the kind in its code."""
    kind = account.split(":", 4)[3]
    return next((cause for cause, kinds in ACCOUNTS_OF_CAUSE.items() if kind in kinds), RUN_CAUSE)
