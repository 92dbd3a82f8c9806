"""An auditor of the ledger, written apart from it: plain SQL, own hashing, own book-keeping.

It imports nothing of the product. It reads the tables as anyone with a connection could, and says
in sentences what does not hold; what it counts and sums is returned for a test to hold to its own
record.
"""

import datetime as dt
import hashlib
import struct
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field

GENESIS = bytes(32)
PENNY_MICRO = 10_000
STEPS_AFTER = {
    None: {"open"},
    "open": {"accept", "reject", "escalate", "withdraw"},
    "accept": {"settle", "withdraw"},
    "reject": {"escalate", "withdraw"},
    "escalate": {"uphold", "refuse", "withdraw"},
    "uphold": {"settle", "withdraw"},
}
ENDS = ("refuse", "settle", "withdraw")
LOGGED = {
    "ledger.journal": "SELECT number::text, digest FROM ledger.journal ORDER BY number",
    "ledger.invoice": "SELECT series || '-' || lpad(number::text, 6, '0'), digest "
    "FROM ledger.invoice ORDER BY series, number",
}


@dataclass
class Audit:
    """What was found wrong, in sentences, and what the books come to."""

    wrong: list[str] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    paid_minor: dict[str, int] = field(default_factory=dict)
    last_steps: dict[int, str] = field(default_factory=dict)
    journals: int = 0


def audit(connection) -> Audit:
    """Audit everything that a connection of psycopg sees."""
    found = Audit()
    _journals(connection, found)
    _seals(connection, found)
    documents = _documents(connection, found)
    _billing(connection, found)
    _bank(connection, found, documents)
    _disputes(connection, found)
    _log(connection, found)
    return found


def _rows(connection, statement):
    cursor = connection.cursor()
    cursor.execute(statement)
    return cursor.fetchall()


def _journals(connection, found):
    accounts = dict(_rows(connection, "SELECT code, commodity FROM ledger.account"))
    postings = defaultdict(list)
    for number, line, account, amount, digest in _rows(
        connection,
        "SELECT journal_number, line, account, amount, digest FROM ledger.posting ORDER BY 1, 2",
    ):
        postings[number].append((line, account, amount, digest))
    before, balances, days = GENESIS, Counter(), Counter()
    rows = _rows(
        connection,
        "SELECT number, id, key, market, settlement_day, run_id, run_kind, reason, posted_at, "
        "posting_count, input_digest, cause_source, cause_key, cause_digest, previous_digest, "
        "digest FROM ledger.journal ORDER BY number",
    )
    for place, (*columns, digest) in enumerate(rows, start=1):
        number, count = columns[0], columns[9]
        if number != place:
            found.wrong.append(f"journal {number} stands where {place} should")
        if columns[14] != before:
            found.wrong.append(f"journal {number} does not follow the one before it")
        own = postings.pop(number, [])
        if [line for line, *_ in own] != list(range(1, count + 1)):
            found.wrong.append(f"journal {number} does not have lines 1 to {count}")
        leaves, sums = [], Counter()
        for line, account, amount, posting_digest in own:
            leaf = _leaf(_row("tallystick.posting.1", number, line, account, amount))
            if leaf != posting_digest:
                found.wrong.append(f"posting {number}/{line} has another digest")
            leaves.append(posting_digest)
            sums[accounts.get(account)] += amount
            balances[account] += amount
        for commodity, total in sums.items():
            if total or commodity is None:
                found.wrong.append(f"journal {number}: {commodity} sums to {total}")
        if _leaf(_row("tallystick.journal.2", *columns, _root(leaves))) != digest:
            found.wrong.append(f"journal {number} has another digest")
        if columns[6] is not None:
            days[columns[3], columns[4], columns[6]] += 1
        before = digest
    found.wrong += [f"{key} is posted {count} times" for key, count in days.items() if count > 1]
    found.wrong += [f"posting of journal {number}, which is not there" for number in postings]
    found.balances = {code: amount for code, amount in balances.items() if amount}
    found.journals = len(rows)


def _seals(connection, found):
    late = _rows(
        connection,
        "SELECT seal.settlement_day, journal.number FROM ledger.seal JOIN ledger.journal USING "
        "(market, settlement_day) WHERE journal.number > seal.last_journal_number",
    )
    found.wrong += [f"journal {number} came to {day} after its seal" for day, number in late]


def _documents(connection, found):
    """Return due amounts by document, and hold series, sums and rounding to the rules."""
    lines = defaultdict(list)
    for invoice, *line in _rows(
        connection,
        "SELECT invoice_id, line, amount_micro, tax_category, tax_rate_ppm "
        "FROM ledger.invoice_line ORDER BY 1, 2",
    ):
        lines[invoice].append(line)
    due, running = {}, defaultdict(lambda: [Counter(), 0, 0])
    numbers, before = Counter(), {}
    for row in _rows(
        connection,
        "SELECT id, series, number, participant, billing_month, currency, amount_micro, "
        "rounding_micro, net_minor, tax_minor, due_minor, line_count, previous_digest, digest, "
        "original, market FROM ledger.invoice ORDER BY series, number",
    ):
        (identity, series, number, participant, month, currency, amount, rounding, net, tax_minor,
         due_minor, count, previous, digest, original, market) = row  # fmt: skip
        name = f"{series}-{number:06d}"
        numbers[series] += 1
        if number != numbers[series]:
            found.wrong.append(f"{name} stands where number {numbers[series]} should")
        if previous != before.get(series, GENESIS):
            found.wrong.append(f"{name} does not follow the one before it")
        before[series] = digest
        own = lines.pop(identity, [])
        if [line for line, *_ in own] != list(range(1, count + 1)):
            found.wrong.append(f"{name} does not have lines 1 to {count}")
        if sum(each for _, each, *_ in own) != amount:
            found.wrong.append(f"{name}: its lines do not sum to its amount")
        if amount + rounding != net * PENNY_MICRO or net + tax_minor != due_minor:
            found.wrong.append(f"{name}: amount, rounding, net, tax and due do not agree")
        sums = running[market, participant, month, series, currency]
        is_first = not sums[0] and name not in due
        for _, each, *tax in own:
            sums[0][tuple(tax)] += each
        sums[1] += net
        sums[2] += tax_minor
        if sums[1:] != _stated(sums[0]):
            found.wrong.append(f"{name}: net and tax are not those of the month's lines")
        if original is None and not is_first:
            found.wrong.append(f"{name} names no original")
        due[name] = due_minor
    found.wrong += [f"lines of document {identity}, which is not there" for identity in lines]
    found.documents = dict(numbers)
    return due


def _stated(amounts):
    """Return net and tax of a month whose lines come to these amounts, by category and rate."""
    net = tax = 0
    for (_, rate_ppm), amount in amounts.items():
        base = _nearest(amount, PENNY_MICRO)
        net += base
        tax += _nearest(base * rate_ppm, 1_000_000)
    return [net, tax]


def _nearest(value, divisor):
    """Divide and round to the nearest integer, halves away from zero."""
    whole, rest = divmod(abs(value), divisor)
    return (whole + (2 * rest >= divisor)) * (1 if value >= 0 else -1)


def _billing(connection, found):
    """Hold what the documents of a month cover to what the accounts moved until then."""
    moved = _rows(
        connection,
        """
        WITH covered AS (
            SELECT market, participant, billing_month, currency,
                max(last_journal_number) AS number
            FROM ledger.invoice GROUP BY 1, 2, 3, 4
        ), billed AS (
            SELECT market, participant, billing_month, currency, line.kind, subject,
                sum(line.amount_micro) AS amount
            FROM ledger.invoice JOIN ledger.invoice_line AS line ON line.invoice_id = invoice.id
            GROUP BY 1, 2, 3, 4, 5, 6
        ), posted AS (
            SELECT covered.market, covered.participant, covered.billing_month, covered.currency,
                account.kind, account.subject, sum(posting.amount) AS amount
            FROM covered JOIN ledger.account AS account
                ON account.participant = covered.participant
                AND account.market = covered.market AND account.commodity = covered.currency
            JOIN ledger.posting AS posting ON posting.account = account.code
            JOIN ledger.journal AS journal ON journal.number = posting.journal_number
            WHERE journal.number <= covered.number
                AND date_trunc('month', journal.settlement_day) = covered.billing_month
            GROUP BY 1, 2, 3, 4, 5, 6
        )
        SELECT coalesce(billed.participant, posted.participant),
            coalesce(billed.kind, posted.kind), coalesce(billed.subject, posted.subject),
            coalesce(billed.amount, 0), coalesce(posted.amount, 0)
        FROM billed FULL JOIN posted USING
            (market, participant, billing_month, currency, kind, subject)
        WHERE coalesce(billed.amount, 0) <> coalesce(posted.amount, 0)
        """,
    )
    found.wrong += [
        f"{participant}: {kind} of {subject} is billed {billed}, posted {posted}"
        for participant, kind, subject, billed, posted in moved
    ]


def _bank(connection, found, documents):
    in_transit = defaultdict(int)
    for code, amount in found.balances.items():
        _, _, participant, kind, subject = code.split(":")
        if kind == "paid":
            if participant == "-" or amount % PENNY_MICRO:
                found.wrong.append(f"{code} holds {amount}")
            found.paid_minor[subject] = -amount // PENNY_MICRO
        elif kind in ("bank", "unallocated"):
            in_transit[kind] += amount
    for name, paid in found.paid_minor.items():
        due = documents.get(name, 0)
        if paid * due < 0 or abs(paid) > abs(due):
            found.wrong.append(f"{name} is due {due} and paid {paid}")
    closing = None
    statements = _rows(
        connection,
        "SELECT number, opening_minor, closing_minor, (SELECT coalesce(sum(amount_minor), 0) "
        "FROM ledger.bank_transaction AS payment WHERE payment.market = statement.market "
        "AND payment.statement_number = statement.number) "
        "FROM ledger.bank_statement AS statement ORDER BY number",
    )
    for place, (number, opening, closed, moved) in enumerate(statements, start=1):
        if number != place or opening + moved != closed or closing not in (None, opening):
            found.wrong.append(f"bank statement {number} does not add up or follow")
        closing = closed
    received = sum(moved for *_, moved in statements)
    paid = sum(found.paid_minor.values())
    if in_transit["bank"] != received * PENNY_MICRO:
        found.wrong.append(f"the bank holds {in_transit['bank']}, its statements {received}")
    if paid * PENNY_MICRO - in_transit["unallocated"] != in_transit["bank"]:
        found.wrong.append("what is paid and what is in the queue are not what came in")


def _disputes(connection, found):
    steps, digests = defaultdict(list), {}
    for number, place, market in _rows(
        connection,
        "SELECT number, row_number() OVER (PARTITION BY market ORDER BY number), market "
        "FROM ledger.dispute",
    ):
        if number != place:
            found.wrong.append(f"dispute {number} of {market} stands where {place} should")
    digests = dict(_rows(connection, "SELECT number, digest FROM ledger.dispute"))
    for number, dispute, step, action, previous, digest in _rows(
        connection,
        "SELECT number, dispute_number, step, action, previous_digest, digest "
        "FROM ledger.dispute_event ORDER BY number",
    ):
        before = steps[dispute][-1] if steps[dispute] else None
        if action not in STEPS_AFTER.get(before, set()) or step != len(steps[dispute]) + 1:
            found.wrong.append(f"dispute {dispute}: {action} after {before}, step {step}")
        if previous != digests.get(dispute):
            found.wrong.append(f"event {number} of dispute {dispute} does not follow")
        digests[dispute] = digest
        steps[dispute].append(action)
    found.last_steps = {dispute: taken[-1] for dispute, taken in steps.items()}


def _log(connection, found):
    leaves = defaultdict(list)
    for place, (index, source, key, digest, leaf_hash) in enumerate(
        _rows(
            connection,
            "SELECT index, source, key, digest, leaf_hash FROM ledger.log_leaf ORDER BY index",
        )
    ):
        if index != place:
            found.wrong.append(f"leaf {index} stands where {place} should")
        if _leaf(_row("tallystick.leaf.1", source, key, digest)) != leaf_hash:
            found.wrong.append(f"leaf {index} has another hash")
        leaves[source].append((key, digest))
    for source, statement in LOGGED.items():
        if Counter(leaves[source]) != Counter(_rows(connection, statement)):
            found.wrong.append(f"the log does not hold each row of {source} once")


def _row(tag, *values):
    return b"".join(map(_field, (tag, *values)))


def _field(value):
    if value is None:
        letter, payload = b"N", b""
    elif isinstance(value, int):
        letter, payload = b"I", struct.pack(">q", value)
    elif isinstance(value, str):
        letter, payload = b"T", value.encode()
    elif isinstance(value, bytes):
        letter, payload = b"B", value
    elif isinstance(value, dt.datetime):
        since = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        micro = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        letter, payload = b"M", struct.pack(">q", micro)
    elif isinstance(value, dt.date):
        letter, payload = b"D", value.isoformat().encode()
    elif isinstance(value, uuid.UUID):
        letter, payload = b"U", value.bytes
    else:
        raise TypeError(f"no layout for {value!r}")
    return letter + struct.pack(">I", len(payload)) + payload


def _leaf(data):
    return hashlib.sha256(b"\x00" + data).digest()


def _root(leaves):
    """Split at the largest power of two below the count, as RFC 6962 writes it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:split]) + _root(leaves[split:])).digest()
