"""The energy balance of a run, from what it stored and the readings that it knew."""

from collections.abc import Iterator, Mapping

import numpy as np
from sqlalchemy.orm import Session

from ledger.journal import STUDY
from rulebook.resolve import RulePeriod
from settlement.core.arrays import Integers
from settlement.core.energy_accounts import LOSSES
from settlement.core.energy_balance import EnergyBalance, energy_balance
from settlement.rules.compile import compile_rules
from settlement.rules.register import register_of
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import VectorKey
from settlement.runs.run import Run
from settlement.studies import measures

TAKEN_WH = "taken_wh"

Values = Mapping[VectorKey, Integers]


def balance_of_run(session: Session, run: Run) -> EnergyBalance:
    """Return the energy balance of all days of a run.

    A run of a study has what was made for it in place of readings.

    Raises:
        Refused: a reading that the run knew is missing.
    """
    total = EnergyBalance()
    for period in pinned_periods(session, run):
        stores = np.array(
            [
                bool(unit.storage_wh)
                for _, unit in register_of(period.rules.registrations).units.values()
            ]
        )
        days = _made(session, run, period) if run.kind == STUDY else _metered(session, run, period)
        for values, generation_wh, metered_wh in days:
            taken = [row for (name, _), row in sorted(values.items()) if name == TAKEN_WH]
            lost_wh = sum(int(row.sum()) for (name, _), row in values.items() if name == LOSSES)
            # Without Fair Play what is metered settles.
            taken_wh = np.array(taken, dtype=np.int64) if taken else metered_wh
            total += energy_balance(stores, generation_wh, metered_wh, taken_wh, lost_wh)
    return total


def _metered(
    session: Session, run: Run, period: RulePeriod
) -> Iterator[tuple[Values, Integers, Integers]]:
    """Yield results, generation and demand of each day, from the readings that the run knew."""
    inputs = run_inputs(session, run.market, [period], run.known_at)
    model = compile_rules(period.rules)
    for day in inputs.days:
        readings = inputs.metered(day, model)
        values = store.stored_values(store.day_vectors(session, run.id, day))
        yield values, readings.generation_wh, readings.demand_wh


def _made(
    session: Session, run: Run, period: RulePeriod
) -> Iterator[tuple[Values, Integers, Integers]]:
    """Yield results, generation and demand of each day, as they were made for a study."""
    register = register_of(period.rules.registrations)
    for day in (each for each in run.days if period.first_day <= each <= period.last_day):
        values = store.stored_values(store.day_vectors(session, run.id, day))
        generation = [values[measures.GENERATION, unit] for unit in register.units]
        demand = [values[measures.DELIVERED, point] for point in register.supply_points]
        yield values, np.array(generation), np.array(demand)
