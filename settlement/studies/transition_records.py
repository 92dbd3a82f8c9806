"""A transition report as it is stored: of which run, beside which prices, and what it says."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.one_writing import canonical
from ledger.chain import encode
from ledger.tree import leaf_hash
from settlement.runs.run import Run
from settlement.studies.transition_report import FORMAT
from settlement.studies.wholesale_prices import WholesalePrices

TRANSITION_TAG = "tallystick.transition-report.1"
INPUT_TAG = "tallystick.transition-input.1"


@dataclass(frozen=True, eq=False)
class TransitionReport:
    """One report, complete. It moves no money.

    Attributes:
        run_id: which settled the period.
        prices: those of the period, as `stored_prices` gives them, so that it can be made again.
        input_digest: over everything that the report rests on; equal inputs are reported once.
        report: see `settlement.studies.transition_report`.
    """

    id: uuid.UUID
    market: str
    run_id: uuid.UUID
    first_day: dt.date
    last_day: dt.date
    prices: dict[str, Any]
    input_digest: bytes
    report: dict[str, Any]
    created_at: dt.datetime

    @property
    def digest(self) -> bytes:
        """Digest over every column of the report's row."""
        content = canonical({"prices": self.prices, "report": self.report})
        about = (self.id, self.market, self.run_id, self.first_day, self.last_day)
        fields = (*about, content, self.input_digest, self.created_at)
        return leaf_hash(encode(TRANSITION_TAG, fields))


def transition_input_digest(
    run: Run, first_day: dt.date, last_day: dt.date, prices: Mapping[str, Any]
) -> bytes:
    """Return what a report rests on: the format, the run and its results, the days, the prices."""
    days = (first_day, last_day)
    fields = (run.market, FORMAT, run.id, run.result_digest, *days, canonical(dict(prices)))
    return leaf_hash(encode(INPUT_TAG, fields))


def stored_prices(prices: WholesalePrices) -> dict[str, Any]:
    """Return prices as they are stored: micro per MWh by the instant at which each begins."""
    return {
        "file": prices.file,
        "column": prices.column,
        "sha256": prices.digest.hex(),
        "micro_per_mwh": {
            start.isoformat(): micro for start, micro in sorted(prices.micro_per_mwh.items())
        },
    }


def prices_from_json(stored: Mapping[str, Any]) -> WholesalePrices:
    """Return stored prices."""
    return WholesalePrices(
        stored["file"],
        stored["column"],
        bytes.fromhex(stored["sha256"]),
        {
            dt.datetime.fromisoformat(start): micro
            for start, micro in stored["micro_per_mwh"].items()
        },
    )
