"""`manage.py payments`: import, queue, allocate, return; refusals without a traceback."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command

from database.session import transaction
from ledger.payments import queries
from portal.management import base
from portal.management.commands import payments
from settlement.billing.issuing import issue_month
from settlement.datasets.bank import Payment
from tests.worlds import tiny_market
from tests.worlds.banked import PAYER, bank_file
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny, settle_tiny

ON = SETTLED.date()


@pytest.fixture
def documents(committed_database, monkeypatch):
    """The documents of the billed tiny market, whose database the command uses."""
    with transaction(committed_database) as session:
        publish_tiny(session)
        ingest_tiny(session)
        settle_tiny(session)
        issue_month(session, "tiny", tiny_market.VALID_FROM, now=SETTLED)
        found = queries.documents(session, "tiny")
    monkeypatch.setattr(payments, "transaction", lambda: transaction(committed_database))
    monkeypatch.setattr(base, "utc_now", lambda: SETTLED + dt.timedelta(days=1))
    return [document for document in found if document.due_minor > 0]


def printed(capsys, *command):
    call_command("payments", *command, "--json")
    return json.loads(capsys.readouterr().out)


def file_of(tmp_path, *entries, name="bank.xml"):
    path = tmp_path / name
    path.write_bytes(bank_file([[payment] for payment in entries], on=ON))
    return str(path)


def test_a_file_is_imported_once_and_what_rests_is_allocated_and_returned(
    documents, tmp_path, capsys
):
    first = documents[0]
    paid = Payment(first.due_minor, ON, "Cedar", PAYER, first.name)
    path = file_of(tmp_path, paid, Payment(5_000, ON, "Doric", PAYER, "for March"))
    (told,) = printed(capsys, "import", "tiny", path)
    assert (told["statement"], told["payments"], told["in_queue"]) == ("tiny-bank-000001", 2, 1)
    (again,) = printed(capsys, "import", "tiny", path)
    assert (told["is_new"], again["is_new"]) == (True, False)
    (waiting,) = printed(capsys, "queue", "tiny")
    assert (waiting["payment"], waiting["rest_minor"]) == ("tiny-bank-000001/2", 5_000)
    signed = ("--by", "Bea", "--reason", "Asked the payer")
    target = f"{documents[1].name}=50.00"
    call_command("payments", "allocate", waiting["payment"], target, *signed)
    assert "Posted as journal" in capsys.readouterr().out
    assert printed(capsys, "queue", "tiny") == []
    call_command("payments", "return", waiting["payment"], *signed)
    capsys.readouterr()
    call_command("payments", "queue", "tiny")
    assert "Asked the payer" in capsys.readouterr().out
    assert len(printed(capsys, "list", "tiny")) == 2


def test_a_refusal_is_told_and_nothing_is_written(documents, tmp_path, capsys):
    path = tmp_path / "bank.xml"
    path.write_text("not xml")
    with pytest.raises(CommandError, match="Refused; nothing was written"):
        call_command("payments", "import", "tiny", str(path))
    with pytest.raises(CommandError, match="no such file"):
        call_command("payments", "import", "tiny", str(tmp_path / "absent.xml"))
    with pytest.raises(CommandError, match="TRANSACTION_IS_UNKNOWN"):
        call_command("payments", "return", "tiny-bank-000001/1", "--reason", "No", "--by", "Bea")
    with pytest.raises(CommandError, match="is not DOCUMENT=AMOUNT"):
        call_command("payments", "allocate", "x/1", "doc 1.23", "--reason", "No")
    call_command("payments", "queue", "tiny")
    assert "No payment waits" in capsys.readouterr().out


MISTYPED = {
    "a decimal comma": ("12,34", "12.34 or 1,234.00"),
    "a decimal comma, one digit": ("12,5", "is not an amount in GBP"),
    "thousands and decimals the other way round": ("1.234,56", "is not an amount in GBP"),
    "a comma that is one thing to one reader": ("1,234", "is not an amount in GBP"),
    "nothing before the comma": (",50", "is not an amount in GBP"),
    "no thousands": ("1234,567.00", "is not an amount in GBP"),
    "zero thousands": ("0,500.00", "is not an amount in GBP"),
    "another currency": ("€12.34", "is not an amount in GBP"),
    "three decimals": ("1.234", "is not an amount in GBP"),
    "digits of another script": ("١٢", "is not an amount in GBP"),
}


@pytest.mark.parametrize("what", MISTYPED)
def test_an_amount_that_may_mean_two_things_is_refused(documents, tmp_path, capsys, what):
    typed, words = MISTYPED[what]
    path = file_of(tmp_path, Payment(500_000, ON, "Doric", PAYER, "for March"))
    call_command("payments", "import", "tiny", path)
    capsys.readouterr()
    target = f"{documents[0].name}={typed}"
    with pytest.raises(CommandError, match=words):
        call_command("payments", "allocate", "tiny-bank-000001/1", target, "--reason", "No")
    (waiting,) = printed(capsys, "queue", "tiny")
    assert waiting["rest_minor"] == 500_000


@pytest.mark.parametrize(
    ("typed", "minor", "shown"),
    [
        ("1", 100, "£1.00"),
        ("1.5", 150, "£1.50"),
        ("£0.05", 5, "£0.05"),
        ("1,234.50", 123_450, "£1,234.50"),
    ],
)
def test_what_was_typed_is_read_exactly_and_shown_back(
    documents, tmp_path, capsys, typed, minor, shown
):
    path = file_of(tmp_path, Payment(500_000, ON, "Doric", PAYER, "for March"))
    call_command("payments", "import", "tiny", path)
    dear = max(documents, key=lambda document: document.due_minor)
    capsys.readouterr()
    signed = ("--reason", "Asked")
    call_command("payments", "allocate", "tiny-bank-000001/1", f"{dear.name}={typed}", *signed)
    assert f"{shown} to {dear.name}" in capsys.readouterr().out
    told = printed(capsys, "return", "tiny-bank-000001/1", *signed)
    assert (told["allocated_minor"], told["rest_minor"]) == ({}, 500_000)
    told = printed(capsys, "allocate", "tiny-bank-000001/1", f"{dear.name}={typed}", *signed)
    assert told["allocated_minor"] == {dear.name: minor}


def test_a_document_twice_is_refused_as_a_whole(documents, tmp_path, capsys):
    path = file_of(tmp_path, Payment(5_000, ON, "Doric", PAYER, "for March"))
    call_command("payments", "import", "tiny", path)
    twice = (f"{documents[0].name}=1.00", f"{documents[0].name}=2.00")
    with pytest.raises(CommandError, match="stands twice"):
        call_command("payments", "allocate", "tiny-bank-000001/1", *twice, "--reason", "No")
