"""A trial as it is stored: what was tried on which days, and what came out; it moves no money."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from common.one_writing import canonical
from ledger.chain import encode
from ledger.tree import leaf_hash
from rulebook.digest import body_digest, document_body
from rulebook.drafting import Draft
from rulebook.versions import instant_text
from settlement.runs.run import Pin

TRIAL_TAG = "tallystick.trial.1"
INPUT_TAG = "tallystick.trial-input.1"
REPORT_FORMAT = "tallystick.trial-report.6"
"""Raised by every change of what a report holds: equal inputs then give another report."""
FIRST_FORMAT = "tallystick.trial-report.1"
"""Of reports without cells: they say nothing that participants or the public may read."""
SECOND_FORMAT = "tallystick.trial-report.2"
"""Of reports in which whoever differs by less than the minor unit gains or loses a little."""
THIRD_FORMAT = "tallystick.trial-report.3"
"""Of reports that tell everybody how many gain a little, and nothing of other trials."""
FOURTH_FORMAT = "tallystick.trial-report.4"
"""Of reports whose baselines bill energy that they would not serve."""
FIFTH_FORMAT = "tallystick.trial-report.5"
"""Of reports that say nothing of fairness but how evenly households are charged."""
FORMATS_ALONE = (FIRST_FORMAT, SECOND_FORMAT, THIRD_FORMAT)
"""Of reports that count by the threshold of their trial, and say nothing beside other trials."""
EARLIER_FORMATS = (*FORMATS_ALONE, FOURTH_FORMAT, FIFTH_FORMAT)
FORMATS = (*EARLIER_FORMATS, REPORT_FORMAT)


AS_METERED, MADE_AGAIN = MODES = ("as-metered", "made-again")
"""Whether nobody responds, or dispatch and Fair Play are made again on every side."""


class SideDigests(NamedTuple):
    """What one side was computed from, and what it came to.

    `made_digest` is over what was made of its days, which is stored; None where they are as
    metered.
    """

    side: str
    input_digest: bytes
    result_digest: bytes
    made_digest: bytes | None = None

    @property
    def as_json(self) -> dict[str, str]:
        """Return the side as it is stored."""
        digests = {name: value.hex() for name, value in self._asdict().items() if name != "side"
                   and value is not None}  # fmt: skip
        return {"side": self.side} | digests


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
        return [each.as_json for each in self.sides]

    @property
    def day_count(self) -> int:
        """How many days it has."""
        return (self.last_day - self.first_day).days + 1

    @property
    def mode(self) -> str:
        """Whether its days are as metered, or made again on every side."""
        made = any(side.made_digest is not None for side in self.sides)
        return MADE_AGAIN if made else AS_METERED

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
    report_format: str = REPORT_FORMAT,
) -> bytes:
    """Return what a trial rests on: its days, its drafts, and the inputs of each side."""
    return leaf_hash(
        encode(
            INPUT_TAG,
            (
                *days,
                threshold_ppm,
                report_format,
                tuple((name, draft.digest) for name, draft in drafts.items()),
                tuple(side_inputs.items()),
                engine_version,
            ),
        )
    )
