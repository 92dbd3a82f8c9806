"""The invented bank statement: who pays how, by a seed, and nothing else by chance."""

import datetime as dt

import pytest

from ledger.payments.camt import read_file
from ledger.payments.matching import Method, OpenDocument, match
from ledger.payments.statements import seal_statement
from settlement.datasets.bank import StatementHead, statement_xml
from settlement.datasets.payers import Payer, draw_payments

ON = dt.date(2024, 3, 1)
WHO = ("ash", "beech", "cedar", "doric", "elm", "fir", "gorse")
OWED = {"ash": 500, "beech": 700, "cedar": 900, "doric": 1_100, "elm": 1_300, "fir": 0}
PAYERS = {who: Payer(f"{who.title()} Limited", f"GB00{who.upper()}") for who in WHO}
HEAD = StatementHead("S-1", 1, "GB50TSBX00123412345678", "GBP", 0, ON)


def documents():
    owed = {**OWED, "gorse": -2_000}
    return [
        OpenDocument("m-invoice", n, f"m-invoice-{n:06d}", who, "GBP", ON, due)
        for n, (who, due) in enumerate(owed.items(), start=1)
    ]


def content(seed, found=None):
    return statement_xml(HEAD, draw_payments(found or documents(), PAYERS, seed, ON))


def test_a_seed_decides_and_nothing_else():
    assert content(1) == content(1)
    assert content(1, documents()[::-1]) == content(1)
    assert len({content(seed) for seed in range(8)}) > 1


@pytest.mark.parametrize("seed", range(5))
def test_one_pays_a_part_one_a_wrong_number_one_not_yet_and_the_rest_in_full(seed):
    file = read_file(content(seed))
    assert (file.findings, file.notes) == ([], [])
    statement = file.statements[0].as_statement("ours")
    rows = seal_statement(statement, "m", 1, b"", b"").transactions
    owners = {payer.account: frozenset({who}) for who, payer in PAYERS.items()}
    found = match(rows, documents(), owners)
    paid = {}
    for allocation in found:
        paid |= dict(allocation.amounts)
    states = [
        "whole"
        if paid.get(document.name) == document.due_minor
        else "part"
        if document.name in paid
        else "open"
        for document in documents()
        if document.due_minor
    ]
    assert sorted(states) == ["open", "open", "part", "whole", "whole", "whole"]
    assert [allocation.method for allocation in found].count(Method.NONE) == 1
    assert any("no such document" in allocation.reason for allocation in found)
