"""How good the readings behind an invoice line are: measured throughout, or estimated in part.

A line covers the days of its month that a run posted since the participant's last document, and of
these the ones that bear its tax (`settlement.billing.day_law`). It is `estimated` if, on any of
those days, the run that holds used an estimate for the line's own unit or supply point, of the
meter operator or of the rule; how good the readings of others are, by whose shares it also came
about, their own lines say. A tariff's line is as good as the readings of all that it falls on:
supply points, units and sub-meters. The estimated quantity is that of the runs that hold, less that
of the runs they replaced:

    II estimated 30 of 100 kWh       invoice     100 kWh, of which estimated   30 kWh, estimated
    SF measured 35 in their place    debit note    5 kWh, of which estimated  -30 kWh, measured

A line of a pass-through charge also says what of its quantity awaits a price.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ledger.invoice import Tax
from settlement.billing.awaited import NOTHING_AWAITED, Awaited
from settlement.billing.day_law import PostedDay, PostedMonth
from settlement.billing.lines import ENERGY_OF_LINKED, LineKind, Side, Subject, line_kind
from settlement.core.pass_through import charged_entity


class Quality(NamedTuple):
    """Whether anything is estimated, how much, and how much without net export, in its unit."""

    is_estimated: bool
    estimated: int
    estimated_taken: int


NOT_ESTIMATED = Quality(False, 0, 0)

EstimatedQualities = Mapping[tuple[uuid.UUID, dt.date, str, str], Quality]
"""By run, day, measure and entity; what is not there was measured throughout."""


UnpricedQuantities = Mapping[tuple[uuid.UUID, dt.date, str, str], int]
"""By run, day, component and `code/supplier`, and code for all its suppliers together; what is not
there has its price."""


@dataclass(frozen=True, eq=False)
class LineQualities:
    """The quality of every line that a month can be billed with.

    Attributes:
        month: the days of the month as they were posted.
        covered: by participant, the last journal that earlier documents took into account.
        estimated: what the runs stored of the quality of their readings.
        unpriced: what the runs stated of charges whose price is not published.
    """

    month: PostedMonth
    covered: Mapping[str, int]
    estimated: EstimatedQualities
    unpriced: UnpricedQuantities = field(default_factory=dict)
    _days: dict[int, list[tuple[PostedDay, PostedDay | None]]] = field(default_factory=dict)

    @cached_property
    def _estimated_days(self) -> frozenset[tuple[uuid.UUID, dt.date]]:
        """The days of runs on which anything was estimated: of most nothing is looked up."""
        return frozenset((run_id, day) for run_id, day, _, _ in self.estimated)

    def of(self, participant: str, code: str, subject: str, tax: Tax) -> tuple[str, int | None]:
        """Return the quality of a line, and how much of its quantity is estimated.

        None where its quantity is not what was metered, or it has none.
        """
        kind = line_kind(code)
        if kind.rests_on is None:
            return "none", None
        is_estimated, estimated = False, 0
        for holds, replaced in self._days_after(self.covered.get(participant, 0)):
            if holds.law.tax_of(code, subject).tax == tax:
                now = self._quality_on(holds, participant, kind, subject)
                is_estimated |= now.is_estimated
                estimated += now.estimated
            if replaced is not None and replaced.law.tax_of(code, subject).tax == tax:
                estimated -= self._quality_on(replaced, participant, kind, subject).estimated
        counts = kind.quantity is not None and kind.quantity.is_metered
        return "estimated" if is_estimated else "measured", estimated if counts else None

    def awaited(self, participant: str, code: str, subject: str, tax: Tax) -> Awaited:
        """Return what of a pass-through line's month has no price, and what has it only now."""
        kind = line_kind(code)
        if not kind.is_pass_through or not self.unpriced:
            return NOTHING_AWAITED
        awaiting = priced_now = 0
        for posted in self.month.held().values():
            if posted.law.tax_of(code, subject).tax == tax:
                awaiting += self._unpriced_on(posted, participant, kind, subject)
        for holds, replaced in self._days_after(self.covered.get(participant, 0)):
            # The line of the tax that holds says so, whatever the tax under which it was stated.
            if replaced is not None and holds.law.tax_of(code, subject).tax == tax:
                before = self._unpriced_on(replaced, participant, kind, subject)
                now = self._unpriced_on(holds, participant, kind, subject)
                priced_now += max(before - now, 0)
        return Awaited(awaiting, priced_now)

    def _unpriced_on(self, posted: PostedDay, participant: str, kind: LineKind, code: str) -> int:
        key = (posted.run_id, posted.day, kind.component)
        if kind.side is Side.CHARGE:
            return self.unpriced.get((*key, charged_entity(code, participant)), 0)
        owner, _ = posted.law.register.charges.get((kind.component, code), ("", None))
        return self.unpriced.get((*key, code), 0) if owner == participant else 0

    def _days_after(self, number: int) -> list[tuple[PostedDay, PostedDay | None]]:
        """Return each day posted after a journal: as it holds, and as it stood at that journal."""
        # Participants billed together share their last journal, so the answer is kept by it.
        if number not in self._days:
            stood = self.month.held(number)
            self._days[number] = [
                (last, stood.get(day))
                for day, last in self.month.held().items()
                if last.number > number
            ]
        return self._days[number]

    def _quality_on(
        self, posted: PostedDay, participant: str, kind: LineKind, subject: str
    ) -> Quality:
        if (posted.run_id, posted.day) not in self._estimated_days:
            return NOT_ESTIMATED
        if kind.is_pass_through:
            return self._quality_of_tariff(posted, participant, kind, subject)
        register, subject = posted.law.register, kind.entity_of(subject)
        answered = register.units if kind.subject is Subject.UNIT else register.supply_points
        if subject not in answered or answered[subject][0] != participant:
            return NOT_ESTIMATED
        key = (posted.run_id, posted.day, str(kind.rests_on), subject)
        return self.estimated.get(key, NOT_ESTIMATED)

    def _quality_of_tariff(
        self, posted: PostedDay, participant: str, kind: LineKind, code: str
    ) -> Quality:
        """Return the quality of all that a tariff falls on: net export in it counts as none."""
        register = posted.law.register
        key = kind.component, code
        links = register.links_on(key, posted.day)
        if kind.side is Side.CHARGE:
            links = [link for link in links if register.charged_by(link) == participant]
        elif key not in register.charges or register.charge_owner(key) != participant:
            links = []
        found = [
            self.estimated.get(
                (posted.run_id, posted.day, ENERGY_OF_LINKED[linked], name), NOT_ESTIMATED
            )
            for linked, name in (link.linked for link in links)
        ]
        taken = sum(quality.estimated_taken for quality in found)
        return Quality(any(quality.is_estimated for quality in found), taken, taken)
