"""A fairness report as it is stored: what it is of, and what it says. It moves no money."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from common.one_writing import canonical
from ledger.chain import encode
from ledger.tree import leaf_hash
from settlement.fairness.report import FORMAT

REPORT_TAG = "tallystick.fairness-report.2"
INPUT_TAG = "tallystick.fairness-input.1"


@dataclass(frozen=True)
class PostedDay:
    """A day, the run whose result of it is posted, and the digest of that result."""

    day: dt.date
    run_id: uuid.UUID
    digest: bytes

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored."""
        return {
            "day": self.day.isoformat(),
            "run": str(self.run_id),
            "digest": self.digest.hex(),
        }


@dataclass(frozen=True, eq=False)
class FairnessReport:
    """One report, complete.

    Attributes:
        pins: of each day, the run whose result was posted, and the digest of that result.
        input_digest: over everything that the report rests on; equal inputs are reported once.
        report: see `settlement.fairness.report`.
    """

    id: uuid.UUID
    market: str
    first_day: dt.date
    last_day: dt.date
    pins: tuple[PostedDay, ...]
    input_digest: bytes
    report: dict[str, Any]
    created_at: dt.datetime

    @property
    def pins_as_json(self) -> list[dict[str, str]]:
        """Return the pins as they are stored."""
        return [pin.as_json() for pin in self.pins]

    @property
    def runs(self) -> tuple[uuid.UUID, ...]:
        """The runs that it rests on, in the order of their days, each once."""
        return tuple(dict.fromkeys(pin.run_id for pin in self.pins))

    @property
    def content(self) -> str:
        """What it names of days and results, and says of them, in the one writing."""
        return canonical({"pins": self.pins_as_json, "report": self.report})

    @property
    def content_digest(self) -> bytes:
        """SHA-256 of the content, by which a row is proven where its content is not shown."""
        return sha256(self.content.encode()).digest()

    @property
    def digest(self) -> bytes:
        """Digest over every column of the report's row, and the runs that it rests on."""
        days = (self.first_day, self.last_day)
        said = (self.runs, self.content_digest, self.input_digest)
        fields = (self.id, self.market, *days, *said, self.created_at)
        return leaf_hash(encode(REPORT_TAG, fields))


def fairness_input_digest(
    market: str, pins: Sequence[PostedDay], *, with_baselines: bool, report_format: str = FORMAT
) -> bytes:
    """Return what a report rests on: the format, and of each day the run and its result."""
    days = tuple((pin.day, pin.run_id, pin.digest) for pin in pins)
    fields = (market, report_format, int(with_baselines), days)
    return leaf_hash(encode(INPUT_TAG, fields))


def pin_from_json(stored: dict[str, str]) -> PostedDay:
    """Return a stored pin."""
    return PostedDay(
        dt.date.fromisoformat(stored["day"]),
        uuid.UUID(stored["run"]),
        bytes.fromhex(stored["digest"]),
    )


def runs_of(pins: Sequence[PostedDay]) -> list[dict[str, str]]:
    """Return the runs of a period as a report names them: a row for consecutive days of one."""
    rows: list[dict[str, str]] = []
    for pin in pins:
        if rows and rows[-1]["run"] == str(pin.run_id):
            rows[-1]["last_day"] = pin.day.isoformat()
        else:
            day = pin.day.isoformat()
            rows.append({"run": str(pin.run_id), "first_day": day, "last_day": day})
    return rows
