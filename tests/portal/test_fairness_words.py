"""A fairness report in words, tables and pictures, of a report that was made by hand."""

import datetime as dt
import doctest
import re
import uuid
from argparse import Namespace

import pytest

from portal.days import parse_period, period_of, period_words
from portal.fairness import summary as summary_module
from portal.fairness import words
from portal.fairness.day_list import ALL_DAYS, days_section
from portal.fairness.days import day_shown
from portal.fairness.pictures import (
    calendar_chart,
    convergence_chart,
    interval_minutes,
    local_slots,
    place_map,
    promises_chart,
)
from portal.fairness.reading import Listed
from portal.fairness.sections import points_table, sections, units_table
from portal.fairness.shown import DAYS
from portal.fairness.summary import own_sentences, short_headline, standing, summary, worse
from portal.management import base
from portal.management.commands import fairness
from portal.management.console import progress_bar
from rulebook.documents import GridModel
from rulebook.folders import read_files
from settlement.fairness.definitions import FIGURES
from settlement.fairness.make import MadeReport
from tests.conftest import ROOT
from tests.portal.fairness_example import EVEN, ZONE, example, public_example


@pytest.fixture(scope="module")
def grid() -> GridModel:
    ((_, document),), _ = read_files([ROOT / "scenarios/gb12/grid-model.yaml"])
    return document


def plain(said) -> str:
    return str(said).replace("\xa0", " ")


def section_of(report, key: str, grid=None):
    found = sections(report, grid, ZONE, lambda day: f"/day/{day}/")
    return next(each for each in found if each.key == key)


def table_of(section, title: str):
    return next(each for each in section.tables if each.title == title)


def cells(table) -> dict[str, tuple[str, ...]]:
    return {row.title: tuple(map(plain, row.cells)) for row in table.rows}


def test_a_report_says_first_what_was_broken_refused_wasted_and_bounded():
    assert [plain(sentence) for sentence in summary(example())] == [
        "1 promise of 2 was broken: P4 at N0 in 2024-03, 99.36 % of 99.9 %.",
        "3 MWh was refused for good, and 1.5 MWh was refused first and served within its "
        "window. 250 MWh still waited when the last day ended.",
        "Nothing was wasted: in every interval all that the network could serve of what was "
        "wanted was offered, to the watt.",
        "Prices stayed within the floor and the cap of the rules, and were at one of them in 2 "
        "intervals of 94.",
    ]


@pytest.mark.parametrize(
    ("refused_wh", "deferred_wh", "owed_wh", "said"),
    [
        (0, 5_000_000, 0, "Nothing was refused for good: 5 MWh was refused first and served within "
         "its window."),
        (5_000_000, 0, 0, "5 MWh was refused for good, and nothing was served late."),
        (0, 0, 5_000_000, "5 MWh still waited when the last day ended."),
    ],
)  # fmt: skip
def test_of_what_did_not_happen_no_amount_is_said(refused_wh, deferred_wh, owed_wh, said):
    changes = {"refused_wh": refused_wh, "deferred_wh": deferred_wh, "owed_wh": owed_wh}
    assert plain(list(summary(example() | changes))[1]) == said


def test_everybody_is_told_of_quiet_days_and_withheld_amounts_in_words():
    quiet = [row | {"short_intervals": 0} for row in public_example()["calendar"]]
    changes = {"refused_wh": None, "calendar": quiet}
    assert list(summary(public_example() | changes))[1].startswith("Nothing was refused")
    findings = [
        {"figure": "carbon_g", "design": design, "ours": None, "theirs": None}
        for design in ("nodal", "flat")
    ]
    assert worse(public_example() | {"findings": findings}) == (
        "Carbon: worse here than under the nodal price and the flat tariff; the amounts are "
        "withheld.",
    )


def test_a_day_on_which_all_that_was_refused_was_served_late_says_nothing_of_0_mwh():
    report = example()
    report["calendar"][1] |= {"missed_wh": 0}
    said = day_shown(report, dt.date(2024, 3, 31), ZONE).said
    assert "not all was served when it was wanted: 1.5 MWh was served late. " in plain(said)


def test_units_and_supply_points_stand_in_the_order_of_their_numbers():
    units = [example()["units"][0] | {"unit": name} for name in ("G1", "G10", "G2")]
    assert [row.title for row in units_table(units, "GBP").rows] == ["G1", "G2", "G10"]
    point = example()["supply_points"][0]
    points = [point | {"supply_point": name} for name in ("P1/N1", "P1/N16", "P1/N2")]
    named = [row.title for row in points_table(points, "GBP").rows]
    assert named == ["P1/N1", "P1/N2", "P1/N16"]


def test_columns_of_words_and_days_are_told_from_those_of_figures():
    delivery = section_of(example(), "delivery")
    worst = table_of(delivery, "Intervals that were shortest")
    assert dict(zip(worst.columns, worst.is_text, strict=True)) == {
        "Refused for good": False, "Served late": False, "At": True,
    }  # fmt: skip
    assert not any(table_of(delivery, "By product").is_text)


def test_evenness_that_differs_in_its_last_part_is_not_written_alike():
    report = example()
    report["access"] = {whom: EVEN | {"jain_ppm": 999_991} for whom in ("nodes", "households")}
    table = table_of(section_of(report, "access"), "How evenly what was wanted was delivered")
    assert cells(table)["Jain index of nodes"][:2] == ("0.999991", "1.000")


def test_promises_that_were_all_kept_or_cannot_be_judged_are_said_so():
    report = example() | {"promises": 40, "promises_kept": 40}
    assert next(summary(report)) == "All 40 promises were kept."
    assert "no promise can be judged yet" in next(summary(report | {"promises": 0}))
    assert "No law of these days promised" in next(summary(report | {"groups": []}))


def test_where_the_market_does_worse_is_said_figure_by_figure_with_both_values():
    assert [plain(sentence) for sentence in worse(example())] == [
        "Charges per MWh: £90.00 per MWh here, £80.00 per MWh under the nodal price and £85.00 "
        "per MWh under the uniform price."
    ]
    cost, delivery = (section_of(example(), key) for key in ("cost", "delivery"))
    assert len(cost.worse) == 1 and delivery.worse == ()
    said = example() | {"is_compared": True, "is_superseded": False}
    assert short_headline(said) == "1 of 2 promises kept; worse than another design in 1 figure"
    assert "in no figure" in short_headline(said | {"findings": []})
    assert short_headline(said | {"is_compared": False}).endswith("; beside no other design")
    assert short_headline(said | {"is_superseded": True}).endswith("; a later run was posted since")


def test_every_figure_stands_once_with_its_definition_formula_and_source(grid):
    found = list(sections(example(), grid, ZONE, lambda day: ""))
    named = [row.title for each in found for row in table_of(each, "In figures").rows]
    assert named == [figure.title for figure in FIGURES]
    defined = [one for each in found for one in each.definitions]
    assert [one.title for one in defined] == named
    assert all(one.definition and one.formula and one.source and one.unit for one in defined)


def test_designs_stand_beside_and_a_dash_where_one_has_no_such_figure():
    table = table_of(section_of(example(), "cost"), "In figures")
    assert table.columns == ("This market", "Nodal price", "Uniform price", "Flat tariff")
    assert cells(table)["Charges per MWh"] == (
        "£90.00 per MWh", "£80.00 per MWh", "£85.00 per MWh", "£99.00 per MWh",
    )  # fmt: skip
    assert cells(table)["Spread between places, at most"] == ("–", "–", "–", "–")
    alone = example() | {"designs": {"why_not": "a solver found no dispatch"}}
    assert "a solver found no dispatch" in " ".join(section_of(alone, "reward").said)


def test_delivery_stands_beside_promises_to_the_last_part_per_million():
    table = table_of(section_of(example(), "delivery"), "By product")
    assert cells(table)["Product P4"][:3] == ("99.9 %", "99.36 %", "0 of 1")
    chart = next(each for each in section_of(example(), "delivery").charts)
    assert "broken: P4 Product P4" in chart.alternative


def test_the_shortest_intervals_lead_to_their_day():
    table = table_of(section_of(example(), "delivery"), "Intervals that were shortest")
    (row,) = table.rows
    assert (row.title, row.address) == ("31 Mar 2024, 02:00", "/day/2024-03-31/")


def test_what_is_withheld_has_no_column_and_no_energy_is_told_of_a_day(grid):
    found = list(sections(public_example(), grid, ZONE, lambda day: ""))
    delivery = next(each for each in found if each.key == "delivery")
    assert table_of(delivery, "By product").columns == ("Promised", "Delivered", "Promises kept")
    assert table_of(delivery, "Intervals that were shortest").columns == ("At",)
    told = plain([(t, [c.alternative for c in each.charts]) for each in found for t in each.tables])
    assert "3 MWh" not in told.replace(plain(table_of(delivery, "In figures")), "")
    charts = {chart.key: chart for each in found for chart in each.charts}
    assert plain(charts["calendar"].alternative).endswith(
        "1 of 2 days were short; most on 31 Mar 2024, 1.05 % of what was due."
    )
    assert plain(charts["places"].table.columns[-1]) == "Refused for good, of what was due"


def test_a_month_is_shaded_by_local_half_hours_and_the_hour_that_was_left_out_is_none():
    chart = calendar_chart(example(), ZONE)
    assert [tuple(map(plain, row)) for row in chart.table.rows] == [
        ("31 Mar 2024", "2", "3 MWh", "1.5 MWh", "02:00"),
    ]
    assert chart.table.note.startswith("On 1 other day all was served when it was wanted.")
    slots = local_slots("2024-03-31", ZONE, 30, 30)
    assert {2, 3}.isdisjoint(slots) and len(slots) == 46
    assert interval_minutes(example(), ZONE) == 30


def test_the_hour_that_comes_twice_stands_in_one_and_the_note_says_so():
    day = "2024-10-27"
    row = dict(example()["calendar"][1], day=day)
    row |= {"interval_missed_wh": [0, 0, 5, 0, 7, *[0] * 45], "interval_deferred_wh": [0] * 50}
    report = example() | {"calendar": [row], "first_day": day, "last_day": day, "intervals": 50}
    chart = calendar_chart(report, ZONE)
    assert "the hour that came twice" in chart.table.note
    assert "clock was turned back" not in calendar_chart(example(), ZONE).table.note
    assert chart.table.rows[0][-1] == "01:00"


def test_a_year_is_shaded_by_days_of_months():
    quiet = example()["calendar"][0]
    days = [dt.date(2024, 1, 1) + dt.timedelta(at) for at in range(366)]
    rows = [dict(quiet, day=str(day)) for day in days]
    rows[45] |= {"missed_wh": 2_000_000, "short_intervals": 3}
    chart = calendar_chart(example() | {"calendar": rows}, ZONE)
    told = [tuple(map(plain, row)) for row in chart.table.rows]
    assert len(told) == 12
    assert told[1] == ("February 2024", "1", "2 MWh", "0 kWh", "15 Feb 2024")
    assert told[0] == ("January 2024", "0", "0 kWh", "0 kWh", "–")


def test_the_map_of_the_holarchy_is_shaded_by_what_its_parts_were_short_of(grid):
    chart = place_map(example(), grid)
    rows = {row[4].partition(",")[0]: tuple(map(plain, row[5:])) for row in chart.table.rows}
    assert rows["N0"] == ("3 MWh", "1.5 MWh", "1 %")
    assert rows["N1"] == ("–", "–", "–")
    assert "1 of 12 were short: " in chart.alternative


def test_a_participant_is_told_its_own_units_and_points():
    report = example()
    units, points = report["units"], report["supply_points"]
    own = [plain(each) for each in own_sentences({"units": units, "supply_points": points}, "GBP")]
    assert own == [
        "1 supply point of 2 missed 3 MWh that was due; £2,000 was charged for them.",
        "£5,000 was paid to 2 units; 1 unit would earn the capital in the years that were "
        "expected.",
    ]
    assert cells(units_table(units, "GBP"))["G1"][2:] == (
        "+2.50 %", "£2,500", "12.3 years", "20 years",
    )  # fmt: skip


def test_a_day_tells_when_by_the_local_clock_and_where():
    shown = day_shown(example(), dt.date(2024, 3, 31), ZONE)
    where, when = shown.tables
    assert cells(where)["N0"] == ("3 MWh", "1.5 MWh", "0.7 %", "0.35 %")
    assert list(cells(when)) == ["02:00 BST", "16:00 BST"]
    assert (shown.before, shown.after) == (dt.date(2024, 3, 30), None)
    assert day_shown(example(), dt.date(2024, 4, 1), ZONE) is None
    quiet = day_shown(example(), dt.date(2024, 3, 30), ZONE)
    assert quiet.said.startswith("All was served when it was wanted. ") and quiet.tables == ()


def test_everybody_is_told_of_a_day_in_parts_alone():
    shown = day_shown(public_example(), dt.date(2024, 3, 31), ZONE)
    (where,) = shown.tables
    assert "MWh" not in shown.said
    assert [chart.key for chart in shown.charts] == ["prices"]
    assert where.columns == (
        "Refused for good, of what was due", "Served late, of what was due",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [("2024-02", "February 2024"), ("2024", "2024"),
     ("2024-03-30..2024-03-31", "30 Mar 2024 to 31 Mar 2024")],
)  # fmt: skip
def test_a_period_has_one_address_and_a_name(text, words):
    first, last = parse_period(text)
    assert period_of(first, last) == text
    assert period_words(first, last) == words


@pytest.mark.parametrize(
    "text",
    ["", "24", "2024-1", "2024-13", "20240101", "2024-01-01..2024-01-31", "2024-01-01..2024-12-31",
     "2024-03-31..2024-03-30", "2024-03-30..", "0000", "9999-12", "2024-02-30..2024-03-01"],
)  # fmt: skip
def test_no_other_text_is_a_period(text):
    assert parse_period(text) is None


def test_a_report_says_whether_it_still_is_of_what_is_posted():
    assert standing(is_superseded=False, is_latest=True) == ""
    # One without other designs, and then one with them, are of the same runs.
    assert "run was posted" not in standing(is_superseded=False, is_latest=False)
    assert "No report of it has been made yet" in standing(is_superseded=True, is_latest=True)
    later = standing(is_superseded=True, is_latest=False)
    assert "A later run of some of these days was posted" in later and "No report" not in later


def test_examples():
    for module in (base, summary_module, words):
        assert doctest.testmod(module).failed == 0, module


def told_by_the_command(report) -> list[str]:
    outcome = fairness.Reported(MadeReport("gb12", (), b"", report), None)
    return list(map(plain, fairness.Command().lines(outcome, Namespace())))


def test_the_command_writes_every_figure_and_sentence_as_the_page_does():
    report = example()
    report["figures"] = [
        row | ({"value": 21_296_812_345} if row["code"] == "deferred_wh" else {})
        for row in report["figures"]
    ]
    lines = told_by_the_command(report)
    assert any("21,297 MWh" in line for line in lines), "to the nearest, as on the page"
    columns = [re.split(r" {2,}", line) for line in lines]
    tables = [table_of(section, "In figures") for section in sections(report, None, ZONE, str)]
    tables += [table_of(section_of(report, key), "By product") for key in ("delivery", "cost")]
    for table in tables:
        for title, written in cells(table).items():
            found = [row[1:] for row in columns if row[0].endswith(f" {title}")]
            assert [*written] in found, title
    for sentence in worse(report):
        assert any(plain(sentence) in line for line in lines), sentence


@pytest.mark.parametrize("price", [699_990_000, 700_000_000, 123_456_789_000_000])
def test_no_price_touches_the_next_column_of_the_command(price):
    report = example()
    report["figures"] = [
        row | ({"value": price, "designs": dict.fromkeys(row["designs"], price)}
               if row["code"] == "cost_micro_per_mwh" else {})
        for row in report["figures"]
    ]  # fmt: skip
    (line,) = [each for each in told_by_the_command(report) if "F4 Charges per MWh" in each]
    assert len(re.split(r" {2,}", line)) == 1 + 1 + len(report["figures"][0]["designs"])


@pytest.mark.parametrize(
    ("designs", "why"),
    [(None, "They were not asked for when it was made"),
     ({"why_not": "2024-03-30: no optimum"}, "They could not be solved (2024-03-30: no optimum)")],
)  # fmt: skip
def test_where_no_design_stands_beside_page_and_command_say_why_and_how_to_have_them(designs, why):
    figures = [row | {"designs": {}} for row in example()["figures"]]
    report = example() | {"designs": designs, "figures": figures, "findings": []}
    said = (" ".join(section_of(report, "reward").said), told_by_the_command(report)[-1])
    for each in said:
        assert why in each
        assert "manage.py fairness gb12 --from 2024-03-30 --to 2024-03-31 --keep" in each


def test_every_day_leads_further_down_though_nobody_was_short():
    report = example()
    report["calendar"] = [report["calendar"][0]]
    (section,) = days_section(report, lambda day: f"/day/{day}/")
    row = section.tables[0].rows[0]
    assert (row.title, row.address) == ("30 Mar 2024", "/day/2024-03-30/")
    assert row.cells[0] == "0"


def test_figures_lead_to_days_whose_parts_add_up_to_them():
    for made in (example(), public_example()):
        (section,) = days_section(made, lambda day: f"/day/{day}/")
        assert section.key == DAYS
        figures = [row for each in sections(made, None, ZONE, str) for row in
                   table_of(each, "In figures").rows]  # fmt: skip
        assert {row.address for row in figures} == {f"#{DAYS}"}
        (table,) = section.tables
        *days, whole = table.rows
        assert [row.address for row in days] == [
            f"/day/{row['day']}/" for row in made["by_interval"]
        ]
        assert whole.title == ALL_DAYS and not whole.address
        assert ("Carbon" in table.columns) is ("units" in made) and "Wasted" in table.columns


def test_a_year_leads_to_the_reports_of_its_months():
    year = example() | {"days": 366, "by_interval": []}
    said = {"promises": 2, "promises_kept": 2, "findings": [], "is_compared": True,
            "is_superseded": False}  # fmt: skip
    days = (dt.date(2024, 3, 1), dt.date(2024, 3, 31))
    now = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
    kept = Listed(uuid.UUID(int=1), "gb12", *days, now, b"", said)
    (section,) = days_section(year, str, [kept])
    ((row,),) = (table.rows for table in section.tables)
    assert row.address == "/fairness/gb12/2024-03/" and "2 of 2 promises kept" in row.cells[0]
    (section,) = days_section(year, str)
    assert "--month 2024-03 --keep" in section.tables[0].lead


def test_names_beside_the_map_are_read_from_the_left_and_figures_from_the_right(grid):
    table = place_map(example(), grid).table
    assert table.is_text == (True,) * (len(table.columns) - 3) + (False,) * 3


def test_progress_is_announced_where_it_begins(capsys):
    with progress_bar("Solving other designs"):
        pass
    assert capsys.readouterr().err == ""
    with progress_bar("Solving other designs") as move:
        move(0, 2)
        move(1, 2)
    assert capsys.readouterr().err == "Solving other designs\n"


def test_a_count_of_units_says_of_how_many():
    report = example()
    row = next(row for row in report["figures"] if row["code"] == "units_paid_back")
    row["value"] = 1
    found = cells(table_of(section_of(report, "reward"), "In figures"))
    assert found["Units that earn their capital in time"] == ("1 of 2", "–", "–", "–")


def test_intervals_of_a_day_stand_by_the_clock_with_what_they_come_to():
    shown = day_shown(example(), dt.date(2024, 3, 30), ZONE)
    charts = {chart.key: chart for chart in shown.charts}
    assert list(charts) == ["prices", "service", "money", "energy"]
    whole, first, *_ = charts["money"].table.rows
    assert tuple(map(plain, first))[:3] == ("00:00 GMT", "£180.00", "£170.00")
    # 48 of £180, of £170 and of £10.
    assert tuple(map(plain, whole))[:3] == ("The day", "£8,640", "£8,160")
    prices = charts["prices"].table
    assert dict(zip(prices.columns, prices.is_text, strict=True))["Layer of the highest"]
    assert list(prices.rows[0][1:3]) == ["£50.00", "–"]
    assert charts["service"].table.rows[0][5] == "–"  # what waits adds up to nothing
    assert "No price was at the floor or the cap" in shown.said


def test_everybody_is_told_the_prices_of_intervals_and_no_energy_of_any():
    shown = day_shown(public_example(), dt.date(2024, 3, 30), ZONE)
    (chart,) = shown.charts
    assert chart.key == "prices" and "Tightness" in chart.table.columns
    assert "MWh" not in plain(chart.table.rows)


def test_what_makes_other_designs_differ_beside_how_they_serve_is_said_where_they_stand():
    said = section_of(example(), "reward").said
    assert any("used and generated by nobody" in each for each in said)
    alone = example()
    alone["designs"] = None
    assert not any("generated by nobody" in each for each in section_of(alone, "reward").said)


def test_more_products_behind_than_lines_can_be_told_apart_are_drawn_by_those_most_behind():
    report = example()
    report["convergence"] = [
        {"month": "2024-03", "node": "N0", "product": f"P{number}",
         "days": [{"day": "2024-03-31", "shortfall_ppm": 1_000 * number}]}
        for number in range(1, 6)
    ]  # fmt: skip
    chart = convergence_chart(report)
    assert "of 5 products the 4 that were most" in chart.title
    assert [title.split()[0].rstrip(",") for title in chart.table.columns[1:]] == [
        "P2", "P3", "P4", "P5",
    ]  # fmt: skip
    report["convergence"] = report["convergence"][:2]
    assert "products" not in convergence_chart(report).title


def test_a_product_keeps_its_promises_where_every_node_does_and_not_by_their_sum():
    report = example()
    product = report["products"][0]
    product |= {"promises": 8, "promises_kept": 7}  # 99.9 % of 99.5 % were delivered of all
    report["products"] = [product]
    assert promises_chart(report).table.rows[0][-1] == "no"
    # What everybody is told of what was delivered is rounded down, below what was promised.
    product |= {"promises_kept": 8, "delivered_ppm": 990_000}
    assert promises_chart(report).table.rows[0][-1] == "yes"
