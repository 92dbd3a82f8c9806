"""Transition reports as the database lets a reader read them, and as pages show them."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.log.store import find_leaf
from portal.charts.bars import bar_chart
from portal.charts.chart import Chart
from portal.charts.units import Unit
from portal.days import period_words
from portal.fairness.shown import Row, Table
from portal.queries.rules import market_zone, zone_by_market
from portal.study_figures import energy, money
from settlement.billing.lines import Side
from settlement.studies.transition_store import find_transition

TABLE = "settlement.transition_report"
LISTED = text(
    "SELECT id, market, first_day, last_day, created_at, price "
    "FROM settlement.transition_reports() ORDER BY created_at DESC, id"
)
PUBLIC = text("SELECT created_at, digest, public FROM settlement.public_transition(:report_id)")
OWN = text(
    "SELECT participant, parties FROM settlement.own_transition(:report_id) "
    'ORDER BY participant COLLATE "C"'
)

SIDES = {Side.CHARGE.value: "charged", Side.PAYMENT.value: "paid"}
NO_ENERGY = "–"
MONEY = ("By the law", "In force", "Gain by the law")
PARTY = ("Side", "Energy", *MONEY, "By the law, per MWh", "In force, per MWh")


class Listed(NamedTuple):
    """One row of the list of reports."""

    id: uuid.UUID
    market: str
    words: str
    created_at: dt.datetime
    price: str
    zone: str


@dataclass(frozen=True, eq=False)
class TransitionPage:
    """A report as its reader may read it: whole, or sums of many and the reader's own rows.

    Attributes:
        report: whole, or what everybody may be told of it.
        own: of each participant that the reader acts for, its rows.
        withheld: which sums are not told to the reader.
        chart: who gains and who loses; None but for who reads all.
        missing: days without prices, in words.
        leaf: its place in the signed log.
    """

    id: uuid.UUID
    report: Mapping[str, Any]
    words: str
    zone: str
    created_at: dt.datetime
    digest: bytes
    leaf: int | None
    own: Sequence[Table]
    tables: Sequence[Table]
    withheld: Sequence[str]
    chart: Chart | None
    missing: Sequence[str]
    is_whole: bool

    @property
    def prices_digest(self) -> bytes:
        """SHA-256 of the file of prices."""
        return bytes.fromhex(self.report["prices"]["sha256"])


def list_transitions(session: Session) -> list[Listed]:
    """Return all reports, latest first."""
    rows = session.execute(LISTED).all()
    zones = zone_by_market(session, (row.market for row in rows))
    return [
        Listed(
            row.id,
            row.market,
            period_words(row.first_day, row.last_day),
            row.created_at,
            row.price,
            zones[row.market],
        )
        for row in rows
    ]


def transition_page(
    session: Session, report_id: uuid.UUID, *, is_whole: bool
) -> TransitionPage | None:
    """Return a report; None where there is none.

    Args:
        is_whole: whether the reader oversees the market; others are told sums and their own part.
    """
    row = session.execute(PUBLIC, {"report_id": report_id}).one_or_none()
    stored = find_transition(session, report_id) if is_whole else None
    if row is None or (is_whole and stored is None):
        return None
    report = row.public if stored is None else stored.report
    code = report["currency"]
    own: list[Table] = []
    if not is_whole:
        own = [
            _parties(each.participant, each.parties, code)
            for each in session.execute(OWN, {"report_id": report_id})
        ]
    leaf = find_leaf(session, TABLE, str(report_id))
    days = (report["first_day"], report["last_day"])
    sums, withheld = told_sums_table(row.public, code)
    tables = [] if sums is None else [sums]
    if is_whole:
        tables = [_totals(report, code), _parties("Every party", report["parties"], code)]
    return TransitionPage(
        report_id,
        report,
        period_words(*map(dt.date.fromisoformat, days)),
        market_zone(session, report["market"]),
        row.created_at,
        row.digest,
        None if leaf is None else leaf.index,
        own,
        tables,
        () if is_whole else withheld,
        _chart(report) if is_whole else None,
        [_missing(left) for left in row.public["left_out"]],
        is_whole,
    )


def _missing(left: Mapping[str, Any]) -> str:
    count = left["intervals"]
    return f"{left['day']}: {count} {'interval' if count == 1 else 'intervals'}"


def _totals(report: Mapping[str, Any], code: str) -> Table:
    rows = []
    for side, words in SIDES.items():
        law, in_force = (report["totals"][of][f"{side}s_micro"] for of in ("law", "in_force"))
        gain = law - in_force if side == Side.PAYMENT else in_force - law
        rows.append(Row(f"All that is {words}", _amounts((law, in_force, gain), code)))
    return Table("In all", MONEY, tuple(rows), "Side")


def told_sums_table(public: Mapping[str, Any], code: str) -> tuple[Table | None, tuple[str, ...]]:
    """Return what everybody is told of totals, products and technologies, and what is withheld."""
    rows = [
        *((f"All that is {SIDES[row['side']]}", row) for row in public["totals"]),
        *((f"{row['product']}, {SIDES[row['side']]}", row) for row in public["products"]),
    ]
    names = ("law_micro", "in_force_micro", "gain_micro")
    told = tuple(
        Row(title, _amounts((row[name] for name in names), code))
        for title, row in rows
        if row["law_micro"] is not None
    )
    withheld = tuple(title for title, row in rows if row["law_micro"] is None)
    corner = "Side, product and technology"
    return Table("Sums of many", MONEY, told, corner) if told else None, withheld


def _parties(title: str, parties: Iterable[Mapping[str, Any]], code: str) -> Table:
    rows = (
        Row(
            f"{party['participant']}, {party['product']}",
            (
                SIDES[party["side"]],
                energy(party["in_force_wh"]),
                *_amounts((party["law_micro"], party["in_force_micro"], party["gain_micro"]), code),
                *(
                    NO_ENERGY if party[name] is None else money(party[name], code)
                    for name in ("law_micro_per_mwh", "in_force_micro_per_mwh")
                ),
            ),
        )
        for party in parties
    )
    return Table(title, PARTY, tuple(rows), "Participant", texts=frozenset({"Side"}))


def _amounts(amounts: Iterable[int], code: str) -> tuple[str, ...]:
    return tuple(money(amount, code) for amount in amounts)


def _chart(report: Mapping[str, Any]) -> Chart:
    rows = [
        (f"{row['participant']}, {row['product']}, {row['side']}", row["gain_micro"])
        for row in report["parties"]
    ]
    unit = Unit("micro", report["currency"])
    return bar_chart("gains", "Who gains by the law of today", "Participant", rows, unit)
