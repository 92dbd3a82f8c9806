"""Attacks by guessing: wrong passwords from one address, from many, and codes after the password.

And the attack that guesses nothing: to type wrong passwords, so that another is locked out.
"""

import datetime as dt
from itertools import count

import pytest
from django.contrib.auth import get_user_model, hashers
from django.test import Client

from portal import throttle
from portal.models import Attempt, AuditEntry
from tests.worlds.portal_alone import portal_alone
from tests.worlds.second_factor import code_of, give_second_factor

PASSWORD = "k4d-q8mz-7tru-pine"
SIGN_IN, CODE_PAGE = "/account/sign-in/", "/account/two-factor/authenticate/"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"


@pytest.fixture(scope="module")
def django_db_setup(clone_portal_database, django_db_blocker):
    with portal_alone(clone_portal_database, django_db_blocker):
        yield


@pytest.fixture(autouse=True)
def behind_a_proxy(settings):
    """As in production: nginx before the portal, and its word on who asks."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": None, "login": None}


@pytest.fixture
def olga(db):
    return get_user_model().objects.create_user("olga", password=PASSWORD)


def attempt(password: str, address: str, name: str = "olga", said: str = "") -> str:
    """Return how a sign-in ends: open, wrong, or too many.

    Args:
        password: what is typed.
        address: of who asks, as the proxy saw it.
        name: what is typed for a name.
        said: what they wrote into the header themselves, before the proxy added its word.
    """
    forwarded = f"{said}, {address}" if said else address
    client = Client(REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    answer = client.post(SIGN_IN, {"login": name, "password": password})
    if answer.status_code == 302:
        return "open"
    return "too many" if "Too many attempts" in answer.content.decode() else "wrong"


def guess(times: int, address: str, name: str = "olga", said: str = "") -> list[str]:
    return [attempt(f"guess {number}", address, name, said) for number in range(times)]


def pass_time(**passed: float) -> None:
    for made in Attempt.objects.all():
        Attempt.objects.filter(pk=made.pk).update(at=made.at - dt.timedelta(**passed))


def test_wrong_passwords_from_one_address_close_its_way_to_the_account(olga):
    assert guess(7, HERE) == ["wrong"] * 5 + ["too many"] * 2
    assert attempt(PASSWORD, HERE) == "too many"


def test_a_strangers_wrong_passwords_lock_nobody_out(olga):
    guess(12, HERE)
    assert attempt(PASSWORD, ELSEWHERE) == "open"


def test_the_way_is_open_again_after_five_minutes(olga):
    guess(6, HERE)
    pass_time(minutes=5.1)
    assert attempt(PASSWORD, HERE) == "open"


def test_an_attempt_that_was_not_let_through_lengthens_no_wait(olga):
    guess(5, HERE)
    pass_time(minutes=4)
    assert guess(4, HERE) == ["too many"] * 4
    pass_time(minutes=1.1)
    assert attempt(PASSWORD, HERE) == "open"


def test_passwords_that_are_right_count_for_nothing_and_reset_nothing(olga):
    guess(4, HERE)
    assert [attempt(PASSWORD, HERE) for _ in range(3)] == ["open"] * 3
    assert guess(2, HERE) == ["wrong", "too many"]


def test_an_account_is_one_however_its_name_is_written(olga):
    names = ["olga", "OLGA", "Olga", "oLga", "olGa", "olgA"]
    assert [attempt("guess", HERE, name) for name in names] == ["wrong"] * 5 + ["too many"]


def test_one_address_that_tries_many_accounts_waits_and_others_do_not(olga, monkeypatch):
    monkeypatch.setattr(throttle, "ADDRESS", throttle.ADDRESS._replace(most=8))
    ends = [attempt("guess", HERE, f"name-{number}") for number in range(10)]
    assert ends == ["wrong"] * 8 + ["too many"] * 2
    assert attempt(PASSWORD, HERE) == "too many"
    assert attempt(PASSWORD, ELSEWHERE) == "open"


def test_a_guess_from_many_addresses_is_slowed_and_locks_nobody_out(olga):
    botnet = (f"203.0.113.{number}" for number in count(1))
    for _ in range(5):
        guess(4, next(botnet))
    later = [guess(5, next(botnet)) for _ in range(4)]
    assert later == [["wrong"] + ["too many"] * 4] * 4
    assert attempt(PASSWORD, ELSEWHERE) == "open"


def test_an_address_that_somebody_writes_into_the_header_is_not_believed(olga):
    for number in range(5):
        assert attempt("guess", HERE, said=f"203.0.113.{number}") == "wrong"
    assert attempt("guess", HERE, said="203.0.113.99") == "too many"


def test_with_no_proxy_the_header_is_not_read_at_all(olga, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    ends = [attempt("guess", f"203.0.113.{number}") for number in range(6)]
    assert ends == ["wrong"] * 5 + ["too many"]


def test_a_network_of_ipv6_is_one_address(olga):
    ends = [attempt("guess", f"2001:db8::{number}") for number in range(6)]
    assert ends == ["wrong"] * 5 + ["too many"]


def test_many_guesses_at_once_count_each_other(olga):
    """As if all had been counted before any password was looked at."""
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    begun = [throttle.begin(throttle.Kind.PASSWORD, "user 1", HERE, now) for _ in range(9)]
    assert [made is not None for made in begun] == [True] * 5 + [False] * 4


def page_of(name: str) -> str:
    client = Client(HTTP_X_FORWARDED_FOR=HERE)
    page = client.post(SIGN_IN, {"login": name, "password": "wrong"}).content.decode()
    return page.replace(client.cookies["csrftoken"].value, "").replace(name, "NAME")


def without_tokens(page: str) -> list[str]:
    return [line for line in page.splitlines() if "csrfmiddlewaretoken" not in line]


def test_the_answer_does_not_tell_whether_there_is_an_account(olga):
    for _ in range(7):  # the last of them are refused without a look
        assert without_tokens(page_of("olga")) == without_tokens(page_of("somebody-else"))


def test_the_time_does_not_tell_whether_there_is_an_account(olga, monkeypatch):
    """A password is hashed once either way, which is what takes the time."""
    hashed: list[str] = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher,
        "encode",
        lambda self, password, *more: hashed.append(password) or encode(self, password, *more),
    )
    counts = []
    for name in ("olga", "nobody"):
        hashed.clear()
        attempt("wrong", HERE, name)
        counts.append(len(hashed))
    assert counts == [1, 1]


def test_an_account_without_a_password_looks_like_any_other(olga):
    get_user_model().objects.create_user("pia")  # invited, and has set none yet
    assert attempt("wrong", HERE, "pia") == "wrong"
    assert without_tokens(page_of("pia")) == without_tokens(page_of("somebody-else"))


def test_names_and_addresses_are_not_kept_in_the_clear(olga):
    attempt("guess", HERE, "my-secret-password")
    (kept,) = Attempt.objects.values_list("account", "address")
    assert not any("secret" in text or HERE in text for text in kept)
    assert not AuditEntry.objects.filter(account__contains="secret").exists()


def test_what_counts_no_more_is_removed(olga):
    guess(5, HERE)
    pass_time(hours=1.1)
    guess(1, ELSEWHERE)
    assert Attempt.objects.count() == 1


def code_attempt(code: str, address: str) -> str:
    client = Client(HTTP_X_FORWARDED_FOR=address)
    assert client.post(SIGN_IN, {"login": "olga", "password": PASSWORD})["Location"] == CODE_PAGE
    answer = client.post(CODE_PAGE, {"code": code})
    if answer.status_code == 302:
        return "open"
    return "too many" if "Too many codes" in answer.content.decode() else "wrong"


def test_codes_are_guessed_at_no_faster_from_many_addresses(olga):
    """Whoever guesses has the password: so their tries are counted from all addresses together."""
    secret = give_second_factor(olga)
    assert [code_attempt("000000", HERE) for _ in range(6)] == ["wrong"] * 5 + ["too many"]
    botnet = [f"203.0.113.{number}" for number in range(16)]
    ends = [code_attempt("000000", address) for address in botnet]
    assert ends == ["wrong"] * 15 + ["too many"]
    pass_time(hours=1.1)
    assert code_attempt(code_of(secret), ELSEWHERE) == "open"
