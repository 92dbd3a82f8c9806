"""Attacks on sessions by who writes to their table, or has read it."""

import base64
import datetime as dt

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DjangosStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from database.session import acting_by
from portal.apps import act_on_connection
from portal.models import AuditEntry
from portal.sessions import SessionStore, row_name, seal
from tests.worlds.portal_alone import portal_alone

OWN_PAGE = "/account/two-factor/"


@pytest.fixture(scope="module")
def django_db_setup(clone_portal_database, django_db_blocker):
    with portal_alone(clone_portal_database, django_db_blocker):
        yield


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db):
    """Two people: one who attacks, and one whose rights are wanted."""
    return [get_user_model().objects.create_user(name) for name in ("eve", "olga")]


def cookie_of(user) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def who_is(cookie: str) -> str:
    """Return as whom a browser with a cookie is greeted; nobody's name where it is signed out."""
    client = Client()
    client.cookies["sessionid"] = cookie
    answer = client.get(OWN_PAGE)
    return answer.context["user"].get_username() if answer.status_code == 200 else ""


def refusals() -> int:
    return AuditEntry.objects.filter(action="session-refused").count()


def test_a_session_is_its_users(people):
    eve, olga = people
    assert (who_is(cookie_of(eve)), who_is(cookie_of(olga))) == ("eve", "olga")
    assert refusals() == 0


def test_a_table_that_was_copied_holds_no_cookie_and_tells_nothing(people):
    cookie = cookie_of(people[1])
    row = Session.objects.get()
    assert cookie not in row.session_key and cookie not in row.session_data
    assert people[1].get_session_auth_hash().encode() not in base64.b64decode(row.session_data)
    assert who_is(row.session_key) == ""


def test_a_row_written_by_hand_is_no_session_though_it_is_signed_with_djangos_key(people):
    """As Django's own table of sessions was filled: a signature alone, and the cookie's name."""
    cookie = "a" * 32
    forged = DjangosStore().encode({SESSION_KEY: str(people[1].pk)})
    Session.objects.create(
        pk=row_name(cookie), session_data=forged, expire_date=dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    )
    assert who_is(cookie) == ""
    assert refusals() == 1
    assert not Session.objects.exists()  # and so it is told of once


def test_a_row_sealed_under_another_key_is_no_session(people, settings):
    cookie, ends_at = "b" * 32, dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    ours, settings.SECRET_KEY = settings.SECRET_KEY, "a guess"
    forged = seal(b'{"_auth_user_id": "1"}', cookie, ends_at)
    settings.SECRET_KEY = ours
    Session.objects.create(pk=row_name(cookie), session_data=forged, expire_date=ends_at)
    assert (who_is(cookie), refusals()) == ("", 1)


def test_the_content_of_anothers_session_is_not_ones_own(people):
    own, others = (cookie_of(user) for user in people)
    taken = Session.objects.get(pk=row_name(others))
    Session.objects.filter(pk=row_name(own)).update(
        session_data=taken.session_data, expire_date=taken.expire_date
    )
    assert (who_is(own), who_is(others), refusals()) == ("", "olga", 1)


def test_a_session_is_not_renamed_to_a_cookie_that_the_attacker_knows(people):
    cookie_of(people[1])
    Session.objects.update(session_key=row_name("c" * 32))
    assert (who_is("c" * 32), refusals()) == ("", 1)


def test_a_session_that_ended_is_not_lengthened(people):
    cookie = cookie_of(people[0])
    Session.objects.update(expire_date=dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
    assert (who_is(cookie), refusals()) == ("", 1)


@pytest.mark.parametrize("content", ["", "no base64 ~", "AAAA", "A" * 400])
def test_what_is_no_seal_at_all_is_no_session(people, content):
    cookie = cookie_of(people[0])
    Session.objects.update(session_data=content)
    assert (who_is(cookie), refusals()) == ("", 1)


def test_a_cookie_that_names_no_row_is_nobodys_and_is_not_told_of(people):
    assert (who_is("d" * 32), refusals()) == ("", 0)


def test_signing_out_ends_a_session_that_a_request_still_holds(people):
    held = SessionStore(cookie_of(people[0]))
    assert held[SESSION_KEY] == str(people[0].pk)
    held["more"] = 1
    SessionStore(held.session_key).delete()
    with pytest.raises(UpdateError):
        held.save()
    assert not Session.objects.exists()


def test_what_expired_is_cleared_away(people):
    cookie_of(people[0])
    Session.objects.update(expire_date=dt.datetime(2001, 1, 1, tzinfo=dt.UTC))
    SessionStore.clear_expired()
    assert not Session.objects.exists()


ASKED = "SELECT query FROM pg_stat_activity WHERE pid = %s"


def asked_last() -> str:
    """Return the last statement of Django's connection, as another of its role reads it."""
    number = connection.connection.info.backend_pid
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(ASKED, [number])
            return cursor.fetchone()[0]
    finally:
        other.close()


def test_no_statement_tells_other_connections_of_its_role_a_token_or_what_people_send(db):
    with acting_by("a-token-of-olga"):
        act_on_connection()
    assert "set_config" in (asked := asked_last())
    assert "a-token-of-olga" not in asked
    AuditEntry.objects.filter(reason="what olga claims").exists()
    assert "portal_auditentry" in (asked := asked_last())
    assert "what olga claims" not in asked
