"""`manage.py payments`: import, queue, allocate, return; refusals without a traceback."""

import datetime as dt
import gzip
import json
import os
import re
import zipfile

import pytest
from django.core.management import CommandError, call_command

from database.session import transaction
from ledger.payments import queries
from portal import signing
from portal.management import base
from portal.management.commands import payments
from settlement.datasets.bank import Payment, StatementHead, statement_xml
from tests.worlds.banked import PAYER, bank_file
from tests.worlds.settled import SETTLED

ON = SETTLED.date()


@pytest.fixture
def documents(billed_database, monkeypatch):
    """The documents of the billed tiny market, whose database the command uses."""
    with transaction(billed_database) as session:
        found = queries.documents(session, "tiny")
    for command in (base, signing, payments):
        monkeypatch.setattr(command, "transaction", lambda: transaction(billed_database))
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
    (told,) = printed(capsys, "import", "tiny", path)["statements"]
    assert (told["statement"], told["payments"], told["in_queue"]) == ("tiny-bank-000001", 2, 1)
    (again,) = printed(capsys, "import", "tiny", path)["statements"]
    assert (told["is_new"], again["is_new"]) == (True, False)
    (waiting,) = printed(capsys, "queue", "tiny")
    assert (waiting["payment"], waiting["rest_minor"]) == ("tiny-bank-000001/2", 5_000)
    signed = ("--reason", "Asked the payer")
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
    with pytest.raises(CommandError, match="No such file"):
        call_command("payments", "import", "tiny", str(tmp_path / "absent.xml"))
    with pytest.raises(CommandError, match="TRANSACTION_IS_UNKNOWN"):
        call_command("payments", "return", "tiny-bank-000001/1", "--reason", "No")
    with pytest.raises(CommandError, match="is not DOCUMENT=AMOUNT"):
        call_command("payments", "allocate", "x/1", "doc 1.23", "--reason", "No")
    call_command("payments", "queue", "tiny")
    assert "No payment waits" in capsys.readouterr().out


OTHER_ACCOUNT = Payment(5, ON, "Doric", PAYER, "no")


def foreign_file():
    """Return a file of an account that is not the operator's."""
    head = StatementHead("OTHER-1", 1, PAYER, "GBP", 0, ON)
    return statement_xml(head, [[OTHER_ACCOUNT]])


def test_what_is_left_out_of_an_archive_is_named(documents, tmp_path, capsys):
    path = tmp_path / "month.zip"
    own = bank_file([[Payment(5_000, ON, "Doric", PAYER, "for March")]], on=ON)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("own.xml", own)
        archive.writestr("other.xml", foreign_file())
        archive.writestr("own.pdf", b"%PDF-1.7")
    told = printed(capsys, "import", "tiny", str(path))
    assert [each["identification"] for each in told["statements"]] == ["TINY-1"]
    assert [(note["file"], note["place"]) for note in told["notes"]] == [
        ("month.zip", "own.pdf"),
        ("month.zip", "other.xml: statement OTHER-1"),
    ]


def test_a_statement_known_from_another_file_is_said_to_be_there(documents, tmp_path, capsys):
    payment = Payment(5_000, ON, "Doric", PAYER, "for March")
    call_command("payments", "import", "tiny", file_of(tmp_path, payment))
    capsys.readouterr()
    again = tmp_path / "again.xml.gz"
    again.write_bytes(gzip.compress(bank_file([[payment]], on=ON)))
    call_command("payments", "import", "tiny", str(again))
    out = capsys.readouterr().out
    assert "tiny-bank-000001  TINY-1: 1 payments, 1 in the queue" in out
    assert "again.xml.gz: statement TINY-1: left out: it was imported before, unchanged" in out


NAMES = {
    "Latin-1": (b"Kontoausz\xfcge.xml", "Kontoausz\\xfcge.xml"),
    "a line break": (b"a\nb.xml", "a\\nb.xml"),
    "a right-to-left mark": ("a\u202eb.xml".encode(), "a\\u202eb.xml"),
    "UTF-8": ("Kontoauszüge.xml".encode(), "Kontoauszüge.xml"),
}


@pytest.mark.parametrize("what", NAMES)
def test_a_file_may_be_called_anything(documents, tmp_path, capsys, what):
    written, shown = NAMES[what]
    path = tmp_path / os.fsdecode(written)
    payment = Payment(5_000, ON, "Doric", PAYER, "for March")
    path.write_bytes(bank_file([[payment]], on=ON))
    (told,) = printed(capsys, "import", "tiny", str(path))["statements"]
    assert told["file"] == shown
    with pytest.raises(CommandError, match="No such file") as raised:
        call_command("payments", "import", "tiny", f"{path}.absent")
    assert shown in str(raised.value)
    str(raised.value).encode()


def test_a_statement_that_is_missing_is_gone_without_for_a_reason(documents, tmp_path, capsys):
    call_command("payments", "import", "tiny", file_of(tmp_path, Payment(5, ON, "D", PAYER, "a")))
    later = tmp_path / "later.xml"
    later.write_bytes(
        bank_file([[Payment(7, ON, "D", PAYER, "b")]], number=3, opening=1_005, on=ON)
    )
    with pytest.raises(CommandError, match="go on with --missing"):
        call_command("payments", "import", "tiny", str(later))
    capsys.readouterr()
    told = printed(capsys, "import", "tiny", str(later), "--missing", "The bank lost it")
    assert "10.00 GBP wait in the queue" in told["notes"][-1]["text"]
    amounts = [each["amount_minor"] for each in printed(capsys, "list", "tiny")]
    assert amounts == [5, 1_000, 7]


TYPED = [
    ("1", 100, "£1.00"),
    ("1.5", 150, "£1.50"),
    ("£0.05", 5, "£0.05"),
    ("1,234.50", 123_450, "£1,234.50"),
]
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
    "a point that may part thousands": ("1.000", "12.34 or 1,234.00"),
    "the same of tens": ("12.500", "is not an amount in GBP"),
    "the same with the currency": ("£100.000", "is not an amount in GBP"),
    "digits of another script": ("١٢", "is not an amount in GBP"),
}


def test_an_amount_that_may_mean_two_things_is_refused(documents, tmp_path, capsys):
    path = file_of(tmp_path, Payment(500_000, ON, "Doric", PAYER, "for March"))
    call_command("payments", "import", "tiny", path)
    capsys.readouterr()
    for what, (typed, words) in MISTYPED.items():
        target = f"{documents[0].name}={typed}"
        with pytest.raises(CommandError) as raised:
            call_command("payments", "allocate", "tiny-bank-000001/1", target, "--reason", "No")
        assert re.search(words, str(raised.value)), what
        (waiting,) = printed(capsys, "queue", "tiny")
        assert waiting["rest_minor"] == 500_000, what


def test_what_was_typed_is_read_exactly_and_shown_back(documents, tmp_path, capsys):
    path = file_of(tmp_path, Payment(500_000, ON, "Doric", PAYER, "for March"))
    call_command("payments", "import", "tiny", path)
    dear = max(documents, key=lambda document: document.due_minor)
    capsys.readouterr()
    signed = ("--reason", "Asked")
    for typed, minor, shown in TYPED:
        target = ("tiny-bank-000001/1", f"{dear.name}={typed}", *signed)
        call_command("payments", "allocate", *target)
        assert f"{shown} to {dear.name}" in capsys.readouterr().out
        told = printed(capsys, "return", "tiny-bank-000001/1", *signed)
        assert (told["allocated_minor"], told["rest_minor"]) == ({}, 500_000)
        told = printed(capsys, "allocate", *target)
        assert told["allocated_minor"] == {dear.name: minor}
        printed(capsys, "return", "tiny-bank-000001/1", *signed)


def test_a_document_twice_is_refused_as_a_whole(documents, tmp_path, capsys):
    path = file_of(tmp_path, Payment(5_000, ON, "Doric", PAYER, "for March"))
    call_command("payments", "import", "tiny", path)
    twice = (f"{documents[0].name}=1.00", f"{documents[0].name}=2.00")
    with pytest.raises(CommandError, match="stands twice"):
        call_command("payments", "allocate", "tiny-bank-000001/1", *twice, "--reason", "No")
