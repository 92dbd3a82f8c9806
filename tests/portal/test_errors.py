"""Pages for what went wrong."""

import pytest
from django.test import Client

from portal.views import home

pytestmark = pytest.mark.django_db


def test_what_is_not_there_says_where_to_go_on(client):
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert b"There is no such page" in answer.content
    assert b"To your start page" in answer.content


def test_a_fault_of_ours_shows_a_page_that_needs_no_database(monkeypatch):
    def fail(session):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(home, "markets", fail)
    client = Client(raise_request_exception=False)
    answer = client.get("/")
    assert answer.status_code == 500
    assert b"Something failed on our side" in answer.content
    assert b"secret detail" not in answer.content


def test_a_form_left_open_is_told_to_load_again():
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/account/sign-in/", {"login": "x", "password": "y"})
    assert answer.status_code == 403
    assert b"That form was out of date" in answer.content


def test_a_host_that_is_not_ours_is_refused(client):
    answer = client.get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert b"makes no sense here" in answer.content
