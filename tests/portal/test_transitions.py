"""Transition reports in the portal: whole for who oversees, its own rows for a participant."""

import html

from portal.fairness.transitions import told_sums_table
from tests.portal.site import MARKET, SUPPLIER


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_list_leads_to_the_report_and_fairness_leads_to_the_list(sign_in, site):
    client = sign_in("owner")
    assert "/transitions/" in text(client, "/fairness/")
    page = text(client, "/transitions/")
    assert f"/transitions/{site.transition}/" in page
    assert MARKET in page and "30 Mar 2024 to 31 Mar 2024" in page


def test_who_oversees_reads_every_row_and_a_picture(sign_in, site):
    page = text(sign_in("regulator"), f"/transitions/{site.transition}/")
    assert "Every party" in page and "Who gains by the law of today" in page
    assert f"{SUPPLIER}, P1" in page and "meridian-thermal, gas" in page
    assert "<svg" in page and "94" in page
    assert "/runs/" not in page  # of which a regulator is shown none


def test_a_participant_reads_its_own_rows_and_of_others_sums(sign_in, site):
    page = text(sign_in("owner"), f"/transitions/{site.transition}/")
    assert f"{SUPPLIER}, P1" in page and "What is withheld" in page and "All that is paid" in page
    assert "meridian-thermal" not in page and "Every party" not in page and "<svg" not in page


def test_whoever_is_no_participant_reads_sums_alone(sign_in, site):
    page = text(sign_in("nobody"), f"/transitions/{site.transition}/")
    assert "What is withheld" in page and SUPPLIER not in page


def test_a_report_that_is_not_there_is_not_found(sign_in, site):
    nobody = "00000000-0000-4000-8000-000000000000"
    for visitor in ("regulator", "owner"):
        assert sign_in(visitor).get(f"/transitions/{nobody}/").status_code == 404


def test_an_empty_list_says_how_to_begin(sign_in, monkeypatch):
    monkeypatch.setattr("portal.views.transitions.list_transitions", lambda _: [])
    assert "--keep" in text(sign_in("operator"), "/transitions/")


def test_what_is_told_is_a_table_and_what_is_withheld_a_list():
    told = {"law_micro": 5_000_000, "in_force_micro": 7_000_000, "gain_micro": 2_000_000}
    none = dict.fromkeys(told)
    totals = [{"side": "charge", **told}, {"side": "payment", **none}]
    products = [{"side": "charge", "product": "P1", **none}]
    table, withheld = told_sums_table({"totals": totals, "products": products}, "GBP")
    assert [(row.title, row.cells) for row in table.rows] == [
        ("All that is charged", ("£5.00", "£7.00", "£2.00"))
    ]
    assert withheld == ("All that is paid", "P1, charged")
    assert told_sums_table({"totals": totals[1:], "products": []}, "GBP")[0] is None
