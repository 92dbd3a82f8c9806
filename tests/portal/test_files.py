"""Large files: asked for by a form, made by the worker, kept for a day, seen by who asked alone."""

import datetime as dt
import html
import io
import json
import re
from uuid import uuid4
from zipfile import ZipFile

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from common.refusals import Refused
from database.session import transaction
from ledger.people.roles import Role
from ledger.rules import LedgerRule
from portal import exports
from portal.addresses import with_address
from portal.export_subjects import DocumentIntervals, OwnEvidence, RunEvidence, subject_of
from portal.models import AuditEntry, Export, ExportPart
from portal.views import evidence
from portal.views.page_remedies import REMEDIES, SHOWN_REASONS
from settlement.documents.formats import FORMATS
from settlement.documents.render import find_document, render_document
from tests.portal.site import GENERATOR, MARKET, OUTSIDER, SUPPLIER
from tests.worlds import people


@pytest.fixture(autouse=True)
def all_is_large(monkeypatch):
    monkeypatch.setattr(evidence, "DAYS_AT_ONCE", 0)
    monkeypatch.setattr(exports, "PART_BYTES", 10_000)


@pytest.fixture
def owner(sign_in):
    return sign_in("owner")


@pytest.fixture
def leaver(make_user):
    """The browser of one who acts for the supplier, until a test takes that away."""
    client = Client()
    client.force_login(make_user("leaver", Role.PARTICIPANT, SUPPLIER, GENERATOR))
    return client


@pytest.fixture
def intervals(documents):
    return f"/invoices/{documents[SUPPLIER][0].number}/invoice.csv"


def shown(answer):
    assert answer.status_code == 200
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def content_of(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_a_link_starts_nothing_and_its_form_queues_one_job(owner, intervals):
    assert "Make the file" in shown(owner.get(intervals))
    assert not Export.objects.exists()
    first, again = owner.post(intervals), owner.post(intervals)
    export = Export.objects.get()
    assert first["Location"] == again["Location"] == f"/files/{export.pk}/"
    job = ProcrastinateJob.objects.get()
    assert (job.id, job.task_name, job.args) == (
        export.job_number, "export", {"number": export.pk},
    )  # fmt: skip


def test_the_file_holds_the_intervals_of_the_document(owner, intervals):
    owner.post(intervals)
    export = Export.objects.get()
    page = f"/files/{export.pk}/"
    assert "every 2s" in shown(owner.get(page))
    assert "load it again" in shown(owner.get(page))
    assert re.search(r"asked for at .+ (GMT|BST)<", shown(owner.get(page)))
    assert "No worker is there to do it." in shown(owner.get(page))
    assert owner.get(f"{page}download/").status_code == 404
    exports.make(export.pk)
    assert ExportPart.objects.count() > 1
    assert "every 2s" not in shown(owner.get(page, HTTP_HX_REQUEST="true"))
    assert "Ready" in shown(owner.get("/files/"))
    assert "UTC" not in shown(owner.get("/files/"))
    assert re.search(r"It is kept until .+ (GMT|BST)<", shown(owner.get(page)))
    answer = owner.get(f"{page}download/")
    assert answer["Content-Disposition"].startswith('attachment; filename="gb12-')
    sent = content_of(answer)
    assert answer["Content-Length"] == str(len(sent))
    with transaction() as session:
        document = with_address(find_document(session, str(export.of)))
        assert sent == render_document(session, document, FORMATS["csv"])


def test_evidence_is_made_and_its_taking_is_in_the_trail(sign_in, site):
    auditor = sign_in("auditor")
    auditor.post(f"/runs/{site.later_run}/evidence/")
    export = Export.objects.get()
    exports.make(export.pk)
    assert not AuditEntry.objects.filter(action="export").exists()
    sent = content_of(auditor.get(f"/files/{export.pk}/download/"))
    assert re.search(r"It is kept until .+ (GMT|BST)<", shown(auditor.get(f"/files/{export.pk}/")))
    assert "run.json" in ZipFile(io.BytesIO(sent)).namelist()
    assert site.later_run in AuditEntry.objects.get(action="export").subject


def test_what_is_refused_says_why(sign_in, site):
    auditor = sign_in("auditor")
    auditor.post(f"/runs/{site.study}/evidence/")
    export = Export.objects.get()
    exports.make(export.pk)
    assert f"settlement.run {site.study}" in shown(auditor.get(f"/files/{export.pk}/"))


def test_a_refusal_is_stored_as_it_was_found_and_tells_the_reader_of_the_page_what_to_do(
    sign_in, site, monkeypatch
):
    found = [LedgerRule.LOG_HAS_NO_CHECKPOINT.finding("log", f"{n} of it") for n in range(12)]

    def refuse(*_, **__):
        raise Refused(found)

    monkeypatch.setattr(exports, "write_evidence", refuse)
    auditor = sign_in("auditor")
    auditor.post(f"/runs/{site.later_run}/evidence/")
    export = Export.objects.get()
    exports.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error, export.findings) == ("refused", "", found)
    page = shown(auditor.get(f"/files/{export.pk}/"))
    assert page.count(REMEDIES["LOG_HAS_NO_CHECKPOINT"]) == SHOWN_REASONS
    assert f"{found[0].remedy} [" not in page
    assert "And 2 more" in page


@pytest.mark.parametrize(
    "subject",
    [
        RunEvidence(uuid4()),
        DocumentIntervals("gb12-invoice-000001"),
        OwnEvidence("gb12", "hearth", None),
        OwnEvidence("gb 12", "hearth 2024-01", "2024-02"),
        OwnEvidence("gb", "12 hearth 2024-01", "2024-02"),
    ],
)
def test_what_a_file_is_of_is_read_back_as_it_was_written(subject):
    row = json.loads(json.dumps(subject.as_dict()))
    assert subject_of(subject.kind, row) == subject
    for kind in {*Export.Kind.values, "another"} - {subject.kind}:
        with pytest.raises(ValueError, match=f"no file of kind {kind}"):
            subject_of(kind, row)


def test_a_file_that_is_being_made_is_not_made_again(make_user, db):
    user, now = make_user("patient", Role.PARTICIPANT, SUPPLIER), timezone.now()
    months = (None, "2024-03", None, "2024-03")
    asked = [exports.ask(user, OwnEvidence(MARKET, SUPPLIER, month), now) for month in months]
    assert asked[:2] == asked[2:]
    assert Export.objects.count() == 2


def test_a_file_is_seen_by_who_asked_and_by_nobody_else(owner, sign_in, intervals):
    owner.post(intervals)
    export = Export.objects.get()
    exports.make(export.pk)
    for who in ("colleague", "outsider", "auditor", "operator"):
        other = sign_in(who)
        for address in (f"/files/{export.pk}/", f"/files/{export.pk}/download/"):
            assert other.get(address).status_code == 404, who
        assert str(export.of) not in shown(other.get("/files/"))
    for address in ("/files/", f"/files/{export.pk}/", f"/files/{export.pk}/download/"):
        assert sign_in("signed out").get(address).status_code == 302
    assert sign_in("regulator").get("/files/").status_code == 403


def test_who_acts_for_the_participant_no_longer_has_no_file_any_more(leaver, intervals):
    leaver.post(intervals)
    export = Export.objects.get()
    exports.make(export.pk)
    with transaction() as session:
        people.withdraw_link(session, "leaver", SUPPLIER)
    assert leaver.get(f"/files/{export.pk}/download/").status_code == 404


def test_who_has_no_right_to_a_file_cannot_ask_for_it_past_the_page(make_user, documents):
    """Whatever page calls it: the right is asked where the file is."""
    number, now = documents[SUPPLIER][0].number, timezone.now()
    for name, role, subject in (
        ("ola", (Role.PARTICIPANT, OUTSIDER), DocumentIntervals(number)),
        ("oli", (Role.PARTICIPANT, SUPPLIER), RunEvidence(uuid4())),
        ("ole", (Role.PARTICIPANT, SUPPLIER), OwnEvidence(MARKET, OUTSIDER, None)),
        ("reg", (Role.REGULATOR,), DocumentIntervals(number)),
        ("aud", (Role.AUDITOR,), DocumentIntervals("no-such-document")),
    ):
        assert exports.ask(make_user(name, *role), subject, now) is exports.NOT_ENTITLED
    assert not Export.objects.exists() and not ProcrastinateJob.objects.exists()


def test_a_file_whose_asker_lost_the_right_is_not_made(leaver, intervals, monkeypatch):
    leaver.post(intervals)
    export = Export.objects.get()
    monkeypatch.setattr(exports, "render_document", None)  # whoever calls it fails
    with transaction() as session:
        people.withdraw_link(session, "leaver", SUPPLIER)
    exports.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error) == ("refused", exports.NOT_ENTITLED.sentence)


def test_twelve_files_at_once_are_three_and_a_sentence(make_user, db):
    user, now = make_user("hasty", Role.AUDITOR), timezone.now()
    asked = [exports.ask(user, RunEvidence(uuid4()), now) for _ in range(12)]
    assert Export.objects.count() == exports.MOST_UNDER_WAY
    assert asked[3:] == [exports.TOO_MANY_UNDER_WAY] * 9
    assert ProcrastinateJob.objects.count() == exports.MOST_UNDER_WAY


def test_files_under_way_are_refused_with_429(owner, intervals, monkeypatch):
    monkeypatch.setattr(exports, "MOST_UNDER_WAY", 0)
    answer = owner.post(intervals)
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")


def test_a_file_is_gone_after_a_day(owner, intervals):
    owner.post(intervals)
    exports.make(Export.objects.get().pk)
    assert exports.remove_expired(timezone.now()) == 0
    assert exports.remove_expired(timezone.now() + exports.KEPT + dt.timedelta(minutes=1)) == 1
    assert not ExportPart.objects.exists()


def test_a_fault_is_told_without_what_it_said(owner, intervals, monkeypatch):
    owner.post(intervals)
    export = Export.objects.get()

    def fail(*_):
        raise ValueError("a reading of somebody else")

    monkeypatch.setattr(exports, "render_document", fail)
    with pytest.raises(ValueError, match="somebody else"):
        exports.make(export.pk)
    page = shown(owner.get(f"/files/{export.pk}/"))
    assert "a fault of ours (ValueError)" in page
    assert "somebody else" not in page
    with pytest.raises(LookupError):
        exports.make(export.pk)
