"""Replays: asked for by a page, computed by a process of their own, shown by the page."""

import datetime as dt
import html
import time
import uuid

import pytest
from django.utils import timezone
from sqlalchemy import text

from portal import replays
from portal.access import Role
from portal.models import AuditEntry, ReplayRequest
from settlement.replays.replay import Replayed

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def started(monkeypatch) -> list[ReplayRequest]:
    """The requests whose process would have been started."""
    found: list[ReplayRequest] = []
    monkeypatch.setattr(replays, "start_process", found.append)
    return found


@pytest.fixture
def auditor(make_user):
    return make_user("the-auditor", Role.AUDITOR)


@pytest.fixture
def signed_in(client, auditor):
    client.force_login(auditor)
    return client


def shown(answer) -> str:
    assert answer.status_code == 200
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def test_asking_leaves_a_request_and_an_audit_entry_and_starts_one_process(
    signed_in, site, started, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        signed_in.post(f"/runs/{site.first_run}/replay/")
        signed_in.post(f"/runs/{site.first_run}/replay/")
    request = ReplayRequest.objects.get()
    assert (str(request.run_id), request.state) == (site.first_run, "running")
    assert request.requested_by.username == "the-auditor"
    assert started == [request]
    entry = AuditEntry.objects.get(action="replay")
    assert (entry.user_name, entry.subject) == ("the-auditor", f"run {site.first_run}")


def test_the_page_polls_while_a_replay_runs_and_stops_when_it_is_done(signed_in, site, started):
    address = f"/runs/{site.first_run}/replay/"
    page = shown(signed_in.post(address, **HTMX))
    request = ReplayRequest.objects.get()
    assert f'hx-get="{address}{request.pk}/"' in page
    assert "every 2s" in page
    assert "<button" not in page
    request = replays.compute_request(request.pk, threads=1)
    page = shown(signed_in.get(f"{address}{request.pk}/", **HTMX))
    assert "every 2s" not in page
    assert "The same bytes" in page
    assert (
        page.count(" ".join(request.stored_digest.hex()[i : i + 8] for i in range(0, 64, 8))) == 2
    )
    assert f"{request.seconds:.1f} s" in page


def test_without_javascript_the_page_of_the_run_shows_the_same(signed_in, site, started):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    assert "load it again" in shown(signed_in.get(f"/runs/{site.first_run}/"))
    request = replays.compute_request(ReplayRequest.objects.get().pk, threads=1)
    page = shown(signed_in.get(f"/runs/{site.first_run}/"))
    assert "The same bytes" in page
    assert "Replay again" in page
    answer = signed_in.get(f"/runs/{site.first_run}/replay/{request.pk}/")
    assert answer["Location"] == f"/runs/{site.first_run}/"


def test_a_difference_is_named_beside_both_digests(signed_in, site, started, monkeypatch):
    def differs(session, run, *, threads):
        return Replayed(run, bytes(32), "settlement.result 2024-03-30 demand_kw market: differ")

    monkeypatch.setattr(replays, "replay", differs)
    signed_in.post(f"/runs/{site.first_run}/replay/")
    request = replays.compute_request(ReplayRequest.objects.get().pk, threads=1)
    assert request.state == ReplayRequest.State.DIFFERENT
    page = shown(signed_in.get(f"/runs/{site.first_run}/"))
    assert "demand_kw market: differ" in page
    assert " ".join(["00000000"] * 8) in page


def test_a_request_belongs_to_its_run(signed_in, site, started):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    request = ReplayRequest.objects.get()
    assert signed_in.get(f"/runs/{site.later_run}/replay/{request.pk}/").status_code == 404


def test_a_request_whose_process_is_gone_is_closed_and_another_may_start(auditor, site, started):
    long_ago = timezone.now() - replays.STARTING - dt.timedelta(seconds=1)
    lost = replays.request_replay(uuid.UUID(site.first_run), auditor, long_ago)
    again = replays.request_replay(uuid.UUID(site.first_run), auditor, timezone.now())
    lost.refresh_from_db()
    assert (lost.state, again.state) == ("failed", "running")
    assert "is gone" in lost.error


def test_a_request_whose_process_computes_is_left_alone_however_long_it_takes(
    auditor, site, started
):
    long_ago = timezone.now() - dt.timedelta(days=1)
    slow = replays.request_replay(uuid.UUID(site.first_run), auditor, long_ago)
    lock = text("SELECT pg_advisory_lock(:space, :number)")
    with site.engine.connect() as elsewhere:
        elsewhere.execute(lock, {"space": replays.LOCK_SPACE, "number": slow.pk})
        again = replays.request_replay(uuid.UUID(site.first_run), auditor, timezone.now())
        assert again == slow
        elsewhere.execute(text("SELECT pg_advisory_unlock_all()"))


def test_a_failure_is_shown_with_its_reason(signed_in, site, started):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    ReplayRequest.objects.update(state="failed", error="the database went away")
    page = shown(signed_in.get(f"/runs/{site.first_run}/"))
    assert "could not be computed" in page
    assert "the database went away" in page


@pytest.mark.django_db(transaction=False)
def test_a_process_that_dies_is_noticed(auditor, monkeypatch):
    """The process finds no such run, ends with an error, and the request says so."""
    seen: list[str] = []
    monkeypatch.setattr(replays, "_fail", lambda requests, error, now: seen.append(error))
    monkeypatch.setattr(replays.connection, "close", lambda: None)
    request = ReplayRequest.objects.create(
        run_id=uuid.uuid4(), requested_by=auditor, requested_at=timezone.now()
    )
    replays.start_process(request)  # the row is not committed, so the process cannot find it
    deadline = time.monotonic() + 30
    while not seen and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "waits for its outcome" in seen[0]
