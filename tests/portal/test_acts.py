"""What a person asks for on a page is done by the worker: once, as the writer, and as that person.

A page is answered by the portal's roles and the worker acts as the writer, on a database to which
both of them commit.
"""

import datetime as dt
import re
import threading
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from sqlalchemy import text

import database.session
from database.roles.names import Role as DatabaseRole
from database.session import make_engine, transaction
from ledger.payments import queries
from ledger.people.roles import Role
from portal import acting, apps, jobs, tasks
from portal.acts import requests
from portal.acts.executors import EXECUTORS
from portal.acts.permits import grant_permit
from portal.acts.requests import execute
from portal.django_on import django_on
from portal.models import Act, AuditEntry
from tests.portal.site import serving_from
from tests.worlds import people
from tests.worlds.banked import pay_tiny
from tests.worlds.roles import url_as
from tests.worlds.second_factor import confirm, give_second_factor
from tests.worlds.settled import SETTLED, bill_tiny

NOW = dt.datetime(2024, 3, 10, 9, 0, tzinfo=dt.UTC)
PAYMENT = "tiny-bank-000001/4"
DECIDE = f"/payments/{PAYMENT}/decide/"
DOCUMENT = "tiny-invoice-000001"
POUNDS = count(1)


@pytest.fixture(scope="module")
def world(clone_portal_database, django_db_blocker) -> Iterator[SimpleNamespace]:
    """The tiny market, billed and paid, with an operator and a bystander; all committed."""
    url = clone_portal_database()
    made = make_engine(url)
    with transaction(made) as session:
        bill_tiny(session)
        pay_tiny(session, SETTLED)
        people.add(session, "paul", Role.PARTICIPANT, "tiny", "cedar")
    with django_db_blocker.unblock(), django_on(url):
        give_second_factor(User.objects.create_user("olga"))
        User.objects.create_user("paul")
    roles = {role: url_as(url, role) for role in (DatabaseRole.WRITER, *PAGES)}
    engines = {role: make_engine(address) for role, address in roles.items()}
    yield SimpleNamespace(url=url, roles=roles, engines=engines, engine=made)
    for engine in (made, *engines.values()):
        engine.dispose()


PAGES = (DatabaseRole.PORTAL, DatabaseRole.PORTAL_AUTH)


@pytest.fixture
def page(world, django_db_blocker, monkeypatch) -> Iterator[Client]:
    """The browser of a confirmed operator, answered by the portal's roles; no worker is there."""
    monkeypatch.setattr(jobs, "defer", QUEUE)
    for name in ("take", "mark"):
        monkeypatch.setattr(requests, name, REAL[name])
    monkeypatch.setattr(acting, "run", RUN)
    monkeypatch.setattr(apps, "current_token", database.session.current_token)
    monkeypatch.setattr(jobs, "WAIT_SECONDS", 0)
    with (
        django_db_blocker.unblock(),
        django_on(world.url),
        serving_from(world.url, world.engine),
    ):
        client = Client()
        user = User.objects.get(username="olga")
        client.force_login(user)
        confirm(client, user)
        yield client


QUEUE = jobs.defer
RUN = acting.run
REAL = {name: getattr(requests, name) for name in ("take", "mark")}


@pytest.fixture
def work(world, django_db_blocker):
    """Return what does an act as the worker does it: as the writer, on both connections."""
    writer = DatabaseRole.WRITER

    def done(number: int, executors=EXECUTORS) -> Act | None:
        with (
            django_on(world.roles[writer]),
            serving_from(world.roles[writer], world.engines[writer]),
        ):
            return execute(number, executors, timezone.now())

    return done


def decisions(world) -> int:
    with transaction(world.engine) as session:
        found = queries.decided_transactions(session, "tiny")
        (payment,) = (each for each in found if each.transaction.name == PAYMENT)
        return len(payment.decisions)


def asked(page: Client) -> Act:
    """Return the act of a decision about the payment: another amount of it each time."""
    form = {
        "document": [DOCUMENT],
        "amount": [f"{next(POUNDS)}.00"],
        "decision": "allocate",
        "reason": "Asked again",
    }
    understood = page.post(DECIDE, form).context["told"]
    answer = page.post(DECIDE, form | {"told": understood})
    act = Act.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, f"/acts/{act.pk}/")
    return act


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_a_page_says_that_no_worker_is_there_and_what_it_came_to_when_one_was(page, work, world):
    before = decisions(world)
    act = asked(page)
    shown = text_of(page.get(f"/acts/{act.pk}/"))
    assert "Being done" in shown
    assert re.search(r"asked for at .+ (GMT|BST)<", shown)
    assert "No worker is there to do it." in shown
    assert decisions(world) == before
    work(act.pk)
    answer = page.get(f"/acts/{act.pk}/", follow=True)
    assert answer.redirect_chain == [(f"/payments/{PAYMENT}/", 302)]
    assert "Posted as journal" in text_of(answer)
    assert decisions(world) == before + 1
    entry = AuditEntry.objects.exclude(action="reading").latest("pk")
    assert (entry.action, entry.subject, entry.reason) == (
        "payment-allocated", PAYMENT, "Asked again",
    )  # fmt: skip


def test_whose_document_a_payment_is_taken_from_is_told_so_and_loses_no_page(page):
    """The decision that takes it away names none of their documents, and is hidden from them."""
    own, every = Client(), page
    own.force_login(User.objects.get(username="paul"))
    account = "/accounts/tiny/cedar/"
    assert "Payment allocated anew: it pays no document of this account" in text_of(
        own.get(account)
    )
    assert own.get(f"{account}statement.csv").status_code == 200
    told = text_of(own.get("/notices/"))
    assert "was received from you" in told
    assert "of a payment was taken from your documents" in told
    assert f"So much less of {DOCUMENT} is paid by it; no money came or went." in told
    assert "Payment allocated anew: Asked" in text_of(every.get(account))


def test_an_act_is_done_once(page, work, world):
    act, before = asked(page), decisions(world)
    work(act.pk)
    assert work(act.pk) is None
    assert decisions(world) == before + 1


def test_two_workers_at_once_do_it_once(page, work, world):
    """Both read that it is asked; the second waits for the row, and finds it marked."""
    act, before = asked(page), decisions(world)
    meet = threading.Barrier(2, timeout=20)

    def together(session, found, now):
        with pytest.raises(threading.BrokenBarrierError):
            meet.wait(1)  # nobody else comes this far
        return EXECUTORS[found.kind](session, found, now)

    def other():
        with transaction(world.engines[DatabaseRole.WRITER]) as session:
            taken.append(requests.take(session, act.pk))

    taken: list[bool] = []
    waits = threading.Timer(0.3, other)
    waits.start()
    work(act.pk, dict.fromkeys(EXECUTORS, together))
    waits.join()
    assert taken == [False]
    assert decisions(world) == before + 1


def test_a_worker_that_dies_leaves_it_to_be_done_again(page, work, world):
    """What it wrote goes with its transaction, and the mark with what it wrote."""
    act, before = asked(page), decisions(world)

    class Killed(BaseException):
        pass

    def dies(session, found, now):
        EXECUTORS[found.kind](session, found, now)
        raise Killed

    with pytest.raises(Killed):
        work(act.pk, dict.fromkeys(EXECUTORS, dies))
    act.refresh_from_db()
    assert (act.state, decisions(world)) == (Act.State.ASKED, before)
    assert work(act.pk).state == Act.State.DONE
    assert decisions(world) == before + 1


def test_what_nobody_does_any_more_is_queued_again(page, world):
    act = asked(page)
    with django_on(world.roles[DatabaseRole.WRITER]):
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [act.job_number])
        assert requests.resume_lost(timezone.now()) >= 1
        job = Act.objects.get(pk=act.pk).job_number
        assert job != act.job_number
        assert requests.resume_lost(timezone.now()) == 0


def test_a_refusal_stands_beside_the_form_with_all_that_was_typed(page, work, world):
    before = decisions(world)
    form = {
        "document": ["tiny-invoice-999999"],
        "amount": ["5.00"],
        "reason": "As their letter says",
        "decision": "allocate",
    }
    told = page.post(DECIDE, form)
    understood = told.context["told"]
    page.post(DECIDE, form | {"told": understood})
    act = Act.objects.latest("pk")
    assert work(act.pk).state == Act.State.REFUSED
    answer = page.get(f"/acts/{act.pk}/")
    shown = text_of(answer)
    assert "Refused; nothing was posted." in shown
    assert "tiny-invoice-999999" in shown
    assert "As their letter says" in shown
    assert 'value="5.00"' in shown
    assert act.findings == [] and Act.objects.get(pk=act.pk).findings
    assert decisions(world) == before


def test_a_fault_of_ours_is_told_without_what_it_said_and_may_be_asked_again(page, work, world):
    act, before = asked(page), decisions(world)

    def fails(*_):
        raise ZeroDivisionError("the account of another")

    with pytest.raises(ZeroDivisionError):
        work(act.pk, dict.fromkeys(EXECUTORS, fails))
    shown = text_of(page.get(f"/acts/{act.pk}/"))
    assert "Nothing was changed: a fault of ours (ZeroDivisionError)." in shown
    assert "of another" not in shown
    assert decisions(world) == before


def test_an_act_is_shown_to_who_asked_and_to_nobody_else(page):
    act = asked(page)
    other = Client()
    other.force_login(User.objects.get(username="paul"))
    assert other.get(f"/acts/{act.pk}/").status_code == 404
    assert Client().get(f"/acts/{act.pk}/")["Location"].startswith("/account/sign-in/")
    assert page.get("/acts/999999/").status_code == 404


def test_the_asked_again_page_is_a_part_for_scripts(page, work):
    act = asked(page)
    part = page.get(f"/acts/{act.pk}/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "every 1s" in part.content.decode()
    work(act.pk)
    done = page.get(f"/acts/{act.pk}/", headers={"HX-Request": "true"})
    assert done["HX-Redirect"] == f"/acts/{act.pk}/"


def permitted(world, name: str, kind: str, subject: str, arguments: dict, content=None) -> Act:
    """Return an act that an account asked for, past the page."""
    user = User.objects.get(username=name)
    act = Act(user=user, kind=kind, subject=subject, arguments=arguments, content=content)
    act.asked_at = NOW
    grant_permit(act, requests.KEPT)
    act.save()
    return act


@pytest.mark.parametrize(
    ("kind", "subject", "arguments"),
    [
        ("return", PAYMENT, {"reason": "mine"}),
        ("allocate", PAYMENT, {"reason": "mine", "amounts": {"tiny-invoice-000001": 1}}),
        ("import", "bank.xml", {"market": "tiny", "name": "bank.xml", "missing": ""}),
    ],
)
def test_a_request_of_who_has_no_right_to_it_is_refused_when_it_is_done(
    page, work, world, kind, subject, arguments
):
    """As one whose asker lost the right since."""
    before = decisions(world)
    act = permitted(world, "paul", kind, subject, arguments)
    assert refusal(work(act.pk)) == ["act-not-entitled"]
    assert decisions(world) == before


def refusal(act: Act) -> list[str]:
    assert act.state == Act.State.REFUSED
    return [finding.code for finding in act.findings]


def test_what_is_done_is_done_by_the_account_that_asked(page, work, world):
    work(asked(page).pk)
    with transaction(world.engine) as session:
        found = queries.decided_transactions(session, "tiny")
        (payment,) = (each for each in found if each.transaction.name == PAYMENT)
        assert payment.decisions[-1].decided_by == "olga"


FORGERIES = {
    "written past the page": lambda act: None,
    "of another amount": lambda act: act.arguments["amounts"].update({DOCUMENT: 1_000_000}),
    "for another reason": lambda act: act.arguments.update(reason="As they wish"),
    "of another payment": lambda act: setattr(act, "subject", "tiny-bank-000001/1"),
    "in another's name": lambda act: setattr(act, "user", User.objects.get(username="paul")),
    "with a file": lambda act: setattr(act, "content", b"another"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_row_that_is_not_what_its_account_asked_for_is_not_done(page, work, world, forgery):
    """Whoever may write such rows may not say what somebody decided."""
    before = decisions(world)
    act = asked(page)
    FORGERIES[forgery](act)
    act.pk, act.asked_at = None, act.asked_at + dt.timedelta(forgery == "written past the page")
    act.save()
    assert refusal(work(act.pk)) == ["act-not-permitted"]
    assert decisions(world) == before


def test_a_row_that_was_done_and_is_written_again_is_not_done_again(page, work, world):
    act = asked(page)
    work(act.pk)
    before = decisions(world)
    act.pk = None
    act.save()
    assert refusal(work(act.pk)) == ["act-not-permitted"]
    assert decisions(world) == before


def test_a_request_is_gone_after_a_day_and_its_file_when_it_was_done(page, work, world):
    file = {"market": "tiny", "name": "bank.xml", "missing": ""}
    act = permitted(world, "olga", "import", "bank.xml", file, b"no bank's")
    assert work(act.pk).state == Act.State.REFUSED
    assert Act.objects.get(pk=act.pk).content is None
    with django_on(world.roles[DatabaseRole.WRITER]):
        requests.remove_old(timezone.now() + dt.timedelta(days=2))
    assert not Act.objects.filter(pk=act.pk).exists()


def test_no_page_writes_a_fact(page, world):
    """Its connection may not: whatever a page were made to do, the database refuses it."""
    with (
        pytest.raises(Exception, match="permission denied"),
        transaction(world.engines[DatabaseRole.PORTAL]) as session,
    ):
        pay_tiny(session, SETTLED)
    with (
        pytest.raises(Exception, match="permission denied"),
        django_on(world.roles[DatabaseRole.PORTAL_AUTH]),
    ):
        Act.objects.filter(pk=1).update(state=Act.State.DONE)
    with (
        pytest.raises(Exception, match="permission denied"),
        transaction(world.engines[DatabaseRole.PORTAL]) as session,
    ):
        session.execute(text("SELECT * FROM portal.portal_act"))


def test_the_worker_does_acts_by_their_name(monkeypatch):
    done = []
    monkeypatch.setattr(requests, "execute", lambda number, *_: done.append(number))
    tasks.do_act(7)
    assert done == [7]
