"""Disputes in the portal: who sees and does what, every step by its form, and attachments."""

import datetime as dt
import html
import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from database.session import make_engine, transaction
from ledger.disputes import queries
from ledger.disputes.course import Action
from ledger.people.roles import Role
from portal.models import AuditEntry
from settlement.billing.issuing import issue_month
from tests.portal.site import serving_from
from tests.worlds import people
from tests.worlds.disputed import (
    MINUTE,
    OPERATOR,
    READINGS,
    actor_of,
    line_of,
    note_of,
    opened,
    step,
)
from tests.worlds.second_factor import confirm
from tests.worlds.settled import (
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

JANUARY = dt.date(2024, 1, 1)
NOW = SETTLED + 10 * MINUTE
SUM = 1_000_000

PEOPLE = {
    "signed out": (None,),
    "owner": (Role.PARTICIPANT, "cedar"),
    "colleague": (Role.PARTICIPANT, "cedar", "alder"),
    "outsider": (Role.PARTICIPANT, "doric"),
    "unlinked": (Role.PARTICIPANT, "elsewhere"),
    "without role": (None,),
    "operator": (Role.OPERATOR,),
    "regulator": (Role.REGULATOR,),
    "auditor": (Role.AUDITOR,),
}
PARTIES = {"owner", "colleague"}
SEES_ALL = {"operator", "regulator", "auditor"}


def account_of(who: str) -> str:
    return f"tiny-{who}".replace(" ", "-")


@pytest.fixture(scope="module")
def tiny_site(clone_portal_database):
    """A database with the tiny market, settled and billed once."""
    url = clone_portal_database()
    made = make_engine(url)
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
        settle_tiny(session)
        issue_month(session, "tiny", JANUARY, now=SETTLED)
        for who, (role, *participants) in PEOPLE.items():
            for participant in participants or [None]:
                owner = ("tiny", participant) if participant else ()
                people.add(session, account_of(who), role, *owner)
    yield SimpleNamespace(url=url, engine=made)
    made.dispose()


class Clock:
    """The clock that the pages read."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> dt.datetime:
        return self.moment


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    for name in ("disputes", "invoices", "runs"):
        monkeypatch.setattr(f"portal.views.{name}.timezone", made)
    monkeypatch.setattr("portal.tasks.timezone", made)
    return made


@pytest.fixture(autouse=True)
def on_tiny(tiny_site, on_site, clock):
    """Serve from the tiny market, in a transaction that is rolled back."""
    with tiny_site.engine.connect() as connection:
        outer = connection.begin()
        connection.begin_nested()
        with serving_from(tiny_site.url, connection):
            yield
        outer.rollback()


@pytest.fixture
def person(make_user, site):
    """Return a function from who somebody is to their browser; each is made once."""
    clients: dict[str, Client] = {}

    def of(who: str) -> Client:
        if who not in clients:
            clients[who] = Client()
            if who != "signed out":
                with transaction(site.engine) as session:  # where Django is
                    people.add(session, account_of(who))
                user = make_user(account_of(who))
                clients[who].force_login(user)
                confirm(clients[who], user)
        return clients[who]

    return of


@contextmanager
def ledger():
    with transaction() as session:
        yield session


def fuel_line() -> str:
    with ledger() as session:
        document, line = line_of(session, "cedar", "charge.fuel")
    return f"/invoices/{document}/{line}/dispute/"


def dispute_up_to(*actions: Action):
    """Return a dispute of cedar's after these steps, taken by others than the people here."""
    with ledger() as session:
        record = opened(session, "cedar", "charge.fuel", SETTLED, attachment=READINGS)
        for number, action in enumerate(actions, start=1):
            actor = {
                Action.ESCALATE: actor_of("cedar"),
                Action.WITHDRAW: actor_of("cedar"),
            }.get(action, OPERATOR)
            if action in (Action.UPHOLD, Action.REFUSE):
                actor = type(OPERATOR)("rita", "regulator")
            record = step(session, record, action, actor, SETTLED + number * MINUTE)
        return record


def correct() -> str:
    """Settle the corrected days again and bill the difference; return the run."""
    with ledger() as session:
        correct_tiny(session)
        run = settle_tiny(session, "SF", RESETTLED)
        issue_month(session, "tiny", JANUARY, now=RESETTLED)
        return str(run.id)


def text_of(answer) -> str:
    return html.unescape(answer.content.decode())


def state_now() -> str:
    with ledger() as session:
        return queries.find(session, "tiny", 1).events[-1].action


FILLED = {"reason": "Because it is so.", "confirm": "yes"}
ADDRESSES = {
    "list": "/disputes/",
    "dispute": "/disputes/tiny/1/",
    "file": "/disputes/tiny/1/file/1/",
    "counts": "/disputes/counts/",
    "opening": "line",
}


def expected(page: str, who: str) -> int:
    if page == "counts":
        return 200
    if who == "signed out":
        return 302
    if page == "opening":
        if who in PARTIES:
            return 200
        return 403 if who in ("regulator", "without role") else 404
    if who == "without role":
        return 403
    return 200 if page == "list" or who in PARTIES | SEES_ALL else 404


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_is_open_to_those_it_is_for_and_to_nobody_else(who, person):
    dispute_up_to()
    client = person(who)
    addresses = ADDRESSES | {"opening": fuel_line()}
    answers = {page: client.get(address).status_code for page, address in addresses.items()}
    assert answers == {page: expected(page, who) for page in addresses}


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_pages_refuse_methods_that_they_have_not(method, person):
    dispute_up_to()
    for address in (*list(ADDRESSES.values())[:4], fuel_line(), "/disputes/tiny/1/accept/"):
        assert getattr(person("owner"), method)(address).status_code == 405, address
    assert person("owner").get("/disputes/tiny/1/accept/").status_code == 405
    assert person("owner").post("/disputes/tiny/1/").status_code == 405


BEFORE = {
    Action.ACCEPT: (),
    Action.REJECT: (),
    Action.WITHDRAW: (),
    Action.ESCALATE: (Action.REJECT,),
    Action.UPHOLD: (Action.REJECT, Action.ESCALATE),
    Action.REFUSE: (Action.REJECT, Action.ESCALATE),
    Action.SETTLE: (Action.ACCEPT,),
}
WHOSE = {
    Action.ACCEPT: {"operator"},
    Action.REJECT: {"operator"},
    Action.SETTLE: {"operator"},
    Action.UPHOLD: {"regulator"},
    Action.REFUSE: {"regulator"},
    Action.ESCALATE: PARTIES,
    Action.WITHDRAW: PARTIES,
}


@pytest.mark.parametrize("action", BEFORE)
def test_a_step_is_taken_by_its_party_alone(action, person, clock):
    record = dispute_up_to(*BEFORE[action])
    address, sent = f"/disputes/tiny/1/{action}/", dict(FILLED)
    if action is Action.SETTLE:
        run = correct()
        clock.moment = RESETTLED + MINUTE
        with ledger() as session:
            sent["settling"] = f"{run} {note_of(session, record)}"
    for who in PEOPLE.keys() - WHOSE[action]:
        answer = person(who).post(address, sent)
        assert answer.status_code in (302, 403, 404), who
        assert answer.status_code != 302 or "/account/sign-in/" in answer["Location"]
        assert state_now() != action
        if who not in ("signed out", "without role") and action.value in BEFORE:
            page = text_of(person(who).get("/disputes/tiny/1/"))
            assert f"/1/{action}/" not in page
    who = min(WHOSE[action])
    assert f"/1/{action}/" in text_of(person(who).get("/disputes/tiny/1/"))
    answer = person(who).post(address, sent)
    assert (answer.status_code, answer["Location"]) == (302, "/disputes/tiny/1/")
    assert state_now() == action
    entry = AuditEntry.objects.get(action="dispute")
    assert (entry.account, entry.subject) == (f"tiny-{who}", f"tiny dispute 1: {action}")
    assert entry.reason == FILLED["reason"]


def test_a_form_sent_twice_takes_one_step_and_leaves_one_entry(person, clock):
    dispute_up_to()
    for seconds in range(2):
        clock.moment = NOW + dt.timedelta(seconds=seconds)
        assert person("operator").post("/disputes/tiny/1/reject/", FILLED).status_code == 302
    assert AuditEntry.objects.filter(action="dispute").count() == 1
    with ledger() as session:
        assert len(queries.find(session, "tiny", 1).events) == 2


def test_a_step_needs_a_token(make_user):
    dispute_up_to()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("olga", Role.OPERATOR))
    assert client.post("/disputes/tiny/1/reject/", FILLED).status_code == 403
    assert state_now() == "open"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"reason": "  "}, "A step says why"),
        ({"confirm": ""}, "Tick the box to confirm"),
        (
            {"attachment": SimpleUploadedFile("page.html", b"<html>")},
            "An attachment is a PDF",
        ),
    ],
)
def test_a_form_that_breaks_a_rule_is_shown_again_with_what_was_written(person, sent, said):
    dispute_up_to()
    answer = person("operator").post("/disputes/tiny/1/reject/", FILLED | sent)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert "Nothing was written" in text_of(answer)
    assert state_now() == "open"


def test_a_step_that_is_not_allowed_says_so(person):
    dispute_up_to()
    answer = person("owner").post("/disputes/tiny/1/escalate/", FILLED)
    assert answer.status_code == 422
    assert person("owner").post("/disputes/tiny/1/open/", FILLED).status_code == 404
    assert person("owner").post("/disputes/tiny/1/vanish/", FILLED).status_code == 404


def test_a_line_is_disputed_from_the_invoice_with_a_file(person):
    address = fuel_line()
    document = address.split("/")[2]
    client = person("owner")
    assert address in text_of(client.get(f"/invoices/{document}/"))
    file = SimpleUploadedFile("../our readings.csv", READINGS.content)
    answer = client.post(address, FILLED | {"amount": "1.25", "attachment": file})
    assert (answer.status_code, answer["Location"]) == (302, "/disputes/tiny/1/")
    with ledger() as session:
        record = queries.find(session, "tiny", 1)
    assert record.row.claimed_micro == 1_250_000
    assert record.events[0].actor == "tiny-owner"
    assert record.events[0].attachment_name == "our-readings.csv"
    page = text_of(client.get(f"/invoices/{document}/"))
    assert "Dispute 1 is open: you claim £1.25." in page
    assert "Dispute 1: waits for an answer" in page
    assert address not in page
    shown = text_of(client.get("/disputes/tiny/1/"))
    assert "Answer due in 15 days, on 16 March 2024" in shown
    assert "does not stop the due date" in shown


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"amount": "x"}, "is not an amount"),
        ({"amount": "12,34"}, "“12,34” is not an amount in GBP; write it as 12.34"),
        ({"amount": "1.000"}, "“1.000” is not an amount in GBP; write it as 12.34"),
        ({"quantity": "12,5"}, "“12,5” is not a quantity; write MWh as 12.34"),
        ({"amount": "1", "quantity": "1"}, "A claim is either an amount or a quantity"),
        ({}, "A claim is either an amount or a quantity"),
        ({"amount": "999999999"}, "at most what the line states"),
        ({"quantity": "1.2345678"}, "is not a quantity"),
        ({"quantity": "9999.5"}, "at most what the line states (9,999.5\xa0MWh of "),
        ({"amount": "€1"}, "“€1” is not an amount in GBP"),
        ({"amount": "1", "confirm": ""}, "Tick the box to confirm"),
    ],
)
def test_an_opening_that_breaks_a_rule_is_shown_again(person, sent, said):
    answer = person("owner").post(fuel_line(), FILLED | sent)
    assert answer.status_code == 422
    assert said in text_of(answer)
    with ledger() as session:
        assert queries.disputes(session) == []


def test_after_its_days_a_line_is_disputed_no_more(person, clock):
    address = fuel_line()
    clock.moment = SETTLED + dt.timedelta(days=91)
    assert address not in text_of(person("owner").get(f"/invoices/{address.split('/')[2]}/"))
    assert "are over" in text_of(person("owner").get(address))
    answer = person("owner").post(address, FILLED | {"amount": "1"})
    assert "A line is disputed within the days" in text_of(answer)


def test_an_attachment_is_a_download_that_may_do_nothing(person):
    dispute_up_to()
    answer = person("regulator").get("/disputes/tiny/1/file/1/")
    assert answer.content == READINGS.content
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"] == 'attachment; filename="Our-readings.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "private, no-store"
    assert person("regulator").get("/disputes/tiny/1/file/2/").status_code == 404


def test_those_whose_lines_moved_see_that_it_happened_and_no_more(person, clock):
    record = dispute_up_to(Action.ACCEPT)
    run = correct()
    clock.moment = RESETTLED + MINUTE
    with ledger() as session:
        note = note_of(session, record)
    assert "tiny 1" not in text_of(person("outsider").get("/disputes/"))
    shown = text_of(person("operator").get(f"/runs/{run}/"))
    assert "Disputes that this run corrected" in shown
    offered = text_of(person("operator").get("/disputes/tiny/1/"))
    assert f'value="{run} {note}"' in offered
    sent = FILLED | {"settling": f"{run} {note}"}
    assert person("operator").post("/disputes/tiny/1/settle/", sent).status_code == 302
    listed = text_of(person("outsider").get("/disputes/"))
    assert "settled by a run that moved your lines" in listed
    page = text_of(person("outsider").get("/disputes/tiny/1/"))
    assert "moved lines of yours" in page
    assert run in page
    for hidden in ("cedar", "counted twice", "Because it is so", "readings.csv", "operator,"):
        assert hidden not in page, hidden
    assert "cedar" not in listed
    assert person("outsider").get("/disputes/tiny/1/file/1/").status_code == 404
    assert person("unlinked").get("/disputes/tiny/1/").status_code == 404
    owned = text_of(person("owner").get("/disputes/tiny/1/"))
    assert re.search(r"Corrected</dt><dd>[^n]", owned)


def test_what_is_overdue_leads_and_says_since_when(person, clock):
    dispute_up_to()
    clock.moment = SETTLED + dt.timedelta(days=17)
    page = text_of(person("operator").get("/disputes/"))
    assert "1 overdue" in page
    assert "Answer overdue by 2 days, it was due on 16 March 2024" in page
    assert "may be escalated until 5 April 2024" in page
    assert "/1/escalate/" in text_of(person("owner").get("/disputes/tiny/1/"))


def test_who_answered_is_not_offered_the_decision(make_user):
    dispute_up_to(Action.REJECT, Action.ESCALATE)
    user = make_user("olga", Role.REGULATOR)
    client = Client()
    client.force_login(user)
    confirm(client, user)
    assert "/1/uphold/" not in text_of(client.get("/disputes/tiny/1/"))
    answer = client.post("/disputes/tiny/1/uphold/", FILLED)
    assert answer.status_code == 422
    assert "does not decide it" in text_of(answer)


def test_the_regulator_upholds_a_part(person):
    dispute_up_to(Action.REJECT, Action.ESCALATE)
    sent = FILLED | {"amount": "0.40"}
    assert person("regulator").post("/disputes/tiny/1/uphold/", sent).status_code == 302
    page = text_of(person("regulator").get("/disputes/tiny/1/"))
    assert "Upheld: £0.40" in page
    # Documents are not open to a regulator; why the disputed line is what it is, is.
    line = fuel_line().removesuffix("dispute/")
    assert page.count("/invoices/") == page.count(f'href="{line}"') == 1


def test_who_decides_reads_why_the_disputed_line_is_what_it_is_and_no_more(person):
    line = fuel_line().removesuffix("dispute/")
    document = line.rpartition("/")[0].rpartition("/")[0]
    regulator = person("regulator")
    assert regulator.get(line).status_code == 404  # nothing is disputed yet
    dispute_up_to(Action.REJECT, Action.ESCALATE)
    page = text_of(regulator.get(line))
    assert "Why this number" in page
    assert f'href="{document}/"' not in page
    day = re.search(rf'href="({line}[0-9-]+/)"', page)[1]
    interval = re.search(rf'href="({day}[0-9]+/)"', text_of(regulator.get(day)))[1]
    reading = text_of(regulator.get(interval))
    assert "Energy taken at this supply point" in reading and "readings.csv" in reading
    assert "of other participants" in reading  # what others were paid stays a sum
    other = next(
        f"{document}/{number}/" for number in (1, 2, 3) if not line.endswith(f"/{number}/")
    )
    assert regulator.get(other).status_code == 404
    for closed in (f"{document}/", f"{document}/invoice.json", f"{line}dispute/", "/invoices/"):
        assert regulator.get(closed).status_code == 403, closed
    for who in ("outsider", "without role"):
        assert person(who).get(line).status_code in (403, 404)


def test_empty_pages_say_what_will_come(person):
    assert "You dispute no line" in text_of(person("owner").get("/disputes/"))
    assert "No line of a document is disputed" in text_of(person("auditor").get("/disputes/"))
    assert "has been disputed" in text_of(Client().get("/disputes/counts/"))


def test_counts_are_public_and_name_nobody(person):
    dispute_up_to()
    page = text_of(Client().get("/disputes/counts/"))
    assert "January 2024" in page
    assert "1 opened" in page
    assert "cedar" not in page
