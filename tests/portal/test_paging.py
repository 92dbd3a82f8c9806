"""Lists are read a page at a time: no row twice, none left out, and none read that is not shown."""

import html
import inspect
from types import ModuleType
from typing import NamedTuple

import pytest
from sqlalchemy import event, select

from database.paged import PagedRows
from database.session import transaction
from ledger.log.store import checkpoints
from ledger.payments.queries import latest_transactions, statements
from portal.queries.disputes import ShownDispute
from portal.queries.invoices import invoices_of
from portal.queries.runs import list_runs
from portal.queries.trail import Trail
from portal.views import disputes, invoices, law_changes, notices, payments, proof, runs
from rulebook.tables import VersionRow


class Listing(NamedTuple):
    """A list with pages: where it stands, and what says how many stand on one."""

    module: ModuleType
    size: str
    address: str
    shown_as: str
    page: str = "page"


LISTINGS = [
    Listing(disputes, "DISPUTES_A_PAGE", "/disputes/", "page"),
    Listing(invoices, "INVOICES_A_PAGE", "/invoices/", "invoices"),
    Listing(law_changes, "CHANGES_A_PAGE", "/rules/changes/", "changes"),
    Listing(notices, "NOTICES_A_PAGE", "/notices/", "page"),
    Listing(payments, "PAYMENTS_A_PAGE", "/payments/", "payments"),
    Listing(payments, "PAYMENTS_A_PAGE", "/payments/", "queue", "queue"),
    Listing(payments, "STATEMENTS_A_PAGE", "/payments/", "statements", "statements"),
    Listing(proof, "CHECKPOINTS_A_PAGE", "/proof/", "pages"),
    Listing(runs, "ENTRIES_A_PAGE", "/audit/", "entries"),
    Listing(runs, "RUNS_A_PAGE", "/runs/", "runs"),
]


def test_every_list_that_has_pages_is_walked():
    named = {
        (module, name)
        for module in {listing.module for listing in LISTINGS}
        for name, _ in inspect.getmembers(module)
        if name.endswith("_A_PAGE")
    }
    assert named == {(listing.module, listing.size) for listing in LISTINGS}


def told(rows) -> list:
    """Return what rows say that does not change with the moment of asking."""
    return [row.record if isinstance(row, ShownDispute) else row for row in rows]


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda each: f"{each.address}{each.shown_as}")
def test_every_row_stands_on_one_page_and_in_its_order(sign_in, site, monkeypatch, listing):
    client = sign_in("operator" if listing.address == "/payments/" else "auditor")

    def page_at(query: str):
        answer = client.get(listing.address + query)
        assert answer.status_code == 200
        return answer.context[listing.shown_as], answer.content.decode()

    monkeypatch.setattr(listing.module, listing.size, 1_000)
    whole, text = page_at("")
    assert len(whole) == whole.row_count >= 1
    assert f"?{listing.page}=" not in text
    size = -(-len(whole) // 3)
    monkeypatch.setattr(listing.module, listing.size, size)
    walked, query, before = [], "", ""
    while True:
        page, text = page_at(query)
        assert page.before == before
        for neighbour in filter(None, (page.before, page.after)):
            assert f'<a href="{html.escape(neighbour)}' in text
        walked += page
        if not page.after:
            break
        query, before = page.after, f"?{listing.page}={page.number}"
    # An entry of the trail says so as well, that the page was read.
    assert told(walked[-len(whole) :]) == told(whole)
    assert page.page_count == -(-len(walked) // size)


@pytest.mark.parametrize("asked", ["0", "-1", "x", "", "9999999", "1.5"])
def test_a_page_that_is_none_is_the_first_or_the_last(sign_in, site, asked):
    answer = sign_in("auditor").get(f"/invoices/?page={asked}")
    assert (answer.status_code, answer.context["invoices"].number) == (200, 1)


def test_pages_keep_what_else_was_asked_for(sign_in, site, monkeypatch):
    monkeypatch.setattr(notices, "NOTICES_A_PAGE", 1)
    client = sign_in("auditor")
    one = client.get("/notices/").context["participants"][0]
    page = client.get(f"/notices/?participant={one}").context["page"]
    assert page.after == f"?participant={one}&page=2"


def counted_rows(session) -> list[int]:
    """Keep how many rows each statement of a session gives."""
    counts: list[int] = []

    def keep(connection, cursor, *others):
        counts.append(cursor.rowcount)

    event.listen(session.get_bind(), "after_cursor_execute", keep)
    return counts


def test_no_row_is_read_that_is_not_asked_for(session, site):
    query = select(VersionRow.id).order_by(VersionRow.id)
    with transaction() as opened:
        everything = opened.scalars(query).all()
        assert len(everything) > 5
        rows = PagedRows(opened, query, lambda found: [identity for (identity,) in found])
        counts = counted_rows(opened)
        assert (len(rows), rows[2:5], rows[len(everything) :]) == (
            len(everything), everything[2:5], [],
        )  # fmt: skip
        assert counts == [1, 3, 0]
        assert list(rows) == everything


def test_what_grows_with_time_is_read_by_pages():
    with transaction() as session:
        for rows in (
            checkpoints(session),
            invoices_of(session, None),
            latest_transactions(session),
            latest_transactions(session, waiting=True),
            list_runs(session),
            statements(session),
            *Trail(session).facts,
        ):
            assert isinstance(rows, PagedRows)
