"""Solve the days of a period under other designs, on threads, from what their runs knew."""

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby

from sqlalchemy.orm import Session

from settlement.baselines.serving import Network
from settlement.baselines.tariffs import SolvedDay, price_bounds, solve_day
from settlement.core.model import DayReadings
from settlement.dispatch.market import dispatch_model
from settlement.fairness.posted import LawfulDay, LawOfRuns
from settlement.fairness.records import PostedDay
from settlement.runs.inputs import completed_readings, inputs_of

AHEAD_PER_THREAD = 2


def solved_days(
    session: Session, law: LawOfRuns, pins: Sequence[PostedDay], threads: int
) -> Iterator[tuple[dt.date, LawfulDay, SolvedDay]]:
    """Yield the days in order, each served and priced by other designs.

    The readings are those that the run of the day knew, as metered: what is served late counts
    where it was asked for, as no other design has windows.

    Raises:
        Refused: readings are missing, or were changed.
        DispatchError, ValueError: no optimum was found, or the fleet cannot be dispatched.
    """
    waiting: deque[tuple[dt.date, LawfulDay, Future[SolvedDay]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for day, lawful, readings in _readings(session, law, pins):
                waiting.append((day, lawful, pool.submit(_task(lawful, readings))))
                if len(waiting) > AHEAD_PER_THREAD * threads:
                    yield _finished(waiting.popleft())
            while waiting:
                yield _finished(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)  # after a failure, of days that nobody wants


def _task(lawful: LawfulDay, readings: DayReadings) -> Callable[[], SolvedDay]:
    rules, model = lawful.rules, lawful.model
    network = Network.of(dispatch_model(rules), model.energy_areas, model.supply_point_node)
    bounds = price_bounds(rules.market_rules)
    return lambda: solve_day(network, readings, bounds)


def _finished(
    entry: tuple[dt.date, LawfulDay, Future[SolvedDay]],
) -> tuple[dt.date, LawfulDay, SolvedDay]:
    day, lawful, solved = entry
    return day, lawful, solved.result()


def _readings(
    session: Session, law: LawOfRuns, pins: Sequence[PostedDay]
) -> Iterator[tuple[dt.date, LawfulDay, DayReadings]]:
    """Yield the readings of each day as its run knew them, a month of a run at once."""
    # A year of readings at once would fill the memory, and one day at once asks the same again.
    for (run_id, _, _), of_run in groupby(
        pins, lambda pin: (pin.run_id, pin.day.year, pin.day.month)
    ):
        days = [pin.day for pin in of_run]
        run = law.run(run_id)
        periods = law.periods(run_id, days[0], days[-1])
        inputs = inputs_of(periods, *completed_readings(session, run.market, periods, run.known_at))
        for day in days:
            lawful = law.of(run_id, day)
            yield day, lawful, inputs.metered(day, lawful.model)
