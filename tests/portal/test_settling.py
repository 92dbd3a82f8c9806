"""Operators settle what is due and bill a month from the page of the calendar."""

import datetime as dt
import html

import pytest
from sqlalchemy import select

from database.session import transaction
from ledger.issuing import Issued
from portal.acts import settling
from portal.models import AuditEntry
from settlement.calendar.due import due_ranges
from settlement.calendar.market_calendar import market_calendar
from settlement.tables import RunRow
from tests.portal.site import MARKET
from tests.portal.test_payments import undone  # noqa: F401 - undoes what a test posts


@pytest.fixture
def operator(sign_in):
    return sign_in("operator")


def shown(answer) -> str:
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def due():
    with transaction() as session:
        return due_ranges(market_calendar(session, MARKET, known=dt.datetime.now(dt.UTC)).entries)


def form_of(due_range) -> dict[str, str]:
    return {
        "market": MARKET, "kind": due_range.kind, "first_day": str(due_range.first_day),
        "last_day": str(due_range.last_day),
    }  # fmt: skip


def actions():
    kept = AuditEntry.objects.filter(action__in=("settled", "issued"))
    return list(kept.values_list("action", "subject"))


def test_what_is_due_is_settled_and_posted_from_the_page(operator):
    first = due()[0]
    page = shown(operator.get("/calendar/"))
    assert f'name="kind" value="{first.kind}"' in page
    answer = operator.post("/calendar/settle/", form_of(first), follow=True)
    page = shown(answer)
    assert f"Settled {first.kind} of {MARKET}, {first.first_day} to {first.last_day}" in page
    with transaction() as session:
        kinds = session.scalars(select(RunRow.kind).order_by(RunRow.created_at)).all()
    assert kinds[-1] == first.kind
    assert first not in due()
    assert [action for action, _ in actions()] == ["settled"]


def test_what_is_not_due_any_more_is_refused(operator):
    asked = form_of(due()[0])
    operator.post("/calendar/settle/", asked)
    answer = operator.post("/calendar/settle/", asked)
    assert answer.status_code == 422
    assert "not due any more" in shown(answer)
    assert len(actions()) == 1


def test_a_month_is_billed_from_the_page(operator, monkeypatch):
    """What is posted there is billed already; `tests/browser/test_desk.py` bills a month anew."""
    asked = {"market": MARKET, "month": "2024-03-01"}
    page = shown(operator.post("/calendar/issue/", asked, follow=True))
    assert "Nothing to bill of March 2024" in page
    assert not actions()
    two = Issued(invoices=(None, None), nothing=())
    monkeypatch.setattr(settling, "issue_month", lambda *_, **__: two)
    page = shown(operator.post("/calendar/issue/", asked, follow=True))
    assert f"Issued 2 documents of {MARKET} for March 2024" in page
    assert actions() == [("issued", f"{MARKET}, March 2024")]


@pytest.mark.parametrize(
    ("address", "typed", "words"),
    [
        ("settle", {}, "Choose a range"),
        ("settle", {"market": "gb12", "first_day": "x", "last_day": "2024-03-01"}, "a range"),
        ("settle", {"market": "elsewhere", "kind": "II", "first_day": "2024-03-01",
                    "last_day": "2024-03-01"}, ""),
        ("issue", {"market": MARKET, "month": "March"}, "Choose a month"),
        ("issue", {"market": MARKET, "month": "2024-03-02"}, "Choose a month"),
        ("issue", {"market": MARKET, "month": "2031-01-01"}, "no posted run"),
    ],
)  # fmt: skip
def test_odd_forms_are_refused(operator, address, typed, words):
    answer = operator.post(f"/calendar/{address}/", typed)
    assert answer.status_code in (404, 422)
    assert words in shown(answer)
    assert not actions()


def test_only_operators_are_offered_it(sign_in):
    page = shown(sign_in("auditor").get("/calendar/"))
    assert "Settle and post" not in page
    assert "Issue documents" not in page
