"""The energy balance of a run, from what it stored and the readings that it knew."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from ledger.journal import STUDY
from rulebook.resolve import RulePeriod
from settlement.core.arrays import Integers
from settlement.core.energy_accounts import LOSSES
from settlement.core.energy_balance import EnergyBalance, energy_balance
from settlement.core.imbalance import Imbalance
from settlement.core.model import MarketModel
from settlement.dispatch.losses import with_losses
from settlement.dispatch.market import dispatch_model
from settlement.meters.store import demand_when_generation_was_read
from settlement.rules.compile import compile_rules
from settlement.runs import store
from settlement.runs.energy import taken_wh
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import VectorKey
from settlement.runs.run import Run
from settlement.studies import measures
from settlement.studies.imbalance import DayEnergy, imbalance_of_day
from settlement.studies.shocks import overlaid_periods
from settlement.studies.store import overlay_of

Values = Mapping[VectorKey, Integers]


class RunEnergy(NamedTuple):
    """The energy of a run, and what makes up its residual."""

    balance: EnergyBalance
    imbalance: Imbalance

    @property
    def unexplained_wh(self) -> int:
        """What of the residual no part explains."""
        return self.balance.residual_wh - self.imbalance.total_wh


def energy_of_run(session: Session, run: Run) -> RunEnergy:
    """Return the energy balance of all days of a run, and what makes up its residual.

    A run of a study has what was made for it in place of readings.

    Raises:
        Refused: a reading that the run knew is missing, or a study has lost its overlay.
    """
    balance, imbalance = EnergyBalance(), Imbalance()
    periods = pinned_periods(session, run)
    if run.kind == STUDY:
        periods = overlaid_periods(periods, overlay_of(session, run))
    for period in periods:
        model = compile_rules(period.rules)
        fleet = with_losses(dispatch_model(period.rules), model.energy_areas)
        days = _made if run.kind == STUDY else _metered
        for day in days(session, run, period, model):
            balance += energy_balance(
                fleet.storage_wh > 0,
                day.generation_wh,
                day.metered_wh,
                day.taken_wh,
                int(day.losses_wh.sum()),
            )
            imbalance += imbalance_of_day(model, fleet, day)
    return RunEnergy(balance, imbalance)


def _metered(
    session: Session, run: Run, period: RulePeriod, model: MarketModel
) -> Iterator[DayEnergy]:
    """Yield the energy of each day, from its results and the readings that the run knew."""
    inputs = run_inputs(session, run.market, [period], run.known_at)
    days = (period.first_day, period.last_day)
    earlier = demand_when_generation_was_read(session, run.market, *days, run.known_at)
    for day in inputs.days:
        readings = inputs.metered(day, model)
        values = store.stored_values(store.day_vectors(session, run.id, day))
        metered_wh = readings.demand_wh
        first_wh = metered_wh.copy()
        for number, point in enumerate(model.supply_points):
            if (day, point) in earlier:
                was_read, read_wh = earlier[day, point]
                first_wh[number] = np.where(was_read, read_wh, metered_wh[number])
        yield DayEnergy(
            readings.generation_wh,
            readings.available_w,
            first_wh,
            metered_wh,
            taken_wh(values, model.supply_points, metered_wh),
            _losses_wh(values, metered_wh.shape[1]),
        )


def _made(
    session: Session, run: Run, period: RulePeriod, model: MarketModel
) -> Iterator[DayEnergy]:
    """Yield the energy of each day, as it was made for a study; nothing of it is corrected."""
    for day in (each for each in run.days if period.first_day <= each <= period.last_day):
        values = store.stored_values(store.day_vectors(session, run.id, day))
        demand_wh = np.array([values[measures.DELIVERED, point] for point in model.supply_points])
        yield DayEnergy(
            np.array([values[measures.GENERATION, unit] for unit in model.units]),
            np.array([values[measures.AVAILABLE, unit] for unit in model.units]),
            demand_wh,
            demand_wh,
            taken_wh(values, model.supply_points, demand_wh),
            _losses_wh(values, demand_wh.shape[1]),
        )


def _losses_wh(values: Values, intervals: int) -> Integers:
    """Return shape (T,), the losses of all areas; none where the law accounts for no areas."""
    lost = [row for (name, _), row in values.items() if name == LOSSES]
    lost_wh: Integers = np.array(lost, dtype=np.int64).reshape(-1, intervals).sum(axis=0)
    return lost_wh
