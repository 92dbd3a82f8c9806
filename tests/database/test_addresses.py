"""By which address each role comes to the database, and what is said of one that is none."""

import psycopg
import pytest

from database import addresses
from database.addresses import VARIABLES, refuse_wrong_roles, url_of, web_environment
from database.outages import Unusable
from database.roles.granting import grant, plain_url
from database.roles.names import Role
from tests.worlds.roles import url_as, urls_of_roles

SERVER = "postgresql://writer:secret@host/tallystick"


@pytest.fixture
def environment(monkeypatch) -> pytest.MonkeyPatch:
    """An environment without addresses, and no embedded server."""
    for variable in (*VARIABLES.values(), addresses.ROLE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("database.embedded.started", None)
    return monkeypatch


@pytest.mark.parametrize("role", addresses.WEB)
def test_the_web_process_does_not_come_by_the_address_of_another(environment, role):
    environment.setenv("DATABASE_URL", SERVER)
    with pytest.raises(Unusable, match=f"{VARIABLES[role]} is not set"):
        url_of(role)
    with pytest.raises(Unusable, match=r"PORTAL_DATABASE_URL is not set: .* as which|PORTAL_"):
        web_environment()


def test_a_worker_does_not_come_by_the_address_of_a_page(environment):
    for role in addresses.WEB:
        environment.setenv(VARIABLES[role], SERVER)
    with pytest.raises(Unusable, match=r"DATABASE_URL is not set: .* role writer"):
        addresses.worker_environment()


def test_the_web_process_is_told_no_address_but_its_own(environment):
    for role, variable in VARIABLES.items():
        environment.setenv(variable, f"postgresql://{role}:secret-of-{role}@host/tallystick")
    told = web_environment()
    assert {value for name, value in told.items() if name in VARIABLES.values()} == {
        f"postgresql://{role}:secret-of-{role}@host/tallystick" for role in addresses.WEB
    }
    assert not any("secret-of-writer" in value or "secret-of-owner" in value
                   for value in told.values())  # fmt: skip
    of_worker = addresses.worker_environment()
    assert not any("secret-of-portal" in value for value in of_worker.values())


def test_the_owner_may_be_who_database_url_names(environment):
    environment.setenv("DATABASE_URL", SERVER)
    assert url_of(Role.OWNER) == SERVER
    environment.setenv(VARIABLES[Role.OWNER], "postgresql://owner@host/tallystick")
    assert url_of(Role.OWNER) == "postgresql://owner@host/tallystick"


def test_a_web_process_of_another_role_is_refused(environment, clone_database):
    url = clone_database()
    for variable, address in urls_of_roles(url).items():
        environment.setenv(variable, address)
    refuse_wrong_roles()
    environment.setenv(VARIABLES[Role.PORTAL], url_as(url, Role.WRITER))
    with pytest.raises(Unusable, match=r"PORTAL_DATABASE_URL names the user \S+_writer, and the"):
        refuse_wrong_roles()
    wrong = url_as(url, Role.PORTAL).replace("of-a-role", "guessed")
    environment.setenv(VARIABLES[Role.PORTAL], wrong)
    with pytest.raises(Unusable, match=r"does not let the role portal in: .*password") as refused:
        refuse_wrong_roles()
    assert "guessed" not in str(refused.value)


def test_migrating_sets_the_passwords_that_addresses_state(clone_database):
    url = clone_database()
    stated = url_as(url, Role.AUDITOR).replace("of-a-role-of-tests", "a-new-one")
    grant(url, {Role.AUDITOR: stated})
    psycopg.connect(plain_url(stated)).close()
    with pytest.raises(Unusable, match="the role portal names the user"):
        grant(url, {Role.PORTAL: stated})
