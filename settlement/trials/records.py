"""A trial as it is stored: what was tried on which days, and what came out; it moves no money."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.chain import encode
from ledger.tree import leaf_hash
from rulebook.digest import body_digest, document_body
from rulebook.drafting import Draft
from rulebook.versions import instant_text
from settlement.runs.run import Pin
from settlement.studies.records import canonical

TRIAL_TAG = "tallystick.trial.1"
INPUT_TAG = "tallystick.trial-input.1"
REPORT_FORMAT = "tallystick.trial-report.1"
"""Raised by every change of what a report holds: equal inputs then give another report."""


class SideDigests(NamedTuple):
    """What one side was computed from, and what it came to."""

    side: str
    input_digest: bytes
    result_digest: bytes


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial, complete.

    Attributes:
        pins: the law of its days, as a run has them.
        drafts: of each draft its name, documents, and the digests of what they were drawn from.
        sides: the law first.
        input_digest: over everything that the trial rests on; equal inputs are tried once.
        report: see `settlement.trials.report`.
    """

    id: uuid.UUID
    market: str
    first_day: dt.date
    last_day: dt.date
    known_at: dt.datetime
    threshold_ppm: int
    pins: tuple[Pin, ...]
    drafts: list[dict[str, Any]]
    sides: tuple[SideDigests, ...]
    input_digest: bytes
    engine_version: str
    report: dict[str, Any]
    created_at: dt.datetime

    @property
    def sides_as_json(self) -> list[dict[str, str]]:
        """Return the sides as they are stored."""
        return [
            {
                "side": each.side,
                "input_digest": each.input_digest.hex(),
                "result_digest": each.result_digest.hex(),
            }
            for each in self.sides
        ]

    @property
    def digest(self) -> bytes:
        """Digest over every column of the trial's row."""
        content = {
            "drafts": self.drafts,
            "pins": [pin.as_json() for pin in self.pins],
            "report": self.report,
            "sides": self.sides_as_json,
        }
        return leaf_hash(
            encode(
                TRIAL_TAG,
                (
                    self.id,
                    self.market,
                    self.first_day,
                    self.last_day,
                    self.known_at,
                    self.threshold_ppm,
                    canonical(content),
                    self.input_digest,
                    self.engine_version,
                    self.created_at,
                ),
            )
        )


def draft_record(name: str, draft: Draft) -> dict[str, Any]:
    """Return a draft as it is stored: texts whole, what they were drawn from by digest."""
    return {
        "name": name,
        "digest": draft.digest.hex(),
        "drawn_from": instant_text(draft.drawn_from),
        "base": {instrument: body_digest(body).hex() for instrument, body in draft.base.items()},
        "documents": {
            document.instrument: {"place": place, "body": document_body(document)}
            for place, document in draft
        },
    }


def trial_input_digest(
    days: tuple[dt.date, dt.date],
    threshold_ppm: int,
    drafts: Mapping[str, Draft],
    side_inputs: Mapping[str, bytes],
    engine_version: str,
) -> bytes:
    """Return what a trial rests on: its days, its drafts, and the inputs of each side."""
    return leaf_hash(
        encode(
            INPUT_TAG,
            (
                *days,
                threshold_ppm,
                REPORT_FORMAT,
                tuple((name, draft.digest) for name, draft in drafts.items()),
                tuple(side_inputs.items()),
                engine_version,
            ),
        )
    )
