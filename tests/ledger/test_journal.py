"""Rules of accounts and journal drafts, a row a code."""

import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.refusals import Refused
from ledger.causes import Cause
from ledger.journal import (
    ENERGY,
    INT64_MAX,
    INT64_MIN,
    Account,
    JournalDraft,
    Posting,
    check_batch,
    check_draft,
    sums_by_commodity,
)
from ledger.rules import LedgerRule
from tests.ledger.drafts import CHARGE, EQUALISATION, MARKET, journal
from tests.ledger.rules import rule_of

GOOD = journal()


def with_postings(*postings: Posting) -> JournalDraft:
    return replace(GOOD, postings=postings)


def pair(account: Account, amount: object) -> JournalDraft:
    counterpart = -amount if isinstance(amount, (int, float)) else amount
    return with_postings(Posting(account, amount), Posting(EQUALISATION, counterpart))


REFUSED = [
    (LedgerRule.KEY_IS_EMPTY, replace(GOOD, key=" "), "' '"),
    (LedgerRule.REASON_IS_EMPTY, replace(GOOD, reason=""), "''"),
    (LedgerRule.DIGEST_IS_MALFORMED, replace(GOOD, input_digest=b"short"), "b'short'"),
    (LedgerRule.RUN_IS_HALF_NAMED, replace(GOOD, run_id=None), "run None"),
    (LedgerRule.RUN_IS_HALF_NAMED, replace(GOOD, run_kind=None), "kind None"),
    (LedgerRule.RUN_IS_HALF_NAMED, replace(GOOD, settlement_day=None), "day None"),
    (LedgerRule.RUN_IS_A_STUDY, replace(GOOD, run_kind="study"), "run "),
    (LedgerRule.NAME_IS_MALFORMED, replace(GOOD, run_kind="I I"), "'I I'"),
    (LedgerRule.NAME_IS_MALFORMED, pair(replace(CHARGE, subject="N0:P1"), 1), "'N0:P1'"),
    (LedgerRule.NAME_IS_MALFORMED, pair(replace(CHARGE, participant="-"), 1), "'-'"),
    (LedgerRule.NAME_IS_MALFORMED, pair(replace(CHARGE, kind=""), 1), "''"),
    (LedgerRule.ACCOUNT_IS_OF_ANOTHER_MARKET, pair(replace(CHARGE, market="rts"), 1), "rts"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, 1.5), "1.5"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, True), "True"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, np.int64(3)), "3"),
    (LedgerRule.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, float("nan")), "nan"),
    (LedgerRule.AMOUNT_IS_ZERO, pair(CHARGE, 0), "0"),
    (LedgerRule.AMOUNT_IS_OUT_OF_RANGE, pair(CHARGE, INT64_MAX + 1), str(INT64_MAX + 1)),
    (LedgerRule.JOURNAL_IS_UNBALANCED, with_postings(Posting(CHARGE, 1)), "GBP sums to 1"),
    (
        LedgerRule.JOURNAL_IS_UNBALANCED,
        pair(replace(CHARGE, commodity=ENERGY), 1),
        "WH sums to 1",
    ),
]


@pytest.mark.parametrize(("code", "draft", "value"), REFUSED, ids=lambda part: str(part)[:40])
def test_each_rule_refuses_with_its_code_and_the_value(code, draft, value):
    refusals = check_draft(draft)
    assert code in {rule_of(refusal) for refusal in refusals}
    assert any(value in refusal.value for refusal in refusals if rule_of(refusal) is code)


def test_a_good_draft_and_an_empty_one_are_accepted():
    assert check_draft(GOOD) == []
    assert check_draft(replace(GOOD, postings=())) == []


def test_every_breach_is_reported_in_rule_order():
    draft = replace(
        GOOD, key="", reason="", input_digest=b"", postings=(Posting(CHARGE, 0), Posting(CHARGE, 2))
    )
    numbers = [refusal.number for refusal in check_draft(draft)]
    assert numbers == [1, 3, 4, 9, 11]


def test_a_batch_may_not_repeat_a_key_or_a_run():
    codes = {rule_of(refusal) for refusal in check_batch([GOOD, GOOD])}
    assert codes == {LedgerRule.KEY_IS_REPEATED, LedgerRule.RUN_IS_ALREADY_POSTED}
    assert check_batch([journal(), journal(kind="SF")]) == []


def test_refusal_codes_are_numbered_once_and_in_order():
    numbers = [code.number for code in LedgerRule]
    assert numbers == sorted(set(numbers))
    assert all(code.limit and code.remedy for code in LedgerRule)


def test_the_exception_carries_every_refusal_in_rule_order():
    refused = Refused(
        [
            LedgerRule.JOURNAL_IS_UNBALANCED.finding("journal 'k'", "GBP sums to 1"),
            LedgerRule.KEY_IS_EMPTY.finding("journal ''", "''"),
        ]
    )
    assert [refusal.number for refusal in refused.findings] == [1, 11]
    unbalanced = str(refused).splitlines()[1]
    assert "'k': a journal sums to zero in each commodity, found GBP sums to 1" in unbalanced
    assert unbalanced.endswith("[rule 11, JOURNAL_IS_UNBALANCED]")


# As the pattern of names has them; drawing by a pattern would take most of these tests' time.
LETTERS = string.ascii_letters + string.digits
names = st.text(LETTERS + "._/-", min_size=1, max_size=9).filter(lambda name: name[0] in LETTERS)
accounts = st.builds(Account, st.just(MARKET), names, st.none() | names, names, names)


@given(accounts, accounts)
def test_codes_are_equal_only_for_equal_accounts(one, other):
    assert (one.code == other.code) == (one == other)


@given(
    st.lists(
        st.tuples(accounts, st.integers(INT64_MIN, INT64_MAX).filter(bool)), min_size=1, max_size=8
    )
)
def test_a_draft_is_refused_exactly_when_a_commodity_does_not_sum_to_zero(moves):
    postings = tuple(Posting(account, amount) for account, amount in moves)
    refusals = check_draft(with_postings(*postings))
    unbalanced = [total for total in sums_by_commodity(postings).values() if total]
    assert len(refusals) == len(unbalanced)
    counterparts = tuple(Posting(account, -amount) for account, amount in moves if -amount != 2**63)
    if len(counterparts) == len(postings):
        assert check_draft(with_postings(*postings, *counterparts)) == []


@pytest.mark.parametrize(
    ("source", "account"),
    [
        ("ledger.invoice", "tax"),
        ("ledger.allocation", "paid"),
        ("ledger.interest", "charge.interest"),
    ],
)
def test_a_draft_without_a_run_may_name_a_day_or_none(source, account):
    moved = replace(CHARGE, kind=account)
    draft = replace(
        GOOD,
        run_id=None,
        run_kind=None,
        cause=Cause(source, "key", bytes(32)),
        postings=(Posting(moved, 5), Posting(replace(moved, participant=None), -5)),
    )
    assert check_draft(draft) == []
    assert check_draft(replace(draft, settlement_day=None)) == []
