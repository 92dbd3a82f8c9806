"""A passkey from setting it up to taking it away, with a device that Chromium plays."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, confirm, sign_in

WHO = "doric"
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
    "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture
def page(chromium, served) -> Iterator[Page]:
    """A window with a device; by a name, as passkeys are of names and not of addresses."""
    url = served.url.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=url, viewport=WIDE)
    opened, said = context.new_page(), []
    opened.set_default_timeout(10_000)
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    device = context.new_cdp_session(opened)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    yield opened
    context.close()
    assert said == []


def fits(page: Page) -> bool:
    page.set_viewport_size(NARROW)
    is_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.set_viewport_size(WIDE)
    return not is_wide


def test_a_passkey_is_added_signs_in_and_is_removed(page, served):
    password = served.passwords[WHO]
    page.goto("/account/sign-in/?next=/account/two-factor/")
    sign_in(page, WHO, password)
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page, password)
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a passkey")
    assert fits(page)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    assert fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a file").click()
    codes = page.locator("pre.codes").text_content().split()
    assert download.value.path().read_text().split()[-10:] == codes
    page.get_by_role("button", name="Sign out").click()

    page.goto("/account/sign-in/?next=/account/two-factor/webauthn/")
    sign_in(page, WHO, password)
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    assert fits(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Passkeys")
    assert fits(page)
    page.get_by_role("link", name="Remove Passkey 1").click()
    page.get_by_role("link", name="Use a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Remove a passkey")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
