"""What days hand to each other of contracts, where readings are missing or the law changes."""

import datetime as dt
import re

import numpy as np
import pytest

from common.refusals import Refused
from rulebook.documents import MarketRules
from settlement.core.fair_play_market import shares_of_day
from settlement.evidence.store import day_digests
from settlement.explanations.explain import day_facts
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs import contract_days
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    BLOCK_WH,
    FAIR_PLAY,
    FIRST,
    LAST,
    MIDDLE,
    NEXT_MONTH,
    POINTS,
    SCARCE,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
    vectors,
    with_products,
)
from tests.worlds.law import publish
from tests.worlds.settled import CORRECTED, INGESTED, PUBLISHED, SETTLED

ONE_DAY, ONE_MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)


def state_of(session, run, day):
    return day_facts(session, run, day).day_readings().requests.state


def digest_of(session, run, day):
    return dict(day_digests(session, run))[day]


def test_a_month_whose_first_day_lacks_readings_remembers_nothing_of_the_month_before(session):
    publish_with(session, FAIR_PLAY, block_wh=BLOCK_WH)
    second, third = NEXT_MONTH + ONE_DAY, NEXT_MONTH + 2 * ONE_DAY
    ingest_month_end(session, FIRST, LAST)
    ingest_month_end(session, second, third)
    whole = settle_days(session, second, third, now=SETTLED)
    state = state_of(session, whole, second)
    assert not state.taken_wh.any()
    assert not state.missed_w.any()
    assert not any(state.contracts.memory.matured)
    alone = settle_days(session, third, third, now=SETTLED, kind="SF")
    assert digest_of(session, alone, third) == digest_of(session, whole, third)
    taken = [vectors(session, whole, second)["taken_wh", point] for point in POINTS]
    after = state_of(session, alone, third).taken_wh
    assert after.tolist() == [int(np.maximum(each, 0).sum()) for each in taken]


def test_each_day_of_a_run_is_shared_once(session, monkeypatch):
    """What it settles to, what it hands to the next and what its journal moves are of one sharing.

    Beside them the day before the run is shared, by which it begins.
    """
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session, FIRST, LAST, desiring=())
    shared = []

    def share(model, rules, readings):
        shared.append(readings.day)
        return shares_of_day(model, rules, readings)

    monkeypatch.setattr(contract_days, "shares_of_day", share)
    run = settle_days(session, MIDDLE, LAST)
    found = vectors(session, run, MIDDLE)
    assert any(found["owed_w", point].any() for point in POINTS)
    assert shared == [FIRST, MIDDLE, LAST]


def hourly_csv(first: dt.date, last: dt.date) -> bytes:
    """The readings of two half-hours as one of an hour, whose energy is twice that of the first."""
    header, *rows = tiny_market.readings_csv(first, last, available_percent=SCARCE).splitlines()
    found = [header.decode()]
    for row in rows:
        start, entity, measure, value, quality = row.decode().split(",")
        if dt.datetime.fromisoformat(start).minute == 0:
            factor = 2 if measure.endswith("_wh") else 1
            found.append(f"{start},{entity},{measure},{int(value) * factor},{quality}")
    return ("\n".join(found) + "\n").encode()


def test_what_is_owed_and_remembered_keeps_its_energy_where_intervals_change(session):
    law = law_with(FAIR_PLAY)
    publish_with(session, FAIR_PLAY)
    rules = next(document for document in law if isinstance(document, MarketRules))
    hours = rules.model_copy(update={"interval_minutes": 60})
    publish(
        session,
        [hours],
        valid_from=LAST,
        known=PUBLISHED + ONE_MINUTE,
        reason="Hours from the 31st",
    )
    ingest_month_end(session, FIRST, MIDDLE, desiring=())
    last = hourly_csv(LAST, LAST)
    ingest(session, "tiny", [MeterFile("hours.csv", last)], received_at=INGESTED)
    whole = settle_days(session, FIRST, LAST, now=SETTLED)
    alone = settle_days(session, LAST, LAST, now=SETTLED, kind="SF")
    assert digest_of(session, alone, LAST) == digest_of(session, whole, LAST)
    before, state = vectors(session, whole, MIDDLE), state_of(session, whole, LAST)
    owed_wh = [int(before["owed_w", point][-1]) // 2 for point in POINTS]
    assert sum(owed_wh) > 0
    assert np.all(abs(state.contracts.owed.sum(axis=0) - owed_wh) <= len(state.contracts.owed))
    missed_wh = sum(
        np.array([vectors(session, whole, day)["missed_w", point].sum() for point in POINTS])
        for day in (FIRST, MIDDLE)
    )
    assert state.missed_w.tolist() == (missed_wh // 2).tolist()


def asked_and_taken_csv(day: dt.date) -> bytes:
    """A day of which it is known that all asked for half of what they took."""
    header, *rows = tiny_market.readings_csv(day, day, desiring=POINTS).decode().splitlines()
    found = [header]
    for row in rows:
        start, entity, measure, value, quality = row.split(",")
        if measure == "metered_demand_wh":
            for of_what, part in ((measure, 4), ("desired_wh", 8)):
                found.append(f"{start},{entity},{of_what},{int(value) // part},{quality}")
        elif measure != "desired_wh":
            found.append(row)
    return ("\n".join(found) + "\n").encode()


def short_evening_csv(day: dt.date) -> bytes:
    """A day on which a quarter is taken, and nothing is available from half past ten at night."""
    header, *rows = tiny_market.readings_csv(day, day).decode().splitlines()
    found = [header]
    for row in rows:
        start, entity, measure, value, quality = row.split(",")
        part = int(value) // 4 if measure == "metered_demand_wh" else int(value)
        is_late = start[11:16] in ("22:30", "23:00", "23:30")
        found.append(f"{start},{entity},{measure},{part * (not is_late)},{quality}")
        if is_late and measure == "metered_demand_wh":
            found[-1] = f"{start},{entity},{measure},{part},{quality}"
    return ("\n".join(found) + "\n").encode()


def test_a_month_begins_alike_alone_where_requests_were_known_on_some_days_alone(session):
    publish_with(session, FAIR_PLAY)
    files = [
        MeterFile("asked.csv", asked_and_taken_csv(MIDDLE)),
        MeterFile("short.csv", short_evening_csv(LAST)),
    ]
    ingest(session, "tiny", files, received_at=INGESTED)
    ingest_month_end(session, NEXT_MONTH, NEXT_MONTH, desiring=())
    whole = settle_days(session, MIDDLE, NEXT_MONTH, now=SETTLED)
    assert state_of(session, whole, NEXT_MONTH).contracts.owes
    alone = settle_days(session, NEXT_MONTH, NEXT_MONTH, now=SETTLED, kind="SF")
    assert state_of(session, alone, NEXT_MONTH).contracts.owes
    assert digest_of(session, alone, NEXT_MONTH) == digest_of(session, whole, NEXT_MONTH)


def test_a_day_before_too_large_for_exact_sums_is_named_by_whoever_settles_those_after_it(session):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session, desiring=())
    content = tiny_market.readings_csv(FIRST, FIRST, only=["B-home", "C-home"]).decode()
    huge = re.sub(r"(-home,metered_demand_wh,)\d+", r"\g<1>10000000000000", content)
    ingest(session, "tiny", [MeterFile("huge.csv", huge.encode())], received_at=CORRECTED)
    for day in (FIRST, MIDDLE):
        with pytest.raises(Refused) as refused:
            settle_days(session, day, day)
        (finding,) = refused.value.findings
        assert (finding.code, finding.place) == ("quantities-too-large", f"settlement of {FIRST}")


def test_a_point_that_changes_its_product_in_mid_month_is_settled_to_the_months_end(session):
    publish_with(session, FAIR_PLAY)
    changed = with_products(law_with(FAIR_PLAY), "doric", {"B-office": "home"})
    publish(
        session,
        [changed],
        valid_from=LAST,
        known=PUBLISHED + ONE_MINUTE,
        reason="B-office is a home",
    )
    ingest_month_end(session, desiring=())
    whole = settle_days(session, FIRST, LAST, now=SETTLED)
    state, before = state_of(session, whole, LAST), vectors(session, whole, MIDDLE)
    assert before["missed_w", "B-office"].any()
    # What it missed as an office it does not bring to the homes, whom it would take a part from.
    assert state.missed_w[POINTS.index("B-office")] == 0
    assert state.missed_w[POINTS.index("B-home")] > 0
    found = vectors(session, whole, LAST)
    homes = ("B-home", "B-office")
    lacking = sum(int(found["shortfall_wh", point].sum()) for point in homes)
    missed = sum(int(found["missed_w", point].sum()) for point in homes)
    missed += int(state.missed_w[POINTS.index("B-home")])
    assert 0 < lacking <= missed // 2
