"""Pass-through charges from publication to invoice, over a change of supplier in mid-month."""

import csv
import datetime as dt
import io
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader
from sqlalchemy import text

import ledger.verification
from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.invoice import document_number
from ledger.log.checkpoints import publish_checkpoint
from rulebook.documents.market_rules import Tax
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.documents.formats import FORMATS
from settlement.documents.render import find_document, render_document
from settlement.documents.wording import arithmetic_words, quantity_words
from settlement.explanations.explain import explain_interval, explain_line, find_line, line_day
from settlement.meters.ingest import MeterFile, ingest
from settlement.replays.replay import replay
from settlement.runs.findings import run_findings
from settlement.runs.settle import settle
from settlement.runs.store import day_vectors, stored_values
from tests.settlement.evidence_cases import Memory, exported
from tests.settlement.people_units import storage_units_in
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.logged import signer
from tests.worlds.settled import (
    CORRECTED,
    INGESTED,
    PUBLISHED,
    RESETTLED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
)

FIRST, LAST = dt.date(2024, 1, 1), dt.date(2024, 1, 31)
MOVED = dt.date(2024, 1, 16)
AFTER_MOVE = {"cedar": ("B-home",), "doric": ("B-office", "C-home", "C-office")}
KINDS = ("tariff", "subscription", "fee")


def publish_later(session, documents, valid_from, known=PUBLISHED + dt.timedelta(minutes=1)):
    publish(
        session, documents, valid_from=valid_from, known=known,
        reason="A change of the law",
    )  # fmt: skip


def publish_with_charges(session, **changes):
    publish_tiny(session, [*tiny_market.documents(), *tiny_market.charges(**changes)])


def move_c_home(session):
    """Publish that doric supplies C-home from the 16th on; the charge list stays as it is."""
    suppliers = tiny_market.registrations(suppliers=AFTER_MOVE)[2:]
    publish_later(session, suppliers, MOVED)


def supplier_on(day, point) -> str:
    moved = tiny_market.SUPPLIERS if day < MOVED else AFTER_MOVE
    return next(supplier for supplier, points in moved.items() if point in points)


def readings_by_hour(first, last, **options):
    """Return (day, hour, point) -> Wh of the readings, by the local clock."""
    content = tiny_market.readings_csv(first, last, **options).decode()
    found: defaultdict[tuple, int] = defaultdict(int)
    for row in csv.DictReader(io.StringIO(content)):
        if row["measure"] == "metered_demand_wh":
            start = dt.datetime.fromisoformat(row["interval_start"])
            local = start.astimezone(ZoneInfo(tiny_market.ZONE))
            found[local.date(), local.hour, row["entity"]] += max(int(row["value"]), 0)
    return found


def nearest(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def expected_charges(first, last, supplier_on) -> dict[tuple[str, str], int]:
    """Return (supplier, code) -> micro, reckoned hour by hour without the product's code."""
    by_hour: defaultdict[tuple, int] = defaultdict(int)
    by_day: defaultdict[tuple, int] = defaultdict(int)
    for (day, hour, point), wh in readings_by_hour(first, last).items():
        by_hour[day, hour, supplier_on(day, point)] += wh
        by_day[day, supplier_on(day, point)] += wh
    charged: defaultdict[tuple[str, str], int] = defaultdict(int)
    for (_, hour, supplier), wh in by_hour.items():
        price = 11_003 if hour < 7 else 31_337 if hour < 19 else 17_017
        charged[supplier, "grid"] += nearest(Decimal(wh) * price / 1_000)
    for (_, supplier), wh in by_day.items():
        charged[supplier, "levy"] += nearest(Decimal(wh) * 5_001 / 1_000)
    for offset in range((last - first).days + 1):
        for point in ("B-home", "C-home"):
            day = first + dt.timedelta(days=offset)
            charged[supplier_on(day, point), "meter"] += 10_000 * nearest(Decimal(2_500_000) / 31)
    charged["doric", "connect"] += 3 * 175_000_001
    return dict(charged)


def settled(session, kind, first, last, now=SETTLED):
    return settle(session, "tiny", kind, first, last, known_at=now, now=now).run


def billed(session, run, now=SETTLED):
    """Post a run, bill the month, and return the documents' lines of pass-through charges."""
    post(session, run, now=now)
    issued = issue_month(session, "tiny", FIRST, now=now)
    return lines_of(issued.invoices)


def lines_of(invoices):
    return {
        (invoice.row.participant, line.subject): line
        for invoice in invoices
        for line in invoice.lines
        if line.kind.partition(".")[2] in KINDS
    }


@pytest.fixture(scope="module")
def january(clone_database):
    """A database with a whole month, settled, posted and billed; its run and invoices."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_with_charges(session)
        move_c_home(session)
        ingest_tiny(session, FIRST, LAST)
        run = settled(session, "II", FIRST, LAST)
        post(session, run, now=SETTLED)
        invoices = issue_month(session, "tiny", FIRST, now=SETTLED).invoices
    yield made, run, invoices
    made.dispose()


@pytest.fixture
def opened(january):
    with transaction(january[0]) as session:
        yield session


def test_both_suppliers_are_billed_for_their_days_of_the_month(january):
    lines = lines_of(january[2])
    expected = expected_charges(FIRST, LAST, supplier_on)
    charged = {key: line.amount_micro for key, line in lines.items() if key[0] != "elder"}
    assert charged == expected
    assert charged["cedar", "meter"] == 10_000 * 80_645 * (31 + 15)
    assert charged["doric", "meter"] == 10_000 * 80_645 * 16


def test_a_line_states_quantity_unit_clause_and_law(opened, january):
    lines = lines_of(january[2])
    assert (lines["cedar", "meter"].quantity, lines["cedar", "meter"].quantity_unit) == (
        10_000 * (31 + 15),
        "days",
    )
    connect = lines["doric", "connect"]
    assert (connect.quantity, connect.quantity_unit, connect.kind) == (3, "pieces", "charge.fee")
    energy = readings_by_hour(FIRST, LAST)
    for code in ("grid", "levy"):
        taken = sum(
            wh for (day, _, point), wh in energy.items() if supplier_on(day, point) == "cedar"
        )
        assert (lines["cedar", code].quantity, lines["cedar", code].quantity_unit) == (taken, "Wh")
    clauses = {"grid": "CL-1", "levy": "CL-2", "meter": "CL-3", "connect": "CL-4"}
    (pin,) = {pin.digest for pin in january[1].pins if "charge-list" in pin.instrument}
    for (_, code), line in lines.items():
        assert line.clauses == (clauses[code],)
        assert line.rule_digests == (pin,)
    assert lines["cedar", "grid"].description == "Use of the grid"


def test_the_owner_is_paid_what_suppliers_are_charged(january):
    lines = lines_of(january[2])
    for code in ("grid", "levy", "meter", "connect"):
        suppliers = [line for key, line in lines.items() if key[1] == code and key[0] != "elder"]
        own = lines["elder", code]
        assert own.amount_micro == -sum(line.amount_micro for line in suppliers)
        assert own.quantity == sum(line.quantity for line in suppliers)
    (self_billed,) = [invoice for invoice in january[2] if invoice.row.participant == "elder"]
    assert self_billed.row.kind == "self-billed invoice"
    assert len(self_billed.lines) == 4


def test_charges_are_payments_and_equalisation_in_every_interval(opened, january):
    for day in january[1].days:
        values = stored_values(day_vectors(opened, january[1].id, day))
        balance = 0
        for (measure, _), vector in values.items():
            if measure.startswith("charge."):
                balance = balance + vector
            elif measure.startswith("payment.") or measure == "equalisation_micro":
                balance = balance - vector
        assert not balance.any()


def test_pass_through_moves_no_equalisation_and_no_other_result(opened, january, session):
    publish_tiny(session)
    publish_later(session, tiny_market.registrations(suppliers=AFTER_MOVE)[2:], MOVED)
    ingest_tiny(session, MOVED, MOVED)
    run = settled(session, "II", MOVED, MOVED)
    without = {(v.measure, v.entity) for v in day_vectors(session, run.id, MOVED)}
    both = {(v.measure, v.entity) for v in day_vectors(opened, january[1].id, MOVED)}
    assert without < both
    added = {measure for measure, _ in both - without}
    assert all(measure.rpartition(".")[2].split("_")[0] in KINDS for measure in added)


def test_every_commodity_of_every_journal_sums_to_zero(opened):
    rows = opened.execute(
        text(
            "SELECT commodity, sum(amount)::bigint, count(*) FROM ledger.posting "
            "JOIN ledger.account ON code = account GROUP BY journal_number, commodity"
        )
    ).all()
    assert {row[0] for row in rows} == {
        "GBP", "WH", "CHARGED-WH", "CHARGED-DAYS", "CHARGED-PIECES"
    }  # fmt: skip
    assert all(total == 0 for _, total, _ in rows)


def test_a_replay_gives_the_same_bytes(opened, january):
    again = replay(opened, january[1], threads=2)
    assert again.is_same, again.first_difference


def references(session, invoices):
    for invoice in invoices:
        for number, line in enumerate(invoice.lines, start=1):
            if line.kind.partition(".")[2] in KINDS:
                yield find_line(session, invoice.row.id, number)


def nodes(tree):
    yield tree
    for child in tree.children:
        yield from nodes(child)


def test_a_line_is_explained_down_to_price_and_readings(opened, january):
    for reference in references(opened, january[2]):
        explained = explain_line(opened, reference)
        assert explained.value == reference.line.amount_micro
        day = explained.children[0].day
        of_day = line_day(opened, reference, day)
        assert int(of_day.amounts_micro.sum()) == explained.children[0].value
        for interval in (0, 1, 15):
            tree = explain_interval(reference, of_day, interval)
            assert tree.value == of_day.amounts_micro[interval]
            assert storage_units_in(tree) == []
            assert tree.value == reference.kind.sign * tree.children[0].value
            cited = {clause.anchor for node in nodes(tree) for clause in node.clauses}
            assert set(reference.line.clauses) <= cited


def test_an_hour_of_a_tariff_names_its_price_and_the_energy_of_each_point(opened, january):
    (reference,) = [
        each
        for each in references(opened, january[2])
        if (each.invoice.participant, each.line.subject) == ("cedar", "grid")
    ]
    of_day = line_day(opened, reference, dt.date(2024, 1, 3))
    (tree,) = explain_interval(reference, of_day, 14).children
    price, *points = tree.children
    assert (price.value, price.unit) == (31_337, "micro/kWh")
    assert {clause.anchor for clause in tree.clauses} == {"CL-1"}
    energy = readings_by_hour(FIRST, LAST)
    assert [point.value for point in points] == [
        energy[of_day.day, 7, "B-home"],
        energy[of_day.day, 7, "C-home"],
    ]
    assert tree.value == nearest(Decimal(sum(point.value for point in points)) * 31_337 / 1_000)
    for point in points:
        assert sum(reading.value for reading in point.children) == point.value
        assert all("readings.csv" in reading.source for reading in point.children)
    (empty,) = explain_interval(reference, of_day, 15).children
    assert (empty.value, empty.formula) == (0, "counted in the interval that begins the hour")


def test_what_the_owner_is_paid_is_made_of_what_each_supplier_owes(opened, january):
    (reference,) = [
        each
        for each in references(opened, january[2])
        if (each.invoice.participant, each.line.subject) == ("elder", "levy")
    ]
    of_day = line_day(opened, reference, MOVED)
    (tree,) = explain_interval(reference, of_day, 0).children
    assert [(child.label, child.owner) for child in tree.children] == [
        ("cedar", "cedar"),
        ("doric", "doric"),
    ]
    assert tree.value == sum(child.value for child in tree.children)


@pytest.mark.parametrize(
    ("day", "intervals"), [(dt.date(2024, 3, 31), 46), (dt.date(2024, 10, 27), 50)]
)
def test_a_day_on_which_clocks_change(session, day, intervals):
    publish_with_charges(session)
    later = dt.datetime(2024, 11, 1, 9, 0, tzinfo=dt.UTC)
    ingest_tiny(session, day, day, received_at=later)
    run = settled(session, "II", day, day, later)
    values = stored_values(day_vectors(session, run.id, day))
    hours = values["quantity.tariff_wh", "grid/cedar"]
    assert len(hours) == intervals
    assert (hours > 0).tolist() == [True, False] * (intervals // 2)
    meter = values["charge.subscription_micro", "meter/cedar"]
    assert meter[0] == 20_000 * nearest(Decimal(2_500_000) / 31)
    assert values["quantity.tariff_wh", "levy/cedar"][0] == hours.sum()


def test_a_price_that_changes_in_mid_month_holds_from_its_day(session):
    change = dt.date(2024, 1, 3)
    body = tiny_market.charge_list().model_dump()
    subscription = body["subscriptions"][0]
    subscription["prices"] = [
        {"from_day": FIRST, "to_day": change, "price_micro_per_month": 3_100_000},
        {"from_day": change, "price_micro_per_month": 6_200_000},
    ]
    publish_with_charges(session, subscriptions=[subscription])
    ingest_tiny(session, FIRST, change)
    run = settled(session, "II", FIRST, change)
    amounts = [
        int(stored_values(day_vectors(session, run.id, day))[
            "charge.subscription_micro", "meter/cedar"
        ][0])
        for day in run.days
    ]  # fmt: skip
    assert amounts == [20_000 * 100_000] * 2 + [20_000 * 200_000]


def test_a_missing_price_is_flagged_and_settled_when_it_is_published(session):
    end, last = dt.date(2024, 1, 2), dt.date(2024, 1, 3)
    levy = tiny_market.charge_list().model_dump()["tariffs"]
    levy[1]["prices"] = [{"from_day": FIRST, "to_day": end, "price_micro_per_kwh": 5_001}]
    publish_with_charges(session, tariffs=levy)
    ingest_tiny(session, FIRST, last)
    run = settled(session, "II", FIRST, last)
    findings = list(run_findings(session, run))
    assert [(finding.code, finding.place) for finding in findings] == [
        ("charge-without-price", "tiny 2024-01-02 to 2024-01-03: levy of cedar"),
        ("charge-without-price", "tiny 2024-01-02 to 2024-01-03: levy of doric"),
    ]
    awaiting = sum(wh for (day, _, point), wh in readings_by_hour(FIRST, last).items()
                   if day >= end and supplier_on(day, point) == "cedar")  # fmt: skip
    written = f"{awaiting // 10**6:,}.{awaiting % 10**6:06}".rstrip("0")
    assert findings[0].value == (
        f"no price for 2 time steps, so no amount; {written}\xa0MWh await one"
    )
    values = stored_values(day_vectors(session, run.id, last))
    assert values["unpriced.tariff", "levy/cedar"].tolist() == [1] + [0] * 47
    assert not values["charge.tariff_micro", "levy/cedar"].any()
    assert replay(session, run).is_same
    post(session, run, now=SETTLED)
    first = lines_of(issue_month(session, "tiny", FIRST, now=SETTLED).invoices)

    publish_later(session, [tiny_market.charge_list()], FIRST, CORRECTED)
    later = settled(session, "SF", FIRST, last, RESETTLED)
    assert list(run_findings(session, later)) == []
    notes = billed(session, later, RESETTLED)
    assert set(notes) == {("cedar", "levy"), ("doric", "levy"), ("elder", "levy")}
    expected = expected_charges(FIRST, last, lambda _, point: supplier_on(FIRST, point))
    for supplier in ("cedar", "doric"):
        both = first[supplier, "levy"].amount_micro + notes[supplier, "levy"].amount_micro
        assert both == expected[supplier, "levy"]


SECOND = dt.date(2024, 1, 2)


def exported_findings(session, run):
    publish_checkpoint(session, signer(1), SETTLED)
    return Memory.of(exported(session, run)).findings()


def priced_from(day=None, code="levy"):
    """The charges of elder, of which one has its first price on a day, or none at all."""
    body = tiny_market.charge_list().model_dump()
    for field in ("tariffs", "subscriptions", "fees"):
        for charge in body[field]:
            if charge["code"] == code:
                charge["prices"] = [
                    {**price, "from_day": day} for price in charge["prices"] if day is not None
                ]
    return {field: body[field] for field in ("tariffs", "subscriptions", "fees")}


def taken(days, supplier):
    energy = readings_by_hour(FIRST, SECOND)
    return sum(
        wh
        for (day, _, point), wh in energy.items()
        if day in days and supplier_on(FIRST, point) == supplier
    )


def in_mwh(wh):
    return f"{wh // 10**6:,}.{wh % 10**6:06}".rstrip("0").rstrip(".") + " MWh"


@pytest.mark.parametrize("first_price", [SECOND, None])
def test_a_charge_may_be_linked_before_its_first_price(session, first_price):
    """Denmark's published scenarios 05 and 06: linked on the 1st, priced from the 2nd."""
    publish_with_charges(session, **priced_from(first_price))
    ingest_tiny(session, FIRST, SECOND)
    run = settled(session, "II", FIRST, SECOND)
    of_first = stored_values(day_vectors(session, run.id, FIRST))
    assert of_first["quantity.tariff_wh", "levy/cedar"].sum() == taken([FIRST], "cedar")
    assert not of_first["charge.tariff_micro", "levy/cedar"].any()
    assert of_first["unpriced.tariff", "levy/cedar"].sum() == 1
    awaiting = [FIRST] if first_price else [FIRST, SECOND]
    (finding, _) = run_findings(session, run)
    written = in_mwh(taken(awaiting, "cedar")).replace(" ", "\xa0")
    assert finding.value == (
        f"no price for {len(awaiting)} time step{'s'[: len(awaiting) - 1]}, so no amount; "
        f"{written} await one"
    )
    assert replay(session, run).is_same
    first = billed(session, run)
    for supplier in ("cedar", "doric"):
        line = first[supplier, "levy"]
        assert line.quantity == taken([FIRST, SECOND], supplier)
        expected = (
            0
            if first_price is None
            else nearest(Decimal(taken([SECOND], supplier)) * 5_001 / 1_000)
        )
        assert line.amount_micro == expected
        words = in_mwh(taken(awaiting, supplier))
        assert line.description == f"Levy on energy; {words} of the month await a price"
    assert first["elder", "levy"].quantity == sum(
        first[supplier, "levy"].quantity for supplier in ("cedar", "doric")
    )
    assert "of the month await a price" in first["elder", "levy"].description
    assert first["cedar", "grid"].description == "Use of the grid"
    assert list(ledger.verification.verify(session)) == []


def test_what_awaited_a_price_is_billed_when_it_is_published(session):
    publish_with_charges(session, **priced_from())
    ingest_tiny(session, FIRST, SECOND)
    first = billed(session, settled(session, "II", FIRST, SECOND))
    publish_later(session, [tiny_market.charge_list()], FIRST, CORRECTED)
    later = settled(session, "SF", FIRST, SECOND, RESETTLED)
    assert list(run_findings(session, later)) == []
    notes = billed(session, later, RESETTLED)
    assert set(notes) == {("cedar", "levy"), ("doric", "levy"), ("elder", "levy")}
    for supplier in ("cedar", "doric"):
        note = notes[supplier, "levy"]
        words = in_mwh(first[supplier, "levy"].quantity)
        assert note.description == f"Levy on energy; {words} stated before have their price now"
        assert note.quantity == 0
        assert note.amount_micro > 0
    assert list(ledger.verification.verify(session)) == []


def test_a_subscription_and_a_fee_without_a_price_state_their_quantity(session):
    charges = priced_from(code="meter") | {"fees": priced_from(code="connect")["fees"]}
    publish_with_charges(session, **charges)
    ingest_tiny(session, FIRST, SECOND)
    lines = billed(session, settled(session, "II", FIRST, SECOND))
    meter, connect = lines["cedar", "meter"], lines["doric", "connect"]
    assert (meter.quantity, meter.amount_micro) == (2 * 20_000, 0)
    assert meter.description == "Metering of homes; 40,000 days of the month await a price"
    assert (connect.quantity, connect.amount_micro) == (3, 0)
    assert connect.description == "Connection; 3 pieces of the month await a price"


def test_a_line_without_an_amount_is_in_every_format_and_explained(session):
    publish_with_charges(session, **priced_from())
    ingest_tiny(session, FIRST, SECOND)
    run = settled(session, "II", FIRST, SECOND)
    post(session, run, now=SETTLED)
    issued = issue_month(session, "tiny", FIRST, now=SETTLED).invoices
    row = next(each.row for each in issued if each.row.participant == "cedar")
    number = document_number(row.series, row.number)
    document = find_document(session, number)
    for of_format in FORMATS.values():
        assert render_document(session, document, of_format)
    stated = next(line for line in document.lines if line.subject == "levy")
    assert stated.quantity == taken([FIRST, SECOND], "cedar")
    assert stated.stated_price is None
    found = find_line(session, row.id, stated.number)
    (explained,) = explain_interval(found, line_day(session, found, FIRST), 0).children
    assert explained.is_missing and explained.value == 0
    assert "kWh await a price" in explained.formula
    assert storage_units_in(explained) == []
    assert not exported_findings(session, run)


def test_a_line_that_is_partly_priced_states_no_average(session):
    """Both days count; the price holds from the second, so it is that of a part."""
    publish_with_charges(session, **priced_from(SECOND))
    ingest_tiny(session, FIRST, SECOND)
    post(session, settled(session, "II", FIRST, SECOND), now=SETTLED)
    issued = issue_month(session, "tiny", FIRST, now=SETTLED).invoices
    row = next(each.row for each in issued if each.row.participant == "cedar")
    document = find_document(session, document_number(row.series, row.number))
    stated = next(line for line in document.lines if line.subject == "levy")
    awaiting = f"{in_mwh(taken([FIRST], 'cedar'))} of the month await a price"
    assert stated.exact_micro == nearest(Decimal(taken([SECOND], "cedar")) * 5_001 / 1_000)
    assert (stated.awaited, stated.stated_price, stated.price_text) == (awaiting, None, "")
    whole = taken([FIRST, SECOND], "cedar")
    assert arithmetic_words(stated) == (
        f"{quantity_words(whole, 'Wh')}, of which no one price makes the amount: {awaiting}"
    )
    others = [line for line in document.lines if line.exact_micro and line.subject != "levy"]
    assert all(line.stated_price for line in others if line.quantity)
    texts = {name: render_document(session, document, each) for name, each in FORMATS.items()}
    assert b"of which no one price makes the amount" in texts["json"]
    pages = "".join(page.extract_text() for page in PdfReader(io.BytesIO(texts["pdf"])).pages)
    assert "of a part" in pages


def test_a_participant_with_nothing_but_quantities_gets_no_document_yet(session):
    """A document is of money; what waits is billed whole when the price is there."""
    none = {**priced_from(), "subscriptions": [], "fees": []}
    none["tariffs"] = [tariff for tariff in none["tariffs"] if tariff["code"] == "levy"]
    links = [link for link in tiny_market.charge_list().links if link.charge == "levy"]
    publish_with_charges(session, **none, links=links)
    ingest_tiny(session, FIRST, SECOND)
    run = settled(session, "II", FIRST, SECOND)
    post(session, run, now=SETTLED)
    issued = issue_month(session, "tiny", FIRST, now=SETTLED)
    assert "elder" not in {invoice.row.participant for invoice in issued.invoices}
    assert "elder" in {nothing.participant for nothing in issued.nothing}


def test_a_later_run_posts_the_difference_of_amount_and_quantity(session):
    last = dt.date(2024, 1, 2)
    publish_with_charges(session)
    ingest_tiny(session, FIRST, last)
    run = settled(session, "II", FIRST, last)
    post(session, run, now=SETTLED)
    first = lines_of(issue_month(session, "tiny", FIRST, now=SETTLED).invoices)
    ingest_tiny(session, FIRST, last, seed=2, only=["B-home"], received_at=CORRECTED)
    later = settled(session, "SF", FIRST, last, RESETTLED)
    notes = billed(session, later, RESETTLED)
    assert set(notes) == {(who, code) for who in ("cedar", "elder") for code in ("grid", "levy")}
    before, after = (
        sum(readings_by_hour(FIRST, last, seed=seed, only=["B-home"]).values()) for seed in (1, 2)
    )
    for code in ("grid", "levy"):
        assert notes["cedar", code].quantity == after - before
        assert notes["elder", code].amount_micro == -notes["cedar", code].amount_micro
    assert first["cedar", "levy"].amount_micro + notes["cedar", "levy"].amount_micro == sum(
        int(v.values.sum())
        for day in later.days
        for v in day_vectors(session, later.id, day)
        if (v.measure, v.entity) == ("charge.tariff_micro", "levy/cedar")
    )


def test_a_point_that_leaves_the_market_while_it_is_linked_is_refused(session):
    publish_with_charges(session)
    gone = tiny_market.registrations(suppliers={"cedar": ("B-home",)})[2:]
    with pytest.raises(Refused) as refused:
        publish_later(session, gone, MOVED)
    assert {finding.code for finding in refused.value.findings} == {"link-unknown-supply-point"}
    assert len(refused.value.findings) == 3  # of C-home: grid, levy and meter
    assert all(
        "not registered on 2024-01-16" in finding.value for finding in refused.value.findings
    )


def test_a_tariff_says_how_much_of_its_energy_is_estimated(session):
    publish_with_charges(session)
    day = dt.date(2024, 1, 2)
    lines = tiny_market.readings_csv(day, day).decode().splitlines()
    estimated = 0
    for number, line in enumerate(lines):
        start, entity, measure, value, _ = line.split(",")
        if (entity, measure) == ("B-home", "metered_demand_wh") and start.endswith("T09:30:00Z"):
            lines[number] = f"{start},{entity},{measure},{value},estimated"
            estimated += int(value)
    assert estimated
    content = ("\n".join(lines) + "\n").encode()
    ingest(session, "tiny", [MeterFile("readings.csv", content)], received_at=INGESTED)
    found = billed(session, settled(session, "II", day, day))
    for who, code in (("cedar", "grid"), ("cedar", "levy"), ("elder", "grid"), ("elder", "levy")):
        line = found[who, code]
        assert (line.quality, line.estimated_quantity) == ("estimated", estimated)
    other = found["doric", "grid"]
    assert (other.quality, other.estimated_quantity) == ("measured", 0)
    meter = found["cedar", "meter"]
    assert (meter.quality, meter.estimated_quantity) == ("none", None)


TAX = {"category": "S", "rate_ppm": 200_000, "note": "Value added tax at 20 per cent."}
MICRO_PER_PENNY = 10_000


def pence(micro) -> int:
    return nearest(Decimal(micro) / MICRO_PER_PENNY)


def test_no_tax_is_due_on_a_charge_that_is_not_taxed(session):
    first_day, last = FIRST, dt.date(2024, 1, 2)
    rules = tiny_market.market_rules().model_copy(update={"tax": Tax(**TAX)})
    publish_tiny(session, [rules, *tiny_market.documents()[1:], *tiny_market.charges()])
    ingest_tiny(session, first_day, last)
    post(session, settled(session, "II", first_day, last), now=SETTLED)
    first = issue_month(session, "tiny", FIRST, now=SETTLED).invoices
    ingest_tiny(session, first_day, last, seed=2, only=["B-home"], received_at=CORRECTED)
    post(session, settled(session, "SF", first_day, last, RESETTLED), now=RESETTLED)
    notes = issue_month(session, "tiny", FIRST, now=RESETTLED).invoices
    lines = lines_of(first)
    assert {key for key, line in lines.items() if line.tax_category == "E"} == {
        (who, "levy") for who in ("cedar", "doric", "elder")
    }
    for who in ("cedar", "doric", "elder"):
        taxed = untaxed = net_pence = tax_pence = 0
        for document in (*first, *notes):
            if document.row.participant == who:
                for line in document.lines:
                    taxed += line.amount_micro if line.tax_category == "S" else 0
                    untaxed += line.amount_micro if line.tax_category == "E" else 0
                net_pence += document.row.net_minor
                tax_pence += document.row.tax_minor
                assert net_pence == pence(taxed) + pence(untaxed)
                assert tax_pence == nearest(Decimal(pence(taxed)) / 5)
                assert document.row.tax_minor
    assert list(ledger.verification.verify(session)) == []
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text(
            "UPDATE ledger.invoice_line SET tax_category = 'S', tax_rate_ppm = 200000 "
            "WHERE subject = 'levy'"
        )
    )
    found = {
        (finding.code, finding.place.partition(" ")[0])
        for finding in ledger.verification.verify(session)
    }
    assert found == {
        ("ledger-digest", "ledger.invoice_line"),
        ("ledger-totals", "ledger.invoice"),
        ("journal-cause", "ledger.journal"),  # its rounding and tax follow from the lines
    }


def one_code(session, valid_from=tiny_market.VALID_FROM):
    """Denmark's published scenario 02: two owners with a tariff 40000, one with a subscription too.

    fir's list is in force from a day on.
    """
    elder, charges = tiny_market.charges()
    always = {"from_day": FIRST}
    head = {"code": "40000", "clause": "CL-1", "taxed": True}
    flat = {"title": "Net tariff", "resolution": "day"}
    body = charges.model_dump() | {
        "tariffs": [head | flat | {"prices": [always | {"price_micro_per_kwh": 1_000}]}],
        "subscriptions": [
            head
            | {"title": "Net subscription", "clause": "CL-3"}
            | {"prices": [always | {"price_micro_per_month": 31_000_000}]}
        ],
        "fees": [],
        "links": [
            always | {"charge": "40000", "charge_type": "tariff", "supply_point": "B-home"},
            always | {"charge": "40000", "charge_type": "subscription", "supply_point": "B-home"},
        ],
    }
    other = body | {
        "owner": "fir",
        "subscriptions": [],
        "tariffs": [
            head | flat | {"clause": "CL-2", "prices": [always | {"price_micro_per_kwh": 2_000}]}
        ],
        "links": [always | {"charge": "40000", "supply_point": point} for point in ("C-home",)],
    }
    fir = elder.model_copy(update={"participant": "fir", "legal_name": "Fir Grid Limited"})
    first = [elder, type(charges).model_validate(body)]
    second = [fir, type(charges).model_validate(other)]
    if valid_from == tiny_market.VALID_FROM:
        publish_tiny(session, [*tiny_market.documents(), *first, *second])
    else:
        publish_tiny(session, [*tiny_market.documents(), *first])
        publish_later(session, second, valid_from)


def test_owners_may_have_one_code_and_an_owner_two_types_of_it(session):
    one_code(session)
    ingest_tiny(session, FIRST, SECOND)
    run = settled(session, "II", FIRST, SECOND)
    values = stored_values(day_vectors(session, run.id, FIRST))
    assert {key for key in values if key[0].startswith(("charge.tariff", "payment.tariff"))} == {
        ("charge.tariff_micro", "elder/40000/cedar"),
        ("charge.tariff_micro", "fir/40000/cedar"),
        ("payment.tariff_micro", "elder/40000"),
        ("payment.tariff_micro", "fir/40000"),
    }
    # The subscription is the only one of its code, so that its code is its name.
    assert values["charge.subscription_micro", "40000/cedar"].sum() == 1_000_000
    assert replay(session, run).is_same
    lines = {
        (invoice.row.participant, line.kind, line.subject): line
        for invoice in _issued(session, run)
        for line in invoice.lines
        if line.kind.partition(".")[2] in KINDS
    }
    energy = readings_by_hour(FIRST, SECOND)
    home = {
        p: sum(wh for (_, _, of), wh in energy.items() if of == p) for p in ("B-home", "C-home")
    }
    of_elder = lines["cedar", "charge.tariff", "elder/40000"]
    of_fir = lines["cedar", "charge.tariff", "fir/40000"]
    assert (of_elder.quantity, of_fir.quantity) == (home["B-home"], home["C-home"])
    assert of_elder.clauses == ("CL-1",)
    assert of_fir.clauses == ("CL-2",)
    assert lines["cedar", "charge.subscription", "40000"].clauses == ("CL-3",)
    assert lines["fir", "payment.tariff", "fir/40000"].amount_micro == -of_fir.amount_micro
    assert ("elder", "payment.tariff", "fir/40000") not in lines
    assert not exported_findings(session, run)
    assert list(ledger.verification.verify(session)) == []


def _issued(session, run, now=SETTLED):
    post(session, run, now=now)
    return issue_month(session, "tiny", FIRST, now=now).invoices


def test_lines_of_one_code_are_explained_each_by_its_own_list(session):
    one_code(session)
    ingest_tiny(session, FIRST, SECOND)
    issued = _issued(session, settled(session, "II", FIRST, SECOND))
    for invoice in issued:
        for line in invoice.lines:
            if line.kind.partition(".")[2] not in KINDS:
                continue
            reference = find_line(session, invoice.row.id, line.line)
            explained = explain_line(session, reference)
            assert abs(explained.value) == abs(line.amount_micro)
            of_day = line_day(session, reference, FIRST)
            (interval,) = explain_interval(reference, of_day, 0).children
            assert {clause.anchor for clause in interval.clauses} == set(line.clauses)
            number = document_number(invoice.row.series, invoice.row.number)
            rows = render_document(session, find_document(session, number), FORMATS["csv"]).decode()
            assert sum(
                int(row["quantity"])
                for row in csv.DictReader(io.StringIO(rows))
                if int(row["line"]) == line.line
            ) == abs(line.quantity)


def test_who_comes_later_with_a_code_changes_no_day_before(session):
    """fir's list is of the 2nd: until then the code is elder's alone, and so is its name."""
    one_code(session, SECOND)
    ingest_tiny(session, FIRST, SECOND)
    run = settled(session, "II", FIRST, SECOND)
    names = [
        {entity for measure, entity in stored_values(day_vectors(session, run.id, day))
         if measure == "payment.tariff_micro"}
        for day in (FIRST, SECOND)
    ]  # fmt: skip
    assert names == [{"40000"}, {"elder/40000", "fir/40000"}]
    lines = lines_of(_issued(session, run))
    assert lines["cedar", "40000"].clauses in (("CL-1",), ("CL-3",))
    assert lines["cedar", "elder/40000"].clauses == ("CL-1",)
    assert list(ledger.verification.verify(session)) == []
