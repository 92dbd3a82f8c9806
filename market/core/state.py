"""What a machine knows, as plain values and back: a day is replayed from what the market knew then.

Whatever else a machine comes to know belongs here: `tests/market/test_course.py` holds a machine
that was restored to the one that went on.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from market.core.bookings_state import bookings_state, restore_bookings
from market.core.events import Kind
from market.core.ex_post import KeptReadings
from market.core.grid_state import GridState, Known
from market.core.machine import Machine
from market.core.online import OnlineMarket
from market.core.pricing import Prices

State = Mapping[str, Any]


def state_of(machine: Machine) -> State:
    """Return all that a machine knows as texts, whole numbers, lists and mappings of texts."""
    said = {} if machine.grid is None else machine.grid.said
    # Left out where law asks for none, so that what was kept before there was such law is the same.
    by_handing_in = machine.handed_in_us is not None
    return {
        "clock_us": machine.clock_us,
        **({"handed_in_us": machine.handed_in_us} if by_handing_in else {}),
        "law": None if machine.market is None else machine.market.digest,
        "said": [
            [kind.value, entity, known.at_us, list(known.numbers)]
            for (kind, entity), known in sorted(said.items())
        ],
        "published": None
        if machine.published is None
        else {each.name: getattr(machine.published, each.name).tolist() for each in fields(Prices)},
        "law_from": [[day.isoformat(), law.digest] for day, law in machine.ex_post.law],
        "readings": [
            [
                each.day.isoformat(),
                each.measure,
                each.entity,
                list(each.revisions),
                list(each.values),
            ]
            for each in machine.ex_post.kept()
        ],
        "bookings": None if machine.bookings is None else bookings_state(machine.bookings),
    }


def days_of_law(state: State) -> list[dt.date]:
    """Return the days from which the law that a machine goes on with is in force."""
    return [dt.date.fromisoformat(day) for day, _ in state["law_from"]]


def another(machine: Machine) -> Machine:
    """Return a machine that knows the same, for who asks what would be and moves nothing."""
    in_force = [] if machine.market is None else [machine.market]
    laws = [*in_force, *(law for _, law in machine.ex_post.law)]
    return restore(state_of(machine), {law.digest: law for law in laws})


def restore(state: State, law: Mapping[str, OnlineMarket]) -> Machine:
    """Return a machine that knows what `state_of` said.

    Args:
        state: as `state_of` returned it.
        law: what it goes on with, which has the law in force and that of `days_of_law`.

    Raises:
        KeyError: it has not, or `state` is none.
    """
    machine = Machine(law)
    machine.clock_us = state["clock_us"]
    machine.handed_in_us = state.get("handed_in_us")
    if state["law"] is not None:
        machine.market = law[state["law"]]
        machine.grid = GridState(machine.market)
        machine.grid.said = {
            (Kind(kind), entity): Known(at_us, tuple(numbers))
            for kind, entity, at_us, numbers in state["said"]
        }
        machine.grid.obey(machine.market)
        machine.bookings = restore_bookings(
            state["bookings"],
            machine.market,
            machine.grid,
            machine.clock_us or 0,
            machine.handed_in_us,
        )
    if state["published"] is not None:
        machine.published = Prices(
            **{name: np.array(each, dtype=np.int64) for name, each in state["published"].items()}
        )
    machine.ex_post.law = [
        (dt.date.fromisoformat(day), law[digest]) for day, digest in state["law_from"]
    ]
    machine.ex_post.restore(
        KeptReadings(dt.date.fromisoformat(day), measure, entity, tuple(revisions), tuple(values))
        for day, measure, entity, revisions, values in state["readings"]
    )
    return machine
