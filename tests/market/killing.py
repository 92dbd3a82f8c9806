"""Killing who leads, while events are handed in: processes, and the connections that they have."""

import random
import threading
from threading import Event as Flag

from sqlalchemy import Engine

from tests.market.led import (
    hand_in,
    happenings,
    hold_to_replay,
    reading,
    start_worker,
    wait_until_taken,
    writer_url,
)

A_KILL = 40
"""Events that are handed in around it."""
BREAK_OFF = """
SELECT pg_terminate_backend(pid) FROM (
    SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND usename LIKE '%\\_writer' AND pid <> pg_backend_pid()
     ORDER BY random() LIMIT 1) AS one
"""
"""A connection of who leads or waits: that which appends, or holds or awaits the lock."""


def killed(engine: Engine, kills: int, seed: int) -> None:
    """Kill processes and break connections, mostly of who leads, while events are handed in.

    Then hold what is in the log to what was handed in, and to what it says when it is taken again.
    """
    chance, url = random.Random(seed), writer_url(engine)
    events, pause = happenings(kills * A_KILL, seed), Flag()
    workers, led = [start_worker(url) for _ in range(2)], 0
    try:
        for number in range(kills):
            part = events[number * A_KILL : (number + 1) * A_KILL]
            producer = threading.Thread(target=hand_in, args=(engine, part, 3))
            producer.start()
            if number % 4:  # each fourth comes while another takes over, or before
                wait_for_epoch(engine, led + 1)
            pause.wait(chance.random() * 0.06)
            led = epoch_of(engine)
            if number % 3 == 2:
                with engine.connect() as connection:
                    connection.exec_driver_sql(BREAK_OFF.replace("%", "%%"))
            else:
                workers[0].kill()  # the eldest leads, unless it lost a connection
                workers.pop(0).join()
                workers.append(start_worker(url))
            producer.join()
        hand_in(engine, events[kills * A_KILL :])
        hand_in(engine, events)  # of which all were handed in
        wait_until_taken(engine)
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    hold_to_replay(engine, events)
    assert epoch_of(engine) > kills // 3, "somebody took over"


def epoch_of(engine: Engine) -> int:
    """Return the epoch in which the market is led; 0 before the first."""
    with reading(engine) as connection:
        row = connection.execute("SELECT epoch FROM market.head").fetchone()
    return row[0] if row else 0


def wait_for_epoch(engine: Engine, epoch: int) -> None:
    """Wait until another leads, for a second at most: who was killed may not have led."""
    pause = Flag()
    for _ in range(100):
        if epoch_of(engine) >= epoch:
            return
        pause.wait(0.01)
