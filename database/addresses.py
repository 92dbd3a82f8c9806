"""By which address each role comes to the database: of the environment, or the embedded server's.

A process works as one role: commands and workers as the writer, the web process as the portal. What
is set for another role is not asked for, so a process can be given what it needs and no more.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType

import psycopg
from sqlalchemy import make_url

from database.outages import Unusable, first_line
from database.roles.granting import find_prefix, plain_url
from database.roles.names import Role, role_name

VARIABLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.OWNER: "TALLYSTICK_OWNER_DATABASE_URL",
        Role.WRITER: "DATABASE_URL",
        Role.PORTAL: "TALLYSTICK_PORTAL_DATABASE_URL",
        Role.PORTAL_AUTH: "TALLYSTICK_PORTAL_AUTH_DATABASE_URL",
    }
)
WEB = (Role.PORTAL, Role.PORTAL_AUTH)
SECRET_OF_OTHERS = (VARIABLES[Role.OWNER], VARIABLES[Role.WRITER])
"""What no web process is told."""
ROLE_VARIABLE = "TALLYSTICK_DATABASE_ROLE"
"""Set for processes that work as the portal; all others are the writer."""


def working_role() -> Role:
    """Return as whom this process works."""
    return Role(os.environ.get(ROLE_VARIABLE) or Role.WRITER)


def uses_embedded() -> bool:
    """Return whether this process started the embedded server."""
    from database import embedded  # a real server never needs the wheel

    return embedded.started is not None


def lacks_roles() -> bool:
    """Return whether this process uses the embedded server, and its database has no roles yet."""
    from database import embedded  # a real server never needs the wheel

    return embedded.started is not None and not embedded.started.has_roles()


def use_embedded() -> None:
    """Start the embedded server, and keep in the environment by which address to come to it."""
    from database import embedded  # a real server never needs the wheel

    if embedded.started is None:
        embedded.started = embedded.start()
    for role in WEB if working_role() is Role.PORTAL else (Role.WRITER,):
        os.environ[VARIABLES[role]] = embedded.started.url(role)


def given_url(role: Role) -> str | None:
    """Return the address that the environment gives a role; DATABASE_URL may be the owner's."""
    found = os.environ.get(VARIABLES[role])
    if not found and role is Role.OWNER:
        found = os.environ.get(VARIABLES[Role.WRITER])
    return found or None


def url_of(role: Role) -> str:
    """Return the address of a role.

    Raises:
        Unusable: the environment names a server, and no address on it for this role.
        RuntimeError: it names no server, and the embedded one was not started.
    """
    from database import embedded  # a real server never needs the wheel

    if embedded.started is not None and not os.environ.get(VARIABLES[role]):
        return embedded.started.url(role)
    found = given_url(role)
    if found:
        return found
    if not names_server():
        raise RuntimeError("no database: call database.session.ensure_server() first")
    raise Unusable(
        f"{VARIABLES[role]} is not set: it is the address by which the role {role} comes to the "
        f"database, such as postgresql://tallystick_DATABASE_{role}:password@host:5432/DATABASE. "
        f"{_OF_ROLE[role]}"
    )


_OF_ROLE = {
    Role.OWNER: "Migrations work as it.",
    Role.WRITER: "Commands and workers work as it; the web process does not have it.",
    Role.PORTAL: "Pages read by it, and have no other address; migrate gives it its rights.",
    Role.PORTAL_AUTH: "Pages keep sessions by it; migrate gives it its rights.",
}


def django_url() -> str:
    """Return the address by which Django of this process comes to its own tables."""
    return url_of(Role.PORTAL_AUTH if working_role() is Role.PORTAL else Role.WRITER)


def names_server() -> bool:
    """Return whether the environment names a server, for any role."""
    return any(os.environ.get(variable) for variable in VARIABLES.values())


def admin_url() -> str:
    """Return an address that may make databases, for those of checks and benchmarks."""
    from database import embedded  # a real server never needs the wheel

    if embedded.started is not None:
        return embedded.started.superuser_url()
    return url_of(Role.OWNER)


def web_environment() -> dict[str, str]:
    """Return this environment as a web process is to have it: with its own two addresses only.

    Raises:
        Unusable: one of them is not given.
    """
    own = {VARIABLES[role]: url_of(role) for role in WEB}
    others = {k: v for k, v in os.environ.items() if k not in SECRET_OF_OTHERS}
    return {**others, **own, ROLE_VARIABLE: Role.PORTAL}


def worker_environment() -> dict[str, str]:
    """Return this environment as a worker is to have it: it starts the embedded server itself.

    Raises:
        Unusable: another server is named, and no address on it for a worker.
    """
    from database import embedded  # a real server never needs the wheel

    if embedded.started is None:
        url_of(Role.WRITER)
    of_web = {ROLE_VARIABLE, *(VARIABLES[role] for role in WEB)}
    return {k: v for k, v in os.environ.items() if k not in of_web}


def refuse_wrong_roles() -> None:
    """Refuse addresses of the web process that are of other roles, or that the server refuses.

    Raises:
        Unusable: naming the variable, and what is wrong.
    """
    for role in WEB:
        variable = VARIABLES[role]
        try:
            with psycopg.connect(plain_url(url_of(role))) as connection:
                name, user = role_name(find_prefix(connection), role), connection.info.user
        except psycopg.OperationalError as error:
            raise Unusable(
                f"{variable}: the database does not let the role {role} in: {first_line(error)}; "
                "correct it, and give the role that password as `migrate` does where it is told"
            ) from None
        if user != name:
            raise Unusable(
                f"{variable} names the user {user}, and the role {role} of this database is "
                f"{name}: the web process works as that one alone"
            )


def urls_to_set() -> dict[Role, str]:
    """Return the addresses of roles whose passwords `migrate` sets, as it makes them."""
    from database import embedded  # a real server never needs the wheel

    if embedded.started is not None:
        return {
            role: embedded.started.url(role)
            for role in (Role.WRITER, Role.PORTAL, Role.PORTAL_AUTH, Role.AUDITOR)
        }
    owner = make_url(url_of(Role.OWNER)).username
    found = {role: given_url(role) for role in (Role.WRITER, *WEB)}
    return {role: url for role, url in found.items() if url and make_url(url).username != owner}
