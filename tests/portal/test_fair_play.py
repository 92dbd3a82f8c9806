"""Fair Play in the portal: what a run shows of it, and who may see what is behind a number."""

import datetime as dt
import html
import uuid

import pytest
from sqlalchemy import text

from database.session import transaction
from ledger.people.roles import Role
from portal.access import Viewer
from portal.queries.explanations import sum_up_others
from portal.queries.fair_play import FairPlayTotals, fair_play_totals
from settlement.explanations.entitlements import Entitlements
from settlement.explanations.explain import day_facts
from settlement.explanations.tree import Explanation
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.store import find_run
from tests.portal.site import GENERATOR
from tests.worlds.law import publish
from tests.worlds.settled import (
    FIRST_DAY,
    INGESTED,
    LAST_DAY,
    PUBLISHED,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)
from tests.worlds.tiny_market import documents as tiny_documents
from tests.worlds.tiny_market import readings_csv

RULES = {
    "least_fulfilment_ppm": 10_000,
    "compensation_micro_per_mwh": 100_000_000,
}


def page(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def test_a_run_under_fair_play_shows_what_it_came_to(sign_in, site):
    with transaction() as session:
        found = fair_play_totals(session, find_run(session, uuid.UUID(site.later_run)))
    assert found.intervals == 48 + 46
    assert 0 <= found.short <= found.intervals
    assert found.entitled == found.maximum
    assert found.delivered_ppm is not None
    assert found.late <= found.delivered <= found.entitled
    assert found.used_ppm == 1_000_000
    shown = page(sign_in("auditor"), f"/runs/{site.later_run}/")
    assert "Fair Play under shortage" in shown
    assert f"{found.short} of {found.intervals}" in shown


@pytest.mark.parametrize("who", ["owner", "generator"])
def test_what_a_run_came_to_is_not_open_to_participants(sign_in, site, who):
    assert "Fair Play" not in page(sign_in(who), f"/runs/{site.later_run}/", status=403)


@pytest.fixture
def short_run(session):
    publish_tiny(session, tiny_documents(fair_play=RULES))
    ingest_tiny(session, desiring=["B-home", "C-office"], available_percent=50)
    return settle_tiny(session)


def test_totals_are_those_of_the_stored_results(session, short_run):
    found = fair_play_totals(session, short_run)
    sums = dict(
        session.execute(
            text(
                "SELECT measure, sum(value)::bigint FROM settlement.result, unnest(values) AS value"
                " WHERE run_id = :run GROUP BY measure"
            ),
            {"run": short_run.id},
        ).all()
    )
    assert 90 < found.short < found.intervals == 144
    assert found.entitled == found.maximum == 30 * sums["fair_play_maximum_w"]
    assert (found.delivered, found.late) == (30 * sums["delivered_w"], 30 * sums["late_w"])
    assert found.missed == 30 * sums["missed_w"] > 0
    assert found.missed_wh == sums["missed_w"] // 2
    due = found.delivered + found.missed
    assert found.delivered_ppm == found.delivered * 10**6 // due
    assert (found.over_take_wh, found.shortfall_wh) == (sums["over_take_wh"], sums["shortfall_wh"])
    assert found.over_take_micro == sums["charge.over_take_micro"] > 0
    assert found.compensation_micro == -sums["charge.compensation_micro"]
    no_database = None  # a run never changes, and is added up once
    assert fair_play_totals(no_database, short_run) == found


def test_energy_of_days_whose_intervals_differ_adds_up(session):
    """From the third day on an interval is a quarter of an hour: of each half-hour two alike."""
    law = tiny_documents(fair_play=RULES)
    publish_tiny(session, law)
    rules = next(each for each in law if each.kind == "market-rules")
    publish(
        session,
        [rules.model_copy(update={"interval_minutes": 15})],
        valid_from=LAST_DAY,
        known=PUBLISHED + dt.timedelta(minutes=1),
        reason="Quarter-hours",
    )
    readings = readings_csv(FIRST_DAY, LAST_DAY, available_percent=50).decode().splitlines()
    rows = [row for line in readings for row in in_quarters(line)]
    files = [MeterFile("readings.csv", "\n".join(rows).encode())]
    ingest(session, "tiny", files, received_at=INGESTED)
    run = settle_tiny(session)
    by_day = dict(
        session.execute(
            text(
                "SELECT settlement_day, sum(value)::bigint FROM settlement.result, unnest(values)"
                " AS value WHERE run_id = :run AND measure = 'missed_w' GROUP BY 1"
            ),
            {"run": run.id},
        ).all()
    )
    last = by_day.pop(LAST_DAY)
    assert last > 0
    assert fair_play_totals(session, run).missed_wh == (2 * sum(by_day.values()) + last) // 4


def in_quarters(line: str) -> list[str]:
    """Return the reading of a half-hour; of the last day, those of its two quarters of an hour."""
    start, entity, measure, value, quality = line.split(",")
    if not start.startswith(LAST_DAY.isoformat()):
        return [line]
    half = int(value) if measure == "available_w" else int(value) // 2
    at = dt.datetime.fromisoformat(start)
    return [
        f"{at + dt.timedelta(minutes=more):%Y-%m-%dT%H:%M:%SZ},{entity},{measure},{half},{quality}"
        for more in (0, 15)
    ]


def test_a_run_without_fair_play_has_none(session):
    publish_tiny(session)
    ingest_tiny(session)
    assert fair_play_totals(session, settle_tiny(session)) is None


def test_what_units_of_others_declared_is_summed_up(session, short_run):
    facts = day_facts(session, find_run(session, short_run.id), dt.date(2024, 1, 1))
    trees = (Entitlements(facts, interval).entitlement("B-office") for interval in range(48))
    whole = next(tree for tree in trees if any(node.owner for node in nodes(tree)))
    nobody = Viewer(frozenset({Role.PARTICIPANT}), frozenset({("tiny", GENERATOR)}))
    seen = sum_up_others(whole, lambda owner: nobody.may_see("tiny", owner))
    assert not [node for node in nodes(seen) if node.owner]
    (supply,) = [node for node in nodes(seen) if node.label.startswith("Supply at")]
    assert "of other participants" in supply.children[-1].label
    assert supply.children[-1].formula.startswith("each is open to the participant")
    assert sum(child.value for child in supply.children) == supply.value


def nodes(tree: Explanation):
    yield tree
    for child in tree.children:
        yield from nodes(child)


def test_a_part_of_nothing_is_no_figure():
    """Where nothing was desired a whole of it was given: that would be a figure nobody measured."""
    nothing = FairPlayTotals(48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert (nothing.delivered_ppm, nothing.used_ppm) == (None, None)
    half = FairPlayTotals(48, 0, 6_000, 3_000, 6_000, 3_000, 12_000, 0, 0, 0, 0)
    assert (half.delivered_ppm, half.used_ppm) == (500_000, 250_000)
    assert (half.late_wh, half.missed_wh) == (50, 100)
