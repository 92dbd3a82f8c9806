"""Statements of account, ageing and credit in the portal: own or all, on paper and as CSV."""

import csv
import html
import io
import re

import pytest

from tests.portal.site import GENERATOR, MARKET, OUTSIDER, SUPPLIER


def shown(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def page_of(participant):
    return f"/accounts/{MARKET}/{participant}/"


def rows_of(client, participant, **asked):
    answer = client.get(f"{page_of(participant)}statement.csv", asked)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_a_participant_sees_its_own_account_and_an_auditor_all(sign_in):
    own = shown(sign_in("owner"), "/accounts/")
    assert page_of(SUPPLIER) in own
    assert GENERATOR not in own and OUTSIDER not in own
    every = shown(sign_in("auditor"), "/accounts/")
    assert all(page_of(one) in every for one in (SUPPLIER, GENERATOR, OUTSIDER))
    assert "All participants" in every


@pytest.mark.parametrize("participant", [SUPPLIER, GENERATOR, OUTSIDER])
def test_the_csv_opens_runs_and_closes(sign_in, participant, documents):
    rows = rows_of(sign_in("auditor"), participant)
    opening, *lines, closing = rows
    assert (opening["entry"], closing["entry"]) == ("opening", "closing")
    balance = int(opening["balance_micro"])
    for row in lines:
        balance += int(row["amount_micro"])
        assert balance == int(row["balance_micro"])
    assert balance == int(closing["balance_micro"])
    issued = {row["document"] for row in lines if row["entry"] == "document"}
    assert issued == {one.number for one in documents[participant]}


def test_a_paid_account_comes_to_nothing(sign_in):
    closing = rows_of(sign_in("auditor"), GENERATOR)[-1]
    assert closing["balance_micro"] == "0"
    page = shown(sign_in("generator"), page_of(GENERATOR))
    assert "Payment made" in page and "Nothing is open" in page


def test_a_payment_names_the_account_it_went_to_whatever_is_registered_later(sign_in):
    paid = [row for row in rows_of(sign_in("auditor"), GENERATOR) if row["entry"] == "payment"]
    (account,) = {row["bank_account"] for row in paid}
    assert account.startswith("GB")
    page = shown(sign_in("generator"), page_of(GENERATOR))
    assert f"the account {account}" in page


def test_a_period_is_chosen_and_a_wrong_one_is_said(sign_in):
    client = sign_in("owner")
    later = shown(client, f"{page_of(SUPPLIER)}?from=2099-01-01&to=2099-01-31")
    assert "Nothing moved in this period" in later
    page = shown(client, f"{page_of(SUPPLIER)}?from=tomorrow&to=9999-12-31", 400)
    assert "“tomorrow” is not a day" in page and "“9999-12-31” is not a day" in page
    assert "ends before it begins" in shown(
        client, f"{page_of(SUPPLIER)}?from=2024-06-01&to=2024-05-01", 400
    )


def test_what_is_overdue_later_is_seen_on_a_later_day(sign_in):
    client = sign_in("auditor")
    assert "Nothing was open" in shown(client, "/accounts/?on=2020-01-01")
    assert "is not a day" in shown(client, "/accounts/?on=soon", 400)
    page = shown(client, f"/accounts/{MARKET}/{SUPPLIER}/")
    assert "Statement of account" in page


@pytest.mark.parametrize("address", [page_of("nobody"), "/accounts/other/hearth-energy/"])
def test_an_account_that_is_not_there_looks_like_one_of_others(sign_in, address):
    assert sign_in("auditor").get(address).status_code == 404
    assert sign_in("outsider").get(address).status_code == 404


def test_credit_is_in_words_and_own_or_all(sign_in):
    every = shown(sign_in("regulator"), "/credit/")
    assert "Within" in every and "Headroom" in every
    assert all(one in every for one in (SUPPLIER, GENERATOR, OUTSIDER))
    assert re.search(r"Guarantee \d+ \(guarantee\)", every)
    own = shown(sign_in("owner"), "/credit/")
    assert SUPPLIER in own and GENERATOR not in own
    early = shown(sign_in("auditor"), "/credit/?on=2001-01-01")
    assert "– There is no exposure to state" in early and "in force" in early
    assert "No account for you to see" in shown(sign_in("unlinked participant"), "/credit/")
