"""Energy by area on the page of a run, and every interval of it as CSV."""

import csv
import html
import io

import pytest

from database.session import transaction
from portal.queries.energy import energy_table
from tests.portal.site import FIRST_DAY, SHORT_DAY


@pytest.fixture
def table(site):
    with transaction() as session:
        return energy_table(session, site.later_run)


def test_the_page_shows_each_area_and_the_market(sign_in, site, table):
    answer = sign_in("auditor").get(f"/runs/{site.later_run}/")
    page = html.unescape(answer.content.decode())
    assert "Energy by area" in page
    assert [one.area for one in table.areas] == [
        "zone/northern-england",
        "zone/scotland",
        "zone/southern",
        "zone/western",
    ]
    for one in table.areas:
        assert f'<th scope="row">{one.area}</th>' in page
    market = table.market
    assert market.generation_wh == market.demand_wh + market.losses_wh + market.imbalance_wh
    assert 15_000 < market.losses_wh * 1_000_000 // market.demand_wh < 25_000


def test_the_file_has_every_interval_of_a_short_day_too(sign_in, site, table):
    answer = sign_in("operator").get(f"/runs/{site.later_run}/energy.csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    by_day = {
        day: [row for row in rows if row["settlement_day"] == str(day)]
        for day in (FIRST_DAY, SHORT_DAY)
    }
    assert [len(of_day) for of_day in by_day.values()] == [48 * 4, 46 * 4]
    for row in rows:
        generation, demand, losses, imbalance = (
            int(row[f"{name}_wh"]) for name in ("generation", "demand", "losses", "imbalance")
        )
        assert generation == demand + losses + imbalance
    assert sum(int(row["losses_wh"]) for row in rows) == table.market.losses_wh


@pytest.mark.parametrize(
    ("who", "status"), [("owner", 403), ("regulator", 403), ("signed out", 302), ("auditor", 200)]
)
def test_the_file_is_for_those_who_see_runs(sign_in, site, who, status):
    assert sign_in(who).get(f"/runs/{site.later_run}/energy.csv").status_code == status


def test_the_file_is_read_only_and_only_of_runs_with_areas(sign_in, site):
    client = sign_in("auditor")
    assert client.post(f"/runs/{site.later_run}/energy.csv").status_code == 405
    absent = "/runs/00000000-0000-0000-0000-000000000000/energy.csv"
    assert client.get(absent).status_code == 404
