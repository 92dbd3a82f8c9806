"""The roles of a database of tests: a copy has those of what it was copied of."""

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from database.addresses import VARIABLES
from database.roles.granting import database_grants, find_prefix, plain_url, set_password
from database.roles.names import Role, role_name, role_prefix

PASSWORD = "of-a-role-of-tests"


def let_roles_in(url: str) -> None:
    """Grant in a copy of a database what PostgreSQL does not copy: who may connect to it."""
    with psycopg.connect(plain_url(url)) as connection:
        grants = database_grants(connection.info.dbname, find_prefix(connection))
        connection.execute(sql.SQL("; ").join(grants))


def urls_of_roles(url: str) -> dict[str, str]:
    """Return the environment of a process that comes to a database as its roles, and no other."""
    roles = (Role.WRITER, Role.PORTAL, Role.PORTAL_AUTH)
    return {VARIABLES[role]: url_as(url, role) for role in roles}


def stated_urls(url: str) -> dict[str, str]:
    """Return the environment of who migrates a new database, by which its roles are made."""
    address = make_url(url)
    prefix = role_prefix(str(address.database))
    stated = {
        VARIABLES[role]: address.set(
            username=role_name(prefix, role), password=PASSWORD
        ).render_as_string(hide_password=False)
        for role in (Role.WRITER, Role.PORTAL, Role.PORTAL_AUTH)
    }
    return {**stated, VARIABLES[Role.OWNER]: url}


def url_as(url: str, role: Role) -> str:
    """Return the address by which a role comes to a database that tests made, as a superuser."""
    with psycopg.connect(plain_url(url)) as connection:
        name = role_name(find_prefix(connection), role)
        set_password(connection, name, PASSWORD)
    return make_url(url).set(username=name, password=PASSWORD).render_as_string(hide_password=False)
