"""A valid file of every kind that a command or a form takes, made from the world that is fuzzed."""

import datetime as dt
import io
import json
import uuid
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from database.embedded import ROOT
from ledger.log.store import checkpoints
from ledger.payments import queries
from market.evidence_part import opened_part
from settlement.datasets.bank import Payment, StatementHead, statement_xml
from settlement.datasets.files import Form, encode_table, readings_table
from settlement.evidence.export import write_evidence
from settlement.meters.register import DEMAND
from settlement.runs.store import find_run
from settlement.tables import ReadingRow
from tests.portal.site import FIRST_DAY, MARKET, Site

GAME = {
    "nodes": ["A", "B"],
    "lines": [{"from": "A", "to": "B", "rating_kw": 4}],
    "units": [
        {"id": "a", "node": "A", "available_kw": 3, "ramp_kw_per_h": 30},
        {"id": "b", "node": "B", "available_kw": 5, "ramp_kw_per_h": 4},
    ],
    "demand_kw": {"A": 1, "B": 6},
    "trunk_nodes": ["B"],
    "hop_limit": 1,
    "holarchy": {"west": ["A"], "east": ["B"]},
    "response_minutes": 30,
    "requirement_kw": 12,
}


def make_samples(session: Session, site: Site) -> dict[str, list[bytes]]:
    """Return valid files by kind."""
    readings = _readings(session)
    forms = [encode_table(readings, form) for form in Form]
    return {
        "law": _texts("gb12") + _texts("gb12-variants"),
        "overlay": _texts("overlays"),
        "readings": forms + [_odd_columns(readings, kind) for kind in _ODD_KINDS],
        "bank": [_statement(session)],
        "evidence": [_evidence(session, site)],
        "game": [json.dumps(GAME).encode(), json.dumps([GAME, GAME], indent=1).encode()],
        "note": [row.note.encode() for row in checkpoints(session)][-1:],
        "prices": _prices(),
        "attachment": [b"%PDF-1.7\n%%EOF", b"\x89PNG\r\n\x1a\n", b"a,b\n1,2\n", b"words"],
    }


def _prices() -> list[bytes]:
    """Return prices of a day as CSV and as Parquet, some of them missing."""
    midnight = dt.datetime.combine(FIRST_DAY, dt.time(), dt.UTC)
    starts = [midnight + dt.timedelta(minutes=30 * number) for number in range(48)]
    prices = [None if number == 7 else number - 3.5 for number in range(48)]
    name = "day_ahead_price_gbp_per_mwh"
    lines = [
        f"{at:%Y-%m-%dT%H:%MZ},{'' if price is None else price}"
        for at, price in zip(starts, prices, strict=True)
    ]
    file = io.BytesIO()
    pq.write_table(pa.table({"interval_start": starts, name: prices}), file)
    return ["\n".join([f"interval_start,{name}", *lines]).encode(), file.getvalue()]


def _texts(folder: str) -> list[bytes]:
    paths = sorted((ROOT / "scenarios" / folder).rglob("*.yaml"))
    return [path.read_bytes() for path in paths if path.stat().st_size < 60_000]


def _readings(session: Session) -> pa.Table:
    rows = session.execute(
        select(ReadingRow.entity, ReadingRow.values).where(
            ReadingRow.market == MARKET,
            ReadingRow.measure == DEMAND,
            ReadingRow.settlement_day == FIRST_DAY,
            ReadingRow.revision == 1,
        )
    ).all()[:3]
    midnight = dt.datetime.combine(FIRST_DAY, dt.time(), dt.UTC)
    starts = [midnight + dt.timedelta(minutes=30 * number) for number in range(48)]
    values = np.array([row.values for row in rows])
    return readings_table([row.entity for row in rows], DEMAND, [starts], [values])


_ODD_KINDS = (
    pa.float32(), pa.string(), pa.list_(pa.int64()), pa.bool_(), pa.decimal128(20, 3), pa.uint64(),
)  # fmt: skip


def _odd_columns(table: pa.Table, kind: pa.DataType) -> bytes:
    values = table["value"].to_pylist()
    made = [[value] for value in values] if pa.types.is_list(kind) else values
    if pa.types.is_string(kind):
        made = [str(value) for value in values]
    elif pa.types.is_boolean(kind):
        made = [bool(value) for value in values]
    elif pa.types.is_floating(kind):
        made = np.array(values, dtype=np.float32)
    place = table.schema.get_field_index("value")
    return encode_table(table.set_column(place, "value", pa.array(made, kind)), Form.PARQUET)


def _statement(session: Session) -> bytes:
    latest = queries.statements(session, MARKET)[0]
    open_one = next(each for each in queries.documents(session, MARKET) if each.balance_minor)
    on = latest.closed_on + dt.timedelta(days=1)
    head = StatementHead(
        "FUZZ-2", latest.number + 1, latest.account, latest.currency, latest.closing_minor, on
    )
    pay = partial(Payment, on=on, name="Somebody", account="GB41TSBX00003391422946")
    return statement_xml(head, [[pay(100, text=open_one.name)], [pay(200, text="unknown")]])


def _evidence(session: Session, site: Site) -> bytes:
    run = find_run(session, uuid.UUID(site.first_run))
    sink = io.BytesIO()
    write_evidence(session, run, sink, lambda *_: None, [opened_part])
    return sink.getvalue()
