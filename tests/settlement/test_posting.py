"""From results to journals: every amount has an account, a journal only the difference."""

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import Account, check_batch
from settlement.billing.posting import (
    SettledDay,
    account_of,
    draft_journals,
    posting_input_digest,
    settled_day,
)
from settlement.rules.register import register_of
from settlement.runs.run import Run
from tests.worlds import tiny_market

DAY = dt.date(2024, 1, 1)
NEXT_DAY = dt.date(2024, 1, 2)
NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
DIGEST = bytes(range(32))
REGISTER = register_of(tiny_market.registrations())
SUMS = {
    ("payment.fuel_micro", "U2"): 700,
    ("payment.adequacy_micro", "U3"): 250,
    ("charge.fuel_micro", "B-home"): 600,
    ("charge.dynamic_micro", "C-office"): 400,
    ("equalisation_micro", "market"): 50,
    ("tightness_ppm", "system/whole"): 123,
}
ENERGY_WH = {
    ("metered_generation_wh", "U2"): 900,
    ("metered_generation_wh", "U3"): -100,
    ("metered_demand_wh", "B-home"): 500,
    ("metered_demand_wh", "C-office"): -20,
    ("available_w", "U2"): 77,
}


def run_of_kind(kind: str) -> Run:
    return Run(uuid.UUID(int=1), "tiny", kind, DAY, NEXT_DAY, NOW, (), DIGEST, "1", DIGEST, NOW)


def settled(sums=None, energy_wh=None, day=DAY) -> SettledDay:
    return settled_day(
        "tiny",
        "GBP",
        REGISTER,
        (SUMS if sums is None else sums) | (ENERGY_WH if energy_wh is None else energy_wh),
        day,
        DIGEST,
    )


def test_charges_are_owed_and_payments_are_due():
    assert {account.code: amount for account, amount in settled().amounts.items()} == {
        "tiny:GBP:birch:payment.fuel:U2": -700,
        "tiny:GBP:alder:payment.adequacy:U3": -250,
        "tiny:GBP:cedar:charge.fuel:B-home": 600,
        "tiny:GBP:doric:charge.dynamic:C-office": 400,
        "tiny:GBP:-:equalisation:market": -50,
        "tiny:WH:birch:generation:U2": -900,
        "tiny:WH:alder:generation:U3": 100,
        "tiny:WH:cedar:demand:B-home": 500,
        "tiny:WH:doric:demand:C-office": -20,
        "tiny:WH:-:imbalance:market": 320,
    }


def test_money_and_energy_each_sum_to_zero():
    totals = {"GBP": 0, "WH": 0}
    for account, amount in settled().amounts.items():
        totals[account.commodity] += amount
    assert totals == {"GBP": 0, "WH": 0}


def test_readings_of_what_is_not_registered_move_nothing():
    stranger = ENERGY_WH | {("metered_demand_wh", "Z-home"): 5, ("metered_generation_wh", "U9"): 5}
    assert settled(energy_wh=stranger).amounts == settled().amounts


def test_a_first_run_posts_what_the_day_comes_to():
    day = settled()
    (draft,) = draft_journals(run_of_kind("II"), [day], {})
    assert {posting.account: posting.amount for posting in draft.postings} == day.amounts
    assert [p.account.code for p in draft.postings] == sorted(a.code for a in day.amounts)
    assert check_batch([draft]) == []
    assert (draft.key, draft.run_kind, draft.settlement_day) == ("tiny:2024-01-01:II", "II", DAY)
    assert draft.reason == "Settlement II of 2024-01-01"
    assert draft.input_digest == posting_input_digest(uuid.UUID(int=1), DAY, DIGEST)


def posted_by(day: SettledDay) -> dict:
    return {(day.day, account.code): amount for account, amount in day.amounts.items()}


def test_a_later_run_posts_the_difference():
    posted = posted_by(settled())
    changed = settled(
        SUMS | {("charge.fuel_micro", "B-home"): 590, ("payment.fuel_micro", "U2"): 690}
    )
    (draft,) = draft_journals(run_of_kind("SF"), [changed], posted)
    assert {p.account.code: p.amount for p in draft.postings} == {
        "tiny:GBP:birch:payment.fuel:U2": 10,
        "tiny:GBP:cedar:charge.fuel:B-home": -10,
    }
    assert draft.reason.endswith("difference from what was posted before")


def test_an_account_that_is_no_longer_wanted_is_reversed():
    gone = {
        (DAY, "tiny:GBP:cedar:charge.fuel:Z-home"): 40,
        (DAY, "tiny:GBP:birch:payment.fuel:U9"): -40,
        (DAY, "tiny:GBP:-:rounding:invoice"): 0,
    }
    (draft,) = draft_journals(run_of_kind("SF"), [settled()], posted_by(settled()) | gone)
    assert {p.account.code: p.amount for p in draft.postings} == {
        "tiny:GBP:cedar:charge.fuel:Z-home": -40,
        "tiny:GBP:birch:payment.fuel:U9": 40,
    }


def test_nothing_to_change_is_an_empty_journal_that_says_so():
    (draft,) = draft_journals(run_of_kind("SF"), [settled()], posted_by(settled()))
    assert draft.postings == ()
    assert draft.reason == (
        "Settlement SF of 2024-01-01: no difference from what was posted before"
    )


def test_days_do_not_mix():
    days = [settled(), settled(day=NEXT_DAY)]
    first, second = draft_journals(run_of_kind("SF"), days, posted_by(days[0]))
    assert first.postings == ()
    assert {p.account: p.amount for p in second.postings} == days[1].amounts


@pytest.mark.parametrize(
    "account",
    [
        Account("tiny", "GBP", "cedar", "charge.fuel", "B-home"),
        Account("tiny", "WH", None, "imbalance", "market"),
    ],
)
def test_a_code_names_its_account(account):
    assert account_of(account.code) == account


amounts = st.dictionaries(
    st.sampled_from(["B-home", "C-home", "B-office", "C-office"]), st.integers(-(10**15), 10**15)
)


@given(amounts, amounts, amounts)
def test_whatever_was_posted_the_sum_is_what_the_last_run_says(first, second, third):
    posted: dict = {}
    for kind, charges in (("II", first), ("SF", second), ("R1", third)):
        sums = {("charge.fuel_micro", point): amount for point, amount in charges.items()}
        sums["equalisation_micro", "market"] = sum(charges.values())
        day = settled(sums, {})
        (draft,) = draft_journals(run_of_kind(kind), [day], posted)
        assert check_batch([draft]) == []
        for posting in draft.postings:
            key = (DAY, posting.account.code)
            posted[key] = posted.get(key, 0) + posting.amount
        wanted = {(DAY, account.code): amount for account, amount in day.amounts.items()}
        assert {k: v for k, v in posted.items() if v} == {k: v for k, v in wanted.items() if v}
