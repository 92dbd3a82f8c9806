"""The calendar page: what is due, the days of a month by run, and what came late."""

import datetime as dt
import html

import pytest
from django.utils import timezone


@pytest.fixture
def page(sign_in, monkeypatch):
    def page(address="/calendar/", on=dt.datetime(2024, 5, 8, 12, tzinfo=dt.UTC)):
        monkeypatch.setattr(timezone, "now", lambda: on)
        answer = sign_in("operator").get(address)
        assert answer.status_code == 200
        return html.unescape(answer.content.decode())

    return page


def test_days_stand_with_every_run_and_its_state(page, site):
    said = page()
    for words in ("March 2024", "First reconciliation run", "22 Jun 2024", "Nothing that is due"):
        assert words in said
    assert said.count(f"/runs/{site.first_run}/") == 3  # of both days at once, and of each
    assert '<td class="state due">Due' in said  # R1 of 30 March, 39 days later
    assert said.count('<td class="state not_yet">') == 2 * 5 - 1
    assert "No reading came after" in said


def test_a_month_is_chosen_by_its_address(page, sign_in):
    assert "March 2024</time></h2>" in page("/calendar/?market=gb12&month=2024-03")


@pytest.mark.parametrize("query", ["?market=nowhere", "?month=March", "?month=2024-13"])
def test_an_address_that_names_nothing_is_not_found(sign_in, query):
    assert sign_in("auditor").get(f"/calendar/{query}").status_code == 404
