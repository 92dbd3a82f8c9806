"""Attacks on powerful accounts by who has their password, or writes to their table."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, get_resolver

from database.session import transaction
from ledger.people.roles import Role
from portal import second_factor
from portal.models import AuditEntry
from portal.second_factor import DO_WITHOUT, OF_THE_ACCOUNT, lacks_second_factor
from tests.worlds import people
from tests.worlds.portal_alone import portal_alone
from tests.worlds.second_factor import code_of, confirm, give_second_factor

PASSWORD = "k4d-q8mz-7tru-pine"
SIGN_IN, OWN_PAGE = "/account/sign-in/", "/account/two-factor/"
CODE_PAGE = "/account/two-factor/authenticate/"
TURN_ON = "/account/two-factor/totp/activate/"
SAMPLES = {
    "number": "1", "size": "1", "day": "2024-01-01", "period": "2024-01",
    "str": "x", "path": "x", "int": "1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip
POWERFUL = [role for role in Role if role not in DO_WITHOUT]


@pytest.fixture(scope="module")
def django_db_setup(clone_portal_database, django_db_blocker):
    with portal_alone(clone_portal_database, django_db_blocker):
        yield


@pytest.fixture(autouse=True)
def quick_passwords(settings, monkeypatch):
    monkeypatch.setattr("portal.second_factor.is_demo", lambda: False)  # as where money is real
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def make_person(db):
    def make(*roles: Role):
        with transaction() as session:
            people.add_holding(session, "whoever", roles)
        return get_user_model().objects.create_user("whoever", password=PASSWORD)

    return make


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def give_password(client: Client):
    return client.post(SIGN_IN, {"login": "whoever", "password": PASSWORD})


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def every_address() -> list[tuple[str, str]]:
    """Return name and address of every view of the router, those that are included too."""

    def walk(patterns, before):
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield pattern.name, before + str(pattern.pattern)
            else:
                yield from walk(pattern.url_patterns, before + str(pattern.pattern))

    def filled(route: str) -> str:
        for kind, value in SAMPLES.items():
            while f"<{kind}:" in route:
                head, _, rest = route.partition(f"<{kind}:")
                route = head + value + rest.partition(">")[2]
        return route

    return [(name, filled(route)) for name, route in walk(get_resolver().url_patterns, "/")]


@pytest.mark.parametrize("role", POWERFUL)
def test_a_password_alone_opens_no_address_but_those_of_the_account(make_person, role):
    client = signed_in(make_person(role))
    closed = [address for name, address in every_address() if not name.startswith(OF_THE_ACCOUNT)]
    assert len(closed) > 50
    for number, address in enumerate(closed):
        answer = (client.post if number % 2 else client.get)(address)
        assert (answer.status_code, answer["Location"]) == (302, OWN_PAGE), address


def test_what_is_open_meanwhile_sets_up_a_factor_and_signs_out(make_person):
    client = signed_in(make_person(Role.OPERATOR))
    page = client.get(OWN_PAGE).content.decode()
    assert "Your role needs a second factor" in page
    assert "/account/two-factor/totp/activate/" in page
    assert "/account/sign-out/" in page
    assert "/runs/" not in page  # nor does the menu offer what is closed


def test_a_role_that_is_added_needs_one_until_somebody_says_otherwise():
    assert {Role.PARTICIPANT} == DO_WITHOUT
    assert POWERFUL == [Role.REGULATOR, Role.OPERATOR, Role.AUDITOR]


def test_who_is_also_a_participant_needs_one_all_the_same(make_person):
    assert lacks_second_factor(make_person(Role.PARTICIPANT, Role.AUDITOR))


def test_a_participant_may_do_without(make_person):
    user = make_person(Role.PARTICIPANT)
    assert not lacks_second_factor(user)
    assert signed_in(user).get("/invoices/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(make_person):
    user = make_person(Role.AUDITOR)
    Authenticator.objects.create(user=user, type="recovery_codes", data={"used_mask": 0})
    assert lacks_second_factor(user)


def test_who_removes_the_last_factor_is_led_back_at_once(make_person):
    user = make_person(Role.AUDITOR)
    give_second_factor(user)
    client = signed_in(user)
    assert client.get("/runs/").status_code == 200
    Authenticator.objects.filter(user=user).delete()
    assert client.get("/runs/")["Location"] == OWN_PAGE


@pytest.mark.parametrize(
    ("is_shown_as_one", "is_founded_as_one", "lacks"),
    [(True, True, False), (True, False, True), (False, True, True)],
)
def test_grace_is_for_a_demonstrations_sign_ins_in_a_demonstration(
    make_person, settings, monkeypatch, is_shown_as_one, is_founded_as_one, lacks
):
    settings.DEMO_HAS_GRACE = is_shown_as_one
    monkeypatch.setattr("portal.second_factor.is_demo", lambda: is_founded_as_one)
    assert lacks_second_factor(make_person(Role.OPERATOR)) is lacks


def test_a_password_and_a_wrong_code_open_nothing_and_are_in_the_trail(make_person):
    give_second_factor(make_person(Role.AUDITOR))
    client = Client()
    assert give_password(client)["Location"] == CODE_PAGE
    assert "Incorrect code" in client.post(CODE_PAGE, {"code": "000000"}).content.decode()
    assert client.get("/runs/")["Location"].startswith(SIGN_IN)
    assert actions() == ["factor-refused"]


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_code_that_was_seen_opens_nothing_a_second_time(make_person, forgotten):
    """Nor in another process, which has a memory of its own."""
    secret = give_second_factor(make_person(Role.AUDITOR))
    code, openings = code_of(secret), []
    for _ in range(2):
        client = Client()
        give_password(client)
        openings.append(client.post(CODE_PAGE, {"code": code}).status_code)
        if forgotten:
            cache.clear()
    assert openings == [302, 200]
    assert actions() == ["sign-in", "factor-refused"]


def test_the_code_that_turned_an_app_on_does_not_sign_in(make_person):
    user = make_person(Role.AUDITOR)
    client = signed_in(user)
    confirm(client, user)
    page = client.get(TURN_ON).content.decode()
    code = code_of(re.search(r'id="authenticator_secret">(\w+)<', page)[1])
    assert client.post(TURN_ON, {"code": code}).status_code == 302
    again = Client()
    give_password(again)
    answer = again.post(CODE_PAGE, {"code": code}).content.decode()
    assert "let the phone set its clock by itself" in answer


def test_a_recovery_code_opens_once_says_how_many_are_left_and_is_in_the_trail(make_person):
    user = make_person(Role.AUDITOR)
    give_second_factor(user)
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    code = RecoveryCodes.activate(user).get_unused_codes()[3]
    client = Client()
    give_password(client)
    page = client.post(CODE_PAGE, {"code": code}, follow=True).content.decode()
    assert "You used a recovery code, which is spent: 9 left" in page
    assert actions() == ["recovery-code", "sign-in"]
    assert "9 are left" in client.get(OWN_PAGE).content.decode()
    client = Client()
    give_password(client)
    assert client.post(CODE_PAGE, {"code": code}).status_code == 200


def test_recovery_codes_are_shown_once(make_person, django_capture_on_commit_callbacks):
    user = make_person(Role.AUDITOR)
    give_second_factor(user)
    client = signed_in(user)
    address = "/account/two-factor/recovery-codes/generate/"
    confirm = client.post(address, {})["Location"]
    with django_capture_on_commit_callbacks(execute=True):
        made = client.post(confirm, {"password": PASSWORD, "next": address})
        if made.status_code == 302 and made["Location"] == address:
            made = client.post(address, {})
    assert made["Location"] == "/account/two-factor/recovery-codes/"
    codes = user.authenticator_set.get(type="recovery_codes").wrap().get_unused_codes()
    shown, again = (client.get(made["Location"]).content.decode() for _ in range(2))
    assert all(code in shown for code in codes) and 'download="' in shown
    assert not any(code in again for code in codes)
    assert actions()[-2:] == ["confirmed", "recovery-codes"]


def test_secrets_that_were_copied_from_the_table_make_no_code(make_person):
    user = make_person(Role.AUDITOR)
    secret = give_second_factor(user)
    assert secret not in str(user.authenticator_set.get().data)
    assert user.authenticator_set.get().wrap().validate_code(code_of(secret))


def test_a_secret_that_was_written_into_the_table_fits_no_code(make_person):
    user = make_person(Role.AUDITOR)
    Authenticator.objects.create(user=user, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    client = Client()
    give_password(client)
    answer = client.post(CODE_PAGE, {"code": code_of("JBSWY3DPEHPK3PXP")})
    assert "Incorrect code" in answer.content.decode()


def test_a_secret_of_another_key_fits_no_code(make_person, settings):
    user = make_person(Role.AUDITOR)
    secret = give_second_factor(user)
    settings.SECRET_KEY = "another"
    assert not user.authenticator_set.get().wrap().validate_code(code_of(secret, time.time()))
    assert second_factor.is_mfa_enabled(user)  # and it is no way around one, either


@pytest.mark.parametrize("credential", ["", "1", "[]", "{}", '{"id": 1}', '{"response": []}', "x"])
@pytest.mark.parametrize("address", [CODE_PAGE, f"{OWN_PAGE}webauthn/add/"])
def test_what_is_no_passkey_is_refused_by_a_page(make_person, credential, address):
    user = make_person(Role.AUDITOR)
    give_second_factor(user)
    client = Client()
    if address == CODE_PAGE:
        give_password(client)
    else:
        client.force_login(user)
        confirm(client, user)
    client.get(address)  # which asks for one
    assert client.post(address, {"credential": credential, "name": "x"}).status_code == 200
    assert client.get("/runs/").status_code == (302 if address == CODE_PAGE else 200)
