"""What a study settles: the law and the readings of real days, under an overlay or without one."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock

import numpy as np

from common.refusals import Finding, Refused
from ledger.tree import merkle_root
from rulebook.resolve import RuleSet
from settlement.baselines.serving import DesignsDay, free_w, node_demand_wh
from settlement.baselines.tariffs import PriceBounds, price_bounds
from settlement.core.arrays import Integers
from settlement.core.contract_state import Carried, begin_day, in_intervals_of
from settlement.core.engine import DayReadings, MarketModel, ResultTable
from settlement.core.fair_play_market import DayShares, carried_after, shares_of_day
from settlement.core.fair_play_rules import FairPlay, Requests
from settlement.dispatch.horizon import DayToDispatch
from settlement.dispatch.losses import demand_with_losses_wh, with_losses
from settlement.dispatch.market import dispatch_model
from settlement.dispatch.model import DispatchModel
from settlement.rules.compile import compile_rules, plain_fair_play
from settlement.rules.register import register_of
from settlement.runs.computing import Period
from settlement.runs.day_totals import DayTotal
from settlement.runs.inputs import RunInputs
from settlement.runs.results import ResultVector, VectorKey, vector_of
from settlement.runs.run import Pin, study_pin
from settlement.studies.closed_loop import AnsweredDays, LoopLaw
from settlement.studies.dispatched_days import DispatchedDays, Fleet
from settlement.studies.made_readings import (
    Entitled,
    MadeDay,
    apply_fair_play,
    as_metered,
    make_day,
    reachable_wh,
    without_called_reserve,
)
from settlement.studies.measures import (
    AVAILABLE,
    CURTAILED,
    DELIVERED,
    DESIGNS,
    DESIRED,
    GENERATION,
    MADE,
    MARKET,
    MAXIMUM,
    MOVED,
    NODAL_PRICE,
    OF_DESIGNS,
    REACHABLE,
    UNIFORM_PRICE,
    UNIFORM_SCHEDULED,
)
from settlement.studies.overlay import Overlay
from settlement.studies.shocks import overlaid_periods, overlaid_readings
from settlement.studies.stored_designs import stored_designs

Made = Mapping[dt.date, Mapping[VectorKey, ResultVector]]
"""What was made of each day, by measure and entity."""


@dataclass(frozen=True, eq=False)
class Law:
    """The rules of consecutive days under an overlay, compiled for everything a study does.

    `fleet` is what generates: `dispatch`, which prices, and what its areas lose.
    """

    rules: RuleSet
    model: MarketModel
    dispatch: DispatchModel
    fleet: Fleet
    bounds: PriceBounds
    fair_play: FairPlay


class StudyInputs:
    """The inputs of one run of a study, as `RunInputs` are those of a settlement.

    Days may be asked for on several threads. A day that is not stored is made when it is asked for.
    """

    def __init__(self, known: RunInputs, overlay: Overlay | None, stored: Made | None) -> None:
        """Take the law in force and the readings as known, and what was made before, if it was."""
        self.known, self.overlay = known, overlay
        self._laws = [
            (first, last, _compiled(rules))
            for first, last, rules in overlaid_periods(known.periods, overlay)
        ]
        self._stored = stored
        self._dispatched = DispatchedDays(known.days, self._fleet_on, self._demand_of)
        self._allowed: dict[dt.date, Entitled] = {}
        self._tables: dict[dt.date, list[ResultTable]] = {}
        responses = () if overlay is None else overlay.price_responses
        self._answered = (
            AnsweredDays(known.days, responses, self._loop_law_on, self._overlaid)
            if responses
            else None
        )
        self._carried = {known.days[0]: known.contracts.before}
        self._lock = Lock()

    @property
    def market(self) -> str:
        """The market whose law it is."""
        return self.known.periods[0].rules.market

    @property
    def days(self) -> list[dt.date]:
        """The settlement days, in order."""
        return self.known.days

    @cached_property
    def pins(self) -> tuple[Pin, ...]:
        """The law in force, and of the study's own the readings as known and the overlay."""
        first_day, last_day = self.days[0], self.days[-1]
        own = {"readings": merkle_root(self.known.reading_digests)}
        if self.overlay is not None:
            own["overlay"] = self.overlay.digest
        return tuple(
            sorted(
                [
                    *self.known.pins,
                    *(
                        study_pin(first_day, last_day, self.market, name, digest)
                        for name, digest in own.items()
                    ),
                ]
            )
        )

    @property
    def reading_digests(self) -> list[bytes]:
        """The digests of the readings as known, then of all that was made of them, day by day.

        Raises:
            KeyError: a day has not been made yet.
        """
        made = [vector.digest for day in self.days for vector in self._made(day)]
        return [*self.known.reading_digests, *made]

    def compiled(self) -> list[Period]:
        """Return the compiled rules of each stretch of days."""
        return [Period(first, last, law.model) for first, last, law in self._laws]

    def day_readings(self, day: dt.date, model: MarketModel) -> DayReadings:
        """Return a day's readings as they would have been metered under the overlay."""
        law = self._law_on(day)
        readings = self._supplied(day)
        allowed = self._allowed_on(day)
        if self._stored is None:
            made = make_day(
                model,
                law.fleet.model,
                law.bounds,
                readings,
                allowed.demand_wh,
                self._dispatched.of(day),
            )
        else:
            made = _stored_day(model, self._stored[day])
        self._tables[day] = [*_study_tables(law, readings, allowed, made), *self._moved(day)]
        return as_metered(readings, allowed, made.generation_wh, made.delivered_wh)

    def _moved(self, day: dt.date) -> Iterator[ResultTable]:
        """Yield what waits for a lower price, where the overlay says that anything does."""
        if self._answered:
            points = self._law_on(day).model.supply_points
            yield ResultTable(MOVED, points, self._answered.of(day).moved_wh)

    def _law_on(self, day: dt.date) -> Law:
        return next(law for first, last, law in self._laws if first <= day <= last)

    def _fleet_on(self, day: dt.date) -> Fleet:
        return self._law_on(day).fleet

    def _loop_law_on(self, day: dt.date) -> LoopLaw:
        law = self._law_on(day)
        return LoopLaw(law.rules, law.model, law.fair_play.contracts.point_window)

    def _overlaid(self, day: dt.date) -> DayReadings:
        law = self._law_on(day)
        known = self.known.day_readings(day, law.model)
        return overlaid_readings(law.rules, self.overlay, known)

    def _asked(self, day: dt.date) -> DayReadings:
        """Return a day's readings under the overlay: demand is what is asked for.

        What Fair Play allows of it follows from what the days of the study before it leave.
        """
        return self._asked_after(self._carried_into(day), day)

    def _asked_after(self, carried: Carried, day: dt.date) -> DayReadings:
        law = self._law_on(day)
        readings = self._answered.of(day).readings if self._answered else self._overlaid(day)
        points = law.model.supply_points
        return replace(
            readings,
            requests=Requests(
                np.zeros_like(readings.demand_wh),
                np.zeros(len(points), dtype=np.bool_),
                begin_day(law.fair_play.contracts, points, carried, day),
                None if readings.requests is None else readings.requests.seed,
            ),
        )

    def _carried_into(self, day: dt.date) -> Carried:
        """Return what a day of the study begins with; days are asked for on threads."""
        with self._lock:
            known = max(each for each in self._carried if each <= day)
            while known < day:
                law = self._law_on(known)
                before = self._carried[known]
                readings = self._asked_after(before, known)
                ended = carried_after(law.model, law.fair_play, readings, before)
                known += dt.timedelta(days=1)
                self._carried[known] = in_intervals_of(
                    ended, law.model.interval_minutes, self._law_on(known).model.interval_minutes
                )
            return self._carried[day]

    def _allowed_on(self, day: dt.date) -> Entitled:
        """Return what Fair Play allows of a day, which the dispatch of the day before asks too."""
        found = self._allowed.get(day)
        if found is None:
            law = self._law_on(day)
            found = apply_fair_play(law.model, law.fair_play, self._asked(day))
            # Two threads may find the same at once; it is the same.
            self._allowed[day] = found
        return found

    def _supplied(self, day: dt.date) -> DayReadings:
        """Return a day's readings as asked, with the reserve that is held and not called."""
        law = self._law_on(day)
        is_storage = law.dispatch.storage_wh > 0
        allowed_wh = self._allowed_on(day).demand_wh
        return without_called_reserve(law.model, is_storage, self._asked(day), allowed_wh)

    def _demand_of(self, day: dt.date) -> DayToDispatch:
        law = self._law_on(day)
        allowed_wh = self._allowed_on(day).demand_wh
        at_nodes_wh = node_demand_wh(law.dispatch, law.model.supply_point_node, allowed_wh)
        return DayToDispatch(
            free_w(self._supplied(day)), demand_with_losses_wh(law.model.energy_areas, at_nodes_wh)
        )

    def share(self, model: MarketModel, rules: FairPlay, readings: DayReadings) -> DayShares:
        """Return how Fair Play shares a day as it is made, if it does."""
        return shares_of_day(model, rules, readings)

    def day_totals(self, day: dt.date) -> list[DayTotal]:
        """Return nothing: a study is never posted, so no journal needs its energy."""
        return []

    def further_tables(self, day: dt.date) -> list[ResultTable]:
        """Return what is stored of a day beside its settlement, once it was read."""
        return [*self.known.further_tables(day), *self._tables[day]]

    def _made(self, day: dt.date) -> list[ResultVector]:
        if self._stored is not None:
            made = list(self._stored[day].values())
        else:
            made = [
                vector_of(day, table.measure, entity, values)
                for table in self._tables[day]
                if table.measure in MADE
                for entity, values in zip(table.entities, table.values, strict=True)
            ]
        return sorted(made, key=lambda vector: (vector.measure, vector.entity))


def _compiled(rules: RuleSet) -> Law:
    model = compile_rules(rules)
    dispatch = dispatch_model(rules)
    return Law(
        rules=rules,
        model=model,
        dispatch=dispatch,
        fleet=Fleet(model.units, with_losses(dispatch, model.energy_areas)),
        bounds=price_bounds(rules.market_rules),
        fair_play=model.fair_play or _plain(rules, model),
    )


def _plain(rules: RuleSet, model: MarketModel) -> FairPlay:
    points = [point for _, point in register_of(rules.registrations).supply_points.values()]
    return plain_fair_play(rules.market_rules, points, model.grid.nodes)


def _stored_day(model: MarketModel, stored: Mapping[VectorKey, ResultVector]) -> MadeDay:
    def rows(measure: str, entities: Sequence[str]) -> Integers:
        lost = [entity for entity in entities if (measure, entity) not in stored]
        if lost:
            raise Refused([_lost(measure, entity) for entity in lost])
        return np.array([stored[measure, entity].values for entity in entities], dtype=np.int64)

    return MadeDay(
        rows(GENERATION, model.units),
        rows(DELIVERED, model.supply_points),
        rows(NODAL_PRICE, model.grid.nodes),
        rows(UNIFORM_PRICE, MARKET),
        # Without any of it, an earlier release made the day, and it stays as it was.
        stored_designs(rows, model.units, model.supply_points)
        if any(measure in OF_DESIGNS for measure, _ in stored)
        else None,
    )


def _lost(measure: str, entity: str) -> Finding:
    return Finding(
        "no-made-reading",
        f"settlement.result {measure} {entity}",
        "no row",
        "what was made for a study is stored with its run",
        "restore the row from a backup",
    )


def _study_tables(
    law: Law, readings: DayReadings, allowed: Entitled, made: MadeDay
) -> list[ResultTable]:
    """Return what a study knows of a day beside its settlement.

    Curtailed is what was available at an offer of nothing and was not generated, in whole Wh.
    """
    model = law.model
    reachable = reachable_wh(model, law.fleet.model, readings, made.generation_wh)
    could_wh = readings.available_w * model.interval_minutes // 60
    is_free = (model.offer_micro_per_mwh == 0)[:, np.newaxis]
    curtailed_wh = np.where(is_free, np.maximum(could_wh - made.generation_wh, 0), 0)
    return [
        ResultTable(GENERATION, model.units, made.generation_wh),
        ResultTable(DELIVERED, model.supply_points, made.delivered_wh),
        ResultTable(NODAL_PRICE, model.grid.nodes, made.nodal_price_micro_per_mwh),
        ResultTable(UNIFORM_PRICE, MARKET, made.uniform_price_micro_per_mwh),
        ResultTable(DESIRED, model.supply_points, readings.demand_wh),
        ResultTable(AVAILABLE, model.units, readings.available_w),
        ResultTable(CURTAILED, model.units, curtailed_wh),
        ResultTable(MAXIMUM, MARKET, allowed.maximum_wh[np.newaxis]),
        ResultTable(REACHABLE, MARKET, reachable[np.newaxis]),
        *_design_tables(model, made.designs),
    ]


def _design_tables(model: MarketModel, designs: DesignsDay | None) -> Iterator[ResultTable]:
    if designs is None:
        return
    for design, served in designs.served.items():
        delivered, generation = DESIGNS[design]
        yield ResultTable(delivered, model.supply_points, served.delivered_wh)
        yield ResultTable(generation, model.units, served.generation_wh)
    yield ResultTable(UNIFORM_SCHEDULED, model.units, designs.scheduled_wh)
