"""Explanations are made by the worker: asked for once, and told to who asked, by their rights."""

import html
import re
from contextlib import ExitStack

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from database.session import transaction
from ledger.people.roles import Role
from portal import explanations, jobs, tasks
from portal.access import viewer_of
from portal.models import ExplanationRequest
from portal.quotas import QUOTAS, Kind, Quota
from tests.portal.site import GENERATOR, MARKET, SUPPLIER
from tests.worlds import people
from tests.worlds.acts import AT_ONCE
from tests.worlds.as_portal import as_worker

State = ExplanationRequest.State


@pytest.fixture
def no_worker(monkeypatch):
    """Let nothing be worked out until a test does it."""
    monkeypatch.setitem(AT_ONCE, "explain", lambda _number: None)


@pytest.fixture
def leaver(make_user):
    """The browser of one who acts for two participants, until a test takes one away."""
    client = Client()
    client.force_login(make_user("leaver", Role.PARTICIPANT, SUPPLIER, GENERATOR))
    return client


@pytest.fixture
def interval(documents):
    return f"/invoices/{documents[SUPPLIER][0].number}/1/2024-03-30/36/"


def text(answer, status=200):
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def work_off():
    with as_worker():
        tasks.explain(ExplanationRequest.objects.latest("pk").pk)


def test_a_page_says_that_it_is_worked_out_and_leads_on(sign_in, no_worker, interval):
    client = sign_in("owner")
    page = text(client.get(interval))
    assert "Being worked out" in page
    assert "every 1s" in page
    assert re.search(r"since .+ (GMT|BST)<", page)
    assert "No worker is there" in page
    assert "Being worked out" in text(client.get(interval, HTTP_HX_REQUEST="true"))
    work_off()
    assert client.get(interval, HTTP_HX_REQUEST="true")["HX-Redirect"] == interval
    assert "How it came about" in text(client.get(interval))
    assert ProcrastinateJob.objects.filter(task_name="explain").count() == 1


def test_one_that_stands_is_shown_again_and_an_old_one_is_removed(sign_in, interval):
    client = sign_in("owner")
    assert "How it came about" in text(client.get(interval))
    assert "How it came about" in text(client.get(interval))
    assert ExplanationRequest.objects.count() == 1
    explanations.remove_old(timezone.now())
    assert ExplanationRequest.objects.exists()
    explanations.remove_old(timezone.now() + explanations.KEPT)
    assert not ExplanationRequest.objects.exists()


def test_each_account_asks_for_itself(sign_in, interval):
    sign_in("owner").get(interval)
    sign_in("auditor").get(interval)
    assert ExplanationRequest.objects.values("user").distinct().count() == 2


def test_rights_that_were_taken_away_make_another_page(leaver, interval):
    leaver.get(interval)
    with transaction() as session:
        people.withdraw_link(session, "leaver", GENERATOR)
    leaver.get(interval)
    assert ExplanationRequest.objects.count() == 2
    with transaction() as session:
        people.withdraw_link(session, "leaver", SUPPLIER)
    text(leaver.get(interval), status=403)
    assert ExplanationRequest.objects.count() == 2


def test_the_worker_asks_for_the_right_again(leaver, no_worker, interval):
    leaver.get(interval)
    with transaction() as session:
        people.withdraw_link(session, "leaver", SUPPLIER)
    work_off()
    found = ExplanationRequest.objects.get()
    assert (found.state, found.content) == (State.FAILED, "")


def test_a_right_that_comes_back_opens_the_page_at_once(leaver, no_worker, interval):
    leaver.get(interval)
    with transaction() as session:
        people.withdraw_link(session, "leaver", SUPPLIER)
    work_off()
    with transaction() as session:
        people.add(session, "leaver", Role.PARTICIPANT, MARKET, SUPPLIER)
    leaver.get(interval)
    work_off()
    assert "How it came about" in text(leaver.get(interval))


def test_a_row_for_what_is_anothers_tells_nothing(make_user, documents):
    outsider = make_user("outsider", Role.PARTICIPANT, "lantern-supply")
    subject = explanations.Subject(documents[SUPPLIER][0].number, 1)
    explanations.ask(outsider, viewer_of(outsider), subject)
    found = ExplanationRequest.objects.get()
    assert (found.state, found.content) == (State.FAILED, "")


def test_a_fault_is_told_without_what_it_says(sign_in, no_worker, interval, monkeypatch):
    client = sign_in("owner")
    client.get(interval)
    monkeypatch.setattr(explanations, "_explain", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        work_off()
    monkeypatch.setattr(jobs, "wait_for", lambda _: ExplanationRequest.objects.latest("pk"))
    found = ExplanationRequest.objects.get()
    assert (found.state, found.content) == (State.FAILED, "")
    monkeypatch.setattr(explanations, "ask", lambda *_: found)
    page = text(client.get(interval))
    assert "A fault of ours" in page
    assert "division" not in page


def test_what_a_dead_worker_left_is_asked_for_again(sign_in, no_worker, interval, monkeypatch):
    client = sign_in("owner")
    client.get(interval)
    monkeypatch.setattr(jobs, "is_lost", lambda _job, _now: True)
    client.get(interval)
    states = ExplanationRequest.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [State.FAILED, State.RUNNING]


def test_an_account_has_so_many_an_hour(sign_in, interval, monkeypatch):
    client = sign_in("owner")
    monkeypatch.setitem(QUOTAS, Kind.EXPLANATION, Quota(1, "explanations"))
    text(client.get(interval))
    assert "explanations" in text(client.get(interval.replace("/36/", "/37/")), status=429)
    text(client.get(interval))  # what stands costs nothing


def test_an_account_has_so_many_under_way(sign_in, no_worker, interval, monkeypatch):
    client = sign_in("owner")
    monkeypatch.setattr(explanations, "MOST_UNDER_WAY", 2)
    for number in (36, 37, 36):
        text(client.get(interval.replace("/36/", f"/{number}/")))
    assert "still being worked out" in text(client.get(interval.replace("/36/", "/38/")), 429)
    assert ExplanationRequest.objects.count() == 2


def test_no_more_pages_wait_than_leave_threads_for_others(monkeypatch):
    class Running:
        is_running = True

    monkeypatch.setattr(jobs, "is_worker_there", lambda: True)
    monkeypatch.setattr(jobs, "WAIT_SECONDS", 1)
    looked: list[int] = []

    def read() -> Running:
        looked.append(1)
        return Running()

    with ExitStack() as held:
        for _ in range(3):
            jobs._waiting.acquire()
            held.callback(jobs._waiting.release)
        jobs.wait_for(read)
    assert looked == [1]
