"""Taxes that grid owners collect: paid on to whose they are, and none is left with who collects."""

import numpy as np
import pytest
from sqlalchemy import text

import ledger.verification
from ledger.invoice import document_number
from rulebook.checks import InForce, check_law
from rulebook.digest import document_body, document_digest
from rulebook.documents import ChargeList, Registration
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from settlement.documents.formats import FORMATS
from settlement.documents.render import find_document, render_document
from settlement.explanations.explain import explain_interval, explain_line, find_line, line_day
from settlement.replays.replay import replay
from settlement.runs.store import day_vectors, stored_values
from tests.settlement.test_pass_through import exported_findings, publish_later, settled
from tests.worlds import tiny_market
from tests.worlds.settled import (
    CORRECTED,
    RESETTLED,
    SETTLED,
    ingest_tiny,
    publish_tiny,
)

FIRST = tiny_market.VALID_FROM
LEVY, METER = "levy", "meter"


def collected(recipient="crown", codes=(LEVY, METER), **changes):
    """The charges of elder, some of which it only collects."""
    body = tiny_market.charge_list().model_dump() | changes
    for field in ("tariffs", "subscriptions", "fees"):
        for charge in body[field]:
            if charge["code"] in codes:
                charge["paid_on_to"] = recipient
    return ChargeList.model_validate(body)


def owner(name):
    changes = {"participant": name, "legal_name": f"{name.title()} of the realm"}
    return Registration.model_validate(tiny_market.charges()[0].model_dump() | changes)


def published(session, *lists):
    lists = lists or (collected(),)
    owners = [owner(name) for name in {"crown", *(each.owner for each in lists)}]
    publish_tiny(session, [*tiny_market.documents(), *owners, *lists])


def billed(session, run, now=SETTLED):
    post(session, run, now=now)
    return issue_month(session, "tiny", FIRST, now=now).invoices


def balances(session):
    rows = session.execute(
        text("SELECT account, sum(amount)::bigint FROM ledger.posting GROUP BY account")
    )
    return {code: amount for code, amount in rows if amount}


def test_the_collector_stands_at_nothing_and_the_owner_has_all(session):
    published(session)
    ingest_tiny(session, FIRST, FIRST)
    run = settled(session, "II", FIRST, FIRST)
    issued = billed(session, run)
    standing = balances(session)
    of = {
        (kind, who): standing[f"tiny:GBP:{who}:{kind}:levy"]
        for kind, who in (
            ("charge.tariff", "cedar"),
            ("charge.tariff", "doric"),
            ("payment.tariff", "elder"),
            ("charge.tariff_paid_on", "elder"),
            ("payment.tariff_paid_on", "crown"),
        )
    }
    whole = of["charge.tariff", "cedar"] + of["charge.tariff", "doric"]
    assert whole > 0
    assert of["payment.tariff", "elder"] == of["payment.tariff_paid_on", "crown"] == -whole
    assert of["charge.tariff_paid_on", "elder"] == whole
    kept = sum(
        amount
        for code, amount in standing.items()
        if code.startswith("tiny:GBP:elder:") and code.endswith(("levy", "meter"))
    )
    assert kept == 0
    assert not [code for code in standing if "paid_on:grid" in code]
    assert {invoice.row.participant for invoice in issued} >= {"crown", "elder"}
    assert list(ledger.verification.verify(session)) == []
    assert replay(session, run).is_same
    assert not exported_findings(session, run)


def test_charges_are_payments_and_equalisation_with_what_is_paid_on(session):
    published(session)
    ingest_tiny(session, FIRST, FIRST)
    run = settled(session, "II", FIRST, FIRST)
    values = stored_values(day_vectors(session, run.id, FIRST))
    balance = np.zeros(48, dtype=np.int64)
    for (measure, _), vector in values.items():
        if measure.endswith("_micro") and measure.startswith("charge."):
            balance = balance + vector
        elif measure.startswith("payment.") or measure == "equalisation_micro":
            balance = balance - vector
    assert not balance.any()


def test_what_is_paid_on_is_explained_by_what_suppliers_owe_and_in_every_format(session):
    published(session)
    ingest_tiny(session, FIRST, FIRST)
    seen = set()
    for invoice in billed(session, settled(session, "II", FIRST, FIRST)):
        number = document_number(invoice.row.series, invoice.row.number)
        for line in invoice.lines:
            if not line.kind.endswith("_paid_on"):
                continue
            seen.add((invoice.row.participant, line.kind, line.subject))
            assert (line.quantity, line.quality) == (None, "none")
            assert line.description.endswith(": collected by elder, paid on to crown")
            reference = find_line(session, invoice.row.id, line.line)
            assert explain_line(session, reference).value == line.amount_micro
            of_day = line_day(session, reference, FIRST)
            (tree,) = explain_interval(reference, of_day, 0).children
            assert tree.formula == "all that is collected for whose charge it is"
            (paid,) = tree.children
            assert tree.value == paid.value == sum(each.value for each in paid.children)
            for of_format in FORMATS.values():
                assert render_document(session, find_document(session, number), of_format)
    assert seen == {
        (who, f"{side}.{kind}_paid_on", code)
        for who, side in (("elder", "charge"), ("crown", "payment"))
        for kind, code in (("tariff", LEVY), ("subscription", METER))
    }


def test_several_grid_owners_collect_one_tax_of_one_code(session):
    """As in Denmark, where each grid owner collects the tax of its own grid area."""
    links = tiny_market.charge_list().model_dump()["links"]
    lists = [
        collected(codes=(LEVY,), owner=name, links=[
            link for link in links if link["charge"] == LEVY and link["supply_point"][0] == node
        ])
        for name, node in (("elder", "B"), ("fir", "C"))
    ]  # fmt: skip
    published(session, *lists)
    ingest_tiny(session, FIRST, FIRST)
    run = settled(session, "II", FIRST, FIRST)
    billed(session, run)
    standing = balances(session)
    for name in ("elder", "fir"):
        subject = f"{name}/{LEVY}"
        paid = standing[f"tiny:GBP:crown:payment.tariff_paid_on:{subject}"]
        assert standing[f"tiny:GBP:{name}:payment.tariff:{subject}"] == paid
        assert standing[f"tiny:GBP:{name}:charge.tariff_paid_on:{subject}"] == -paid
    assert not exported_findings(session, run)


def test_a_later_law_pays_on_what_was_kept(session):
    """The difference is the collector's debt and the owner's credit; suppliers owe as before."""
    publish_tiny(session, [*tiny_market.documents(), owner("crown"), *tiny_market.charges()])
    ingest_tiny(session, FIRST, FIRST)
    billed(session, settled(session, "II", FIRST, FIRST))
    publish_later(session, [collected(codes=(LEVY,))], FIRST, CORRECTED)
    later = settled(session, "SF", FIRST, FIRST, RESETTLED)
    notes = billed(session, later, RESETTLED)
    lines = {(n.row.participant, line.kind): line.amount_micro for n in notes for line in n.lines}
    whole = lines["elder", "charge.tariff_paid_on"]
    assert lines == {
        ("elder", "charge.tariff_paid_on"): whole, ("crown", "payment.tariff_paid_on"): -whole
    }  # fmt: skip
    assert whole > 0
    assert list(ledger.verification.verify(session)) == []
    assert not exported_findings(session, later)


def test_a_later_law_keeps_what_was_paid_on(session):
    """Both are credited what they had; no line names a recipient that there is not."""
    published(session, collected(codes=(LEVY,)))
    ingest_tiny(session, FIRST, FIRST)
    billed(session, settled(session, "II", FIRST, FIRST))
    publish_later(session, [tiny_market.charge_list()], FIRST, CORRECTED)
    later = settled(session, "SF", FIRST, FIRST, RESETTLED)
    notes = billed(session, later, RESETTLED)
    lines = {(n.row.participant, line.kind): line for n in notes for line in n.lines}
    assert lines.keys() == {
        ("elder", "charge.tariff_paid_on"), ("crown", "payment.tariff_paid_on")
    }  # fmt: skip
    assert sum(line.amount_micro for line in lines.values()) == 0
    assert lines["elder", "charge.tariff_paid_on"].amount_micro < 0
    assert not [line for line in lines.values() if "None" in line.description]
    assert list(ledger.verification.verify(session)) == []
    assert not exported_findings(session, later)


@pytest.mark.parametrize(
    ("recipient", "everyone"),
    [("nobody", ["elder"]), ("elder", ["elder"]), ("cedar", ["elder"])],
)
def test_a_charge_is_paid_on_to_another_owner_of_charges(recipient, everyone):
    charges = collected(recipient, codes=(LEVY,))
    rules, grid, policy, *_ = tiny_market.documents()
    parties = (*tiny_market.registrations(), *map(owner, everyone))
    law = InForce(rules, grid, policy, parties, {}, (charges,), (FIRST, None))
    (finding,) = check_law(law)
    assert finding.code == "charge-paid-on-to-nobody"
    assert finding.place == "tiny/charge-list/elder: tariffs[1].paid_on_to"


def test_a_charge_that_its_owner_keeps_leaves_the_digest_as_it_was():
    kept = tiny_market.charge_list()
    assert "paid_on_to" not in document_body(kept)["tariffs"][0]
    assert document_digest(collected(codes=())) == document_digest(kept)
    assert document_digest(collected()) != document_digest(kept)
