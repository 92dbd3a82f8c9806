"""Fairness reports of the same days: what two of them tell together tells of no participant."""

import pytest
from sqlalchemy import text

from settlement.billing.post import post
from settlement.fairness.make import FairnessRequest, keep_report, make_report
from settlement.fairness.public import public_part
from settlement.fairness.verification import verify_fairness
from settlement.runs.settle import settle
from tests.settlement.test_fairness_over_changes import MINUTE
from tests.worlds.settled import CORRECTED, FIRST_DAY, LAST_DAY, RESETTLED, SETTLED, fill_tiny

ENERGY = ("desired_wh", "matured_wh", "delivered_wh", "missed_wh", "deferred_wh", "declined_wh",
          "shortfall_wh", "owed_wh", "taken_wh", "over_take_wh", "excess_wh")  # fmt: skip
MANY = range(8)


def point(at: int, **added: int) -> dict:
    """A supply point of about the size of others, whose columns differ from each other."""
    amounts = {name: n * (100 + at) for n, name in enumerate((*ENERGY, "charged_micro"), start=1)}
    more = {name: amounts[name] + micro for name, micro in added.items()}
    return {"participant": f"s{at}", "node": "N0", "product": "P1"} | amounts | more


def unit(at: int, more_micro: int = 0) -> dict:
    names = ("paid_micro", "pots_micro", "fuel_micro", "fixed_micro", "capital_micro",
             "carbon_milligrams")  # fmt: skip
    amounts = {name: n * (100 + at) for n, name in enumerate(names, start=1)}
    amounts["paid_micro"] += more_micro
    return {"participant": f"g{at}", "technology": "wind"} | amounts


JANUARY = {"run": "R1", "first_day": "2024-01-01", "last_day": "2024-01-31"}


def report_of(points: list[dict], units: list[dict], runs: tuple[dict, ...] = (JANUARY,)) -> dict:
    """A report of one product, node and technology; each of its sums is of the rows given."""
    every = {name: sum(row[name] for row in points) for name in (*ENERGY, "charged_micro")}
    about = ("format", "market", "first_day", "last_day", "currency", "days", "intervals",
             "promises", "promises_kept", "convergence", "prices", "access", "designs",
             "units_with_capital")  # fmt: skip
    cost = {f"{which}cost_micro_per_mwh": 7 for which in ("", "lowest_", "highest_")}
    service = every | {"delivered_ppm": 5, "promised_ppm": 6}
    place = {"layer": "system", "holon": "gb", "product": None}
    codes = ("refused_wh", "over_take_micro", "compensation_micro", "carbon_g", OF_ALL)
    return {
        **dict.fromkeys(about),
        "figures": [{"code": code, "value": 7, "designs": {}} for code in codes],
        "findings": [], "groups": [], "months": [], "calendar": [], "worst": [], "by_interval": [],
        **dict.fromkeys(("refused_wh", "deferred_wh", "declined_wh"), every["missed_wh"]),
        "owed_wh": every["owed_wh"],
        "products": [{"product": "P1", **service, **cost}],
        "nodes": [{"node": "N0", "places": {"system": "gb"}, **service}],
        "places": [{**place, **service}],
        "technologies": [{"technology": "wind", "paid_micro": sum(u["paid_micro"] for u in units)}],
        "supply_points": points,
        "units": units,
        "runs": list(runs),
    }  # fmt: skip


OF_ALL = "cost_micro_per_mwh"


def told_of(points, units=None, earlier=(), runs=(JANUARY,)) -> dict[str, int | None]:
    """Return what everybody is told of each sum, and charges per MWh of the product."""
    found = public_part(report_of(points, units or [*map(unit, MANY)], runs), earlier)
    tables = {name: found[name][0] for name in ("products", "nodes", "places")}
    return {
        "all": found["refused_wh"],
        **{name: row["taken_wh" if name == "products" else "missed_wh"]
           for name, row in tables.items()},
        "per MWh": tables["products"][OF_ALL],
        "technologies": found["technologies"][0]["paid_micro"],
        **{row["code"]: row["value"] for row in found["figures"]},
    }  # fmt: skip


def kept(points, units=None, runs=(JANUARY,), earlier=()):
    report = report_of(points, units or [*map(unit, MANY)], runs)
    return report | {"public": public_part(report, earlier)}


OF_POINTS = {"all", "products", "nodes", "places", "per MWh", "refused_wh", OF_ALL}


@pytest.mark.parametrize(
    ("points", "units", "withheld"),
    [
        ([point(at, taken_wh=7 * (at == 2)) for at in MANY], None, OF_POINTS),
        ([point(at, taken_wh=1 + 99 * (at == 2)) for at in MANY], None, OF_POINTS),
        ([point(at, taken_wh=1) for at in MANY], None, set()),
        ([point(at, over_take_wh=at == 2) for at in MANY], None, {"over_take_micro"}),
        (None, [unit(at, at == 2) for at in MANY], {"technologies"}),
    ],
)
def test_what_two_reports_of_the_same_days_tell_together_tells_of_nobody(points, units, withheld):
    """One meter was corrected between them: what all come to moves by its part alone."""
    before = [point(at) for at in MANY]
    points = points or before
    assert None not in told_of(points, units).values()
    found = told_of(points, units, [kept(before)])
    assert {name for name, value in found.items() if value is None} == withheld
    # What the earlier withheld nobody can take away.
    alone = kept(before[:4], [*map(unit, range(4))])
    assert {*alone["public"]["products"][0].values()} & {None}
    assert None not in told_of(points, units, [alone]).values()


def test_days_that_a_longer_report_adds_are_told_where_they_are_of_many():
    """Where one alone was owed anything on the days added, the longer tells what it was owed."""
    month = kept([point(at) for at in MANY])
    of_many = [point(at, **dict.fromkeys(ENERGY, 90)) for at in MANY]
    assert told_of(of_many, earlier=[month])["all"] is not None
    of_one = [point(at, **dict.fromkeys(ENERGY[1:], 90)) for at in MANY]
    of_one[3]["desired_wh"] += 90
    assert told_of(of_one)["all"] is not None
    assert told_of(of_one, earlier=[month])["all"] is None


FEBRUARY = {"run": "R2", "first_day": "2024-02-01", "last_day": "2024-02-29"}
MARCH = {"run": "R3", "first_day": "2024-03-01", "last_day": "2024-03-31"}
QUARTER = (JANUARY, FEBRUARY, MARCH)


def sum_of(*months):
    """Return the points of a quarter, whose amounts are those of its months."""
    every = [{**rows[0]} for rows in zip(*months, strict=True)]
    for place, row in enumerate(every):
        for name in (*ENERGY, "charged_micro"):
            row[name] = sum(month[place][name] for month in months)
    return every


def test_a_quarter_and_two_of_its_months_tell_nothing_of_one_in_the_third():
    """In March one alone missed anything: by itself March is withheld, and so is what gives it."""
    other = [point(at) for at in MANY]
    march = [point(at, missed_wh=-4 * (100 + at) * (at != 3)) for at in MANY]
    quarter = sum_of(other, other, march)
    assert told_of(march, runs=(MARCH,))["all"] is None
    january = kept(other)
    of_quarter = kept(quarter, runs=QUARTER)
    for last, earlier in (
        ((other, (FEBRUARY,)), [january, of_quarter]),
        ((other, (JANUARY,)), [kept(other, runs=(FEBRUARY,)), of_quarter]),
        ((quarter, QUARTER), [kept(other, runs=(FEBRUARY,)), january]),
    ):
        points, runs = last
        assert told_of(points, runs=runs)["all"] is not None
        for fewer in (earlier[:1], earlier[1:]):
            assert told_of(points, runs=runs, earlier=fewer)["all"] is not None
        withheld = kept(march, runs=(MARCH,))
        for more in ([], [withheld]):
            assert told_of(points, runs=runs, earlier=[*earlier, *more])["all"] is None
    # Of another run of February nothing follows exactly, and of months of many nothing of one.
    later = kept(other, runs=({**FEBRUARY, "run": "R9"},))
    assert told_of(quarter, runs=QUARTER, earlier=[later, january])["all"] is not None
    many = sum_of(other, other, other)
    months = [kept(other, runs=(each,)) for each in QUARTER]
    for count in range(4):
        assert told_of(many, runs=QUARTER, earlier=months[:count])["all"] is not None


def test_a_report_names_those_it_was_held_to_and_verify_holds_it_to_them(session):
    fill_tiny(session)
    of_both, of_first = ((FIRST_DAY, last) for last in (LAST_DAY, FIRST_DAY))
    first = keep(session, of_both, SETTLED + MINUTE)
    shorter = keep(session, of_first, SETTLED + 2 * MINUTE)
    run = settle(session, "tiny", "SF", *of_first, known_at=CORRECTED, now=RESETTLED).run
    post(session, run, now=RESETTLED)
    later = keep(session, of_both, RESETTLED)
    of_last = keep(session, (LAST_DAY, LAST_DAY), RESETTLED)
    ids = [str(each.id) for each in (first, shorter, later)]
    assert first.report["beside"] == []
    assert shorter.report["beside"] == ids[:1]
    assert later.report["beside"] == sorted(ids[:2])
    # It shares no day with the shorter, which can be taken away from those that it shares one with.
    assert of_last.report["beside"] == sorted(ids)
    assert "beside" not in later.report["public"]
    assert list(verify_fairness(session)) == []
    session.execute(text("ALTER TABLE settlement.fairness_report DISABLE TRIGGER USER"))
    session.execute(
        text("UPDATE settlement.fairness_report SET report = jsonb_set(report, '{beside}', '[]') "
             "WHERE id = :id"),
        {"id": later.id},
    )  # fmt: skip
    session.expire_all()
    codes = {(each.code, each.place.split()[-1]) for each in verify_fairness(session)}
    assert codes == {("fairness-digest", ids[2]), ("fairness-report", ids[2])}


def test_what_was_kept_since_a_report_was_made_it_is_held_to(session):
    fill_tiny(session)
    made = make_report(session, FairnessRequest("tiny", FIRST_DAY, LAST_DAY))
    between = keep(session, (FIRST_DAY, FIRST_DAY), SETTLED + MINUTE)
    stored = keep_report(session, made, now=SETTLED + 2 * MINUTE)
    assert stored.report["beside"] == [str(between.id)]
    assert list(verify_fairness(session)) == []


def keep(session, days, now):
    return keep_report(session, make_report(session, FairnessRequest("tiny", *days)), now=now)
