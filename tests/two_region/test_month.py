"""The month from law to proven invoices: it stands, and comes out the same again."""

from sqlalchemy import text

from rulebook.folders import left_out_of
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.render import issued_documents_of_month
from settlement.replays.replay import replay
from settlement.verification import list_checks
from tests.documents.validators import breaches
from tests.two_region.readings import FIRST_DAY
from tests.two_region.world import INPUT_DIGEST, LAW, MARKET, RESULT_DIGEST, Month


def test_the_law_is_all_that_its_folder_holds():
    assert left_out_of([LAW]) == []


def test_inputs_and_results_are_those_that_were_worked_by_hand(month: Month):
    assert month.run.input_digest.hex() == INPUT_DIGEST
    assert month.run.result_digest.hex() == RESULT_DIGEST


def test_the_month_is_made_again_to_the_same_bytes(month: Month):
    replayed = replay(month.session, month.run)
    assert replayed.is_same, replayed.first_difference


def test_every_stored_row_holds(month: Month):
    assert [finding for check in list_checks() for finding in check.run(month.session)] == []


def test_journals_balance_in_money_and_in_energy(month: Month):
    unbalanced = text("""
        SELECT journal_number, commodity FROM ledger.posting
        JOIN ledger.account ON account.code = account
        GROUP BY journal_number, commodity HAVING sum(amount) <> 0
    """)
    assert month.session.execute(unbalanced).all() == []
    journals = text("SELECT count(*) FROM ledger.journal WHERE run_id IS NOT NULL")
    assert month.session.scalar(journals) == len(month.days)


def test_every_document_with_its_tax_is_a_valid_electronic_invoice(month: Month):
    issued = issued_documents_of_month(month.session, MARKET, FIRST_DAY)
    assert len(issued) == len(month.documents)
    for document in issued:
        assert breaches(factur_x(document), "factur-x") == []
        assert breaches(ubl(document), "ubl-2.1") == []
