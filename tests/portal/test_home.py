"""The start page, and the address for monitors."""

import pytest


@pytest.mark.parametrize(
    ("who", "home"),
    [
        ("owner", "/invoices/"),
        ("operator", "/runs/"),
        ("auditor", "/runs/"),
        ("regulator", "/rules/"),
    ],
)
def test_everyone_starts_where_their_role_does(who, home, sign_in):
    answer = sign_in(who).get("/")
    assert (answer.status_code, answer["Location"]) == (302, home)


def test_a_visitor_reads_what_this_is(sign_in):
    page = sign_in("signed out").get("/").content.decode()
    assert "Sign in" in page
    assert "Read the rules in force" in page
    assert "gb12" in page


def test_a_user_without_a_role_is_told_so(sign_in):
    page = sign_in("nobody").get("/").content.decode()
    assert "Your account has no role yet" in page


@pytest.mark.django_db
def test_the_monitor_gets_an_answer(client):
    assert client.get("/healthy/").content.startswith(b"ok\n")


@pytest.mark.django_db
def test_every_answer_carries_the_policies(client):
    headers = client.get("/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
