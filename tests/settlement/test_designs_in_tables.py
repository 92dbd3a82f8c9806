"""Tables of studies and trials on other designs, of this release and of those before it."""

import copy

import pytest

from portal.study_tables import tables as study_tables
from portal.trials.tables import tables as trial_tables
from settlement.baselines.designs import BASELINES, MARGINAL, Design
from tests.settlement.study_cases import metered, study_tiny
from tests.settlement.trial_cases import try_tiny
from tests.worlds.rolled_back import rolled_back


def table(tables, key):
    return next((each for each in tables if each.key == key), None)


def cells(found, title):
    return [cell.after for cell in next(row for row in found.rows if row.title == title).cells]


@pytest.fixture
def reports(world_of):
    """The report of a trial, and that of a study."""
    with rolled_back(world_of(metered)[0]) as session:
        yield try_tiny(session).trial.report, study_tiny(session).study.report


def test_a_trial_shows_who_is_served_and_says_what_is_not_billed(reports):
    found = table(trial_tables(reports[0]), "totals")
    law, draft, *designs = cells(found, "Energy served")
    assert (draft, len(designs)) == ("–", 3)
    assert "MWh" in law and all("MWh" in each for each in designs)
    assert cells(found, "Carbon dioxide, t") == ["–"] * 5
    assert "would not be served, and are not billed." in found.lead
    assert "No registration states the carbon intensity of U1, " in found.lead


def test_what_is_not_billed_is_stated_of_designs_with_marginal_prices_alone(reports):
    trial, study = reports
    of_trial = cells(table(trial_tables(trial), "totals"), "Not billed, as not served")
    of_study = cells(table(study_tables(study), "service"), "Not billed, as not served")
    law, draft, *of_baselines = of_trial
    assert (law, draft) == ("–", "–")
    for found, designs in ((of_baselines, BASELINES), (of_study, Design)):
        for words, design in zip(found, designs, strict=True):
            assert (words == "–") == (design not in MARGINAL)


def test_a_study_has_a_table_of_service_by_design(reports):
    found = table(study_tables(reports[1]), "service")
    served = cells(found, "Energy served")
    assert len(served) == 4
    assert cells(found, "Carbon dioxide, t") == ["–"] * 4
    assert "No registration states" in found.lead
    assert table(study_tables(reports[1]), "operation").columns == ("Market maker",)


def test_no_figure_of_the_market_maker_stands_twice_in_a_study(reports):
    titles = [
        row.title
        for key in ("operation", "service")
        for row in table(study_tables(reports[1]), key).rows
    ]
    assert len(titles) == len(set(titles))
    assert {"Energy asked for", "Energy not served", "Worst served supply point"} <= set(titles)


def test_reports_of_earlier_releases_are_shown_as_they_were(reports):
    trial, study = (copy.deepcopy(report) for report in reports)
    del trial["baselines"]["law"]
    for design in trial["baselines"].values():
        for name in ("served_wh", "not_billed_micro", "carbon_g", "carbon_not_stated"):
            del design[name]
    found = table(trial_tables(trial), "totals")
    assert "also what they would not serve" in found.lead
    assert not [row for row in found.rows if row.title == "Energy served"]
    for design in study["designs"].values():
        for side in design.values():
            del side["service"]
    for party in study["parties"]:
        for side in ("before", "after"):
            party[side]["energy_wh"] = party[side]["energy_wh"]["settled"]
    assert table(study_tables(study), "service") is None
    operation = table(study_tables(study), "operation")
    assert operation.columns == ("All designs",)
    assert "MWh" in cells(operation, "Energy not served")[0]
    assert table(study_tables(study), "charges").rows
