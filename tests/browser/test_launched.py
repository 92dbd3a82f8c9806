"""A Chromium that was ended, as one that stopped answering is, is followed by a new one."""

import pytest
from playwright.sync_api import Error

from tests.browser.launched import ENDED, end_chromium


def test_whoever_waits_is_told_and_the_next_has_a_new_one(launched, windows):
    before = windows.page_of(None, javascript=False)
    end_chromium()
    with pytest.raises(Error) as told:
        before.context.new_page().goto("about:blank")
    assert type(told.value).__name__ == ENDED
    after = windows.page_of(None, javascript=False)
    assert after.goto("/").ok
    assert launched.browser().is_connected()
