"""Time zones are those of the IANA list, by the pinned data; days are whole on every clock."""

import datetime as dt
import os
import re
import subprocess
import sys
import zoneinfo
from importlib.resources import files

import pytest

from common.refusals import Refused
from common.time_zones import is_zone, zone_names
from rulebook.checks import check_document
from rulebook.checks.clocks import days_are_whole
from rulebook.clock_changes import clock_changes
from tests.conftest import ROOT
from tests.rulebook.law import NEW_YEAR, codes, publish_documents
from tests.worlds import tiny_market


def rules_of(zone, minutes=60):
    rules = tiny_market.market_rules()
    return rules.model_copy(update={"time_zone": zone, "interval_minutes": minutes})


def whole(zone, minutes, start, end=None):
    at = [day and dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) for day in (start, end)]
    return list(days_are_whole(rules_of(zone, minutes), "law", *at))


@pytest.mark.parametrize(
    "name",
    ["localtime", "posixrules", "Factory", "right/Europe/London", "posix/Europe/London",
     "europe/london", "Europe/London ", "Europe/Londinium", "leapseconds", "tzdata.zi", "zone.tab",
     "UTC0", "EST5", "/etc/localtime", "../UTC", "Europe", ""],
)  # fmt: skip
def test_a_name_that_is_not_of_the_iana_list_is_no_zone(name):
    assert not is_zone(name)
    (finding,) = check_document(rules_of(name or "-"), "law.yaml")
    assert finding.code == "time-zone-unknown"
    assert is_zone(re.search(r"write a name such as (\S+)$", finding.remedy)[1])


def test_the_remedy_names_the_zone_that_was_probably_meant():
    for name in ("right/Europe/Paris", "Europe/paris", "Europe/Pari"):
        (finding,) = check_document(rules_of(name), "law.yaml")
        assert finding.remedy.endswith("Europe/Paris")


def test_every_zone_is_read_from_the_pinned_wheel():
    listed = set(files("tzdata").joinpath("zones").read_text().split())
    assert zone_names() == listed - {"Factory"}
    assert {"Europe/London", "GB", "UTC", "Australia/Lord_Howe"} <= zone_names()
    for name in zone_names():
        assert zoneinfo.ZoneInfo(name).key == name
    locked = re.search(r"^tzdata==(\S+) ", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None


SYSTEMS_OWN = """
import datetime as dt, zoneinfo
zoneinfo.ZoneInfo("Europe/London")  # read before, as the system has it
import {module}
from zoneinfo import ZoneInfo
noon = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
print(noon.astimezone(ZoneInfo("Europe/London")).hour, zoneinfo.TZPATH)
try:
    print(ZoneInfo("localtime"))
except zoneinfo.ZoneInfoNotFoundError:
    print("unknown")
"""


@pytest.mark.parametrize(
    "module",
    ["common.time_zones", "rulebook.days", "ledger.disputes.terms", "settlement.core.periods",
     "portal.amounts"],
)  # fmt: skip
def test_the_zones_of_the_system_are_not_read(module, tmp_path):
    tokyo = files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    for name in ("Europe/London", "localtime"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(tokyo)
    environment = os.environ | {
        "PYTHONTZPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings"
    }  # fmt: skip
    said = subprocess.run(
        [sys.executable, "-c", SYSTEMS_OWN.format(module=module)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split("\n")[:2] == ["12 ()", "unknown"]


def test_every_module_that_knows_zones_is_of_a_package_whose_import_pins_them():
    using = {
        path.relative_to(ROOT).parts[0]
        for package in ("common", "database", "ledger", "portal", "rulebook", "settlement")
        for path in (ROOT / package).rglob("*.py")
        if "zoneinfo" in path.read_text()
    }
    opened = {
        package
        for package in using
        if "common.time_zones" in (ROOT / package / "__init__.py").read_text()
    }
    assert opened == using - {"common"}


@pytest.mark.parametrize(
    ("zone", "minutes", "start", "end", "day"),
    [
        ("Australia/Lord_Howe", 60, "2024-01-01", None, "2024-04-07"),
        ("Australia/Lord_Howe", 20, "2024-04-06", "2024-04-08", "2024-04-07"),
        ("America/Caracas", 60, "2016-04-01", "2017-01-01", "2016-05-01"),
        ("Asia/Pyongyang", 60, "2018-01-01", None, "2018-05-05"),
        ("Asia/Kathmandu", 30, "1985-01-01", None, "1986-01-01"),
        ("Africa/Monrovia", 30, "1972-01-01", None, "1972-01-07"),
        ("Pacific/Norfolk", 60, "2015-01-01", "2016-01-01", "2015-10-04"),
    ],
)
def test_an_interval_that_does_not_divide_a_change_of_the_clocks_is_refused(
    zone, minutes, start, end, day
):
    (finding,) = whole(zone, minutes, start, end)
    assert finding.code == "clock-change-splits-interval"
    assert day in finding.value


@pytest.mark.parametrize(
    ("zone", "minutes", "start", "end"),
    [
        ("Australia/Lord_Howe", 30, "2024-01-01", None),
        ("Australia/Lord_Howe", 60, "2024-04-08", "2024-10-01"),
        ("America/Caracas", 60, "2016-05-02", None),
        ("Europe/London", 60, "1972-01-01", None),
        ("Europe/London", 5, "2024-01-01", None),
        ("Asia/Kolkata", 60, "2024-01-01", None),
        ("Africa/Monrovia", 60, "1972-01-08", None),
        ("Africa/Casablanca", 60, "2024-01-01", None),
        ("America/Havana", 60, "2024-01-01", None),
    ],
)
def test_local_mean_times_of_old_and_changes_outside_the_validity_bother_nobody(
    zone, minutes, start, end
):
    assert whole(zone, minutes, start, end) == []


def test_the_remedy_names_an_interval_that_fits_and_the_days_that_would():
    (finding,) = whole("Australia/Lord_Howe", 60, "2024-01-01")
    assert "choose intervals of 30 minutes" in finding.remedy
    assert "or for days after" not in finding.remedy
    (finding,) = whole("America/Caracas", 60, "2016-04-01")
    assert finding.remedy.endswith("before 2016-05-01 alone, or for days after 2016-05-01")
    (finding,) = whole("Africa/Monrovia", 60, "1972-01-01")
    assert finding.remedy.startswith("publish for days before 1972-01-07 alone")


@pytest.mark.parametrize(
    ("zone", "day"), [("America/St_Johns", "2010-11-06"), ("Pacific/Apia", "2011-12-31")]
)
def test_a_day_that_comes_twice_or_never_is_refused(zone, day):
    (finding,) = whole(zone, 30, "2010-08-01", "2013-01-01")
    assert finding.code == "clock-change-breaks-day"
    assert day in finding.value
    assert whole(zone, 30, "2012-01-01") == []


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/Lord_Howe", "America/St_Johns"])
def test_a_change_is_found_to_the_second(zone):
    here = zoneinfo.ZoneInfo(zone)
    start, end = dt.datetime(1980, 1, 1, tzinfo=dt.UTC), dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
    changes = clock_changes(zone, start, end)
    assert len(changes) > 100
    for change in changes:
        before = (change.at - dt.timedelta(seconds=1)).astimezone(here).utcoffset()
        assert change.at.astimezone(here).utcoffset() - before == change.by
        assert change.by


def test_the_law_of_an_hourly_market_on_lord_howe_is_refused_on_publishing(session, now):
    law = [rules_of("Australia/Lord_Howe"), *tiny_market.documents()[1:]]
    with pytest.raises(Refused) as refused:
        publish_documents(session, law, known=now)
    assert codes(refused) == ["clock-change-splits-interval"]
    (finding,) = refused.value.findings
    assert finding.place == "tiny/market-rules: interval_minutes"
    assert "30 minutes back on 2024-04-07" in finding.value
    half_hourly = [rules_of("Australia/Lord_Howe", 30), *law[1:]]
    assert publish_documents(session, half_hourly, known=now)


def test_what_is_wrong_with_the_zone_or_the_interval_itself_is_said_once(session, now):
    for bent, code in (
        (rules_of("right/Australia/Lord_Howe"), "time-zone-unknown"),
        (rules_of("Australia/Lord_Howe", 45), "interval-does-not-divide-hour"),
    ):
        with pytest.raises(Refused) as refused:
            publish_documents(session, [bent, *tiny_market.documents()[1:]], known=now)
        assert codes(refused) == [code]


@pytest.mark.parametrize("day", [dt.date(1, 1, 1), dt.date(1899, 12, 31), dt.date(9999, 12, 31)])
def test_a_validity_out_of_range_is_refused_in_words(session, now, day):
    changes = {"valid_to": day} if day > NEW_YEAR else {"valid_from": day}
    with pytest.raises(Refused) as refused:
        publish_documents(session, tiny_market.documents(), known=now, **changes)
    assert codes(refused) == ["validity-out-of-range"]
    assert "for no end, leave the last day out" in refused.value.findings[0].remedy
