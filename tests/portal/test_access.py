"""Who may open what: every view, every kind of person, and the wrong method."""

import re

import pytest
from django.test import Client

from tests.portal.site import SUPPLIER

OPEN, SIGN_IN, FORBIDDEN, ABSENT = 200, 302, 403, 404

EVERYONE = (
    "signed out", "owner", "colleague", "outsider", "unlinked participant",
    "regulator", "operator", "auditor",
)  # fmt: skip
SEES_THE_DOCUMENT = {"owner", "colleague", "operator", "auditor"}
HAS_INVOICES = SEES_THE_DOCUMENT | {"outsider", "unlinked participant"}
LISTS = {"invoices", "notices", "accounts"}
EXPLANATIONS = {"line", "day", "interval"}


OPEN_TO = {
    "runs": {"operator", "auditor"},
    "run": {"operator", "auditor"},
    "evidence": {"operator", "auditor"},
    "calendar": {"operator", "auditor"},
    "studies": {"regulator", "operator", "auditor"},
    "study": {"regulator", "operator", "auditor"},
    "audit": {"auditor"},
    "payments": {"operator", "auditor"},
    "payment": {"operator", "auditor"},
    "credit": HAS_INVOICES | {"regulator"},
}


def expected(page: str, who: str) -> int:
    if page.startswith("rule"):
        return OPEN
    if who == "signed out":
        return SIGN_IN
    if page in OPEN_TO:
        return OPEN if who in OPEN_TO[page] else FORBIDDEN
    if who == "regulator" and page in EXPLANATIONS:
        return ABSENT  # only of lines that are disputed
    if who not in HAS_INVOICES:
        return FORBIDDEN
    # Operators and auditors have the evidence of runs: a participant's is for its people.
    sees = {"owner", "colleague"} if page == "account evidence" else SEES_THE_DOCUMENT
    return OPEN if page in LISTS or who in sees else ABSENT


@pytest.mark.parametrize("who", EVERYONE)
def test_every_page_is_open_to_those_it_is_for_and_to_nobody_else(who, sign_in, addresses):
    client = sign_in(who)
    answers = {page: client.get(address).status_code for page, address in addresses.items()}
    assert answers == {page: expected(page, who) for page in addresses}


def test_another_participants_document_looks_like_one_that_is_not_there(sign_in, addresses):
    client = sign_in("outsider")
    hidden = client.get(addresses["invoice"])
    absent = client.get("/invoices/gb12-invoice-999999/")
    assert without_token(hidden) == without_token(absent)
    assert SUPPLIER.encode() not in hidden.content


def without_token(answer) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_pages_refuse_methods_that_write(method, sign_in, addresses):
    client = sign_in("auditor")
    for address in addresses.values():
        assert getattr(client, method)(address).status_code == 405, address


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
