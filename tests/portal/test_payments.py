"""Payments in the portal: the queue, a decision, an import; who may, and what is kept."""

import html
import re
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from sqlalchemy import text
from sqlalchemy.orm import Session

from database.session import transaction
from ledger.payments import queries
from portal.models import AuditEntry
from settlement.datasets.bank import StatementHead, statement_xml
from tests.ledger.camt_files import zip_of
from tests.portal.conftest import PEOPLE, add_account
from tests.portal.site import MARKET

NOT_OPERATORS = ("owner", "outsider", "regulator", "auditor")


@pytest.fixture(autouse=True)
def undone(on_site, site):
    """Undo at the end of a test what its requests posted, but not whose account signs in."""
    for who in NOT_OPERATORS:
        add_account(who, *PEOPLE[who])
    with site.engine.connect() as connection, pytest.MonkeyPatch.context() as patch:
        outer = connection.begin()
        patch.setattr("database.session.engine", lambda: connection)
        nested = partial(Session, join_transaction_mode="create_savepoint")
        patch.setattr("database.session.Session", nested)
        yield
        outer.rollback()


def waiting():
    with transaction() as session:
        return queries.queue(session, MARKET)


def shown(answer):
    return html.unescape(answer.content.decode())


@pytest.fixture
def payment():
    """The payment of the main job that names a document that is not there."""
    (one,) = waiting()
    return one


@pytest.fixture
def document(payment):
    """A document that it may pay a part of."""
    with transaction() as session:
        found = queries.documents(session, MARKET)
    return next(one for one in found if one.balance_minor > 100)


def address(payment, action=""):
    return f"/payments/{payment.transaction.name}/{action}"


def decision(document="", amount="", reason="Asked the payer", **more):
    return {"document": [document], "amount": [amount], "reason": reason} | more


def confirmed(client, path, given):
    """Send a decision, and once more with what it was understood as, where that is shown."""
    answer = client.post(path, given)
    told = re.search(r'name="told" value="([^"]+)"', answer.content.decode())
    return (
        client.post(path, given | {"told": html.unescape(told[1])}, follow=True) if told else answer
    )


def test_the_queue_says_why_a_payment_waits(sign_in, payment):
    page = shown(sign_in("auditor").get("/payments/"))
    assert payment.transaction.name in page
    assert "no such document" in page
    assert "Import a statement" not in page
    assert "Import a statement" in shown(sign_in("operator").get("/payments/"))


def test_an_operator_allocates_a_payment_and_returns_it(sign_in, payment, document):
    client = sign_in("operator")
    given = decision(document.name, "1.00")
    answer = client.post(address(payment, "decide/"), given)
    assert f"Not posted yet. {payment.transaction.name}: £1.00 to {document.name}" in shown(answer)
    assert waiting()[0].latest.decision == 1
    answer = client.post(address(payment, "decide/"), given | {"told": "£10.00"})
    assert "Not posted yet" in shown(answer)
    answer = confirmed(client, address(payment, "decide/"), given)
    assert f"£1.00 to {document.name}; " in shown(answer)
    assert "Posted as journal" in shown(answer)
    (left,) = waiting()
    assert (left.amounts, left.latest.decided_by) == ({document.name: 100}, "operator")
    waits = "A part is not allocated; the decision says: Asked the payer"
    assert waits in shown(client.get("/payments/"))
    answer = client.post(address(payment, "decide/"), decision(decision="return"), follow=True)
    (back,) = waiting()
    assert (back.amounts, back.latest.reverses) == ({}, left.latest.journal_number)
    deeds = AuditEntry.objects.exclude(action="reading").order_by("id")
    kept = deeds.values_list("action", "subject", "reason")
    assert list(kept)[-2:] == [
        ("payment-allocated", payment.transaction.name, "Asked the payer"),
        ("payment-returned", payment.transaction.name, "Asked the payer"),
    ]


REFUSED = {
    "not a number": ({"amount": "much"}, "is not a document and an amount"),
    "a decimal comma": ({"amount": "0,34"}, "with a point before decimals"),
    "another currency": ({"amount": "€1.00"}, "an amount in GBP"),
    "no document": ({"document": ""}, "is not a document and an amount"),
    "an unknown document": ({"document": "gb12-invoice-999999"}, "DOCUMENT_IS_UNKNOWN"),
    "too much": ({"amount": "99999999999.00"}, "ALLOCATION_IS_TOO_MUCH"),
    "no reason": ({"reason": " "}, "DECISION_IS_NOT_SIGNED"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_keeps_what_was_typed_and_posts_nothing(sign_in, payment, document, what):
    changed, words = REFUSED[what]
    given = {"document": document.name, "amount": "1.00", "reason": "Asked"} | changed
    answer = confirmed(sign_in("operator"), address(payment, "decide/"), decision(**given))
    assert answer.status_code == 400
    assert words in shown(answer)
    assert f'value="{given["amount"]}"' in shown(answer)
    assert waiting()[0].latest.decision == 1


def test_a_document_twice_is_refused(sign_in, payment, document):
    twice = {"document": [document.name] * 2, "amount": ["1", "2"], "reason": "Twice"}
    answer = sign_in("operator").post(address(payment, "decide/"), twice)
    assert "stands twice" in shown(answer)


@pytest.mark.parametrize("who", NOT_OPERATORS)
def test_only_an_operator_decides_and_imports(sign_in, payment, who):
    client = sign_in(who)
    assert client.post(address(payment, "decide/"), decision()).status_code == 403
    assert client.post("/payments/import/").status_code == 403
    assert "Decide" not in shown(client.get(address(payment)))


def test_deciding_needs_a_post_and_someone_signed_in(sign_in, payment):
    assert sign_in("operator").get(address(payment, "decide/")).status_code == 405
    assert sign_in("signed out").post(address(payment, "decide/")).status_code == 302


@pytest.mark.parametrize("name", ["gb12-bank-000001/999", "gb12-bank-1/1", "nothing/1"])
def test_a_payment_that_is_not_there_is_not_found(sign_in, name):
    client = sign_in("operator")
    assert client.get(f"/payments/{name}/").status_code == 404
    assert client.post(f"/payments/{name}/decide/", decision()).status_code == 404


def upload(content, name="bank.xml"):
    return {"market": MARKET, "file": SimpleUploadedFile(name, content)}


def test_a_file_is_imported_once_and_refused_with_every_reason(sign_in):
    client = sign_in("operator")
    with transaction() as session:
        content = session.scalar(text("SELECT content FROM ledger.bank_file"))
    answer = client.post("/payments/import/", upload(bytes(content)), follow=True)
    assert "imported before" in shown(answer)
    other = bytes(content).replace(b"BOOK", b"PDNG", 1)
    answer = client.post("/payments/import/", upload(other))
    assert answer.status_code == 400
    assert "which the closing balance counts" in shown(answer)
    assert "a statement is imported once" in shown(answer)
    answer = client.post("/payments/import/", {"market": MARKET})
    assert "Choose a camt.053 file" in shown(answer)
    following = (
        bytes(content)
        .replace(b"-1</Id>", b"-2</Id>")
        .replace(b"<ElctrncSeqNb>1<", b"<ElctrncSeqNb>2<")
    )
    answer = client.post("/payments/import/", upload(following))
    assert "opens with" in shown(answer)


def test_a_file_with_as_long_a_name_as_files_have_is_taken(sign_in):
    with transaction() as session:
        content = bytes(session.scalar(text("SELECT content FROM ledger.bank_file")))
    name = "s" * 251 + ".xml"
    answer = sign_in("operator").post("/payments/import/", upload(content, name), follow=True)
    assert f"All of {name} was imported before" in shown(answer)


def test_what_is_left_out_of_an_uploaded_archive_is_named_on_the_page(sign_in):
    with transaction() as session:
        content = bytes(session.scalar(text("SELECT content FROM ledger.bank_file")))
    zipped = zip_of({"known.xml": content, "known.pdf": b"%PDF-1.7"})
    answer = sign_in("operator").post("/payments/import/", upload(zipped, "a.zip"), follow=True)
    page = shown(answer)
    assert "known.pdf: left out: a PDF file" in page
    assert "left out: it was imported before, unchanged, as gb12-bank-000001" in page
    assert "All of a.zip was imported before; nothing changed." in page


def test_a_person_goes_on_without_a_statement_and_says_why(sign_in):
    with transaction() as session:
        (last,) = queries.statements(session, MARKET)
    head = StatementHead("LATER", 9, last.account, "GBP", last.closing_minor + 500, last.closed_on)
    content = statement_xml(head, [])
    client = sign_in("operator")
    answer = client.post("/payments/import/", upload(content))
    assert "it opens on" in shown(answer)
    given = upload(content) | {"missing": "The bank lost it"}
    page = shown(client.post("/payments/import/", given, follow=True))
    assert "5.00 GBP wait in the queue" in page
    assert any("no statement of it" in payment.latest.reason for payment in waiting())
