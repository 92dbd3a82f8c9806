"""Whoever leads a market or waits to, and its PostgreSQL, are killed: nothing is lost or doubled.

The suite kills no server, and 20 workers and connections (`tests/market/test_worker.py`).
`make campaign` kills at 200 points, of its seed; TALLYSTICK_KILLS says at how many.
"""

import os

from tests.campaign.own_server import OwnServer, database_on
from tests.market.killing import Victim, killed

KILLS = int(os.environ.get("TALLYSTICK_KILLS", "200"))
SEED = int(os.environ.get("TALLYSTICK_SEED", "14"))
MOST_SECONDS = 1.0
"""In which another leads, in half of all cases: the campaign's other processes are in the way."""


def test_what_is_killed_loses_nothing_and_doubles_nothing():
    server = OwnServer()
    with database_on(server) as engine:
        killer = killed(engine, KILLS, SEED, server)
    print(f"seed {SEED}, {KILLS} points", *killer.said(), sep="\n")
    assert sum(killer.victims.values()) == KILLS
    if len(Victim) * 10 <= KILLS:
        assert all(killer.victims.values()), killer.victims
    times = sorted(killer.taken_over_s)
    assert not times or times[len(times) // 2] < MOST_SECONDS, times
