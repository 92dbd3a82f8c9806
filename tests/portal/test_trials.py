"""Trials in the portal: the list, the report of one, its files, and nothing to see yet."""

import csv
import html
import io
import json
import uuid

from database.session import transaction
from portal.queries import trials
from settlement.trials.store import find_trial


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_list_says_what_each_moves_and_leads_to_it(sign_in, site):
    page = text(sign_in("regulator"), "/trials/")
    assert "The draft gives £" in page
    assert f"/trials/{site.trial}/" in page


def test_an_empty_list_says_how_to_begin(sign_in, monkeypatch):
    monkeypatch.setattr(trials, "list_trials", lambda _: [])
    page = text(sign_in("auditor"), "/trials/")
    assert "No draft was tried yet" in page
    assert "manage.py trial MARKET --draft FILE" in page


def test_a_trial_says_what_changes_who_gains_and_how_to_reproduce_it(sign_in, site):
    page = text(sign_in("regulator"), f"/trials/{site.trial}/")
    for words in (
        "As metered: nobody is taken to have acted otherwise",
        "market-rules, price cap: £6,000.00 per\xa0MWh → £60.00 per\xa0MWh",
        "market-rules, price cap: £6,000.00 per\xa0MWh → £80.00 per\xa0MWh",
        "Who gains and who loses", "foundry-business-power", "Kept by equalisation",
        "By kind of line", "By product", "By zone", "By month", "Nothing, ever", "nothing changes",
        "Draft: who gains and who loses. 0 lose, 1 gain, of 1",
        "Prices of all places, highest first.",
        f"manage.py replay {site.trial}",
    ):  # fmt: skip
        assert words in page, words


def test_the_files_hold_the_exact_numbers(sign_in, site):
    client = sign_in("regulator")
    found = client.get(f"/trials/{site.trial}/trial.json")
    report = json.loads(found.content)
    assert found["Content-Disposition"] == f'attachment; filename="trial-{site.trial}.json"'
    rows = list(
        csv.DictReader(io.StringIO(client.get(f"/trials/{site.trial}/trial.csv").content.decode()))
    )
    participants = {row["name"]: row for row in rows if row["dimension"] == "participant"}
    assert participants.keys() == {row["participant"] for row in report["participants"]}
    for row in report["participants"]:
        told = participants[row["participant"]]
        for column in ("law_micro", "draft_micro", "second_micro", "second_difference_micro"):
            assert int(told[column]) == row[column]
    whole = sum(int(row["difference_micro"]) for row in participants.values())
    kinds = [int(row["difference_micro"]) for row in rows if row["dimension"] == "kind"]
    assert sum(kinds) == whole != 0


def test_the_report_on_the_page_is_the_stored_one(sign_in, site):
    with transaction(site.engine) as session:
        stored = find_trial(session, uuid.UUID(site.trial))
    assert stored is not None
    shown = json.loads(sign_in("auditor").get(f"/trials/{site.trial}/trial.json").content)
    assert shown == stored.report


def test_a_trial_that_is_not_there_is_not_found(sign_in, site):
    client = sign_in("operator")
    for ending in ("", "trial.csv", "trial.json"):
        assert client.get(f"/trials/{site.first_run}/{ending}").status_code == 404


def test_navigation_leads_there_only_for_those_who_may(sign_in):
    assert "/trials/" in text(sign_in("regulator"), "/rules/")
    assert "/trials/" not in text(sign_in("owner"), "/rules/")
