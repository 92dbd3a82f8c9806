"""Users of every kind, and Django on the database that the main job filled."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from database.session import transaction
from ledger.people.roles import Role
from portal.second_factor import lacks_second_factor
from portal.settings import django_database
from tests.portal.site import GENERATOR, MARKET, OUTSIDER, SUPPLIER, Site, make_site, serving_from
from tests.worlds import people
from tests.worlds.acts import do_acts_at_once
from tests.worlds.as_portal import answer_as_portal
from tests.worlds.second_factor import confirm, give_second_factor

PASSWORD = "k4d-q8mz-7tru-pine"


@pytest.fixture(scope="session")
def site(clone_portal_database) -> Site:
    """The filled database."""
    return make_site(clone_portal_database)


@pytest.fixture(scope="session")
def django_db_setup(site: Site, django_db_blocker) -> Iterator[None]:
    """Point Django at the filled database; its tests roll back."""
    connection = connections["default"]
    connection.settings_dict.update(django_database(site.url))
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture(autouse=True)
def on_site(site: Site, settings, monkeypatch) -> Iterator[None]:
    """Point the domain's engine at the filled database, for the length of a test."""
    cache.clear()  # allauth counts failed sign-ins there
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
    do_acts_at_once(monkeypatch)
    answer_as_portal(monkeypatch, site.url)
    with serving_from(site.url, site.engine):
        yield


def add_account(name: str, role: Role | None = None, *participants: str) -> None:
    """Make an account that holds a role, for the participants of the market."""
    with transaction() as session:
        owners = [(MARKET, each) for each in participants] if role is Role.PARTICIPANT else [()]
        for owner in owners:
            people.add(session, name, role, *owner)
        if not owners:
            people.add(session, name)


@pytest.fixture
def make_user(db, django_user_model) -> Callable[..., object]:
    """Return a function that makes a user with a role, acting for participants.

    Who needs a second factor has one, unless a test asks for somebody without.
    """

    def make(
        name: str, role: Role | None = None, *participants: str, second_factor: bool = True
    ) -> object:
        add_account(name, role, *participants)
        user = django_user_model.objects.create_user(name, password=PASSWORD)
        if second_factor and lacks_second_factor(user):
            give_second_factor(user)
        return user

    return make


@pytest.fixture
def sign_in(make_user) -> Callable[[str], Client]:
    """Return a function from who someone is to their confirmed browser; see `PEOPLE`."""

    def signed_in(who: str) -> Client:
        client = Client()
        if who != "signed out":
            user = make_user(who.replace(" ", "-"), *PEOPLE[who])
            client.force_login(user)
            confirm(client, user)
        return client

    return signed_in


PEOPLE: dict[str, tuple] = {
    "owner": (Role.PARTICIPANT, SUPPLIER),
    "colleague": (Role.PARTICIPANT, SUPPLIER, GENERATOR),
    "generator": (Role.PARTICIPANT, GENERATOR),
    "outsider": (Role.PARTICIPANT, OUTSIDER),
    "unlinked participant": (Role.PARTICIPANT, "elsewhere"),
    "nobody": (),
    "regulator": (Role.REGULATOR,),
    "operator": (Role.OPERATOR,),
    "auditor": (Role.AUDITOR,),
}


@pytest.fixture(scope="session")
def documents(site: Site) -> dict[str, list]:
    """The documents by participant, in order of issue, as the ledger lists them."""
    from portal.queries.invoices import invoices_of

    with serving_from(site.url, site.engine), transaction() as session:
        found = list(invoices_of(session, None))
    by_participant: dict[str, list] = {}
    for one in reversed(found):
        by_participant.setdefault(one.participant, []).append(one)
    return by_participant
