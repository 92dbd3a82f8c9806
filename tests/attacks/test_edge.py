"""Whoever wants to stop the portal: slow and endless requests, uploads, haste, and odd probes."""

import asyncio
import datetime as dt
import threading
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone
from sqlalchemy.orm import Session

import database.session
from database.session import make_engine
from ledger.log.checkpoints import publish_checkpoint
from portal import health, quotas
from portal.bodies import FORM_BYTES, body_limit
from portal.django_on import django_on
from portal.edge import Edge, Patience
from portal.models import Use
from portal.quotas import Kind, Quota, spend
from portal.uploads import judge_uploader
from tests.worlds.logged import SIGNED, publish_small_facts, signer

HASTY = Patience(body_seconds=0.05, slowest_bytes_a_second=10**9, most_waiting=1)
SIGN_IN, IMPORT = "/account/sign-in/", "/payments/import/"


def scope_of(path, method="POST", headers=()):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"host", b"127.0.0.1"), *headers],
    }


class Sender:
    """What a browser, or an attacker, sends and reads; `pieces` that are None never come."""

    def __init__(self, *pieces, reads=True):
        self.pieces, self.reads = list(pieces), reads
        self.taken, self.answers = 0, []

    async def receive(self):
        if not self.pieces or self.pieces[0] is None:
            await asyncio.sleep(3_600)
        self.taken += 1
        piece = self.pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message):
        if not self.reads and message["type"] == "http.response.body":
            await asyncio.sleep(3_600)
        self.answers.append(message)

    @property
    def status(self):
        return self.answers[0]["status"]

    @property
    def page(self):
        return b"".join(each.get("body", b"") for each in self.answers).decode()


def echo(environ, start_response):
    """Answer with the length of what came."""
    length = int(environ["CONTENT_LENGTH"] or 0)
    content = str(len(environ["wsgi.input"].read(length))).encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [content]


def refuse_nobody(_headers):
    return None


def ask(sender, path, *, application=echo, judge=refuse_nobody, **scope):
    edge = Edge(application, 2, judge, HASTY)
    asyncio.run(edge(scope_of(path, **scope), sender.receive, sender.send))
    return sender


def stated(length):
    return ((b"content-length", str(length).encode()),)


# Slow and endless requests


def test_a_body_that_stops_coming_is_cut_off_and_takes_no_thread():
    called = []
    sender = ask(Sender(b"login=", None), SIGN_IN, application=lambda *_: called.append(1))
    assert (sender.status, called) == (408, [])
    assert "too slowly" in sender.page


def test_twenty_slow_bodies_leave_the_threads_to_others():
    edge = Edge(echo, 2, refuse_nobody, Patience(body_seconds=5))

    async def attack():
        slow = [Sender(b"login=", None) for _ in range(20)]
        held = [
            asyncio.ensure_future(edge(scope_of(SIGN_IN), each.receive, each.send)) for each in slow
        ]
        await asyncio.sleep(0)
        other = Sender(b"")
        await edge(scope_of("/", "GET"), other.receive, other.send)
        assert all(not each.done() for each in held)
        for each in held:
            each.cancel()
        return other

    assert asyncio.run(attack()).status == 200


def test_a_reader_who_stops_reading_is_cut_off_with_the_answer_closed():
    closed = []

    class Answer(list):
        def close(self):
            closed.append(True)

    def large(_environ, start_response):
        start_response("200 OK", [])
        return Answer([b"x" * 1_000_000])

    sender = ask(Sender(b"", reads=False), "/", method="GET", application=large)
    assert (len(sender.answers), closed) == (1, [True])


def test_the_portal_that_is_full_says_so_at_once():
    gate, edge = threading.Event(), None

    def wait(environ, start_response):
        gate.wait(10)
        return echo(environ, start_response)

    edge = Edge(wait, 1, refuse_nobody, HASTY)  # one works, one waits

    async def attack():
        first = [Sender(b"") for _ in range(2)]
        held = [
            asyncio.ensure_future(edge(scope_of("/", "GET"), each.receive, each.send))
            for each in first
        ]
        await asyncio.sleep(0.05)
        third = Sender(b"")
        await edge(scope_of("/", "GET"), third.receive, third.send)
        gate.set()
        await asyncio.gather(*held)
        return third, first

    third, first = asyncio.run(attack())
    assert third.status == 503
    assert (b"retry-after", b"30") in third.answers[0]["headers"]
    assert [each.status for each in first] == [200, 200]


# Bodies


def test_a_large_anonymous_upload_is_refused_by_its_head_and_none_of_it_is_read():
    sender = ask(Sender(b"x"), SIGN_IN, headers=stated(400_000_000))
    assert (sender.status, sender.taken) == (413, 0)
    assert f"at most {FORM_BYTES:,} bytes" in sender.page
    assert (b"connection", b"close") in sender.answers[0]["headers"]


def test_a_body_without_a_length_is_counted_and_refused_when_it_is_too_long():
    pieces = [b"x" * 10_000] * 100
    sender = ask(Sender(*pieces), SIGN_IN)
    assert (sender.status, sender.taken) == (413, FORM_BYTES // 10_000 + 1)


@pytest.mark.parametrize("path", [SIGN_IN, IMPORT])
@pytest.mark.parametrize("length", ["-5", "abc", "", "9" * 30])
def test_a_length_that_is_no_number_is_refused(path, length):
    assert ask(Sender(b"x"), path, headers=stated(length)).status == 400


def test_a_page_takes_no_body_at_all():
    assert ask(Sender(b"x"), "/rules/", method="GET", headers=stated(1)).status == 413


def test_what_fits_arrives_whole_with_its_length():
    sender = ask(Sender(b"x" * 30_000, b"y" * 30_000), SIGN_IN)
    assert (sender.status, sender.page) == (200, "60000")


def test_a_header_with_an_underscore_is_dropped():
    seen = {}

    def look(environ, start_response):
        seen.update(environ)
        return echo(environ, start_response)

    headers = ((b"x_forwarded_proto", b"https"), (b"x-real", b"1"))
    ask(Sender(b""), "/", method="GET", application=look, headers=headers)
    assert "HTTP_X_FORWARDED_PROTO" not in seen
    assert seen["HTTP_X_REAL"] == "1"


@pytest.mark.parametrize(
    ("path", "most"),
    [
        (SIGN_IN, FORM_BYTES),
        ("/nowhere/", FORM_BYTES),
        (IMPORT, 20_000_000 + FORM_BYTES),
        ("/disputes/gb12/3/answer/", 10_000_000 + FORM_BYTES),
        ("/invoices/gb12-INV-000001/3/dispute/", 10_000_000 + FORM_BYTES),
    ],
)
def test_only_addresses_that_take_a_file_take_more_than_a_form(path, most):
    assert body_limit("POST", path) == most


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (IMPORT, ("at most 20,000,000 bytes", "the statements of a month at a time")),
        ("/disputes/gb12/3/answer/", ("at most 10,000,000 bytes", "what you typed is still")),
        ("/invoices/gb12-INV-000001/3/dispute/", ("at most 10,000,000 bytes", "Choose a smaller")),
        (SIGN_IN, ("at most 64,000 bytes", "Write less", "what you typed is still")),
    ],
)
def test_who_sends_too_much_is_told_what_the_address_takes_and_what_to_do(path, words):
    """No zip is an attachment, and no month of statements is a dispute."""
    sender = ask(Sender(b"x"), path, headers=stated(400_000_000))
    assert sender.status == 413
    assert all(each in sender.page for each in words)
    assert ("zipped" in sender.page) == (path == IMPORT)


# Accounts


@pytest.fixture(scope="module")
def portal_url(clone_portal_database) -> str:
    return clone_portal_database()


@pytest.fixture(scope="module")
def django_db_setup(portal_url, django_db_blocker):
    with django_db_blocker.unblock(), django_on(portal_url):
        yield


@pytest.fixture
def user(db, monkeypatch):
    monkeypatch.setitem(quotas.QUOTAS, Kind.UPLOAD, Quota(2, "uploads"))
    # The connection of a test is not the edge's to close.
    monkeypatch.setattr("portal.uploads.connections.close_all", lambda: None)
    return get_user_model().objects.create_user("eve")


def cookie_of(user) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}"}


def test_nobody_who_is_not_signed_in_sends_a_file_whatever_the_cookie_says(user):
    for headers in ({}, {"cookie": "sessionid=made-up"}, {"cookie": "\0;;=x"}):
        assert judge_uploader(headers).status == 401
    user.is_active = False
    cookie = cookie_of(user)
    user.save()
    assert judge_uploader(cookie).status == 401


def test_a_file_of_nobody_is_refused_before_it_is_read(user):
    sender = ask(Sender(b"x"), IMPORT, judge=lambda _: judge_uploader({}), headers=stated(2**20))
    assert (sender.status, sender.taken) == (401, 0)
    assert "Sign in first" in sender.page


def test_an_account_that_sent_too_many_files_is_refused_before_the_next_is_read(user):
    assert judge_uploader(cookie_of(user)) is None
    now = timezone.now()
    assert [spend(user, Kind.UPLOAD, now) for _ in range(2)] == [None, None]
    refusal = judge_uploader(cookie_of(user))
    assert (refusal.status, refusal.retry_seconds) == (429, 60)


def test_the_quota_is_of_an_hour_and_says_when_there_is_room(user):
    now = timezone.now()
    for minutes in (0, 20):
        assert spend(user, Kind.UPLOAD, now + dt.timedelta(minutes=minutes)) is None
    refusal = spend(user, Kind.UPLOAD, now + dt.timedelta(minutes=50))
    assert (refusal.status, refusal.retry_seconds) == (429, 601)
    assert "Ask again in 11 minutes" in refusal.remedy
    assert spend(user, Kind.EXPORT, now + dt.timedelta(minutes=50)) is None
    assert spend(user, Kind.UPLOAD, now + dt.timedelta(minutes=61)) is None
    assert Use.objects.filter(user=user).count() == 3


def test_the_haste_of_one_account_is_not_anothers(user):
    now = timezone.now()
    for _ in range(3):
        spend(user, Kind.UPLOAD, now)
    other = get_user_model().objects.create_user("olga")
    assert spend(other, Kind.UPLOAD, now) is None


# Probes


@pytest.fixture
def log(db, portal_url, monkeypatch):
    """A session on the log that the probe looks at; what it stores is undone."""
    made = make_engine(portal_url)
    with made.connect() as connection:
        outer = connection.begin()
        nested = partial(Session, join_transaction_mode="create_savepoint")
        monkeypatch.setattr(database.session, "engine", lambda: connection)
        monkeypatch.setattr(database.session, "Session", nested)
        yield nested(connection, expire_on_commit=False)
        outer.rollback()
    made.dispose()


@pytest.fixture
def production(settings):
    settings.ALLOWED_HOSTS = ["ledger.example"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def parts_of(answer) -> dict[str, bool]:
    lines = answer.content.decode().splitlines()[1:]
    return {line.partition(":")[0]: ": well" in line for line in lines}


def test_a_balancer_gets_its_answer_by_address_and_without_tls(log, production):
    client = Client(headers={"host": "10.1.2.3:8000"})
    answer = client.get("/healthy/")
    assert (answer.status_code, answer.content.splitlines()[0]) == (200, b"ok")
    assert client.get("/").status_code == 400, "pages still refuse a host that is not theirs"


def test_a_log_that_nobody_signs_is_told_to_who_asks_for_all(log):
    publish_small_facts(log, 2)
    log.commit()
    answer = Client().get("/healthy/")
    assert (answer.status_code, parts_of(answer)["log"]) == (200, False)
    assert Client().get("/healthy/?all=1").status_code == 503


@pytest.mark.parametrize(("hours", "is_well"), [(1, True), (24, True), (26, False)])
def test_leaves_wait_at_most_a_day_for_a_checkpoint(log, hours, is_well):
    publish_small_facts(log, 2)
    publish_checkpoint(log, signer(1), SIGNED)
    publish_small_facts(log, 1, first=3)
    log.commit()
    parts = health.check_parts(SIGNED + dt.timedelta(hours=hours))
    assert [part.is_well for part in parts if part.part == "log"] == [is_well]


def test_an_old_checkpoint_of_all_there_is_is_well(log):
    publish_small_facts(log, 2)
    publish_checkpoint(log, signer(1), SIGNED)
    log.commit()
    parts = health.check_parts(SIGNED + dt.timedelta(days=300))
    assert [part.is_well for part in parts if part.part == "log"] == [True]


def test_a_checkpoint_that_no_key_of_the_log_signed_is_not_well(log, monkeypatch):
    publish_small_facts(log, 2)
    publish_checkpoint(log, signer(1), SIGNED)
    log.commit()
    monkeypatch.setattr("ledger.log.store.key_rows", lambda _: [])
    parts = health.check_parts(SIGNED)
    assert [part.is_well for part in parts if part.part == "log"] == [False]


@pytest.mark.parametrize(("seconds", "is_well"), [(None, False), (5, True), (61, False)])
def test_a_worker_that_was_not_seen_for_a_minute_is_not_well(log, seconds, is_well):
    now = timezone.now()
    if seconds is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)",
                [now - dt.timedelta(seconds=seconds)],
            )
    parts = health.check_parts(now)
    assert [part.is_well for part in parts if part.part == "worker"] == [is_well]


def test_a_database_that_is_gone_is_503_and_tells_no_more(log, monkeypatch):
    def fail():
        raise OSError("postgresql://writer:secret@db.internal/tallystick refused")

    monkeypatch.setattr(database.session, "engine", fail)
    answer = Client().get("/healthy/")
    assert answer.status_code == 503
    assert parts_of(answer)["database"] is False
    assert b"secret" not in answer.content
