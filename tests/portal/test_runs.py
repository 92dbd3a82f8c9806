"""Runs: the list, a run's page, the audit trail."""

import html
import re

from database.session import transaction
from portal import exports
from portal.audit import Action, record
from portal.models import Export
from portal.queries.runs import list_runs, run_page
from settlement.meters.register import MEASURE_TITLES


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def pages():
    with transaction() as session:
        found = [run_page(session, one.run.id) for one in list_runs(session)]
    return [page for page in found if not page.is_study]


def test_the_list_has_both_runs(sign_in, site):
    page = text(sign_in("operator"), "/runs/")
    assert f"/runs/{site.first_run}/" in page
    assert f"/runs/{site.later_run}/" in page


def test_a_run_shows_its_digests_pins_journals_and_totals(sign_in, site):
    page = text(sign_in("auditor"), f"/runs/{site.later_run}/")
    found = next(one for one in pages() if str(one.summary.run.id) == site.later_run)
    run = found.summary.run
    for digest in (run.input_digest, run.result_digest):
        assert " ".join(re.findall(".{8}", digest.hex())) in page
    for pin in run.pins:
        assert pin.instrument in page
        assert f"/rules/version/{pin.digest.hex()}/" in page
    assert len(found.journals) == 2
    for journal in found.journals:
        assert journal.digest.hex() in page
        assert journal.reason in page


def test_money_in_is_money_out_in_every_run():
    for page in pages():
        for totals in (page.moved, page.position):
            assert totals.remainder_micro == 0
        assert page.position.charges_micro > 0
        assert page.position.generation_wh > 0


def test_a_later_run_adds_its_differences_to_the_earlier_one():
    later, first = pages()
    assert first.moved == first.position
    assert later.position.charges_micro == (
        first.position.charges_micro + later.moved.charges_micro
    )
    assert later.position.demand_wh == first.position.demand_wh + later.moved.demand_wh


def test_a_run_shows_its_readings_by_quality(sign_in, site):
    page = text(sign_in("auditor"), f"/runs/{site.later_run}/")
    found = next(one for one in pages() if str(one.summary.run.id) == site.later_run)
    assert {one.measure for one in found.quality} >= {
        "metered_demand_wh",
        "metered_generation_wh",
        "available_w",
    }
    for one in found.quality:
        assert f">{MEASURE_TITLES[one.measure].capitalize()}</th>" in page
        assert one.measure not in page
        for words, count in one.intervals.items():
            shown = f'{words.capitalize()}</td><td class="number">{count:,}</td>'
            assert shown in page


def test_a_run_that_is_not_there_is_not_found(sign_in):
    client = sign_in("auditor")
    absent = "/runs/00000000-0000-0000-0000-000000000000/"
    assert client.get(absent).status_code == 404
    assert client.post(f"{absent}replay/").status_code == 404
    assert client.get("/runs/1/").status_code == 404


def test_the_audit_trail_shows_who_did_what(sign_in, make_user):
    user = make_user("someone")
    record(user, Action.REPLAY, "run 7", "to be sure")
    page = text(sign_in("auditor"), "/audit/")
    for shown in ("someone", "Asked for a replay", "run 7", "to be sure"):
        assert shown in page


def test_the_audit_trail_turns_its_pages(sign_in, make_user):
    user = make_user("someone")
    for number in range(150):
        record(user, Action.REPLAY, f"run {number}")
    client = sign_in("auditor")
    assert "Earlier" in text(client, "/audit/")
    assert "run 0<" in text(client, "/audit/?page=2")
    assert "Published" in text(client, "/audit/?page=999")


def test_the_audit_trail_shows_what_commands_did(sign_in, site):
    client = sign_in("auditor")
    client.post(f"/runs/{site.first_run}/evidence/")
    export = Export.objects.get()
    exports.make(export.pk)
    client.get(f"/files/{export.pk}/download/")
    page = text(client, "/audit/")
    for what in (
        "Published", "Ingested readings", "Settled", "Issued", "Took a file",
    ):  # fmt: skip
        assert page.count(what) >= 1, what
    assert "gb12 II 2024-03-30 to 2024-03-31" in page
    assert "operator, approved by regulator" in page
    assert "gb12, March 2024: " in page
