"""Rules of accounts and journal drafts, a row a code."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from ledger.refusals import LedgerRefused, Refusal, RefusalCode
from tests.ledger.drafts import CHARGE, EQUALISATION, MARKET, journal

GOOD = journal()


def with_postings(*postings: Posting) -> JournalDraft:
    return replace(GOOD, postings=postings)


def pair(account: Account, amount: object) -> JournalDraft:
    counterpart = -amount if isinstance(amount, (int, float)) else amount
    return with_postings(Posting(account, amount), Posting(EQUALISATION, counterpart))


REFUSED = [
    (RefusalCode.KEY_IS_EMPTY, replace(GOOD, key=" "), "' '"),
    (RefusalCode.REASON_IS_EMPTY, replace(GOOD, reason=""), "''"),
    (RefusalCode.DIGEST_IS_MALFORMED, replace(GOOD, input_digest=b"short"), "b'short'"),
    (RefusalCode.RUN_IS_HALF_NAMED, replace(GOOD, run_id=None), "run None"),
    (RefusalCode.RUN_IS_HALF_NAMED, replace(GOOD, run_kind=None), "kind None"),
    (RefusalCode.RUN_IS_HALF_NAMED, replace(GOOD, settlement_day=None), "day None"),
    (RefusalCode.RUN_IS_A_STUDY, replace(GOOD, run_kind="study"), "run "),
    (RefusalCode.NAME_IS_MALFORMED, replace(GOOD, run_kind="I I"), "'I I'"),
    (RefusalCode.NAME_IS_MALFORMED, pair(replace(CHARGE, subject="N0:P1"), 1), "'N0:P1'"),
    (RefusalCode.NAME_IS_MALFORMED, pair(replace(CHARGE, participant="-"), 1), "'-'"),
    (RefusalCode.NAME_IS_MALFORMED, pair(replace(CHARGE, kind=""), 1), "''"),
    (RefusalCode.ACCOUNT_IS_OF_ANOTHER_MARKET, pair(replace(CHARGE, market="rts"), 1), "rts"),
    (RefusalCode.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, 1.5), "1.5"),
    (RefusalCode.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, True), "True"),
    (RefusalCode.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, np.int64(3)), "3"),
    (RefusalCode.AMOUNT_IS_NOT_AN_INTEGER, pair(CHARGE, float("nan")), "nan"),
    (RefusalCode.AMOUNT_IS_ZERO, pair(CHARGE, 0), "0"),
    (RefusalCode.AMOUNT_IS_OUT_OF_RANGE, pair(CHARGE, INT64_MAX + 1), str(INT64_MAX + 1)),
    (RefusalCode.JOURNAL_IS_UNBALANCED, with_postings(Posting(CHARGE, 1)), "GBP sums to 1"),
    (
        RefusalCode.JOURNAL_IS_UNBALANCED,
        pair(replace(CHARGE, commodity=ENERGY), 1),
        "WH sums to 1",
    ),
]


@pytest.mark.parametrize(("code", "draft", "value"), REFUSED, ids=lambda part: str(part)[:40])
def test_each_rule_refuses_with_its_code_and_the_value(code, draft, value):
    refusals = check_draft(draft)
    assert code in {refusal.code for refusal in refusals}
    assert any(value in refusal.value for refusal in refusals if refusal.code is code)


def test_a_good_draft_and_an_empty_one_are_accepted():
    assert check_draft(GOOD) == []
    assert check_draft(replace(GOOD, postings=())) == []


def test_every_breach_is_reported_in_rule_order():
    draft = replace(
        GOOD, key="", reason="", input_digest=b"", postings=(Posting(CHARGE, 0), Posting(CHARGE, 2))
    )
    numbers = [refusal.code.number for refusal in check_draft(draft)]
    assert numbers == [1, 3, 4, 9, 11]


def test_a_batch_may_not_repeat_a_key_or_a_run():
    codes = {refusal.code for refusal in check_batch([GOOD, GOOD])}
    assert codes == {RefusalCode.KEY_IS_REPEATED, RefusalCode.RUN_IS_ALREADY_POSTED}
    assert check_batch([journal(), journal(kind="SF")]) == []


def test_refusal_codes_are_numbered_once_and_in_order():
    numbers = [code.number for code in RefusalCode]
    assert numbers == sorted(set(numbers))
    assert all(code.rule and code.remedy for code in RefusalCode)


def test_the_exception_carries_every_refusal_in_rule_order():
    refused = LedgerRefused(
        [
            Refusal(RefusalCode.JOURNAL_IS_UNBALANCED, "journal 'k'", "GBP sums to 1"),
            Refusal(RefusalCode.KEY_IS_EMPTY, "journal ''", "''"),
        ]
    )
    assert [refusal.code.number for refusal in refused.refusals] == [1, 11]
    assert "journal 'k': GBP sums to 1; a journal sums to zero in each commodity" in str(refused)


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,8}", fullmatch=True)
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


def test_a_draft_without_a_run_may_name_a_day_or_none():
    draft = replace(GOOD, run_id=None, run_kind=None)
    assert check_draft(draft) == []
    assert check_draft(replace(draft, settlement_day=None)) == []
