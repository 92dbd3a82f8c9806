"""Replays: asked for by a page, computed by the worker, shown by the page."""

import datetime as dt
import html
import re
import uuid

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from ledger.people.roles import Role
from portal import jobs, replays
from portal.models import AuditEntry, ReplayRequest
from settlement.replays.replay import Replayed

HTMX = {"HTTP_HX_REQUEST": "true"}


def end_job(number, status="succeeded"):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, number])


def take_job(number, seen):
    """Do as a worker does that takes a job, and was last seen at an instant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s) RETURNING id", [seen]
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
            [cursor.fetchone()[0], number],
        )


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


def test_asking_leaves_a_request_and_an_audit_entry_and_queues_one_job(signed_in, site):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    signed_in.post(f"/runs/{site.first_run}/replay/")
    request = ReplayRequest.objects.get()
    assert (str(request.run_id), request.state) == (site.first_run, "running")
    assert request.requested_by.username == "the-auditor"
    job = ProcrastinateJob.objects.get()
    assert (job.id, job.task_name, job.lock) == (request.job_number, "replay", "replay-0")
    assert job.args == {"number": request.pk}
    entry = AuditEntry.objects.get(action="replay")
    assert (entry.account, entry.subject) == ("the-auditor", f"run {site.first_run}")


def test_the_page_polls_while_a_replay_runs_and_stops_when_it_is_done(signed_in, site):
    address = f"/runs/{site.first_run}/replay/"
    page = shown(signed_in.post(address, **HTMX))
    request = ReplayRequest.objects.get()
    assert f'hx-get="{address}{request.pk}/"' in page
    assert "every 2s" in page
    assert "<button" not in page
    assert re.search(r"asked for at .+ (GMT|BST)<", page)
    request = replays.compute_request(request.pk, threads=1)
    page = shown(signed_in.get(f"{address}{request.pk}/", **HTMX))
    assert "every 2s" not in page
    assert "The same bytes" in page
    assert re.search(r"Asked for by the-auditor at .+ (GMT|BST)<", page)
    assert (
        page.count(" ".join(request.stored_digest.hex()[i : i + 8] for i in range(0, 64, 8))) == 2
    )
    assert f"{request.seconds:.1f} s" in page


def test_without_javascript_the_page_of_the_run_shows_the_same(signed_in, site):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    assert "load it again" in shown(signed_in.get(f"/runs/{site.first_run}/"))
    request = replays.compute_request(ReplayRequest.objects.get().pk, threads=1)
    page = shown(signed_in.get(f"/runs/{site.first_run}/"))
    assert "The same bytes" in page
    assert "Replay again" in page
    answer = signed_in.get(f"/runs/{site.first_run}/replay/{request.pk}/")
    assert answer["Location"] == f"/runs/{site.first_run}/"


def test_a_page_says_that_no_worker_is_there_until_one_is_seen(signed_in, site):
    address, words = f"/runs/{site.first_run}/", "No worker is there to do it."
    assert words not in shown(signed_in.get(address)), "nothing waits"
    assert words in shown(signed_in.post(f"{address}replay/", **HTMX))
    assert words in shown(signed_in.get(address))
    request = ReplayRequest.objects.get()
    take_job(request.job_number, timezone.now())
    assert words not in shown(signed_in.get(address))
    assert words not in shown(signed_in.get(f"{address}replay/{request.pk}/", **HTMX))


def test_a_difference_is_named_beside_both_digests(signed_in, site, monkeypatch):
    def differs(session, run, *, threads, progress):
        return Replayed(run, bytes(32), "settlement.result 2024-03-30 demand_kw market: differ")

    monkeypatch.setattr(replays, "replay", differs)
    signed_in.post(f"/runs/{site.first_run}/replay/")
    request = replays.compute_request(ReplayRequest.objects.get().pk, threads=1)
    assert request.state == ReplayRequest.State.DIFFERENT
    page = shown(signed_in.get(f"/runs/{site.first_run}/"))
    assert "demand_kw market: differ" in page
    assert " ".join(["00000000"] * 8) in page


def test_a_request_belongs_to_its_run(signed_in, site):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    request = ReplayRequest.objects.get()
    assert signed_in.get(f"/runs/{site.later_run}/replay/{request.pk}/").status_code == 404


@pytest.mark.parametrize("status", ["succeeded", "failed", "silent"])
def test_a_request_whose_process_is_gone_is_closed_and_another_may_start(auditor, site, status):
    now = timezone.now()
    lost = replays.request_replay(uuid.UUID(site.first_run), auditor, now)
    if status == "silent":
        take_job(lost.job_number, now - jobs.HEART - dt.timedelta(seconds=1))
    else:
        end_job(lost.job_number, status)
    again = replays.request_replay(uuid.UUID(site.first_run), auditor, now)
    lost.refresh_from_db()
    assert (lost.state, again.state) == ("failed", "running")
    assert "is gone" in lost.error
    # Or its lock would keep every later replay out.
    assert not ProcrastinateJob.objects.filter(status="doing").exists()


def test_a_request_whose_process_computes_is_left_alone_however_long_it_takes(auditor, site):
    long_ago = timezone.now() - dt.timedelta(days=1)
    slow = replays.request_replay(uuid.UUID(site.first_run), auditor, long_ago)
    assert replays.request_replay(uuid.UUID(site.first_run), auditor, timezone.now()) == slow
    take_job(slow.job_number, timezone.now())
    assert replays.request_replay(uuid.UUID(site.first_run), auditor, timezone.now()) == slow


def test_how_far_it_is_stands_on_the_page(signed_in, site):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    ReplayRequest.objects.update(done=1, total=2)
    assert "1 of 2 days computed" in shown(signed_in.get(f"/runs/{site.first_run}/"))


def test_a_failure_is_shown_with_its_reason(signed_in, site):
    signed_in.post(f"/runs/{site.first_run}/replay/")
    ReplayRequest.objects.update(state="failed", error="the database went away")
    page = shown(signed_in.get(f"/runs/{site.first_run}/"))
    assert "could not be computed" in page
    assert "the database went away" in page


def test_what_breaks_while_it_computes_is_written_as_its_outcome(auditor, site):
    request = replays.request_replay(uuid.uuid4(), auditor, timezone.now())
    with pytest.raises(LookupError):
        replays.compute_request(request.pk, threads=1)
    request.refresh_from_db()
    assert (request.state, "there is no run" in request.error) == ("failed", True)
    with pytest.raises(LookupError, match="waits for its outcome"):
        replays.compute_request(request.pk, threads=1)
