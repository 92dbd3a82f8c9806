"""The energy of areas as the page of a run shows it and as its file lists it."""

import csv
import io
import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from sqlalchemy.orm import Session

from settlement.runs.energy import AreaEnergy, energy_by_area, energy_by_interval


@dataclass(frozen=True)
class EnergyTable:
    """A row for each area, and what they come to."""

    areas: Sequence[AreaEnergy]

    @property
    def market(self) -> AreaEnergy:
        """The sum over the areas; what they send each other cancels."""
        rows = [astuple(area)[1:] for area in self.areas]
        return AreaEnergy("market", *(sum(column) for column in zip(*rows, strict=True)))


def energy_table(session: Session, run_id: uuid.UUID) -> EnergyTable | None:
    """Return the energy of each area over a run; None where its rules asked for none."""
    areas = energy_by_area(session, run_id)
    return EnergyTable(areas) if areas else None


def energy_csv(session: Session, run_id: uuid.UUID) -> str:
    """Return the energy of each area in each interval as CSV, in Wh; intervals from 1."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["settlement_day", "interval", *(field.name for field in fields(AreaEnergy))])
    for day, interval, energy in energy_by_interval(session, run_id):
        writer.writerow([day.isoformat(), interval, *astuple(energy)])
    return written.getvalue()
