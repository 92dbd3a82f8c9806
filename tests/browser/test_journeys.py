"""What people come to do, done in a browser."""

import re
import subprocess
import sys

from playwright.sync_api import expect

from tests.browser.conftest import confirm, sign_in
from tests.portal.site import GENERATOR, SUPPLIER


def test_a_supplier_signs_in_opens_an_invoice_and_follows_why_to_an_interval(open_page, served):
    page = open_page("/account/sign-in/")
    sign_in(page, SUPPLIER, served.passwords[SUPPLIER])
    expect(page.get_by_role("heading", level=1)).to_have_text("Invoices")
    row = page.get_by_role("row").filter(has_text=re.compile("Invoice"))
    row.get_by_role("link", name=re.compile("gb12-invoice-")).first.click()
    expect(page.get_by_text("To pay to the market")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Why")).first.click()
    page.get_by_role("link", name=re.compile("31 Mar 2024")).click()
    expect(page.get_by_text("The day has 46 intervals")).to_be_visible()
    page.get_by_role("link", name="12:00 to 12:30 BST").click()
    expect(page.get_by_role("heading", name="How it came about")).to_be_visible()
    expect(page.get_by_text("of other participants").first).to_be_visible()
    expect(page.get_by_text(re.compile("^Shapley value of"))).to_have_count(0)
    page.get_by_role("link", name="AP-3.4").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Allocation policy")
    expect(page.locator(":target")).to_contain_text("Shapley value")


def test_a_supplier_takes_a_document_away_as_a_file(open_page):
    page = open_page("/invoices/", SUPPLIER, javascript=False)
    page.get_by_role("link", name=re.compile("gb12-invoice-")).last.click()
    number = page.get_by_role("heading", level=1).text_content()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="PDF with Factur-X").click()
    assert waiting.value.suggested_filename == f"{number}.pdf"
    assert waiting.value.path().read_bytes().startswith(b"%PDF-1.7")


def test_a_generator_follows_why_to_a_shapley_value(open_page):
    page = open_page("/invoices/", GENERATOR)
    page.get_by_role("link", name="gb12-self-billed-").last.click()
    page.get_by_role("link", name=re.compile("^Why")).first.click()
    page.get_by_role("link", name=re.compile("31 Mar 2024")).click()
    page.get_by_role("link", name="12:00 to 12:30 BST").click()
    expect(page.get_by_text(re.compile("^Shapley value of")).first).to_be_visible()


def test_a_note_leads_to_what_it_corrects_and_back(open_page):
    page = open_page("/invoices/", GENERATOR)
    page.get_by_role("link", name="gb12-self-billed-").first.click()
    first = page.get_by_role("heading", level=1).text_content()
    page.locator(".notice").get_by_role("link").click()
    assert page.get_by_role("heading", level=1).text_content() != first
    page.locator(".notice").get_by_role("link", name=first).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)


def test_an_auditor_replays_a_run_and_sees_equal_digests(open_page, served):
    page = open_page(f"/runs/{served.site.later_run}/", "auditor")
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("Running")).to_be_visible()
    expect(page.get_by_text("The same bytes")).to_be_visible(timeout=60_000)
    stored, recomputed = page.locator(".digests dd").all_text_contents()
    assert stored == recomputed
    assert len(stored.replace(" ", "")) == 64
    expect(page.get_by_role("button", name="Replay again")).to_be_visible()


def test_an_auditor_downloads_the_evidence_of_a_run_and_it_verifies(open_page, served, tmp_path):
    page = open_page(f"/runs/{served.site.later_run}/", "auditor")
    page.get_by_role("link", name="Download the evidence").click()
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download(timeout=60_000) as started:
        page.get_by_role("link", name="Download", exact=True).click(timeout=60_000)
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    page = open_page(f"/runs/{served.site.later_run}/", "auditor")
    with page.expect_download() as started:
        page.get_by_role("link", name="verify.py").click()
    started.value.save_as(tmp_path / "verify.py")
    verifier = [sys.executable, "-I", "-S", "verify.py", path.name]
    outcome = subprocess.run(verifier, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Everything holds." in outcome.stdout, outcome.stderr


def test_without_javascript_a_replay_is_asked_for_and_read_by_loading_again(open_page, served):
    page = open_page(f"/runs/{served.site.first_run}/", "auditor", javascript=False)
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("load it again")).to_be_visible()
    for _ in range(240):
        page.wait_for_timeout(250)
        page.reload()
        if page.get_by_text("The same bytes").count():
            break
    stored, recomputed = page.locator(".digests dd").all_text_contents()
    assert stored == recomputed


def test_a_visitor_reads_the_rules_of_another_day(open_page):
    page = open_page("/")
    page.get_by_role("link", name="Read the rules in force").click()
    page.get_by_label("In force on").fill("2024-03-30")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=re.compile("Market rules")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Market rules")
    expect(page.get_by_text("£6,000.00 per MWh").first).to_be_visible()


def test_signing_out_closes_what_was_open(open_page, served):
    page = open_page("/account/sign-in/?next=/invoices/")
    sign_in(page, SUPPLIER, served.passwords[SUPPLIER])
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Both halves of one account")
    page.goto("/invoices/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_an_operator_places_a_payment_that_waits_and_the_account_shows_it(
    open_page, served, windows
):
    windows.cookies.pop("operator", None)  # another test may have confirmed who it is of late
    page = open_page("/payments/", "operator")
    page.get_by_role("region", name="Queue of payments").get_by_role("link").first.click()
    payment = page.get_by_role("heading", level=1).text_content()
    expect(page.get_by_text("no such document").first).to_be_visible()
    document = page.locator("#open-documents option").first.get_attribute("value")
    page.get_by_label("Document 1").fill(document)
    page.get_by_label("Amount 1").fill("1.00")
    page.get_by_label("Reason").fill("The payer named the document by telephone")
    page.get_by_role("button", name="Allocate").click()
    confirm(page, served.passwords["operator"])
    expect(page.get_by_text(f"Not posted yet. {payment}: £1.00 to {document}")).to_be_visible()
    page.get_by_role("button", name="Post it").click()
    expect(page.get_by_text("Posted as journal")).to_be_visible()
    decided = page.get_by_role("region", name="Decisions").get_by_role("row").last
    expect(decided).to_contain_text("by telephone")
    page.get_by_role("region", name="Allocation").get_by_role("link", name=document).click()
    page.get_by_role("link", name="Accounts").click()
    owner = page.get_by_role("region", name="Open items of gb12").get_by_role("link")
    for place in range(owner.count()):
        page.goto("/accounts/")
        owner.nth(place).click()
        if page.get_by_text(f"bank transaction {payment}").count():
            break
    expect(page.get_by_text(f"bank transaction {payment}")).to_be_visible()


def test_a_supplier_reads_its_account_and_how_its_debt_stands(open_page):
    page = open_page("/accounts/", SUPPLIER)
    page.get_by_role("list").get_by_role("link", name=SUPPLIER).click()
    expect(page.get_by_text("Closing balance").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert download.value.suggested_filename.startswith(f"gb12-{SUPPLIER}-")
    page.get_by_role("link", name="Credit").click()
    expect(page.get_by_role("row").filter(has_text=SUPPLIER)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)


def test_a_participant_reads_what_changed_and_marks_it_as_read(open_page):
    page = open_page("/rules/", SUPPLIER)
    page.get_by_role("link", name=re.compile("^Notices")).click()
    news = page.locator("ol.notices > li.new")
    expect(news).not_to_have_count(0)
    corrected = page.get_by_role("listitem").filter(has_text="Run SF corrected")
    corrected.get_by_text("By kind of account").click()
    expect(corrected.get_by_role("row").nth(1)).to_be_visible()
    corrected.get_by_role("link", name="gb12-invoice-").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gb12-invoice-")
    page.get_by_role("link", name=re.compile("^Notices")).click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(news).to_have_count(0)
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()


def test_an_operator_finds_a_day_of_the_calendar_and_its_run(open_page):
    page = open_page("/runs/", "operator")
    page.get_by_role("link", name="Calendar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Settlement calendar")
    page.get_by_text("Day by day").click()
    days = page.get_by_role("region", name="Days by run")
    row = days.get_by_role("row").filter(has_text="31 Mar 2024")
    expect(row).to_contain_text("Overdue since")
    row.get_by_role("link", name="Posted").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("II, 30 Mar 2024")
    expect(page.get_by_role("region", name="Energy by area")).to_contain_text("zone/scotland")
    with page.expect_download() as download:
        page.get_by_role("link", name="Every interval as CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
