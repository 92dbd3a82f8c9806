"""Rules in force, for everyone: the list on a day, and a document with all its fields."""

import datetime as dt
import html
from contextlib import nullcontext

import pytest
from sqlalchemy import text as sql_text

from database.session import transaction
from portal.queries import rules as queries
from portal.views import rules as views
from rulebook.clause_text import fill_clause
from rulebook.documents import KINDS
from tests.portal.site import SUPPLIER
from tests.worlds.law import end
from tests.worlds.rolled_back import rolled_back

SHOWN_AS_HEAD = {"Kind", "Market", "Title", "Publication date", "Clauses"}

pytestmark = pytest.mark.django_db


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize("known", ["", "&known=2026-01-01", "&known=soon"])
def test_the_hint_names_the_clock_by_which_a_moment_is_read(sign_in, known):
    page = text(
        sign_in("auditor"), f"/rules/?on=2024-03-30{known}", 400 if "soon" in known else 200
    )
    assert "by the clock of Europe/London" in page


def test_the_list_names_every_document_with_its_digest(sign_in):
    page = text(sign_in("auditor"), "/rules/?on=2024-03-30")
    with transaction() as session:
        rules = queries.rules_in_force(session, dt.date(2024, 3, 30))
    versions = [one for _, ones in rules[0].kinds for one in ones]
    assert len(versions) == 16
    for version in versions:
        assert version.document.title in page
        assert version.digest.hex() in page
        assert version.author in page
        assert version.approver in page


def test_a_clause_names_its_lines_as_invoices_do(client):
    page = text(client, "/rules/gb12/market-rules/?on=2024-03-30")
    assert "Invoice lines: Charged: Dynamic price" in page
    assert "charge.dynamic" not in page


def test_before_the_first_law_the_list_says_that_none_is_in_force(client):
    assert text(client, "/rules/?on=2020-01-01").count("None in force on this day") == len(KINDS)


@pytest.mark.parametrize("on", ["yesterday", "2024-13-01", "2024-02-30", "20240130x", "<b>"])
def test_a_day_that_is_none_is_named_and_today_is_shown(client, on):
    answer = client.get("/rules/", {"on": on})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "is not a day" in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "instrument",
    [
        "market-rules",
        "grid-model",
        "allocation-policy",
        "registration/hearth-energy",
        "charge-list/isles-networks",
    ],
)
def test_a_document_shows_every_clause_and_every_field(sign_in, instrument):
    page = text(sign_in("auditor"), f"/rules/gb12/{instrument}/?on=2024-03-30")
    with transaction() as session:
        found = queries.rule_on(session, f"gb12/{instrument}", dt.date(2024, 3, 30))
    for clause in found.document.clauses:
        assert f'id="{clause.anchor}"' in page
        for words, table in fill_clause(found.document, clause.text, "GBP").pieces():
            assert words.strip() in page
            assert table is None or all(cell in page for row in table.rows for cell in row)
    for field in type(found.document).model_fields.values():
        assert field.title in page or field.title in SHOWN_AS_HEAD, field.title


def test_a_value_stands_as_people_read_it_beside_the_integer_of_the_law(client):
    page = text(client, "/rules/gb12/market-rules/?on=2024-03-30").replace("\xa0", " ")
    assert "£6,000.00 per MWh" in page
    assert "6,000,000,000 micro per MWh" in page


def test_a_version_is_found_by_its_digest(client):
    with transaction() as session:
        found = queries.rule_on(session, "gb12/market-rules", dt.date(2024, 3, 30))
    page = text(client, f"/rules/version/{found.digest.hex()}/")
    assert found.document.title in page


def test_a_gap_in_the_law_is_said_and_the_versions_there_are_are_named(client):
    page = text(client, "/rules/gb12/market-rules/?on=2020-01-01", status=404)
    assert "Nothing in force on" in page
    assert "/rules/version/" in page


@pytest.mark.parametrize(
    "address",
    [
        "/rules/gb12/constitution/",
        "/rules/nowhere/market-rules/",
        "/rules/version/xyz/",
        "/rules/version/00/",
        f"/rules/version/{'0' * 64}/",
    ],
)
def test_what_is_not_there_is_not_found(client, address):
    text(client, address, status=404)


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("colleague", 200), ("outsider", 404), ("operator", 200), (None, 404)],
)
def test_a_registration_is_open_to_those_whom_it_concerns(client, sign_in, who, status):
    reader = sign_in(who) if who else client
    address = f"/rules/gb12/registration/{SUPPLIER}/"
    with transaction() as session:
        found = queries.rule_on(session, f"gb12/registration/{SUPPLIER}", dt.date(2024, 3, 30))
    listed = found.document.title in text(reader, "/rules/?on=2024-03-30")
    assert listed == (status == 200)
    text(reader, f"{address}?on=2024-03-30", status)
    text(reader, f"/rules/version/{found.digest.hex()}/", status)
    before = reader.get(f"{address}?on=2020-01-01")
    assert before.status_code == 404
    assert (found.digest.hex() in before.content.decode()) == (status == 200)


def test_a_document_that_has_ended_says_so_and_until_when(sign_in, site, monkeypatch):
    known = dt.datetime.now(dt.UTC)  # after whatever other tests published here
    address = "/rules/gb12/charge-list/isles-networks/"
    reader = sign_in("auditor")
    with rolled_back(site.engine) as session:
        monkeypatch.setattr(views, "transaction", lambda: nullcontext(session))
        assert "has ended" not in text(reader, f"{address}?on=2024-03-30")
        session.execute(sql_text("SET LOCAL ROLE NONE"))  # which the page took, in this transaction
        end(session, "gb12", "charge-list/isles-networks", dt.date(2024, 6, 1), known=known,
            reason="It leaves the market")  # fmt: skip
        stood = queries.rule_on(session, "gb12/charge-list/isles-networks", dt.date(2024, 5, 31))
        page = text(reader, f"{address}?on=2024-05-31")
        last_day = '<time datetime="2024-05-31">31 May 2024</time>.'
        assert f"This document has ended: its last day was {last_day}" in page
        assert page.count("until further notice") == 0
        gap = text(reader, address, 404)
        assert f"It ended: its last day is {last_day}" in gap
        assert "would be refused" not in gap
        assert "by ada, approved by grace: It leaves the market" in gap
        assert gap.count(stood.digest.hex()) == 1, "what was superseded is not among what applies"
