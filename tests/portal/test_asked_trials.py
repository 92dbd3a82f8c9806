"""Trials that a page asks for: the form, what the worker does, and its asker's wish meanwhile."""

import contextlib
import datetime as dt
import html
from types import SimpleNamespace

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from common.refusals import Finding, Refused
from portal import quotas
from portal.models import AskedTrial, AuditEntry, Use
from portal.quotas import Kind
from portal.trials import requests
from portal.trials.form import LONGEST_DAYS, read_form
from portal.trials.sources import Source
from settlement.trials.store import find_trial
from tests.portal.site import MARKET, SHORT_DAY
from tests.portal.test_replays import end_job
from tests.worlds.as_portal import as_worker
from tests.worlds.rolled_back import rolled_back

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def regulator(sign_in):
    return sign_in("regulator")


@pytest.fixture
def form(site):
    day = str(SHORT_DAY)
    return {"draft": f"proposal-{site.change}", "second": "", "first_day": day, "last_day": day,
            "threshold_percent": "1"}  # fmt: skip


def shown(answer) -> str:
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def ask(client, form) -> AskedTrial:
    answer = client.post("/trials/ask/", form)
    asked = AskedTrial.objects.get()
    assert answer["Location"] == f"/trials/asked/{asked.pk}/"
    return asked


def test_the_form_offers_what_waits_and_the_days_settled_last(regulator, site):
    page = shown(regulator.get(f"/trials/ask/?draft=proposal-{site.change}"))
    assert f'value="proposal-{site.change}" selected' in page
    assert 'value="2024-03-01"' in page
    assert 'value="2024-03-31"' in page
    assert "(wanted from 1 Jun 2024)" in page
    assert "as if it were law on all of them" in page
    assert "Try a draft" in shown(regulator.get("/trials/"))


def test_asking_leaves_a_request_and_an_audit_entry_and_queues_one_job(regulator, form):
    asked = ask(regulator, form)
    assert (asked.market, asked.first_day, asked.state) == (MARKET, SHORT_DAY, "running")
    job = ProcrastinateJob.objects.get()
    assert (job.id, job.task_name, job.lock) == (asked.job_number, "trial", "trial-0")
    entry = AuditEntry.objects.get(action="trial")
    assert (entry.account, str(SHORT_DAY) in entry.subject) == ("regulator", True)


def test_how_far_it_is_stands_on_its_page_and_on_the_list(regulator, form):
    asked = ask(regulator, form)
    page = shown(regulator.get(f"/trials/asked/{asked.pk}/"))
    assert "0 of 1 days" in page  # before the worker took it
    assert "No worker is there to do it." in page
    assert f'hx-get="/trials/asked/{asked.pk}/"' in page
    assert "tried so far 0 of 1 days" in shown(regulator.get("/trials/"))


def test_the_worker_tries_it_and_the_page_leads_to_the_report(regulator, form, site, monkeypatch):
    asked = ask(regulator, form)
    with rolled_back(site.engine) as session:
        # The market's database is shared by tests: what is stored there is rolled back.
        own = SimpleNamespace(transaction=lambda: contextlib.nullcontext(session))
        monkeypatch.setattr(requests, "database", own)
        monkeypatch.setattr(requests, "sign_after", lambda _now: None)
        with as_worker():
            requests.compute(asked.pk, threads=1)
        asked.refresh_from_db()
        trial = find_trial(session, asked.trial_id)
        assert (trial.first_day, trial.last_day) == (SHORT_DAY, SHORT_DAY)
        assert trial.report["participants"]
    assert (asked.state, asked.done) == ("done", 1)
    address = f"/trials/asked/{asked.pk}/"
    assert regulator.get(address)["Location"] == f"/trials/{asked.trial_id}/"
    assert regulator.get(address, **HTMX)["HX-Redirect"] == address


def run_by(monkeypatch, run):
    monkeypatch.setattr(requests, "run_trial", run)


def test_a_refusal_is_told_with_every_reason(regulator, form, monkeypatch):
    asked = ask(regulator, form)

    def refuse(*_, **__):
        raise Refused([Finding(f"no-{what}", what, "x", "y", "z") for what in ("law", "reading")])

    run_by(monkeypatch, refuse)
    with as_worker():
        requests.compute(asked.pk, threads=1)
    page = shown(regulator.get(f"/trials/asked/{asked.pk}/"))
    assert "Refused" in page
    assert "law" in page
    assert "reading" in page


def test_a_fault_of_ours_is_told_without_its_words(regulator, form, monkeypatch):
    asked = ask(regulator, form)

    def fail(*_, **__):
        raise ZeroDivisionError("of another's data")

    run_by(monkeypatch, fail)
    with as_worker(), pytest.raises(ZeroDivisionError):
        requests.compute(asked.pk, threads=1)
    page = shown(regulator.get(f"/trials/asked/{asked.pk}/"))
    assert "ZeroDivisionError" in page
    assert "of another's data" not in page


def test_a_trial_rests_goes_on_and_ends_as_its_asker_wishes(regulator, form, monkeypatch):
    asked = ask(regulator, form)
    address = f"/trials/asked/{asked.pk}/"
    wishes = iter(["pause", "go-on", "pause", "cancel"])
    seen = []

    def wish_next(_seconds=0.0):
        regulator.post(f"{address}wish/", {"wish": next(wishes)})

    def run(_transactions, _request, *, progress, **_):
        for done in range(1, 9):
            seen.append(done)
            wish_next() if done in (2, 5) else None
            progress(done, 8)

    run_by(monkeypatch, run)
    monkeypatch.setattr(requests, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(requests.time, "sleep", wish_next)
    with as_worker():
        requests.compute(asked.pk, threads=1)
    assert seen == [1, 2, 3, 4, 5]
    page = shown(regulator.get(address))
    assert "Cancelled after 5 of 8 days" in page.replace("</span>", "")
    assert not list(wishes)


def test_a_trial_rests_no_longer_than_others_can_wait(regulator, form, monkeypatch):
    asked = ask(regulator, form)
    regulator.post(f"/trials/asked/{asked.pk}/wish/", {"wish": "pause"})
    run_by(monkeypatch, lambda *_, progress, **__: progress(1, 2))
    monkeypatch.setattr(requests, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(requests, "LONGEST_REST_SECONDS", 0.0)
    # What is computed comes to nothing here: it went on, which is all that is asked.
    with as_worker(), pytest.raises(AttributeError):
        requests.compute(asked.pk, threads=1)
    asked.refresh_from_db()
    assert (asked.wish, asked.done) == ("", 1)


def test_rests_one_after_the_other_are_no_longer_together(regulator, form, monkeypatch):
    asked = ask(regulator, form)
    clock = [0.0]

    def pause():
        regulator.post(f"/trials/asked/{asked.pk}/wish/", {"wish": "pause"})

    def sleep(seconds):
        clock[0] += 100 * seconds

    def run(_transactions, _request, *, progress, **_):
        for done in range(1, 5):
            pause()
            progress(done, 5)
            clock[0] += 1

    run_by(monkeypatch, run)
    stopped = SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)
    monkeypatch.setattr(requests, "time", stopped)
    with as_worker(), pytest.raises(AttributeError):
        requests.compute(asked.pk, threads=1)
    assert clock[0] <= requests.LONGEST_REST_SECONDS + 100


def test_a_paused_trial_says_so_and_offers_to_go_on(regulator, form):
    asked = ask(regulator, form)
    address = f"/trials/asked/{asked.pk}/"
    regulator.post(f"{address}wish/", {"wish": "pause"})
    page = shown(regulator.get(address))
    assert "Paused" in page
    assert 'value="go-on"' in page
    regulator.post(f"{address}wish/", {"wish": "cancel"})
    page = shown(regulator.get(address))
    assert "Ending" in page
    assert "<button" not in page.split('id="asked-state"')[1]
    regulator.post(f"{address}wish/", {"wish": "go-on"})
    asked.refresh_from_db()
    assert asked.wish == "cancel"


def test_what_another_asked_for_is_not_there(regulator, sign_in, form):
    asked = ask(regulator, form)
    operator = sign_in("operator")
    for answer in (
        operator.get(f"/trials/asked/{asked.pk}/"),
        operator.post(f"/trials/asked/{asked.pk}/wish/", {"wish": "cancel"}),
    ):
        assert answer.status_code == 404
    assert "Under way" not in shown(operator.get("/trials/"))


def test_a_trial_whose_process_is_gone_is_closed(regulator, form):
    asked = ask(regulator, form)
    end_job(asked.job_number, "failed")
    assert "is gone" in shown(regulator.get(f"/trials/asked/{asked.pk}/"))
    with pytest.raises(LookupError):
        requests.compute(asked.pk, threads=1)


ONE, OTHER = Source("proposal", 1, "gb12", "One"), Source("proposal", 2, "tiny", "Other")
GOOD = {"draft": "proposal-1", "first_day": "2024-01-01", "last_day": "2024-01-31",
        "threshold_percent": "1"}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"draft": ""}, "Choose the draft"),
        ({"draft": "proposal-7"}, "Choose the draft"),
        ({"second": "proposal-7"}, "a second draft that waits"),
        ({"second": "proposal-1"}, "another draft as the second"),
        ({"second": "proposal-2"}, "of one market"),
        ({"first_day": "31.1.2024"}, "Write the first and the last day"),
        ({"last_day": ""}, "Write the first and the last day"),
        ({"last_day": "2023-12-31"}, "not before the first"),
        ({"last_day": "2025-01-01"}, f"at most {LONGEST_DAYS} days"),
        ({"mode": "otherwise"}, "Choose how"),
        ({"threshold_percent": "101"}, "from 0 to 100"),
        ({"threshold_percent": "-1"}, "from 0 to 100"),
        ({"threshold_percent": "1.5"}, "from 0 to 100"),
        ({"threshold_percent": "٣"}, "from 0 to 100"),
        ({"threshold_percent": "9" * 5_000}, "from 0 to 100"),
    ],
)
def test_what_is_wrong_with_the_form_is_told(typed, complaint):
    (found,) = read_form(GOOD | typed, [ONE, OTHER]).complaints
    assert complaint in found


def test_a_form_that_is_right_is_read_whole_and_one_that_is_wrong_is_kept(regulator, form):
    read = read_form(GOOD, [ONE, OTHER])
    assert (read.complaints, read.sources, read.threshold_ppm) == ([], [ONE], 10_000)
    assert read.days == (dt.date(2024, 1, 1), dt.date(2024, 1, 31))
    assert len(read_form({}, []).complaints) == 3
    answer = regulator.post("/trials/ask/", form | {"last_day": "soon", "threshold_percent": "7"})
    assert answer.status_code == 422
    assert 'value="soon"' in shown(answer)
    assert 'value="7"' in shown(answer)
    assert not AskedTrial.objects.exists()


def test_so_many_trials_of_an_account_are_under_way_at_once(regulator, form, sign_in, monkeypatch):
    monkeypatch.setattr(requests, "MOST_UNDER_WAY", 1)
    asked = ask(regulator, form)
    answer = regulator.post("/trials/ask/", form)
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert "1 of your trials wait or run" in shown(answer)
    assert AskedTrial.objects.count() == ProcrastinateJob.objects.count() == 1
    assert Use.objects.filter(kind="trial").count() == 1, "what is refused is not counted"
    assert sign_in("operator").post("/trials/ask/", form).status_code == 302, "another's are theirs"
    AskedTrial.objects.filter(pk=asked.pk).update(state="cancelled")
    assert regulator.post("/trials/ask/", form).status_code == 302


def test_so_many_trials_of_an_account_are_made_a_day(regulator, form, monkeypatch):
    monkeypatch.setitem(quotas.QUOTAS, Kind.TRIAL, quotas.QUOTAS[Kind.TRIAL]._replace(most=1))
    assert regulator.post("/trials/ask/", {**form, "first_day": "soon"}).status_code == 422
    ask(regulator, form)
    answer = regulator.post("/trials/ask/", form)
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 23 * 3600
    assert "An account may ask for 1 trials a day" in shown(answer)
    assert regulator.get("/trials/ask/").status_code == 200
    Use.objects.update(at=timezone.now() - dt.timedelta(hours=23))
    assert regulator.post("/trials/ask/", form).status_code == 429
    Use.objects.update(at=timezone.now() - dt.timedelta(hours=25))
    assert regulator.post("/trials/ask/", form).status_code == 302
