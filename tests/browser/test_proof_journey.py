"""From the short code on paper to a proof that is checked: without an account, by keyboard."""

from playwright.sync_api import expect

from database.session import transaction
from ledger.invoice import short_code
from ledger.log.store import find_leaf
from portal.queries.invoices import invoices_of
from tests.portal.site import SUPPLIER


def test_a_stranger_finds_a_document_by_its_code_and_checks_its_proof(open_page, served, tmp_path):
    with transaction(served.site.engine) as session:
        number = invoices_of(session, {("gb12", SUPPLIER)})[-1].number
        code = short_code(find_leaf(session, "ledger.invoice", number).leaf.digest)
    page = open_page("/")
    page.get_by_role("link", name="Proof").click()
    page.get_by_label("Find a document").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(number)
    expect(page.get_by_text("What it says is for its parties")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof as JSON").click()
    kept = tmp_path / "proof.json"
    download.value.save_as(kept)
    page.goto("/proof/")
    page.get_by_role("link", name="Check a proof you have").click()
    page.get_by_label("Or its file").set_input_files(kept)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="Every claim holds")).to_be_visible()
    changed = kept.read_text().replace(number, "gb12-invoice-999999")
    page.get_by_label("Proof", exact=True).fill(changed)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="A claim does not hold")).to_be_visible()
    expect(page.get_by_text("fails", exact=True).first).to_be_visible()


def test_the_owner_opens_the_document_from_its_proof_without_javascript(open_page, served):
    with transaction(served.site.engine) as session:
        number = invoices_of(session, {("gb12", SUPPLIER)})[-1].number
    page = open_page("/proof/", SUPPLIER, javascript=False)
    page.get_by_label("Find a document").fill(number)
    page.get_by_role("button", name="Show its proof").click()
    page.get_by_role("link", name="Open the document").click()
    expect(page).to_have_url(f"{served.url}/invoices/{number}/")
