"""A shadow period: exact beside wholesale prices, and nothing where there is no price."""

import datetime as dt
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from common.refusals import Refused
from portal.management import base
from portal.management.commands import transition
from settlement.billing.lines import Side, measures_of_designs
from settlement.core.periods import interval_starts
from settlement.rules.compile import compile_rules
from settlement.runs import store
from settlement.runs.inputs import run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.studies.wholesale_prices import read_prices
from tests.worlds.rolled_back import reading
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED, fill_tiny
from tests.worlds.tiny_market import ZONE

DAYS = ("--from", str(FIRST_DAY), "--to", str(LAST_DAY))
COLUMN = "day_ahead_price_gbp_per_mwh"
HEAD = f"interval_start,{COLUMN}\n"


def starts():
    days = [FIRST_DAY + dt.timedelta(at) for at in range((LAST_DAY - FIRST_DAY).days + 1)]
    return [start.astimezone(dt.UTC) for day in days for start in interval_starts(day, ZONE, 30)]


def price_of(number: int) -> str:
    """Prices of three decimals, some below nothing."""
    return f"{(number * 7_919) % 250_000 - 40_000}e-3"


def csv_of(left_out=()) -> bytes:
    rows = [
        f"{start.isoformat()},{'' if at in left_out else price_of(at)}"
        for at, start in enumerate(starts())
    ]
    return (HEAD + "\n".join(rows) + "\n").encode()


@pytest.fixture
def market(world_of, monkeypatch):
    engine, _ = world_of(fill_tiny)
    for command in (base, transition):
        monkeypatch.setattr(command, "transaction", lambda: reading(engine))
    monkeypatch.setattr(base, "utc_now", lambda: SETTLED)
    return engine


@pytest.fixture
def shadow(market, capsys, tmp_path):
    def run(content: bytes, *more) -> dict:
        file = tmp_path / "prices.csv"
        file.write_bytes(content)
        call_command("transition", "tiny", *DAYS, "--prices", str(file), *more, "--json")
        return json.loads(capsys.readouterr().out)

    return run


def by_hand(engine, left_out=()):
    """Law and wholesale money of each side, from the stored run and the meters."""
    law = dict.fromkeys(Side, 0)
    in_force = dict.fromkeys(Side, 0)
    with reading(engine) as session:
        (run,) = store.list_runs(session, "tiny")
        periods = pinned_periods(session, run)
        inputs = run_inputs(session, "tiny", periods, run.known_at)
        model = compile_rules(periods[0].rules)
        at = 0
        for day in run.days:
            metered = inputs.metered(day, model)
            vectors = store.day_vectors(session, run.id, day)
            for interval in range(metered.demand_wh.shape[1]):
                if at not in left_out:
                    micro = int(price_of(at).removesuffix("e-3")) * 1_000
                    in_force[Side.CHARGE] += int(metered.demand_wh[:, interval].sum()) * micro
                    in_force[Side.PAYMENT] += int(metered.generation_wh[:, interval].sum()) * micro
                    for side in Side:
                        law[side] += sum(
                            int(vector.values[interval])
                            for vector in vectors
                            if vector.measure in measures_of_designs(side)
                        )
                at += 1
    return law, in_force


@pytest.mark.parametrize("left_out", [(), (0, 1, 60)])
def test_a_shadow_period_adds_up_by_hand(shadow, market, left_out):
    found = shadow(csv_of(left_out))
    law, in_force = by_hand(market, left_out)
    for side in Side:
        name = f"{side.value}s_micro"
        assert found["totals"]["law"][name] == law[side]
        parties = [party for party in found["parties"] if party["side"] == side]
        # Each party is rounded once, by half a micro at most.
        difference = 1_000_000 * found["totals"]["in_force"][name] - in_force[side]
        assert 2 * abs(difference) <= 1_000_000 * len(parties)
        assert sum(party["law_micro"] for party in parties) == law[side]
    for party in found["parties"]:
        more = party["law_micro"] - party["in_force_micro"]
        assert party["gain_micro"] == (more if party["side"] == "payment" else -more)
    assert found["intervals_without_price"] == len(left_out)
    assert found["intervals"] == len(starts())


def test_an_interval_without_a_price_has_no_amount_on_either_side(shadow):
    whole, part = shadow(csv_of()), shadow(csv_of((0, 1, 60)))
    assert whole["findings"] == whole["left_out"] == []
    assert len(part["findings"]) == len(part["left_out"]) == 2
    assert (
        "no price in 2 intervals of 2024-01-01, 2024-01-01T00:00Z to 2024-01-01T00:30Z"
        in (part["findings"][0])
    )
    for side in ("charges", "payments"):
        left = sum(day[f"law_{side}_micro"] for day in part["left_out"])
        name = f"{side}_micro"
        assert left > 0
        assert whole["totals"]["law"][name] == part["totals"]["law"][name] + left


def test_it_is_the_same_of_parquet_with_a_null_or_without_the_row(shadow, tmp_path):
    rows = [(start, float(price_of(at))) for at, start in enumerate(starts())]
    rows[5] = (rows[5][0], None)
    rows[6] = (rows[6][0], float("nan"))
    del rows[60]
    table = pa.table(
        {
            "interval_start": pa.array([row[0] for row in rows], pa.timestamp("us", tz="UTC")),
            "system_price_gbp_per_mwh": [1.0] * len(rows),
            COLUMN: [row[1] for row in rows],
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    found = shadow(file.getvalue(), "--column", COLUMN)
    same = shadow(csv_of((5, 6, 60)))
    assert found.pop("prices") != same.pop("prices")
    assert found["public"].pop("prices") != same["public"].pop("prices")
    assert found == same


def test_it_reads_as_a_table_and_is_drawn(market, capsys, tmp_path):
    file, picture = tmp_path / "prices.csv", tmp_path / "gains.svg"
    file.write_bytes(csv_of((3,)))
    told = ("transition", "tiny", *DAYS, "--prices", str(file), "--out", str(picture))
    call_command(*told)
    said = capsys.readouterr().out
    assert "all payments" in said and "all charges" in said
    assert "gain by the law of today" in said and "[price-missing]" in said
    assert "Who gains by the law of today" in picture.read_text()


GOOD = "2024-01-01T00:00Z,50\n"
BAD = {
    "": ["columns", "price-column"],
    HEAD: ["empty-file"],
    "start,price\n2024-01-01T00:00Z,5\n": ["columns", "price-column"],
    "interval_start,price_eur_per_mwh\n2024-01-01T00:00Z,5\n": ["price-column"],
    "interval_start,a_gbp_per_mwh,b_gbp_per_mwh\n2024-01-01T00:00Z,5,6\n": ["price-column"],
    HEAD + GOOD + "2024-01-01 00:30,50\n2024-01-01T01:00Z,5 pounds\n": ["no-instant", "no-price"],
    HEAD + GOOD + "2024-01-01T01:00+01:00,50\n": ["price-twice"],
    HEAD + "2024-01-01T00:00Z,100000.000001\n2024-01-01T00:30Z,-inf\n": ["no-price", "no-price"],
    HEAD + "2024-01-01T00:00Z,1.0000001\n2024-01-01T00:30Z,1e-99999999\n": ["no-price"] * 2,
    HEAD + "".join(f"2024-01-01T00:{at:02}Z,x\n" for at in range(60)): ["no-price"],
    HEAD + "2024-01-01T00:00Z,50,5\n2024-01-01T00:30Z\nnow,5\n": ["ragged-row", "no-instant"],
    HEAD + "2024-01-01T00:00Z,1_000\n2024-01-01T00:30Z,\u0665\n": ["no-price", "no-price"],
    "PAR1 and then nothing": ["unreadable-file"],
    "PK\x03\x04": ["unreadable-file"],
}


@pytest.mark.parametrize(("content", "codes"), BAD.items())
def test_a_file_that_cannot_be_used_is_refused_with_every_finding(content, codes):
    with pytest.raises(Refused) as refused:
        read_prices("p.csv", content.encode(), None, "GBP")
    found = refused.value.findings
    assert sorted({each.code for each in found}) == sorted(set(codes))
    assert all(each.place.startswith("p.csv") and each.limit and each.remedy for each in found)


def parquet(starts, prices=(5.0,)) -> bytes:
    file = io.BytesIO()
    column = prices if isinstance(prices, pa.Array) else list(prices)
    pq.write_table(pa.table({"interval_start": starts, COLUMN: column}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (parquet(pa.array([0], pa.timestamp("us"))), "unreadable-file"),
        (parquet(pa.array([2**62], pa.timestamp("us", tz="UTC"))), "no-instant"),
        (parquet(pa.array([None], pa.timestamp("us", tz="UTC"))), "no-instant"),
        (parquet(pa.array([0], pa.timestamp("us", tz="UTC")), [True]), "no-price"),
        (parquet(pa.array([0], pa.timestamp("us", tz="UTC")))[:-9], "unreadable-file"),
    ],
)
def test_parquet_that_cannot_be_used_is_refused(content, code):
    with pytest.raises(Refused) as refused:
        read_prices("p.parquet", content, None, "GBP")
    assert [each.code for each in refused.value.findings] == [code]


def test_prices_are_exact_and_blanks_are_no_price():
    content = (
        HEAD + "2024-01-01T01:00+01:00,47.8\n2024-01-01T00:30Z, \n\n2024-01-01T01:00Z,-0.000001\n"
    )
    found = read_prices("p.csv", content.encode(), COLUMN, "GBP").micro_per_mwh
    moments = [dt.datetime(2024, 1, 1, hour, tzinfo=dt.UTC) for hour in (0, 1)]
    assert found == dict(zip(moments, (47_800_000, -1), strict=True))


def test_nan_and_null_as_they_are_written_are_no_price():
    content = HEAD + "2024-01-01T00:00Z,NaN\n2024-01-01T00:30Z, null\n"
    assert read_prices("p.csv", content.encode(), None, "GBP").micro_per_mwh == {}


@pytest.mark.parametrize("precision", [pa.float32(), pa.float64()])
def test_a_price_of_any_precision_is_the_shortest_decimal(precision):
    starts = pa.array([0, 1, 2], pa.timestamp("s", tz="UTC"))
    content = parquet(starts, pa.array([47.8, None, float("nan")], precision))
    found = read_prices("p.parquet", content, None, "GBP").micro_per_mwh
    assert list(found.values()) == [47_800_000]


def test_days_without_a_price_or_without_a_run_are_refused(shadow, tmp_path):
    with pytest.raises(CommandError, match="no-price-in-period"):
        shadow(HEAD.encode() + b"2023-01-01T00:00Z,50\n")
    file = tmp_path / "p.csv"
    file.write_bytes(csv_of())
    with pytest.raises(CommandError, match="no-run"):
        call_command("transition", "tiny", "--month", "2024-02", "--prices", str(file))


def test_prices_of_shorter_intervals_are_refused_and_not_read_in_part(shadow):
    """Of quarter-hours the first of each half-hour would stand for both."""
    half, later = csv_of(), (start + dt.timedelta(minutes=15) for start in starts())
    # One after the last day is none of the period.
    assert shadow(half + b"2024-01-04T00:15Z,9\n")["intervals_without_price"] == 0
    quarters = "".join(f"{start.isoformat()},9\n" for start in later)
    with pytest.raises(CommandError) as refused:
        shadow(half + quarters.encode())
    assert "2024-01-01T00:15Z, the first of 144 such prices" in str(refused.value)
    assert "price-between-intervals" in str(refused.value)
