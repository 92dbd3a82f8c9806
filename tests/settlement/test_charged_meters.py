"""Charges on generating units and on sub-meters: billed to who answers for them, and nothing else.

Denmark's published scenario 01: a subscription and a tariff on a production point, and on a point
that is not itself settled for energy.
"""

import csv
import datetime as dt
import io
import re
from collections import defaultdict

import numpy as np
import pytest
from sqlalchemy import text

import ledger.verification
from common.refusals import Refused
from ledger.invoice import document_number
from rulebook.documents import ChargeList, Registration
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.core.periods import interval_starts
from settlement.datasets.files import Form
from settlement.datasets.market_files import make_synthetic_files
from settlement.documents.formats import FORMATS
from settlement.documents.render import find_document, render_document
from settlement.explanations.explain import explain_interval, explain_line, find_line, line_day
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.register import SUB_METERED
from settlement.replays.replay import replay
from settlement.runs.reading_quality import reading_quality, run_quality
from settlement.runs.settle import settle
from settlement.runs.store import day_vectors, stored_values
from tests.settlement.study_cases import study_tiny
from tests.settlement.test_pass_through import exported_findings, nodes, publish_later
from tests.worlds import tiny_market
from tests.worlds.settled import INGESTED, SETTLED, ingest_tiny, publish_tiny

FIRST, SECOND = dt.date(2024, 1, 1), dt.date(2024, 1, 2)
CHARGED = ("tariff", "subscription")
ALWAYS = {"from_day": FIRST}
KWH_PRICE_MICRO = 1_000
LINKS = (
    {"charge": "feed", "unit": "U2"},
    {"charge": "feed", "unit": "U3"},
    {"charge": "heat", "sub_meter": "B-heat"},
    {"charge": "heat", "supply_point": "B-office"},
    {"charge": "meter", "unit": "U2"},
    {"charge": "meter", "sub_meter": "B-heat", "quantity": 2},
    {"charge": "meter", "sub_meter": "U2-own"},
)


def charges(links=LINKS):
    head = {"clause": "CL-1", "taxed": True}
    flat = [ALWAYS | {"price_micro_per_kwh": KWH_PRICE_MICRO}]
    body = tiny_market.charge_list().model_dump() | {
        "tariffs": [
            head | {"code": "feed", "title": "Feeding in", "resolution": "hour", "prices": flat},
            head | {"code": "heat", "title": "Heating", "resolution": "day", "prices": flat},
        ],
        "subscriptions": [
            head
            | {"code": "meter", "title": "Meter", "clause": "CL-3"}
            | {"prices": [ALWAYS | {"price_micro_per_month": 31_000_000}]}
        ],
        "fees": [],
        "links": [ALWAYS | link for link in links],
    }
    return [tiny_market.charges()[0], ChargeList.model_validate(body)]


def with_sub_meters(sub_meters):
    """Registrations of the market, some with sub-meters, by participant."""
    return [
        Registration.model_validate(
            each.model_dump()
            | {
                "sub_meters": [
                    {"sub_meter": name, "title": f"Sub-meter {name}"} | more
                    for name, more in sub_meters.get(each.participant, {}).items()
                ]
            }
        )
        for each in tiny_market.registrations()
    ]


def published(session, sub_meters=None, links=LINKS, **rules):
    found = sub_meters or {"cedar": {"B-heat": {}}, "birch": {"U2-own": {}}}
    law = [tiny_market.market_rules(**rules), *tiny_market.documents()[1:3]]
    law += [*with_sub_meters(found), tiny_market.settlement_terms()]
    publish_tiny(session, [*law, *charges(links)])


def sub_metered(entity, values, day=FIRST, minutes=30, quality="measured"):
    starts = interval_starts(day, tiny_market.ZONE, minutes)
    return [
        f"{start:%Y-%m-%dT%H:%MZ},{entity},{SUB_METERED},{value},{quality}"
        for start, value in zip(starts, values, strict=True)
        if value is not None
    ]


def metered(session, *rows):
    """Ingest the readings of the first day, those of sub-meters among them."""
    lines = tiny_market.readings_csv(FIRST, FIRST).decode().splitlines()
    for number, line in enumerate(lines):
        start, entity, measure, value, quality = line.split(",")
        # What the battery takes in bears no tariff on what it feeds in.
        if (entity, measure) == ("U3", "metered_generation_wh") and start.endswith("30:00Z"):
            lines[number] = f"{start},{entity},{measure},{-int(value)},{quality}"
    content = "\n".join([*lines, *(row for of_meter in rows for row in of_meter)]) + "\n"
    ingest(session, "tiny", [MeterFile("readings.csv", content.encode())], received_at=INGESTED)
    return content


HEAT = [100_000 + number for number in range(48)]
OWN = [7] * 48


def usual(session):
    content = metered(session, sub_metered("B-heat", HEAT), sub_metered("U2-own", OWN))
    return settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED).run, content


def billed(session, run):
    post(session, run, now=SETTLED)
    return issue_month(session, "tiny", FIRST, now=SETTLED).invoices


def lines_of(invoices):
    return {
        (invoice.row.participant, line.kind, line.subject): line
        for invoice in invoices
        for line in invoice.lines
        if line.kind.partition(".")[2] in CHARGED
    }


def energy_by_hour(content, measure):
    """Return entity -> Wh an hour, without what is negative, of a winter's day in London."""
    found = defaultdict(lambda: [0] * 24)
    for row in csv.DictReader(io.StringIO(content)):
        if row["measure"] == measure:
            hour = dt.datetime.fromisoformat(row["interval_start"]).hour
            found[row["entity"]][hour] += max(int(row["value"]), 0)
    return found


def micro(wh):
    return (wh * KWH_PRICE_MICRO + 500) // 1_000


def test_who_answers_for_a_unit_or_sub_meter_is_billed(session):
    published(session)
    run, content = usual(session)
    generated = energy_by_hour(content, "metered_generation_wh")
    office = sum(energy_by_hour(content, "metered_demand_wh")["B-office"])
    lines = lines_of(billed(session, run))
    fed = {"birch": generated["U2"], "alder": generated["U3"]}
    expected = {
        **{
            (who, "charge.tariff", "feed"): (sum(map(micro, by_hour)), sum(by_hour))
            for who, by_hour in fed.items()
        },
        ("cedar", "charge.tariff", "heat"): (micro(sum(HEAT)), sum(HEAT)),
        ("doric", "charge.tariff", "heat"): (micro(office), office),
        ("birch", "charge.subscription", "meter"): (2_000_000, 2),
        ("cedar", "charge.subscription", "meter"): (2_000_000, 2),
    }
    charged = {key: line for key, line in lines.items() if key[1].startswith("charge.")}
    assert {key: (line.amount_micro, line.quantity) for key, line in charged.items()} == expected
    paid = {key: line.amount_micro for key, line in lines.items() if key not in charged}
    assert sum(paid.values()) == -sum(amount for amount, _ in expected.values())
    assert {who for who, _, _ in paid} == {"elder"}
    assert list(ledger.verification.verify(session)) == []
    assert replay(session, run).is_same
    assert not exported_findings(session, run)


def test_nothing_but_the_charges_comes_of_them(session):
    published(session)
    run, _ = usual(session)
    with_charges = stored_values(day_vectors(session, run.id, FIRST))
    session.rollback()
    publish_tiny(session)
    metered(session)
    run = settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED).run
    without = stored_values(day_vectors(session, run.id, FIRST))
    assert without.keys() < with_charges.keys()
    for key, values in without.items():
        assert np.array_equal(values, with_charges[key]), key
    added = {measure for measure, _ in with_charges.keys() - without.keys()}
    assert {re.split(r"[._]", measure)[1] for measure in added} == set(CHARGED)


def test_the_energy_of_a_sub_meter_stands_in_no_account(session):
    published(session)
    run, _ = usual(session)
    post(session, run, now=SETTLED)
    accounts = session.execute(text("SELECT code FROM ledger.account")).scalars().all()
    assert "tiny:CHARGED-WH:cedar:charge.tariff:heat" in accounts
    assert not [code for code in accounts if "B-heat" in code or "U2-own" in code]
    assert "tiny:WH:-:imbalance:market" in accounts


def test_lines_are_explained_down_to_the_readings_of_the_meter(session):
    published(session)
    run, _ = usual(session)
    labels = {}
    for invoice in billed(session, run):
        for line in invoice.lines:
            if line.kind.partition(".")[2] not in CHARGED:
                continue
            reference = find_line(session, invoice.row.id, line.line)
            assert explain_line(session, reference).value == line.amount_micro
            of_day = line_day(session, reference, FIRST)
            tree = explain_interval(reference, of_day, 0)
            assert tree.value == of_day.amounts_micro[0]
            labels[invoice.row.participant, line.kind, line.subject] = {
                node.label for node in nodes(tree)
            }
            number = document_number(invoice.row.series, invoice.row.number)
            rows = render_document(session, find_document(session, number), FORMATS["csv"]).decode()
            assert line.quantity == sum(
                int(row["quantity"])
                for row in csv.DictReader(io.StringIO(rows))
                if int(row["line"]) == line.line
            ) * (-1 if line.quantity < 0 else 1)
    assert "Energy generated (U3)" in labels["alder", "charge.tariff", "feed"]
    assert {"Energy generated (U2)", "Energy generated, 00:30 (U2)"} <= labels[
        "birch", "charge.tariff", "feed"
    ]
    sub_meter = "Energy of a sub-meter, which is settled with the meter before it (B-heat)"
    assert sub_meter in labels["cedar", "charge.tariff", "heat"]
    assert "Quantity linked (U2-own)" in labels["birch", "charge.subscription", "meter"]
    assert {sub_meter, "Energy taken (B-office)"} <= labels["elder", "payment.tariff", "heat"]


ESTIMATES = {
    "missing": "estimate",
    "incomplete_day": "accept",
    "estimation": [
        {"method": "interpolate", "measures": [SUB_METERED], "at_most_intervals": 3},
        {"method": "zero", "measures": [SUB_METERED]},
    ],
}


def test_a_sub_meter_is_estimated_as_others_are_and_its_line_says_so(session):
    published(session, **ESTIMATES)
    gap = [None if number in (5, 6) else value for number, value in enumerate(HEAT)]
    metered(session, sub_metered("B-heat", gap), sub_metered("U2-own", OWN))
    run = settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED).run
    values = stored_values(day_vectors(session, run.id, FIRST))
    assert values[f"estimated.{SUB_METERED}", "B-heat"][5:7].tolist() == HEAT[5:7]
    (counts,) = [each for each in run_quality(session, run) if each.measure == SUB_METERED]
    assert counts.intervals == {"measured": 94, "estimated by rule: interpolate": 2}
    lines = lines_of(billed(session, run))
    for key in (("cedar", "charge.tariff", "heat"), ("elder", "payment.tariff", "heat")):
        assert (lines[key].quality, lines[key].estimated_quantity) == ("estimated", sum(HEAT[5:7]))
    assert lines["doric", "charge.tariff", "heat"].quality == "measured"
    assert replay(session, run).is_same
    assert not exported_findings(session, run)


def test_an_estimate_of_a_unit_is_that_of_its_tariff(session):
    published(session)
    lines = tiny_market.readings_csv(FIRST, FIRST).decode().splitlines()
    at = next(n for n, line in enumerate(lines) if ",U2,metered_generation_wh," in line)
    lines[at] = lines[at].replace(",measured", ",estimated")
    rows = [*lines, *sub_metered("B-heat", HEAT), *sub_metered("U2-own", OWN)]
    content = ("\n".join(rows) + "\n").encode()
    ingest(session, "tiny", [MeterFile("readings.csv", content)], received_at=INGESTED)
    run = settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED).run
    found = lines_of(billed(session, run))
    energy = int(lines[at].split(",")[3])
    line = found["birch", "charge.tariff", "feed"]
    assert (line.quality, line.estimated_quantity) == ("estimated", energy)
    assert found["alder", "charge.tariff", "feed"].quality == "measured"


def test_a_sub_meter_without_readings_refuses_the_run(session):
    published(session)
    metered(session, sub_metered("B-heat", HEAT))
    with pytest.raises(Refused) as refused:
        settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED)
    assert [(each.code, each.value.partition(" known")[0]) for each in refused.value.findings] == [
        ("no-reading", "no sub-metered energy of U2-own")
    ]
    report = reading_quality(session, "tiny", FIRST, FIRST, known=SETTLED)
    assert report.findings == tuple(refused.value.findings)


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        (sub_metered("B-heat", [-1, *HEAT[1:]]), ["negative"]),
        ([row.replace(SUB_METERED, "metered_demand_wh") for row in sub_metered("B-heat", HEAT)],
         ["wrong-measure"]),
        ([row.replace("B-heat", "B-home") for row in sub_metered("B-heat", HEAT)],
         ["wrong-measure"]),
        (sub_metered("B-heat", [None, *HEAT[1:]]), ["missing-intervals"]),
        (sub_metered("Z-heat", HEAT), ["unknown-entity"]),
        (sub_metered("B-heat", HEAT[::2], minutes=60), ["resolution"]),
    ],
)  # fmt: skip
def test_readings_of_a_sub_meter_are_checked_as_others_are(session, rows, codes):
    published(session)
    content = "\n".join(["interval_start,entity,measure,value,quality", *rows]) + "\n"
    with pytest.raises(Refused) as refused:
        ingest(session, "tiny", [MeterFile("r.csv", content.encode())], received_at=INGESTED)
    assert [finding.code for finding in refused.value.findings] == codes


def test_an_hourly_sub_meter_keeps_its_energy(session):
    published(session, {"cedar": {"B-heat": {"resolution_minutes": 60}}, "birch": {"U2-own": {}}})
    hours = [101] * 24
    metered(session, sub_metered("B-heat", hours, minutes=60), sub_metered("U2-own", OWN))
    run = settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED).run
    values = stored_values(day_vectors(session, run.id, FIRST))
    assert values["quantity.tariff_wh", "heat/cedar"].sum() == 101 * 24


def test_a_link_goes_on_when_another_answers_for_the_sub_meter(session):
    published(session)
    moved = with_sub_meters({"doric": {"B-heat": {}}})
    publish_later(
        session, [each for each in moved if each.participant in ("cedar", "doric")], SECOND
    )
    ingest_tiny(session, SECOND, SECOND)
    rows = [*sub_metered("B-heat", HEAT, SECOND), *sub_metered("U2-own", OWN, SECOND)]
    content = "\n".join(["interval_start,entity,measure,value,quality", *rows]) + "\n"
    ingest(session, "tiny", [MeterFile("sub.csv", content.encode())], received_at=INGESTED)
    usual(session)
    run = settle(session, "tiny", "II", FIRST, SECOND, known_at=SETTLED, now=SETTLED).run
    lines = lines_of(billed(session, run))
    assert lines["cedar", "charge.subscription", "meter"].quantity == 2
    assert lines["doric", "charge.subscription", "meter"].quantity == 2


def test_a_made_data_set_reads_sub_meters_too(session):
    published(session)
    files = make_synthetic_files(
        session, "tiny", FIRST, FIRST, seed=1, known=INGESTED, form=Form.CSV,
        progress=lambda done, of: None,
    )  # fmt: skip
    assert [file.name for file in files][-1] == "tiny-2024-01-01-to-2024-01-01-sub-meters.csv"
    ingest(session, "tiny", files, received_at=INGESTED)
    settle(session, "tiny", "II", FIRST, FIRST, known_at=SETTLED, now=SETTLED)


def test_in_a_study_a_tariff_on_a_unit_follows_what_it_would_generate(session):
    published(session)
    usual(session)
    study = study_tiny(session, days=(FIRST, FIRST))
    values = stored_values(day_vectors(session, study.run.id, FIRST))
    # U2 is out in the study, and its sub-meter counts as metered.
    assert values["quantity.tariff_wh", "feed/birch"].sum() == 0
    assert values["quantity.tariff_wh", "feed/alder"].sum() == (
        np.maximum(values["study.generation_wh", "U3"], 0).sum()
    )
    assert values["quantity.subscription_days", "meter/birch"].sum() == 2
    assert values["quantity.tariff_wh", "heat/cedar"].sum() == sum(HEAT)
