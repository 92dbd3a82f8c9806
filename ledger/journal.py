"""Accounts, postings and journal drafts, and the rules they keep before they reach the database.

An amount is a signed integer in the account's commodity: millionths of the currency unit
(commodity `GBP`), watt-hours (commodity `WH`), or what is charged for (`CHARGED-DAYS`). In money, +
means that the account's holder owes the market and - that the market owes the holder; in energy,
demand is + and generation is -; of what is charged for, + is charged to the holder and - is what
the holder is paid for. Every journal sums to zero in each commodity.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple, cast
from uuid import UUID

from common.refusals import Finding, in_rule_order
from ledger.causes import Cause, CauseSource, source_that_moves
from ledger.rules import LedgerRule
from ledger.tree import DIGEST_BYTES

ENERGY = "WH"
"""The commodity of energy, in watt-hours."""

STUDY = "study"
"""Kind of the runs that are made to look at; none of them is ever posted."""

CHARGED = {"Wh": "CHARGED-WH", "days": "CHARGED-DAYS", "pieces": "CHARGED-PIECES"}
"""The commodities of what is charged for at a price of its own, by the unit that invoices print."""

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
NO_PARTICIPANT = "-"
"""How a code writes that an account belongs to the market itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@dataclass(frozen=True)
class Account:
    """An account; its code is made of its other fields, so neither can change alone.

    >>> Account("gb12", "GBP", "northern-power", "charge.fuel", "N0-P1").code
    'gb12:GBP:northern-power:charge.fuel:N0-P1'
    >>> Account("gb12", "WH", None, "imbalance", "energy").code
    'gb12:WH:-:imbalance:energy'
    """

    market: str
    commodity: str
    participant: str | None
    kind: str
    subject: str
    code: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        owner = NO_PARTICIPANT if self.participant is None else self.participant
        code = f"{self.market}:{self.commodity}:{owner}:{self.kind}:{self.subject}"
        object.__setattr__(self, "code", code)

    def __hash__(self) -> int:
        return hash(self.code)


@dataclass(frozen=True)
class Posting:
    """A movement of one account: `amount` in the account's commodity, never zero."""

    account: Account
    amount: int


class DayMovement(NamedTuple):
    """What an account moved for a day, and how much of it its participant's documents cover."""

    account: Account
    day: date
    amount: int
    covered: int


@dataclass(frozen=True)
class JournalDraft:
    """What to post. A draft without postings is allowed: a run that changed nothing.

    Args:
        key: idempotency key, unique in the ledger.
        market: the market of every account posted to.
        settlement_day: the local day whose settlement moves the accounts; None when no day does.
        run_id: the run that computed it; None together with `run_kind`.
        run_kind: the run's name in the settlement calendar; a day is posted once a kind.
        reason: why, for people.
        input_digest: 32 bytes that identify the input. Posting the same key again returns the
            original when this is equal and is refused when it is not.
        cause: the published fact that it follows from; of a run, the run itself.
        postings: the movements, in the order of their lines.
    """

    key: str
    market: str
    settlement_day: date | None
    run_id: UUID | None
    run_kind: str | None
    reason: str
    input_digest: bytes
    cause: Cause
    postings: tuple[Posting, ...]


def check_batch(drafts: Sequence[JournalDraft]) -> list[Finding]:
    """Return every breach in a batch of drafts, in rule order; an empty list means none."""
    findings = [finding for draft in drafts for finding in check_draft(draft)]
    repeated = (key for key, count in Counter(draft.key for draft in drafts).items() if count > 1)
    findings += [LedgerRule.KEY_IS_REPEATED.finding(f"journal {key!r}", key) for key in repeated]
    runs = Counter(
        (draft.market, draft.settlement_day, draft.run_kind)
        for draft in drafts
        if draft.run_kind is not None
    )
    findings += [
        LedgerRule.RUN_IS_ALREADY_POSTED.finding(f"market {market}", f"{day} {kind} twice")
        for (market, day, kind), count in runs.items()
        if count > 1
    ]
    return in_rule_order(findings)


def check_draft(draft: JournalDraft) -> list[Finding]:
    """Return every breach in one draft, in rule order.

    >>> book = Account("gb12", "GBP", None, "equalisation", "market")
    >>> run = UUID(int=7)
    >>> cause = Cause("settlement.run", str(run), bytes(32))
    >>> day = date(2024, 3, 1)
    >>> moved = (Posting(book, 5),)
    >>> draft = JournalDraft("k", "gb12", day, run, "II", "why", bytes(32), cause, moved)
    >>> [(finding.number, finding.value) for finding in check_draft(draft)]
    [(11, 'GBP sums to 5')]
    """
    place = f"journal {draft.key!r}"
    found = [rule.finding(place, value) for rule, value in _header_breaches(draft)]
    # By identity, without comparing accounts: one that comes as two objects is only checked twice.
    for account in {id(posting.account): posting.account for posting in draft.postings}.values():
        found += [
            rule.finding(f"{place}, account {account.code}", value)
            for rule, value in _account_breaches(account, draft)
        ]
    if not _are_amounts([posting.amount for posting in draft.postings]):
        found += [
            rule.finding(f"{place}, posting {line}", repr(posting.amount))
            for line, posting in enumerate(draft.postings, start=1)
            if (rule := _amount_breach(posting.amount)) is not None
        ]
    found += [
        LedgerRule.JOURNAL_IS_UNBALANCED.finding(place, f"{commodity} sums to {total}")
        for commodity, total in sums_by_commodity(draft.postings).items()
        if total != 0
    ]
    return in_rule_order(found)


def sums_by_commodity(postings: Iterable[Posting]) -> dict[str, int]:
    """Return commodity -> sum of amounts; amounts that are not integers are left out."""
    totals: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        if type(posting.amount) is int:
            totals[posting.account.commodity] += posting.amount
    return dict(totals)


def is_money(commodity: str) -> bool:
    """Return whether a commodity is a currency.

    >>> is_money("GBP"), is_money("WH"), is_money("CHARGED-WH")
    (True, False, False)
    """
    return commodity != ENERGY and commodity not in CHARGED.values()


def is_name(text: object) -> bool:
    """Return whether `text` may be a part of an account code."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_digest(value: object) -> bool:
    """Return whether `value` is a SHA-256 digest."""
    return isinstance(value, bytes) and len(value) == DIGEST_BYTES


def _header_breaches(draft: JournalDraft) -> Iterator[tuple[LedgerRule, str]]:
    if not draft.key.strip():
        yield LedgerRule.KEY_IS_EMPTY, repr(draft.key)
    if not draft.reason.strip():
        yield LedgerRule.REASON_IS_EMPTY, repr(draft.reason)
    if not is_digest(draft.input_digest):
        yield LedgerRule.DIGEST_IS_MALFORMED, f"input_digest {draft.input_digest!r}"
    run = (draft.run_id, draft.run_kind)
    if run != (None, None) and None in (*run, draft.settlement_day):
        value = f"run {draft.run_id}, kind {draft.run_kind}, day {draft.settlement_day}"
        yield LedgerRule.RUN_IS_HALF_NAMED, value
    if not is_name(draft.market):
        yield LedgerRule.NAME_IS_MALFORMED, f"market {draft.market!r}"
    if draft.run_kind == STUDY:
        yield LedgerRule.RUN_IS_A_STUDY, f"run {draft.run_id}"
    if draft.run_kind is not None and not is_name(draft.run_kind):
        yield LedgerRule.NAME_IS_MALFORMED, f"run_kind {draft.run_kind!r}"
    yield from _cause_breaches(draft)


def _cause_breaches(draft: JournalDraft) -> Iterator[tuple[LedgerRule, str]]:
    source, key, digest = draft.cause
    if source not in list(CauseSource):
        yield LedgerRule.CAUSE_IS_UNKNOWN, f"{source} {key}"
    if not is_digest(digest):
        yield LedgerRule.DIGEST_IS_MALFORMED, f"cause {digest!r}"
    named = key if source == CauseSource.RUN else None
    if named != (None if draft.run_id is None else str(draft.run_id)):
        yield LedgerRule.CAUSE_IS_ANOTHER, f"run {draft.run_id}, caused by {source} {key}"


def _account_breaches(account: Account, draft: JournalDraft) -> Iterator[tuple[LedgerRule, str]]:
    for name in _malformed_parts(account):
        yield LedgerRule.NAME_IS_MALFORMED, f"{name} {getattr(account, name)!r}"
    if account.market != draft.market:
        yield LedgerRule.ACCOUNT_IS_OF_ANOTHER_MARKET, f"{account.market}, not {draft.market}"
    if source_that_moves(account.kind) != draft.cause.source:
        yield LedgerRule.ACCOUNT_IS_OF_ANOTHER_CAUSE, f"caused by {draft.cause.source}"


@lru_cache(maxsize=100_000)
def _malformed_parts(account: Account) -> tuple[str, ...]:
    """Return which parts are no names; the same few accounts come with every day's journal."""
    parts = ("market", "commodity", "participant", "kind", "subject")
    return tuple(
        name
        for name in parts
        if not is_name(getattr(account, name))
        and not (name == "participant" and account.participant is None)
    )


def _are_amounts(values: Sequence[object]) -> bool:
    """Return whether no value breaks a rule of amounts, at the speed of the built-in functions."""
    if set(map(type, values)) != {int}:
        return False
    amounts = cast(Sequence[int], values)
    return 0 not in amounts and min(amounts) >= INT64_MIN and max(amounts) <= INT64_MAX


def _amount_breach(amount: object) -> LedgerRule | None:
    if type(amount) is not int:  # a bool, a float or a numpy scalar
        return LedgerRule.AMOUNT_IS_NOT_AN_INTEGER
    if amount == 0:
        return LedgerRule.AMOUNT_IS_ZERO
    if not INT64_MIN <= amount <= INT64_MAX:
        return LedgerRule.AMOUNT_IS_OUT_OF_RANGE
    return None
