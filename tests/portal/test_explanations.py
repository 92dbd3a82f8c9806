"""Why this number: line, days, intervals and the tree behind one interval, all adding up."""

import datetime as dt
import html
from itertools import islice

import pytest

from database.session import transaction
from ledger.people.roles import Role
from portal.access import Viewer
from portal.queries.cited import cite_once
from portal.queries.explanations import find_line_explanation
from portal.queries.invoices import invoice_page
from settlement.explanations.tree import Explanation
from tests.portal.site import FIRST_DAY, GENERATOR, SHORT_DAY, SUPPLIER

EVERYTHING = Viewer(frozenset({Role.AUDITOR}), None)


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return html.unescape(answer.content.decode())


@pytest.fixture
def session(site):
    with transaction() as opened:
        yield opened


def whys(session, summaries, step=1):
    """Explain the lines of documents, or each `step`-th of them all."""
    documents = (invoice_page(session, summary.number) for summary in summaries)
    lines = ((document, line.number) for document in documents for line in document.lines)
    for document, number in islice(lines, 0, None, step):
        yield find_line_explanation(session, document, number)


@pytest.mark.parametrize("participant", [SUPPLIER, GENERATOR])
def test_days_sum_to_the_line(session, documents, participant):
    for why in whys(session, documents[participant]):
        assert sum(day.value for day in why.by_day(session).days) == why.line.exact_micro


@pytest.mark.parametrize("participant", [SUPPLIER, GENERATOR])
def test_intervals_sum_to_the_day_on_the_short_day_too(session, documents, participant):
    for why in whys(session, documents[participant], step=11):
        for day in why.by_day(session).days:
            found = why.day(why.read_day(session, day.day))
            assert len(found.intervals) == {FIRST_DAY: 48, SHORT_DAY: 46}[day.day]
            assert sum(each.amount_micro for each in found.intervals) == day.value


@pytest.mark.parametrize("participant", [SUPPLIER, GENERATOR])
def test_the_tree_of_an_interval_comes_to_its_amount(session, documents, participant):
    for why in whys(session, documents[participant], step=11):
        for day in why.by_day(session).days:
            found = why.interval(why.read_day(session, day.day), 36, EVERYTHING)
            replaced = found.before.value if found.before else 0
            assert found.now.value - replaced == found.amount_micro
            assert found.amount_micro == found.day.intervals[35].amount_micro
            assert (found.before is None) == (found.day.replaced is None)


def test_clocks_go_forward_between_the_second_and_third_half_hour(session, documents):
    why = next(whys(session, documents[SUPPLIER]))
    clocks = [each.clock for each in why.day(why.read_day(session, SHORT_DAY)).intervals]
    assert clocks[:4] == [
        "00:00 to 00:30 GMT",
        "00:30 GMT to 02:00 BST",
        "02:00 to 02:30 BST",
        "02:30 to 03:00 BST",
    ]
    assert clocks[-1] == "23:30 to 00:00 BST"


def test_the_pages_lead_from_line_to_day_to_interval_and_back(sign_in, documents):
    client = sign_in("owner")
    number = documents[SUPPLIER][0].number
    line = f"/invoices/{number}/1/"
    page = text(client, line)
    assert f'href="{line}2024-03-31/"' in page
    assert f'href="/invoices/{number}/"' in page
    page = text(client, f"{line}2024-03-31/")
    assert f'href="{line}2024-03-31/46/"' in page
    assert f'href="{line}"' in page
    page = text(client, f"{line}2024-03-31/46/")
    assert f'href="{line}2024-03-31/"' in page
    assert "Interval before" in page
    assert "Next interval" not in page


def test_an_interval_shows_readings_formula_shapley_values_and_clauses(session, sign_in, documents):
    why = next(one for one in whys(session, documents[GENERATOR]) if "location" in one.line.kind)
    number = why.invoice.summary.number
    page = text(sign_in("generator"), f"/invoices/{number}/{why.line.number}/2024-03-30/36/")
    found = why.interval(why.read_day(session, FIRST_DAY), 36, EVERYTHING)
    for node in nodes(found.now):
        assert node.label in page
        if node.source:
            assert node.source[1:] in page
    assert "Shapley value of" in page
    assert "÷ 232,792,560 kW exactly" in page
    assert "revision" not in page.partition("Revision 1")[0]
    assert found.clauses
    for clause in cite_once(found.clauses, {}):
        for words, table in clause.text.pieces():
            assert words.strip() in page
            assert table is None or all(cell in page for row in table.rows for cell in row)
        assert f"/rules/version/{clause.digest.hex()}/#{clause.anchor}" in page


def nodes(tree: Explanation):
    yield tree
    for child in tree.children:
        yield from nodes(child)


def test_a_note_shows_what_holds_and_what_it_replaced(session, sign_in, documents):
    note = documents[SUPPLIER][1]
    why = next(whys(session, [note]))
    day = why.by_day(session).days[0].day
    page = text(sign_in("owner"), f"/invoices/{note.number}/{why.line.number}/{day}/20/")
    assert "What holds now, by run SF" in page
    assert "What it replaced, by run II" in page


@pytest.mark.parametrize(
    "rest",
    [
        "0/", "999/", "1/2024-03-29/", "1/2024-02-30/", "1/20240330/", "1/today/",
        "1/2024-03-31/0/", "1/2024-03-31/47/", "1/2024-03-30/49/", "1/2024-03-29/1/",
    ],
)  # fmt: skip
def test_what_the_document_does_not_hold_is_not_found(sign_in, documents, rest):
    number = documents[SUPPLIER][0].number
    text(sign_in("owner"), f"/invoices/{number}/{rest}", status=404)


def test_a_day_has_all_its_intervals_on_the_page(sign_in, documents):
    number = documents[SUPPLIER][0].number
    client = sign_in("owner")
    for day, count in ((dt.date(2024, 3, 30), 48), (dt.date(2024, 3, 31), 46)):
        page = text(client, f"/invoices/{number}/1/{day}/")
        assert page.count(f"/1/{day}/") == count


def test_what_others_were_paid_is_summed_up_for_a_participant(session, documents):
    why = next(whys(session, documents[SUPPLIER]))
    of_day = why.read_day(session, FIRST_DAY)
    supplier = Viewer(frozenset({Role.PARTICIPANT}), frozenset({("gb12", SUPPLIER)}))
    whole = next(node for node in nodes(why.interval(of_day, 36, EVERYTHING).now) if node.owner)
    assert whole.owner
    seen = why.interval(of_day, 36, supplier)
    assert not [node for node in nodes(seen.now) if node.owner]
    for parent in nodes(seen.now):
        if parent.formula.startswith("the sum of what the units"):
            assert sum(child.value for child in parent.children) == parent.value
            assert "of other participants" in parent.children[-1].label
