"""Trials in the portal: the list, the report of one, its files, and nothing to see yet."""

import csv
import dataclasses
import datetime as dt
import html
import io
import json
import uuid

import pyarrow.parquet as pq
from pypdf import PdfReader

from database.session import transaction
from ledger.people.store import proposal
from portal.trials import reports
from portal.trials.files import FileRow, as_parquet
from portal.trials.names import names_of_draft, tried_as_law
from settlement.trials.store import find_trial
from tests.portal.site import MARKET


def pypdf_text(written):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(written)).pages)


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_list_says_what_each_moves_and_leads_to_it(sign_in, site):
    page = text(sign_in("regulator"), "/trials/")
    assert "The draft moves £" in page
    assert f"/trials/{site.trial}/" in page


def test_an_empty_list_says_how_to_begin(sign_in, monkeypatch):
    monkeypatch.setattr(reports, "list_trials", lambda _: [])
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
        "Draft: who gains and who loses. 3 lose, 1 gain, of 4",
        "Prices of all places, highest first.",
        f"manage.py replay {site.trial}",
    ):  # fmt: skip
        assert words in page, words


def test_a_trial_names_whose_texts_it_tried_and_from_when_they_are_wanted(sign_in, site):
    change = f"Law change {site.law_change}, revision 1: "
    wanted = "it is tried as if it were law on 31 Mar 2024."
    regulator = sign_in("regulator")
    for reader in (regulator, sign_in("owner")):
        page = text(reader, f"/trials/{site.seen_trial}/")
        assert f'<a href="/rules/changes/{site.law_change}/">{change}' in page
        assert "The draft is wanted from 1 " in page and wanted in page
        printed = reader.get(f"/trials/{site.seen_trial}/trial.pdf").content
        told = " ".join(pypdf_text(printed).split())
        assert change in told and wanted in told
    of_files = text(regulator, f"/trials/{site.trial}/")
    assert of_files.count("A text that no law change and no proposal has") == 2
    assert "is wanted from" not in of_files
    assert "less than £0.01 in all is nothing" in of_files


def test_a_proposal_is_named_by_the_documents_that_it_would_publish(site):
    with transaction(site.engine) as session:
        waits = proposal(session, site.change)
        assert waits is not None
        record = {"digest": "00" * 32, "documents": json.loads(waits.texts)}
        (name,) = names_of_draft(session, MARKET, record)
        assert (name.words, name.address) == (
            f"Proposal {site.change}", f"/rules/proposals/{site.change}/",
        )  # fmt: skip
        assert names_of_draft(session, "another", record) == ()
    may, june = dt.date(2024, 5, 31), dt.date(2024, 6, 1)
    assert tried_as_law("second", [name], (may, june), "Europe/London") == (
        "The second draft is wanted from 1 Jun 2024; it is tried as if it were law on all days "
        "from 31 May 2024 to 1 Jun 2024."
    )
    assert tried_as_law("draft", [name], (june, june), "Europe/London") == ""
    other = dataclasses.replace(
        name, whose="Law change 9, revision 1", valid_from=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    )
    assert tried_as_law("draft", [other, name], (may, may), "Europe/London") == (
        f"The draft is wanted by Proposal {site.change} from 1 Jun 2024 only; it is tried as if it "
        "were law on 31 May 2024."
    )
    ended = dataclasses.replace(name, valid_to=dt.datetime(2024, 6, 1, 23, tzinfo=dt.UTC))
    assert "from 1 Jun 2024 to 1 Jun 2024; it is tried" in tried_as_law(
        "draft", [ended], (june, june + dt.timedelta(days=1)), "Europe/London"
    )


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
    # What the market takes in less, it returns less of: all together pay what they did.
    assert sum(kinds) == whole == 0 and any(kinds)


def test_parquet_holds_what_csv_does(sign_in, site):
    for who in ("regulator", "owner"):
        client, address = sign_in(who), f"/trials/{site.seen_trial}/"
        told = client.get(f"{address}trial.csv").content.decode()
        found = client.get(f"{address}trial.parquet")
        assert found["Content-Type"] == "application/vnd.apache.parquet"
        table = pq.read_table(io.BytesIO(found.content))
        assert table.schema.field("law_micro").type == "int64"
        rows = [
            {name: "" if value is None else str(value) for name, value in row.items()}
            for row in table.to_pylist()
        ]
        assert rows == list(csv.DictReader(io.StringIO(told)))
        assert client.get(f"{address}trial.parquet").content == found.content


def test_amounts_beyond_64_bits_are_decimals():
    rows = [FileRow("participant", "p", (2**63, None))]
    table = pq.read_table(io.BytesIO(as_parquet(("law_micro", "draft_micro"), iter(rows))))
    assert table.to_pylist()[0]["law_micro"] == 2**63


def test_the_pdf_is_the_report_of_the_page_and_the_same_bytes(sign_in, site):
    address = f"/trials/{site.seen_trial}/trial.pdf"
    of_regulator = sign_in("regulator").get(address)
    assert of_regulator["Content-Type"] == "application/pdf"
    of_auditor = sign_in("auditor").get(address)
    assert of_regulator.content == of_auditor.content
    whole = " ".join(pypdf_text(of_regulator.content).split())
    for words in (
        "Who gains and who loses", "foundry-business-power", "Kept by equalisation", "In pictures",
        "Prices of all places, highest first", "Nodal price", "What is not counted",
        "Nothing of a trial is posted or billed", f"manage.py replay {site.seen_trial}",
    ):  # fmt: skip
        assert words in whole, words
    own = " ".join(pypdf_text(sign_in("owner").get(address).content).split())
    for words in ("What hearth-energy would have received", "What is withheld", "In pictures"):
        assert words in own, words
    for other in ("lantern-supply", "foundry-business-power", "meridian-thermal"):
        assert other not in own


def test_the_report_on_the_page_is_the_stored_one(sign_in, site):
    with transaction(site.engine) as session:
        stored = find_trial(session, uuid.UUID(site.trial))
    assert stored is not None
    shown = json.loads(sign_in("auditor").get(f"/trials/{site.trial}/trial.json").content)
    assert shown == stored.report


def test_a_trial_that_is_not_there_is_not_found(sign_in, site):
    client = sign_in("operator")
    for ending in ("", "trial.csv", "trial.json", "trial.parquet", "trial.pdf"):
        assert client.get(f"/trials/{site.first_run}/{ending}").status_code == 404


def test_everybody_reads_sums_and_a_participant_its_own_rows(sign_in, site):
    page = text(sign_in("owner"), f"/trials/{site.seen_trial}/")
    for words in (
        "What hearth-energy would have received",
        "nothing changes for hearth-energy", "Highest price per MWh", "withheld",
        "A sum that fewer than 5 participants make up, or one of them more than 50\xa0% of",
        "How many gain, and how many lose", "Prices of all places, highest first.",
    ):  # fmt: skip
        assert words in page, words
    for other in ("lantern-supply", "foundry-business-power", "meridian-thermal"):
        assert other not in page
    both = text(sign_in("colleague"), f"/trials/{site.seen_trial}/")
    assert both.count("would have received</h2>") == 2
    assert "would have received</h2>" not in text(sign_in("nobody"), f"/trials/{site.seen_trial}/")


def test_a_trial_of_a_draft_that_is_not_public_is_nobodys_but_of_who_oversees(sign_in, site):
    owner = sign_in("owner")
    listed = text(owner, "/trials/")
    assert f"/trials/{site.seen_trial}/" in listed
    assert site.trial not in listed
    for ending in ("", "trial.csv", "trial.json", "trial.parquet", "trial.pdf"):
        assert owner.get(f"/trials/{site.trial}/{ending}").status_code == 404
    assert site.trial in text(sign_in("auditor"), "/trials/")


def test_files_hold_what_their_reader_may_know_and_nothing_else(sign_in, site):
    owner, address = sign_in("owner"), f"/trials/{site.seen_trial}/"
    rows = list(csv.DictReader(io.StringIO(owner.get(f"{address}trial.csv").content.decode())))
    own = [row for row in rows if row["dimension"] == "participant"]
    assert [row["name"] for row in own] == ["hearth-energy"]
    kinds = [row for row in rows if row["dimension"] == "kind of hearth-energy"]
    assert sum(int(row["draft_micro"]) for row in kinds) == int(own[0]["draft_micro"])
    assert {row["law_micro"] for row in rows if row["dimension"] == "product"} == {""}
    found = json.loads(owner.get(f"{address}trial.json").content)
    assert [each["participant"] for each in found["own"]] == ["hearth-energy"]
    whole = json.loads(sign_in("auditor").get(f"{address}trial.json").content)
    assert found["public"]["groups"] == whole["public"]["groups"]
    assert "participants" not in found["public"]
    assert "lantern-supply" not in json.dumps(found)


def test_the_page_of_a_change_shows_what_everybody_may_know_of_its_trial(sign_in, site):
    for who in ("outsider", "regulator"):
        page = text(sign_in(who), f"/rules/changes/{site.law_change}/")
        for words in (
            "What everybody may know of a trial", "Prices of all places, highest first.",
            "Kept by equalisation", f"/trials/{site.seen_trial}/", "withheld",
        ):  # fmt: skip
            assert words in page, (who, words)
        assert "meridian-thermal" not in page


def test_effects_that_are_not_counted_are_told_or_where_they_will_be(sign_in, site):
    regulator = sign_in("regulator")
    for client in (sign_in("outsider"), regulator):
        page = text(client, f"/trials/{site.seen_trial}/")
        assert "What is not counted" in page
        assert "Nothing is said yet: the text is not assessed." in page
        assert f'href="/rules/changes/{site.law_change}/"' in page
    page = text(regulator, f"/trials/{site.trial}/")
    assert "no change of the law has this draft as its text" in page


def test_navigation_leads_there_for_everybody_who_is_signed_in(sign_in, client):
    for who in ("regulator", "owner"):
        assert "/trials/" in text(sign_in(who), "/rules/")
    assert "/trials/" not in text(client, "/rules/")
