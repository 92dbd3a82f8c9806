"""The law of a market as its state machine needs it."""

from dataclasses import dataclass

from settlement.core.model import MarketModel


@dataclass(frozen=True, eq=False)
class OnlineMarket:
    """The law of a market on a day, compiled.

    Attributes:
        digest: of the law, by which a `rules` event names it.
        model: as settlement has it.
        lines: ids, in the order of the grid's lines.
        suppliers: of the supply points of the model, in their order: who asks for them.
        zone: whose local days are settlement days.
        deadband_micro_per_mwh: a price is published anew once it moved by more than this.
        accepted_delay_us: an event that is this much older than the market's clock, or less, is
            taken; what is older is kept apart.
        tick_us: how often prices by maximum flow are made while an interval runs; 0: at its end.
        late_after_days: a reading is taken until so many days after the end of its day.
        forward_hours: how far ahead of the market's clock flexible energy is quoted and booked.
        begun_by_handing_in: whether an interval has begun, too, once anything was handed in at its
            start or later, whatever moment the market was told of by then.
        offset_us: of local midnight behind a whole interval of UTC, from which intervals are
            counted; the same on every day of the law.
    """

    digest: str
    model: MarketModel
    lines: tuple[str, ...]
    suppliers: tuple[str, ...]
    zone: str
    deadband_micro_per_mwh: int
    accepted_delay_us: int
    tick_us: int = 0
    late_after_days: int = 0
    forward_hours: int = 48
    begun_by_handing_in: bool = False
    offset_us: int = 0

    @property
    def interval_us(self) -> int:
        """Length of an interval."""
        return self.model.interval_minutes * 60_000_000

    def step_end_us(self, at_us: int) -> int:
        """Return the first moment after another at which every price is published."""
        step_us = self.tick_us or self.interval_us
        return ((at_us - self.offset_us) // step_us + 1) * step_us + self.offset_us

    def is_interval_end(self, at_us: int) -> bool:
        """Return whether an interval ends at a moment, and the next begins."""
        return (at_us - self.offset_us) % self.interval_us == 0

    def interval_start_us(self, at_us: int) -> int:
        """Return when the interval began in which a moment lies."""
        return at_us - (at_us - self.offset_us) % self.interval_us
