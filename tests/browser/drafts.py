"""A working copy of law in the database that is served, with something wrong in it."""

from functools import cache

import psycopg
from psycopg.types.json import Jsonb

from tests.browser.conftest import Served
from tests.rulebook.law import RULES, body

ADD = """
INSERT INTO portal.portal_workingcopy (user_id, market, law_day, drawn_from, wanted_from, base,
    bodies, version, begun_at, changed_at)
SELECT id, 'gb12', '2024-03-30', '2024-03-30', '2024-03-30', %s, %s, 1, now(), now()
FROM portal.auth_user WHERE username = 'regulator' RETURNING id
"""


def draft_with_faults(served: Served) -> int:
    """Return a copy of the regulator's, by number: a cap below its curves, a price that is none."""
    return _add(served.database_url)


@cache
def _add(database_url: str) -> int:
    edited = body(RULES) | {"price_cap_micro_per_mwh": 3_000_000_000}
    edited["layers"][0]["curve"][1]["price_micro_per_mwh"] = "twenty"
    with psycopg.connect(database_url, autocommit=True) as connection:
        values = [Jsonb({RULES: body(RULES)}), Jsonb({RULES: edited})]
        (number,) = connection.execute(ADD, values).fetchone()
    return int(number)
