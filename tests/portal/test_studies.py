"""Studies in the portal: the list, the report of one, its runs, and nothing to see yet."""

import dataclasses
import doctest
import html

import pytest
from django.urls import reverse

from portal import study_figures
from portal.queries import studies
from portal.queries.studies import shock_in_words
from portal.study_figures import index, money, percent
from portal.study_tables import compare
from settlement.studies.overlay import (
    DemandSurge,
    FuelPrice,
    LineOutage,
    Outage,
    PriceResponse,
    WindDrought,
)
from settlement.studies.sweep import Cell


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_examples_are_true():
    assert doctest.testmod(study_figures).failed == 0


def test_the_list_names_the_study_and_leads_to_it(sign_in, site):
    page = text(sign_in("regulator"), "/studies/")
    assert "A hard winter week" in page
    assert f"/studies/{site.study}/" in page


def test_an_empty_list_says_how_to_begin(sign_in, monkeypatch):
    monkeypatch.setattr(studies, "list_studies", lambda _: [])
    page = text(sign_in("auditor"), "/studies/")
    assert "No study yet" in page
    assert "scenarios/overlays" in page


def test_a_study_shows_its_shocks_and_every_design(sign_in, site):
    page = text(sign_in("operator"), f"/studies/{site.study}/")
    for words in (
        "G2 loses 100\xa0% of its available power, on every day.",
        "25\xa0% of available wind power is left",
        "from 16:00 to 21:00",
        "Flexible demand of P2 and P4 waits", "Demand that answers the price", "Energy that waited",
        "Market maker", "Nodal price", "Uniform price", "Flat tariff",
        "Energy not served", "Volatility", "Charges less payments", "Gini index", "Nothing, ever",
    ):  # fmt: skip
        assert words in page
    assert f"/runs/{site.study}/" in page
    assert "/runs/" not in text(sign_in("regulator"), f"/studies/{site.study}/")


def test_a_study_in_a_closed_loop_shows_where_it_settles(sign_in, site, monkeypatch):
    cell = Cell(1_000, 500_000, 1, 1, 100, 1, 0)
    cells = [cell, dataclasses.replace(cell, last_micro_per_mwh=2, turns_ppm=1_000_000)]
    loop = {
        "start": "2024-01-02T17:30:00+00:00",
        "products": ["P2", "P4"],
        "stated_response_ppm_per_unit": 1_500,
        "responses_ppm_per_unit": [1_000, 2_000],
        "slopes_ppm": [500_000],
        "cells": [each.as_json() for each in cells],
    }
    found = studies.study_page

    def looped(session, run_id):
        return dataclasses.replace(found(session, run_id), loop=studies._loop(loop))

    monkeypatch.setattr(studies, "study_page", looped)
    page = text(sign_in("operator"), f"/studies/{site.study}/")
    for words in (
        "Demand that answers the price", "P2 and P4 let answer", "0.15\xa0% that is assumed",
        "1 of 2 cells settle", "oscillating", "17:30",
    ):  # fmt: skip
        assert words in page


def test_a_run_of_a_study_says_that_it_is_never_posted(sign_in, site):
    page = text(sign_in("operator"), f"/runs/{site.study}/")
    assert "Run of a study" in page
    assert "never posted" in page
    assert reverse("study", args=[site.study]) in page
    assert "Money and energy" not in page


def test_a_run_without_a_study_is_not_found_there(sign_in, site):
    assert sign_in("operator").get(f"/studies/{site.first_run}/").status_code == 404


def test_navigation_leads_there_only_for_those_who_may(sign_in):
    assert "/studies/" in text(sign_in("regulator"), "/rules/")
    assert "/studies/" not in text(sign_in("owner"), "/rules/")


@pytest.mark.parametrize(
    ("shock", "words"),
    [
        (Outage(units=("A", "B"), lost_ppm=500_000),
         "A and B lose 50\xa0% of their available power, on every day."),
        (WindDrought(left_ppm=0, last_day="2024-01-03"),
         "0\xa0% of available wind power is left, from the first day to 2024-01-03."),
        (DemandSurge(nodes=("N0",), factor_ppm=1_100_000, from_time="16:00"),
         "All demand at N0 is 110\xa0% of what it was, from 16:00 to 24:00, on every day."),
        (FuelPrice(technologies=("gas",), units=("U3",), added_micro_per_mwh=5_000_000),
         "Offers of gas and U3 are 100\xa0% of what they were, and £5.00 per\xa0MWh more, "
         "on every day."),
        (LineOutage(lines=("A-B",), first_day="2024-01-02"),
         "0\xa0% of the rating of A-B is left, from 2024-01-02."),
        (PriceResponse(products=("P2", "P4"), reference_price_micro_per_mwh=90_000_000,
                       response_ppm_per_unit=2_000, most_moved_ppm=300_000, assumption="A guess"),
         "Flexible demand of P2 and P4 waits: 0.2\xa0% of it for each £1.00 per\xa0MWh by which "
         "the price of the interval before exceeds £90.00 per\xa0MWh, at most 30\xa0% "
         "(assumed: A guess), on every day."),
    ],
)  # fmt: skip
def test_shocks_read_as_sentences(shock, words):
    assert shock_in_words(shock, "GBP") == words


def test_cells_say_which_way_a_figure_went():
    assert compare(1, 1_000_000_000, money, "GBP").direction == "up"
    assert compare(None, 5, percent, "").before == "–"
    assert compare(120_400, 120_100, index, "").direction == "same"  # alike as they are written
