"""The text of the law at permanent addresses: whole, a document, a clause; and over time."""

import datetime as dt
import html
import re
import uuid
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from lxml import etree
from sqlalchemy import text as sql_text

from database.session import transaction
from portal.amounts import local_time
from portal.law_timeline import MOST_ROWS, timeline_chart
from portal.queries import decided
from portal.queries.rules import rule_on
from portal.views import law as views
from portal.views import rules as rules_views
from portal.views import search as search_views
from rulebook import store
from rulebook.clause_text import fill_clause
from rulebook.standing import Record
from tests.portal.site import FIRST_DAY, MARKET, SUPPLIER
from tests.rulebook.test_akoma_ntoso import SCHEMA
from tests.settlement.trial_cases import capped
from tests.worlds.law import publish
from tests.worlds.rolled_back import rolled_back

pytestmark = pytest.mark.django_db

RULES = f"{MARKET}/market-rules"


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


@pytest.fixture
def lowered(site, monkeypatch):
    """The law once a lower cap was published for a summer, and known since a moment."""
    known = dt.datetime.now(dt.UTC)
    with rolled_back(site.engine) as session:
        session.execute(sql_text("SET LOCAL ROLE NONE"))
        rules = rule_on(session, RULES, FIRST_DAY).document
        publish(
            session, [capped(rules, 3_000_000_000)], valid_from=dt.date(2024, 6, 1),
            valid_to=dt.date(2024, 9, 1), known=known, reason="A summer",
        )  # fmt: skip
        for each in (views, rules_views, search_views):
            monkeypatch.setattr(each, "transaction", lambda: nullcontext(session))
        yield session, known


def bare(page):
    return re.sub(r"<[^>]+>", "", page)


def test_the_law_of_a_day_is_one_page_of_every_clause(client, sign_in):
    page = text(client, "/law/gb12/at/2024-03-30/")
    for name in ("market-rules", "grid-model", "allocation-policy", "charge-list/isles-networks"):
        with transaction() as session:
            found = rule_on(session, f"{MARKET}/{name}", FIRST_DAY)
        for clause in found.document.clauses:
            assert f"/law/gb12/{name}/{clause.anchor}/at/2024-03-30/" in page
            for words, _ in fill_clause(found.document, clause.text, "GBP").pieces():
                assert words.strip().replace("\xa0", " ") in page
    assert "/registration/" not in page
    assert f"/rules/gb12/registration/{SUPPLIER}/" in text(
        sign_in("owner"), "/law/gb12/at/2024-03-30/"
    )
    assert "No law of gb12 applies" in text(client, "/law/gb12/at/2020-01-01/")
    text(client, "/law/nowhere/at/2024-03-30/", 404)


def test_a_document_has_a_permanent_address_for_a_day(client):
    address = "/law/gb12/market-rules/at/2024-03-30/"
    page = text(client, address)
    assert f'href="{address}"' in page
    text(client, "/law/gb12/constitution/at/2024-03-30/", 404)
    text(client, "/law/gb12/market-rules/at/2024-02-30/", 404)
    assert "Nothing in force on" in text(client, "/law/gb12/market-rules/at/2020-01-01/", 404)


def test_a_clause_reads_as_it_did_on_each_day_and_says_until_when(client, lowered):
    _, known = lowered
    july = text(client, "/law/gb12/market-rules/MR-2.3/at/2024-07-01/")
    assert "£3,000.00 per MWh" in july.split("Its readings")[0]
    assert 'datetime="2024-06-01"' in july and 'datetime="2024-08-31"' in july
    readings, before = july.split("Its readings")[1].split("As it read before")
    assert "£6,000.00 per MWh" in before
    assert readings.count("<tr") == 4, "a head, and three readings"
    march = text(client, "/law/gb12/market-rules/MR-2.3/at/2024-03-01/")
    assert "£6,000.00 per MWh" in march.split("Its readings")[0]
    before = (known - dt.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%MZ")
    early = text(client, f"/law/gb12/market-rules/MR-2.3/at/2024-07-01/?known={before}")
    assert "£6,000.00 per MWh" in early.split("Its readings")[0]
    assert "3,000" not in early
    same = text(client, "/law/gb12/market-rules/MR-1.1/at/2024-07-01/")
    assert same.split("Its readings")[1].count("<tr") == 2, "it read so throughout"


def test_a_text_that_other_law_was_recorded_for_is_found_with_its_figures(client, lowered):
    session, _ = lowered
    rules = rule_on(session, RULES, FIRST_DAY).document
    whole = capped(rules, 5_000_000_000)
    since = dt.datetime.now(dt.UTC)
    publish(
        session, [whole], valid_from=dt.date(2024, 6, 1), valid_to=dt.date(2024, 9, 1),
        known=since, reason="A mistake",
    )  # fmt: skip
    page = text(client, "/search/?q=price+cap")
    for figure in ("£6,000.00", "£3,000.00", "£5,000.00"):
        assert f"cap of {figure} per MWh" in page, figure
    ended = local_time(since, "Europe/London")
    assert f"as known until {ended}" in bare(page)
    first, second, last = (page.index(f"cap of £{each},000.00 per MWh") for each in (5, 6, 3))
    assert max(first, second) < last, "what is superseded stands last"
    read = text(client, "/law/gb12/market-rules/MR-2.3/at/2024-07-01/")
    now, before = read.split("As it read before")
    assert "£5,000.00" in now and "£3,000.00" not in now
    assert "£3,000.00" in before and "£6,000.00" in before and ended in bare(before)
    then, _ = re.findall(r'/law/gb12/market-rules/MR-2.3/at/2024-06-01/\?known=[^"]+', before)
    read_then = text(client, then)
    assert "cap of £3,000.00 per MWh" in read_then and "As the law was known at" in read_then


def test_the_law_leads_to_the_change_that_made_it_or_to_its_proposal(client, sign_in, lowered):
    session, _ = lowered
    address = "/rules/gb12/market-rules/?on=2024-07-01"
    history = store.records(session, MARKET, [RULES])[RULES]
    approval = max(each.approval for each in history)
    link = f'<a href="/rules/proposals/{approval}/">proposal {approval}</a>'
    assert link in text(sign_in("regulator"), address)
    assert "/rules/proposals/" not in text(client, address)


def test_of_a_law_change_the_law_leads_to_the_change(monkeypatch):
    viewer = SimpleNamespace(sees_people=True)
    monkeypatch.setattr(decided, "changes_of_proposals", lambda *_: {7: 2})
    assert decided.decided_addresses(None, viewer, {7, 8}) == {
        7: "/rules/changes/2/", 8: "/rules/proposals/8/",
    }  # fmt: skip
    viewer.sees_people = False
    assert decided.decided_addresses(None, viewer, {7, 8}) == {7: "/rules/changes/2/"}


def test_a_moment_is_a_day_by_its_end_or_a_time_by_the_clock_of_the_market(client):
    address = "/law/gb12/market-rules/MR-2.3/at/2024-07-01/?known="
    for written, shown in (
        ("2024-07-01", "2 Jul 2024, 00:00 BST"), ("2024-07-01 09:00", "1 Jul 2024, 09:00 BST"),
        ("2024-07-01T09:00Z", "1 Jul 2024, 10:00 BST"),
    ):  # fmt: skip
        assert f"As the law was known at {shown}" in bare(text(client, address + written))
    assert "As the law was known at" in text(client, f"{address}{dt.datetime.now(dt.UTC).date()}")
    for ending in ("MR-2.3/at/2024-07-01/", "at/2024-07-01/", "at/2024-07-01/akn.xml"):
        refused = text(client, f"/law/gb12/market-rules/{ending}?known=2024-07-01T25:00", 400)
        assert "is neither a day nor a moment" in refused and "clock of Europe/London" in refused
        assert "No law is shown" in refused


def test_a_clause_that_is_no_law_on_a_day_says_so_and_one_that_never_was_is_not_found(client):
    page = text(client, "/law/gb12/market-rules/MR-2.3/at/2020-01-01/", 404)
    assert "no law on that day" in page and "Its readings" in page
    for odd in ("MR-99.9", "GM-1.1", "AA-1"):
        text(client, f"/law/gb12/market-rules/{odd}/at/2024-03-30/", 404)
    text(client, "/law/nowhere/market-rules/MR-1.1/at/2024-03-30/", 404)


def test_a_text_over_time_is_drawn_by_when_it_applied_and_was_known(client, lowered):
    session, known = lowered
    page = text(client, "/law/gb12/market-rules/timeline/")
    assert 'id="timeline"' in page and "4 versions of 2 texts" in page
    history = store.records(session, MARKET, [RULES])[RULES]
    chart = timeline_chart("Rules", history, "Europe/London", known + dt.timedelta(days=1))
    names = [row[0][:1] for row in chart.table.rows]
    assert sorted(names) == ["A", "A", "A", "B"]
    (summer,) = [row for row in chart.table.rows if row[0].startswith("B")]
    assert summer[1:3] == (
        "1 Jun 2024", "31 Aug 2024",
    )  # fmt: skip
    drawn = [each for each in chart.wide.elements if each.tag == "rect"]
    assert len(drawn) == 4
    boxes = [dict(each.attributes) for each in drawn]
    for box in boxes:
        assert box["width"] > 0 and box["height"] > 0
        assert box["x"] + box["width"] <= chart.wide.width
    # What one moment knew is one level: areas never lie on each other.
    for one in boxes:
        for other in boxes:
            across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
            up = one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]
            assert one is other or not (across and up)
    text(client, "/law/gb12/constitution/timeline/", 404)


def test_a_document_is_sent_as_akoma_ntoso_to_who_may_read_all_of_it(client, sign_in):
    address = "/law/gb12/market-rules/at/2024-03-30/akn.xml"
    answer = client.get(address)
    assert answer["Content-Type"] == "application/akn+xml; charset=utf-8"
    assert 'filename="gb12-market-rules-2024-03-30.xml"' in answer["Content-Disposition"]
    assert etree.XMLSchema(etree.parse(SCHEMA)).validate(etree.fromstring(answer.content))
    assert address in text(client, "/rules/gb12/market-rules/?on=2024-03-30")
    for known, sentence in (
        ("yesterday", "is neither a day nor a moment"),
        ("2999-01-01T00:00Z", "not come"),
    ):
        assert sentence in text(client, f"{address}?known={known}", 400), (
            "no other law in its place"
        )
    charges = "/law/gb12/charge-list/isles-networks/at/2024-03-30/akn.xml"
    text(client, charges, 404)
    assert charges not in text(client, "/rules/gb12/charge-list/isles-networks/?on=2024-03-30")
    assert sign_in("auditor").get(charges).status_code == 200
    text(client, f"/law/gb12/registration/{SUPPLIER}/at/2024-03-30/akn.xml", 404)
    text(client, "/law/gb12/market-rules/at/2020-01-01/akn.xml", 404)


def test_of_a_long_history_what_was_recorded_last_is_drawn_and_told():
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    history = [
        Record(
            start, None, start + at * dt.timedelta(days=1), start + (at + 1) * dt.timedelta(days=1),
            (), uuid.uuid4(), RULES, bytes([at % 250]) * 32, "ada", "grace", 1, "", None,
        )
        for at in range(500)
    ]  # fmt: skip
    chart = timeline_chart("Rules", history, "UTC", start + dt.timedelta(days=600))
    assert len(chart.table.rows) == MOST_ROWS
    assert "60 of 500 versions" in chart.table.note and "500 versions of 250 texts" in (
        chart.alternative
    )
    assert len([each for each in chart.wide.elements if each.tag == "rect"]) == 60
    assert chart.table.rows[0][3] == "14 May 2025 00:00Z"
