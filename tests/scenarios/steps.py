"""What happens in a scenario: publish, ingest, settle, post, bill, study, compare, on the store."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from common.refusals import Refused
from ledger.billing import SealedInvoice
from ledger.payments.allocate import allocate
from settlement.accounts.bank_statements import import_statements
from settlement.accounts.late import post_interest
from settlement.baselines.comparison import Baselines, compare_baselines
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.datasets.bank import Payment
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.online_day_store import append_online_day
from settlement.runs.online_days import StoredOnlineDay
from settlement.runs.run import Run
from settlement.runs.settle import settle
from settlement.runs.store import find_run
from settlement.studies.overlay import read_overlay
from settlement.studies.study import run_study
from tests.scenarios.handed_over import ONLINE_COLUMNS, handed_over
from tests.scenarios.law import Bodies, amended, base_law, documents_of
from tests.scenarios.readings import Meters
from tests.scenarios.tables import Row, ScenarioError, read_table
from tests.worlds.banked import bank_file
from tests.worlds.law import publish

MARKET = "paper"
FIRST_LAW = dt.date(2023, 1, 1)
BASE_PUBLISHED = dt.datetime(2025, 1, 15, 10, 0, tzinfo=dt.UTC)
COLUMNS = ("step", "do", "what", "first_day", "last_day")
ALLOCATION_COLUMNS = ("payment", "document", "amount_minor")
PAYMENT_COLUMNS = ("amount_minor", "value_on", "iban", "text", "reversal")
BANK_DAY = dt.date(2025, 3, 1)
USUAL_DAY = "2024-01-01"
USUAL_STEPS = [
    Row("usual steps", cells)
    for cells in (
        {"step": "ingest", "do": "ingest", "what": "readings.csv"},
        {"step": "II", "do": "settle", "what": "II"},
        {"step": "post", "do": "post", "what": "II"},
        {"step": "invoice", "do": "invoice", "what": "2024-01"},
    )
]


@dataclass
class Told:
    """What the steps of a scenario brought about, each by the name of its step."""

    runs: dict[str, Run] = field(default_factory=dict)
    invoices: dict[str, tuple[SealedInvoice, ...]] = field(default_factory=dict)
    baselines: dict[str, Baselines] = field(default_factory=dict)
    refusals: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    notices: dict[str, list[dict[str, str]]] = field(default_factory=dict)


def publish_base(session: Session) -> None:
    """Publish the base law, with which every scenario begins."""
    law = base_law()
    publish(
        session,
        documents_of(law, list(law)),
        valid_from=FIRST_LAW,
        known=BASE_PUBLISHED,
        reason="A scenario",
    )


class Scenario:
    """A folder, played step by step; each is taken an hour after the one before."""

    def __init__(self, folder: Path, session: Session) -> None:
        """Publish the given law over the base, each piece from its own day on."""
        self.folder = folder
        self.session = session
        self.told = Told()
        path = folder / "when" / "steps.csv"
        self.steps = read_table(path, COLUMNS) if path.exists() else USUAL_STEPS
        self._now = BASE_PUBLISHED
        self._statements = self._bank = self._handed = 0
        self._law = base_law()
        laws = [(FIRST_LAW, self._law)]
        for given in sorted(folder.glob("given_law*.yaml")):
            start = given.stem.removeprefix("given_law").removeprefix("_from_")
            valid_from = dt.date.fromisoformat(start) if start else FIRST_LAW
            self._amend(given, valid_from)
            laws.append((valid_from, self._law))
        self._meters = Meters(laws, sorted(_days(self.steps)))

    def play(self) -> Told:
        """Take every step; a refusal ends its step and undoes it, and the next one follows."""
        actions = {
            "publish": self._do_publish,
            "ingest": self._do_ingest,
            "hand over": self._do_hand_over,
            "settle": self._do_settle,
            "post": self._do_post,
            "invoice": self._do_invoice,
            "study": self._do_study,
            "compare": self._do_compare,
            "pay": self._do_pay,
            "allocate": self._do_allocate,
            "interest": self._do_interest,
        }
        for row in self.steps:
            self._now += dt.timedelta(hours=1)
            if row.text("do") not in actions:
                raise ScenarioError(f"{row.place}: do one of {', '.join(actions)}")
            try:
                with self.session.begin_nested():
                    actions[row.text("do")](row)
            except Refused as refused:
                self.told.refusals[row.text("step")] = [
                    finding.as_dict() for finding in refused.findings
                ]
        return self.told

    def _do_publish(self, row: Row) -> None:
        self._amend(self._file(row), _day(row, "first_day"))

    def _do_ingest(self, row: Row) -> None:
        path = self._file(row)
        content = self._meters.content(path if path.exists() else None)
        file = MeterFile(path.name, content)
        ingested = ingest(self.session, MARKET, [file], received_at=self._now)
        self.told.notices[row.text("step")] = [
            notice.as_dict() for one in ingested for notice in one.notices
        ]

    def _do_hand_over(self, row: Row) -> None:
        day = _day(row, "first_day")
        rows = read_table(self._file(row), ONLINE_COLUMNS)
        rules = self._law["market-rules"]
        nodes = sorted(node["node"] for node in self._law["grid-model"]["nodes"])
        said = handed_over(rows, MARKET, day, rules, nodes)
        self._handed += 1
        stored = StoredOnlineDay(MARKET, day, self._handed, 1, said.content, self._now)
        append_online_day(self.session, stored)

    def _do_settle(self, row: Row) -> None:
        days = (_day(row, "first_day"), _day(row, "last_day", row.text("first_day")))
        kind = row.text("what")
        now = self._now
        settled = settle(self.session, MARKET, kind, *days, known_at=now, now=now)
        self.told.runs[row.text("step")] = settled.run

    def _do_post(self, row: Row) -> None:
        run = self.told.runs.get(row.text("what"))
        if run is None:
            raise ScenarioError(f"{row.place}: no run was settled by step {row.text('what')!r}")
        post(self.session, run, now=self._now)

    def _do_invoice(self, row: Row) -> None:
        month = dt.date.fromisoformat(f"{row.text('what')}-01")
        issued = issue_month(self.session, MARKET, month, now=self._now)
        self.told.invoices[row.text("step")] = issued.invoices

    def _do_study(self, row: Row) -> None:
        days = (_day(row, "first_day"), _day(row, "last_day", row.text("first_day")))
        path, now = self._file(row), self._now
        overlay = read_overlay(path)
        studied = run_study(
            self.session, MARKET, overlay, *days, source=path.name, known_at=now, now=now
        )
        before = find_run(self.session, studied.study.before_run_id)
        self.told.runs[f"{row.text('step')} before"] = before
        self.told.runs[row.text("step")] = studied.run

    def _do_compare(self, row: Row) -> None:
        days = (_day(row, "first_day"), _day(row, "last_day", row.text("first_day")))
        self.told.baselines[row.text("step")] = compare_baselines(self.session, MARKET, *days)

    def _do_pay(self, row: Row) -> None:
        rows = read_table(self._file(row), PAYMENT_COLUMNS)
        entries = [
            [
                Payment(
                    one.number("amount_minor"),
                    dt.date.fromisoformat(one.text("value_on")),
                    "A payer",
                    one.text("iban"),
                    one.text("text"),
                    is_reversal=one.text("reversal") == "yes",
                )
            ]
            for one in rows
        ]
        # No bank tells of a day that has not come.
        self._now = max(self._now, dt.datetime.combine(BANK_DAY, dt.time(9), tzinfo=dt.UTC))
        content = bank_file(entries, number=self._statements + 1, opening=self._bank, on=BANK_DAY)
        import_statements(
            self.session, MARKET, row.text("what"), content, received_by="bea", now=self._now
        )
        self._statements += 1
        self._bank += sum(one.amount_minor for entry in entries for one in entry)

    def _do_allocate(self, row: Row) -> None:
        rows = read_table(self._file(row), ALLOCATION_COLUMNS)
        amounts: dict[str, dict[str, int]] = {}
        for one in rows:
            of_payment = amounts.setdefault(one.text("payment"), {})
            if one.text("document"):
                of_payment[one.text("document")] = one.number("amount_minor")
        for payment, of_payment in amounts.items():
            allocate(
                self.session,
                payment,
                of_payment,
                decided_by="bea",
                reason="A scenario",
                now=self._now,
            )

    def _do_interest(self, row: Row) -> None:
        until = _day(row, "first_day")
        self._now = max(self._now, dt.datetime.combine(until, dt.time(9), tzinfo=dt.UTC))
        post_interest(self.session, MARKET, until, now=self._now)

    def _file(self, row: Row) -> Path:
        path = self.folder / "when" / row.text("what")
        if not path.is_file() and path.name != "readings.csv":
            raise ScenarioError(f"{row.place}: no file when/{row.text('what')}")
        return path

    def _amend(self, path: Path, valid_from: dt.date) -> None:
        law, instruments = amended(self._law, path)
        self._publish(instruments, valid_from, law)
        self._law = law

    def _publish(self, instruments: Sequence[str], valid_from: dt.date, law: Bodies) -> None:
        self._now += dt.timedelta(hours=1)
        publish(
            self.session,
            documents_of(law, instruments),
            valid_from=valid_from,
            known=self._now,
            reason="A scenario",
        )


def _day(row: Row, column: str, default: str = USUAL_DAY) -> dt.date:
    return dt.date.fromisoformat(row.text(column) or default or USUAL_DAY)


def _days(steps: Sequence[Row]) -> set[dt.date]:
    """Return every day that some step settles or studies."""
    days = set()
    for row in steps:
        if row.text("do") in ("settle", "study"):
            first_day = _day(row, "first_day")
            last_day = _day(row, "last_day", row.text("first_day"))
            count = (last_day - first_day).days + 1
            days |= {first_day + dt.timedelta(days=offset) for offset in range(count)}
    return days
