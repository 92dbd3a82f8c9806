"""A transition report: kept once, proven again, forged in vain, and told to all without secrets."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from settlement.runs.settle import settle
from settlement.studies.transition import compare_with_market_in_force
from settlement.studies.transition_records import prices_from_json, stored_prices
from settlement.studies.transition_report import public_part
from settlement.studies.transition_store import find_transition, keep_transition
from settlement.studies.transition_verification import verify_transitions
from settlement.studies.wholesale_prices import WholesalePrices
from tests.settlement.test_transition import starts
from tests.settlement.transition_cases import prices_of
from tests.worlds.settled import CORRECTED, FIRST_DAY, LAST_DAY, RESETTLED, SETTLED, fill_tiny

MINUTE = dt.timedelta(minutes=1)


def prices(left_out=(), more=0) -> WholesalePrices:
    """Prices of the days but for some intervals, and one of the year before."""
    days = [FIRST_DAY + dt.timedelta(at) for at in range((LAST_DAY - FIRST_DAY).days + 1)]
    found = prices_of(days, more=more)
    kept = dict(found.micro_per_mwh)
    for at in left_out:
        del kept[starts()[at]]
    return replace(found, micro_per_mwh=kept)


def compared(session, found=None):
    return compare_with_market_in_force(session, "tiny", FIRST_DAY, LAST_DAY, found or prices())


@pytest.fixture
def kept(session):
    fill_tiny(session)
    return keep_transition(session, compared(session, prices((3,))), now=SETTLED + MINUTE)


def test_equal_inputs_are_kept_once_and_other_prices_or_a_later_run_give_another(session, kept):
    again = keep_transition(session, compared(session, prices((3,))), now=RESETTLED)
    assert again.id == kept.id
    other = keep_transition(session, compared(session, prices((3,), more=1)), now=RESETTLED)
    settle(session, "tiny", "SF", FIRST_DAY, LAST_DAY, known_at=CORRECTED, now=RESETTLED)
    later = keep_transition(session, compared(session, prices((3,))), now=RESETTLED)
    assert len({kept.id, other.id, later.id}) == 3
    assert kept.report["beside"] == []
    assert later.report["beside"] == sorted(map(str, (kept.id, other.id)))
    session.expire_all()
    found = find_transition(session, kept.id)
    assert found.report == json.loads(json.dumps(kept.report))
    assert found.digest == kept.digest
    assert list(verify_transitions(session)) == []


def test_only_prices_of_the_period_are_kept_and_they_read_back(kept):
    assert len(kept.prices["micro_per_mwh"]) == len(starts()) - 1
    again = prices_from_json(json.loads(json.dumps(kept.prices)))
    assert stored_prices(again) == kept.prices


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("report = jsonb_set(report, '{parties,0,gain_micro}', '7')", "transition-report"),
        ("report = jsonb_set(report, '{public,intervals}', '7')", "transition-report"),
        ("report = jsonb_set(report, '{beside}', '[\"x\"]')", "transition-report"),
        ("prices = jsonb_set(prices, '{column}', '\"b_gbp_per_mwh\"')", "transition-inputs"),
        ("prices = prices - 'sha256'", "transition-report"),
        ("run_id = gen_random_uuid()", "transition-run"),
        ("last_day = last_day + 400", "transition-run"),
        ("input_digest = sha256('x')", "transition-inputs"),
        ("created_at = created_at - interval '1 day'", "transition-digest"),
    ],
)
def test_what_is_forged_is_named(session, kept, change, code):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(f"UPDATE settlement.transition_report SET {change}"))
    session.expire_all()
    found = list(verify_transitions(session))
    assert {"transition-digest", code} <= {each.code for each in found}
    assert {each.place for each in found} == {f"settlement.transition_report {kept.id}"}


def test_a_report_does_not_change(session, kept):
    with pytest.raises(DBAPIError, match="transition_report"):
        session.execute(text("UPDATE settlement.transition_report SET market = 'other'"))


def party(participant: str, product: str, law: int, in_force: int, side="charge", left_out=0):
    return {
        "side": side, "participant": participant, "product": product, "law_micro": law,
        "law_of_days_micro": law + left_out, "in_force_micro": in_force,
        "gain_micro": in_force - law,
    }  # fmt: skip


def report_of(parties):
    return {
        "format": "", "market": "m", "run": "", "first_day": "", "last_day": "", "currency": "GBP",
        "prices": {}, "intervals": 1, "intervals_without_price": 0, "left_out": [],
        "parties": parties,
    }  # fmt: skip


def charges_of(public):
    return next(row for row in public["totals"] if row["side"] == "charge")


def test_sums_of_many_are_told_and_none_of_one_or_what_gives_it_away():
    many = [party(f"s{at}", "P1", 100 + at, 90 + 3 * at) for at in range(8)]
    found = public_part(report_of(many))
    assert found["products"][0]["law_micro"] == sum(each["law_micro"] for each in many)
    # Another product of one supplier is told of nobody, and P1 would be what is left of all.
    found = public_part(report_of([*many, party("s0", "P2", 50, 60)]))
    assert charges_of(found)["law_micro"] == 878
    assert [each["law_micro"] for each in found["products"]] == [None, None]
    assert "s0" not in str(found)


def test_a_sum_that_is_small_beside_the_market_in_force_alone_is_withheld():
    parties = [party(f"s{at}", "P1", 100 + at, 0 if at else 90) for at in range(8)]
    found = public_part(report_of(parties))
    assert charges_of(found) == {
        "side": "charge", "law_micro": None, "in_force_micro": None, "gain_micro": None
    }  # fmt: skip


def with_public(parties):
    report = report_of(parties)
    return report | {"public": public_part(report)}


def test_what_two_reports_of_the_same_days_tell_together_tells_of_nobody():
    """The meter of one supplier was corrected: what all pay in force moves by its part alone."""
    before = [party(f"s{at}", "P1", 100 + at, 90 + 3 * at) for at in range(8)]
    after = [party(f"s{at}", "P1", 101 + at, 90 + 3 * at + 7 * (at == 2)) for at in range(8)]
    first = with_public(before)
    assert charges_of(first["public"])["in_force_micro"] is not None
    assert charges_of(public_part(report_of(after)))["in_force_micro"] is not None
    found = public_part(report_of(after), [first])
    assert charges_of(found)["in_force_micro"] is None
    assert [each["in_force_micro"] for each in found["products"]] == [None]
    # What the first withheld, and what moves by many, tells of nobody.
    withheld = with_public([*before, party("s0", "P1", 10**6, 10**6)])
    assert charges_of(withheld["public"])["law_micro"] is None
    many = [party(f"s{at}", "P1", 101 + at, 91 + 3 * at) for at in range(8)]
    assert charges_of(public_part(report_of(after), [withheld]))["law_micro"] == 836
    assert charges_of(public_part(report_of(many), [first]))["law_micro"] == 836


def test_what_lies_in_intervals_without_a_price_tells_of_nobody_beside_a_fairness_report():
    """A fairness report tells what all are charged of all intervals: the rest is of one alone."""
    parties = [
        party(f"s{at}", "P1", 100 + at, 90 + 3 * at, left_out=50 * (at == 3)) for at in range(8)
    ]
    assert charges_of(public_part(report_of(parties)))["law_micro"] is None
    parties = [party(f"s{at}", "P1", 100 + at, 90 + 3 * at, left_out=50) for at in range(8)]
    assert charges_of(public_part(report_of(parties)))["law_micro"] == 828
