"""Names of the roles of a database: roles are a whole server's, so each name holds the database's.

>>> role_name(role_prefix("gb"), Role.PORTAL_AUTH)
'tallystick_gb_portal_auth'
"""

import re
from enum import StrEnum
from hashlib import sha256


class Role(StrEnum):
    """Who works in a database."""

    OWNER = "owner"
    """Owns every object, and migrates; its name is whatever the administrators gave it."""
    WRITER = "writer"
    """Commands and workers: they append facts, and read all there is."""
    PORTAL = "portal"
    """SQLAlchemy in the web process: it reads the facts that whoever is signed in may see."""
    PORTAL_AUTH = "portal_auth"
    """Django in the web process: users, sessions and requests, and no fact."""
    AUDITOR = "auditor"
    """Whoever checks with tools of their own: they read, and no secret of anybody's."""


PASS_BY_ROW_SECURITY = frozenset({Role.WRITER, Role.AUDITOR})
"""Roles that read whole tables; the others see what `database.row_security` lets them."""

GRANTED = tuple(role for role in Role if role is not Role.OWNER)
"""The roles that are told what they may; the owner may do anything."""

FAMILY = "tallystick"
LONGEST_DATABASE = 39
"""Letters of a database's name that stand in its roles' names, of which PostgreSQL keeps 63."""
HASH_LETTERS = 12
_PLAIN = re.compile(rf"[a-z0-9_]{{1,{LONGEST_DATABASE}}}")
_SHORTENED = re.compile(rf".*_[0-9a-f]{{{HASH_LETTERS}}}")


def role_prefix(database: str) -> str:
    """Return how the names of a database's roles begin: no two databases have the same.

    A name that is long, or has other than small letters, is cut short and hashed; one that looks
    as if that had been done is hashed too, so that nobody can name a database into another's roles.

    >>> role_prefix("Grid " * 20)
    'tallystick_rid_rid_rid_rid_rid_rid_rid_4dae4b3cd2e3'
    """
    plain = database
    if not _PLAIN.fullmatch(database) or _SHORTENED.fullmatch(database):
        letters = re.sub("[^a-z0-9]+", "_", database).strip("_")[: LONGEST_DATABASE - HASH_LETTERS]
        plain = f"{letters.rstrip('_')}_{sha256(database.encode()).hexdigest()[:HASH_LETTERS]}"
    return f"{FAMILY}_{plain}"


def role_name(prefix: str, role: Role) -> str:
    """Return the name of a role of the database whose roles begin with `prefix`."""
    return f"{prefix}_{role}"
