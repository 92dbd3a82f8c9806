"""Documents are counted by participant, without gaps: whoever has one knows of all before it."""

import pytest
from sqlalchemy import text

from common.refusals import Refused
from ledger.rules import LedgerRule
from ledger.store import constraints_as_refusals
from tests.ledger.rules import rule_of


@pytest.fixture
def session(billed_database):
    from database.session import transaction

    with transaction(billed_database) as opened:
        yield opened
        opened.rollback()


def numbers(session) -> dict[tuple[str, str], list[int]]:
    found = session.execute(
        text("SELECT market, participant, array_agg(participant_number ORDER BY issued_at, number) "
             "FROM ledger.invoice GROUP BY 1, 2")
    )  # fmt: skip
    return {(market, participant): counted for market, participant, counted in found}


def test_each_participant_s_documents_are_counted_from_one(session):
    found = numbers(session)
    assert found
    assert all(sorted(counted) == list(range(1, len(counted) + 1)) for counted in found.values())


@pytest.mark.parametrize("count", [2, 0, -1])
def test_the_database_refuses_a_document_that_leaves_a_number_out(session, count):
    names = session.scalars(
        text("SELECT column_name FROM information_schema.columns WHERE table_schema = 'ledger' "
             "AND table_name = 'invoice' ORDER BY ordinal_position")
    ).all()  # fmt: skip
    changed = {"number": "number + 1", "id": "uuidv7()", "journal_number": "NULL",
               "digest": "sha256(digest)", "previous_digest": "digest",
               "participant_number": f"participant_number + {count}"}  # fmt: skip
    values = ", ".join(changed.get(name, name) for name in names)
    last = "ORDER BY number DESC LIMIT 1"
    of_series = "WHERE series = (SELECT series FROM ledger.invoice ORDER BY series LIMIT 1)"
    with (
        pytest.raises(Refused) as refused,
        session.begin_nested(),
        constraints_as_refusals(),
    ):
        session.execute(
            text(
                f"INSERT INTO ledger.invoice SELECT {values} FROM ledger.invoice {of_series} {last}"
            )
        )
    (finding,) = refused.value.findings
    assert rule_of(finding) is LedgerRule.INVOICE_IS_OUT_OF_ORDER
