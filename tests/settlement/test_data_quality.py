"""From a gap in a file to the ledger: accepted or refused, estimated by rule, corrected later."""

import datetime as dt
import re
from fractions import Fraction

import numpy as np
import pytest
from sqlalchemy import text

from common.quantities import megawatt_hours
from common.refusals import Refused
from rulebook.documents import MarketRules
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.evidence.store import day_digests
from settlement.explanations.explain import day_facts
from settlement.explanations.grounds import Grounds
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION, RESERVE
from settlement.meters.store import readings_known_at
from settlement.replays.replay import replay
from settlement.runs import store
from settlement.runs.reading_quality import reading_quality, run_quality
from settlement.runs.settle import settle
from tests.worlds import tiny_market
from tests.worlds.settled import CORRECTED, INGESTED, RESETTLED, SETTLED, publish_tiny

START, FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 1, 8), dt.date(2024, 1, 10)
TUESDAY = dt.date(2024, 1, 9)
DAYS = [FIRST, TUESDAY, LAST]
ONE_DAY = dt.timedelta(days=1)
ALL = (DEMAND, GENERATION, AVAILABLE, RESERVE)
STEPS = [
    {"method": "interpolate", "measures": ALL, "at_most_intervals": 2},
    {"method": "same-weekday", "measures": ALL, "weeks": 1},
]
ESTIMATING = {"incomplete_day": "accept", "missing": "estimate", "estimation": STEPS}


def market_rules(**meter_data) -> MarketRules:
    return tiny_market.market_rules(**meter_data)


def publish_rules(session, **meter_data) -> None:
    documents = [market_rules(**meter_data), *tiny_market.documents()[1:]]
    publish_tiny(session, documents)


def rows(first=START, last=LAST + dt.timedelta(days=1), **options) -> list[str]:
    return tiny_market.readings_csv(first, last, **options).decode().splitlines()


def at(day: dt.date, interval: int) -> str:
    midnight = dt.datetime.combine(day, dt.time())
    return f"{midnight + interval * dt.timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"


def without(lines, entity, measure, day, intervals, quality=None) -> list[str]:
    """Leave some readings out, or write in their place that they are of a quality without value."""
    starts = {at(day, interval) for interval in intervals}
    kept = []
    for line in lines:
        start, name, kind, *_ = line.split(",")
        if name != entity or kind != measure or start not in starts:
            kept.append(line)
        elif quality:
            kept.append(f"{start},{entity},{measure},,{quality}")
    return kept


def only(lines, entity, measure, day, intervals) -> list[str]:
    starts = {at(day, interval) for interval in intervals}
    return [
        lines[0],
        *(
            line
            for line in lines[1:]
            if line.split(",")[1:3] == [entity, measure] and line.split(",")[0] in starts
        ),
    ]


def take_in(session, lines, received_at=INGESTED):
    content = "\n".join(lines).encode()
    (ingested,) = ingest(session, "tiny", [MeterFile("file.csv", content)], received_at=received_at)
    return ingested


def settle_days(session, first=FIRST, last=LAST, kind="II", now=SETTLED, **options):
    return settle(session, "tiny", kind, first, last, known_at=now, now=now, **options).run


def stored(session, entity="B-home", measure=DEMAND, day=FIRST, known=SETTLED):
    measured = readings_known_at(session, "tiny", day, day, known).days[day][measure]
    row = measured.entities.index(entity)
    return measured.values[row].tolist(), measured.quality[row]


def vectors(session, run, day=FIRST) -> dict[tuple[str, str], np.ndarray]:
    return store.stored_values(store.day_vectors(session, run.id, day))


def codes(refused) -> list[str]:
    return [finding.code for finding in refused.value.findings]


GAPS = [
    ("B-home", DEMAND, FIRST, [3, 4]),
    ("U2", GENERATION, FIRST, [0]),
    ("U3", AVAILABLE, TUESDAY, range(10, 20)),
    ("C-office", DEMAND, LAST, range(48)),
]


def gapped(lines=None) -> list[str]:
    lines = lines or rows()
    for gap in GAPS:
        lines = without(lines, *gap)
    return lines


def test_a_day_with_gaps_is_refused_or_accepted_as_the_rules_say(session):
    publish_rules(session)
    with pytest.raises(Refused) as refused:
        take_in(session, without(rows(), "B-home", DEMAND, FIRST, [3, 4]))
    assert codes(refused) == ["missing-intervals"]
    with pytest.raises(Refused) as refused:
        take_in(session, without(rows(), "B-home", DEMAND, FIRST, [3, 4], "missing"))
    assert codes(refused) == ["quality"]


def test_what_a_file_leaves_out_is_missing_and_a_run_names_it(session):
    publish_rules(session, incomplete_day="accept")
    lines = without(rows(), "B-home", DEMAND, FIRST, [3, 4])
    lines = without(lines, "B-home", DEMAND, TUESDAY, [0], "missing")
    ingested = take_in(session, lines)
    late, notice = ingested.notices
    assert late.code == "late"
    assert notice.code == "incomplete-days"
    assert notice.value.startswith("3 intervals without a reading in 2 day vectors")
    values, quality = stored(session)
    assert quality == "MMMXX" + "M" * 43
    assert values[3:5] == [0, 0]
    assert stored(session, day=TUESDAY)[1] == "X" + "M" * 47
    with pytest.raises(Refused) as refused:
        settle_days(session)
    assert codes(refused) == ["missing-reading"] * 2
    assert refused.value.findings[0].value == ("metered demand of B-home lacks 2: 01:30Z, 02:00Z")


def test_a_later_file_fills_gaps_alone_and_may_take_a_reading_back(session):
    publish_rules(session, incomplete_day="accept")
    take_in(session, without(rows(), "B-home", DEMAND, FIRST, [3, 4]))
    before = stored(session)[0]
    take_in(session, only(rows(), "B-home", DEMAND, FIRST, [4]), CORRECTED)
    values, quality = stored(session, known=CORRECTED)
    assert quality == "MMMXM" + "M" * 43
    assert values[:3] + values[5:] == before[:3] + before[5:]
    again = take_in(session, only(rows(), "B-home", DEMAND, FIRST, [4, 5]), RESETTLED)
    assert (again.file.vector_count, again.file.unchanged_count) == (0, 1)
    gone = f"{at(FIRST, 7)},B-home,{DEMAND},,missing"
    take_in(session, [rows()[0], gone], RESETTLED + dt.timedelta(hours=1))
    values, quality = stored(session, known=RESETTLED + dt.timedelta(hours=1))
    assert quality == "MMMXMMMX" + "M" * 40
    assert values[7] == 0
    assert stored(session)[1] == "MMMXX" + "M" * 43


def test_a_run_estimates_by_the_steps_in_order_and_stores_what_it_used(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    run = settle_days(session)
    true, _ = stored(session)
    found = vectors(session, run)
    step = true[5] - true[2]
    line = [true[2] + step * k // 3 for k in (1, 2)]
    assert found["quality.metered_demand_wh", "B-home"].tolist() == [0, 0, 0, 11, 11] + [0] * 43
    assert found["estimated.metered_demand_wh", "B-home"].tolist() == [0, 0, 0, *line] + [0] * 43
    assert ("quality.metered_demand_wh", "C-home") not in found
    sunday = stored(session, "U2", GENERATION, FIRST - dt.timedelta(days=1))[0]
    monday = stored(session, "U2", GENERATION)[0]
    between = sunday[-1] + (monday[1] - sunday[-1]) // 2
    assert found["estimated.metered_generation_wh", "U2"][0] == between
    week_before = dt.timedelta(days=7)
    found = vectors(session, run, TUESDAY)
    assert found["quality.available_w", "U3"].tolist() == [0] * 10 + [12] * 10 + [0] * 28
    available = stored(session, "U3", AVAILABLE, TUESDAY - week_before)[0]
    assert found["estimated.available_w", "U3"].tolist()[10:20] == available[10:20]
    found = vectors(session, run, LAST)
    whole = stored(session, "C-office", DEMAND, LAST - week_before)[0]
    assert found["estimated.metered_demand_wh", "C-office"].tolist() == whole
    assert set(found["quality.metered_demand_wh", "C-office"].tolist()) == {12}
    for day in DAYS:
        found = vectors(session, run, day)
        sums = {"charge": 0, "payment": 0, "equalisation_micro": 0}
        for (measure, _), values in found.items():
            kind = measure.partition(".")[0]
            if measure.endswith("_micro") and kind in sums:
                sums[kind] = sums[kind] + values
        assert (sums["charge"] == sums["payment"] + sums["equalisation_micro"]).all()


def test_the_ledger_holds_the_energy_that_was_used(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    run = settle_days(session)
    post(session, run, now=SETTLED)
    posted = dict(
        session.execute(
            text(
                "SELECT account, amount FROM ledger.posting JOIN ledger.journal "
                "ON number = journal_number WHERE settlement_day = :day"
            ),
            {"day": LAST},
        ).all()
    )
    used = vectors(session, run, LAST)["estimated.metered_demand_wh", "C-office"]
    assert posted["tiny:WH:doric:demand:C-office"] == used.sum()


def test_the_days_come_out_the_same_however_they_are_split(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    whole = settle_days(session, threads=2)
    assert replay(session, whole, threads=1).is_same
    for day in DAYS:
        alone = settle_days(session, day, day)
        assert dict(day_digests(session, alone))[day] == dict(day_digests(session, whole))[day]
        assert replay(session, alone).is_same


def test_a_reading_of_another_day_that_was_looked_at_is_an_input(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    first = settle_days(session)
    assert settle_days(session, now=CORRECTED).id == first.id
    week_before = dt.date(2024, 1, 3)
    take_in(session, rows(week_before, week_before, seed=9, only=["C-home"]), CORRECTED)
    after = CORRECTED + dt.timedelta(minutes=1)
    assert settle_days(session, now=after).id == first.id
    take_in(session, rows(week_before, week_before, seed=9, only=["C-office"]), after)
    later = settle_days(session, now=RESETTLED)
    assert later.id != first.id
    new = vectors(session, later, LAST)["estimated.metered_demand_wh", "C-office"]
    old = vectors(session, first, LAST)["estimated.metered_demand_wh", "C-office"]
    assert (new != old).any()
    assert replay(session, first).is_same


def test_a_measured_reading_that_comes_later_corrects_the_estimate_by_the_difference(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    estimated = settle_days(session)
    post(session, estimated, now=SETTLED)
    take_in(session, rows(), CORRECTED)
    measured = settle_days(session, kind="SF", now=RESETTLED)
    post(session, measured, now=RESETTLED)
    assert not [
        key for day in DAYS for key in vectors(session, measured, day) if "quality" in key[0]
    ]
    moved = session.scalar(
        text(
            "SELECT amount FROM ledger.posting JOIN ledger.journal ON number = journal_number "
            "WHERE account = 'tiny:WH:doric:demand:C-office' AND run_kind = 'SF' "
            "AND settlement_day = :day"
        ),
        {"day": LAST},
    )
    truth = sum(stored(session, "C-office", DEMAND, LAST, RESETTLED)[0])
    used = vectors(session, estimated, LAST)["estimated.metered_demand_wh", "C-office"]
    assert moved == truth - used.sum()


def test_what_no_step_can_fill_is_refused_with_the_steps_that_were_tried(session):
    publish_rules(session, **ESTIMATING)
    lines = gapped()
    for day in (TUESDAY, TUESDAY - dt.timedelta(days=7)):
        lines = without(lines, "C-home", DEMAND, day, range(40, 44), "missing")
    take_in(session, lines)
    with pytest.raises(Refused) as refused:
        settle_days(session)
    (finding,) = refused.value.findings
    assert (finding.code, finding.place) == ("no-estimate", "tiny 2024-01-09")
    assert finding.value == (
        "metered demand of C-home lacks 4: 20:00Z, 20:30Z, 21:00Z, 21:30Z; "
        "tried interpolate, same-weekday"
    )
    settle_days(session, FIRST, FIRST)


def test_a_run_refuses_where_too_much_is_estimated(session):
    publish_rules(session, **ESTIMATING, estimated_at_most_ppm=100_000)
    take_in(session, gapped())
    settle_days(session, FIRST, TUESDAY)
    with pytest.raises(Refused) as refused:
        settle_days(session)
    (finding,) = refused.value.findings
    assert (finding.code, finding.place) == ("too-much-estimated", "tiny 2024-01-10")
    assert finding.limit.endswith("of a day's metered demand is estimated")
    amount = r"([\d.,]+)\xa0(k|M)Wh"
    told = re.fullmatch(rf"{amount} of {amount} estimated, ([\d.]+)\xa0%", finding.value)
    part, whole = (
        Fraction(told[at].replace(",", "")) * (1_000 if told[at + 1] == "M" else 1) for at in (1, 3)
    )
    percent = Fraction(told[5])
    assert percent - Fraction(1, 10_000) < part / whole * 100 <= percent
    assert percent > 10
    assert finding.limit == "at most 10\xa0% of a day's metered demand is estimated"


def test_what_the_meter_operator_estimated_counts_as_estimated_and_settles_as_it_is(session):
    publish_rules(session)
    lines = [
        line.replace("measured", "estimated") if ",B-home," in line else line for line in rows()
    ]
    take_in(session, lines)
    run = settle_days(session)
    found = vectors(session, run)
    assert set(found["quality.metered_demand_wh", "B-home"].tolist()) == {1}
    assert found["estimated.metered_demand_wh", "B-home"].tolist() == stored(session)[0]


@pytest.fixture
def with_a_peak(session):
    """A file with a peak beyond 10,000 households at 3 kW and one reading below zero."""

    def make(**meter_data):
        publish_rules(session, plausible_demand_ppm=1_600_000, **meter_data)
        changed = {at(FIRST, 5): 25_000_000, at(FIRST, 6): -4}
        return [
            ",".join([*line.split(",")[:3], str(changed[line.split(",")[0]]), "measured"])
            if ",B-home," in line and line.split(",")[0] in changed
            else line
            for line in rows()
        ]

    return make


def test_an_implausible_reading_is_refused_by_default(session, with_a_peak):
    with pytest.raises(Refused) as refused:
        take_in(session, with_a_peak())
    assert codes(refused) == ["above-plausible", "negative"]
    assert refused.value.findings[0].limit.startswith("at most 24000000 Wh")


def test_an_implausible_reading_that_is_flagged_settles_as_it_is(session, with_a_peak):
    _late, notice = take_in(session, with_a_peak(implausible="flag")).notices
    assert notice.code == "implausible"
    assert notice.value.startswith("2 readings of 1 supply points, the first 25000000 Wh of B-home")
    values, quality = stored(session)
    assert quality == "MMMMMmm" + "M" * 41
    assert values[5:7] == [25_000_000, -4]
    found = vectors(session, settle_days(session))
    assert found["quality.metered_demand_wh", "B-home"].tolist() == [0] * 5 + [3, 3] + [0] * 41
    assert ("estimated.metered_demand_wh", "B-home") not in found


def test_an_implausible_reading_may_be_set_aside_and_estimated(session, with_a_peak):
    take_in(session, with_a_peak(**ESTIMATING, implausible="estimate"))
    values, quality = stored(session)
    assert (values[5], quality[5:7]) == (25_000_000, "mm")
    found = vectors(session, settle_days(session))
    line = [values[4] + (values[7] - values[4]) * k // 3 for k in (1, 2)]
    assert found["estimated.metered_demand_wh", "B-home"].tolist()[5:7] == line


def issue(session, now):
    issued = issue_month(session, "tiny", START, now=now)
    return {
        (invoice.row.participant, line.kind, line.subject): line
        for invoice in issued.invoices
        for line in invoice.lines
    }


def test_a_line_says_whether_it_rests_on_estimates_and_how_much_of_it(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    run = settle_days(session)
    post(session, run, now=SETTLED)
    lines = issue(session, SETTLED)
    told = {
        (measure, entity): [
            vectors(session, run, day).get((f"estimated.{measure}", entity)) for day in DAYS
        ]
        for measure, entity in ((DEMAND, "B-home"), (DEMAND, "C-office"), (GENERATION, "U2"))
    }
    sums = {
        key: sum(int(vector.sum()) for vector in of if vector is not None)
        for key, of in told.items()
    }
    for kind, subject, participant, key in (
        ("charge.fuel", "B-home", "cedar", (DEMAND, "B-home")),
        ("charge.dynamic", "C-office", "doric", (DEMAND, "C-office")),
        ("payment.fuel", "U2", "birch", (GENERATION, "U2")),
    ):
        line = lines[participant, kind, subject]
        assert (line.quality, line.estimated_quantity) == ("estimated", sums[key])
        assert 0 < line.estimated_quantity < line.quantity
    assert {
        key: (line.quality, line.estimated_quantity)
        for key, line in lines.items()
        if key[2] in {"C-home", "U1", "U4", "U3"}
    } == {
        ("cedar", "charge.adequacy", "C-home"): ("measured", 0),
        ("cedar", "charge.fuel", "C-home"): ("measured", 0),
        ("cedar", "charge.location", "C-home"): ("measured", 0),
        ("cedar", "charge.regulated", "C-home"): ("measured", 0),
        ("alder", "payment.regulated", "U1"): ("none", None),
        ("alder", "payment.adequacy", "U3"): ("estimated", None),
        ("alder", "payment.location", "U3"): ("estimated", None),
        ("alder", "payment.fuel", "U3"): ("measured", 0),
        ("birch", "payment.adequacy", "U4"): ("measured", None),
        ("birch", "payment.location", "U4"): ("measured", None),
        ("birch", "payment.fuel", "U4"): ("measured", 0),
    }


def test_the_note_of_a_correction_says_what_is_no_longer_estimated(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    post(session, settle_days(session), now=SETTLED)
    first = issue(session, SETTLED)
    take_in(session, only(rows(), "B-home", DEMAND, FIRST, [3]), CORRECTED)
    post(session, settle_days(session, kind="SF", now=RESETTLED), now=RESETTLED)
    partly = issue(session, RESETTLED)
    take_in(session, rows(), RESETTLED + dt.timedelta(minutes=1))
    last = RESETTLED + dt.timedelta(hours=1)
    post(session, settle_days(session, kind="R1", now=last), now=last)
    whole = issue(session, last)
    key = ("cedar", "charge.fuel", "B-home")
    assert [lines[key].quality for lines in (first, partly, whole)] == [
        "estimated",
        "estimated",
        "measured",
    ]
    estimated = [lines[key].estimated_quantity for lines in (first, partly, whole)]
    assert estimated[1] < 0 > estimated[2]
    assert sum(estimated) == 0


def test_an_estimate_of_nothing_is_an_estimate(session):
    zero = [{"method": "zero", "measures": ALL}]
    publish_rules(session, **ESTIMATING | {"estimation": zero})
    take_in(session, without(rows(), "B-home", DEMAND, FIRST, [3]))
    post(session, settle_days(session), now=SETTLED)
    line = issue(session, SETTLED)["cedar", "charge.fuel", "B-home"]
    assert (line.quality, line.estimated_quantity) == ("estimated", 0)


def counts(report) -> dict[str, dict[str, int]]:
    return {counted.measure: dict(counted.intervals) for counted in report.measures}


def test_a_report_says_before_a_run_what_it_would_use_and_why_it_would_refuse(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, without(gapped(), "C-home", DEMAND, TUESDAY - 7 * ONE_DAY, [40]))
    report = reading_quality(session, "tiny", FIRST, LAST, known=SETTLED)
    assert counts(report) == {
        GENERATION: {"measured": 575, "estimated by rule: interpolate": 1},
        AVAILABLE: {"measured": 566, "estimated by rule: same-weekday": 10},
        DEMAND: {
            "measured": 526,
            "estimated by rule: interpolate": 2,
            "estimated by rule: same-weekday": 48,
        },
    }
    assert report.findings == ()
    assert [
        (entity.measure, entity.entity) for entity in report.entities if not entity.is_measured
    ] == [
        (GENERATION, "U2"),
        (AVAILABLE, "U3"),
        (DEMAND, "B-home"),
        (DEMAND, "C-office"),
    ]
    assert run_quality(session, settle_days(session)) == report.measures
    gone = [line for line in rows() if f",C-home,{DEMAND}," in line or line.startswith("interval")]
    gone = without(gone, "C-home", DEMAND, TUESDAY, range(40, 44), "missing")
    take_in(session, without(gone, "C-home", DEMAND, TUESDAY - 7 * ONE_DAY, [40]), CORRECTED)
    report = reading_quality(session, "tiny", FIRST, LAST, known=RESETTLED)
    assert counts(report)[DEMAND]["missing"] == 1
    assert [finding.code for finding in report.findings] == ["no-estimate"]


def test_an_estimate_is_explained_down_to_the_readings_it_rests_on(session):
    publish_rules(session, **ESTIMATING)
    take_in(session, gapped())
    run = settle_days(session)
    used = vectors(session, run)["estimated.metered_demand_wh", "B-home"]
    truth = stored(session)[0]
    node = Grounds(day_facts(session, run, FIRST), 3).reading(DEMAND, "B-home", "Energy taken")
    assert node.value == used[3]
    assert node.source.startswith("estimated by rule, step 1, interpolate; revision 1 has no")
    assert "straight line" in node.formula
    assert [(child.label, child.value, child.unit) for child in node.children] == [
        ("Reading of B-home on 2024-01-08, interval 3", truth[2], "Wh"),
        ("Reading of B-home on 2024-01-08, interval 6", truth[5], "Wh"),
    ]
    measured = Grounds(day_facts(session, run, FIRST), 2).reading(DEMAND, "B-home", "Energy taken")
    received = r"received \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC in"
    assert re.match(f"revision 1, measured, {received} ", measured.source)
    assert (measured.value, measured.children, measured.formula) == (truth[2], (), "")
    whole = Grounds(day_facts(session, run, LAST), 0).reading(DEMAND, "C-office", "Energy taken")
    assert whole.source == "estimated by rule, step 2, same-weekday; no reading was received"
    assert whole.children[0].label == "Reading of C-office on 2024-01-03, interval 1"


def test_a_share_of_others_is_explained_in_numbers(session):
    steps = [{"method": "profile", "measures": ALL, "weeks": 1}]
    publish_rules(session, **ESTIMATING | {"estimation": steps})
    take_in(session, without(rows(), "B-home", DEMAND, TUESDAY, [7]))
    run = settle_days(session, TUESDAY, TUESDAY)
    node = Grounds(day_facts(session, run, TUESDAY), 7).reading(DEMAND, "B-home", "Energy taken")
    now = stored(session, "C-home", day=TUESDAY)[0][7]
    own, theirs = (sum(stored(session, name)[0]) for name in ("B-home", "C-home"))
    assert node.value == now * own // theirs
    assert [child.value for child in node.children] == [now, own, theirs]
    written = [megawatt_hours(value) for value in (now, own, theirs)]
    assert node.formula == "{} × {} ÷ {}, rounded down".format(*written)
