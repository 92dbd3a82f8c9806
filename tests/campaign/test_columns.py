"""Every column of the demonstration's month, in its first, a middle and the last row.

`tests/attacks/test_columns.py` tries the last row of each in a market of one day; `make campaign`
tries this one, which takes minutes.
"""

import datetime as dt
from contextlib import nullcontext

import pytest
from sqlalchemy import text

from database.session import make_engine, transaction
from ledger.log import store
from ledger.log.checkpoints import keep_checkpoint
from ledger.log.kept import parse_kept
from portal.main_job import JobRequest, run_main_job
from portal.signing import log_signer, sign_log
from tests.attacks import attacker
from tests.attacks.column_cases import (
    attacking,
    found_within,
    is_there,
    named_against,
    rounds,
    unnamed_digests,
)
from tests.attacks.columns import DERIVED, DIGESTS, FACTS, columns_of
from tests.portal.site import serving_from, ticking_clock
from tests.worlds.trailed import fill_trail

MONTH = (dt.date(2024, 1, 1), dt.date(2024, 1, 31))
PLACES = (0, 1_000_003, -1)
"""The first row, one in the midst (by the rest of a large prime), and the last."""


@pytest.fixture(scope="module")
def month(clone_portal_database):
    """The demonstration's month with a row of each of the portal's tables, and what was kept."""
    url = clone_portal_database()
    made = make_engine(url)
    clock = ticking_clock()
    with pytest.MonkeyPatch.context() as patch, serving_from(url, made):
        run_main_job(
            JobRequest("gb12", MONTH, data=None, seed=1, threads=2),
            clock,
            lambda _: nullcontext(no_bar),
        )
        with transaction(made) as session:
            fill_trail(session)
            sign_log(session, clock())
            kept = parse_kept(keep_checkpoint(session, store.last_checkpoint(session)))
            patch.setattr(attacker, "KEYS", [log_signer(session)[0]])  # stolen, as everything is
        yield made, kept
    made.dispose()


def no_bar(*_: object) -> None:
    """Show no progress."""


@pytest.fixture
def attacked(month):
    with attacking(month[0]) as opened:
        yield opened


def filled(attacked, group):
    """Return the columns of a class, by table, but for what the demonstration leaves empty."""
    valued = {}
    for table, column in columns_of(group):
        asked = f'SELECT EXISTS (SELECT FROM {table} WHERE "{column}" IS NOT NULL)'
        if attacked.bind.execute(text(asked)).scalar_one():
            valued[table] = f"{valued.get(table, '')} {column}".strip()
        else:
            print(f"no value of {table} {column}")
    return valued


@pytest.mark.parametrize("place", PLACES)
def test_no_fact_goes_unnoticed(month, attacked, place):
    unnoticed = []
    for columns in rounds(columns_of(filled(attacked, FACTS))):
        for changed, places in named_against(attacked, columns, month[1], place).values():
            if not changed.leaves & places:
                unnoticed.append((changed.table, changed.column))
    assert unnoticed == []


@pytest.mark.parametrize("place", PLACES)
def test_nothing_derived_goes_unnoticed(attacked, place):
    unnoticed = []
    for table, column in columns_of(filled(attacked, DERIVED)):
        rows, places = found_within(attacked, table, column, place)
        if not any(is_there(places, table, row) for row in rows):
            unnoticed.append((table, column))
    assert unnoticed == []


@pytest.mark.parametrize("place", PLACES)
def test_no_digest_goes_unnoticed(attacked, place):
    left = {table: names.split() for table, names in filled(attacked, DIGESTS).items()}
    while left:
        assert unnamed_digests(attacked, {table: of[0] for table, of in left.items()}, place) == []
        left = {table: of[1:] for table, of in left.items() if len(of) > 1}
