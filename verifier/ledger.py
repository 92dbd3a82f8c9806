"""The ledger: accounts, postings, and journals that balance and follow one another."""

from collections import defaultdict
from dataclasses import dataclass, field

from verifier.archive import Files
from verifier.encoding import Layout, encode_row, parse_layout, select_fields
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.report import Report
from verifier.rows import read_csv_rows, read_json_lines
from verifier.values import Row, parse_hex, to_integer

ACCOUNTS = "ledger/accounts.csv"
JOURNALS = "ledger/journals.jsonl"
POSTINGS = "ledger/postings.csv"
GENESIS = bytes(32)
"""What the first row of a chain names as the digest before it."""

ACCOUNT = parse_layout("code:T market:T participant:T? kind:T subject:T commodity:T")
POSTING = parse_layout("journal_number:I line:I account:T amount:I")
POSTING_KEY = ("journal_number", "line")
DIGEST = parse_layout("digest:B")
POSTINGS_ROOT = parse_layout("postings_root:B")
JOURNAL_TAG = "tallystick.journal.2"
JOURNAL = parse_layout(
    "number:I id:U key:T market:T settlement_day:D? run_id:U? run_kind:T? reason:T posted_at:M "
    "posting_count:I input_digest:B cause_source:T cause_key:T cause_digest:B previous_digest:B"
)


@dataclass
class Ledger:
    """Every journal of the log, with the postings that the evidence holds as (account, amount)."""

    commodities: dict[str, str] = field(default_factory=dict)
    journals: dict[int, Row] = field(default_factory=dict)
    postings: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)


def check_ledger(files: Files, report: Report) -> Ledger:
    """Hash accounts, postings and journals again; each journal balances and follows another."""
    book = Ledger()
    for place, row in read_csv_rows(files, ACCOUNTS, {**ACCOUNT, **DIGEST}, ("code",), report):
        with report.reading(ACCOUNTS, place):
            found = leaf_hash(encode_row("tallystick.account.1", select_fields(ACCOUNT, row))).hex()
            report.equal(ACCOUNTS, place, "the row to have digest", row["digest"], found)
            named = (row["market"], row["commodity"], row["participant"] or "-", row["kind"])
            code = ":".join((*named, row["subject"]))
            report.equal(ACCOUNTS, place, "code, made of its parts,", code, row["code"])
            book.commodities[row["code"]] = row["commodity"]
            report.count("accounts")
    leaves = check_postings(files, book, report)
    moved = {account for postings in book.postings.values() for account, _ in postings}
    for account in sorted(book.commodities.keys() - moved):
        report.add(ACCOUNTS, account, f"an account that {POSTINGS} moves", "one that none moves")
    columns = {**JOURNAL, **POSTINGS_ROOT, **DIGEST}
    for place, row in read_json_lines(files, JOURNALS, columns, ("number",), report):
        with report.reading(JOURNALS, place):
            number = to_integer(row["number"])
            check_journal(row, leaves.pop(number, None), book, f"journal {number}", report)
    for number in leaves:
        report.add(POSTINGS, f"journal {number}", "a journal that ledger/journals.jsonl holds",
                   None)  # fmt: skip
    for number, row in book.journals.items():
        before = GENESIS if number == 1 else book.digests.get(number - 1)
        expected = None if before is None else before.hex()
        place = f"journal {number}"
        what = f"the digest of journal {number - 1}, as previous_digest,"
        report.equal(JOURNALS, place, what, expected, row["previous_digest"])
        report.count("links of the chain of journals")
    return book


def check_postings(files: Files, book: Ledger, report: Report) -> dict[int, list[bytes]]:
    """Hash postings again; return their digests by journal."""
    leaves: defaultdict[int, list[bytes]] = defaultdict(list)
    for line, row in read_csv_rows(files, POSTINGS, {**POSTING, **DIGEST}, POSTING_KEY, report):
        with report.reading(POSTINGS, line):
            number, posting = to_integer(row["journal_number"]), to_integer(row["line"])
            place = f"{line}, journal {number} line {posting}"
            leaves[number].append(parse_hex(row["digest"]))
            book.postings.setdefault(number, []).append((row["account"], to_integer(row["amount"])))
            found = leaf_hash(encode_row("tallystick.posting.1", select_fields(POSTING, row))).hex()
            report.equal(POSTINGS, place, "the row to have digest", row["digest"], found)
            report.equal(POSTINGS, place, "line", len(leaves[number]), posting)
            if row["account"] not in book.commodities:
                report.add(POSTINGS, place, f"account {row['account']} in {ACCOUNTS}", None)
            report.count("postings")
    return leaves


def check_journal(
    row: Row, leaves: list[bytes] | None, book: Ledger, place: str, report: Report
) -> None:
    """Hash a journal again; where its postings are here, each commodity sums to zero.

    Args:
        leaves: the digests of its postings; None where the evidence holds their root alone.
    """
    number = to_integer(row["number"])
    check_header(row, place, report)
    book.journals[number] = row
    book.digests[number] = parse_hex(row["digest"])
    report.count("journals, by digest")
    if leaves is None:
        return
    root = merkle_root(leaves).hex()
    report.equal(JOURNALS, place, "over its postings, postings_root", row["postings_root"], root)
    report.equal(JOURNALS, place, "posting_count", to_integer(row["posting_count"]), len(leaves))
    totals: defaultdict[str, int] = defaultdict(int)
    for account, amount in book.postings.get(number, []):
        totals[book.commodities.get(account, "an unknown commodity")] += amount
    for commodity, total in totals.items():
        report.equal(JOURNALS, place, f"the sum of {commodity}", 0, total)
    report.count("journals that balance")


def check_header(row: Row, place: str, report: Report) -> None:
    """Hash the row of a journal again, over the root of its postings."""
    found = digest_over_rows(JOURNAL_TAG, JOURNAL, row, parse_hex(row["postings_root"])).hex()
    report.equal(JOURNALS, place, "the row to have digest", row["digest"], found)


def digest_over_rows(tag: str, columns: Layout, row: Row, rows_root: bytes) -> bytes:
    """Return the digest of a row that closes over the rows it holds."""
    return leaf_hash(encode_row(tag, [*select_fields(columns, row), ("B", rows_root)]))
