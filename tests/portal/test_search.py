"""Search over the clauses of all dates: what is found, when it holds, and for whom."""

import html

import pytest

from portal.views.search import LONGEST_QUERY
from tests.portal.site import SUPPLIER

pytestmark = pytest.mark.django_db


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def test_a_clause_is_found_with_its_values_and_the_days_on_which_it_holds(client):
    page = text(client, "/search/?q=price+cap")
    assert "/law/gb12/market-rules/MR-2.3/at/2024-01-01/" in page
    assert "£6,000.00 per MWh" in page and "It reads so" in page
    assert "until further notice" in page
    assert "No clause" in text(client, "/search/?q=zebra")
    assert 'class="complaint"' not in text(client, "/search/")


def test_registrations_are_found_by_those_whom_they_concern(client, sign_in):
    address = "/search/?q=participant+answers+supply+points"
    assert "/registration/" not in text(client, address)
    own = text(sign_in("owner"), address)
    assert f"/law/gb12/registration/{SUPPLIER}/" in own
    assert "/registration/lantern-supply/" not in own
    assert "/registration/lantern-supply/" in text(sign_in("auditor"), address)


def test_many_are_shown_a_page_at_a_time(client, sign_in):
    auditor = sign_in("auditor")
    first = text(auditor, "/search/?q=participant+or+market+or+day")
    assert "Page 1 of" in first and 'href="?q=participant+or+market+or+day&page=2' in first
    assert "Page 2 of" in text(auditor, "/search/?q=participant+or+market+or+day&page=2")


@pytest.mark.parametrize("odd", ["the", "-cap", "x" * (LONGEST_QUERY + 1), "'", "!&|"])
def test_what_asks_for_no_word_is_said_to(client, odd):
    assert 'class="complaint"' in text(client, f"/search/?q={odd}", 400)


def test_a_market_that_is_none_is_named_and_all_are_searched(client):
    page = text(client, "/search/?q=cap&market=nowhere", 400)
    assert "There is no market “nowhere”" in page and "MR-2.3" in page


def test_what_is_typed_is_shown_and_runs_nothing(client):
    assert (
        "<script>alert" not in client.get("/search/?q=<script>alert(1)</script>").content.decode()
    )
