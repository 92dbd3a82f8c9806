"""Pass-through charges on the pages: the charge list, lines of invoices, and why."""

import html
import re
from dataclasses import replace

import pytest
from django.template.loader import render_to_string

from database.session import transaction
from ledger.people.roles import Role
from portal.queries.invoices import invoice_page
from settlement.documents.arithmetic import Price
from tests.portal.site import OUTSIDER, SHORT_DAY, SUPPLIER

OWNER = "isles-networks"
ADDRESS = f"/rules/gb12/charge-list/{OWNER}/?on=2024-03-30"

pytestmark = pytest.mark.django_db


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


@pytest.fixture
def owner_of_charges(client, make_user):
    client.force_login(make_user("charging-desk", Role.PARTICIPANT, OWNER))
    return client


def lines_of(summary):
    with transaction() as session:
        return {line.subject: line for line in invoice_page(session, summary.number).lines}


@pytest.mark.parametrize("who", ["signed out", "outsider", "owner"])
def test_prices_are_public_and_who_bears_them_is_not(sign_in, who):
    page = text(sign_in(who), ADDRESS)
    assert "£0.0097 per kWh" in page
    assert "£7.80 per month" in page
    assert "N0-P1" not in page
    assert "entries, open to whom they concern" in page


@pytest.mark.parametrize("who", ["auditor", "operator", "regulator"])
def test_links_are_open_to_those_who_oversee_the_market(sign_in, who):
    page = text(sign_in(who), ADDRESS)
    assert "N0-P1" in page
    assert "entries, open to whom they concern" not in page


def test_links_are_open_to_the_owner_of_the_charges(owner_of_charges):
    assert "2,090,000 pieces" in text(owner_of_charges, ADDRESS)


def test_a_supplier_reads_quantity_and_price_of_each_charge(sign_in, documents):
    invoice = documents[SUPPLIER][0]
    lines = lines_of(invoice)
    assert {"TUOS", "LEVY", "DUOS-HOME"} <= set(lines)
    assert lines["DUOS-HOME"].quantity_unit == "days"
    page = text(sign_in("owner"), f"/invoices/{invoice.number}/")
    for words in ("Tariffs", "Subscriptions", "Use of the transmission grid", "GBP/day"):
        assert words in page
    assert lines["DUOS-HOME"].price == Price(251_613, 6, "day", True)  # 7.80 over 31 days
    assert not lines["TUOS"].price.is_exact


def test_a_supplier_reads_why_a_tariff_is_what_it_is(sign_in, documents):
    invoice = documents[SUPPLIER][0]
    line = lines_of(invoice)["TUOS"].number
    where = f"/invoices/{invoice.number}/{line}/"
    client = sign_in("owner")
    whole = text(client, where)
    assert str(SHORT_DAY.day) in whole
    assert re.search("<dt>Average price</dt><dd>£[0-9]", whole) and "GBP per" not in whole
    assert "17:00" in text(client, f"{where}{SHORT_DAY}/")
    hour = text(client, f"{where}{SHORT_DAY}/33/")  # the hour from 17:00 of a 46-interval day
    assert re.search("[0-9,.]+ kWh × £0.029 per kWh, rounded", hour)
    assert "Energy taken, 17:00" in hour
    assert "Energy taken (N0-P1)" in hour
    assert "CL-1.1" in hour
    half = text(client, f"{where}{SHORT_DAY}/34/")
    assert "Counted in the interval that begins the hour" in half


def test_the_owner_is_paid_and_reads_what_each_supplier_owes_as_one_sum(
    owner_of_charges, documents
):
    invoice = documents[OWNER][0]
    assert invoice.is_self_billed
    assert invoice.received_minor > 0
    line = lines_of(invoice)["LEVY"].number
    page = text(owner_of_charges, f"/invoices/{invoice.number}/{line}/{SHORT_DAY}/1/")
    assert "4 figures of other participants" in page
    assert SUPPLIER not in page
    assert OUTSIDER not in page


def test_a_line_that_is_not_taxed_says_so(documents):
    with transaction() as session:
        page = invoice_page(session, documents[SUPPLIER][0].number)
    beside = {"disputes": {}, "corrected": {}}
    written = render_to_string("invoices/page.html", {"invoice": page, **beside})
    words = "no tax is due on it"
    assert words not in written
    lines = tuple(
        replace(line, tax_words=words if line.kind == "charge.tariff" else "")
        for line in page.document.lines
    )
    untaxed = replace(page, document=replace(page.document, lines=lines))
    tariffs = next(group for group in untaxed.document.groups if group.kind == "charge.tariff")
    written = render_to_string("invoices/page.html", {"invoice": untaxed, **beside})
    # Once in the line, and once each in what its links are called.
    assert written.count(f"; {words}") == len(tariffs.lines)
