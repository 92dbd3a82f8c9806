"""Before money moves, its mover confirms who they are; what they typed goes on."""

import html
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern

from portal.access import Role
from portal.models import AuditEntry
from portal.urls import urlpatterns
from tests.portal.conftest import PASSWORD
from tests.worlds.second_factor import code_of, confirm, give_second_factor

ASKS, PAYMENTS, IMPORT = "/account/confirm/", "/payments/", "/payments/import/"
DECIDE = "/payments/gb12-bank-000001/1/decide/"

MOVES_NO_MONEY = {
    "notices-read": "a mark on a screen",
    "ask-for-replay": "computes a run again, and posts nothing",
    "ask-for-report": "reads what is posted, and posts nothing",
    **dict.fromkeys(
        ["ask-for-trial", "asked-trial-wish"], "settles days under a draft, and posts nothing"
    ),
    **dict.fromkeys(
        [
            "draft-begin",
            "draft-from-revision",
            "draft-change",
            "draft-upload",
            "draft-discard",
            "draft-revision",
            "draft-document",
            "draft-part",
        ],
        "a draft of one's own, which is no law",
    ),
    "cosignatures": "a witness, who has no account, states what it keeps",
    "dispute-line": "a participant claims; money moves when it was decided and settled again",
    "registration-end": "shows what would follow, and proposes nothing",
    "law-change-open": "says what is wrong with the law; others decide what comes of it",
    "market-quote": "says what a booking would be given, and books nothing",
    "market-booking-cancel-quote": "says what giving a booking up would cost, and gives up none",
    **dict.fromkeys(
        ["check-proof", "account-evidence", "evidence", "invoice-file"],
        "makes or reads a file",
    ),
}
"""Addresses that take a form and ask for no confirmation, with the reason."""


@pytest.fixture
def operator(make_user):
    return make_user("olga", Role.OPERATOR)


@pytest.fixture
def client_of(operator):
    client = Client()
    client.force_login(operator)
    return client


def actions():
    """Return what the trail tells after the sign-in, but for what was read."""
    kept = AuditEntry.objects.exclude(action="reading").order_by("id")
    return list(kept.values_list("action", "subject"))[1:]


@pytest.mark.django_db
def test_every_address_that_takes_a_form_confirms_or_moves_no_money(sign_in):
    client = sign_in("operator")
    asked = set()
    for pattern in urlpatterns:
        if not isinstance(pattern, URLPattern) or pattern.name.startswith("account_"):
            continue
        route = str(pattern.pattern)
        for kind, value in {
            "<uuid:run_id>": "00000000-0000-4000-8000-000000000000", "<day:day>": "2024-01-01",
            "<uuid:trial_id>": "00000000-0000-4000-8000-000000000000",
            "<uuid:report_id>": "00000000-0000-4000-8000-000000000000",
            "<period:period>": "2024-03",
        }.items():  # fmt: skip
            route = route.replace(kind, value)
        while "<" in route:
            head, _, rest = route.partition("<")
            route = head + "1" + rest.partition(">")[2]
        takes_form = client.post(f"/{route}", {}).status_code != 405
        if takes_form and not getattr(pattern.callback, "confirms", False):
            asked.add(pattern.name)
    assert asked == MOVES_NO_MONEY.keys()


def test_what_was_typed_goes_on_once_it_is_confirmed(client_of):
    typed = {"document": "no-such-document", "amount": "1.00", "reason": "By telephone"}
    asking = client_of.post(DECIDE, typed)["Location"]
    assert asking.startswith(ASKS)
    page = client_of.get(asking).content.decode()
    assert "Confirm that it is you" in page
    shown = client_of.post(ASKS, {"password": PASSWORD, "next": DECIDE}).content.decode()
    assert "no-such-document" in shown and "Not posted yet" in shown
    assert actions() == [("confirmed", "password")]


def test_a_code_of_the_app_confirms_as_well(operator, client_of):
    operator.authenticator_set.all().delete()
    secret = give_second_factor(operator)
    client_of.post(DECIDE, {"document": "no-such-document", "amount": "1.00"})
    address = "/account/two-factor/reauthenticate/"
    shown = client_of.post(address, {"code": code_of(secret), "next": DECIDE}).content.decode()
    assert "no-such-document" in shown
    assert actions() == [("confirmed", "second factor")]


def test_a_wrong_password_confirms_nothing_and_is_in_the_trail(client_of):
    client_of.post(DECIDE, {"document": "x", "amount": "1.00"})
    page = client_of.post(ASKS, {"password": "wrong", "next": DECIDE}).content.decode()
    assert "Confirm that it is you" in page
    assert client_of.post(DECIDE, {}).status_code == 302
    assert actions() == [("sign-in-refused", "")]


def test_a_sign_in_alone_confirms_nothing(operator, client_of):
    """It may have been hours ago at a desk that was left; the confirmation is of this deed."""
    assert client_of.get(PAYMENTS).status_code == 200
    assert client_of.post(DECIDE, {})["Location"].startswith(ASKS)


def test_a_confirmation_is_of_ten_minutes(operator, client_of, settings):
    assert settings.ACCOUNT_REAUTHENTICATION_TIMEOUT == 600
    for minutes, status in ((9, 400), (11, 302)):
        confirm(client_of, operator, at_s=time.time() - 60 * minutes)
        assert client_of.post(IMPORT, {}).status_code == status


def test_a_confirmation_of_another_user_is_none(operator, client_of, make_user):
    confirm(client_of, make_user("pia", Role.OPERATOR))
    assert client_of.post(IMPORT, {}).status_code == 302


def test_a_file_is_offered_to_who_confirmed_and_others_are_told_so(operator, client_of):
    assert 'type="file"' not in client_of.get(PAYMENTS).content.decode()
    confirm(client_of, operator)
    assert 'type="file"' in client_of.get(PAYMENTS).content.decode()


def test_a_file_that_is_sent_unconfirmed_is_not_kept_and_that_is_said(client_of):
    file = SimpleUploadedFile("statement.xml", b"<x/>")
    answer = client_of.post(IMPORT, {"market": "gb12", "file": file})
    assert answer["Location"] == f"{ASKS}?next=%2Fpayments%2F"
    page = html.unescape(client_of.get(answer["Location"]).content.decode())
    assert "Nothing was done yet" in page and "choose the file once more" in page
    back = client_of.post(ASKS, {"password": PASSWORD, "next": PAYMENTS})
    assert back["Location"] == PAYMENTS
    assert 'type="file"' in client_of.get(PAYMENTS).content.decode()
