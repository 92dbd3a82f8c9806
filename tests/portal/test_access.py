"""What who may not open looks like, and who may ask for a replay; the rest is in the matrix."""

import re

import pytest
from django.test import Client

from tests.portal.site import SUPPLIER

EVERYONE = (
    "signed out", "owner", "colleague", "outsider", "unlinked participant",
    "regulator", "operator", "auditor",
)  # fmt: skip


def test_another_participants_document_looks_like_one_that_is_not_there(sign_in, documents):
    client = sign_in("outsider")
    hidden = client.get(f"/invoices/{documents[SUPPLIER][0].number}/")
    absent = client.get("/invoices/gb12-invoice-999999/")
    assert without_token(hidden) == without_token(absent)
    assert SUPPLIER.encode() not in hidden.content


def without_token(answer) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


@pytest.mark.parametrize("who", EVERYONE)
def test_asking_for_a_replay_is_for_operators_and_auditors(who, sign_in, site):
    answer = sign_in(who).post(f"/runs/{site.first_run}/replay/")
    if who == "signed out":
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/sign-in/")
    elif who in {"operator", "auditor"}:
        assert answer.status_code == 302
        assert answer["Location"] == f"/runs/{site.first_run}/#replay"
    else:
        assert answer.status_code == 403


def test_asking_for_a_replay_needs_a_post_and_a_token(make_user, site):
    from ledger.people.roles import Role

    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("auditor", Role.AUDITOR))
    assert client.get(f"/runs/{site.first_run}/replay/").status_code == 405
    assert client.post(f"/runs/{site.first_run}/replay/").status_code == 403


def test_a_closed_account_sees_what_is_public(make_user, site):
    from ledger.people.roles import Role
    from portal.access import NOBODY, viewer_of

    user = make_user("gone", Role.AUDITOR)
    user.is_active = False
    assert viewer_of(user) == NOBODY
