"""What the merit-order check takes, and what it finds: see `settlement.dispatch.merit_order`."""

from dataclasses import dataclass
from enum import StrEnum

from settlement.dispatch.model import Integers


class Reason(StrEnum):
    """Why energy ran out of merit."""

    LINE = "line"
    RESERVE = "reserve"
    STORAGE = "storage"
    RAMP = "ramp"
    MINIMUM = "minimum"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, eq=False)
class MeteredDay:
    """A day to check: U units, N nodes, L lines, T intervals, in the order of the model.

    Attributes:
        units, lines: names.
        generation_wh: int64[U, T], negative where storage takes energy in.
        available_w: int64[U, T].
        reserve_w: int64[U, T], held back for reserve out of what is available, and at most that.
        demand_wh: int64[N, T], with what its area loses of it; negative for net export.
    """

    units: tuple[str, ...]
    lines: tuple[str, ...]
    generation_wh: Integers
    available_w: Integers
    reserve_w: Integers
    demand_wh: Integers


@dataclass(frozen=True)
class OutOfMerit:
    """Energy of one unit in one interval that ran before cheaper energy, and what explains it.

    Attributes:
        interval: number within the day, from 0.
        unit: the unit that ran.
        energy_wh: how much of its energy this is about.
        offer_micro_per_mwh: what the unit is paid for it.
        node_price_micro_per_mwh: price at the unit's node at least cost, to the nearest micro.
        reason: what explains it.
        constraint: name of the line, or of the unit that holds reserve, stores, or is bound by its
            ramp or minimum; empty where there is no line or no explanation.
        shadow_price_micro_per_mwh: what one more MWh through the line, or held in the storage unit,
            would be worth; 0 for other reasons.
        instead_of: the cheaper unit that did not run; empty where the node needed no energy at
            this offer.
    """

    interval: int
    unit: str
    energy_wh: int
    offer_micro_per_mwh: int
    node_price_micro_per_mwh: int
    reason: Reason
    constraint: str
    shadow_price_micro_per_mwh: int
    instead_of: str


@dataclass(frozen=True, eq=False)
class MeritOrder:
    """The outcome of a day's check.

    Attributes:
        entries: all energy out of merit, by interval and then dearest first.
        generated_wh: metered energy of all units, without what storage took in.
        fuel_micro: what that energy costs as bid.
        least_fuel_micro: what the energy of the least-cost operation costs as bid.
    """

    entries: tuple[OutOfMerit, ...]
    generated_wh: int
    fuel_micro: int
    least_fuel_micro: int

    @property
    def energy_wh(self) -> dict[Reason, int]:
        """Energy out of merit by reason, every reason listed."""
        return {
            reason: sum(entry.energy_wh for entry in self.entries if entry.reason == reason)
            for reason in Reason
        }
