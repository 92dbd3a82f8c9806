"""Signing in and out by the standard flows of django-allauth, and what the audit trail keeps."""

from pathlib import Path

import allauth
import pytest
from allauth.mfa.totp.internal import auth as totp
from django.db import DatabaseError, transaction
from django.template.loader import get_template

from database.embedded import ROOT
from ledger.people.roles import Role
from portal.models import AuditEntry
from tests.portal.conftest import PASSWORD

SIGN_IN = "/account/sign-in/"


@pytest.fixture
def auditor(make_user):
    """One of a demonstration, who signs in by a password alone."""
    return make_user("auditor", Role.AUDITOR, second_factor=False)


def give(client, password=PASSWORD, **more):
    return client.post(SIGN_IN, {"login": "auditor", "password": password, **more})


def actions():
    return list(AuditEntry.objects.order_by("id").values_list("action", "account"))


def test_the_right_password_opens_the_home_of_the_role(client, auditor):
    answer = give(client)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/")["Location"] == "/runs/"
    assert actions() == [("sign-in", "auditor")]


def test_a_wrong_password_opens_nothing_and_is_kept(client, auditor):
    page = give(client, "wrong").content.decode()
    assert "not correct" in page
    assert client.get("/runs/").status_code == 302
    assert actions() == [("sign-in-refused", "auditor")]


def test_a_name_that_is_nobodys_is_not_kept_since_it_may_be_a_password(client, auditor):
    client.post(SIGN_IN, {"login": "my-secret-password", "password": "x"})
    assert actions() == [("sign-in-refused", "")]


def test_many_wrong_passwords_close_the_door_for_a_while(client, auditor):
    for _ in range(12):
        page = give(client, "wrong").content.decode()
    assert "Too many" in page


def test_one_returns_to_the_page_one_came_for_and_never_to_another_site(client, auditor):
    assert client.get("/audit/")["Location"] == f"{SIGN_IN}?next=/audit/"
    assert give(client, next="/audit/")["Location"] == "/audit/"
    client.logout()
    assert give(client, next="https://elsewhere.example/")["Location"] == "/"


def test_signing_out_needs_a_post(client, auditor):
    client.force_login(auditor)
    assert "Sign out" in client.get("/account/sign-out/").content.decode()
    assert client.get("/runs/").status_code == 200
    assert client.post("/account/sign-out/")["Location"] == "/"
    assert client.get("/runs/").status_code == 302
    assert ("sign-out", "auditor") in actions()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/account/signup/", "/account/sign-up/", "/accounts/signup/"])
def test_nobody_signs_up(client, address):
    assert client.get(address).status_code == 404
    assert "sign up" not in client.get(SIGN_IN).content.decode().lower()


def test_an_authenticator_app_asks_for_its_code(client, auditor, monkeypatch):
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(auditor, secret)
    answer = give(client)
    assert answer["Location"] == "/account/two-factor/authenticate/"
    assert client.get("/runs/").status_code == 302
    page = client.get("/account/two-factor/authenticate/").content.decode()
    assert "Second factor" in page
    counter = next(totp.yield_hotp_counters_from_time())
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    answer = client.post("/account/two-factor/authenticate/", {"code": code})
    assert answer["Location"] == "/"
    assert client.get("/runs/").status_code == 200


@pytest.mark.parametrize("address", ["/account/two-factor/", "/account/password/"])
def test_the_pages_of_an_account_have_our_look(client, auditor, address):
    give(client)
    page = client.get(address)
    assert page.status_code == 200
    assert 'class="masthead"' in page.content.decode()


def test_an_authenticator_app_is_turned_on_after_the_password_is_confirmed(
    client, auditor, django_capture_on_commit_callbacks
):
    give(client)
    address = "/account/two-factor/totp/activate/"
    confirm = client.get(address)["Location"]
    assert confirm.startswith("/account/confirm/")
    assert 'class="masthead"' in client.get(confirm).content.decode()
    answer = client.post(confirm, {"password": PASSWORD, "next": address})
    assert answer["Location"] == address
    page = client.get(address).content.decode()
    assert 'class="masthead"' in page
    assert "data:image/svg+xml" in page
    secret = client.session["mfa.totp.secret"]
    counter = next(totp.yield_hotp_counters_from_time())
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(address, {"code": code}, follow=True).content.decode()
    assert ("app-added", "auditor") in actions()
    kept = auditor.authenticator_set.get(type="recovery_codes").wrap()
    assert kept.get_unused_codes()[0] in page


def test_a_password_is_changed_and_the_audit_trail_says_so(client, auditor):
    give(client)
    new = {"oldpassword": PASSWORD, "password1": "another-Long-1", "password2": "another-Long-1"}
    client.post("/account/password/", new)
    assert ("password", "auditor") in actions()
    client.logout()
    assert give(client, "another-Long-1")["Location"] == "/"


def test_who_has_no_password_sets_one(client, auditor):
    auditor.set_unusable_password()
    auditor.save()
    client.force_login(auditor)
    page = client.get("/account/password/", follow=True)
    assert page.redirect_chain == [("/account/password/set/", 302)]
    assert "Set Password" in page.content.decode()
    client.post("/account/password/set/", {"password1": PASSWORD, "password2": PASSWORD})
    auditor.refresh_from_db()
    assert auditor.check_password(PASSWORD)


def test_an_audit_entry_is_never_changed(client, auditor):
    give(client)
    for change in (
        lambda: AuditEntry.objects.update(account="someone else"),
        lambda: AuditEntry.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_an_account_can_be_closed_and_its_entries_stay(client, auditor):
    give(client)
    auditor.delete()
    assert ("sign-in", "auditor") in actions()


def test_what_is_said_of_accounts_and_factors_is_said_in_our_words():
    """Every message of a factor, one that a later release of allauth adds too."""
    shipped = Path(allauth.__file__).parent / "templates"
    of_factors = [path.name for path in (shipped / "mfa" / "messages").glob("*.txt")]
    of_accounts = ("logged_in.txt", "logged_out.txt", "password_changed.txt", "password_set.txt")
    assert of_factors
    for name in (
        *(f"mfa/messages/{each}" for each in of_factors),
        *(f"account/messages/{each}" for each in of_accounts),
    ):
        assert Path(get_template(name).origin.name).is_relative_to(ROOT / "templates"), name
