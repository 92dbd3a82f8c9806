"""Demonstration sign-ins: one a role and one a participant, with passwords that are made anew."""

import datetime as dt

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from common.refusals import Refused
from portal.demo import create_demo_sign_ins, create_demo_users, renew_demo_sign_ins
from portal.models import AuditEntry
from tests.worlds.as_portal import web_process_of

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 5, 1, 9, 0, tzinfo=dt.UTC)
PEOPLE = ["hearth-energy", "meridian-thermal"]


def test_every_sign_in_opens_its_own_home():
    made = create_demo_sign_ins(NOW, "gb12", PEOPLE)
    assert [(one.username, one.role, one.participant) for one in made] == [
        ("regulator", "regulator", ""),
        ("operator", "operator", ""),
        ("auditor", "auditor", ""),
        ("commissioner", "regulator", ""),
        ("hearth-energy", "participant", "hearth-energy"),
        ("meridian-thermal", "participant", "meridian-thermal"),
    ]
    homes = {
        "regulator": "/rules/",
        "commissioner": "/rules/",
        "operator": "/runs/",
        "auditor": "/runs/",
    }
    for one in made:
        client = Client()
        client.post("/account/sign-in/", {"login": one.username, "password": one.password})
        assert client.get("/")["Location"] == homes.get(one.username, "/invoices/")


def test_another_run_makes_other_passwords_and_ends_the_sessions_of_the_old_ones():
    first = create_demo_sign_ins(NOW, "gb12", PEOPLE)
    client = Client()
    client.post("/account/sign-in/", {"login": "auditor", "password": first[2].password})
    assert client.get("/runs/").status_code == 200
    second = create_demo_sign_ins(NOW, "gb12", PEOPLE)
    assert not {one.password for one in first} & {one.password for one in second}
    assert client.get("/runs/").status_code == 302
    assert AuditEntry.objects.filter(action="demo-sign-in", at=NOW).count() == 12


def test_a_second_factor_that_a_visitor_left_behind_is_gone():
    create_demo_sign_ins(NOW, "gb12", [])
    auditor = get_user_model().objects.get(username="auditor")
    totp.TOTP.activate(auditor, totp.generate_totp_secret())
    made = create_demo_sign_ins(NOW, "gb12", [])
    client = Client()
    client.post("/account/sign-in/", {"login": "auditor", "password": made[2].password})
    assert client.get("/")["Location"] == "/runs/"


def test_a_portal_for_others_founds_no_demonstration(settings, monkeypatch):
    settings.DEMO_HAS_GRACE = False
    monkeypatch.setattr("portal.demo_people.store.founding", lambda _: None)
    with pytest.raises(Refused, match="TALLYSTICK_DEMO=1"):
        create_demo_sign_ins(NOW, "gb12", PEOPLE)


def test_passwords_are_long_and_never_repeat():
    passwords = [one.password for one in create_demo_sign_ins(NOW, "gb12", PEOPLE)]
    assert len(set(passwords)) == 6
    assert all(len(password) == 19 for password in passwords)


def test_pages_are_marked_where_the_founding_or_the_setting_says_so(client, monkeypatch):
    mark = b"This is a demonstration"
    with monkeypatch.context() as patch:
        patch.setattr("portal.context.is_demo", lambda: False)
        assert mark not in client.get("/").content
        with override_settings(TALLYSTICK_DEMO=True):
            assert mark in client.get("/").content
    assert mark in client.get("/").content
    assert mark in client.get("/account/sign-in/").content
    assert mark in client.get("/nowhere/").content


def test_nobody_is_signed_in_silently(client):
    create_demo_sign_ins(NOW, "gb12", PEOPLE)
    assert "sessionid" not in client.get("/").cookies
    assert client.get("/runs/").status_code == 302


def test_serving_renews_the_sign_ins_that_there_are_and_keeps_whom_they_act_for(client, site):
    assert renew_demo_sign_ins(NOW) == []
    made = create_demo_sign_ins(NOW, "gb12", PEOPLE)
    with web_process_of(site.url)():  # which sees nobody's rights but of whom it acts as
        renewed = renew_demo_sign_ins(NOW)
    assert {(one.username, one.role, one.participant) for one in renewed} == {
        (one.username, one.role, one.participant) for one in made
    }
    assert not {one.password for one in made} & {one.password for one in renewed}
    assert client.login(username=renewed[-1].username, password=renewed[-1].password)


def test_users_that_wait_to_be_served_sign_in_with_nothing_until_then(client):
    create_demo_users(NOW, "gb12", PEOPLE)
    assert not AuditEntry.objects.filter(action="demo-sign-in").exists()
    users = get_user_model().objects.all()
    assert [user.has_usable_password() for user in users] == [False] * 6
    renewed = renew_demo_sign_ins(NOW)
    assert [one.username for one in renewed] == [
        "regulator",
        "operator",
        "auditor",
        "commissioner",
        *PEOPLE,
    ]
    assert client.login(username="operator", password=renewed[1].password)
