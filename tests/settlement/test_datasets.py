"""Data sets: seeded and recorded profiles, dispatch, files that ingest takes, corrections."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.refusals import Refused
from rulebook.documents import Document, Registration
from rulebook.folders import read_files
from rulebook.resolve import RuleSet
from settlement.core.periods import interval_starts
from settlement.datasets.files import (
    Form,
    encode_table,
    make_profile_files,
    readings_table,
)
from settlement.datasets.market import MarketShape, market_shape
from settlement.datasets.market_files import (
    days_label,
    make_corrections,
    make_recorded_files,
    make_synthetic_files,
)
from settlement.datasets.profile import ProfileDay, dispatch_profile
from settlement.datasets.recorded import first_instant, recorded_profile
from settlement.datasets.reserve import reserve_of_day_w
from settlement.datasets.synthetic import synthetic_profile
from settlement.dispatch.losses import demand_with_losses_wh
from settlement.meters.cells import read_readings
from settlement.meters.ingest import MeterFile, ingest
from settlement.meters.register import AVAILABLE, DEMAND, GENERATION
from settlement.meters.store import readings_known_at
from tests.worlds import tiny_market
from tests.worlds.law import publish

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT.parent / "shared" / "data" / "gb12"
MARKET = tiny_market.MARKET
FIRST, LAST = dt.date(2024, 3, 29), dt.date(2024, 4, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(4)]
RECEIVED = dt.datetime(2024, 4, 3, 9, 0, tzinfo=dt.UTC)


def no_progress(_done: int, _total: int) -> None:
    pass


def rules_of(documents: list[Document]) -> RuleSet:
    registrations = tuple(document for document in documents if isinstance(document, Registration))
    by_kind = {document.kind: document for document in documents}
    return RuleSet(
        market=documents[0].market,
        effective=FIRST,
        versions=(),
        market_rules=by_kind["market-rules"],
        grid_model=by_kind["grid-model"],
        allocation_policy=by_kind["allocation-policy"],
        registrations=registrations,
    )


def tiny() -> MarketShape:
    return market_shape(rules_of(tiny_market.documents()))


def gb12() -> MarketShape:
    documents, findings = read_files([ROOT / "scenarios" / "gb12"])
    assert not findings
    return market_shape(rules_of([document for _, document in documents]))


def publish_tiny(session, documents=None) -> None:
    publish(
        session,
        documents or tiny_market.documents(),
        valid_from=tiny_market.VALID_FROM,
        known=dt.datetime(2023, 12, 1, tzinfo=dt.UTC),
        reason="first law",
    )


def test_the_shape_of_a_market_is_sorted_by_name():
    shape = tiny()
    assert shape.units == ("U1", "U2", "U3", "U4")
    assert shape.technology == ("wind", "gas", "battery", "gas")
    assert shape.supply_points == ("B-home", "B-office", "C-home", "C-office")
    assert shape.supply_point_node.tolist() == [1, 1, 2, 2]
    assert shape.dispatch.unit_node.tolist() == [0, 0, 1, 2]
    assert shape.dispatch.storage_wh.tolist() == [0, 0, 40_000_000, 0]
    assert shape.unit_region.tolist() == [0, 0, 0, 1]
    assert shape.dispatch.unserved_micro_per_mwh == 6_000_000_000


def test_a_seeded_profile_has_the_intervals_of_each_local_day():
    profile = synthetic_profile(tiny(), DAYS, seed=3)
    assert [day.day for day in profile] == DAYS
    assert [len(day.starts) for day in profile] == [48, 48, 46, 48]
    for day in profile:
        assert day.starts == interval_starts(day.day, tiny_market.ZONE, 30)
        assert day.available_w.shape == (4, len(day.starts))
        assert day.demand_wh.shape == (4, len(day.starts))
        assert day.available_w.dtype == day.demand_wh.dtype == np.int64


def test_the_same_seed_gives_the_same_profile_and_another_seed_another():
    first, again, other = (synthetic_profile(tiny(), DAYS, seed) for seed in (3, 3, 4))
    for day, same in zip(first, again, strict=True):
        assert day.available_w.tobytes() == same.available_w.tobytes()
        assert day.demand_wh.tobytes() == same.demand_wh.tobytes()
    assert any((a.demand_wh != b.demand_wh).any() for a, b in zip(first, other, strict=True))
    with pytest.raises(ValueError, match="at least one day"):
        synthetic_profile(tiny(), [], 1)


def test_availability_stays_within_capacity_and_demand_above_zero():
    for seed in range(20):
        for day in synthetic_profile(tiny(), DAYS, seed):
            assert (day.available_w >= 0).all()
            assert (day.available_w <= tiny().capacity_w[:, None]).all()
            assert (day.demand_wh >= 0).all()
            gas_and_battery = day.available_w[1:]
            assert (gas_and_battery == tiny().capacity_w[1:, None]).all()


def test_a_year_of_the_great_britain_case_is_of_a_plausible_size():
    """About 34 GW on average with a winter peak, wind at a third, nuclear out at times."""
    shape = gb12()
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in range(366)]
    profile = synthetic_profile(shape, days, seed=1)
    demand_gw = np.concatenate([day.demand_wh.sum(axis=0) for day in profile]) * 2 / 1e9
    assert 32 < demand_gw.mean() < 40
    assert 45 < demand_gw.max() < 70
    assert demand_gw[: 31 * 48].mean() > 1.05 * demand_gw[181 * 48 : 212 * 48].mean()
    available = np.concatenate([day.available_w for day in profile], axis=1)
    factor = available.mean(axis=1) / shape.capacity_w
    technology = np.array(shape.technology)
    assert 0.25 < factor[technology == "wind"].mean() < 0.5
    assert 0.75 < factor[technology == "nuclear"].mean() < 1
    assert (factor[(technology == "gas") | (technology == "battery")] == 1).all()


def test_dispatched_generation_meets_demand_within_availability():
    shape = gb12()
    profile = synthetic_profile(shape, [dt.date(2024, 7, day) for day in (1, 2)], seed=1)
    for day, generation in zip(profile, dispatch_profile(shape, profile, no_progress), strict=True):
        stores = shape.dispatch.storage_wh > 0
        assert (generation <= day.available_w // 2).all()
        assert (generation[~stores] >= 0).all()
        taken_wh = np.zeros((shape.dispatch.node_count, 48), dtype=np.int64)
        np.add.at(taken_wh, shape.supply_point_node, day.demand_wh)
        with_losses_wh = demand_with_losses_wh(shape.energy_areas, taken_wh)
        gap = with_losses_wh.sum(axis=0) - generation.sum(axis=0)
        assert (gap >= -len(shape.units)).all()
        assert gap.sum() < day.demand_wh.sum() // 100


@pytest.mark.parametrize("form", list(Form))
def test_ingest_takes_a_seeded_data_set_with_no_finding(session, form):
    publish_tiny(session)
    made = [
        make_synthetic_files(
            session, MARKET, FIRST, LAST, seed=5, known=RECEIVED, form=form, progress=no_progress
        )
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert [file.name for file in made[0]] == [
        f"tiny-2024-03-29-to-2024-04-01-{part}.{form.value}"
        for part in ("demand", "availability", "generation")
    ]
    ingested = ingest(session, MARKET, made[0], received_at=RECEIVED)
    assert [ingested_file.file.vector_count for ingested_file in ingested] == [16, 16, 16]
    assert not any(ingested_file.notices for ingested_file in ingested)
    readings = readings_known_at(session, MARKET, FIRST, LAST, RECEIVED)
    profile = synthetic_profile(tiny(), DAYS, seed=5)
    generation = dispatch_profile(tiny(), profile, no_progress)
    for day, generated in zip(profile, generation, strict=True):
        assert (readings.days[day.day][DEMAND].values == day.demand_wh).all()
        assert (readings.days[day.day][AVAILABLE].values == day.available_w).all()
        assert (readings.days[day.day][GENERATION].values == generated).all()


def test_a_changed_byte_of_a_written_file_is_refused_or_changes_no_reading():
    starts = [interval_starts(FIRST, tiny_market.ZONE, 30)]
    values = [np.arange(96, dtype=np.int64).reshape(2, 48)]
    content = encode_table(
        readings_table(["B-home", "C-home"], DEMAND, starts, values), Form.PARQUET
    )
    refusals = 0
    for place in range(4, len(content) // 4):
        damaged = bytearray(content)
        damaged[place] ^= 1
        table, findings = read_readings("damaged.parquet", bytes(damaged))
        if findings:
            refusals += 1
        else:
            assert table is not None
            assert table.value.tolist() == list(range(96)), place
    assert refusals > len(content) // 8


def test_progress_is_told_day_by_day():
    told = []
    dispatch_profile(tiny(), synthetic_profile(tiny(), DAYS, 1), lambda *step: told.append(step))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_corrections_are_few_small_and_become_second_revisions(session):
    publish_tiny(session)
    files = make_synthetic_files(
        session,
        MARKET,
        FIRST,
        LAST,
        seed=5,
        known=RECEIVED,
        form=Form.PARQUET,
        progress=no_progress,
    )
    ingest(session, MARKET, files, received_at=RECEIVED)
    made = [
        make_corrections(session, MARKET, FIRST, LAST, seed=2, known=RECEIVED) for _ in range(2)
    ]
    assert made[0] == made[1]
    later = RECEIVED + dt.timedelta(days=1)
    (ingested,) = ingest(session, MARKET, [made[0]], received_at=later)
    assert ingested.file.vector_count == 3 * 4
    before = readings_known_at(session, MARKET, FIRST, LAST, RECEIVED)
    after = readings_known_at(session, MARKET, FIRST, LAST, later)
    for day, measured in after.days.items():
        old, new = before.days[day][DEMAND].values, measured[DEMAND].values
        assert (np.abs(new - old) <= old * 3 // 100 + 1).all()
        assert ((new != old).any(axis=1) == (np.array(measured[DEMAND].revisions) == 2)).all()


def test_a_correction_leaves_what_has_a_gap_as_it_is(session):
    """A missing reading is no reading of zero: none is made of it."""
    rules = tiny_market.market_rules(incomplete_day="accept")
    publish_tiny(session, [rules, *tiny_market.documents()[1:]])
    lines = tiny_market.readings_csv(FIRST, FIRST).decode().splitlines()
    lines.remove(next(line for line in lines if ",B-home," in line))
    file = MeterFile("gap.csv", "\n".join(lines).encode())
    ingest(session, MARKET, [file], received_at=RECEIVED)
    made = make_corrections(session, MARKET, FIRST, FIRST, seed=2, known=RECEIVED).content.decode()
    corrected = {line.split(",")[1] for line in made.splitlines()[1:]}
    assert corrected == {"B-office", "C-home", "C-office"}


def test_corrections_need_something_to_correct(session):
    publish_tiny(session)
    with pytest.raises(Refused, match="ingest readings of these days first"):
        make_corrections(session, MARKET, FIRST, LAST, seed=2, known=RECEIVED)


@pytest.mark.parametrize(
    ("first", "last", "label"),
    [
        (dt.date(2024, 2, 1), dt.date(2024, 2, 29), "2024-02"),
        (dt.date(2023, 2, 1), dt.date(2023, 2, 28), "2023-02"),
        (dt.date(2024, 2, 1), dt.date(2024, 2, 28), "2024-02-01-to-2024-02-28"),
        (dt.date(2024, 1, 1), dt.date(2024, 2, 29), "2024-01-01-to-2024-02-29"),
    ],
)
def test_files_are_named_after_their_days(first, last, label):
    assert days_label(first, last) == label


def write_folder(folder: Path, *, hours=24 * 3, **changes) -> Path:
    """A folder of recorded profiles of the tiny market from 2024-06-30 12:00 UTC."""
    start = dt.datetime(2024, 6, 30, 12, tzinfo=dt.UTC)
    instants = [start + number * dt.timedelta(minutes=30) for number in range(2 * hours)]
    demand = [
        {"interval_start": instant, "node": node, "product": product, "wh": 1000 + place}
        for place, instant in enumerate(instants)
        for node in "BC"
        for product in ("home", "office")
    ]
    available = [
        {"interval_start": instant, "unit": unit, "kw": 10_000 + place}
        for place, instant in enumerate(instants)
        for unit in tiny_market.UNITS
    ]
    folder.mkdir(exist_ok=True)
    demand, available = changes.get("rows", lambda *both: both)(demand, available)
    pq.write_table(pa.Table.from_pylist(demand), folder / "demand.parquet")
    pq.write_table(pa.Table.from_pylist(available), folder / "availability.parquet")
    return folder


def test_recorded_profiles_are_used_for_the_local_days_they_cover_whole(tmp_path):
    folder = write_folder(tmp_path)
    assert first_instant(folder) == dt.datetime(2024, 6, 30, 12, tzinfo=dt.UTC)
    profile = recorded_profile(tiny(), folder)
    assert [day.day for day in profile] == [dt.date(2024, 7, 1), dt.date(2024, 7, 2)]
    first: ProfileDay = profile[0]
    assert first.starts[0] == dt.datetime(2024, 6, 30, 23, tzinfo=dt.UTC)
    assert first.demand_wh[0].tolist() == list(range(1022, 1070))
    assert first.available_w[3].tolist() == [(10_022 + place) * 1000 for place in range(48)]
    chosen = recorded_profile(tiny(), folder, first_day=dt.date(2024, 7, 2))
    assert [day.day for day in chosen] == [dt.date(2024, 7, 2)]


def test_a_day_with_a_gap_in_the_recording_is_left_out(tmp_path):
    hole = dt.datetime(2024, 7, 1, 9, tzinfo=dt.UTC)
    folder = write_folder(
        tmp_path,
        rows=lambda demand, available: (
            demand,
            [row for row in available if (row["interval_start"], row["unit"]) != (hole, "U2")],
        ),
    )
    assert [day.day for day in recorded_profile(tiny(), folder)] == [dt.date(2024, 7, 2)]


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        (lambda demand, available: (demand[:9], available), "no local day"),
        (lambda demand, available: (demand + demand[5:6], available), "repeats an interval"),
        (lambda demand, available: ([*demand, demand[5] | {"node": "Z"}], available), "Z/office"),
        (lambda demand, available: ([r for r in demand if r["node"] == "B"], available), "C/home"),
        (lambda demand, available: ([*demand, demand[5] | {"wh": None}], available), "has no wh"),
        (lambda d, a: (d, [*a[:-1], a[-1] | {"kw": 2**60}]), f"has {2**60} kw"),
        (lambda d, a: ([r | {"wh": float("nan")} for r in d], a), "wh is double"),
        (lambda d, a: ([{"interval_start": 1} for r in d], a), "no column node, product, wh"),
        (
            lambda d, a: ([r | {"interval_start": r["interval_start"].isoformat()} for r in d], a),
            "interval_start is string",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(tmp_path, rows, value):
    with pytest.raises(Refused) as refused:
        recorded_profile(tiny(), write_folder(tmp_path, rows=rows))
    (finding,) = refused.value.findings
    assert value in finding.value
    assert str(tmp_path) in finding.place


def test_both_files_of_a_folder_are_judged_at_once(tmp_path):
    (tmp_path / "demand.parquet").write_bytes(b"")
    with pytest.raises(Refused) as refused:
        recorded_profile(tiny(), tmp_path)
    assert len(refused.value.findings) == 2


@pytest.mark.real_data
def test_days_of_the_recorded_year_are_made_and_ingested_clocks_changing_included(session):
    """2024-03-31 has 46 intervals, and on 2024-10-27 there are 50 and net export."""
    publish(
        session,
        [ROOT / "scenarios" / "gb12"],
        valid_from=dt.date(2024, 1, 1),
        known=dt.datetime(2023, 12, 1, tzinfo=dt.UTC),
        reason="first law",
    )
    received = dt.datetime(2024, 10, 28, 9, tzinfo=dt.UTC)
    for day, count in ((dt.date(2024, 3, 31), 46), (dt.date(2024, 10, 27), 50)):
        files: list[MeterFile] = make_recorded_files(
            session,
            "gb12",
            RECORDED,
            day,
            day,
            known=received,
            form=Form.PARQUET,
            progress=no_progress,
        )
        ingested = ingest(session, "gb12", files, received_at=received)
        assert [ingested_file.file.vector_count for ingested_file in ingested] == [40, 21, 21, 3]
        measured = readings_known_at(session, "gb12", day, day, received).days[day]
        assert measured[DEMAND].values.shape == (40, count)
        assert measured[GENERATION].values.shape == measured[AVAILABLE].values.shape == (21, count)
        taken_wh = measured[DEMAND].values.sum(axis=0)
        gap = taken_wh - measured[GENERATION].values.sum(axis=0)
        # Losses of demand are generated too: at most the highest factor of any area.
        assert (gap >= -taken_wh * 23 // 1000 - 21).all()


def reserve_market(**policy) -> MarketShape:
    """The tiny market, where a megawatt of reserve costs something, and its gas may hold some."""
    documents = tiny_market.documents()
    changed = []
    for document in documents:
        body = document.model_dump()
        if document.kind == "allocation-policy":
            body["reserve"] = {"availability_price_micro_per_mw_h": 7_500_000} | policy
        for unit in body.get("units", ()):
            unit["can_reserve"] = unit["technology"] != "wind"
        changed.append(type(document).model_validate(body))
    return market_shape(rules_of(changed))


def one_interval(available_w, demand_wh) -> ProfileDay:
    return ProfileDay(
        FIRST,
        (dt.datetime(2024, 3, 29, tzinfo=dt.UTC),),
        np.array([[each] for each in available_w]),
        np.array([[each] for each in demand_wh]),
    )


@pytest.mark.parametrize(
    ("generation_wh", "held_w", "why"),
    [
        ((0, 20_000_000, 5_000_000, 0), (0, 3_333_333, 0, 1_666_667), "a tenth, by what is left"),
        ((0, 24_000_000, -1_000_000, 2_000_000), (0, 2_000_000, 0, 1_000_000), "all that is left"),
        ((0, 25_000_000, 0, 2_500_000), (0, 0, 0, 0), "nothing is left"),
    ],
)
def test_reserve_is_a_tenth_of_demand_from_what_units_have_left(generation_wh, held_w, why):
    """U1 is wind, and U3 a battery whose content nobody reads: neither is counted on."""
    shape = reserve_market()
    available_w = [9_000_000, 50_000_000, 20_000_000, 5_000_000]
    day = one_interval(available_w, (10_000_000, 5_000_000, 6_000_000, 4_000_000))
    found = reserve_of_day_w(shape, day, np.array([[each] for each in generation_wh]))
    assert found[:, 0].tolist() == list(held_w), why


def test_a_market_that_pays_nothing_for_reserve_has_no_readings_of_it():
    for shape in (tiny(), reserve_market(availability_price_micro_per_mw_h=0)):
        assert not shape.holds_reserve.any()
    days = [one_interval([10**7] * 4, [10**6] * 4)]
    generation = [np.array([[10**6]] * 4)]
    names = [
        [file.name for file in make_profile_files(shape, "x", days, generation, Form.CSV)]
        for shape in (tiny(), reserve_market())
    ]
    assert names[1] == [*names[0], "tiny-x-reserve.csv"]
