"""Charges that await their price, over changes of tax: the quantity stands under its day's tax."""

import pytest

from ledger.invoice import Tax, document_number
from ledger.log.checkpoints import publish_checkpoint
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.intervals import interval_rows
from settlement.documents.render import find_document
from settlement.explanations.explain import explain_line, line_references
from settlement.runs.store import runs_of_month
from tests.documents.validators import breaches
from tests.settlement.evidence_cases import Memory, exported
from tests.settlement.test_law_of_days import (
    DAYS,
    MINUTE,
    MONTH,
    NINETEEN,
    REVISED,
    SIXTEEN,
    bill,
    change,
    damages,
    post_days,
    rules_of,
    start,
)
from tests.worlds import tiny_market
from tests.worlds.logged import signer
from tests.worlds.settled import CORRECTED, RESETTLED

EXEMPT = Tax("E", 0)


def listed(*, taxed: bool, price: int | None = 31_337):
    """The charge list of elder, with one tariff of a day."""
    body = tiny_market.charge_list().model_dump()
    grid, _ = body["tariffs"]
    prices = [] if price is None else [{"from_day": MONTH, "price_micro_per_kwh": price}]
    grid |= {"resolution": "day", "taxed": taxed, "prices": prices}
    links = [link for link in body["links"] if link["charge"] == "grid"]
    return tiny_market.charge_list(tariffs=[grid], subscriptions=[], fees=[], links=links)


def start_without_a_price(session):
    owner, _ = tiny_market.charges()
    start(session, NINETEEN, owner, listed(taxed=True, price=None))


def grid_lines(invoices, participant="cedar"):
    return {
        (line.tax_category, line.tax_rate_ppm): line
        for invoice in invoices
        for line in invoice.lines
        if invoice.row.participant == participant and line.subject == "grid"
    }


def require_sound(session, invoices):
    """Every document keeps EN 16931, each line its intervals, and the ledger its evidence."""
    for invoice in invoices:
        shown = find_document(session, document_number(invoice.row.series, invoice.row.number))
        assert breaches(factur_x(shown), "factur-x") == []
        assert breaches(ubl(shown), "ubl-2.1") == []
        rows = list(interval_rows(session, shown))
        for reference, line in zip(
            line_references(session, invoice.row.id), shown.lines, strict=True
        ):
            explained = explain_line(session, reference)
            assert sum(child.value for child in explained.children) == reference.line.amount_micro
            own = [row for row in rows if row.line == line.number]
            assert sum(row.amount_micro for row in own) == line.exact_micro
            if line.quantity is not None:
                assert sum(row.quantity for row in own if row.quantity) == line.quantity
    assert damages(session) == []
    publish_checkpoint(session, signer(1), REVISED)
    files = Memory.of(exported(session, runs_of_month(session, "tiny", MONTH)[-1]))
    assert files.findings() == []


@pytest.mark.parametrize("law", ["rate", "flag"])
def test_what_awaits_a_price_is_stated_under_the_tax_of_its_day(session, law):
    start_without_a_price(session)
    later = {
        "rate": rules_of(SIXTEEN),
        "flag": listed(taxed=False, price=None),
    }[law]
    change(session, [later], DAYS[1])
    post_days(session, "II", DAYS[0], DAYS[-1])
    issued = bill(session)
    lines = grid_lines(issued)
    assert list(lines) == [NINETEEN, SIXTEEN if law == "rate" else EXEMPT]
    first, others = lines.values()
    assert 0 < first.quantity < others.quantity
    assert first.amount_micro == others.amount_micro == 0
    for line in lines.values():
        words = f"{line.quantity // 10**6:,}.{line.quantity % 10**6:06}".rstrip("0")
        assert line.description == f"Use of the grid; {words} MWh of the month await a price"
    require_sound(session, issued)


def test_a_price_that_comes_with_another_tax_takes_the_quantity_under_it(session):
    start_without_a_price(session)
    post_days(session, "II", DAYS[0], DAYS[-1])
    first = bill(session)
    change(session, [rules_of(SIXTEEN), listed(taxed=True)], DAYS[1], CORRECTED)
    change(session, [listed(taxed=False)], DAYS[2], CORRECTED + MINUTE)
    post_days(session, "SF", DAYS[0], DAYS[-1], RESETTLED)
    notes = bill(session, RESETTLED)
    (stated,) = grid_lines(first).values()
    lines = grid_lines(notes)
    assert list(lines) == [NINETEEN, SIXTEEN, EXEMPT]
    back, *new = lines.values()
    # Day 1 keeps its tax and awaits its price; the others go over to the tax of their day.
    assert (back.amount_micro, back.quantity) == (0, -sum(line.quantity for line in new))
    left = stated.quantity + back.quantity
    words = f"{left // 10**6:,}.{left % 10**6:06}".rstrip("0")
    assert back.description == f"Use of the grid; {words} MWh of the month await a price"
    for line in new:
        assert line.amount_micro == (line.quantity * 31_337 + 500) // 1_000
        words = f"{line.quantity // 10**6:,}.{line.quantity % 10**6:06}".rstrip("0")
        assert line.description == (
            f"Use of the grid; {words} MWh stated before have their price now"
        )
    require_sound(session, [*first, *notes])


def test_a_price_that_goes_again_leaves_no_tax(session):
    """A list that was priced and taxed is replaced by one without a price: nothing is owed."""
    owner, _ = tiny_market.charges()
    start(session, NINETEEN, owner, listed(taxed=True))
    post_days(session, "II", DAYS[0], DAYS[0])
    first = bill(session)
    change(session, [listed(taxed=False, price=None)], DAYS[0], CORRECTED)
    post_days(session, "SF", DAYS[0], DAYS[0], RESETTLED)
    notes = bill(session, RESETTLED)
    lines = grid_lines(notes)
    assert list(lines) == [NINETEEN, EXEMPT]
    old, new = lines.values()
    (billed,) = grid_lines(first).values()
    assert (old.amount_micro, old.quantity) == (-billed.amount_micro, -billed.quantity)
    assert (new.amount_micro, new.quantity) == (0, billed.quantity)
    of_elder = [each.row for each in (*first, *notes) if each.row.participant == "elder"]
    assert sum(row.due_minor for row in of_elder) == 0
    require_sound(session, [*first, *notes])


def test_what_is_outside_the_scope_of_tax_states_its_quantity_in_a_document_of_its_own(session):
    """The participant's other document covers the journals of those days, so it is said here."""
    owner, _ = tiny_market.charges()
    start(session, NINETEEN, owner, listed(taxed=True))
    outside = Tax("O", 0)
    change(session, [rules_of(outside), listed(taxed=True, price=None)], DAYS[1])
    post_days(session, "II", DAYS[0], DAYS[1])
    issued = bill(session)
    of_elder = [each for each in issued if each.row.participant == "elder"]
    assert [each.row.amount_micro < 0 for each in of_elder] == [True, False]
    lines = grid_lines(of_elder, "elder")
    assert lines[outside].quantity > 0
    assert "of the month await a price" in lines[outside].description
    require_sound(session, issued)
