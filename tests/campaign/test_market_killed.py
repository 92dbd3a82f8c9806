"""Whoever leads a market is killed 200 times, and nothing is lost or doubled.

The suite kills 20 (`tests/market/test_worker.py`); `make campaign` kills these, of its seed.
"""

import os

from tests.market.killing import killed

KILLS = 200
SEED = int(os.environ.get("TALLYSTICK_SEED", "14"))


def test_workers_that_are_killed_lose_nothing_and_double_nothing(committed_database):
    killed(committed_database, KILLS, SEED)
